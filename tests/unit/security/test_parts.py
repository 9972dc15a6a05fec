"""Old decoders are named by `doctor` (S8 of the threat model), and nothing here unpacks what somebody packed (S18)."""

import ast
from pathlib import Path

import pytest

from reelqueue.ahead import checks
from reelqueue.media.ffmpeg import Ffmpeg, find_ffmpeg, is_mended
from reelqueue.settings import Settings
from reelqueue.wording import speak

ROOT = Path(__file__).parents[3]
PACKERS = {
    "zipfile",
    "tarfile",
    "zipimport",
    "bz2",
    "lzma",
    "zlib",
    "py7zr",
    "rarfile",
    "patoolib",
    "zstandard",
    "brotli",
    "compression",
}
UNPACKS = {"unpack_archive", "extractall", "decompress", "decompressobj", "GzipFile"}
OUR_OWN = {"reelqueue/art/icons.py"}
"""Reads the icons that we ship."""


@pytest.mark.parametrize(
    ("version", "mended"),
    [
        ("7.1.1", False), ("8.1.2", False), ("n8.1.2-3-gabc", False), ("8.1.2-0+deb14u1", False), ("8.1.3", True), ("8.2", True), ("9.0.2", True),
        ("n9.0.2-17-g2a571b6068-20260930", True), ("10.0", True), ("N-121000-gabcdef", None), ("?", None),
    ],
)  # fmt: skip
async def test_doctor_names_an_ffmpeg_whose_decoders_have_known_holes(monkeypatch, version, mended):
    speak("en")

    async def found(_setting):
        return Ffmpeg(Path("/usr/bin/ffmpeg"), version)

    monkeypatch.setattr(checks, "find_ffmpeg", found)
    (finding,) = await checks.ffmpeg(Settings(_env_file=None))

    assert is_mended(version) is mended
    assert finding.level == ("warn" if mended is False else "ok")
    assert ("8.1.3" in str(finding.do)) is (mended is False)


async def test_the_ffmpeg_that_comes_with_us_is_one_without_them():
    import imageio_ffmpeg  # noqa: PLC0415 - of this test alone

    assert is_mended((await find_ffmpeg(Path(imageio_ffmpeg.get_ffmpeg_exe()))).version)


def test_no_archive_is_ever_unpacked():
    """An import copies files one by one; a backup is the operator's, by the operator's tools (docs/operations.md)."""
    unpacking = {}
    for top in ("reelqueue", "jobs", "storage", "progress", "worker_settings.py"):
        for path in [ROOT / top] if top.endswith(".py") else (ROOT / top).rglob("*.py"):
            text, name = path.read_text(encoding="utf-8"), path.relative_to(ROOT).as_posix()
            if not any(word in text for word in PACKERS | UNPACKS | {"gzip"}):
                continue
            for node in ast.walk(ast.parse(text)):
                if isinstance(node, ast.Import | ast.ImportFrom):
                    modules = (
                        {one.name.partition(".")[0] for one in node.names}
                        if isinstance(node, ast.Import)
                        else {(node.module or "").partition(".")[0]}
                    )
                    unpacking.setdefault(name, set()).update(modules & PACKERS)
                told = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
                opens = isinstance(node, ast.Attribute) and ast.unparse(node) == "gzip.open"
                unpacking.setdefault(name, set()).update({told} & UNPACKS | ({"gzip.open"} if opens else set()))

    assert {name for name, found in unpacking.items() if found} == OUR_OWN
    assert unpacking["reelqueue/art/icons.py"] == {"gzip.open"}

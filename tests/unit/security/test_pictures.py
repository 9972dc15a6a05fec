"""A picture from outside is decoded in a limited child, as one of three kinds, up to its caps, and written anew: S9 of the threat model."""

import asyncio
import functools
import io
import re
import struct
import zlib
from pathlib import Path

import pytest
from PIL import Image, features

from reelqueue.dashboard.project.miniatures import SHOWN, Miniatures
from reelqueue.errors import InvalidBrief
from reelqueue.media import image_child
from reelqueue.media.image import LIMITS, ingest
from reelqueue.media.image_child import FORMATS, LEAST_SIDE, MOST_FILE_BYTES, MOST_PIXELS, Refused, convert
from reelqueue.process import python_child
from storage import Paths


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(path, *more, size=(32, 32)):
    """A PNG of black with chunks of somebody's own before its pixels."""
    rows = b"".join(b"\0" + bytes(size[0] * 3) for _ in range(size[1]))
    head = struct.pack(">IIBBBBB", *size, 8, 2, 0, 0, 0)
    parts = [chunk(b"IHDR", head), *more, chunk(b"IDAT", zlib.compress(rows, 9)), chunk(b"IEND", b"")]
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(parts))
    return path


@functools.cache
def packed(megabytes):
    return zlib.compress(bytes(megabytes << 20), 1)


def ztxt(path):
    return png(path, *[chunk(b"zTXt", b"Comment\0\0" + packed(32))] * 8)


def itxt(path):
    return png(path, *[chunk(b"iTXt", b"Comment\0\1\0en\0\0" + packed(32))] * 8)


def profile(path):
    return png(path, chunk(b"iCCP", b"x\0\0" + packed(32)))


def exif(path):
    """A picture whose EXIF says that it has four billion entries."""
    return png(path, chunk(b"eXIf", b"II*\0\x08\0\0\0\xff\xff" + b"\x12\x01\x04\0\xff\xff\xff\xff\x08\0\0\0" * 5_000))


def endless(path):
    """An animation that claims a billion pictures, as PNG has them."""
    return png(
        path, chunk(b"acTL", struct.pack(">II", 10**9, 0)), chunk(b"fcTL", struct.pack(">IIIIIHHBB", 0, 32, 32, 0, 0, 1, 1, 0, 0))
    )


def flat(path):
    """60 kB that are 60 MB in memory."""
    return png(path, size=(10_000, 2_000))


def of_kind(kind):
    def made(path):
        body = io.BytesIO()
        Image.new("P" if kind == "GIF" else "RGB", (64, 64)).save(body, kind)
        path.write_bytes(body.getvalue())
        return path

    return made


def long_gif(path):
    picture = of_kind("GIF")(path).read_bytes()
    frame = b"\x21\xf9\x04\0\x01\0\0\0\x2c\0\0\0\0\x40\0\x40\0\0\x02\x02\x4c\x01\0"
    path.write_bytes(picture[:-1] + frame * 100_000 + b"\x3b")
    return path


def written(body):
    def made(path):
        path.write_bytes(body)
        return path

    return made


FOREIGN = {
    kind: of_kind(kind) for kind in ("GIF", "BMP", "TIFF", "PPM", "ICO", "ICNS", "EPS", "PDF", "TGA", "PCX", "DDS", "SGI")
} | {
    "a GIF without end": long_gif,
    "SVG": written(b'<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>'),
    "PSD": written(b"8BPS\0\1" + bytes(6) + struct.pack(">HIIHH", 3, 64, 64, 8, 3) + bytes(64)),
    "FITS": written(b"SIMPLE  =                    T".ljust(80) + b"END".ljust(80)),
    "WMF": written(struct.pack("<IHhhhhHIH", 0x9AC6CDD7, 0, 0, 0, 64, 64, 96, 0, 0)),
    "FPX": written(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(512)),
    "ffconcat": written(b"ffconcat version 1.0\nfile /etc/passwd\n"),
    "a page": written(b"<html></html>"),
}
if features.check("avif"):
    FOREIGN["AVIF"] = of_kind("AVIF")
BOMBS = {
    "text": ztxt,
    "text of the other kind": itxt,
    "a colour profile": profile,
    "EXIF": exif,
    "an animation": endless,
    "black": flat,
}


@pytest.mark.parametrize("make", FOREIGN.values(), ids=FOREIGN.keys())
@pytest.mark.parametrize("ending", [".png", ".jpg"])
def test_only_three_kinds_are_opened_whatever_a_file_is_named(tmp_path, make, ending):
    with pytest.raises(Refused) as refused:
        convert(make(tmp_path / f"a{ending}"), tmp_path / "out")

    assert refused.value.code == "not_a_picture"
    assert FORMATS == ("PNG", "JPEG", "WEBP")


async def test_no_bomb_takes_more_than_the_child_may_have_and_none_takes_the_worker_along(tmp_path):
    """All in one child, which is asked for each and then for a picture: it is still there."""
    before = resident_mb("self")
    async with python_child("reelqueue.media.image_child", limits=LIMITS) as child:
        for number, make in enumerate(BOMBS.values()):
            source = make(tmp_path / f"{number}.png")
            assert source.stat().st_size < 4 << 20
            answer = await child.ask_one({"source": str(source), "target": str(tmp_path / "out")}, stall_s=60)
            assert {"picture", "refused"} & set(answer)
        last = await child.ask_one({"source": str(png(tmp_path / "a.png")), "target": str(tmp_path / "out")})
        peak = resident_mb(child.process.pid, "VmHWM")

    assert last["picture"]["width"] == 32
    assert peak < 400  # 60 MB decoded, a copy or two of it, and Pillow
    assert resident_mb("self") - before < 50


async def test_a_picture_that_takes_too_much_is_refused_and_its_child_gone(tmp_path, monkeypatch):
    """The limit itself: what got past every other check ends here."""
    from reelqueue.media import image  # noqa: PLC0415 - its limits are lowered

    monkeypatch.setattr(image, "LIMITS", image.Limits(memory_bytes=160 << 20, cpu_seconds=20, file_bytes=1 << 20))

    with pytest.raises(InvalidBrief, match=r"a\.png"):
        await ingest(flat(tmp_path / "a.png"), tmp_path / "out")

    assert not (tmp_path / "out").exists()
    assert (await ingest(png(tmp_path / "b.png"), tmp_path / "out")).width == 32


def resident_mb(pid, what="VmRSS"):
    found = re.search(rf"{what}:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(encoding="ascii"))
    return int(found[1]) / 1024


@pytest.mark.parametrize(("side", "code"), [(100, None), (101, "too_large")])
def test_the_cap_on_pixels_is_where_it_says(tmp_path, monkeypatch, side, code):
    monkeypatch.setattr(image_child, "MOST_PIXELS", 100 * 100)

    assert verdict(png(tmp_path / "a.png", size=(100, side)), tmp_path) == code
    assert MOST_PIXELS == 40_000_000


@pytest.mark.parametrize(("side", "code"), [(LEAST_SIDE, None), (LEAST_SIDE - 1, "too_small")])
def test_and_that_on_sides(tmp_path, side, code):
    assert verdict(png(tmp_path / "a.png", size=(64, side)), tmp_path) == code


@pytest.mark.parametrize(("more", "code"), [(0, None), (1, "too_large")])
def test_and_that_on_bytes(tmp_path, monkeypatch, more, code):
    source = png(tmp_path / "a.png")
    monkeypatch.setattr(image_child, "MOST_FILE_BYTES", source.stat().st_size - more)

    assert verdict(source, tmp_path) == code
    assert MOST_FILE_BYTES == 100 << 20


def verdict(source, tmp_path):
    try:
        convert(source, tmp_path / "out")
    except Refused as refused:
        return refused.code
    return None


def test_the_limits_of_the_child_are_these():
    assert (LIMITS.memory_bytes, LIMITS.cpu_seconds, LIMITS.file_bytes) == (1536 << 20, 60, 256 << 20)


def test_nothing_of_the_file_but_its_picture_is_written(tmp_path):
    convert(png(tmp_path / "a.png", chunk(b"tEXt", b"Comment\0<?php secret"), chunk(b"zzZz", b"secret")), tmp_path / "out")

    assert b"secret" not in (tmp_path / "out").read_bytes()


# --- the board, which shows small pictures ---


async def test_the_board_decodes_only_what_we_encoded_anew(tmp_path):
    files = Paths(tmp_path).project(1)
    files.images.mkdir(parents=True)
    small = Miniatures()
    for name in ("abc.png", "own-abc.png"):
        png(files.images / name)
    gif = of_kind("GIF")(files.images / "b.png")
    png(files.images / "huge.png", size=(3_841, 3_840))

    shown = await asyncio.gather(
        *(small.of(files, f"images/{name}") for name in ("abc.png", "own-abc.png", gif.name, "huge.png"))
    )

    assert [one is not None for one in shown] == [True, False, False, False]
    assert not any(
        SHOWN.fullmatch(name) for name in ("images/../x.png", "images/a/b.png", "images/a.svg", "../a.png", "images/a.png\n")
    )

"""The files of a project that may be seen: which they are, of which type, and the way to one of them, which leads nowhere else."""

import asyncio
import os
import re
import stat
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

from reelqueue.models.project import ProjectState
from storage import Paths, ProjectFiles

FOLDERS = ("output", "script", "images", "audio", "avatars", "segments", "assets", "render", "thumbnail")
TOP = ("script.json", "events.jsonl")
"""Beside them in the project's folder lie the state (told by the API), the upload session's secret address, the lease and the idempotency key: nobody's to see."""
MOST_LISTED = 20_000
TYPES = {
    ".mp4": "video/mp4",
    ".mov": "video/quicktime",
    ".webm": "video/webm",
    ".mkv": "video/x-matroska",
    ".m4a": "audio/mp4",
    ".mp3": "audio/mpeg",
    ".aac": "audio/aac",
    ".wav": "audio/wav",
    ".flac": "audio/flac",
    ".ogg": "audio/ogg",
    ".opus": "audio/ogg",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".png": "image/png",
    ".webp": "image/webp",
    ".gif": "image/gif",
    ".avif": "image/avif",
    ".srt": "application/x-subrip",
    ".vtt": "text/vtt; charset=utf-8",
    ".json": "application/json",
    ".jsonl": "application/x-ndjson",
    ".txt": "text/plain; charset=utf-8",
}
"""What a browser may show; anything else, HTML and SVG among it, is bytes to keep."""
BYTES = "application/octet-stream"
CAPTIONS_VTT = "output/captions.vtt"
"""Made of `captions.srt` when it is asked for: what a browser's player takes."""
_FIRST = ("output/final_video.mp4", "output/thumbnail.jpg", "output/captions.srt", "script.json")


_TIMES = re.compile(r"^(\d+:\d\d:\d\d),(\d{3}) --> (\d+:\d\d:\d\d),(\d{3})", re.MULTILINE | re.ASCII)


def type_of(name: str) -> str:
    """A file's type by the end of its name."""
    return TYPES.get(PurePosixPath(name).suffix.lower(), BYTES)


def way_to(files: ProjectFiles, name: str) -> Path | None:
    """The path of a file below a project's folder; None where there is none, it is no file, or not to be seen.  Synchronous.

    `name` is as a request has it.  Links are followed and have to end in the folder.
    """
    parts = name.split("/")
    if not _may_be_seen(parts) or "\\" in name or "\0" in name:
        return None
    try:
        root = files.root.resolve(strict=True)
        path = root.joinpath(*parts).resolve(strict=True)
        seen = path.relative_to(root).parts
        return path if _may_be_seen(seen) and stat.S_ISREG(path.stat().st_mode) else None
    except (OSError, ValueError, RuntimeError):  # not there, elsewhere, a name that can't be one, a loop of links
        return None


def _may_be_seen(parts: Sequence[str]) -> bool:
    if any(part in {"", ".", ".."} or part.startswith(".") or part.endswith(".part") for part in parts):
        return False
    return parts[0] in TOP if len(parts) == 1 else parts[0] in FOLDERS


async def listed(paths: Paths, state: ProjectState) -> list[tuple[str, os.stat_result, str | None]]:
    """Every file of a project that may be seen: its path, what the disk says of it, its sha256 where the state knows it."""
    known = {one.path: one.sha256 for stage in state.stages.values() for one in stage.artifacts}
    found = await asyncio.to_thread(lambda: list(_files(paths.project(state.project_id).root)))
    found.sort(key=lambda one: (_FIRST.index(one[0]) if one[0] in _FIRST else len(_FIRST), one[0]))
    return [(name, status, known.get(name)) for name, status in found[:MOST_LISTED]]


def _files(root: Path) -> Iterator[tuple[str, os.stat_result]]:
    for name in TOP:
        yield from _one(root / name, name)
    for folder in FOLDERS:
        for place, below, names in os.walk(root / folder):
            below[:] = [name for name in below if not name.startswith(".")]
            for name in names:
                shown = (Path(place) / name).relative_to(root).as_posix()
                if _may_be_seen(shown.split("/")):
                    yield from _one(Path(place) / name, shown)


def _one(path: Path, shown: str) -> Iterator[tuple[str, os.stat_result]]:
    try:
        status = path.lstat()
    except OSError:  # it went meanwhile
        return
    if stat.S_ISREG(status.st_mode):
        yield shown, status


def written_at(status: os.stat_result) -> datetime:
    """When a file was written last."""
    return datetime.fromtimestamp(status.st_mtime, UTC)


def as_vtt(srt: str) -> str:
    """Captions as WebVTT: a head, and points for commas in the times."""
    return "WEBVTT\n\n" + _TIMES.sub(r"\1.\2 --> \3.\4", srt.lstrip("\ufeff").replace("\r\n", "\n"))

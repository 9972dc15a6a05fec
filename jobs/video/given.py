"""Files from outside the project, by their content: what a fingerprint has to know of them.

A file that can't be read counts as none, and so does what is none (a pipe, a device, a name that can't be one) or is larger than
any that we take: the work meets it again and says what is wrong.
"""

import asyncio
import functools
import hashlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from reelqueue.media.audio import MOST_MUSIC_BYTES

FONT_SUFFIXES = frozenset({".ttf", ".otf", ".ttc"})


async def content_of(path: str | Path | None) -> str | None:
    """The sha256 of a file; None where there is none."""
    return None if path is None else await asyncio.to_thread(_content, Path(path))


async def fonts_in(folder: Path | None) -> dict[str, str | None]:
    """The fonts of FONT_DIR by name, each with the sha256 of its content; empty where there is no such folder."""

    def read() -> dict[str, str | None]:
        return {path.name: _content(path) for path in _files(folder) if path.suffix.lower() in FONT_SUFFIXES}

    return await asyncio.to_thread(read)


async def names_in(folder: Path | None) -> list[list[str | int]]:
    """The files of a folder by name and size: enough to see that it holds others now."""
    return await asyncio.to_thread(lambda: [[path.name, path.stat().st_size] for path in _files(folder)])


def _files(folder: Path | None) -> Iterator[Path]:
    if folder is not None and folder.is_dir():
        yield from sorted(path for path in folder.iterdir() if path.is_file())


def _content(path: Path) -> str | None:
    try:
        about = path.stat()
        if not stat.S_ISREG(about.st_mode) or about.st_size > MOST_MUSIC_BYTES:
            return None
        return _hashed(path, about.st_ino, about.st_size, about.st_mtime_ns)
    except (OSError, ValueError):  # the second: a zero in its name
        return None


@functools.lru_cache(maxsize=256)
def _hashed(path: Path, _inode: int, _size: int, _mtime_ns: int) -> str:
    """Hashed again only where the file may be another: a job is judged often, and a font has tens of megabytes."""
    with open(path, "rb", opener=_at_once) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):  # it was swapped since it was looked at
            raise OSError(path)
        return hashlib.file_digest(file, "sha256").hexdigest()


def _at_once(path: str, flags: int) -> int:
    """Opened without waiting for whoever may write into it."""
    return os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC)

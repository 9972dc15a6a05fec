"""Files from outside the project, by their content: what a fingerprint has to know of them.

A file that can't be read counts as none: the work meets it again and says what is wrong.
"""

import asyncio
import functools
import hashlib
from collections.abc import Iterator
from pathlib import Path

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
        stat = path.stat()
        return _hashed(path, stat.st_ino, stat.st_size, stat.st_mtime_ns)
    except OSError:
        return None


@functools.lru_cache(maxsize=256)
def _hashed(path: Path, _inode: int, _size: int, _mtime_ns: int) -> str:
    """Hashed again only where the file may be another: a job is judged often, and a font has tens of megabytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

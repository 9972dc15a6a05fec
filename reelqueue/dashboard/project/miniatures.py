"""Small pictures of large ones, for lists and film strips: made on demand, kept in memory, never on disk."""

import asyncio
import io
import os
import re
import threading
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path

import structlog

from storage import ProjectFiles

SIZE_PX = (192, 108)
"""The largest of what is shown (96 by 54), for screens of two dots a pixel."""
MOST_PIXELS = 3_840 * 3_840
"""Of a picture that is opened at all: what we encode anew is no larger (`media/image_child.py`)."""
MOST_BYTES = 60_000_000
MOST_KEPT = 600
"""About 5 kB each: three megabytes for as many as a dozen pages show."""
SHOWN = re.compile(r"(?:output/thumbnail\.jpg|images/(?!own-)[A-Za-z0-9_-]{1,120}\.(?:jpg|jpeg|png|webp))", re.ASCII)
"""The files of a project that have a small picture.  What an import brought (`own-...`) is not decoded here, but as it was encoded anew."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Seen:
    """Which file it was."""

    path: str
    inode: int
    mtime_ns: int


class Miniatures:
    """The small pictures that this process made last."""

    def __init__(self) -> None:
        self._kept: OrderedDict[_Seen, bytes] = OrderedDict()
        self._places = asyncio.Semaphore(2)
        self._turn = threading.Lock()

    async def of(self, files: ProjectFiles, name: str) -> bytes | None:
        """The picture `name` of a project as a small JPEG; None where there is none of that name, or it can't be opened."""
        if not SHOWN.fullmatch(name):
            return None
        async with self._places:
            return await asyncio.to_thread(self._of, files.root, name)

    def _of(self, root: Path, name: str) -> bytes | None:
        try:
            with _opened(root, name) as file:
                status = os.fstat(file.fileno())
                seen = _Seen(f"{root}/{name}", status.st_ino, status.st_mtime_ns)
                with self._turn:  # two threads make them
                    kept = self._kept.get(seen)
                    if kept is not None:
                        self._kept.move_to_end(seen)
                        return kept
                small = _small(file) if status.st_size <= MOST_BYTES else None
        except OSError:
            return None
        if small is not None:
            with self._turn:
                self._kept[seen] = small
                while len(self._kept) > MOST_KEPT:
                    self._kept.popitem(last=False)
        return small


def _opened(root: Path, name: str) -> io.BufferedReader:
    """The file, if it lies in the project's own folder: no step of the way is a link."""
    folder, _, file = name.partition("/")
    within = os.open(root / folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        handle = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=within)
    finally:
        os.close(within)
    return open(handle, "rb")  # noqa: PTH123 - it has no path any more


def _small(file: io.BufferedReader) -> bytes | None:
    from PIL import Image  # noqa: PLC0415 - a board that shows no picture loads no Pillow

    try:
        with Image.open(file, formats=("JPEG", "PNG", "WEBP")) as picture:
            if picture.width * picture.height > MOST_PIXELS:
                return None
            picture.draft("RGB", SIZE_PX)  # a JPEG is decoded at an eighth of its size
            picture.thumbnail(SIZE_PX)
            out = io.BytesIO()
            picture.convert("RGB").save(out, "JPEG", quality=82)
            return out.getvalue()
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:  # SyntaxError is Pillow's for a broken PNG
        log.warning("picture_not_shown", error=str(error))
        return None

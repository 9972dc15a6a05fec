"""Folders in the making for projects that come from elsewhere: filled at leisure, then adopted in one step.

Beside `projects/`, whose lock a copy of gigabytes must not hold.  One import at a time: the lock says so, and under it
whatever lies here is a killed one's.
"""

import contextlib
import secrets
import shutil
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from reelqueue.errors import Conflict
from reelqueue.wording import Text
from storage import disk
from storage.answers import Missing, Unavailable
from storage.hop import BULK, hop
from storage.paths import Paths, ProjectFiles

WAIT_SECONDS = 2.0
"""How long an import waits for another to end before it says so."""


class Incoming:
    """The place where one import prepares folders."""

    def __init__(self, paths: Paths) -> None:
        self._paths = paths

    @contextlib.asynccontextmanager
    async def folder(self) -> AsyncIterator[ProjectFiles]:
        """A fresh folder; removed at the end unless it was adopted."""
        root = self._paths.incoming / secrets.token_hex(8)
        files = ProjectFiles(root)
        try:
            await hop(files.make)
            yield files
        finally:
            await hop(lambda: shutil.rmtree(root, ignore_errors=True))

    async def room_for(self, sources: Sequence[Path], *, spare_bytes: float) -> None:
        """See to it that copies of these files fit, and `spare_bytes` are left.

        Raises:
            DiskFull: they don't.
        """
        wanted = await hop(lambda: sum(path.stat().st_size for path in sources))
        free = (await hop(shutil.disk_usage, self._paths.root)).free
        if free < wanted + spare_bytes:
            raise disk.disk_full(self._paths.incoming)

    async def copy(self, source: Path, target: Path) -> Path:
        """A copy of somebody else's file, ours to move; returns `target`.

        Raises:
            DiskFull: there was no space.  Unavailable: it could not be read or written.
        """
        await hop(_copied, source, target, threads=BULK)
        return target


@contextlib.asynccontextmanager
async def open_incoming(paths: Paths) -> AsyncIterator[Incoming]:
    """The place to prepare folders in, this import's alone; what a killed one left is swept.

    Raises:
        Conflict: another import goes on.
    """
    await hop(disk.make_folder, paths.incoming)
    async with contextlib.AsyncExitStack() as stack:
        lock = disk.locked(paths.incoming, wait_s=WAIT_SECONDS)
        try:
            await hop(lock.__enter__)
        except Unavailable as error:
            raise Conflict(
                Text("另一個匯入正在進行", "another import goes on"), Text("等它結束後再試一次", "try again when it has ended")
            ) from error
        stack.push_async_callback(hop, lock.__exit__, None, None, None)
        await hop(_swept, paths.incoming)
        yield Incoming(paths)


def _swept(folder: Path) -> None:
    for left in folder.iterdir():
        if left.is_dir():
            shutil.rmtree(left, ignore_errors=True)


def _copied(source: Path, target: Path) -> None:
    try:
        with disk.translated(target):
            shutil.copyfile(source, target)
            target.chmod(disk.FILE_MODE)
    except Missing as error:  # the source: the folder is ours
        raise Unavailable(str(source), "it is gone") from error

"""Which queues a person paused: `paused/<queue>`, an empty file each, as old as the pause.

Redis has a copy, which workers read; one that lost its memory is told again from here.  An empty file, so that a disk that is
full takes it too, and that there is nothing in it to be damaged.
"""

import contextlib
from collections.abc import Mapping
from pathlib import Path

from storage import disk
from storage.answers import Missing, Unavailable
from storage.hop import hop

_MS_NS = 1_000_000


class Pauses:
    """The markers below one `DATA_DIR`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def keep(self, queue: str) -> None:
        """Note that a queue is paused; one that is noted stays as old as it is.  Raises Unavailable, DiskFull: it may not be noted."""
        await hop(self._keep, queue)

    async def forget(self, queue: str) -> None:
        """It is paused no more.  Raises Unavailable: it may still be noted."""
        await hop(self._forget, queue)

    async def all(self) -> Mapping[str, int]:
        """The paused queues, and since when (ms).  Raises Unavailable."""
        return await hop(self._all)

    async def holds(self, queue: str) -> bool:
        """Whether a queue is noted as paused.  Raises Unavailable."""
        return queue in await self.all()

    def _keep(self, queue: str) -> None:
        try:
            with disk.translated(self._folder):
                disk.make_folder(self._folder)
                path = self._folder / queue
                if not path.exists():
                    path.touch(mode=disk.FILE_MODE)
                disk.sync_folder(self._folder)
        except Missing as error:  # a stray file lies where the folder would
            raise Unavailable(str(self._folder), error.__cause__) from error

    def _forget(self, queue: str) -> None:
        try:
            with disk.translated(self._folder):
                (self._folder / queue).unlink(missing_ok=True)
                disk.sync_folder(self._folder)
        except Missing:  # nothing was ever paused
            return

    def _all(self) -> dict[str, int]:
        try:
            with disk.translated(self._folder):
                paths = list(self._folder.iterdir())
        except Missing:  # nothing was ever paused; asked by `is_dir`, a disk that does not answer would say so, too
            return {}
        found = dict[str, int]()
        for path in paths:
            with contextlib.suppress(Missing), disk.translated(path):  # it goes on since we looked
                found[path.name] = path.stat().st_mtime_ns // _MS_NS
        return found

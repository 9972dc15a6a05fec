"""What a channel published, as far as videos are known again by it: `history/<channel>/<project>.json`, about 1 kB each.

Small files, each replaced whole and read again only where it is another by now: so thousands are looked at in milliseconds.
To look and to write down is one step under the channel's lock: of two that are alike and come at once, the second sees the first.
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import structlog
from pydantic import ValidationError

from reelqueue import failpoints
from reelqueue.models.likeness import Likeness
from storage import disk
from storage.answers import Missing
from storage.hop import BULK, hop

MOST_VIDEOS = 5_000
"""Of a channel, the newest by the number of their projects: older ones are not looked at."""
BEGUN = "begun"
T = TypeVar("T")
Stamp = tuple[int, int, int]

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class History:
    """The channels below one `DATA_DIR`, as one process sees them."""

    folder: Path
    _known: dict[Path, tuple[Stamp, Likeness]] = field(default_factory=dict)

    async def of(self, channel: str, project_id: int) -> Likeness | None:
        """What is written down of a project; None where nothing is.  Raises Unavailable."""
        return await hop(self._of, self._path(channel, project_id))

    async def note(
        self, channel: str, mine: Likeness, found: Callable[[Sequence[Likeness]], Sequence[T]], *, anyway: bool = False
    ) -> Sequence[T]:
        """Look for what `found` finds among the channel's other videos; where it finds nothing, or `anyway`, write `mine` down.

        Raises:
            DiskFull: nothing was written.  Unavailable: it may be there or not.
        """
        return await hop(self._note, channel, mine, found, anyway=anyway, threads=BULK)

    async def is_begun(self, channel: str) -> bool:
        """Whether what was there before the history is written down in it.  Raises Unavailable."""
        return await hop((self.folder / channel / BEGUN).exists)

    async def begin(self, channel: str) -> None:
        """What was there before the history is written down.  Raises DiskFull, Unavailable: it is not known to be."""
        await hop(self._begin, self.folder / channel)

    async def forget(self, channel: str, project_id: int) -> None:
        """A project's video is none of the channel's.  One that is not there is no matter.  Raises Unavailable."""
        await hop(self._forget, self._path(channel, project_id))

    def _begin(self, folder: Path) -> None:
        with disk.translated(folder):
            disk.make_folder(self.folder)
            disk.make_folder(folder)
            (folder / BEGUN).touch(mode=disk.FILE_MODE)
            disk.sync_folder(folder)

    def _path(self, channel: str, project_id: int) -> Path:
        return self.folder / channel / f"{project_id}.json"

    def _of(self, path: Path) -> Likeness | None:
        try:
            return _read(disk.read(path))
        except Missing:
            return None

    def _note(
        self, channel: str, mine: Likeness, found: Callable[[Sequence[Likeness]], Sequence[T]], *, anyway: bool
    ) -> Sequence[T]:
        path = self._path(channel, mine.project_id)
        with disk.translated(path):
            disk.make_folder(self.folder)
            disk.make_folder(path.parent)
            with disk.locked(path.parent):
                alike = found(self._others(path))
                if anyway or not alike:
                    disk.place(path, mine.model_dump_json().encode())
                    failpoints.hit("history.noted")
        return alike

    def _forget(self, path: Path) -> None:
        self._known.pop(path, None)
        with disk.translated(path):
            path.unlink(missing_ok=True)

    def _others(self, own: Path) -> list[Likeness]:
        with os.scandir(own.parent) as entries:
            there = {int(name): entry for entry in entries if (name := entry.name.removesuffix(".json")).isdecimal()}
        newest = sorted(there, reverse=True)[:MOST_VIDEOS]
        found = [self._one(there[number]) for number in newest if there[number].name != own.name]
        return [one for one in found if one is not None]

    def _one(self, entry: os.DirEntry[str]) -> Likeness | None:
        path = Path(entry.path)
        try:
            stat = entry.stat()
            stamp = (stat.st_ino, stat.st_size, stat.st_mtime_ns)
            known = self._known.get(path)
            if known is not None and known[0] == stamp:
                return known[1]
            read = _read(path.read_bytes())
        except FileNotFoundError:  # forgotten just now
            return None
        except OSError as error:  # one that can't be read is not known again, which stops nobody
            if disk.says_nothing_of_the_file(error):
                raise
            log.warning("likeness_unreadable", path=entry.path, error=str(error))
            return None
        if read is not None:
            self._known[path] = (stamp, read)
        return read


def _read(body: bytes) -> Likeness | None:
    """None where another version wrote it, or a disk spoilt it: it is not known again, which stops nobody."""
    try:
        return Likeness.model_validate_json(body)
    except ValidationError:
        return None

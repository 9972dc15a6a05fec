"""Events that webhooks are to be told, a file each: `outbox/{pending,delivered,given_up}/<event>@<destination>.json`.

One is written before anybody may forget that it happened (a project's marker `open/<id>` goes afterwards), and moves on when it
was delivered.  A crash between the delivery and its note leaves it pending: it is delivered again, under the same id.
What was delivered is kept to be sent again on request, and so that nobody who finds the same event anew writes it anew.
"""

import contextlib
import os
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Literal

import structlog
from pydantic import ValidationError

from reelqueue import failpoints
from reelqueue.errors import ReelqueueError
from reelqueue.models.event import Delivery
from storage import disk
from storage.answers import Missing
from storage.hop import hop

Place = Literal["pending", "delivered", "given_up"]
PLACES: tuple[Place, ...] = ("pending", "delivered", "given_up")
"""In the order in which one goes through them: who looks in this order finds it, however fast it moves."""
SUFFIX = ".json"
SETTLED_NS = 100_000_000
"""A folder that changed so long ago has the time of its last change; clocks of file systems tick every few milliseconds."""

log = structlog.get_logger(__name__)


class Outbox:
    """The outbox of one installation, as one process sees it.  Those that end in `_now` run in the caller's thread."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read: dict[str, tuple[tuple[int, int], Delivery | None]] = {}
        self._unwritten: dict[str, tuple[Delivery, Place]] = {}
        self._order: list[Delivery] = []
        self._as_of_ns = 0

    def is_there(self) -> bool:
        """Whether anybody ever was to be told; looked up in the caller's thread."""
        return self._folder.is_dir()

    async def make(self) -> None:
        """Make the folder, where it is not there.  Raises DiskFull, Unavailable."""
        if not await hop(self._folder.is_dir):
            with disk.translated(self._folder):
                await hop(disk.make_folder, self._folder)

    def add_now(self, delivery: Delivery) -> bool:
        """Keep what is to be delivered, durably; False where it was known already, delivered or not.

        Raises:
            DiskFull, Unavailable: it is not kept.
        """
        if any(self._path(place, delivery.name).exists() for place in PLACES):
            return False
        with disk.translated(self._folder):
            disk.make_folder(self._folder / "pending")
            disk.place(self._path("pending", delivery.name), _body(delivery))
            failpoints.hit("outbox.kept")
        return True

    async def add(self, delivery: Delivery) -> bool:
        """See `add_now`."""
        return await hop(self.add_now, delivery)

    async def knows(self, names: Iterable[str]) -> set[str]:
        """Which of these are known, delivered or not."""
        return await hop(lambda: {name for name in names if any(self._path(place, name).exists() for place in PLACES)})

    async def pending(self) -> Sequence[Delivery]:
        """What is still to be delivered, oldest first; a file that was looked at before and is the same is not read again.

        Raises:
            Unavailable: the disk does not answer.
        """
        return await hop(self._pending_now)

    async def listed(self, place: Place) -> Sequence[Delivery]:
        """All of one place, oldest first.  Raises Unavailable."""
        return await hop(self._listed, place)

    async def note(self, delivery: Delivery) -> None:
        """Keep how far a pending one is; without fsync: what a power cut takes is tried once more.

        Never raises: what finds no space is remembered here, and written later; a crash before that delivers once more.
        """
        await hop(self._written, delivery, "pending")

    async def moved(self, delivery: Delivery, place: Place) -> None:
        """Put one where it belongs now, as `note`.  A crash in between leaves it pending, too, where it is found first."""
        await hop(self._written, delivery, place)

    async def again(self, name: str) -> Delivery | None:
        """Let one that was delivered or given up be delivered again, under its old id; None where there is none of that name.

        Raises:
            DiskFull, Unavailable.
        """
        return await hop(self._again, name)

    async def forget(self, before: datetime, kept: Iterable[str] = ()) -> int:
        """Forget what was delivered or given up before then; returns how many.

        What belongs together goes together, when the last of it is so old; of these subjects ("p12", "b3"), which go on, nothing
        goes: what is not known any more would be found anew, and told once more.

        Raises:
            Unavailable.
        """
        return await hop(self._forget, before, frozenset(kept))

    def _pending_now(self) -> Sequence[Delivery]:
        for delivery, place in list(self._unwritten.values()):
            self._written(delivery, place)
        found = self._pending()
        if not self._unwritten:
            return found
        newest = [self._unwritten.get(one.name, (one, "pending")) for one in found]
        return [delivery for delivery, place in newest if place == "pending"]

    def _pending(self) -> Sequence[Delivery]:
        folder = self._folder / "pending"
        with disk.translated(folder):
            try:
                changed_ns, now_ns = folder.stat().st_mtime_ns, time.time_ns()
            except FileNotFoundError:
                return []
            if changed_ns == self._as_of_ns:
                return self._order
            found = dict[str, tuple[tuple[int, int], Delivery | None]]()
            for entry in _entries(folder):
                with contextlib.suppress(FileNotFoundError):  # delivered by another meanwhile
                    seen = entry.stat()
                    key = (seen.st_mtime_ns, seen.st_ino)
                    known = self._read.get(entry.name)
                    delivery = known[1] if known is not None and known[0] == key else self._load(Path(entry.path))
                    found[entry.name] = (key, delivery)  # None: it can't be read, which was told
        self._read, self._order = found, _in_order(delivery for _, delivery in found.values() if delivery is not None)
        self._as_of_ns = changed_ns if now_ns - changed_ns > SETTLED_NS else 0  # a change in the same tick would not be seen
        return self._order

    def _listed(self, place: Place) -> Sequence[Delivery]:
        return _in_order(found for path in self._paths(place) if (found := self._load(path)) is not None)

    def _paths(self, place: Place) -> Iterable[Path]:
        folder = self._folder / place
        with disk.translated(folder):
            try:
                return [Path(entry.path) for entry in _entries(folder)]
            except FileNotFoundError:
                return ()

    def _load(self, path: Path) -> Delivery | None:
        try:
            return Delivery.model_validate_json(path.read_bytes())
        except FileNotFoundError:
            return None
        except (ValidationError, OSError) as error:
            log.warning("event_unreadable", path=str(path), error=type(error).__name__)
            return None

    def _written(self, delivery: Delivery, place: Place) -> None:
        try:
            if place == "pending":
                with disk.translated(self._folder):
                    disk.place(self._path(place, delivery.name), _body(delivery), durable=False)
            else:
                self._move(delivery, place)
            self._unwritten.pop(delivery.name, None)
        except (ReelqueueError, Missing) as error:
            if delivery.name not in self._unwritten:
                log.warning("event_not_noted", told=delivery.name, error=str(error))
            self._unwritten[delivery.name] = (delivery, place)

    def _move(self, delivery: Delivery, place: Place) -> None:
        with disk.translated(self._folder):
            disk.make_folder(self._folder / place)
            disk.place(self._path(place, delivery.name), _body(delivery), durable=False)
            failpoints.hit("outbox.moved")
            for other in PLACES:
                if other != place:
                    self._path(other, delivery.name).unlink(missing_ok=True)

    def _again(self, name: str) -> Delivery | None:
        for place in PLACES:
            found = self._load(self._path(place, name))
            if found is not None:
                fresh = Delivery(event=found.event, destination=found.destination)
                self._move(fresh, "pending")
                return fresh
        return None

    def _forget(self, before: datetime, kept: frozenset[str]) -> int:
        subjects, gone = defaultdict[str, list[Path]](list), 0
        for path in (path for place in PLACES[1:] for path in self._paths(place)):
            subjects[_subject(path)].append(path)
        for subject in subjects.keys() - kept - {_subject(path) for path in self._paths("pending")}:
            with disk.translated(self._folder):
                if all(path.stat().st_mtime < before.timestamp() for path in subjects[subject]):
                    for path in subjects[subject]:
                        path.unlink(missing_ok=True)
                        gone += 1
        return gone

    def _path(self, place: Place, name: str) -> Path:
        if "/" in name or name.startswith("."):
            raise ValueError(name)
        return self._folder / place / f"{name}{SUFFIX}"


def _subject(path: Path) -> str:
    return path.name.partition("-")[0]


def _entries(folder: Path) -> Iterator[os.DirEntry[str]]:
    with os.scandir(folder) as entries:
        yield from (entry for entry in entries if entry.name.endswith(SUFFIX))


def _body(delivery: Delivery) -> bytes:
    return delivery.model_dump_json(exclude_defaults=True).encode()


def _in_order(found: Iterable[Delivery]) -> list[Delivery]:
    return sorted(found, key=lambda one: (one.event.at, one.event.order, one.name))

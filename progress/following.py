"""One topic by the hub, for one reader: what was, then what comes, and what there is to say when Redis is away.

What `progress.subscriber` promises holds here, too: in order, nothing twice, nothing left out but figures that a later event
overtook within its quarter second.  Who falls behind, or was away for longer than the log reaches, gets a snapshot: the last event.
"""

import contextlib
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from typing import Protocol

from progress.bundle import Bundle, Told
from progress.connection import LOST
from progress.events import ProgressEvent, Topic
from progress.hub import Ended, Gap, Gone, Hub, Item, Link
from progress.log import Kept
from progress.subscriber import Truth
from reelqueue.errors import BatchNotFound, ProjectNotFound, TransientError

KEEP_ALIVE_SECONDS = 15.0


class Source(Truth, Protocol):
    """The disk, which knows an unfinished one, too."""

    async def standing(self) -> ProgressEvent:
        """Where it stands, with `seq` 0.

        Raises:
            ProjectNotFound, BatchNotFound: it is unknown.
        """
        ...


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The last event, where those before it are left out."""

    told: Told


class Alive:
    """Nothing happened: somebody on the way may want to see a byte."""


Part = Bundle | tuple[Told, ...] | Snapshot | Link | Alive


@dataclass(slots=True)
class Following:
    """One reader.  `epoch` and `seq` are those of the last event that it was given.

    `push`, where it is given, passes on at once what simply follows, without a turn of the reader's own, or says False.
    """

    hub: Hub
    topic: Topic
    source: Source
    epoch: str | None = None
    seq: int = 0
    last: ProgressEvent | None = None
    push: Callable[[Bundle], bool] | None = None
    _has_to_read: bool = False
    _is_gone: bool = False

    async def parts(self) -> AsyncGenerator[Part]:
        """What there is to say, without end but the topic's own.  The first comes at once, unless all was said before."""
        with (
            self.hub.reader(self.topic, self._is_pushed) as box,
            contextlib.suppress(ProjectNotFound, BatchNotFound),
        ):  # deleted meanwhile: an end
            for part in await self._opening():
                yield part
            while not self._is_gone and not await self._is_over():
                taken = await box.take(KEEP_ALIVE_SECONDS)
                if taken is None:
                    return
                for part in await self._hear(*taken):
                    yield part

    def _is_pushed(self, item: Item) -> bool:
        """Whether it was passed on at once: no more than what follows the last one, and is no end."""
        if self.push is None or self._has_to_read or not isinstance(item, Bundle):
            return False
        if item.epoch != self.epoch or item.after != self.seq or item.last.is_end or not self.push(item):
            return False
        self.seq, self.last = item.last.seq, item.last
        return True

    async def _opening(self) -> list[Part]:
        away_since = self.hub.away_since
        found: list[Part] = [] if away_since is None else [Link(away_since)]
        found += await self._catch_up()
        if away_since is not None and self.last is None:
            found.append(Snapshot(await self._known_standing()))
        return found if found or await self._is_over() else [Alive()]

    async def _hear(self, items: list[Item], has_lost: bool) -> list[Part]:
        """What to say of what came."""
        found: list[Part] = []
        is_behind = self._has_to_read
        if has_lost:
            told = self.hub.last(self.topic)
            is_behind = is_behind or told is None
            if told is not None and self._accept(told):
                found.append(Snapshot(told))
        for item in items:
            part = self._part(item)
            is_behind = is_behind or part is None
            if part:
                found.append(part)
        if is_behind:
            found += await self._catch_up()
        return found if found or items else [Alive()]

    async def _catch_up(self) -> list[Part]:
        """What the log tells, and the end that it does not tell."""
        kept, self._has_to_read = await self._log()
        found = self._from_log(kept)
        if (end := await self._unheard_end()) is not None:
            found.append((end,))
        return found

    def _part(self, item: Item) -> Part | None:
        """What to say of it, perhaps nothing; None where the log has to be read."""
        match item:
            case Bundle() if item.epoch == self.epoch and item.after <= self.seq:
                return self._news_of(item)
            case Bundle() | Gap():
                return None
            case Gone():
                self._is_gone = True
            case Link():
                return item
            case Ended():
                told = self._placed(item.end)
                return (told,) if self._accept(told) else ()
        return ()

    def _news_of(self, bundle: Bundle) -> Part:
        is_new = bundle.told[0].event.seq > self.seq
        told = tuple(one for one in bundle.told if self._accept(one))
        return bundle if is_new else told

    async def _log(self) -> tuple[Kept | None, bool]:
        """What is kept, and whether it has still to be read: it is, when Redis is back."""
        try:
            return await self.hub.read(self.topic, self.epoch, self.seq), False
        except LOST:
            return None, True

    def _from_log(self, kept: Kept | None) -> list[Part]:
        if kept is None:
            return []
        found = [told for told in map(Told.of, kept.entries) if told is not None]
        if self.epoch is None:
            self.epoch, self.seq = kept.epoch, kept.after
        if found and (found[-1].event.epoch, found[-1].event.seq) == (self.epoch, self.seq):
            self.last = found[-1].event
        has_gap = bool(self.seq) and kept.epoch == self.epoch and bool(found) and found[0].event.seq > self.seq + 1
        new = tuple(told for told in found if self._accept(told))
        if not new:
            return []
        return [Snapshot(new[-1])] if has_gap else [new]

    async def _known_standing(self) -> Told:
        told = self.hub.last(self.topic)
        return told if told is not None else Told.saying(await self.source.standing())

    async def _unheard_end(self) -> Told | None:
        try:
            end = await self.source.unheard_end()
        except TransientError:  # the disk does not answer: it is asked again
            return None
        if end is None or (self.last is not None and self.last.is_end):
            return None
        told = self._placed(end)
        return told if self._accept(told) else None

    def _placed(self, end: ProgressEvent) -> Told:
        already = self.last is not None and self.last.is_end and self.last.status == end.status
        seq = self.seq if already else self.seq + 1
        return Told.saying(end.model_copy(update={"seq": seq, "epoch": self.epoch or end.epoch}))

    def _accept(self, told: Told) -> bool:
        event = told.event
        if event.epoch == self.epoch and event.seq <= self.seq:
            return False
        self.epoch, self.seq, self.last = event.epoch, event.seq, event
        return True

    async def _is_over(self) -> bool:
        """Whether the last event is an end that no later run follows."""
        if self.last is None or not self.last.is_end:
            return False
        try:
            end = await self.source.end()
        except TransientError:  # the disk does not answer: it is asked again
            return False
        return end is not None and end.status == self.last.status

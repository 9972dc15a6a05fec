"""What was, then what comes: each event once and in order, whatever happens to the connection.

Subscribe first, then read the log after the last event known, then listen: so nothing falls between.  The log is read
again after each new subscription, at each gap in `seq`, and when it has been quiet for a while (a message may have been
lost with a connection that looked alive).  Another `epoch` means that Redis lost its memory: the count begins anew.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from redis.asyncio import Redis
from redis.exceptions import AuthenticationError, NoPermissionError

from progress.connection import LOST
from progress.events import ProgressEvent, Topic, parse_event
from progress.log import read_log
from reelqueue.errors import BatchNotFound, InstallationError, ProjectNotFound
from reelqueue.tally import GAPS, TALLY
from reelqueue.wording import Text

WATCHDOG_SECONDS = 2.0
"""How long it may be quiet before the log and the state are looked at."""
RECONNECT_SECONDS = (0.1, 0.2, 0.5, 1.0)
"""Pauses before connecting again; the last one repeats."""

Connect = Callable[[], AbstractAsyncContextManager[Redis]]


class Truth(Protocol):
    """What the disk says of the project or the batch."""

    async def end(self) -> ProgressEvent | None:
        """How it ended, as an event with `seq` 0; None while it has not.

        Raises:
            ProjectNotFound, BatchNotFound: it is unknown.
        """
        ...

    async def unheard_end(self) -> ProgressEvent | None:
        """The same, but only where the end is old enough for its event to have come."""
        ...


@dataclass(slots=True)
class Follower:
    """One subscription.  `epoch` and `seq` are those of the last event that was given out."""

    topic: Topic
    connect: Connect
    truth: Truth
    epoch: str | None = None
    seq: int = 0
    last: ProgressEvent | None = None

    async def follow(self) -> AsyncIterator[ProgressEvent]:
        """The events; ends after the last one of the latest run.

        Raises:
            ProjectNotFound, BatchNotFound: at the start, when it is unknown.
        """
        await self.truth.end()
        with contextlib.suppress(ProjectNotFound, BatchNotFound):  # deleted meanwhile: an end, too
            async for event in self._follow():
                yield event

    async def _follow(self) -> AsyncIterator[ProgressEvent]:
        failures = 0
        while True:
            try:
                async with self.connect() as redis:
                    async for event in self._listen(redis):
                        failures = 0
                        yield event
                    return
            except LOST as failure:
                if isinstance(failure, RuntimeError) and "closed" not in str(failure):
                    raise  # no transport of uvloop's: a mistake of ours
                if _is_refusal(failure):
                    raise _refused() from failure
                end = await self._unheard_end()  # nobody is left to tell us
            if end is not None:
                if self._accept(end):
                    yield end
                return
            await asyncio.sleep(RECONNECT_SECONDS[min(failures, len(RECONNECT_SECONDS) - 1)])
            failures += 1

    async def _listen(self, redis: Redis) -> AsyncIterator[ProgressEvent]:
        """The events over one connection; returns at the end, raises when the connection is lost."""
        await redis.ping()  # a refusal is raised here; a subscription would hide it
        async with redis.pubsub() as channel:
            await channel.subscribe(self.topic.channel)
            while True:
                message = await channel.get_message(timeout=WATCHDOG_SECONDS)
                is_live = message is not None and message["type"] == "message"
                live = parse_event(message["data"]) if is_live else None
                if live is not None and (live.project_id, live.batch_id) != (self.topic.project_id, self.topic.batch_id):
                    continue  # somebody speaks of another on this channel
                if live is not None and live.epoch == self.epoch and live.seq > self.seq + 1:
                    TALLY.count(GAPS)
                found = [live] if live is not None and self._follows(live) else await self._read_log(redis)
                for event in found:
                    if self._accept(event):
                        yield event
                if await self._is_over():
                    return
                if not is_live and (end := await self._unheard_end()) is not None:
                    if self._accept(end):
                        yield end
                    return

    async def _read_log(self, redis: Redis) -> list[ProgressEvent]:
        """What is kept and not yet given out; where the log has gone, the one last event."""
        kept = await read_log(redis, self.topic, self.epoch, self.seq)
        if kept is None:
            return []
        if self.epoch is None:
            self.epoch, self.seq = kept.epoch, kept.after
        events = [event for event in map(parse_event, kept.entries) if event is not None]
        if events and (events[-1].epoch, events[-1].seq) == (self.epoch, self.seq):
            self.last = events[-1]
        return events

    def _follows(self, event: ProgressEvent) -> bool:
        return event.epoch == self.epoch and event.seq == self.seq + 1

    def _accept(self, event: ProgressEvent) -> bool:
        """Whether the event is new; if so it is the last one from now on."""
        if event.epoch == self.epoch and event.seq <= self.seq:
            return False
        self.epoch, self.seq, self.last = event.epoch, event.seq, event
        return True

    async def _is_over(self) -> bool:
        """Whether the last event is an end that no later run follows."""
        if self.last is None or not self.last.is_end:
            return False
        end = await self.truth.end()
        return end is not None and end.status == self.last.status

    async def _unheard_end(self) -> ProgressEvent | None:
        end = await self.truth.unheard_end()
        if end is None:
            return None
        already = self.last is not None and self.last.is_end and self.last.status == end.status
        seq = self.seq if already else self.seq + 1
        return end.model_copy(update={"seq": seq, "epoch": self.epoch or end.epoch})


def parse_after(after: int | str | None) -> tuple[str | None, int]:
    """Epoch and seq of `after`: a seq, or "epoch:seq".

    Raises:
        ValueError: it is neither.
    """
    if after is None:
        return None, 0
    epoch, _, seq = str(after).rpartition(":")
    if isinstance(after, bool) or not seq.isascii() or not seq.isdigit():
        raise ValueError(f"after= takes a seq or 'epoch:seq', not {after!r}")
    return epoch or None, int(seq)


def _is_refusal(failure: Exception) -> bool:
    """Whether no later try helps.  redis-py raises plain errors with these texts, too."""
    said = str(failure)
    known = isinstance(failure, AuthenticationError | NoPermissionError)
    return known or "Authentication required" in said or "username-password" in said


def _refused() -> InstallationError:
    return InstallationError(
        Text("Redis 拒絕連線：密碼或權限不對", "Redis refuses us: a wrong or missing password, or too few rights"),
        Text("請在 REDIS_URL 中寫上使用者與密碼", "write the user and the password into REDIS_URL"),
    )

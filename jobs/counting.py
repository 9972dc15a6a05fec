"""Hands over what this process counted: at once when a stage ended, else every few seconds, and last when it ends.

A Redis that is away costs nothing: the batch waits, and counts once however often it is tried.  One that lost its memory is first told
what the disk knows.  A worker that ends while Redis is away leaves its batch on disk, for whoever counts next.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

import structlog
from arq.connections import ArqRedis
from redis.exceptions import RedisError

from jobs.copying import copy, restore
from jobs.fleet import Fleet
from jobs.rollups import COUNTED, Rollups
from jobs.tally import kind_of, queue_stood
from reelqueue import clock
from reelqueue.errors import ReelqueueError
from reelqueue.tally import TALLY, Batch, Tally
from storage import Owner, Paths
from storage.chronicle import Chronicle, Left

HAND_OVER_SECONDS, LAST_SECONDS = 4.0, 1.5
"""How often a process hands over what is not worth a call of its own; how long the last time may take."""
MINUTE_KEPT_SECONDS = 180

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Counting:
    """One process's counts on their way to Redis.  `redis` gives None while it is known to be away; `process` names this one."""

    redis: Callable[[], ArqRedis | None]
    chronicle: Chronicle
    process: str
    tally: Tally = field(default_factory=lambda: TALLY)
    minute: int = 0

    async def hand_over(self) -> bool:
        """Hand over all that was counted; False while Redis is away, or is told what the disk knows: it is tried again.

        Raises:
            RedisError, OSError: it may have arrived or not; the next time it counts once.
        """
        redis = self.redis()
        if redis is None:
            return False
        rollups = Rollups(redis)
        while not self.tally.is_empty:
            number, batch = self.tally.pending()
            if not await self._added(rollups, self.process, number, batch):
                return False
            self.tally.arrived(number)
        return True

    async def each_minute(self) -> None:
        """Once a minute, by whoever is first: how the queues stand, what others left, the copy on disk.

        Raises:
            RedisError, OSError, ReelqueueError: the next minute does it.
        """
        redis, now = self.redis(), clock.now()
        minute = int(now.timestamp() // 60)
        if redis is None or minute == self.minute:
            return
        rollups, self.minute = Rollups(redis), minute
        if not await rollups.is_mine(f"{COUNTED}:at:{minute}", MINUTE_KEPT_SECONDS):
            return
        for queue in await Fleet(redis).queues():
            queue_stood(queue.name, now, waiting=queue.waiting, oldest_s=queue.oldest_s, running=queue.running)
        await self.take_what_was_left()
        if await self.hand_over():
            await copy(rollups, self.chronicle, now)

    async def take_what_was_left(self) -> None:
        """Hand over what others left on disk; that two do so at once counts it once.

        Raises:
            RedisError, OSError, ReelqueueError: what is still there is taken the next time.
        """
        redis = self.redis()
        if redis is None:
            return
        rollups = Rollups(redis)
        for left in await self.chronicle.left():
            if await self._added(rollups, left.process, left.number, Batch(left.totals, left.minutes, left.runs)):
                await self.chronicle.taken(left)

    async def leave(self) -> None:
        """Keep on disk what could not be handed over.

        Raises:
            DiskFull, StorageUnavailable: it is lost.
        """
        while not self.tally.is_empty:
            number, batch = self.tally.pending()
            totals, minutes = dict(batch.totals), {minute: dict(fields) for minute, fields in batch.minutes.items()}
            await self.chronicle.leave(Left(process=self.process, number=number, totals=totals, minutes=minutes, runs=batch.runs))
            self.tally.arrived(number)

    async def _added(self, rollups: Rollups, process: str, number: int, batch: Batch) -> bool:
        if await rollups.add(process, number, batch):
            return True
        return await restore(rollups, self.chronicle, clock.now()) and await rollups.add(process, number, batch)


@contextlib.asynccontextmanager
async def counted(
    redis: Callable[[], ArqRedis | None], chronicle: Chronicle, process: str, tally: Tally = TALLY
) -> AsyncIterator[Counting]:
    """Hand over what this process counts, until the block ends."""
    counting, soon, loop = Counting(redis, chronicle, process, tally), asyncio.Event(), asyncio.get_running_loop()

    def hurry() -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: we end
            loop.call_soon_threadsafe(soon.set)

    async def for_ever() -> None:
        await _tried(counting.take_what_was_left)
        while True:
            await _tried(counting.hand_over)
            await _tried(counting.each_minute)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(HAND_OVER_SECONDS):
                    await soon.wait()
            soon.clear()

    counting.tally.listeners.append(hurry)
    handing_over = asyncio.create_task(for_ever())
    try:
        yield counting
    finally:
        counting.tally.listeners.remove(hurry)
        handing_over.cancel()
        await asyncio.wait({handing_over})
        await _last(counting)


async def hand_over_once(redis: ArqRedis, paths: Paths, owner: Owner) -> None:
    """Hand over what this process counted so far.  Where Redis is away by now it stays in memory: never raises."""
    counting = Counting(lambda: redis, Chronicle(paths.metrics), owner.name)
    await _tried(lambda: asyncio.wait_for(counting.hand_over(), LAST_SECONDS))


async def _last(counting: Counting) -> None:
    handed = False
    with contextlib.suppress(RedisError, OSError, TimeoutError):
        async with asyncio.timeout(LAST_SECONDS):
            handed = await counting.hand_over()
    if not handed:
        await _tried(counting.leave)


async def _tried(act: Callable[[], Awaitable[object]]) -> None:
    """Do it.  Counting never stops the work, whatever it meets."""
    try:
        await act()
    except (RedisError, TimeoutError) as error:
        say = log.warning if kind_of(error) == "other" else log.debug  # of a server that is away the worker's own looks tell
        say("not_counted_yet", error=str(error))
    except (OSError, ReelqueueError) as error:
        log.warning("not_counted_yet", error=str(error))
    except Exception as error:  # a bug; were this to end, nothing would be counted any more
        log.exception("bug", exc_info=error)

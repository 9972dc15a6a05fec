"""What people ask of workers: that no job of a queue begins, that one worker takes nothing more.

A worker reads both from Redis, in the call by which it takes jobs (`jobs.claims`), and is woken when they are written.  That a
queue is paused is kept on disk, too: a Redis that lost its memory is told of it before it gives any job (`jobs.client.claim`).
"""

from arq.connections import ArqRedis

from storage.pauses import Pauses

PAUSED_PREFIX = "reelqueue:paused:"
"""A queue that is paused: since when, in ms.  It stays until somebody lets the queue go on."""
DRAIN_PREFIX = "reelqueue:drain:"
"""A worker that takes nothing more, by its name, which no other ever has."""
DRAIN_ASKED_SECONDS = 86_400
"""A worker hears of it within a second; one that was stopped that long hears of it when it goes on."""


def paused_key(queue: str) -> str:
    """Where it stands that a queue is paused."""
    return PAUSED_PREFIX + queue


def drain_key(worker: str) -> str:
    """Where it stands that a worker takes nothing more."""
    return DRAIN_PREFIX + worker


async def pause(redis: ArqRedis, pauses: Pauses, queue: str) -> None:
    """Let no job of a queue begin.  Whoever paused it first did.

    Redis first: where the disk refuses, workers have heard of it all the same.

    Raises:
        RedisError: it may be paused or not.
        Unavailable, DiskFull: it is paused until Redis loses its memory.
    """
    seconds, microseconds = await redis.time()
    await redis.set(paused_key(queue), seconds * 1000 + microseconds // 1000, nx=True)
    await pauses.keep(queue)


async def resume(redis: ArqRedis, pauses: Pauses, queue: str) -> None:
    """Let a queue go on.

    Raises:
        Unavailable: it stays paused.
        RedisError: it may go on or not.
    """
    await pauses.forget(queue)
    await redis.delete(paused_key(queue))


async def put_back(redis: ArqRedis, pauses: Pauses) -> list[str]:
    """Tell Redis of the pauses that it does not know of; returns their queues.

    Raises:
        RedisError, Unavailable: it may not know of all.
    """
    told = [queue for queue, since in (await pauses.all()).items() if await redis.set(paused_key(queue), since, nx=True)]
    return [queue for queue in told if await pauses.holds(queue) or not await redis.delete(paused_key(queue))]

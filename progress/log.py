"""What Redis keeps of a topic's events, read: those after the last one known; where the log has gone, the one last event."""

from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from typing import cast

from redis.asyncio import Redis

from progress.events import Topic


@dataclass(frozen=True, slots=True)
class Kept:
    """`entries` are events as they were sent, oldest first, of this `epoch`; they follow the event `after`.

    Where nothing follows `after`, or the log has gone, the last event of all is the only entry.
    """

    epoch: str
    after: int
    entries: tuple[bytes, ...]


async def read_log(redis: Redis, topic: Topic, epoch: str | None, seq: int) -> Kept | None:
    """What is kept after the event `seq` of `epoch`; None where nothing was ever told.

    A `seq` without its epoch is of this one, unless it is higher than that came.

    Raises:
        RedisError, OSError: the server does not answer, or refuses us.
    """
    held = await cast(Awaitable[list[bytes | None]], redis.hmget(topic.last_key, ["epoch", "seq", "event"]))
    now, count, last = held
    if now is None or count is None or last is None:
        return None
    is_known = epoch == now.decode() or (epoch is None and seq <= int(count))
    after = seq if is_known else 0
    entries = await redis.xrange(topic.log_key, min=f"({after}", max="+")
    return Kept(now.decode(), after, tuple(fields[b"e"] for _, fields in entries) or (last,))


async def read_newest(redis: Redis, topic: Topic, most: int) -> tuple[bytes, ...]:
    """The last `most` events as they were sent, oldest first.

    Raises:
        RedisError, OSError: the server does not answer, or refuses us.
    """
    entries = await redis.xrevrange(topic.log_key, count=most)
    return tuple(fields[b"e"] for _, fields in reversed(entries))


async def read_last(redis: Redis, topics: Sequence[Topic]) -> tuple[bytes, ...]:
    """The last event of each of these topics of which one is known, by one call.

    Raises:
        RedisError, OSError: the server does not answer, or refuses us.
    """
    async with redis.pipeline(transaction=False) as asked:
        for topic in topics:
            asked.hget(topic.last_key, "event")
        return tuple(found for found in await asked.execute() if found is not None)

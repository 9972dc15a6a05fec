"""A publisher in a process of its own: `python -m benchmarks.fanouts.publisher REDIS_URL TOPICS A_SECOND SECONDS`.

Tells of the projects 1 to TOPICS in turn; each event says when it was told, in nanoseconds since 1970, as late as can be: right before it
is sent to Redis.  Prints how many were told.
"""

import asyncio
import sys
import time

from redis.asyncio import Redis

from progress import Publisher

MARK = b"told at "


async def tell(url: str, topics: int, a_second: float, seconds: float) -> int:
    """So many a second in all, one after the other, at even steps."""
    async with Redis.from_url(url) as redis:
        publisher, began = Publisher(redis), time.monotonic()
        due = round(a_second * seconds)
        for count in range(due):
            await asyncio.sleep(max(0.0, began + count / a_second - time.monotonic()))
            await publisher.publish(
                project_id=count % topics + 1,
                stage="script_generation",
                progress=100 * count / due,
                message=f"told at {time.time_ns()} 第 7 / 18 景",
                status="running",
                run=1,
            )
        return due


def told_at(line: bytes) -> int:
    """When an event says that it was told."""
    return int(line.partition(MARK)[2].partition(b" ")[0])


if __name__ == "__main__":
    _, url, topics, a_second, seconds = sys.argv
    print(asyncio.run(tell(url, int(topics), float(a_second), float(seconds))), flush=True)

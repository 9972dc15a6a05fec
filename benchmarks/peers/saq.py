"""SAQ on Redis.

Best: uvloop, no kept results; for the take-over retries, a heartbeat that the job itself sends, and a sweep each second.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvloop
from saq import Queue, Worker

from benchmarks import drive
from benchmarks.drive import BEAT_SECONDS, BEST, CONCURRENCY, LAST_STAGE, REDIS, STAY_SECONDS, TAKE_OVER, Enqueue, mark

OPTIONS: dict[str, Any] = {"ttl": -1} if BEST else {}
STAY: dict[str, Any] = {"timeout": STAY_SECONDS, "heartbeat": 15, "retries": 5} if BEST else {"timeout": STAY_SECONDS}


async def noop(_ctx: dict[str, Any], *, job: str) -> None:
    """Nothing."""
    mark(job)


async def step(ctx: dict[str, Any], *, job: str, stage: int) -> None:
    """One stage of a chain."""
    mark(job, stage)
    if stage < LAST_STAGE:
        await ctx["worker"].queue.enqueue("step", job=job, stage=stage + 1, **OPTIONS)


async def stay(ctx: dict[str, Any], *, job: str) -> None:
    """A long job that says that it lives."""
    mark(job)
    for _ in range(STAY_SECONDS // BEAT_SECONDS):
        await asyncio.sleep(BEAT_SECONDS)
        await ctx["job"].update()


def work() -> None:
    """One worker."""
    queue = Queue.from_url(REDIS)
    watchful: dict[str, Any] = {"timers": {"sweep": 1}} if BEST and TAKE_OVER else {}
    size = {"concurrency": CONCURRENCY} if CONCURRENCY else {}

    async def working() -> None:
        await queue.connect()
        await Worker(queue, [noop, step, stay], **watchful, **size).start()
        await queue.disconnect()

    if BEST:
        uvloop.run(working())
    else:
        asyncio.run(working())


@asynccontextmanager
async def client() -> AsyncIterator[Enqueue]:
    """SAQ's own."""
    queue = Queue.from_url(REDIS)
    await queue.connect()

    async def enqueue(function: str, job: str, stage: int | None = None) -> None:
        arguments = {"job": job} if stage is None else {"job": job, "stage": stage}
        await queue.enqueue(function, **arguments, **(STAY if function == "stay" else OPTIONS))

    yield enqueue
    await queue.disconnect()


if __name__ == "__main__":
    drive.main(work, client)

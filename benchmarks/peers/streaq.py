"""streaq.

Best: uvloop, no kept results or log lines; for the take-over an idle time-out of 15 s, which it renews.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from streaq import Worker

from benchmarks import drive
from benchmarks.drive import BEST, CONCURRENCY, LAST_STAGE, REDIS, STAY_SECONDS, TAKE_OVER, Enqueue, mark

settings: dict[str, Any] = {"anyio_kwargs": {"use_uvloop": True}} if BEST else {}
if BEST and TAKE_OVER:
    settings["idle_timeout"] = 15
if CONCURRENCY:
    settings["concurrency"] = CONCURRENCY
worker: Worker[None] = Worker(redis_url=REDIS, **settings)
QUIET: dict[str, Any] = {"ttl": 0, "silent": True} if BEST else {}


@worker.task(name="noop", **QUIET)
async def noop(job: str) -> None:
    """Nothing."""
    mark(job)


@worker.task(name="step", **QUIET)
async def step(job: str, stage: int) -> None:
    """One stage of a chain."""
    mark(job, stage)
    if stage < LAST_STAGE:
        await step.enqueue(job, stage + 1)


@worker.task(name="stay", **QUIET)
async def stay(job: str) -> None:
    """A long job."""
    mark(job)
    await asyncio.sleep(STAY_SECONDS)


TASKS = {"noop": noop, "step": step, "stay": stay}


def work() -> None:
    """One worker."""
    drive.run("-m", "streaq", "run", "benchmarks.peers.streaq:worker")


@asynccontextmanager
async def client() -> AsyncIterator[Enqueue]:
    """Its own."""

    async def enqueue(function: str, *arguments: Any) -> None:
        await TASKS[function].enqueue(*arguments)

    async with worker:
        yield enqueue


if __name__ == "__main__":
    drive.main(work, client)

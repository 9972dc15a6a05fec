"""taskiq with taskiq-redis's stream broker, the one that acknowledges.

Defaults: as in its README, with a result backend and two processes.  Best: one process, no result backend, no line per job.  The idle
time-out after which another worker may claim a job stays at ten minutes: nothing renews it, so it has to be longer
than the longest task.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from taskiq_redis import RedisAsyncResultBackend, RedisStreamBroker

from benchmarks import drive
from benchmarks.drive import BEST, CONCURRENCY, LAST_STAGE, REDIS, STAY_SECONDS, Enqueue, mark

broker = RedisStreamBroker(REDIS)
if not BEST:
    broker = broker.with_result_backend(RedisAsyncResultBackend(REDIS))


@broker.task(task_name="noop")
async def noop(job: str) -> None:
    """Nothing."""
    mark(job)


@broker.task(task_name="step")
async def step(job: str, stage: int) -> None:
    """One stage of a chain."""
    mark(job, stage)
    if stage < LAST_STAGE:
        await step.kiq(job, stage + 1)


@broker.task(task_name="stay")
async def stay(job: str) -> None:
    """A long job."""
    mark(job)
    await asyncio.sleep(STAY_SECONDS)


TASKS = {"noop": noop, "step": step, "stay": stay}


def work() -> None:
    """One worker: a manager and its processes."""
    size = ["--workers", "1"] if BEST or CONCURRENCY else []
    size += ["--log-level", "WARNING"] if BEST else []
    size += ["--max-async-tasks", str(CONCURRENCY)] if CONCURRENCY else []
    drive.run("-m", "taskiq", "worker", "benchmarks.peers.taskiq:broker", *size)


@asynccontextmanager
async def client() -> AsyncIterator[Enqueue]:
    """Its own."""
    await broker.startup()

    async def enqueue(function: str, *arguments: Any) -> None:
        await TASKS[function].kiq(*arguments)

    yield enqueue
    await broker.shutdown()


if __name__ == "__main__":
    drive.main(work, client)

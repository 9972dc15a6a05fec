"""Ours: `jobs.worker.Worker` with jobs that do nothing, under arq's own command, as `worker_settings` has it.

There is nothing to set.  Best: for the take-over under the supervisor, which frees a dead child's jobs.  "stock client":
enqueued by stock arq's client, as any app may do.
"""

# ruff: noqa: E402 - `begin` comes first, as in `worker_settings`
from reelqueue.command import begin, take_over

begin()

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, ClassVar

from arq.connections import RedisSettings, create_pool

from benchmarks import drive
from benchmarks.contenders import STOCK
from benchmarks.drive import BEST, CONCURRENCY, LAST_STAGE, REDIS, STAY_SECONDS, TAKE_OVER, VARIANT, Enqueue, mark
from jobs.pipeline import VIDEO
from jobs.pools import open_pool
from jobs.queue import PAYLOAD_EXPIRES_S, RESULT_SECONDS
from jobs.wire import deserialize, serialize
from jobs.worker import Worker
from reelqueue.settings import read_settings

take_over(Worker, read_settings(), lambda _error: None)


async def noop(_ctx: dict[str, Any], job: str) -> None:
    """Nothing."""
    mark(job)


async def step(ctx: dict[str, Any], job: str, stage: int) -> None:
    """One stage of a chain."""
    mark(job, stage)
    if stage < LAST_STAGE:
        await ctx["redis"].enqueue_job("step", job, stage + 1)


async def stay(_ctx: dict[str, Any], job: str) -> None:
    """A long job."""
    mark(job)
    await asyncio.sleep(STAY_SECONDS)


class BenchWorker:
    """As `worker_settings.VideoWorker`, with other jobs."""

    functions: ClassVar = [noop, step, stay]
    queue_name = VIDEO
    max_jobs = CONCURRENCY or 10
    redis_settings = RedisSettings.from_dsn(REDIS)
    job_serializer = staticmethod(serialize)
    job_deserializer = staticmethod(deserialize)
    allow_abort_jobs = True
    keep_result = RESULT_SECONDS
    expires_extra_ms = PAYLOAD_EXPIRES_S * 1000


def work() -> None:
    """One worker; or a supervisor with two, whose `worker_settings` is the one beside this file."""
    if BEST and TAKE_OVER:
        beside = Path(__file__).parent / "supervised"
        drive.run("-m", "benchmarks.peers.supervised", PYTHONPATH=f"{beside}:{os.environ['PYTHONPATH']}")
    drive.run("-m", "arq", "benchmarks.peers.reelqueue.BenchWorker")


@asynccontextmanager
async def client() -> AsyncIterator[Enqueue]:
    """Our pool, or stock arq's."""
    where = RedisSettings.from_dsn(REDIS)
    pool = await create_pool(where) if VARIANT == STOCK else open_pool(where)
    pool.job_serializer, pool.job_deserializer = serialize, deserialize
    pool.default_queue_name = VIDEO
    yield pool.enqueue_job
    await pool.aclose()


if __name__ == "__main__":
    drive.main(work, client)

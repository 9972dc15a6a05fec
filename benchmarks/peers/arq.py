"""arq, stock.

Best: a poll every 10 ms, a hundred jobs at once, 1,000 ids a poll, no results kept or logged, uvloop.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvloop
from arq.connections import RedisSettings, create_pool
from arq.worker import Worker

from benchmarks import drive
from benchmarks.drive import BEST, CONCURRENCY, LAST_STAGE, REDIS, STAY_SECONDS, Enqueue, mark

BEST_SETTINGS: dict[str, Any] = {"poll_delay": 0.01, "queue_read_limit": 1000, "keep_result": 0, "log_results": False}


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


def work() -> None:
    """One worker."""
    settings = BEST_SETTINGS | {"max_jobs": 100} if BEST else {}
    if CONCURRENCY:
        settings["max_jobs"] = CONCURRENCY
    if BEST:
        asyncio.set_event_loop(uvloop.new_event_loop())
    Worker(functions=[noop, step, stay], redis_settings=RedisSettings.from_dsn(REDIS), **settings).run()


@asynccontextmanager
async def client() -> AsyncIterator[Enqueue]:
    """Arq's pool."""
    pool = await create_pool(RedisSettings.from_dsn(REDIS))
    yield pool.enqueue_job
    await pool.aclose()


if __name__ == "__main__":
    drive.main(work, client)

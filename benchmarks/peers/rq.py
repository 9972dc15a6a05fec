"""RQ: a process per job.

Best: `SimpleWorker`, which does not fork, quiet, without kept results; for throughput a pool of four.  For the take-over
the forking worker, which is the one that renews its claims; a job is retried only where `Retry` allows it.
"""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from redis import Redis
from rq import Queue, Retry

from benchmarks import drive
from benchmarks.drive import BEST, CONCURRENCY, LAST_STAGE, REDIS, STAY_SECONDS, TAKE_OVER, Enqueue, mark

queue = Queue(connection=Redis.from_url(REDIS))
OPTIONS: dict[str, Any] = {"result_ttl": 0, "retry": Retry(max=3)} if BEST else {}


def noop(job: str) -> None:
    """Nothing."""
    mark(job)


def step(job: str, stage: int) -> None:
    """One stage of a chain."""
    mark(job, stage)
    if stage < LAST_STAGE:
        queue.enqueue(f"{__name__}.step", job, stage + 1, **OPTIONS)


def stay(job: str) -> None:
    """A long job."""
    mark(job)
    time.sleep(STAY_SECONDS)


def work() -> None:
    """One worker, or a pool where several jobs are to run at once."""
    simple = ["--worker-class", "rq.SimpleWorker", "--quiet"] if BEST and not TAKE_OVER else []
    watchful = ["--job-monitoring-interval", "5", "--maintenance-interval", "5"] if BEST and TAKE_OVER else []
    pool = ["worker-pool", "-n", str(CONCURRENCY)] if CONCURRENCY else ["worker"]
    drive.run("-m", "rq.cli", *pool, "--url", REDIS, *simple, *watchful)


@asynccontextmanager
async def client() -> AsyncIterator[Enqueue]:
    """RQ's own, which blocks."""

    async def enqueue(function: str, *arguments: Any) -> None:
        long = {"job_timeout": STAY_SECONDS} if function == "stay" else {}
        queue.enqueue(f"benchmarks.peers.rq.{function}", *arguments, **OPTIONS, **long)

    yield enqueue


if __name__ == "__main__":
    drive.main(work, client)

"""Dramatiq with its Redis broker.

Best: a worker that looks at an idle queue every 10 ms at the latest, one process of ten threads (thirty for
throughput), a larger prefetch; for the take-over a heartbeat time-out of 15 s, and maintenance with each tenth command.
"""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import dramatiq
from dramatiq.brokers.redis import RedisBroker

from benchmarks import drive
from benchmarks.drive import BEST, CONCURRENCY, LAST_STAGE, REDIS, STAY_SECONDS, TAKE_OVER, Enqueue, mark

watchful: dict[str, Any] = {"heartbeat_timeout": 15_000, "maintenance_chance": 100_000} if BEST and TAKE_OVER else {}
dramatiq.set_broker(RedisBroker(url=REDIS, **watchful))


@dramatiq.actor
def noop(job: str) -> None:
    """Nothing."""
    mark(job)


@dramatiq.actor
def step(job: str, stage: int) -> None:
    """One stage of a chain."""
    mark(job, stage)
    if stage < LAST_STAGE:
        step.send(job, stage + 1)


@dramatiq.actor(time_limit=2 * STAY_SECONDS * 1000)
def stay(job: str) -> None:
    """A long job."""
    mark(job)
    time.sleep(STAY_SECONDS)


ACTORS = {"noop": noop, "step": step, "stay": stay}


def work() -> None:
    """One worker: a master and its processes."""
    size = ["--processes", "1", "--threads", str(CONCURRENCY or 10)] if CONCURRENCY or BEST else []
    best = {"dramatiq_worker_timeout": "10", "dramatiq_queue_prefetch": "100"} if BEST else {}
    drive.run("-m", "dramatiq", "benchmarks.peers.dramatiq", *size, **best)


@asynccontextmanager
async def client() -> AsyncIterator[Enqueue]:
    """Dramatiq's own, which blocks."""

    async def enqueue(function: str, *arguments: Any) -> None:
        ACTORS[function].send(*arguments)

    yield enqueue


if __name__ == "__main__":
    drive.main(work, client)

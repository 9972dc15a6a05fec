"""Celery with its Redis transport.

Best: no results, no gossip, mingle, heartbeat or events; a large prefetch for many short tasks; for the take-over late
acknowledgement and `reject_on_worker_lost`.  The visibility time-out stays: it has to be longer than the longest task.
"""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from celery import Celery

from benchmarks import drive
from benchmarks.drive import BEST, CONCURRENCY, LAST_STAGE, REDIS, STAY_SECONDS, TAKE_OVER, Enqueue, mark

app = Celery("bench", broker=REDIS)
if BEST:
    app.conf.update(task_ignore_result=True, worker_send_task_events=False, worker_prefetch_multiplier=128)
if BEST and TAKE_OVER:
    app.conf.update(task_acks_late=True, task_reject_on_worker_lost=True, worker_prefetch_multiplier=1)


@app.task(name="noop")
def noop(job: str) -> None:
    """Nothing."""
    mark(job)


@app.task(name="step")
def step(job: str, stage: int) -> None:
    """One stage of a chain."""
    mark(job, stage)
    if stage < LAST_STAGE:
        step.delay(job, stage + 1)


@app.task(name="stay")
def stay(job: str) -> None:
    """A long job."""
    mark(job)
    time.sleep(STAY_SECONDS)


TASKS = {"noop": noop, "step": step, "stay": stay}


def work() -> None:
    """One worker."""
    quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat"] if BEST else []
    count = ["--concurrency", str(CONCURRENCY)] if CONCURRENCY else []
    drive.run("-m", "celery", "-A", "benchmarks.peers.celery:app", "worker", "-n", f"bench-{time.time_ns()}@%h", *quiet, *count)


@asynccontextmanager
async def client() -> AsyncIterator[Enqueue]:
    """Celery's own, which blocks."""

    async def enqueue(function: str, *arguments: Any) -> None:
        TASKS[function].delay(*arguments)

    yield enqueue


if __name__ == "__main__":
    drive.main(work, client)

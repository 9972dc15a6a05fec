"""Readers of `progress.hub` in its own process: `python -m benchmarks.fanouts.inside REDIS_URL FORM LOOP COUNT TOPICS`.

FORM is `page` (each hears all topics, what an open page's stream is made of) or `topic` (each follows one, by `progress.following`);
LOOP is `asyncio` or `uvloop`.  Says `open` when all of them read; each line on its input asks for a report, as JSON: how late the events
came since the last one, and the CPU time of this process.
"""

import asyncio
import contextlib
import json
import logging
import sys
import time
from collections.abc import AsyncIterator, Iterable

import structlog
import uvloop
from redis.asyncio import Redis

from benchmarks.fanouts.publisher import told_at
from benchmarks.figures import quantile
from progress.bundle import Bundle, Told
from progress.connection import open_redis
from progress.events import ProgressEvent, Topic
from progress.following import Following
from progress.hub import Hub

SHARES = {"p50_ms": 0.5, "p95_ms": 0.95, "p99_ms": 0.99, "most_ms": 1.0}


class Runs:
    """The disk of a project that runs."""

    async def end(self) -> None:
        """It has not ended."""

    unheard_end = end

    async def standing(self) -> ProgressEvent:
        """Asked for where Redis is away alone."""
        raise AssertionError("Redis is there")


async def read_page(hub: Hub, late_ns: list[int]) -> None:
    """Everything."""
    with hub.page(None) as box:
        while (taken := await box.take(60)) is not None:
            for item in taken[0]:
                if isinstance(item, Bundle):
                    note(item.told, late_ns)


async def read_topic(hub: Hub, number: int, late_ns: list[int]) -> None:
    """One project."""
    async for part in Following(hub, Topic(project_id=number), Runs()).parts():
        match part:
            case Bundle():
                note(part.told, late_ns)
            case tuple():  # its first ones are read from the log
                note(part, late_ns)


def note(told: Iterable[Told], late_ns: list[int]) -> None:
    """How late they are."""
    now = time.time_ns()
    late_ns += [now - told_at(one.line) for one in told]


def report(late_ns: list[int]) -> dict[str, float]:
    """Of what came."""
    found = sorted(late_ns)
    return {"deliveries": len(found)} | {name: round(quantile(found, share) / 1e6, 2) for name, share in SHARES.items() if found}


async def main(url: str, form: str, count: int, topics: int) -> None:
    """Until the input ends."""

    @contextlib.asynccontextmanager
    async def connect() -> AsyncIterator[Redis]:
        async with open_redis(url) as redis:
            yield redis

    late_ns: list[int] = []
    hub = Hub(connect)
    async with hub.kept():
        await hub.listens(10)
        reading = [
            asyncio.create_task(read_page(hub, late_ns) if form == "page" else read_topic(hub, turn % topics + 1, late_ns))
            for turn in range(count)
        ]
        while hub.size < count:  # noqa: ASYNC110 - a benchmark's own wait, and no part of what is measured
            await asyncio.sleep(0)
        print("open 0", flush=True)
        while await asyncio.to_thread(sys.stdin.readline):
            found, late_ns[:] = list(late_ns), []
            print(json.dumps(report(found) | {"cpu_s": time.process_time()}), flush=True)
        for task in reading:
            task.cancel()


if __name__ == "__main__":
    _, url, form, loop, count, topics = sys.argv
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop if loop == "uvloop" else None) as runner:
        runner.run(main(url, form, int(count), int(topics)))

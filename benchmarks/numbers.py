"""`python -m benchmarks numbers`: what counting costs, at a stage's end, each minute, and for who reads; against a server of its own."""

import asyncio
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from statistics import quantiles

from arq.connections import ArqRedis

from benchmarks.valkey import Server, served
from jobs.client import redis_settings
from jobs.copying import copy, pages_of, restore
from jobs.counting import Counting
from jobs.numbers import Numbers
from jobs.pipeline import QUEUES
from jobs.pools import open_pool
from jobs.rollups import Rollups
from jobs.tally import queue_stood, stage_ended
from reelqueue import clock
from reelqueue.models.stage import Stage
from storage.chronicle import HOUR_S, Chronicle

ENDS, CALLS, WEEK_MINUTES = 10_000, 2_000, 7 * 1440
SPANS = {
    "a day by the hour": (timedelta(days=1), timedelta(hours=1)),
    "a day by ten minutes": (timedelta(days=1), timedelta(minutes=10)),
    "a week by the hour": (timedelta(days=7), timedelta(hours=1)),
}


def main(options: list[str]) -> None:
    """Measure and print."""
    if options:
        sys.exit("benchmarks numbers takes no options")
    with tempfile.TemporaryDirectory(prefix="reelqueue-") as name, served(Path(name)) as server:
        asyncio.run(_measured(server, Chronicle(Path(name) / "metrics")))


async def _measured(server: Server, chronicle: Chronicle) -> None:
    redis = open_pool(redis_settings(server.url()))
    try:
        now = clock.now()
        await _a_stages_end(Counting(lambda: redis, chronicle, "bench/mark"), now)
        await _a_week(Counting(lambda: redis, chronicle, "bench/mark"), now)
        memory = (await redis.info("memory"))["used_memory"]
        print(f"a week in which something happened each minute: {memory / 1e6:.1f} MB in Redis")
        await _the_copy(Rollups(redis), chronicle, now)
        await _reading(redis, chronicle)
        await redis.flushall()
        print(f"to tell an empty Redis all of that: {await _ms(lambda: restore(Rollups(redis), chronicle, now)):.0f} ms")
    finally:
        await redis.aclose(close_connection_pool=True)


async def _a_stages_end(counting: Counting, now: datetime) -> None:
    began = time.perf_counter()
    for number in range(ENDS):
        _an_end(number, now)
    print(f"to count a stage's end: {(time.perf_counter() - began) / ENDS * 1e6:.0f} us")
    await counting.hand_over()
    took = []
    for number in range(CALLS):
        _an_end(number, now)
        took.append(await _ms(counting.hand_over))
    marks = quantiles(took, n=100)
    print(f"to hand it over: {marks[49]:.2f} ms (p50), {marks[98]:.2f} ms (p99)")


def _an_end(number: int, now: datetime) -> None:
    stage_ended(Stage.RENDER, "ok", project_id=number, now=now, seconds=12.3, worker="bench/mark")


async def _a_week(counting: Counting, now: datetime) -> None:
    """Five runs and three samples in each minute."""
    for minute in range(WEEK_MINUTES):
        at = now - timedelta(minutes=minute)
        for stage in Stage:
            stage_ended(stage, "ok", project_id=minute, now=at, seconds=12.3, worker="bench/mark")
        for queue in QUEUES:
            queue_stood(queue, at, waiting=3, oldest_s=3.0, running=2)
        if minute % 500 == 0:
            await counting.hand_over()
    await counting.hand_over()


async def _the_copy(rollups: Rollups, chronicle: Chronicle, now: datetime) -> None:
    print(f"the first copy: {await _ms(lambda: copy(rollups, chronicle, now)):.0f} ms")
    hour, summary = int(now.timestamp()) // HOUR_S, await chronicle.summary()
    if summary is not None:
        await chronicle.keep(summary, await pages_of(rollups, range(hour - 7 * 24, hour + 1)))
    later = now.replace(minute=now.minute or 1)  # not the one of the hour
    print(f"each later one: {min([await _ms(lambda: copy(rollups, chronicle, later)) for _ in range(5)]):.0f} ms")
    size = sum(path.stat().st_size for path in chronicle.folder.rglob("*.json"))
    print(f"on disk: {size / 1e6:.1f} MB")


async def _reading(redis: ArqRedis, chronicle: Chronicle) -> None:
    for name, (span, step) in SPANS.items():
        numbers, alone = Numbers(chronicle.folder, redis), Numbers(chronicle.folder)
        first, again, disk = [await _ms(partial(one.stages, span, step)) for one in (numbers, numbers, alone)]
        print(f"{name}: {first:.0f} ms, again {again:.0f} ms, from disk {disk:.0f} ms")


async def _ms(act: Callable[[], Awaitable[object]]) -> float:
    began = time.perf_counter()
    await act()
    return (time.perf_counter() - began) * 1000

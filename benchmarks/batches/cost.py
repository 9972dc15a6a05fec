"""What a project costs where more and more of them wait: Redis's commands and memory, writes of states, time and CPU.

As a batch, whose coordinator lets a few of them into the queue at a time, and as single projects that are all queued at once.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from redis import Redis

from benchmarks.batches.site import SMALL, opened
from benchmarks.stage import BenchmarkError, cpu_seconds
from benchmarks.valkey import Server
from jobs.app import Queue
from jobs.client import connect
from reelqueue.models.stage import ProjectStatus
from storage import Paths, ProjectStore
from storage.paths import BATCH_STATE

MOST_SECONDS = 3_600
SETTLE_SECONDS, LOOK_SECONDS = 3.0, 0.2
AT_ONCE = 32
"""Single projects that are made and started side by side: the disk takes their fsyncs together."""
MB = 1024 * 1024


async def cost(server: Server, home: Path, *, projects: int) -> dict[str, Any]:
    """Make a batch of so many projects, and bring it to its end by one worker whose stages do nothing.

    Raises:
        BenchmarkError: some did not end well.
    """
    async with opened(server, home, f"batch-{projects}") as site, connect(site.settings) as queue:
        began = time.monotonic()
        batch = await queue.create_batch([{"topic": f"Project {number}"} for number in range(projects)])
        created_s = time.monotonic() - began
        video, coordinator = site.start("VideoWorker", SMALL), site.start("BatchWorker")
        await asyncio.sleep(SETTLE_SECONDS)
        async with metered(server, (video.pid, coordinator.pid)) as meter:
            await queue.start_batch(batch.batch_id)
            await site.while_they_live(queue.wait_batch(batch.batch_id, timeout=MOST_SECONDS))
        return await _row("batch", queue, list(batch.project_ids), created_s, meter) | {
            "batch_writes": (await queue.get_batch(batch.batch_id)).revision,
            "batch_bytes": (Paths(site.data).batch(batch.batch_id) / BATCH_STATE).stat().st_size,
        }


async def cost_of_singles(server: Server, home: Path, *, projects: int) -> dict[str, Any]:
    """Start so many single projects at once, and bring them to their end in the same way.

    Raises:
        BenchmarkError: some did not end well.
    """
    async with opened(server, home, f"singles-{projects}") as site, connect(site.settings) as queue:
        began = time.monotonic()
        numbers: list[int] = []
        for first in range(0, projects, AT_ONCE):
            asked = [{"topic": f"Project {number}"} for number in range(first, min(first + AT_ONCE, projects))]
            numbers += [state.project_id for state in await asyncio.gather(*map(queue.create_project, asked))]
        created_s = time.monotonic() - began
        for first in range(0, projects, AT_ONCE):
            await asyncio.gather(*map(queue.start, numbers[first : first + AT_ONCE]))
        video = site.start("VideoWorker", SMALL)
        async with metered(server, (video.pid,)) as meter:
            await site.while_they_live(_all_ended(ProjectStore.reader(Paths(site.data))))
        return await _row("singles", queue, numbers, created_s, meter)


async def _all_ended(projects: ProjectStore) -> None:
    while await projects.unfinished():  # noqa: ASYNC110 - they are in another process
        await asyncio.sleep(LOOK_SECONDS)


@dataclass(slots=True)
class Meter:
    """What a run took: seconds, commands, CPU seconds and bytes by process (video worker first), Redis's memory at most."""

    wall_s: float = 0.0
    commands: int = 0
    redis_bytes: int = 0
    cpu_s: list[float] = field(default_factory=list)
    resident: list[int] = field(default_factory=list)


@contextlib.asynccontextmanager
async def metered(server: Server, pids: Sequence[int]) -> AsyncIterator[Meter]:
    """Measure while the block runs."""
    meter = Meter()
    with Redis.from_url(server.url()) as redis:
        least = used = _dataset(redis)

        async def look() -> None:
            nonlocal least, used
            while True:
                await asyncio.sleep(1)
                now = await asyncio.to_thread(_dataset, redis)
                least, used = min(least, now), max(used, now)

        commands, cpu, began = server.commands(), [cpu_seconds(pid) for pid in pids], time.monotonic()
        looking = asyncio.create_task(look())
        try:
            yield meter
        finally:
            looking.cancel()
            await asyncio.wait({looking})
        meter.wall_s, meter.commands = time.monotonic() - began, server.commands() - commands
        meter.cpu_s = [cpu_seconds(pid) - before for pid, before in zip(pids, cpu, strict=True)]
        meter.resident = [int(psutil.Process(pid).memory_info().rss) for pid in pids]
        meter.redis_bytes = max(used, _dataset(redis)) - least


async def _row(kind: str, queue: Queue, numbers: Sequence[int], created_s: float, meter: Meter) -> dict[str, Any]:
    states = [await queue.get_project(number) for number in numbers]
    failed = [state.project_id for state in states if state.status is not ProjectStatus.COMPLETED]
    if failed:
        raise BenchmarkError(f"{len(failed)} of {len(states)} projects were not completed, {failed[0]} among them")
    count = len(numbers)
    row = {
        "kind": kind,
        "projects": count,
        "create_ms": 1000 * created_s / count,
        "wall_ms": 1000 * meter.wall_s / count,
        "commands": meter.commands / count,
        "redis_kb": meter.redis_bytes / 1024 / count,
        "state_writes": sum(state.revision for state in states) / count,  # each commit raises it by one
        "video_cpu_ms": 1000 * meter.cpu_s[0] / count,
        "video_mb": meter.resident[0] / MB,
    }
    for cpu_s, resident in zip(meter.cpu_s[1:], meter.resident[1:], strict=True):
        row |= {"coordinator_cpu_ms": 1000 * cpu_s / count, "coordinator_mb": resident / MB}
    return row


def _dataset(redis: Any) -> int:
    return int(redis.info("memory")["used_memory_dataset"])

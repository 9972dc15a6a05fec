"""What a project costs where more and more of them wait: Redis's commands and memory, writes of states, time and CPU."""

import asyncio
import time
from pathlib import Path
from typing import Any

import psutil
from redis import Redis

from benchmarks.batches.site import SMALL, opened
from benchmarks.stage import BenchmarkError, cpu_seconds
from benchmarks.valkey import Server
from jobs.app import Queue
from jobs.client import connect
from storage import Paths
from storage.paths import BATCH_STATE

MOST_SECONDS = 3_600
SETTLE_SECONDS = 3.0
MB = 1024 * 1024


async def cost(server: Server, home: Path, *, projects: int) -> dict[str, Any]:
    """Make a batch of so many projects, and bring it to its end by one worker whose stages do nothing.

    Raises:
        BenchmarkError: some did not end well.
    """
    async with opened(server, home, f"cost-{projects}") as site, connect(site.settings) as queue:
        began = time.monotonic()
        batch = await queue.create_batch([{"topic": f"Project {number}"} for number in range(projects)])
        created_s = time.monotonic() - began
        video, coordinator = site.start("VideoWorker", SMALL), site.start("BatchWorker")
        await asyncio.sleep(SETTLE_SECONDS)
        commands, used = server.commands(), _cpu(video.pid, coordinator.pid)
        began = time.monotonic()
        await queue.start_batch(batch.batch_id)
        memory = Memory(server)
        looking = asyncio.create_task(memory.look())
        result = await site.while_they_live(queue.wait_batch(batch.batch_id, timeout=MOST_SECONDS))
        wall_s = time.monotonic() - began
        commands, after = server.commands() - commands, _cpu(video.pid, coordinator.pid)
        looking.cancel()
        await asyncio.wait({looking})
        if result["completed"] != projects:
            raise BenchmarkError(f"{projects - result['completed']} of {projects} failed: see {site.folder}")
        writes = await _writes(queue, list(batch.project_ids))
        return {
            "projects": projects,
            "create_ms": 1000 * created_s / projects,
            "wall_ms": 1000 * wall_s / projects,
            "commands": commands / projects,
            "redis_kb": (memory.most_bytes - memory.least_bytes) / 1024 / projects,
            "state_writes": writes / projects,
            "batch_writes": (await queue.get_batch(batch.batch_id)).revision,
            "batch_bytes": (Paths(site.data).batch(batch.batch_id) / BATCH_STATE).stat().st_size,
            "video_cpu_ms": 1000 * (after[0] - used[0]) / projects,
            "coordinator_cpu_ms": 1000 * (after[1] - used[1]) / projects,
            "video_mb": _resident(video.pid) / MB,
            "coordinator_mb": _resident(coordinator.pid) / MB,
        }


class Memory:
    """Redis's, from when this is made on: the least and the most that was seen."""

    def __init__(self, server: Server) -> None:
        self._redis = Redis.from_url(server.url())
        self.least_bytes = self.most_bytes = self._used()

    async def look(self) -> None:
        """Look once a second, for ever: each look is three commands of the server's."""
        while True:
            await asyncio.sleep(1)
            used = await asyncio.to_thread(self._used)
            self.least_bytes, self.most_bytes = min(self.least_bytes, used), max(self.most_bytes, used)

    def _used(self) -> int:
        return int(self._redis.info("memory")["used_memory_dataset"])


async def _writes(queue: Queue, numbers: list[int]) -> int:
    """How often their states were written: each commit raises the revision by one."""
    return sum([(await queue.get_project(number)).revision for number in numbers])


def _cpu(*pids: int) -> list[float]:
    return [cpu_seconds(pid) for pid in pids]


def _resident(pid: int) -> int:
    return int(psutil.Process(pid).memory_info().rss)

"""What a fault may befall: a server, a proxy before it, a folder, and workers with small jobs.  All real, all a test's own."""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from redis.asyncio import Redis

from jobs.pipeline import VIDEO
from reelqueue.settings import Settings
from tests.faults.course import Course
from tests.faults.redis_server import RedisServer, running
from tests.faults.tcp_proxy import TcpProxy, before
from tests.workers import Worker, until, worker

LEASE_SECONDS = 2.0
DRAIN_SECONDS = 5.0
UNTENDED = re.compile("never retrieved|never awaited|was destroyed|Exception in callback|unclosed")
"""How Python tells of what a worker forgot."""


class NeverLooked(Exception):
    """A worker ended before it looked at its queue."""


@dataclass(frozen=True, slots=True)
class World:
    """`settings` lead straight to the server, `proxied` by the proxy."""

    server: RedisServer
    proxy: TcpProxy
    settings: Settings
    course: Course

    @property
    def proxied(self) -> dict[str, str]:
        """What a worker behind the proxy has in its environment."""
        return {"REDIS_URL": self.server.url_at(self.proxy.port)}

    @contextlib.asynccontextmanager
    async def worker(self, name: str = "VideoWorker", **more: Any) -> AsyncIterator[Worker]:
        """A worker with small jobs; entered, it looks at its queue.  What it said is shown where a test fails.

        Whatever befell it, each of its lines is JSON, and none tells of a task that nobody looked after.
        """
        more = {"FAULTS_FOLDER": str(self.course.folder), "DRAIN_SECONDS": str(DRAIN_SECONDS)} | more
        log = None
        try:
            async with worker(self.settings, name, module="tests.faults.small_jobs", **more) as started:
                log = started
                await _looks(started, more.get("REDIS_URL", self.server.url))
                yield started
            lines = started.lines()
            assert [line for line in lines if not {"timestamp", "level", "event"} <= line.keys()] == []
            assert [line for line in lines if line["level"] == "critical" or UNTENDED.search(line["event"])] == []
        finally:
            if log is not None:
                print(f"worker {log.pid} said:\n{log.said()}")  # noqa: T201


@contextlib.asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[World]:
    """A world in a folder."""
    async with running(folder / "server") as server, before(server.port) as proxy:
        settings = Settings(
            _env_file=None,
            redis_url=SecretStr(server.url),
            data_dir=folder / "data",
            reelqueue_language="en",
            lease_seconds=LEASE_SECONDS,
            retry_delays=(0.01, 0.02, 0.03),
        )
        yield World(server, proxy, settings, Course(folder / "course"))


def leased(world: World, seconds: float) -> World:
    """As `world`, with another lease: a long one where nobody dies, which no busy machine lets end."""
    return replace(world, settings=world.settings.model_copy(update={"lease_seconds": seconds}))


async def _looks(started: Worker, url: str) -> None:
    """Wait until a worker has looked at its queue."""
    await until(lambda: "worker_starts" in started.said() or not started.runs, "it starts", seconds=60)
    _runs(started)
    found = re.search(r"worker_starts.*?([\w.-]+/[0-9a-f]{16})", started.said())
    assert found is not None
    async with asyncio.timeout(30), Redis.from_url(url) as redis:
        while await redis.zscore(f"reelqueue:workers:{VIDEO}", found[1]) is None:
            _runs(started)
            await asyncio.sleep(0.02)


def _runs(started: Worker) -> None:
    if not started.runs:
        raise NeverLooked(started.said())

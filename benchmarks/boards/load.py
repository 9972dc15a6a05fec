"""A board with many projects, as a process of its own, and what is done to it."""

import asyncio
import contextlib
import itertools
import json
import os
import socket
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import aiohttp
from redis.asyncio import Redis

from benchmarks.figures import quantile
from benchmarks.stage import cpu_seconds, family
from progress import Publisher
from reelqueue import clock
from reelqueue.models.brief import parse_brief
from reelqueue.models.stage import ProjectStatus, Stage, StageStatus
from storage import BatchStore, Owner, Paths, ProjectStore

AT_ONCE = 16
RUNNING = 20
CPU_SECONDS = 10.0


async def set_up(folder: Path, count: int) -> list[int]:
    """`count` projects, all completed but the last ones, which run; their ids."""
    paths = Paths(folder)
    projects = ProjectStore(paths, Owner.here(), lease_seconds=60)
    batch = await BatchStore(paths, Owner.here(), lease_seconds=60).create()
    briefs = [(parse_brief({"topic": f"潮汐 {number}：海為什麼會動？"}), f"b{number}") for number in range(count)]
    made: list[int] = []
    for start in range(0, count, 500):
        made += await projects.create_many(briefs[start : start + 500], batch_id=batch.batch_id)
    turn = asyncio.Semaphore(AT_ONCE)

    async def settle(number: int) -> None:
        async with turn:
            runs = number in made[-RUNNING:]
            await projects.change(number, _running if runs else _completed)
            if not runs:  # as a worker that has come to its end
                await projects.unmark(number)

    await asyncio.gather(*(settle(number) for number in made))
    return made[-RUNNING:]


def _completed(state: Any) -> Any:
    at = clock.now()
    for stage in Stage:
        state = state.with_stage(stage, status=StageStatus.DONE, started_at=at, finished_at=at, duration_s=60.0)
    return state.model_copy(update={"status": ProjectStatus.COMPLETED})


def _running(state: Any) -> Any:
    return state.with_stage(Stage.SCRIPT, status=StageStatus.RUNNING, started_at=clock.now()).model_copy(
        update={"status": ProjectStatus.RUNNING}
    )


class Board:
    """The process under load."""

    def __init__(self, process: Process, port: int) -> None:
        self.process, self.port = process, port

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def memory_mb(self) -> float:
        """What it holds."""
        return sum(one.memory_info().rss for one in family(self.process.pid)) / 1e6

    async def cpu_percent(self, seconds: float = CPU_SECONDS) -> float:
        """Of one core, over some seconds."""
        used, began = cpu_seconds(self.process.pid), time.monotonic()
        await asyncio.sleep(seconds)
        return 100 * (cpu_seconds(self.process.pid) - used) / (time.monotonic() - began)


@contextlib.asynccontextmanager
async def board(folder: Path, redis_url: str) -> AsyncIterator[Board]:
    """A board of this folder that answers."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = int(probe.getsockname()[1])
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("REELQUEUE_", "REDIS_", "DASHBOARD_"))}
    environment = kept | {"DATA_DIR": str(folder), "REDIS_URL": redis_url, "DASHBOARD_PORT": str(port)}
    command = (sys.executable, "-c", "from reelqueue.cli import main; main()", "dashboard")
    with (folder.parent / "board.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(*command, env=environment, stdout=log, stderr=log)
    found = Board(process, port)
    try:
        async with aiohttp.ClientSession() as session, asyncio.timeout(60):
            while process.returncode is None:
                with contextlib.suppress(aiohttp.ClientError):
                    async with session.get(f"{found.url}/healthz") as answer:
                        if answer.status == 200:
                            break
                await asyncio.sleep(0.1)
        yield found
    finally:
        with contextlib.suppress(ProcessLookupError):  # it ended by itself: its log says why
            process.terminate()
        await process.wait()


class Readers:
    """Some readers of one path."""

    def __init__(self, process: Process, open_s: float) -> None:
        self._process, self.open_s = process, open_s

    async def report(self) -> dict[str, Any]:
        """How late the events came since the last report."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(b"\n")
        return dict(json.loads(await self._process.stdout.readline()))


@contextlib.asynccontextmanager
async def readers(found: Board, path: str, count: int) -> AsyncIterator[Readers]:
    """So many readers, all of them open."""
    command = (sys.executable, "-m", "benchmarks.boards.readers", "127.0.0.1", str(found.port), path, str(count))
    process = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE)
    assert process.stdout is not None
    try:
        async with asyncio.timeout(120):
            said = await process.stdout.readline()
        yield Readers(process, float(said.split()[1]))
    finally:
        process.terminate()
        await process.wait()


async def told(redis_url: str, numbers: Sequence[int], a_second: float, seconds: float) -> int:
    """Tell of these projects in turn, so many times a second in all; how many were told."""
    async with Redis.from_url(redis_url) as redis:
        publisher, began, count = Publisher(redis), time.monotonic(), 0
        for number in itertools.cycle(numbers):
            left = began + count / a_second - time.monotonic()
            if count >= a_second * seconds:
                return count
            await asyncio.sleep(max(0.0, left))
            await publisher.publish(
                project_id=number,
                stage="script_generation",
                progress=100 * count / (a_second * seconds),
                message=f"told at {time.monotonic_ns()} 第 7 / 18 景",
                status="running",
                run=1,
            )
            count += 1
    return count


async def asked(found: Board, paths: Sequence[str], times: int) -> dict[str, float]:
    """How long the answers to these paths take, one after the other."""
    took: list[float] = []
    async with aiohttp.ClientSession() as session:
        for path in itertools.islice(itertools.cycle(paths), times):
            began = time.monotonic()
            async with session.get(found.url + path) as answer:
                assert answer.status == 200, (path, answer.status)
                await answer.read()
            took.append(time.monotonic() - began)
    return {f"p{share * 100:.0f}_ms": round(1000 * quantile(took, share), 1) for share in (0.5, 0.95, 0.99)}

"""What the tests of storage share: a folder, a store on it, a clock to turn by hand, and a process that holds projects."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import pytest_asyncio

from storage.liveness import Owner, Watch
from storage.paths import Paths
from storage.projects import ProjectStore

HOLDER = Path(__file__).with_name("holder.py")
TEXT = "城市裡的蜜蜂比鄉下多，因為公園整年都有花。" * 30


class Clock:
    """Seconds that pass when a test says so; all stamps lie in its future, so that only watching counts."""

    def __init__(self) -> None:
        self.now = -1e9

    def __call__(self) -> float:
        return self.now


class Holder:
    """Another process (see `holder.py`): one order a line, one answer a line."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    async def ask(self, order: str) -> str:
        await self.send(order)
        return await self.answer()

    async def send(self, order: str) -> None:
        self.process.stdin.write(f"{order}\n".encode())
        await self.process.stdin.drain()

    async def answer(self) -> str:
        return (await asyncio.wait_for(self.process.stdout.readline(), 60)).decode().strip()

    def signal(self, number: signal.Signals) -> None:
        os.kill(self.process.pid, number)

    async def kill(self) -> None:
        self.signal(signal.SIGKILL)
        await self.process.wait()


@pytest.fixture
def paths(tmp_path) -> Paths:
    return Paths(tmp_path / "data")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(paths, clock) -> ProjectStore:
    """A store whose watch goes by the test's clock; a lease of 60 s."""
    return ProjectStore(paths, Owner.here(), lease_seconds=60, watch=Watch(60, clock))


@pytest_asyncio.fixture
async def start_holder(paths) -> AsyncIterator[Callable]:
    """Starts other processes on the same folder; none outlives the test."""
    started: list[Holder] = []

    async def start(lease_seconds: float = 60) -> Holder:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            str(HOLDER),
            str(paths.root),
            str(lease_seconds),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        started.append(Holder(process))
        return started[-1]

    yield start
    for holder in started:
        if holder.process.returncode is None:
            await holder.kill()
        holder.process._transport.close()

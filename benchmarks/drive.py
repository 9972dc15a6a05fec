"""Inside a queue's own venv: what its jobs say, and the client that enqueues when it is told to.

A job's first line says its time on the machine's monotonic clock, which all processes share, as one appended line
`JOB STAGE PID NANOSECONDS` in a file.  The standard library only: this runs beside any queue.
"""

import asyncio
import json
import os
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

LAST_STAGE = 5
STAY_SECONDS, BEAT_SECONDS = 600, 3
LOOK_SECONDS = 0.002
REDIS = os.environ.get("BENCH_REDIS", "redis://127.0.0.1:6379/0")
VARIANT = os.environ.get("BENCH_VARIANT", "defaults")
BEST = VARIANT == "best"
CONCURRENCY = int(os.environ.get("BENCH_CONCURRENCY", "0"))
"""So many jobs at once; 0 leaves it to the queue."""
TAKE_OVER = os.environ.get("BENCH_MEASURE") == "take-over"
MARKS = Path(os.environ.get("BENCH_MARKS", os.devnull))

Enqueue = Callable[..., Awaitable[Any]]
"""`await enqueue("noop" | "step" | "stay", *arguments)`."""
OpenClient = Callable[[], AbstractAsyncContextManager[Enqueue]]


class Mark(NamedTuple):
    """A job's first line was reached."""

    job: str
    stage: int
    pid: int
    at_ns: int


_opened: list[int] = []


def mark(job: str, stage: int = 0) -> None:
    """Say that a job is here; one write of one short line, so that writers need no lock."""
    now = time.monotonic_ns()
    if not _opened:
        _opened.append(os.open(MARKS, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600))
    os.write(_opened[0], f"{job} {stage} {os.getpid()} {now}\n".encode())


def parse_marks(text: str) -> list[Mark]:
    """The marks of a file's whole lines; a last one without its end is left for later."""
    whole = text[: text.rfind("\n") + 1]
    return [Mark(job, int(stage), int(pid), int(at)) for job, stage, pid, at in map(str.split, whole.splitlines())]


class Marks:
    """Follows the file, each mark once."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.read_bytes = 0

    def new(self) -> list[Mark]:
        """What was marked since the last look."""
        try:
            with self.path.open("rb") as file:
                file.seek(self.read_bytes)
                found = file.read()
        except FileNotFoundError:
            return []
        whole = found[: found.rfind(b"\n") + 1]
        self.read_bytes += len(whole)
        return parse_marks(whole.decode())

    async def until(self, job: str, stage: int, *, seconds: float) -> Mark | None:
        """The mark of this job and stage as soon as it is there; None after `seconds`."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            for found in self.new():
                if (found.job, found.stage) == (job, stage):
                    return found
            await asyncio.sleep(LOOK_SECONDS)
        return None


@dataclass(slots=True)
class Driver:
    """Carries the harness's orders out, one JSON object a line; answers in the same way."""

    enqueue: Enqueue
    marks: Marks

    async def obey(self, order: dict[str, Any]) -> Any:
        """The answer to one order."""
        match order.pop("do"):
            case "wait":
                return await self.one("noop", "warm", 0, seconds=order["seconds"])
            case "spaced":
                return [taken async for taken in self.spaced(**order)]
            case "backlog":
                return await self.backlog(order["count"])
            case "stay":
                await self.enqueue("stay", "stay")
        return None

    async def one(self, function: str, job: str, last: int, *, seconds: float) -> float | None:
        """Seconds from just before the enqueueing to the first line of the job, or of its chain's last stage."""
        began = time.monotonic_ns()
        await self.enqueue(function, job, *([1] if function == "step" else []))
        found = await self.marks.until(job, last, seconds=seconds)
        return None if found is None else (found.at_ns - began) / 1e9

    async def spaced(self, function: str, gaps: list[float], seconds: float, first: int = 0) -> Any:
        """One job after the other, numbered from `first`, each after a gap, until all are through or the time is."""
        last = LAST_STAGE if function == "step" else 0
        deadline = time.monotonic() + seconds
        for number, gap in enumerate(gaps, start=first):
            if time.monotonic() > deadline:
                return
            await asyncio.sleep(gap)
            yield await self.one(function, f"{function}-{number}", last, seconds=10)

    async def backlog(self, count: int) -> float:
        """Seconds that it takes to enqueue so many jobs, one by one."""
        began = time.monotonic()
        for number in range(count):
            await self.enqueue("noop", f"job-{number}")
        return time.monotonic() - began


def main(work: Callable[[], None], client: OpenClient) -> None:
    """`work` or `drive`, as the command line says."""
    if sys.argv[1] == "work":
        work()
    else:
        asyncio.run(_drive(client))


async def _drive(client: OpenClient) -> None:
    async with client() as enqueue:
        driver = Driver(enqueue, Marks(MARKS))
        for order in _orders():
            print(json.dumps(await driver.obey(order)), flush=True)


def _orders() -> Iterator[dict[str, Any]]:
    """Nothing else runs while the driver waits for an order, so reading may block."""
    for line in sys.stdin:
        yield json.loads(line)


def run(*command: str, **environment: str) -> None:
    """Become a queue's own command, run by this venv's Python."""
    os.execve(sys.executable, [sys.executable, *command], os.environ | environment)

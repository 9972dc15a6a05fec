"""One queue on stage: its workers and its client as processes, what they say, and what they cost."""

import asyncio
import contextlib
import json
import os
import signal
import time
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from benchmarks.contenders import Contender
from benchmarks.drive import Marks
from benchmarks.valkey import Server
from benchmarks.venvs import ROOT, python

READY_SECONDS, ANSWER_SECONDS, END_SECONDS = 30.0, 120.0, 8.0


class BenchmarkError(Exception):
    """A queue did not do what it is measured by; names it and where its log lies."""


@dataclass(slots=True)
class Stage:
    """A contender in one variant, with a database and a folder of its own."""

    contender: Contender
    variant: str
    server: Server
    folder: Path
    database: int = 0
    measure: str = ""
    concurrency: int = 0
    module: str = ""
    workers: list[asyncio.subprocess.Process] = field(default_factory=list)
    _client: asyncio.subprocess.Process | None = None

    @property
    def marks(self) -> Marks:
        """A new reader of what its jobs say."""
        return Marks(self.folder / "marks")

    def environment(self) -> dict[str, str]:
        """What its processes know; nothing of ours or of the machine's settings."""
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
        return kept | {
            "PYTHONPATH": str(ROOT),
            "BENCH_REDIS": self.server.url(self.database),
            "BENCH_VARIANT": self.variant,
            "BENCH_CONCURRENCY": str(self.concurrency),
            "BENCH_MEASURE": self.measure,
            "BENCH_MARKS": str(self.folder / "marks"),
            "BENCH_FOLDER": str(self.folder),
        }

    async def start_worker(self) -> asyncio.subprocess.Process:
        """Start one more worker; `ready` says when it works."""
        with (self.folder / "worker.log").open("ab") as log:
            worker = await asyncio.create_subprocess_exec(
                *self._command("work"),
                cwd=self.folder,
                env=self.environment(),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.workers.append(worker)
        return worker

    async def ready(self) -> None:
        """Wait until a job runs.

        Raises:
            BenchmarkError: none does.
        """
        if await self.order(do="wait", seconds=READY_SECONDS) is None:
            raise BenchmarkError(f"{self.contender.name} ({self.variant}) runs no job: see {self.folder}/worker.log")

    async def order(self, **order: Any) -> Any:
        """What the client answers."""
        if self._client is None:
            with (self.folder / "client.log").open("ab") as log:
                self._client = await asyncio.create_subprocess_exec(
                    *self._command("drive"),
                    cwd=self.folder,
                    env=self.environment(),
                    stdin=asyncio.subprocess.PIPE,
                    stdout=asyncio.subprocess.PIPE,
                    stderr=log,
                    limit=2**24,
                )
        assert self._client.stdin
        assert self._client.stdout
        self._client.stdin.write(json.dumps(order).encode() + b"\n")
        async with asyncio.timeout(ANSWER_SECONDS):
            line = await self._client.stdout.readline()
        if not line:
            raise BenchmarkError(f"the client of {self.contender.name} ended: see {self.folder}/client.log")
        return json.loads(line)

    def _command(self, what: str) -> list[str]:
        return [str(python(self.contender)), "-m", self.module or f"benchmarks.peers.{self.contender.name}", what]

    async def stop_workers(self) -> None:
        """End the workers and all their children, at once: the server is emptied before the next trial anyway."""
        kill([process for worker in self.workers for process in family(worker.pid)])
        for worker in self.workers:
            await worker.wait()
        self.workers.clear()

    async def close(self) -> None:
        """End the client and the workers."""
        if self._client is not None:
            assert self._client.stdin
            self._client.stdin.close()
            try:
                async with asyncio.timeout(END_SECONDS):
                    await self._client.wait()
            except TimeoutError:
                self._client.kill()
                await self._client.wait()
        await self.stop_workers()


@contextlib.asynccontextmanager
async def on_stage(contender: Contender, variant: str, server: Server, home: Path, **options: Any) -> AsyncIterator[Stage]:
    """A stage without a worker yet, its folder new; all its processes are gone afterwards."""
    folder = home / f"{contender.name}-{variant}-{options.get('measure', '')}-{time.monotonic_ns()}"
    folder.mkdir()
    stage = Stage(contender, variant, server, folder, **options)
    try:
        yield stage
    finally:
        await stage.close()


def family(pid: int) -> list[psutil.Process]:
    """A process and its living descendants."""
    try:
        first = psutil.Process(pid)
        return [first, *first.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def kill(processes: Iterable[psutil.Process]) -> None:
    """SIGKILL each at once, so that none sees another's death."""
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(signal.SIGKILL)


def cpu_seconds(pid: int) -> float:
    """CPU seconds that a worker and its living descendants have used."""
    return sum(_cpu_seconds(process) for process in family(pid))


def _cpu_seconds(process: psutil.Process) -> float:
    """Linux tells nanoseconds per thread; elsewhere it is the process's own, in hundredths."""
    try:
        threads = Path(f"/proc/{process.pid}/task").glob("*/schedstat")
        found = [int(thread.read_text(encoding="ascii").split()[0]) for thread in threads]
        if found:
            return sum(found) / 1e9
        used = process.cpu_times()
    except (psutil.NoSuchProcess, OSError):
        return 0.0
    return float(used.user + used.system)

"""Where a batch is made: a server, a folder, and our own workers as processes."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from pydantic import SecretStr

from benchmarks.stage import BenchmarkError
from benchmarks.valkey import Server
from benchmarks.venvs import ROOT
from reelqueue.settings import Settings

END_SECONDS, LOOK_SECONDS = 30, 0.5
Answer = TypeVar("Answer")
SMALL = "benchmarks.batches.small_stages"
"""The module of a video worker whose stages do next to nothing."""


@dataclass(slots=True)
class Site:
    """`settings` are the client's; `environment` is what else its workers know."""

    server: Server
    folder: Path
    environment: dict[str, str] = field(default_factory=dict)
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def settings(self) -> Settings:
        """For this server and this folder, and nothing of the developer's."""
        return Settings(_env_file=None, redis_url=SecretStr(self.server.url()), data_dir=self.data, reelqueue_language="en")

    @property
    def data(self) -> Path:
        """DATA_DIR."""
        return self.folder / "data"

    @property
    def marks(self) -> Path:
        """Where small stages say that they run."""
        return self.folder / "marks"

    def start(self, name: str, module: str = "worker_settings") -> subprocess.Popen[bytes]:
        """One more worker, by arq's own command."""
        kept = {key: os.environ[key] for key in ("PATH", "HOME", "LANG", "TMPDIR") if key in os.environ}
        ours = {
            "REDIS_URL": self.server.url(), "DATA_DIR": str(self.data), "REELQUEUE_LANGUAGE": "en", "BENCH_MARKS": str(self.marks),
        }  # fmt: skip
        with (self.folder / f"{name}.log").open("ab") as log:
            made = subprocess.Popen(
                [sys.executable, "-m", "arq", f"{module}.{name}"],
                cwd=ROOT,
                env=kept | ours | self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.workers.append(made)
        return made

    async def while_they_live(self, work: Awaitable[Answer]) -> Answer:
        """What the work gives, as long as no worker ends before.

        Raises:
            BenchmarkError: one did; names its logs.
        """
        working = asyncio.ensure_future(work)
        while not (await asyncio.wait({working}, timeout=LOOK_SECONDS))[0]:
            if any(worker.poll() is not None for worker in self.workers):
                working.cancel()
                raise BenchmarkError(f"a worker ended: see {self.folder}")
        return working.result()

    async def stop(self) -> None:
        """End all workers as an operator does, and wait for it: their children's CPU time is counted then."""
        for worker in self.workers:
            worker.send_signal(signal.SIGTERM)
        for worker in self.workers:
            try:
                await asyncio.to_thread(worker.wait, END_SECONDS)
            except subprocess.TimeoutExpired:
                worker.kill()
                worker.wait()
        self.workers.clear()


@contextlib.asynccontextmanager
async def opened(server: Server, home: Path, name: str, environment: dict[str, str] | None = None) -> AsyncIterator[Site]:
    """A site of its own with an emptied server; its workers are gone afterwards."""
    folder = home / name
    folder.mkdir(parents=True)
    server.empty()
    site = Site(server, folder, environment or {})
    try:
        yield site
    finally:
        await site.stop()

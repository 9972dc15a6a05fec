"""`reelqueue worker` as an operator runs it: a supervisor, its workers and their children, all real."""

import contextlib
import itertools
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import psutil

from jobs.app import Queue
from jobs.pipeline import VIDEO
from reelqueue.settings import Settings
from tests import forks
from tests.faults.course import Course
from tests.preloaded import NAME
from tests.workers import ROOT, environment, until

COMMAND = (sys.executable, "-c", "from reelqueue.cli import main; main()", "worker")
STAND_IN = Path(__file__).parent / "supervised"
_numbers = itertools.count(1)


class Supervised:
    """A running `reelqueue worker`, and what it and its workers said."""

    def __init__(self, process: subprocess.Popen[bytes], folder: Path) -> None:
        self.process = process
        self._folder = folder

    @property
    def out(self) -> str:
        """Its stdout."""
        return (self._folder / "out").read_text(encoding="utf-8")

    @property
    def err(self) -> str:
        """Its stderr."""
        return (self._folder / "err").read_text(encoding="utf-8")

    def events(self, name: str) -> list[dict[str, Any]]:
        """The whole lines of this event; whatever is no JSON fails the test."""
        lines = [json.loads(line) for line in self.err.splitlines(keepends=True) if line.endswith("\n")]
        return [line for line in lines if line["event"] == name]

    async def ready(self, workers: int = 1, *, seconds: float = 60) -> None:
        """Wait until so many workers got going, all in all."""

        def enough() -> bool:
            assert self.process.poll() is None, self.err
            return len(self.events("worker_ready")) >= workers

        await until(enough, f"{workers} workers are ready", seconds=seconds)

    async def ended(self, seconds: float = 60) -> int:
        """Its exit code."""
        await until(lambda: self.process.poll() is not None, "the supervisor ends", seconds=seconds)
        assert self.process.returncode is not None
        return self.process.returncode

    def family(self) -> list[psutil.Process]:
        """Its descendants, but for the parent of its forks."""
        return [one for one in psutil.Process(self.process.pid).children(recursive=True) if not _forks(one)]


def _forks(one: psutil.Process) -> bool:
    try:
        return one.name() == NAME
    except psutil.NoSuchProcess:
        return False


Supervise = Callable[..., AbstractAsyncContextManager[Supervised]]


def supervisor(settings: Settings, tmp_path: Path, course: Course) -> Supervise:
    """Starts `reelqueue worker` with these arguments and settings; a value of None takes one away."""

    @contextlib.asynccontextmanager
    async def started(
        *arguments: str, command: Sequence[str] = COMMAND, hold: bool = False, **more: str | None
    ) -> AsyncIterator[Supervised]:
        folder = tmp_path / f"supervised-{next(_numbers)}"
        folder.mkdir()
        stand_in = {"PYTHONPATH": f"{STAND_IN}:{ROOT}", "OURS": str(ROOT / "worker_settings.py"), "COURSE": str(course.folder)}
        env = environment(settings) | (stand_in if hold else {}) | more
        with (folder / "out").open("wb") as out, (folder / "err").open("wb") as err:
            process = forks.Popen(
                [*command, *arguments],
                cwd=tmp_path,
                env={name: value for name, value in env.items() if value is not None},
                stdout=out,
                stderr=err,
                breeds=True,
            )
        try:
            yield Supervised(process, folder)
        finally:
            family = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
            process.kill()
            process.wait()
            psutil.wait_procs(family, timeout=30)

    return started


async def enqueue(queue: Queue, name: str) -> Any:
    """A job that stays until it is let go."""
    return await queue.enqueue_job("hold", name, _queue_name=VIDEO)

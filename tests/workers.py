"""Real arq workers in processes of their own, for tests that need them, or kill them."""

import asyncio
import contextlib
import itertools
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any

from reelqueue.settings import Settings
from tests import forks

ROOT = Path(__file__).parents[1]
HUMMING = {"PYTHONPATH": str(ROOT / "tests" / "humming")}
"""For a worker whose local voice hums, at a fraction of the CPU: where the voice is not what a test looks at."""
TINY = "tests.tiny.worker_settings"
"""The module of a worker whose videos are tiny: where their picture is not what a test looks at either."""
TINY_BELOW = {"PYTHONPATH": f"{ROOT / 'tests' / 'tiny'}:{HUMMING['PYTHONPATH']}"}
"""For `reelqueue worker`, to do and to hum so with all of its workers."""
END_SECONDS = 15
_numbers = itertools.count(1)


def environment(settings: Settings) -> dict[str, str]:
    """What a worker process sees: these settings and nothing of the developer's."""
    theirs = ("REELQUEUE_", "REDIS_", "CELERY_", "GEMINI_", "GOOGLE_", "DID_", "YOUTUBE_", "CHANNELS_FILE", "PRICES_FILE")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(theirs)}
    assert settings.redis_url is not None
    return kept | {
        "REDIS_URL": settings.redis_url.get_secret_value(),
        "DATA_DIR": str(settings.data_dir),
        "REELQUEUE_LANGUAGE": "en",
        "LEASE_SECONDS": str(settings.lease_seconds),
    }


class Worker:
    """One worker process, and what it said."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self.process = process
        self.log = log

    @property
    def pid(self) -> int:
        """Its process; a wrapper's, where it was started below one."""
        return self.process.pid

    @property
    def runs(self) -> bool:
        """Whether it still lives."""
        return self.process.poll() is None

    def kill(self) -> None:
        """SIGKILL, and wait for its end."""
        self.process.kill()
        self.process.wait(30)

    def tell(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self.process.send_signal(number)

    async def ended(self, seconds: float = 60.0) -> int:
        """Its exit code, as soon as it has ended."""
        await until(lambda: not self.runs, "the worker ends", seconds=seconds)
        return self.process.wait()

    def said(self) -> str:
        """All that it wrote."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    def lines(self) -> list[dict[str, Any]]:
        """The same, line by line: the whole ones, while it writes."""
        return [json.loads(line) for line in self.said().splitlines(keepends=True) if line.endswith("\n")]


@contextlib.asynccontextmanager
async def worker(
    settings: Settings,
    name: str = "VideoWorker",
    *,
    module: str = "worker_settings",
    wrapper: Sequence[str] = (),
    arguments: Sequence[str] = (),
    output: Path | None = None,
    **more: str,
) -> AsyncIterator[Worker]:
    """A running `arq worker_settings.<name>`, with `more` in its environment; leaving ends it.

    `wrapper` is a command that starts it, `arguments` come after its name, `output` is where it writes.
    """
    settings.data_dir.parent.mkdir(parents=True, exist_ok=True)
    log = output or settings.data_dir.parent / f"{name}-{next(_numbers)}.log"
    with log.open("ab") as out:
        start = subprocess.Popen if wrapper else forks.Popen  # below a wrapper it may be another version
        process = start(
            [*wrapper, sys.executable, "-m", "arq", f"{module}.{name}", *arguments],
            cwd=ROOT,
            env=environment(settings) | more,
            stdout=out,
            stderr=out,
        )
    try:
        yield Worker(process, log)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGCONT)
            process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                await asyncio.to_thread(process.wait, END_SECONDS)
        process.kill()
        process.wait()


async def until(true: Callable[[], Any], what: str, *, seconds: float = 60.0) -> Any:
    """What `true` gives, as soon as it gives something."""
    deadline = time.monotonic() + seconds
    while not (seen := true()):
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}"
        await asyncio.sleep(0.02)
    return seen

"""Real arq workers in processes of their own, for tests that need them, or kill them."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from reelqueue.settings import Settings

ROOT = Path(__file__).parents[1]


def environment(settings: Settings) -> dict[str, str]:
    """What a worker process sees: these settings and nothing of the developer's."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("REELQUEUE_", "REDIS_", "CELERY_"))}
    assert settings.redis_url is not None
    return kept | {
        "REDIS_URL": settings.redis_url.get_secret_value(),
        "DATA_DIR": str(settings.data_dir),
        "REELQUEUE_LANGUAGE": "en",
        "LEASE_SECONDS": str(settings.lease_seconds),
    }


class Worker:
    """One worker process."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process

    def kill(self) -> None:
        """SIGKILL, and wait for its end."""
        self.process.kill()
        self.process.wait(30)


@contextlib.asynccontextmanager
async def worker(settings: Settings, name: str = "VideoWorker", **more: str) -> AsyncIterator[Worker]:
    """A running `arq worker_settings.<name>`, with `more` in its environment; leaving ends it."""
    log = settings.data_dir.parent / f"{name}.log"
    with log.open("ab") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "arq", f"worker_settings.{name}"],
            cwd=ROOT,
            env=environment(settings) | more,
            stdout=out,
            stderr=out,
        )
    try:
        yield Worker(process)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                await asyncio.to_thread(process.wait, 15)
        process.kill()
        process.wait()


async def until(true: Callable[[], bool], what: str, *, seconds: float = 60.0) -> None:
    """Wait until something is so."""
    async with asyncio.timeout(seconds) as deadline:
        while not true():
            await asyncio.sleep(0.02)
    assert not deadline.expired(), what

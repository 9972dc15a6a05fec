"""Several workers below one process: started, started again when they die, told to end, none orphaned.

Each worker is the stock command, `python -m arq worker_settings.VideoWorker`, in a session of its own; it dies with us
however we die (see `process.start`).  `-P` keeps a `jobs` or `progress` of the folder that we stand in out of our way.
"""

import asyncio
import contextlib
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from reelqueue import process
from reelqueue.errors import InstallationError
from reelqueue.wording import Text

WORKERS = {"video": "VideoWorker", "batch": "BatchWorker", "maintenance": "MaintenanceWorker"}
"""What the command line calls a worker, and its class in `worker_settings`."""
GRACE_SECONDS = 10.0
"""How long a worker may take to hand its jobs back."""
QUICK_SECONDS = 5.0
"""A worker that ends sooner than this after its start did not get going."""
QUICK_ENDS = 3
RESTART_SECONDS = 1.0

_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Supervisor:
    """The workers of `kinds`; `failed` is done, with an error, when one of them does not get going."""

    kinds: Sequence[str]
    env: Mapping[str, str]
    cwd: Path
    log: Path | None = None
    grace_s: float = GRACE_SECONDS
    burst: bool = False
    children: dict[str, asyncio.subprocess.Process] = field(default_factory=dict)

    async def run(self) -> None:
        """Keep the workers alive until cancelled; then end them.

        Raises:
            InstallationError: a worker ended at once, three times in a row.
        """
        try:
            async with asyncio.TaskGroup() as group:
                for kind in self.kinds:
                    group.create_task(self._keep(kind))
        except* InstallationError as refusals:
            raise refusals.exceptions[0] from None
        finally:
            await asyncio.shield(self._end_all())

    async def _keep(self, kind: str) -> None:
        quick = 0
        while True:
            began = time.monotonic()
            code = await (await self._start(kind)).wait()
            if self.burst and code == 0:
                return
            quick = quick + 1 if time.monotonic() - began < QUICK_SECONDS else 0
            _log.warning("worker_ended", worker=kind, exit_code=code)
            if quick >= QUICK_ENDS:
                raise self._does_not_start(kind, code)
            await asyncio.sleep(RESTART_SECONDS)

    async def _start(self, kind: str) -> asyncio.subprocess.Process:
        argv = [sys.executable, "-P", "-m", "arq", f"worker_settings.{WORKERS[kind]}", *(["--burst"] if self.burst else [])]
        child = await process.start(argv, cwd=self.cwd, env=self.env, log=self.log)
        self.children[kind] = child
        _log.info("worker_started", worker=kind, pid=child.pid)
        return child

    async def _end_all(self) -> None:
        await asyncio.gather(*(process.end(child, grace_s=self.grace_s) for child in self.children.values()))

    def _does_not_start(self, kind: str, code: int) -> InstallationError:
        said = _last_words(self.log)
        where = Text(f"請看 {self.log}", f"see {self.log}") if self.log else Text("請看上面的訊息", "see the messages above")
        return InstallationError(
            Text(f"{kind} worker 無法啟動（代碼 {code}）{said}", f"the {kind} worker does not start (code {code}){said}"), where
        )


@contextlib.asynccontextmanager
async def workers(supervisor: Supervisor) -> AsyncIterator["asyncio.Task[None]"]:
    """Run a supervisor beside the caller's own work; yields its task, which ends early only by an error."""
    task = asyncio.create_task(supervisor.run())
    try:
        yield task
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError, InstallationError):
            await task


def _last_words(log: Path | None) -> str:
    """The last two lines: what was wrong, and what to do."""
    if log is None or not log.exists():
        return ""
    lines = [line.strip() for line in log.read_text(encoding="utf-8", errors="replace")[-20_000:].splitlines() if line.strip()]
    return f": {' '.join(lines[-2:])[:400]}" if lines else ""

"""What looking after ten thousand waiting projects takes: the pass of each minute, and a queue that is built anew from nothing."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from benchmarks.batches.site import Site, opened
from benchmarks.valkey import Server
from jobs.client import connect, open_queue
from jobs.maintenance.recover import renew
from jobs.pipeline import MAINTENANCE, VIDEO
from reelqueue import clock
from reelqueue.bootstrap import open_service
from reelqueue.models.project import ProjectState, Wait
from reelqueue.models.stage import ProjectStatus, Stage, StageStatus

LOOK_SECONDS = 0.002
BATCH_OF = 5_000
AT_ONCE = 8
MEANWHILE = timedelta(hours=9)
BEFORE = (Stage.SCRIPT, Stage.ASSETS, Stage.RENDER, Stage.THUMBNAIL)


@dataclass(slots=True)
class Pass:
    """One pass: seconds by the wall and of CPU, Redis's commands, how long the event loop was blocked at most, what was put back."""

    wall_s: float = 0.0
    cpu_s: float = 0.0
    commands: int = 0
    blocked_ms: float = 0.0
    put_back: int = 0


async def renewal(server: Server, home: Path, *, projects: int) -> dict[str, Any]:
    """Let so many projects wait for their uploads, then look after them: for the first time, again, and after Redis forgot all."""
    async with opened(server, home, "renewal") as site:
        began = time.monotonic()
        await _waiting(site, projects)
        made_s = time.monotonic() - began
        async with (
            open_queue(site.settings) as client,
            open_service(site.settings, queue=MAINTENANCE, redis=client.redis) as service,
        ):
            passes = {}
            for name in ("rebuilt, cold", "a minute's", "a minute's again"):
                passes[name] = await _measured(server, lambda: renew(service, client.redis))
            server.empty()
            await _again(site)
            passes["rebuilt, warm"] = await _measured(server, lambda: renew(service, client.redis))
            queued = await client.redis.zcard(VIDEO)
    return {
        "projects": projects,
        "made_s": made_s,
        "queued": queued,
        "passes": {name: asdict(one) for name, one in passes.items()},
    }


async def _again(site: Site) -> None:
    """The installation's name is in Redis again."""
    async with open_queue(site.settings):
        pass


async def _measured(server: Server, work: Any) -> Pass:
    found = Pass()
    async with _loop_watched(found):
        commands, cpu, began = server.commands(), time.process_time(), time.monotonic()
        found.put_back = len((await work())[0])
        found.wall_s, found.cpu_s = time.monotonic() - began, time.process_time() - cpu
        found.commands = server.commands() - commands
    return found


@contextlib.asynccontextmanager
async def _loop_watched(found: Pass) -> AsyncIterator[None]:
    """How late the loop comes to who asked for a moment's sleep, at most."""

    async def watch() -> None:
        while True:
            began = time.monotonic()
            await asyncio.sleep(LOOK_SECONDS)
            found.blocked_ms = max(found.blocked_ms, 1000 * (time.monotonic() - began - LOOK_SECONDS))

    watching = asyncio.create_task(watch())
    await asyncio.sleep(0)
    try:
        yield
    finally:
        watching.cancel()
        await asyncio.wait({watching})


async def _waiting(site: Site, projects: int) -> None:
    """Projects that wait for their uploads, as those of two batches do when a day's are used up."""
    until = clock.now() + MEANWHILE

    def parked(state: ProjectState) -> ProjectState:
        for stage in BEFORE:
            state = state.with_stage(stage, status=StageStatus.DONE)
        wait = Wait(reason="YouTube uploads", until=until, what_to_do="wait")
        return state.replace(status=ProjectStatus.WAITING_QUOTA, wait=wait, resume_at=until, run=1)

    async with connect(site.settings) as queue, open_queue(site.settings) as client:
        for first in range(0, projects, BATCH_OF):
            count = min(BATCH_OF, projects - first)
            batch = await queue.create_batch([{"topic": f"Project {number}"} for number in range(first, first + count)])
            numbers = list(batch.project_ids)
            for start in range(0, count, AT_ONCE):
                await asyncio.gather(*(client.projects.change(number, parked) for number in numbers[start : start + AT_ONCE]))

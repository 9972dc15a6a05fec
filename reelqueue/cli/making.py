"""Everything for one video in one process tree: the server, the workers, the project, its way, its end."""

import asyncio
import contextlib
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path

from jobs import connect
from reelqueue.bootstrap import Settings
from reelqueue.cli.alive import paused
from reelqueue.cli.bars import TITLES
from reelqueue.cli.console import clock, note, say, size
from reelqueue.cli.following import follow_to_end
from reelqueue.cli.server import log_file, redis_server, worker_environment
from reelqueue.models.brief import Brief
from reelqueue.models.project import ProjectState
from reelqueue.models.stage import Stage, StageStatus
from reelqueue.supervisor import WORKERS, Supervisor, workers
from reelqueue.wording import Text
from storage import Paths, ProjectStore

PATIENCE = 3
"""How often in a row a worker may fail to get going before the user hears of it."""
LEAST_USD = 0.01
"""Less is told of as less."""
Server = Callable[[Settings], AbstractAsyncContextManager[Settings]]


@dataclass(frozen=True, slots=True)
class Made:
    """A completed project, and how long all of it took."""

    state: ProjectState
    wall_s: float


async def make_video(settings: Settings, brief: Brief, *, created: Callable[[int], None], server: Server = redis_server) -> Made:
    """Make one video; `created` hears the project's id as soon as it is on disk; `server` gives the Redis.

    Raises:
        ReelqueueError: how it ended otherwise; what was made is kept.
    """
    began = time.monotonic()
    async with server(settings) as live:
        env = worker_environment(live) | {"REELQUEUE_DRAIN_SECONDS": "0"}  # a Ctrl-C is not kept waiting
        supervisor = Supervisor(tuple(WORKERS), env, Path.cwd(), log_file(live, "make"), patience=PATIENCE)
        async with workers(supervisor) as crew, connect(live) as queue:
            project = await queue.create_project(brief)
            created(project.project_id)
            await queue.start(project.project_id)
            if (held := await paused(live)) is not None:
                note(held)
            store = ProjectStore.reader(Paths(live.data_dir))
            following = asyncio.create_task(follow_to_end(live, store, project.project_id))
            try:
                await asyncio.wait({following, crew}, return_when=asyncio.FIRST_COMPLETED)
                if crew.done():
                    await crew  # raises why
                return Made(await following, time.monotonic() - began)
            finally:
                following.cancel()
                with contextlib.suppress(asyncio.CancelledError, Exception):  # raised above already, or a worker's error is
                    await following


def report(made: Made, paths: Paths) -> None:
    """Where the video lies, how long and how large it is, and the time per stage."""
    state = made.state
    say("")
    say(Text(f"✓ 專案 {state.project_id} 完成", f"✓ project {state.project_id} is done"))
    say_where(state, paths)
    say_what_it_took(state)
    length = video_seconds(state)
    if length:
        say(f"  {Text('長度', 'length')}: {clock(length)}")
    for stage in Stage:
        known = state.stages[stage]
        if known.status is StageStatus.DONE and known.duration_s is not None:
            say(f"  {TITLES[stage]}: {known.duration_s:.1f} s")
    say(Text(f"  全部: {made.wall_s:.1f} s", f"  all: {made.wall_s:.1f} s"))
    for stage in Stage:
        for warning in state.stages[stage].warnings:
            say(f"  ! {warning}")


def say_where(state: ProjectState, paths: Paths) -> None:
    """Where what a project has made lies, and its address once it is published."""
    files = paths.project(state.project_id)
    for title, path in (
        (Text("影片", "video"), files.video),
        (Text("縮圖", "thumbnail"), files.thumbnail),
        (Text("字幕", "captions"), files.captions),
    ):
        if path.exists():
            say(f"  {title}: {path} ({size(path.stat().st_size)})")
    if (where := (state.stages[Stage.UPLOAD].result or {}).get("video_url")) is not None:
        say(f"  {Text('發布於', 'published at')}: {where}")


def say_what_it_took(state: ProjectState) -> None:
    """What services were paid for a project, as far as it is known; nothing where none was."""
    usd = sum(use.cost_usd for use in state.usage)
    if usd:
        services = ", ".join(dict.fromkeys(use.service for use in state.usage))
        zh, en = (f"{usd:.2f}",) * 2 if usd >= LEAST_USD else (f"不到 {LEAST_USD}", f"less than {LEAST_USD}")
        say(Text(f"  花費: {zh} 美元（{services}）", f"  cost: {en} US dollars ({services})"))


def video_seconds(state: ProjectState) -> float:
    """The length of the video, 0 where it is not known."""
    info = (state.stages[Stage.RENDER].result or {}).get("video_info") or {}
    return float(info.get("duration_s") or info.get("duration") or 0.0)

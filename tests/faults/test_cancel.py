"""A cancel is acknowledged within two seconds, wherever the project stands; nothing of it happens after that, and what was made stays."""

import asyncio
import contextlib
import time
from functools import partial
from pathlib import Path

import psutil
import pytest

from jobs.client import cancel_without_redis, connect
from reelqueue.errors import ProjectCancelled
from reelqueue.models.stage import ProjectStatus, Stage, StageStatus
from tests.faults.test_real_videos import kept, pieces
from tests.faults.world import World, leased
from tests.promised import seconds
from tests.workers import until, worker

ACKNOWLEDGED_SECONDS = seconds(2.0, busy=10.0)
"""As long as a cancel waits for a worker."""
LAST = 5
BRIEF = {
    "topic": "Bread",
    "content": "Yeast eats sugar. Heat sets the crumb. The crust sings.",
    "presenter": False,
    "music": "none",
    "aspect": "1:1",
    "fps": 24,
}


@pytest.fixture
def world(world: World) -> World:
    return leased(world, 60.0)


async def acknowledged(queue, number: int, cancel=None) -> float:
    """Cancel; returns how long that took.  Its worker has let go by then, and will not come back to it."""
    began = time.monotonic()
    state = await (cancel or queue.cancel)(number)
    assert state.status is ProjectStatus.CANCELLED
    while await queue._projects.holder(number) is not None:
        assert time.monotonic() - began < ACKNOWLEDGED_SECONDS, "its worker works on"
        await asyncio.sleep(0.02)
    return time.monotonic() - began


def children(pid: int) -> set[int]:
    """The processes below a worker that are no zombies."""
    found = set()
    for child in psutil.Process(pid).children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            if child.status() != psutil.STATUS_ZOMBIE:
                found.add(child.pid)
    return found


@pytest.mark.slow
async def test_a_real_video_cancelled_amid_its_voice_and_its_render_leaves_no_child_and_goes_on_from_what_was_made(settings):
    """One worker, the real tools: both stages load the CPU in children of their own."""
    root = settings.data_dir / "projects" / "1"
    made: dict[str, int] = {}
    async with connect(settings) as queue, worker(settings, module="tests.faults.one_voice") as running:
        await until(lambda: "worker_starts" in running.said(), "it starts")
        idle = children(running.pid)
        await queue.create_project(BRIEF)
        await queue.start(1)
        for stage, folder in ((Stage.ASSETS, "audio"), (Stage.RENDER, "segments")):
            await amid(queue, stage, root / folder)
            busy = children(running.pid) - idle
            took = await acknowledged(queue, 1)

            assert took < ACKNOWLEDGED_SECONDS, (stage, took)
            assert busy, stage
            await until(lambda: not children(running.pid) - idle, "no child is left", seconds=ACKNOWLEDGED_SECONDS)
            state, now = await queue.get_project(1), pieces(root)
            assert state.stages[stage].status is StageStatus.PENDING
            assert kept(made, now)
            made = now
            with pytest.raises(ProjectCancelled):
                await queue.wait(1, timeout=60)
            assert not (settings.data_dir / "library" / "1").exists()
            if stage is Stage.ASSETS:
                await queue.retry(1)

    assert [state.stages[stage].attempts for stage in (Stage.SCRIPT, Stage.ASSETS, Stage.RENDER)] == [1, 1, 0]


async def amid(queue, stage: Stage, folder: Path) -> None:
    """Wait until a stage has made a piece, and works on."""
    async with asyncio.timeout(120):
        while True:
            state = await queue.get_project(1)
            if state.stages[stage].status is StageStatus.RUNNING and any(folder.glob("*.json")):
                return
            assert state.stages[stage].status is not StageStatus.DONE, f"{stage} was too fast"
            await asyncio.sleep(0.01)


async def test_projects_in_every_stage_are_cancelled_while_redis_is_away_and_go_on_afterwards(queue, course, world, server):
    """Their worker hears of it by the disk; of four by who had his connection already, of one by who finds no Redis."""
    in_stage = dict(zip(range(1, 6), Stage, strict=True))
    for number, stage in in_stage.items():
        await queue.create_project({"topic": "How tides work"})
        course.leave(*(f"{number}-{before}" for before in Stage if stage.reaches(before) and before is not stage))
        await queue.start(number)
    async with world.worker(VIDEO_MAX_JOBS="6", VIDEO_WAIT_SLOTS="10") as running:
        for number, stage in in_stage.items():
            await course.seen(f"{number}-{stage}")
        begun = course.names()
        await server.kill()
        newcomer = partial(cancel_without_redis, world.settings)
        took = await asyncio.gather(*(acknowledged(queue, number, newcomer if number == LAST else None) for number in in_stage))
        for number, stage in in_stage.items():
            assert course.pids(f"{number}-{stage}", "stopped") == [running.pid]
        course.leave(*(f"{number}-{stage}" for number in in_stage for stage in Stage))
        await server.start()
        for number in in_stage:
            await queue.retry(number)
        for number in in_stage:
            await queue.wait(number, timeout=60)

        assert max(took) < ACKNOWLEDGED_SECONDS
        assert running.runs
    twice = {f"{number}-{stage}" for number, stage in in_stage.items()}
    assert {name: len(course.notes(name)) for name in begun} == {name: 1 + (name in twice) for name in begun}

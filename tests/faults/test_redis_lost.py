"""Redis forgets everything while projects stand everywhere they can stand: what was queued is built anew from disk, once."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from itertools import product
from pathlib import Path

import pytest
from pydantic import SecretStr

from jobs.client import connect, open_queue
from jobs.fleet import Fleet
from jobs.halting import paused_key
from jobs.pipeline import BATCH, MAINTENANCE, VIDEO
from jobs.queue import RENEWAL_SLACK_MS
from reelqueue import clock
from reelqueue.models.stage import ProjectStatus, Stage
from reelqueue.settings import Settings
from storage.pauses import Pauses
from tests.faults.redis_server import running
from tests.faults.world import World, leased
from tests.workers import until, worker

IN_STAGE = dict(zip(range(1, 6), Stage, strict=True))
UNTOUCHED, REVIEWED, PARKED = 6, 7, 8
"""Projects in each of the five stages; one that was never started, one that waits for a person, one that waits for a quota."""
PLACES = {"VIDEO_MAX_JOBS": "6", "VIDEO_WAIT_SLOTS": "10"}
BRIEF = {"topic": "How tides work"}


@pytest.fixture
def world(world: World) -> World:
    return leased(world, 60.0)


@contextlib.asynccontextmanager
async def flushed(world: World, _folder: Path) -> AsyncIterator[None]:
    """Every connection stays, scripts are gone too."""
    async with world.server.flushed():
        yield


@contextlib.asynccontextmanager
async def emptied(world: World, _folder: Path) -> AsyncIterator[None]:
    """The server was started again, without its file."""
    async with world.server.forgetful():
        pass
    yield


@contextlib.asynccontextmanager
async def replaced(world: World, folder: Path) -> AsyncIterator[None]:
    """Its address leads to another server, as after a move; the old one lives on."""
    async with running(folder) as other:
        world.proxy.target = other.port
        world.proxy.reset_all()
        yield


async def test_projects_in_every_stage_waits_a_batch_and_a_pause_outlive_a_redis_that_is_flushed_emptied_and_replaced(
    world, course, tmp_path
):
    """One loss after the other, while all stand still; then they are let go, and each stage of each has run once."""
    settings = world.settings.model_copy(update={"redis_url": SecretStr(world.server.url_at(world.proxy.port))})
    async with (
        contextlib.AsyncExitStack() as stack,
        connect(settings) as queue,
        world.worker(**world.proxied, **PLACES) as one,
        worker(settings, "BatchWorker") as other,
    ):
        batch = await everywhere(queue, course, settings)
        async with open_queue(settings) as client:
            await Fleet(client.redis, pauses=Pauses(client.paths.paused)).pause(MAINTENANCE)
        resume_at = (await queue.get_project(PARKED)).resume_at
        before = {name: len(course.notes(name)) for name in course.names()}
        for number, lost in enumerate([flushed, emptied, replaced]):
            await stack.enter_async_context(lost(world, tmp_path / f"server-{number}"))
            async with open_queue(settings) as client:  # it may be the first to come: it puts no hint back
                due = await rebuilt(client.redis)
                assert abs(due - resume_at.timestamp() * 1000) < RENEWAL_SLACK_MS
                assert await client.redis.exists(paused_key(MAINTENANCE))
        assert {name: len(course.notes(name)) for name in course.names()} == before

        course.leave(
            *(f"{number}-{stage}" for number, stage in product((*IN_STAGE, REVIEWED, PARKED, *batch.project_ids), Stage))
        )
        await queue.approve(REVIEWED)
        await queue.retry(PARKED)
        for number in (*IN_STAGE, REVIEWED, PARKED):
            await queue.wait(number, timeout=90)
        result = await queue.wait_batch(batch.batch_id, timeout=90)

        assert (result["status"], result["completed"]) == ("success", 2)
        assert {len(course.notes(name)) for name in course.names()} == {1}
        assert len(course.names()) == 5 * (len(IN_STAGE) + 2 + 2)
        assert (await queue.get_project(UNTOUCHED)).status is ProjectStatus.CREATED
        assert one.runs
        assert other.runs


async def everywhere(queue, course, settings: Settings):
    """Projects in each stage, three that wait, a batch in flight; returns the batch."""
    for number, stage in IN_STAGE.items():
        await queue.create_project(BRIEF)
        course.leave(*(f"{number}-{before}" for before in Stage if stage.reaches(before) and before is not stage))
    await queue.create_project(BRIEF)
    await queue.create_project(BRIEF | {"review": ["script"]})
    await queue.create_project(BRIEF)
    batch = await queue.create_batch([BRIEF] * 2)
    course.leave(f"{REVIEWED}-script")
    later = clock.now() + timedelta(hours=1)
    await queue._projects.change(
        PARKED, lambda state: state.replace(status=ProjectStatus.WAITING_QUOTA, resume_at=later, goal=Stage.UPLOAD)
    )
    for number in (*IN_STAGE, REVIEWED):
        await queue.start(number)
    await queue.start_batch(batch.batch_id)
    for number, stage in (*IN_STAGE.items(), *((number, Stage.SCRIPT) for number in batch.project_ids)):
        await course.seen(f"{number}-{stage}")
    await until(lambda: course.pids(f"{REVIEWED}-script", "ended"), "its script is there")
    return batch


async def rebuilt(redis) -> float:
    """Wait until what is due is queued again, and see that nothing else is; returns when the parked project's hint is due (ms)."""
    deadline = time.monotonic() + 60
    while True:
        hints, batches = await redis.zrange(VIDEO, 0, -1, withscores=True), await redis.zcard(BATCH)
        parked = [score for raw, score in hints if raw.split(b":")[1] == str(PARKED).encode()]
        if parked and batches:
            break
        assert time.monotonic() < deadline, (hints, batches)
        await asyncio.sleep(0.02)
    assert (len(hints), batches) == (1, 1), hints  # who is in hand has no need of one
    return parked[0]

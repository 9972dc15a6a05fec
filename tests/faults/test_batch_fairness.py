"""A single project in the midst of a large batch: nobody waits for five hundred others.

Workers have small stages that stay until a test lets them go, so that who is next shows, whatever the time.
"""

import asyncio

import pytest

from reelqueue.models.stage import Stage
from tests.workers import until, worker

pytestmark = pytest.mark.slow
BATCH_OF, CPU, WAIT = 500, 2, 8
BRIEF = {"topic": "How tides work"}


@pytest.fixture
async def crowd(queue, world):
    """A batch of five hundred that has begun, with a coordinator; its projects."""
    batch = await queue.create_batch([BRIEF] * BATCH_OF)
    await queue.start_batch(batch.batch_id)
    async with worker(world.settings, "BatchWorker"):
        yield batch.project_ids


def running(course, stage):
    """The projects that are in this stage now."""
    return {name for name in course.names() if name.endswith(f"-{stage}")} - course.names("ended")


async def queued(redis, number, stage):
    """Wait until this stage has its job."""
    async with asyncio.timeout(60):
        while not await redis.exists(f"reelqueue:hint:{number}:{stage}"):
            await asyncio.sleep(0.02)


async def single(queue):
    """A project of its own, started; its id."""
    project = await queue.create_project(BRIEF)
    await queue.start(project.project_id)
    return project.project_id


async def test_a_single_projects_first_stage_starts_while_a_batch_has_all_the_places_it_may_have(queue, course, world, crowd):
    """None of the batch's scripts ends: there is a place that batches leave to others."""
    async with world.worker():
        await until(lambda: len(running(course, Stage.SCRIPT)) == WAIT - 1, "the batch's scripts run")

        number = await single(queue)
        await course.seen(f"{number}-{Stage.SCRIPT}")

        assert len(running(course, Stage.SCRIPT)) == WAIT
        course.leave(*(f"{one}-{Stage.SCRIPT}" for one in (*crowd, number)))


async def test_a_single_projects_render_is_the_next_to_get_a_place(queue, redis, course, world, crowd):
    """Two of the batch render, many of its projects wait for a place; one place is given up, and the single project has it."""
    course.leave(*(f"{one}-{stage}" for one in crowd for stage in (Stage.SCRIPT, Stage.ASSETS)))
    async with world.worker():
        first, _ = await until(
            lambda: len(found := sorted(running(course, Stage.RENDER))) == CPU and found, "two of the batch render", seconds=60
        )
        number = await single(queue)
        course.leave(f"{number}-{Stage.SCRIPT}", f"{number}-{Stage.ASSETS}")
        await queued(redis, number, Stage.ASSETS)
        before = course.names()

        course.leave(first)
        await course.seen(f"{number}-{Stage.RENDER}")

        began = {name for name in course.names() - before if not name.endswith(f"-{Stage.SCRIPT}")}
        assert began == {f"{number}-{Stage.ASSETS}", f"{number}-{Stage.RENDER}"}


async def test_of_one_batch_the_more_wanted_project_is_begun_first(queue, redis, course, world):
    """It stands last in the list."""
    last = 60
    batch = await queue.create_batch([BRIEF] * (last - 1) + [BRIEF | {"priority": 5}])
    await queue.start_batch(batch.batch_id)
    wanted = batch.project_ids[-1]
    async with worker(world.settings, "BatchWorker"):
        await queued(redis, wanted, Stage.SCRIPT)
        async with world.worker():
            await until(lambda: len(running(course, Stage.SCRIPT)) == WAIT - 1, "the batch's scripts run")

            assert f"{wanted}-{Stage.SCRIPT}" in running(course, Stage.SCRIPT)

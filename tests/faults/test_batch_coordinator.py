"""A batch's coordinator dies, Redis forgets its job: the batch goes on, and nothing of it is made twice."""

import asyncio
from itertools import product

from reelqueue.models.batch import BatchAct
from reelqueue.models.stage import BatchStatus, Stage
from storage import BatchStore, Paths
from tests.workers import until, worker

BRIEFS = [{"topic": f"Tide {number}"} for number in range(3)]


def stages_of(batch):
    return [f"{number}-{stage}" for number, stage in product(batch.project_ids, Stage)]


async def test_a_killed_coordinators_batch_is_taken_over_and_nothing_is_made_twice(queue, course, world):
    """Killed while all scripts are being written; killed again while it sleeps."""
    batch = await queue.create_batch(BRIEFS)
    await queue.start_batch(batch.batch_id)
    async with world.worker():
        async with worker(world.settings, "BatchWorker") as first:
            await asyncio.gather(*(course.seen(f"{number}-script") for number in batch.project_ids))
            first.kill()
        async with worker(world.settings, "BatchWorker") as second:
            course.leave(*(f"{number}-script" for number in batch.project_ids))
            await until(lambda: any(name.endswith("-assets") for name in course.names()), "the first has its script")
            second.kill()
        async with worker(world.settings, "BatchWorker"):
            course.leave(*stages_of(batch))
            result = await queue.wait_batch(batch.batch_id, timeout=90)

    assert (result["status"], result["completed"]) == ("success", 3)
    assert {name: len(course.notes(name)) for name in stages_of(batch)} == dict.fromkeys(stages_of(batch), 1)


async def test_a_batch_can_be_paused_and_cancelled_where_no_batch_worker_runs(queue, course, world):
    """Who asks does it himself; only the batch's own end is left to a coordinator."""
    batch = await queue.create_batch(BRIEFS)
    await queue.start_batch(batch.batch_id)
    async with world.worker():
        async with worker(world.settings, "BatchWorker") as only:
            await asyncio.gather(*(course.seen(f"{number}-script") for number in batch.project_ids))
            only.kill()
        paused = await queue.pause_batch(batch.batch_id)
        held = [(await queue.get_project(number)).held for number in batch.project_ids]
        cancelled = await queue.cancel_batch(batch.batch_id)
        await asyncio.gather(*(course.seen(f"{number}-script", "stopped") for number in batch.project_ids))

    assert (paused.status, paused.act, held) == (BatchStatus.PAUSED, None, [True] * 3)
    assert (cancelled.status, cancelled.act, cancelled.has_ended) == (BatchStatus.CANCELLED, BatchAct.CANCEL, False)
    assert list(await BatchStore.reader(Paths(world.settings.data_dir)).unfinished()) == [batch.batch_id]

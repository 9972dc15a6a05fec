"""Batches: made whole, worked off, and counted right."""

import asyncio

import pytest

from jobs.batch import processing
from jobs.pipeline import BATCH, VIDEO
from jobs.queue import JobQueue
from progress import subscribe_progress
from reelqueue.errors import Conflict, InvalidBrief, PermanentError
from reelqueue.models.stage import BatchStatus, Stage

BRIEFS = [{"topic": f"Tide {number}"} for number in range(3)]


@pytest.fixture(autouse=True)
def _looks_follow_each_other_soon(monkeypatch):
    """A second between two looks is for the disk's sake."""
    monkeypatch.setattr(processing, "LEAST_PAUSE_S", 0.02)
    monkeypatch.setattr(processing, "LEAST_IDLE_S", 0.2)


async def test_a_batch_counts_failures_as_failures_and_is_completed(queue, crew, stages):
    batch = await queue.create_batch(BRIEFS)
    failing = batch.project_ids[1]

    async def act(run):
        if run.project.project_id == failing:
            raise PermanentError("no picture")

    stages.acts[Stage.ASSETS] = act
    async with crew.working(VIDEO, BATCH):
        job = await queue.start_batch(batch.batch_id)
        waited = await queue.wait_batch(batch.batch_id, timeout=60)
        result = await job.result(timeout=60, poll_delay=0.02)

    assert result == waited
    assert (result["status"], result["total_projects"], result["completed"], result["failed"]) == ("partial_success", 3, 2, 1)
    assert [line["status"] for line in result["results"]] == ["completed", "failed", "completed"]
    assert result["results"][0]["video_id"] == "local-1"
    assert result["results"][1]["error"]["message"] == "no picture"
    assert (await queue.get_batch(batch.batch_id)).status is BatchStatus.COMPLETED


async def test_a_batch_that_waits_holds_no_slot(queue, crew, stages):
    stages.acts[Stage.SCRIPT] = stages.stay
    first, second = await queue.create_batch(BRIEFS[:1]), await queue.create_batch(BRIEFS[1:2])
    async with crew.working(VIDEO, BATCH) as (_, batch_worker):
        batch_worker.max_jobs = 1
        await queue.start_batch(first.batch_id)
        await stages.inside.wait()
        await queue.start_batch(second.batch_id)
        pong = await queue.enqueue_job("debug_task", _queue_name=BATCH)
        assert (await pong.result(timeout=60, poll_delay=0.02))["pong"]
        stages.leave.set()
        await queue.wait_batch(second.batch_id, timeout=60)


async def test_looks_at_a_batch_in_which_nothing_changed_write_nothing(queue, crew, stages, redis, until):
    """There is one every few seconds, for as long as its videos take."""
    stages.acts[Stage.SCRIPT] = stages.stay
    batch = await queue.create_batch(BRIEFS[:1])
    async with crew.working(VIDEO, BATCH):
        job = await queue.start_batch(batch.batch_id)
        await stages.inside.wait()

        async def looks():
            return int(await redis.get(f"arq:retry:{job.job_id}") or 0)

        async def is_looked_at(times):
            await JobQueue(redis).wake_batch(batch.batch_id)
            return await looks() > times

        await until(lambda: is_looked_at(1), "nobody looks at the batch")
        before, seen = await queue.get_batch(batch.batch_id), await looks()
        await until(lambda: is_looked_at(seen + 1), "nobody looks at the batch")
        after = await queue.get_batch(batch.batch_id)
        stages.leave.set()
        await queue.wait_batch(batch.batch_id, timeout=60)

    assert after == before


async def test_the_same_key_gives_the_same_batch(queue):
    one = await queue.create_batch(BRIEFS, idempotency_key="week 1")
    again = await queue.create_batch(BRIEFS, idempotency_key="week 1")

    assert (again.batch_id, again.project_ids) == (one.batch_id, one.project_ids)
    with pytest.raises(Conflict):
        await queue.create_batch(BRIEFS[:1], idempotency_key="week 1")


@pytest.mark.parametrize("briefs", [[], {"topic": "x"}, [{"topic": "x"}, {"topik": "y"}]])
async def test_one_wrong_brief_makes_nothing(queue, briefs):
    with pytest.raises(InvalidBrief):
        await queue.create_batch(briefs)
    assert await queue.list_projects() == []


async def test_projects_of_a_batch_are_listed_by_it(queue):
    batch = await queue.create_batch(BRIEFS)
    await queue.create_project({"topic": "Alone"})

    listed = await queue.list_projects(batch_id=batch.batch_id)

    assert tuple(sorted(state.project_id for state in listed)) == batch.project_ids


async def test_a_deleted_or_cancelled_project_counts_as_failed(queue, crew):
    batch = await queue.create_batch(BRIEFS)
    await queue.delete(batch.project_ids[0])
    await queue.cancel(batch.project_ids[1])
    async with crew.working(VIDEO, BATCH):
        await queue.start_batch(batch.batch_id)
        result = await queue.wait_batch(batch.batch_id, timeout=60)

    assert (result["completed"], result["failed"]) == (1, 2)


async def test_a_batch_tells_of_its_progress(queue, crew, settings):
    batch = await queue.create_batch(BRIEFS[:2])
    async with crew.working(VIDEO, BATCH), asyncio.timeout(60):
        await queue.start_batch(batch.batch_id)
        events = [event async for event in subscribe_progress(batch_id=batch.batch_id, settings=settings)]

    assert {event.stage for event in events} == {"batch"}
    assert (events[0].progress, events[-1].progress, events[-1].status) == (0, 100, "completed")
    assert [event.seq for event in events] == list(range(1, len(events) + 1))

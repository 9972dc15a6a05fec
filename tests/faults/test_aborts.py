"""Aborting leaves no poison behind: whatever the job's state was, a later job of the same id runs."""

import asyncio

from arq.jobs import Job
from arq.utils import timestamp_ms

from jobs.pipeline import VIDEO
from jobs.wire import deserialize

ABORTS = "arq:abort"


def _job(redis, job_id: str) -> Job:
    return Job(job_id, redis, _queue_name=VIDEO, _deserializer=deserialize)


async def _runs_again(redis, course, job_id: str) -> bool:
    await redis.delete(f"arq:result:{job_id}")
    again = await redis.enqueue_job("stay", f"again {job_id}", _job_id=job_id, _queue_name=VIDEO)
    course.leave(f"again {job_id}")
    return "pid" in await again.result(timeout=60, poll_delay=0.02)


async def _the_next_millisecond() -> None:
    """arq says in milliseconds when a job was queued and when it was aborted: of two in the same one the abort is taken for the later."""
    now_ms = timestamp_ms()
    while timestamp_ms() == now_ms:
        await asyncio.sleep(0)


async def test_of_a_running_job(redis, course, world):
    async with world.worker():
        job = await redis.enqueue_job("stay", "job", _job_id="x", _queue_name=VIDEO)
        await course.seen("job")
        assert await job.abort(timeout=60, poll_delay=0.02)

        assert await redis.zcard(ABORTS) == 0
        assert len(course.notes("job", "stopped")) == 1
        assert await _runs_again(redis, course, "x")


async def test_of_a_job_that_waits_for_its_turn(redis, course, world):
    """It is deferred by an hour: nobody would come to it."""
    async with world.worker():
        job = await redis.enqueue_job("stay", "job", _job_id="x", _queue_name=VIDEO, _defer_by=3600)
        assert await job.abort(timeout=60, poll_delay=0.02)

        assert await redis.zcard(ABORTS) == 0
        assert course.names() == set()
        assert await _runs_again(redis, course, "x")


async def test_of_a_job_that_has_ended(redis, course, world):
    """At any fraction of a millisecond: arq rounds its stamps, and a job that was queued later must never look the earlier one."""
    async with world.worker():
        for number in map(str, range(20)):
            job = await redis.enqueue_job("stay", f"job {number}", _job_id=number, _queue_name=VIDEO)
            course.leave(f"job {number}")
            await job.result(timeout=60, poll_delay=0.02)
            assert not await job.abort(timeout=60, poll_delay=0.02)

            await _the_next_millisecond()
            assert await _runs_again(redis, course, number)
        assert await redis.zcard(ABORTS) == 0


async def test_of_a_job_that_never_was(redis, course, world):
    """Nobody knows whether it comes yet; when it comes, later, it runs."""
    async with world.worker():
        assert not await _job(redis, "x").abort(timeout=0.5, poll_delay=0.02)
        await redis.zadd(ABORTS, {"x": 1}, xx=True)  # as if it had been an hour ago

        async with asyncio.timeout(60):
            while await redis.zcard(ABORTS):
                await asyncio.sleep(0.02)
        assert await _runs_again(redis, course, "x")

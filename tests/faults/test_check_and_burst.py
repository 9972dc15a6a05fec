"""`arq --check` is true only while a worker of that queue really polls; `--burst` ends when nothing is left that can run now."""

import asyncio
import signal
import warnings

from arq.worker import async_check_health

from jobs.client import redis_settings
from jobs.pipeline import BATCH, VIDEO
from storage import Owner
from tests.workers import worker

STALE_SECONDS, KEPT_SECONDS = 30.0, 5.0
"""Within which a stop is noticed, on a busy machine; how long a worker's word holds."""


async def _is_there(settings, queue: str = VIDEO) -> bool:
    """As `arq worker_settings.VideoWorker --check` asks; the command itself is tried in tests/integration/test_stock_arq.py."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # arq closes its pool by a name that redis-py gave up
        return await async_check_health(redis_settings(settings.configured_redis_url), queue_name=queue) == 0


async def test_check_is_true_while_one_of_a_queues_workers_is_left(settings, redis, world):
    assert not await _is_there(settings)
    async with world.worker() as one, world.worker() as other:
        assert await _is_there(settings)
        assert not await _is_there(settings, BATCH)

        one.tell(signal.SIGTERM)
        await one.ended()
        assert await redis.exists(f"{VIDEO}:health-check"), "what a check reads, without a gap"
        assert await _is_there(settings)

        other.tell(signal.SIGTERM)
        await other.ended()
        assert not await _is_there(settings)


async def test_check_is_false_within_seconds_where_the_worker_is_stopped_and_true_again_when_it_goes_on(settings, world):
    """The process is there, but does not look."""
    async with world.worker() as running:
        running.tell(signal.SIGSTOP)
        await _becomes(settings, there=False)
        running.tell(signal.SIGCONT)
        await _becomes(settings, there=True)


async def _becomes(settings, *, there: bool) -> None:
    async with asyncio.timeout(STALE_SECONDS):
        while await _is_there(settings) is not there:
            await asyncio.sleep(0.1)


async def test_check_is_true_while_all_places_are_taken(settings, queue, course, world):
    async with world.worker(VIDEO_MAX_JOBS="1", VIDEO_WAIT_SLOTS="1"):
        for name in ("one", "two", "three"):
            await queue.enqueue_job("stay", name, _queue_name=VIDEO)
        await course.seen("one")
        await asyncio.sleep(KEPT_SECONDS + 1)  # nothing to wait for: it has to stay so

        await _becomes(settings, there=True)  # a busy machine may have kept it from saying so just now
        course.leave("one", "two", "three")


async def test_burst_ends_with_deferred_jobs_and_others_running_ones_left(settings, redis, queue):
    job = await queue.enqueue_job("debug_task", _queue_name=BATCH)
    await redis.enqueue_job("debug_task", _queue_name=BATCH, _defer_by=3600)
    theirs = await redis.enqueue_job("debug_task", _queue_name=BATCH)
    claim = Owner.here().replace(name="elsewhere/1", host="elsewhere").model_dump_json()
    await redis.set(f"arq:in-progress:{theirs.job_id}", claim, ex=600)

    async with worker(settings, "BatchWorker", arguments=["--burst"]) as bursting:
        code = await bursting.ended()

    assert code == 0, bursting.said()
    assert (await job.result(timeout=1))["queue"] == BATCH
    assert await redis.zcard(BATCH) == 2


async def test_burst_runs_what_its_jobs_put_there(queue, course, world, settings):
    await queue.create_project({"topic": "How tides work"})
    await queue.start(1)
    course.leave(*(f"1-{stage}" for stage in ("script", "assets", "render", "thumbnail", "upload")))

    async with worker(
        settings, module="tests.faults.small_jobs", arguments=["--burst"], FAULTS_FOLDER=str(course.folder)
    ) as bursting:
        code = await bursting.ended()

    assert code == 0, bursting.said()
    assert (await queue.get_project(1)).status == "completed"

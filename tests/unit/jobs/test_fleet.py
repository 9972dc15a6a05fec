"""Workers and queues as whoever watches sees them, and what he may ask of them; real workers, a real server."""

import asyncio
import json
import signal
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from arq.constants import job_key_prefix
from arq.jobs import JobStatus, serialize_job

from jobs.batch.capacity import Places, live_places
from jobs.client import INSTANCE_KEY
from jobs.clock import Clock
from jobs.fleet import Fleet
from jobs.halting import paused_key, put_back
from jobs.keeper import BEATS_KEY, HEARTBEAT_PREFIX
from jobs.pipeline import BATCH, MAINTENANCE, VIDEO
from jobs.schedule import SCHEDULE
from jobs.wire import serialize
from reelqueue.errors import InstallationError, PermanentError, QueueNotFound, StorageUnavailable, WorkerNotFound
from reelqueue.models.numbers import StageNumbers
from reelqueue.models.stage import ProjectStatus, Stage
from storage import Owner, Paths
from storage.pauses import Pauses

ME = Owner.here().name


@pytest.fixture
def pauses(data_dir):
    return Pauses(Paths(data_dir).paused)


@pytest.fixture
def fleet(redis, pauses):
    return Fleet(redis, pauses=pauses)


@pytest.fixture
def by_news_alone(monkeypatch):
    """No worker looks by itself: what it hears of, it was told."""
    monkeypatch.setattr("jobs.worker.LOOK_SECONDS", 3_600.0)


async def standing(fleet, queue=VIDEO):
    return next(one for one in await fleet.queues() if one.name == queue)


async def both_wait(fleet):
    stands = await standing(fleet)
    return stands if stands.waiting == 2 and stands.running == 0 else None


async def working(fleet):
    """The one worker that has a job in hand."""
    found = await fleet.workers()
    return found[0] if found and found[0].jobs else None


async def in_a_stage(queue, project, stages):
    """Its first stage runs, and stays until let go."""
    stages.acts[Stage.SCRIPT] = stages.stay
    await queue.start(project.project_id)
    await stages.inside.wait()


# Pause.


async def test_in_a_paused_queue_nothing_begins_what_runs_goes_on_and_it_goes_on_at_once(
    crew, queue, fleet, project, stages, until, by_news_alone
):
    async with crew.working():
        await in_a_stage(queue, project, stages)
        paused = await fleet.pause(VIDEO)
        waits = await queue.enqueue_job("debug_task", _queue_name=VIDEO)
        stages.leave.set()

        await until(lambda: both_wait(fleet), "the job and the project's next stage wait")
        assert (stages.ran[Stage.SCRIPT], stages.ran[Stage.ASSETS], await waits.status()) == (1, 0, JobStatus.queued)
        assert paused.paused
        assert datetime.now(UTC) - paused.paused_at < timedelta(seconds=5)

        stands = await fleet.resume(VIDEO)
        assert not stands.paused
        assert (await waits.result(timeout=60, poll_delay=0.01))["pong"]


async def test_a_pause_outlives_the_workers(crew, queue, fleet, redis, until):
    await fleet.pause(VIDEO)
    waits = await queue.enqueue_job("debug_task", _queue_name=VIDEO)
    for _ in range(2):
        async with crew.working():
            await until(lambda: redis.exists(f"{VIDEO}:health-check"), "a worker looks")
            assert await waits.status() == JobStatus.queued
    await fleet.resume(VIDEO)
    async with crew.working():
        assert (await waits.result(timeout=60, poll_delay=0.01))["pong"]


async def test_the_other_queues_of_a_paused_one_go_on(crew, queue, fleet):
    await fleet.pause(VIDEO)
    job = await queue.enqueue_job("debug_task", _queue_name=MAINTENANCE)
    async with crew.working(VIDEO, MAINTENANCE):
        assert (await job.result(timeout=60, poll_delay=0.01))["pong"]
    assert [one.paused for one in await fleet.queues()] == [True, False, False]


async def test_a_burst_ends_at_a_paused_queue(crew, queue, fleet):
    """Nothing that is there can run now: whoever waits for its end would wait for a person."""
    await fleet.pause(VIDEO)
    job = await queue.enqueue_job("debug_task", _queue_name=VIDEO)
    worker = crew.worker(VIDEO, burst=True)
    async with asyncio.timeout(60):
        await worker.async_run()
    await worker.close()

    assert await job.status() == JobStatus.queued


async def test_a_job_of_a_paused_queue_can_be_cancelled(crew, queue, fleet, store, project):
    await fleet.pause(VIDEO)
    job = await queue.start(project.project_id)
    async with crew.working():
        assert await job.abort(timeout=60, poll_delay=0.01)

    assert (await store.load(project.project_id)).status == "cancelled"


async def test_who_pauses_or_lets_go_on_twice_changes_nothing(fleet):
    first, second = await fleet.pause(BATCH), await fleet.pause(BATCH)
    assert second.paused_at == first.paused_at

    await fleet.resume(BATCH)
    assert not (await fleet.resume(BATCH)).paused


async def test_a_redis_that_lost_its_memory_is_told_of_a_pause_before_it_gives_a_job(
    crew, queue, fleet, project, stages, redis, redis_admin, until, by_news_alone
):
    """Nobody starts anew or connects: the workers hear of it by the flush itself, and a client's job is there before they look."""
    since = (await fleet.pause(VIDEO)).paused_at
    async with crew.working(), crew.working(BATCH):
        await queue.start(project.project_id)
        await redis_admin.flushall()
        await redis_admin.script_flush()
        waits = await queue.enqueue_job("debug_task", _queue_name=VIDEO)
        beside = await queue.enqueue_job("debug_task", _queue_name=BATCH)
        assert (await beside.result(timeout=60, poll_delay=0.01))["pong"]
        stands = await until(lambda: both_wait(fleet), "the project's hint is there again")
        assert abs(stands.paused_at - since) < timedelta(seconds=1)
        assert (await waits.status(), stages.ran.total()) == (JobStatus.queued, 0)

        await fleet.resume(VIDEO)
        assert (await waits.result(timeout=60, poll_delay=0.01))["pong"]
        assert (await queue.wait(project.project_id, timeout=60))["made"] == "upload"


async def test_a_queue_that_goes_on_is_not_paused_by_who_looked_before(fleet, redis, pauses, monkeypatch):
    """He read the disk, then somebody let the queue go on, then he tells Redis."""
    await fleet.pause(VIDEO)
    await redis.delete(paused_key(VIDEO))
    found = pauses.all

    async def slowly():
        seen = await found()
        monkeypatch.setattr(pauses, "all", found)
        await fleet.resume(VIDEO)
        return seen

    monkeypatch.setattr(pauses, "all", slowly)

    assert await put_back(redis, pauses) == []
    assert not (await standing(fleet)).paused


async def test_a_pause_that_one_redis_forgot_is_told_it_again(crew, fleet, redis, until):
    """Its key alone is gone, as where a server was set to evict."""
    await fleet.pause(VIDEO)
    await redis.delete(paused_key(VIDEO))
    async with crew.working():
        await until(lambda: redis.exists(paused_key(VIDEO)), "a worker's start tells it")


async def test_a_redis_that_is_anothers_by_now_gives_no_job_and_ends_the_worker(crew, queue, project, stages, redis, until):
    """Two were swapped at one address: its jobs bear the ids of projects that are ours, and that nobody here started."""
    worker = crew.worker(VIDEO, burst=False)
    working = asyncio.create_task(worker.async_run())
    await until(lambda: redis.exists(f"{VIDEO}:health-check"), "it works")
    await queue.start(project.project_id)
    await until(lambda: all_done(queue, project.project_id), "it is done")
    ran, theirs = stages.ran.total(), await queue.create_project({"topic": "Why tides wait"})

    async with redis.pipeline(transaction=True) as at_once:
        at_once.set(INSTANCE_KEY, "0" * 32)
        at_once.set(
            f"{job_key_prefix}theirs",
            serialize_job("generate_script_task", (theirs.project_id,), {}, None, 1, serializer=serialize),
        )
        at_once.zadd(VIDEO, {"theirs": 1})
        await at_once.execute()

    with pytest.raises(InstallationError, match="another installation"):
        await asyncio.wait_for(working, 60)
    await worker.close()
    assert (stages.ran.total(), await redis.zcard(VIDEO)) == (ran, 1)


async def all_done(queue, number):
    return (await queue.get_project(number)).status is ProjectStatus.COMPLETED


async def test_a_disk_that_refuses_a_pause_is_told_and_the_queue_is_paused_all_the_same(fleet, data_dir):
    (data_dir / "paused").write_text("in the way")

    with pytest.raises(StorageUnavailable):
        await fleet.pause(VIDEO)
    assert (await standing(fleet)).paused


# Drain.


async def test_a_drained_worker_takes_nothing_more_and_ends_after_its_jobs(
    crew, queue, fleet, project, stages, until, redis, by_news_alone
):
    """DRAIN_SECONDS is 0 here: a worker that was told by a signal would hand its job back at once."""
    worker = crew.worker(VIDEO, burst=False)
    running = asyncio.create_task(worker.async_run())
    await in_a_stage(queue, project, stages)
    await until(lambda: working(fleet), "its heartbeat")
    asked = await fleet.drain(ME)

    async def drains():
        found = await fleet.workers()
        return found and found[0].state == "draining"

    await until(drains, "its heartbeat says so")
    job = await queue.enqueue_job("debug_task", _queue_name=VIDEO)
    assert (asked.state, running.done(), await live_places(redis, Places(7, 7))) == ("draining", False, Places(7, 7))
    assert not await redis.exists(f"{VIDEO}:health-check")

    stages.leave.set()
    await asyncio.wait_for(running, 60)
    await worker.close()
    assert (stages.ran[Stage.SCRIPT], stages.ran[Stage.ASSETS], stages.stopped) == (1, 0, [])
    assert await job.status() == JobStatus.queued
    assert await fleet.workers() == []


async def test_an_idle_worker_that_is_drained_ends_at_once(crew, queue, fleet, until, by_news_alone):
    worker = crew.worker(VIDEO, burst=False)
    running = asyncio.create_task(worker.async_run())
    await until(fleet.workers, "it lives")
    await fleet.drain(ME)

    await asyncio.wait_for(running, 60)
    await worker.close()


async def test_what_a_drained_worker_runs_can_be_cancelled(crew, queue, fleet, project, stages, store, until):
    worker = crew.worker(VIDEO, burst=False)
    running = asyncio.create_task(worker.async_run())
    await in_a_stage(queue, project, stages)
    await until(lambda: working(fleet), "its heartbeat")
    await fleet.drain(ME)
    await queue.cancel(project.project_id)

    await asyncio.wait_for(running, 60)
    await worker.close()
    assert stages.stopped == [Stage.SCRIPT]
    assert (await store.load(project.project_id)).status == "cancelled"


async def test_a_signal_to_a_drained_worker_means_what_it_always_does(crew, queue, fleet, project, stages, until):
    worker = crew.worker(VIDEO, burst=False)
    running = asyncio.create_task(worker.async_run())
    await in_a_stage(queue, project, stages)
    await until(lambda: working(fleet), "its heartbeat")
    await fleet.drain(ME)

    async def drains():
        return (await fleet.workers())[0].state == "draining"

    await until(drains, "it drains")
    worker.handle_sig(signal.SIGTERM)

    await asyncio.wait_for(running, 60)
    await worker.close()
    assert stages.stopped == [Stage.SCRIPT]  # handed back after DRAIN_SECONDS, 0 here


# Workers.


async def test_a_worker_says_what_it_has_in_hand_as_soon_as_it_has_it(crew, queue, fleet, project, stages, until, monkeypatch):
    monkeypatch.setattr("jobs.keeper.HEARTBEAT_SECONDS", 3_600.0)  # but for one with news
    async with crew.working():
        await until(fleet.workers, "it lives")
        await in_a_stage(queue, project, stages)
        found = await until(lambda: working(fleet), "it says so")
        stages.leave.set()

    assert (found.name, found.queue, found.state, found.cpu_places, found.wait_places) == (ME, VIDEO, "running", 2, 8)
    assert [(job.project_id, job.stage) for job in found.jobs] == [(project.project_id, Stage.SCRIPT)]
    assert found.memory_bytes > 10_000_000
    assert datetime.now(UTC) - found.seen_at < timedelta(seconds=10)


async def test_a_worker_says_what_it_ended_and_the_course_of_its_cpu(crew, queue, fleet, until, monkeypatch):
    monkeypatch.setattr("jobs.keeper.HISTORY_SECONDS", 0.0)
    monkeypatch.setattr("jobs.keeper.HISTORY_STEPS", 3)
    monkeypatch.setattr("jobs.keeper.HEARTBEAT_SECONDS", 0.1)
    monkeypatch.setattr("jobs.keeper.MOST_SECONDS", 0.05)
    async with crew.working():
        good = await queue.enqueue_job("debug_task", _queue_name=VIDEO)
        await good.result(timeout=60, poll_delay=0.01)
        bad = await queue.enqueue_job("nothing_of_ours", _queue_name=VIDEO)
        with pytest.raises(PermanentError):
            await bad.result(timeout=60, poll_delay=0.01)

        async def told():
            found = await fleet.workers()
            return found[0] if found and found[0].failed and len(found[0].cpu_history) == 3 else None

        found = await until(told, "its heartbeats tell it")
    assert (found.complete, found.failed) == (1, 1)
    assert all(0 <= percent <= 6_400 for percent in found.cpu_history)


async def test_what_is_no_heartbeat_of_ours_hides_no_worker(redis, fleet):
    now = datetime.now(UTC).isoformat()
    said = {
        "broken": "{",
        "a list": "[]",
        "of another time": json.dumps({"queue": VIDEO}),
        "older": json.dumps({"name": "older", "queue": VIDEO, "started_at": now, "jobs": []}),
        "newer": json.dumps(
            {"queue": BATCH, "started_at": now, "jobs": [{"job_id": "x", "job": "y", "since": now, "project_id": "z"}]}
        ),
    }
    for name, body in said.items():
        await redis.set(HEARTBEAT_PREFIX + name, body, ex=20)
        await redis.zadd(BEATS_KEY, {name: 1})
    await redis.zadd(BEATS_KEY, {"dead": 2})

    assert [(one.name, [job.project_id for job in one.jobs]) for one in await fleet.workers()] == [
        ("older", []),
        ("newer", [None]),
    ]


async def test_who_is_not_there_is_told_so(fleet, redis):
    with pytest.raises(WorkerNotFound):
        await fleet.drain("nobody/0123456789abcdef")
    for act in (fleet.pause, fleet.resume, fleet.contents):
        with pytest.raises(QueueNotFound):
            await act("reelqueue:installation")

    assert not [key async for key in redis.scan_iter("reelqueue:drain:*")]


# Queues.


class Lately:
    """What was counted: these means."""

    def __init__(self, **means):
        self._means = means

    async def stages(self, _span, _step):
        return [StageNumbers(stage=Stage(name), mean_s=mean) for name, mean in self._means.items()]


async def test_when_a_queue_will_be_empty_is_told_by_what_its_stages_took_lately(crew, queue, redis, pauses, until):
    """Twenty scripts of 60 s in eight places that wait; nobody knows yet what a render takes."""
    fleet = Fleet(redis, Lately(script=60.0), pauses=pauses)
    for number in range(20):
        await queue.enqueue_job("generate_script_task", project_id=1_000 + number, _queue_name=VIDEO)
    assert (await standing(fleet)).empty_in_s is None  # nobody works

    beat = {"queue": VIDEO, "started_at": datetime.now(UTC).isoformat(), "places": {"cpu": 2, "wait": 8}}
    await redis.set(HEARTBEAT_PREFIX + "one", json.dumps(beat), ex=20)
    await redis.zadd(BEATS_KEY, {"one": 1})
    stands = await standing(fleet)

    assert (stands.waiting, stands.places, stands.workers, stands.empty_in_s) == (20, 10, 1, 150.0)
    assert (await fleet.pause(VIDEO)).empty_in_s is None


async def test_an_empty_queue_is_empty_now(fleet):
    assert [(one.name, one.waiting, one.oldest_s, one.empty_in_s) for one in await fleet.queues()] == [
        (name, 0, None, 0.0) for name in (VIDEO, BATCH, MAINTENANCE)
    ]


# The clock.


async def test_the_clocks_jobs_say_when_they_ran_and_run_next(crew, redis, until):
    zone = ZoneInfo("Asia/Taipei")
    fleet, before = Fleet(redis, zone=zone), datetime.now(UTC)
    assert [one.last_at for one in await fleet.clock()] == [None, None, None]

    await Clock(redis, SCHEDULE, zone).tick(before)
    assert [one.ok for one in await fleet.clock()] == [None, None, None]
    await crew.burst(MAINTENANCE)
    runs = {one.job: one for one in await fleet.clock()}

    assert [run.ok for run in runs.values()] == [True, True, True]
    assert runs["recover_interrupted"].last_at == before.replace(second=0, microsecond=0)
    assert runs["recover_interrupted"].next_at > before
    assert runs["cleanup"].next_at.astimezone(zone).strftime("%H:%M") == "03:30"

"""A whole batch paused, resumed, cancelled, tried again; by whoever lives, and by whoever comes after one that died."""

import asyncio
import time
from datetime import timedelta
from pathlib import Path

import pytest

from jobs.batch import asked, asking, processing, window
from jobs.batch.acting import Hands
from jobs.pipeline import BATCH, VIDEO
from progress import subscribe_progress
from reelqueue import clock
from reelqueue.errors import BatchNotFound, Fenced, NeedsPerson, PermanentError, QuotaExhausted, WrongState
from reelqueue.models.batch import BatchAct
from reelqueue.models.stage import BatchStatus, ProjectStatus, Stage
from reelqueue.wording import same
from storage import BatchStore, Paths
from tests.spoilt_files import unreadable

BRIEFS = [{"topic": f"Tide {number}"} for number in range(3)]


@pytest.fixture(autouse=True)
def _looks_follow_each_other_soon(monkeypatch):
    """A second between two looks is for the disk's sake."""
    monkeypatch.setattr(processing, "LEAST_PAUSE_S", 0.02)
    monkeypatch.setattr(processing, "LEAST_IDLE_S", 0.2)


@pytest.fixture
def batches(settings) -> BatchStore:
    return BatchStore.reader(Paths(settings.data_dir))


@pytest.fixture
async def batch(queue):
    return await queue.create_batch(BRIEFS)


async def statuses(queue, batch):
    return [(await queue.get_project(number)).status for number in batch.project_ids]


async def all_are(queue, batch, *wanted):
    return set(await statuses(queue, batch)) <= set(wanted)


async def none_is_due(redis):
    """Whether all jobs of stages wait for a moment that has not come."""
    return await redis.zcard(VIDEO) and not await redis.zcount(VIDEO, "-inf", time.time() * 1000 + 1_000)


@pytest.fixture
async def paused(queue, crew, stages, batch, redis, until):
    """A batch paused while its scripts are written; they are done, and nothing follows.  Workers go on."""
    stages.acts[Stage.SCRIPT] = stages.stay
    async with crew.working(VIDEO, BATCH):
        await queue.start_batch(batch.batch_id)
        await until(lambda: all_are(queue, batch, ProjectStatus.RUNNING), "all scripts are being written")
        await queue.pause_batch(batch.batch_id)
        stages.leave.set()
        await until(lambda: all_are(queue, batch, ProjectStatus.QUEUED), "all scripts are written")
        await until(lambda: none_is_due(redis), "the next stages are put off")
        yield batch


async def test_of_a_paused_batch_what_runs_ends_and_nothing_begins(paused, queue, stages):
    held = [(await queue.get_project(number)).held for number in paused.project_ids]

    assert (stages.ran, held) == ({Stage.SCRIPT: 3}, [True] * 3)
    state = await queue.get_batch(paused.batch_id)
    assert (state.status, state.act) == (BatchStatus.PAUSED, None)


async def test_a_resumed_batch_goes_on_at_once(paused, queue, stages):
    state = await queue.resume_batch(paused.batch_id)
    result = await queue.wait_batch(paused.batch_id, timeout=60)

    assert (state.status, state.act) == (BatchStatus.RUNNING, None)
    assert (result["status"], result["completed"], stages.ran[Stage.SCRIPT]) == ("success", 3, 3)


@pytest.mark.parametrize("act", ["start", "retry"])
async def test_one_project_of_a_paused_batch_may_be_let_go_by_hand(paused, queue, act):
    one, *others = paused.project_ids

    await getattr(queue, act)(one)
    await queue.wait(one, timeout=60)

    assert [(await queue.get_project(number)).status for number in others] == [ProjectStatus.QUEUED] * 2
    assert (await queue.get_batch(paused.batch_id)).status is BatchStatus.PAUSED


async def test_projects_that_were_not_started_are_not_started_by_a_paused_batch(queue, crew, batch, batches, until):
    await batches.change(batch.batch_id, asked.start(batch.created_at))
    await queue.pause_batch(batch.batch_id)
    async with crew.working(VIDEO, BATCH) as (_, worker):
        await until(lambda: asyncio.sleep(0, worker.jobs_retried), "it was looked at")

        assert await statuses(queue, batch) == [ProjectStatus.CREATED] * 3
        await queue.resume_batch(batch.batch_id)
        assert (await queue.wait_batch(batch.batch_id, timeout=60))["completed"] == 3


async def test_who_dies_while_he_pauses_leaves_the_rest_to_the_next_look(queue, crew, stages, batch, batches, until):
    """Nothing but his first commit is there."""
    stages.acts[Stage.SCRIPT] = stages.stay
    async with crew.working(VIDEO, BATCH):
        await queue.start_batch(batch.batch_id)
        await until(lambda: all_are(queue, batch, ProjectStatus.RUNNING), "all scripts are being written")
        await batches.change(batch.batch_id, asked.pause)

        async def carried_through():
            return (await batches.load(batch.batch_id)).act is None

        await until(carried_through, "the pause is carried through")
        held = [(await queue.get_project(number)).held for number in batch.project_ids]
        stages.leave.set()

    assert held == [True] * 3


async def test_a_cancelled_batch_stops_what_runs_and_ends(queue, crew, stages, batch, settings):
    stages.acts[Stage.SCRIPT] = stages.stay
    async with crew.working(VIDEO, BATCH), asyncio.timeout(60):
        job = await queue.start_batch(batch.batch_id)
        await stages.inside.wait()
        asked_for = await queue.cancel_batch(batch.batch_id)
        events = [event async for event in subscribe_progress(batch_id=batch.batch_id, settings=settings)]
        result = await job.result(timeout=60, poll_delay=0.02)

    assert asked_for.status is BatchStatus.CANCELLED
    assert (events[-1].status, [event.status for event in events].count("cancelled")) == ("cancelled", 1)
    assert (result["status"], result["failed"], {line["status"] for line in result["results"]}) == ("cancelled", 3, {"cancelled"})
    assert await statuses(queue, batch) == [ProjectStatus.CANCELLED] * 3


async def test_what_was_completed_before_the_cancel_stays_so(queue, crew, stages, batch, until):
    first, *others = batch.project_ids

    async def act(run):
        if run.project.project_id in others:
            await stages.stay(run)

    stages.acts[Stage.SCRIPT] = act
    async with crew.working(VIDEO, BATCH):
        await queue.start_batch(batch.batch_id)
        await queue.wait(first, timeout=60)
        await queue.cancel_batch(batch.batch_id)
        result = await queue.wait_batch(batch.batch_id, timeout=60)

    assert (result["completed"], result["failed"]) == (1, 2)


async def test_who_dies_while_he_cancels_leaves_the_rest_to_the_next_look(queue, crew, batch, batches):
    """Nothing but his first commit is there; and no job of the batch, whose hint is renewed from disk."""
    await batches.change(batch.batch_id, asked.cancel)
    async with crew.working(VIDEO, BATCH):
        result = await queue.wait_batch(batch.batch_id, timeout=60)

    assert (result["status"], await statuses(queue, batch)) == ("cancelled", [ProjectStatus.CANCELLED] * 3)


async def test_only_what_failed_is_tried_again_and_the_results_are_made_anew(queue, crew, stages, batch, settings):
    failing = batch.project_ids[1]

    async def act(run):
        if run.project.project_id == failing and run.project.run == 1:
            raise PermanentError("no picture")

    stages.acts[Stage.ASSETS] = act
    async with crew.working(VIDEO, BATCH), asyncio.timeout(60):
        await queue.start_batch(batch.batch_id)
        first = await queue.wait_batch(batch.batch_id)
        before = (await queue.get_batch(batch.batch_id)).updated_at
        asked_for = await queue.retry_batch(batch.batch_id)
        second = await queue.wait_batch(batch.batch_id)
        events = [event async for event in subscribe_progress(batch_id=batch.batch_id, settings=settings)]

    assert (first["failed"], second["failed"], second["status"]) == (1, 0, "success")
    assert (asked_for.status, asked_for.run, asked_for.started_at > before) == (BatchStatus.RUNNING, 2, True)
    assert stages.ran == {Stage.SCRIPT: 3, Stage.ASSETS: 4, Stage.RENDER: 3, Stage.THUMBNAIL: 3, Stage.UPLOAD: 3}
    assert [event.status for event in events].count("completed") == 2
    assert [event.seq for event in events] == list(range(1, len(events) + 1))


async def test_where_nothing_failed_there_is_nothing_to_try_again(queue, crew, batch):
    async with crew.working(VIDEO, BATCH):
        await queue.start_batch(batch.batch_id)
        await queue.wait_batch(batch.batch_id, timeout=60)
        with pytest.raises(WrongState):
            await queue.retry_batch(batch.batch_id)


async def test_two_coordinators_make_each_video_once_and_answer_the_same(queue, crew, stages, batch):
    async with crew.working(VIDEO, BATCH, BATCH):
        jobs = [await queue.enqueue_job("batch_processing_task", batch.batch_id) for _ in range(2)]
        results = [await job.result(timeout=60, poll_delay=0.02) for job in jobs]

    assert results[0] == results[1]
    assert stages.ran == dict.fromkeys(Stage, 3)


async def test_who_lost_the_batch_to_another_in_mid_look_looks_again(queue, crew, batch, monkeypatch):
    """Whoever waits for the job's result hears of no such thing."""
    look, ask, once = processing._Look.carry_out, asking._in_hand, iter(["an act"])

    async def fenced(*given, then):
        if next(once, None):
            raise Fenced(same("another worker took it over"))
        return await then(*given)

    await queue.start_batch(batch.batch_id)
    monkeypatch.setattr(asking, "_in_hand", lambda *given: fenced(*given, then=ask))
    paused = await queue.pause_batch(batch.batch_id)
    await queue.resume_batch(batch.batch_id)
    monkeypatch.setattr(processing._Look, "carry_out", lambda self: fenced(self, then=look))
    job = await queue.start_batch(batch.batch_id)
    once = iter(["a look"])
    async with crew.working(VIDEO, BATCH):
        result = await job.result(timeout=60, poll_delay=0.02)

    assert (paused.status, result["completed"]) == (BatchStatus.PAUSED, 3)


async def test_a_window_of_projects_is_in_flight_and_the_others_wait_their_turn(queue, crew, stages, batch, until, monkeypatch):
    monkeypatch.setattr(window, "LEAST_IN_FLIGHT", 2)
    monkeypatch.setattr(window, "PER_PLACE", 0)
    stages.acts[Stage.SCRIPT] = stages.stay
    async with crew.working(VIDEO, BATCH):
        await queue.start_batch(batch.batch_id)

        async def two_run():
            return (await statuses(queue, batch)).count(ProjectStatus.RUNNING) == 2

        await until(two_run, "two scripts are being written")
        assert (await statuses(queue, batch))[2] is ProjectStatus.CREATED
        stages.leave.set()
        assert (await queue.wait_batch(batch.batch_id, timeout=60))["completed"] == 3


async def test_the_end_of_a_project_wakes_its_batch(queue, crew, batch, monkeypatch):
    monkeypatch.setattr(processing, "LEAST_IDLE_S", 3_600.0)
    monkeypatch.setattr(processing, "MOST_IDLE_S", 3_600.0)
    async with crew.working(VIDEO, BATCH):
        await queue.start_batch(batch.batch_id)

        assert (await queue.wait_batch(batch.batch_id, timeout=60))["completed"] == 3


@pytest.mark.parametrize("act", ["cancel", "delete"])
async def test_so_does_who_ends_its_last_project_by_hand(queue, crew, stages, monkeypatch, act):
    monkeypatch.setattr(processing, "LEAST_IDLE_S", 3_600.0)
    monkeypatch.setattr(processing, "MOST_IDLE_S", 3_600.0)
    stages.acts[Stage.SCRIPT] = stages.stay
    batch = await queue.create_batch([*BRIEFS[:1], BRIEFS[1] | {"review": ["script"]}])
    first, reviewed = batch.project_ids
    async with crew.working(VIDEO, BATCH):
        await queue.start_batch(batch.batch_id)
        await stages.inside.wait()
        stages.leave.set()
        await queue.wait(first, timeout=60)
        await getattr(queue, act)(reviewed)

        result = await queue.wait_batch(batch.batch_id, timeout=60)

    assert (result["completed"], result["failed"]) == (1, 1)


async def test_one_project_that_cant_be_read_keeps_no_other_from_its_end(queue, crew, batch, settings):
    state = Path(settings.data_dir, "projects", str(batch.project_ids[1]), "project_state.json")
    state.write_text("{torn", encoding="utf-8")
    async with crew.working(VIDEO, BATCH):
        await queue.start_batch(batch.batch_id)
        result = await queue.wait_batch(batch.batch_id, timeout=60)

    assert (result["completed"], result["failed"]) == (2, 1)
    assert (result["results"][1]["status"], result["results"][1]["error"]["code"]) == ("failed", "needs_person")


async def test_a_batch_waits_for_one_whose_file_cant_be_reached_and_makes_the_others_meanwhile(
    queue, crew, batch, settings, until
):
    state = Path(settings.data_dir, "projects", str(batch.project_ids[1]), "project_state.json")
    with unreadable(state):
        async with crew.working(VIDEO, BATCH):
            await queue.start_batch(batch.batch_id)
            await until(lambda: _completed(queue, batch, 2), "the others are made")
            still = await queue.get_batch(batch.batch_id)
    async with crew.working(VIDEO, BATCH):
        result = await queue.wait_batch(batch.batch_id, timeout=60)

    assert still.status is BatchStatus.RUNNING
    assert result["completed"] == 3


async def _completed(queue, batch, count):
    return (await queue.get_batch(batch.batch_id)).completed == count


async def test_a_batch_over_its_time_goes_on_and_says_so(queue, crew, stages, batch, batches, settings):
    stages.acts[Stage.SCRIPT] = stages.stay
    async with crew.working(VIDEO, BATCH), asyncio.timeout(60):
        await queue.start_batch(batch.batch_id)
        await stages.inside.wait()
        long_ago = batch.created_at.replace(year=2020)
        await batches.change(batch.batch_id, lambda state: state.replace(started_at=long_ago))
        async for event in subscribe_progress(batch_id=batch.batch_id, settings=settings):
            if "over its time" in event.message:
                break
        stages.leave.set()
        result = await queue.wait_batch(batch.batch_id)

    assert (result["completed"], event.status) == (3, "running")
    assert (await queue.get_batch(batch.batch_id)).overdue_since is not None


async def test_the_results_of_a_batch_that_runs_say_where_each_project_stands(queue, batch):
    await queue.start(batch.project_ids[0])

    assert await queue.batch_results(batch.batch_id) == [
        {"project_id": number, "status": status}
        for number, status in zip(batch.project_ids, ["queued", "created", "created"], strict=True)
    ]


@pytest.mark.parametrize("act", ["pause_batch", "resume_batch", "cancel_batch", "retry_batch", "batch_results", "start_batch"])
@pytest.mark.parametrize("number", [5, "../1", 0])
async def test_what_is_asked_of_an_unknown_batch_is_not_found(queue, act, number):
    with pytest.raises(BatchNotFound):
        await getattr(queue, act)(number)


async def test_batches_are_listed_newest_first_and_page_by_page(queue):
    made = [(await queue.create_batch(BRIEFS[:1])).batch_id for _ in range(3)]

    first = await queue.list_batches(limit=2)
    then = await queue.list_batches(limit=2, after=first[-1].batch_id)

    assert [state.batch_id for state in [*first, *then]] == made[::-1]


async def test_a_paused_batch_can_be_cancelled(paused, queue):
    await queue.cancel_batch(paused.batch_id)
    result = await queue.wait_batch(paused.batch_id, timeout=60)

    assert (result["status"], result["failed"]) == ("cancelled", 3)


async def test_an_act_that_is_not_carried_through_is_named_in_the_state(batches, batch):
    await batches.change(batch.batch_id, asked.start(batch.created_at))

    assert (await batches.change(batch.batch_id, asked.pause)).act is BatchAct.PAUSE


async def test_a_coordinator_that_was_stopped_revives_nothing_that_was_cancelled_meanwhile(queue, crew, store, redis, batch):
    """It saw a failed project that was to be tried again; when it goes on the whole batch is cancelled."""
    number = batch.project_ids[0]
    await store.change(number, lambda state: state.replace(status=ProjectStatus.FAILED))
    seen = (await store.outlines([number]))[number]
    await store.change(number, lambda state: state.replace(status=ProjectStatus.CANCELLED))

    async with crew.service(redis) as service:
        await Hands(service.projects, service.queue, service.publisher).start(seen, None)

    assert (await queue.get_project(number)).status is ProjectStatus.CANCELLED
    assert await redis.zcard(VIDEO) == 0


async def test_a_held_project_that_is_started_by_hand_is_looked_at_at_once(queue, redis, store):
    """Its job would look again by itself, up to half a minute later."""
    await queue.create_project(BRIEFS[0])
    job = await queue.start(1)
    await store.change(1, lambda state: state.replace(held=True))
    soon = time.time() * 1000 + 25_000
    await redis.zadd(VIDEO, {job.job_id: soon})

    again = await queue.start(1)

    assert (again.job_id, (await queue.get_project(1)).held) == (job.job_id, False)
    assert await redis.zscore(VIDEO, job.job_id) <= time.time() * 1000


async def test_a_batch_begins_although_nothing_can_be_forecast(queue, crew, batch, monkeypatch):
    async def cant(*_args, **_named):
        raise NeedsPerson(same("the ledger can't be read"))

    monkeypatch.setattr(processing.plan, "site_of_service", cant)
    async with crew.working(VIDEO, BATCH):
        await queue.start_batch(batch.batch_id)
        result = await queue.wait_batch(batch.batch_id, timeout=60)

    state = await queue.get_batch(batch.batch_id)
    assert (result["completed"], state.forecast, state.outcome.days) == (3, None, ())


async def test_who_waited_for_a_time_that_came_in_the_pause_goes_on_with_the_others(queue, crew, stages, store, batch, until):
    """Its job slept on: it was neither queued, nor due as long as it was held."""
    tomorrow = clock.now() + timedelta(days=1)
    stages.fail(Stage.UPLOAD, *(QuotaExhausted(same("none left"), until=tomorrow) for _ in BRIEFS))
    async with crew.working(VIDEO, BATCH):
        await queue.start_batch(batch.batch_id)
        await until(lambda: all_are(queue, batch, ProjectStatus.WAITING_QUOTA), "all wait for quota")
        await queue.pause_batch(batch.batch_id)
        for number in batch.project_ids:
            await store.change(number, lambda state: state.replace(resume_at=clock.now()))
        before = stages.ran[Stage.UPLOAD]
        await queue.resume_batch(batch.batch_id)
        result = await queue.wait_batch(batch.batch_id, timeout=60)

    assert (before, result["completed"]) == (3, 3)

"""What happens is counted once, wherever it happens, and handed over whatever Redis does meanwhile."""

import asyncio
from datetime import timedelta
from decimal import Decimal

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

from jobs import connect, tally
from jobs.counting import Counting, counted
from jobs.numbers import Numbers
from jobs.pipeline import MAINTENANCE, VIDEO
from jobs.rollups import COUNTED, MOST_RUNS, Rollups
from jobs.spending import Caps, Spender
from jobs.tally import COST, DUPLICATES, PAID, PUBLISHED, RECONCILED, REDIS_ERRORS, RUNS
from reelqueue import clock
from reelqueue.errors import BudgetExhausted, Fenced, PermanentError, TransientError
from reelqueue.models.cost import Cost, Need
from reelqueue.models.project import Usage
from reelqueue.models.stage import Stage
from reelqueue.tally import FENCED, TAKEOVERS, TALLY, Tally, labelled
from reelqueue.wording import same
from storage import Ledger, Owner, Paths, ProjectStore
from storage.chronicle import Chronicle, Left

HOUR, DAY, WEEK = timedelta(hours=1), timedelta(days=1), timedelta(days=7)
MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def _nothing_is_left_of_other_tests():
    while not TALLY.is_empty:
        TALLY.arrived(TALLY.pending()[0])


@pytest.fixture
def chronicle(settings) -> Chronicle:
    return Chronicle(Paths(settings.data_dir).metrics)


@pytest.fixture
def mine() -> Tally:
    """A tally of the test's own, as another process has."""
    return Tally()


@pytest.fixture
def counting(redis, chronicle, mine) -> Counting:
    return Counting(lambda: redis, chronicle, "host/me", mine)


@pytest.fixture
def numbers(redis, chronicle) -> Numbers:
    return Numbers(chronicle.folder, redis)


def runs(stage: Stage, outcome: str) -> str:
    return labelled(RUNS, stage=str(stage), outcome=outcome)


def counts(name: str, **labels: str) -> float:
    """What this process counted of it and did not hand over yet."""
    number, batch = TALLY.pending()
    TALLY.arrived(number)
    return batch.totals.get(labelled(name, **labels), 0.0)


# What is counted.


async def test_each_stage_of_a_video_is_counted_with_its_seconds(queue, crew, project, numbers):
    await queue.start(project.project_id)
    await crew.burst()

    by_stage = {one.stage: one for one in await numbers.stages(HOUR, MINUTE)}
    assert [by_stage[stage].outcomes["ok"] for stage in Stage] == [1] * 5
    assert all(one.success == 1.0 and one.mean_s is not None and one.p95_s is not None for one in by_stage.values())
    assert sum(point.value for point in await numbers.published(DAY, HOUR) if point.value) == 1
    assert (await numbers.to_publish(DAY, HOUR)).count == 1
    assert [run.stage for run in await numbers.recent(5)] == [*reversed(Stage)]


async def test_a_video_whose_thumbnail_is_made_anew_was_published_once(queue, crew, stages, project, numbers):
    await queue.start(project.project_id)
    await crew.burst()

    await queue.retry(project.project_id, from_stage=Stage.THUMBNAIL)
    await crew.burst()

    assert stages.ran[Stage.UPLOAD] == 2
    assert (await numbers.totals())[PUBLISHED] == 1
    assert (await numbers.to_publish(DAY, HOUR)).count == 1


async def test_a_retry_and_a_failure_are_counted_as_what_they_are(queue, crew, stages, project, numbers):
    stages.fail(Stage.ASSETS, TransientError(same("busy")), PermanentError(same("no such picture")))

    await queue.start(project.project_id)
    await crew.burst()

    totals = await numbers.totals()
    assert (totals[runs(Stage.ASSETS, "retry")], totals[runs(Stage.ASSETS, "fail")]) == (1, 1)
    assert (await numbers.stages(HOUR, MINUTE))[1].success == 0
    assert (await numbers.recent(1))[0].code == "permanent"


async def test_a_project_that_waits_is_counted_as_parked_and_no_failure(queue, crew, stages, project, numbers):
    stages.fail(Stage.RENDER, BudgetExhausted(same("no money"), same("raise it"), until=clock.now() + HOUR))

    await queue.start(project.project_id)
    async with crew.working():
        await _until(numbers, runs(Stage.RENDER, "park"), 1)

    assert runs(Stage.RENDER, "fail") not in await numbers.totals()


async def test_a_cancel_amid_a_stage_is_counted_as_cancelled(queue, crew, stages, project, numbers):
    stages.acts[Stage.ASSETS] = stages.stay
    await queue.start(project.project_id)

    async with crew.working():
        await stages.inside.wait()
        await queue.cancel(project.project_id)
        await _until(numbers, runs(Stage.ASSETS, "cancelled"), 1)

    assert (await numbers.totals())[runs(Stage.SCRIPT, "ok")] == 1


async def test_a_worker_that_is_told_to_end_hands_its_interrupted_run_over(queue, crew, stages, project, numbers):
    stages.acts[Stage.ASSETS] = stages.stay
    await queue.start(project.project_id)

    async with crew.working():
        await stages.inside.wait()

    assert (await numbers.totals())[runs(Stage.ASSETS, "interrupted")] == 1


async def test_who_takes_a_dead_workers_project_over_counts_its_run_as_interrupted(
    queue, crew, stages, settings, project, numbers
):
    """The dead one counted nothing itself; the take-over is counted once, too."""
    await queue.start(project.project_id)
    dead = ProjectStore(Paths(settings.data_dir), _dead_owner(), lease_seconds=60)
    lease = await dead.take_over(project.project_id)
    await lease.commit(lambda state: state.with_stage(Stage.SCRIPT, status="running", attempts=1).replace(status="running"))
    await lease._stop_renewing()

    await crew.burst()

    totals = await numbers.totals()
    assert (totals[runs(Stage.SCRIPT, "interrupted")], totals[TAKEOVERS]) == (1, 1)
    assert totals[runs(Stage.SCRIPT, "ok")] == 1


async def test_a_late_writes_refusal_is_counted(store, settings, queue, project):
    paths = Paths(settings.data_dir)
    slow = ProjectStore(paths, _dead_owner(), lease_seconds=60)
    lease = await slow.take_over(project.project_id)
    await lease._stop_renewing()
    async with await ProjectStore(paths, Owner.here(), lease_seconds=3).take_over(project.project_id):
        counts(FENCED)

        with pytest.raises(Fenced):
            await lease.commit(lambda state: state)
        with pytest.raises(Fenced):
            await lease.blobs.write("output/late.txt", b"too late")

    assert counts(FENCED) == 2


async def test_a_second_hint_for_what_is_done_is_counted(queue, crew, project, numbers):
    await queue.start(project.project_id)
    await crew.burst()
    await queue.enqueue_job("generate_script_task", project_id=project.project_id, chain=False)
    await crew.burst()

    assert (await numbers.totals())[DUPLICATES] == 1


async def test_a_lost_hint_that_is_renewed_is_counted(queue, crew, project, redis_admin, numbers):
    await queue.start(project.project_id)
    await redis_admin.delete(VIDEO)
    await queue.enqueue_job("recover_interrupted", _queue_name=MAINTENANCE)
    await crew.burst(MAINTENANCE, renewing=False)

    assert (await numbers.totals())[labelled(RECONCILED, action="hint_renewed")] == 1


async def test_paid_calls_are_counted_by_who_makes_them_and_how_they_ended(settings):
    spender = Spender(Ledger(Paths(settings.data_dir)), 1, Caps())
    gemini = Cost(usd=Decimal("0.10"), needs=(Need(client="gemini", name="flash"),))
    upload = Cost(needs=(Need(client="channel-tea", name="closed", amount=0), Need(client="youtube-1a2b3c4d", name="uploads")))
    unsent, unknown = TransientError(same("no line")), TransientError(same("no answer"))
    unsent.sent, unknown.usage = False, None

    await spender.settle(await spender.reserve("a", gemini), (_used(0.04),))
    await spender.failed(await spender.reserve("b", gemini), unknown)
    await spender.failed(await spender.reserve("c", gemini), unsent)
    await spender.settle(await spender.reserve("d", upload), ())

    _, batch = TALLY.pending()
    assert {key: value for key, value in batch.totals.items() if key.startswith((PAID, COST))} == {
        labelled(PAID, provider="gemini", outcome="ok"): 1,
        labelled(PAID, provider="gemini", outcome="unknown"): 1,
        labelled(PAID, provider="youtube", outcome="ok"): 1,
        labelled(COST, provider="gemini"): 0.04,
    }


async def test_a_redis_that_refuses_is_counted_and_told_when_it_takes_counts_again(crew, redis_admin, numbers):
    """A server without memory takes no numbers either: they wait."""
    memory = labelled(REDIS_ERRORS, kind="memory")
    async with crew.working(), asyncio.timeout(60):
        most = (await redis_admin.config_get("maxmemory"))["maxmemory"]
        await redis_admin.config_set("maxmemory", 1)
        try:
            while memory not in TALLY._totals | TALLY._batch.totals:
                await asyncio.sleep(0.01)
        finally:
            await redis_admin.config_set("maxmemory", most)
        while (await numbers.totals()).get(memory, 0) < 1:
            await asyncio.sleep(0.01)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        pytest.param(RedisTimeoutError(), "timeout", id="no answer"),
        pytest.param(TimeoutError(), "timeout", id="our own limit"),
        pytest.param(RedisConnectionError(), "connection", id="no server"),
        pytest.param(ConnectionRefusedError(), "connection", id="nobody listens"),
        pytest.param(ResponseError("MISCONF Redis is configured to save RDB snapshots"), "disk", id="its disk is full"),
        pytest.param(ResponseError("ERR something"), "other", id="anything else"),
    ],
)
def test_what_redis_did_has_a_few_names(error, kind):
    assert tally.kind_of(error) == kind


# How it is handed over.


async def test_what_a_client_counts_is_handed_over_when_it_closes(settings, numbers):
    async with connect(settings):
        TALLY.count(FENCED)

    assert (await numbers.totals())[FENCED] == 1


async def test_the_same_batch_counts_once_however_often_it_is_handed_over(redis, counting, mine, numbers):
    mine.count(PUBLISHED)
    number, batch = mine.pending()
    assert await counting.hand_over()

    await Rollups(redis).add("host/me", number, batch)

    assert (await numbers.totals())[PUBLISHED] == 1


async def test_what_is_counted_while_redis_is_away_arrives_when_it_is_back(redis, chronicle, mine, numbers):
    there = []
    counting = Counting(lambda: there[0] if there else None, chronicle, "host/me", mine)
    mine.count(PUBLISHED)
    assert not await counting.hand_over()
    mine.count(PUBLISHED, 2)

    there.append(redis)
    await counting.hand_over()

    assert (await numbers.totals())[PUBLISHED] == 3


async def test_a_worker_that_ends_while_redis_is_away_leaves_its_counts_to_others(redis, chronicle, mine, numbers):
    async with counted(lambda: None, chronicle, "host/gone", mine):
        mine.count(PUBLISHED)
        mine.note({"p": 1.0})
    assert not await numbers.totals()

    await Counting(lambda: redis, chronicle, "host/other", Tally()).each_minute()

    assert (await numbers.totals())[PUBLISHED] == 1
    assert sum(point.value or 0 for point in await numbers.published(HOUR, HOUR)) == 1
    assert not await chronicle.left()


async def test_what_was_left_in_two_batches_is_taken_in_their_order(redis, chronicle, numbers):
    """Seen once: the later one was taken first, and the earlier one passed for a second time of it."""
    for number in (10, 9, 11):
        await chronicle.leave(Left(process="host/gone", number=number, totals={PUBLISHED: 1.0}))

    await Counting(lambda: redis, chronicle, "host/other", Tally()).take_what_was_left()

    assert (await numbers.totals())[PUBLISHED] == 3


async def test_one_process_a_minute_samples_the_queues(redis, chronicle, mine, counting, numbers, queue, project):
    await queue.start(project.project_id)
    other = Counting(lambda: redis, chronicle, "host/other", Tally())

    await asyncio.gather(counting.each_minute(), other.each_minute())
    await _all_handed_over(redis, chronicle)

    assert [point.waiting for point in await numbers.queue(VIDEO, HOUR, HOUR) if point.waiting is not None] == [1]
    assert (await redis.exists(f"{COUNTED}:at:{counting.minute}")) == 1


async def test_what_is_no_number_holds_nothing_up(counting, mine, numbers):
    mine.count(PUBLISHED, float("nan"))
    mine.note({"ts": float("inf"), "p": 1.0})
    mine.record(1, '{"code": "\\ud800 \u8336"}')
    mine.count(PUBLISHED)

    assert await counting.hand_over()

    assert (await numbers.totals())[PUBLISHED] == 1


async def test_of_the_last_runs_a_thousand_are_kept(counting, mine, numbers):
    for number in range(MOST_RUNS + 5):
        mine.record(number, f'{{"project_id": {number}}}')
        await counting.hand_over() if number % 400 == 0 else None
    await counting.hand_over()

    assert len(await Rollups(counting.redis()).runs_by_time(10_000)) == MOST_RUNS


def _dead_owner() -> Owner:
    return Owner.here().replace(name="host/dead", pid=2**22 - 1, started="never")


def _used(usd: float) -> Usage:
    return Usage(service="gemini", model="flash", unit="token", amount=1, cost_usd=usd)


async def _until(numbers: Numbers, name: str, value: float) -> None:
    async with asyncio.timeout(60):
        while (await numbers.totals()).get(name) != value:
            await asyncio.sleep(0.01)


async def _all_handed_over(redis, chronicle) -> None:
    await Counting(lambda: redis, chronicle, "host/me-too", TALLY).hand_over()

"""What was counted outlives Redis, its memory and the disk's mishaps, and is read the same from either."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from jobs import tally
from jobs.copying import copy, restore
from jobs.counting import Counting
from jobs.numbers import Numbers, quantile
from jobs.pipeline import VIDEO
from jobs.rollups import COUNTED, Rollups
from jobs.tally import PUBLISHED, RUNS
from reelqueue import clock
from reelqueue.models.stage import Stage
from reelqueue.tally import FENCED, Batch, Tally, labelled
from storage import Paths
from storage.chronicle import HOURS_KEPT, MINUTES_KEPT_HOURS, Chronicle

HOUR, DAY, WEEK = timedelta(hours=1), timedelta(days=1), timedelta(days=7)
MINUTE = timedelta(minutes=1)


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


async def test_a_redis_without_its_memory_is_told_what_the_disk_knows(redis, redis_admin, chronicle, counting, mine, numbers):
    _a_run(mine, seconds=12.0)
    await counting.hand_over()
    await copy(Rollups(redis), chronicle, clock.now())
    before, since = await numbers.stages(HOUR, MINUTE), await numbers.since()

    await redis_admin.flushall()
    mine.count(PUBLISHED)
    await counting.hand_over()

    fresh = Numbers(chronicle.folder, redis)
    assert await fresh.stages(HOUR, MINUTE) == before
    assert await fresh.stages(WEEK, HOUR) == await Numbers(chronicle.folder).stages(WEEK, HOUR)
    assert (await fresh.totals())[PUBLISHED] == 1
    assert (await fresh.since(), len(await fresh.recent())) == (since, 1)


async def test_two_that_find_an_empty_redis_put_everything_back_once(redis, redis_admin, chronicle, counting, mine, numbers):
    mine.count(PUBLISHED, 5)
    await counting.hand_over()
    await copy(Rollups(redis), chronicle, clock.now())
    await redis_admin.flushall()

    others = [Counting(lambda: redis, chronicle, f"host/{number}", Tally()) for number in range(3)]
    for other in others:
        other.tally.count(PUBLISHED)
    while not all([await other.hand_over() for other in others]):
        await redis_admin.delete(f"{COUNTED}:restoring")  # whoever was faster is through

    assert (await numbers.totals())[PUBLISHED] == 8


async def test_a_redis_that_comes_back_from_an_old_snapshot_is_raised_to_what_the_disk_knows(
    redis, redis_admin, chronicle, counting, mine
):
    mine.count(PUBLISHED, 5)
    await counting.hand_over()
    rollups = Rollups(redis)
    await copy(rollups, chronicle, clock.now())
    old = {key: await redis_admin.dump(key) for key in await redis_admin.keys(b"reelqueue:*")}
    mine.count(PUBLISHED, 2)
    mine.note({"p": 2.0})
    await counting.hand_over()
    await copy(rollups, chronicle, clock.now())

    await redis_admin.flushall()
    for key, value in old.items():
        await redis_admin.restore(key, 0, value)
    await copy(rollups, chronicle, clock.now())

    assert (await rollups.totals())[PUBLISHED] == 7
    assert (await chronicle.summary()).totals[PUBLISHED] == 7


async def test_without_redis_the_numbers_come_from_disk(redis, chronicle, counting, mine):
    _a_run(mine, seconds=40.0)
    await counting.hand_over()
    await copy(Rollups(redis), chronicle, clock.now())

    alone = Numbers(chronicle.folder)

    assert (await alone.stages(HOUR, MINUTE))[2].mean_s == 40.0
    assert (await alone.stages(WEEK, HOUR))[2].mean_s == 40.0
    assert (await alone.recent(1))[0].project_id == 7
    assert (await alone.totals())[runs(Stage.RENDER, "ok")] == 1


async def test_nothing_is_known_where_nothing_was_counted(tmp_path):
    alone = Numbers(tmp_path / "none")

    assert (await alone.since(), await alone.recent(), await alone.totals()) == (None, [], {})
    assert {point.value for point in await alone.published(DAY, HOUR)} == {None}
    assert (await alone.stages(DAY, HOUR))[0].success is None
    assert {point.waiting for point in await alone.queue(VIDEO, DAY, HOUR)} == {None}


async def test_a_page_that_cannot_be_read_costs_its_hour_alone(redis, chronicle, counting, mine):
    _a_run(mine, seconds=40.0)
    await counting.hand_over()
    await copy(Rollups(redis), chronicle, clock.now())
    page = next(chronicle.folder.glob("20*/*.json"))
    page.write_text('{"hour": "none"', encoding="utf-8")

    alone = Numbers(chronicle.folder)

    assert (await alone.stages(HOUR, MINUTE))[2].mean_s is None
    assert (await alone.totals())[runs(Stage.RENDER, "ok")] == 1


async def test_old_minutes_go_after_a_week_and_hours_after_five(redis, chronicle, counting, mine):
    hour = int(clock.now().timestamp()) // 3600
    ages = (0, MINUTES_KEPT_HOURS + 30, HOURS_KEPT + 30)
    for age in ages:
        mine.note({"p": 1.0}, minute=(hour - age) * 60)
    await counting.hand_over()
    rollups = Rollups(redis)
    for age in ages:
        await copy(rollups, chronicle, datetime.fromtimestamp((hour - age) * 3600, UTC))

    await chronicle.forget(hour)

    pages = await chronicle.pages(hour - HOURS_KEPT - 40, hour)
    assert {hour - number: bool(page.minutes) for number, page in pages.items()} == {0: True, MINUTES_KEPT_HOURS + 30: False}


async def test_what_is_counted_hours_late_is_in_the_next_hours_first_copy(redis, chronicle, counting, mine):
    """After an outage: its minutes come when Redis is back."""
    top = clock.now().replace(minute=0, second=0)
    hour = int(top.timestamp()) // 3600
    mine.note({"p": 1.0}, minute=(hour - 5) * 60)
    await counting.hand_over()
    await copy(Rollups(redis), chronicle, top)
    mine.note({"p": 2.0}, minute=(hour - 5) * 60 + 7)
    await counting.hand_over()

    await copy(Rollups(redis), chronicle, top + HOUR)

    page = (await chronicle.pages(hour - 5, hour - 5))[hour - 5]
    assert (page.fields, page.minutes[(hour - 5) * 60 + 7]) == ({"p": 3.0}, {"p": 2.0})


async def test_restoring_begins_anew_where_it_was_broken_off(redis, redis_admin, chronicle, counting, mine, numbers):
    mine.count(PUBLISHED, 5)
    await counting.hand_over()
    rollups = Rollups(redis)
    await copy(rollups, chronicle, clock.now())
    await redis_admin.flushall()
    summary = await chronicle.summary()
    await rollups.put_back([("reelqueue:totals", 60, summary.totals)], (), knows=False)  # and here it died

    assert await restore(rollups, chronicle, clock.now())

    assert (await numbers.totals())[PUBLISHED] == 5


async def test_who_puts_back_too_late_changes_nothing(redis):
    """Another was faster, and the first new counts are there."""
    rollups = Rollups(redis)
    await rollups.begin(1)
    await rollups.add("host/me", 1, Batch({PUBLISHED: 3.0}, {}, ()))

    assert not await rollups.put_back([("reelqueue:totals", 60, {PUBLISHED: 2.0})], (), knows=False)

    assert (await rollups.totals())[PUBLISHED] == 3


async def test_what_is_higher_in_redis_than_on_disk_stays(redis):
    rollups = Rollups(redis)
    await rollups.begin(1)
    await rollups.add("host/me", 1, Batch({PUBLISHED: 3.0, FENCED: 1.0}, {}, ()))

    await rollups.put_back([("reelqueue:totals", 60, {PUBLISHED: 2.0, FENCED: 4.0})], (), knows=True)

    assert await rollups.totals() == {PUBLISHED: 3.0, FENCED: 4.0}


async def test_totals_that_cannot_be_read_are_those_of_the_copy_before(redis, chronicle, counting, mine):
    mine.count(PUBLISHED)
    await counting.hand_over()
    for _ in range(2):
        await copy(Rollups(redis), chronicle, clock.now())
    (chronicle.folder / "totals.json").write_bytes(b"{")

    assert (await Numbers(chronicle.folder).totals())[PUBLISHED] == 1


async def test_a_total_never_falls_for_who_watches(redis, redis_admin, counting, mine, numbers):
    """A fall would look like a restart: Prometheus would count everything anew."""
    mine.count(PUBLISHED, 5)
    await counting.hand_over()
    before = (await numbers.totals())[PUBLISHED]

    await redis_admin.flushall()
    mine.count(PUBLISHED)
    await counting.hand_over()

    assert (before, (await numbers.totals())[PUBLISHED]) == (5, 5)


async def test_who_asks_for_the_same_at_once_reads_it_once(redis, redis_admin, counting, mine, numbers):
    _a_run(mine, seconds=4.0)
    await counting.hand_over()
    await redis_admin.config_resetstat()

    await asyncio.gather(*(numbers.stages(WEEK, HOUR) for _ in range(5)), *(numbers.heat(WEEK) for _ in range(5)))

    calls = (await redis_admin.info("commandstats"))["cmdstat_hgetall"]["calls"]
    assert calls <= 2 * 7 * 24 + 2  # the week, and the one before it


@pytest.mark.parametrize(
    ("counts_by_bucket", "share", "value"),
    [
        pytest.param([0] * 16, 0.5, None, id="none at all"),
        pytest.param([4, *[0] * 15], 0.5, 0.25, id="half of the first bucket"),
        pytest.param([0, 0, 2, 2, *[0] * 12], 0.75, 3.5, id="between 2 and 5 s"),
        pytest.param([0, 0, 2, 2, *[0] * 12], 0.5, 2.0, id="at a bound"),
        pytest.param([*[0] * 15, 3], 0.95, 7200.0, id="above the last bound"),
    ],
)
def test_a_quantile_is_linear_within_its_bucket(counts_by_bucket, share, value):
    assert quantile(counts_by_bucket, share) == value


async def test_every_key_of_the_numbers_ends_by_itself(redis, redis_admin, chronicle, counting, mine):
    _a_run(mine, seconds=1.0)
    await counting.each_minute()
    await counting.hand_over()

    keys = [key for key in await redis_admin.keys("reelqueue:*") if not key.startswith(b"reelqueue:i")]

    assert keys
    assert [key for key in keys if await redis_admin.ttl(key) < 0] == []


def _a_run(mine: Tally, *, seconds: float) -> None:
    """A render of project 7, as another process counts it."""
    before, tally.TALLY = tally.TALLY, mine
    try:
        tally.stage_ended(Stage.RENDER, "ok", project_id=7, now=clock.now(), seconds=seconds, worker="host/me")
    finally:
        tally.TALLY = before


async def test_rollups_that_make_room_for_others_are_never_those_that_are_asked_for(monkeypatch, numbers, counting, mine):
    monkeypatch.setattr("jobs.numbers.MOST_KEPT", 61)
    long_ago = int(clock.now().timestamp() // 60) - 30
    mine.note({"p": 1.0}, minute=long_ago)
    await counting.hand_over()

    first = await numbers.published(HOUR, MINUTE)
    monkeypatch.setattr("jobs.numbers.FRESH_SECONDS", ((1, -1.0), (2**31, 900.0)))  # the last two are read anew, others are kept
    again = await numbers.published(HOUR, MINUTE)

    assert sum(point.value or 0 for point in first) == sum(point.value or 0 for point in again) == 1

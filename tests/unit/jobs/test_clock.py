"""What is due by itself, by simulated clocks against a real server: once, made up once, through nights that are odd."""

import asyncio
import json
from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from arq.connections import ArqRedis
from arq.constants import job_key_prefix

from jobs.clock import RECORD_PREFIX, Clock, last_due
from jobs.pipeline import MAINTENANCE, ROUTES
from jobs.schedule import SCHEDULE, Schedule

TAIPEI = ZoneInfo("Asia/Taipei")
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
NOW = datetime(2026, 5, 4, 2, 0, 7, tzinfo=UTC)
NIGHTLY = Schedule("cleanup", "30 2 * * *", timeout_s=600)
HOURLY = Schedule("sync_quotas", "0 * * * *", timeout_s=60)

ZONES = [pytest.param(ZoneInfo(name), id=name) for name in ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe")]
NIGHTS = [
    pytest.param(ZoneInfo("Europe/Berlin"), date(2026, 3, 29), id="Berlin skips 02:30"),
    pytest.param(ZoneInfo("Europe/Berlin"), date(2026, 10, 25), id="Berlin has 02:30 twice"),
    pytest.param(ZoneInfo("America/New_York"), date(2026, 3, 8), id="New York skips 02:30"),
    pytest.param(ZoneInfo("America/New_York"), date(2026, 11, 1), id="New York has 01:30 twice"),
    pytest.param(ZoneInfo("Asia/Taipei"), date(2026, 3, 29), id="Taipei has no such nights"),
]


class Wall:
    """A clock on the wall that a test sets, and what was queued while it went."""

    def __init__(self, redis: ArqRedis, *schedule: Schedule, zone: ZoneInfo = TAIPEI) -> None:
        self.redis = redis
        self.clock = Clock(redis, schedule or SCHEDULE, zone)
        self.started: list[tuple[datetime, str]] = []

    async def shows(self, now: datetime) -> Counter[str]:
        """Tick at `now`; each job that was queued is done at once."""
        await self.clock.tick(now)
        jobs = [await done(self.redis, job_id) for job_id in await queued(self.redis)]
        self.started += [(now, job) for job in jobs]
        return Counter(jobs)

    async def goes(self, start: datetime, end: datetime, step: timedelta) -> Counter[str]:
        """Tick again and again."""
        total = Counter[str]()
        while start < end:
            total += await self.shows(start)
            start += step
        return total


async def queued(redis: ArqRedis) -> list[str]:
    return [job_id.decode() for job_id in await redis.zrange(MAINTENANCE, 0, -1)]


async def done(redis: ArqRedis, job_id: str) -> str:
    """End a job as a worker does; returns its name."""
    payload = json.loads(await redis.getdel(job_key_prefix + job_id))
    await redis.zrem(MAINTENANCE, job_id)
    return payload["f"]


# --- what is due, and when the clock looks ---


def test_each_job_of_the_schedule_exists_and_is_due_within_a_day():
    last = {one.job: last_due(one.cron, NOW, TAIPEI) for one in SCHEDULE}

    assert set(last) <= set(ROUTES)
    assert last == {
        "sync_quotas": datetime(2026, 5, 4, 2, 0, tzinfo=UTC),
        "recover_interrupted": datetime(2026, 5, 4, 2, 0, tzinfo=UTC),
        "cleanup": datetime(2026, 5, 3, 19, 30, tzinfo=UTC),  # 03:30 of the 4th in Taipei
    }


def test_arqs_own_clock_can_be_told_the_schedule():
    assert {one.job: (one.hour, one.minute) for one in SCHEDULE} == {
        "sync_quotas": (None, 0),
        "recover_interrupted": (None, None),
        "cleanup": (3, 30),
    }
    with pytest.raises(ValueError, match="more than"):
        _ = Schedule("cleanup", "30 3 * * MON", timeout_s=600).hour


async def test_the_next_look_is_at_the_next_full_minute(redis):
    clock = Clock(redis, SCHEDULE, TAIPEI)

    assert await clock.tick(NOW) == 53
    assert await clock.tick(NOW.replace(second=0)) == 60
    assert await clock.tick(NOW.replace(second=59, microsecond=750_000)) == 0.25


async def test_plain_jobs_are_queued_as_any_client_would_do_it(redis, redis_admin):
    await Clock(redis, SCHEDULE, TAIPEI).tick(NOW)

    ids = await queued(redis)
    payloads = [json.loads(await redis.get(job_key_prefix + job_id)) for job_id in ids]
    assert {payload["f"] for payload in payloads} == {one.job for one in SCHEDULE}
    assert {(str(payload["a"]), str(payload["k"])) for payload in payloads} == {("[]", "{}")}
    assert {await redis.zscore(MAINTENANCE, job_id) for job_id in ids} == {NOW.timestamp() * 1000}
    kept = {key.decode() for key in await redis_admin.keys("*") if await redis_admin.ttl(key) < 0}
    assert kept - {"reelqueue:installation"} == {MAINTENANCE}


# --- once ---


async def test_two_clocks_that_tick_all_day_start_each_job_once(redis):
    walls = [Wall(redis), Wall(redis)]
    total = Counter[str]()
    for minute in range(24 * 60):
        ticks = [wall.clock.tick(NOW + minute * MINUTE + index * timedelta(seconds=9)) for index, wall in enumerate(walls)]
        await asyncio.gather(*ticks)
        total += Counter([await done(redis, job_id) for job_id in await queued(redis)])

    assert total == {"sync_quotas": 24, "recover_interrupted": 1440, "cleanup": 2}  # one at the start


async def test_a_run_that_is_not_over_is_not_joined_by_another(redis):
    """It is made up as soon as it is over: once, however many were missed."""
    wall = Wall(redis, HOURLY)
    await wall.clock.tick(NOW)
    [first] = await queued(redis)

    for hours in range(1, 4):
        await wall.clock.tick(NOW + hours * HOUR)
    assert await queued(redis) == [first]
    await done(redis, first)

    assert await wall.goes(NOW + 3 * HOUR + MINUTE, NOW + 4 * HOUR, MINUTE) == {"sync_quotas": 1}


async def test_a_run_whose_payload_is_lost_blocks_no_other(redis):
    wall = Wall(redis, HOURLY)
    await wall.clock.tick(NOW)
    [first] = await queued(redis)
    await redis.delete(job_key_prefix + first)

    await wall.clock.tick(NOW + HOUR)

    assert len(await queued(redis)) == 2


# --- made up ---


async def test_what_was_missed_for_a_week_is_made_up_once(redis):
    wall = Wall(redis)
    await wall.shows(NOW)

    assert await wall.shows(NOW + 7 * DAY + HOUR) == {"sync_quotas": 1, "recover_interrupted": 1, "cleanup": 1}
    assert (
        await wall.goes(
            NOW + 7 * DAY + HOUR + timedelta(seconds=1),
            NOW + 7 * DAY + HOUR + MINUTE - timedelta(seconds=10),
            timedelta(seconds=1),
        )
        == {}
    )


async def test_a_server_without_memory_counts_as_due(redis, redis_admin):
    wall = Wall(redis)
    first = await wall.shows(NOW)
    await redis_admin.flushall()

    assert await wall.shows(NOW + timedelta(seconds=1)) == first == {"sync_quotas": 1, "recover_interrupted": 1, "cleanup": 1}


async def test_a_broken_record_counts_as_none(redis):
    wall = Wall(redis, HOURLY)
    await redis.set(RECORD_PREFIX + "sync_quotas", "nonsense")

    assert await wall.shows(NOW) == {"sync_quotas": 1}
    assert await wall.shows(NOW) == {}


# --- clocks that jump ---


async def test_a_jump_of_a_day_starts_one_run_each(redis):
    wall = Wall(redis)
    await wall.goes(NOW, NOW + HOUR, MINUTE)

    later = await wall.goes(NOW + HOUR + DAY, NOW + HOUR + DAY + 5 * MINUTE, MINUTE)

    assert later == {"sync_quotas": 1, "recover_interrupted": 5, "cleanup": 1}


async def test_a_jump_back_neither_bursts_nor_stalls(redis):
    wall = Wall(redis)
    await wall.goes(NOW + DAY, NOW + DAY + HOUR, MINUTE)

    at_once = await wall.shows(NOW)
    day = await wall.goes(NOW + MINUTE, NOW + DAY, MINUTE)

    assert at_once == {}
    assert day == {"sync_quotas": 23, "recover_interrupted": 1439, "cleanup": 1}


async def test_a_clock_that_is_put_right_by_half_a_minute_doubles_nothing(redis):
    wall = Wall(redis, HOURLY)
    await wall.shows(NOW.replace(second=1))

    assert await wall.goes(NOW.replace(second=0) - timedelta(seconds=29), NOW + HOUR - MINUTE, timedelta(seconds=10)) == {}


# --- nights that skip an hour, and that have one twice ---


def due_by_the_calendar(zone: ZoneInfo, at: time) -> list[datetime]:
    """When a nightly job is due in 2026, worked out the other way round: from each date's time of day, not from cron."""
    dates = [date(2025, 12, 31) + index * DAY for index in range(367)]
    return [real(datetime.combine(day, at, zone)) for day in dates]


def real(wall: datetime) -> datetime:
    """The first moment at which the clocks show `wall`, or have gone past it."""
    while (moment := wall.astimezone(UTC)).astimezone(wall.tzinfo).replace(tzinfo=None) != wall.replace(tzinfo=None):
        wall += MINUTE
    return moment


def around_each_turn(zone: ZoneInfo, step: timedelta) -> list[list[datetime]]:
    """Looks at the clock from two days before each turn of it in 2026 to two days after; where it is never turned, in one week."""
    start = datetime(2026, 1, 1, tzinfo=UTC)
    days = [start + index * DAY for index in range(365)]
    turns = [day for day, after in pairwise(days) if day.astimezone(zone).utcoffset() != after.astimezone(zone).utcoffset()]
    return [[turn - 2 * DAY + index * step for index in range(int(5 * DAY / step))] for turn in turns or [start + 7 * DAY]]


def all_year(_zone: ZoneInfo, step: timedelta) -> list[list[datetime]]:
    return [[datetime(2026, 1, 1, tzinfo=UTC) + index * step for index in range(int(365 * DAY / step))]]


WHEN = [pytest.param(around_each_turn, id="around each turn"), pytest.param(all_year, id="all year", marks=pytest.mark.soak)]


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("minute", [0, 30])
@pytest.mark.parametrize("hour", [0, 1, 2, 3])
@pytest.mark.parametrize("when", WHEN)
def test_a_nightly_job_is_due_once_a_night_whichever_way_the_clocks_are_turned(zone, hour, minute, when):
    expected = due_by_the_calendar(zone, time(hour, minute))
    looks = [look for looks in when(zone, 30 * MINUTE) for look in looks]

    found = [last_due(f"{minute} {hour} * * *", look, zone) for look in looks]

    first = date(2026, 1, 1).toordinal()
    days = [look.date().toordinal() - first for look in looks]
    assert found == [max(due for due in expected[day : day + 3] if due <= look) for day, look in zip(days, looks, strict=True)]


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("when", WHEN)
def test_an_hourly_job_is_due_each_real_hour_whichever_way_the_clocks_are_turned(zone, when):
    """Lord Howe turns its clocks by half an hour."""
    for looks in when(zone, 10 * MINUTE):
        found = sorted({last_due("0 * * * *", look, zone) for look in looks})

        gaps = Counter(later - earlier for earlier, later in pairwise(found))
        assert gaps.pop(HOUR) >= (looks[-1] - looks[0]) / HOUR - 5
        assert set(gaps) <= {30 * MINUTE, 90 * MINUTE}
        assert {due.astimezone(zone).minute for due in found} == {0}


@pytest.mark.parametrize(("zone", "night"), NIGHTS)
async def test_in_an_odd_night_a_nightly_job_runs_once_and_an_hourly_one_each_hour(redis, zone, night):
    start = datetime(night.year, night.month, night.day, tzinfo=UTC) - 12 * HOUR
    wall = Wall(redis, NIGHTLY, HOURLY, zone=zone)
    await wall.shows(start - MINUTE)

    runs = await wall.goes(start, start + 2 * DAY, 5 * MINUTE)

    nights = [now.astimezone(zone) for now, job in wall.started if job == "cleanup"][1:]
    assert runs == {"sync_quotas": 48, "cleanup": 2}
    assert night in {run.date() for run in nights}
    assert {run.hour for run in nights} <= {2, 3}


@pytest.mark.parametrize("minute", range(0, 120, 15))
async def test_who_comes_in_the_second_of_two_equal_hours_makes_up_what_was_due_in_the_first(redis, minute):
    """Nothing ran when the clocks of Berlin showed 02:30 for the first time."""
    zone = ZoneInfo("Europe/Berlin")
    wall = Wall(redis, NIGHTLY, zone=zone)
    await wall.shows(datetime(2026, 10, 24, 12, tzinfo=UTC))
    comes = datetime(2026, 10, 25, 0, 31, tzinfo=UTC) + minute * MINUTE

    assert await wall.shows(comes) == {"cleanup": 1}
    assert await wall.goes(comes + MINUTE, comes + 6 * HOUR, 5 * MINUTE) == {}


# --- on the clock of the server ---


async def test_many_clocks_at_the_same_moment_start_a_job_once(redis):
    seconds, micros = await redis.time()
    now = datetime.fromtimestamp(seconds, UTC) + timedelta(microseconds=micros)

    await asyncio.gather(*(Clock(redis, SCHEDULE, TAIPEI).tick(now) for _ in range(20)))

    assert len(await queued(redis)) == 3

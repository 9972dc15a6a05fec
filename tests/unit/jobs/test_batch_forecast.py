"""The forecast of a batch, held against a world with the real ledger, the real caps and chance."""

import random
import tempfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from jobs.batch.capacity import Places, purses_of, stocks_of
from jobs.batch.forecast import Ground, Item, Outlet, forecast, ready_times
from jobs.batch.history import Spread, default_pace, heavy_stages, learned_from
from reelqueue.models.stage import Stage
from storage import Ledger, Paths
from storage.ledger import pacific_day, pacific_midnight_after
from tests.unit.jobs.batch_world import PUBLICATION, Truth, World, finished, youtube

NOON = datetime(2026, 11, 29, 20, 0, tzinfo=UTC)
"""In Los Angeles."""
BEFORE_SPRING = datetime(2027, 3, 13, 20, 0, tzinfo=UTC)
"""The next day there has 23 hours."""
TRUTH = Truth({Stage.SCRIPT: 2.0, Stage.ASSETS: 40.0, Stage.RENDER: 50.0, Stage.THUMBNAIL: 1.5, Stage.UPLOAD: 30.0})
HEAVY = heavy_stages(local_assets=True)
VIDEO_S = 60.0
SEEDS = [0, *(pytest.param(seed, marks=pytest.mark.soak) for seed in range(1, 5))]
MEMORY = Path("/dev/shm")


def outlet_of(publisher):
    if publisher is None:
        return Outlet()
    steps = [name for name in ("open", *publisher.steps(PUBLICATION)) if name != "captions"]
    needs = tuple(need for name in steps for need in publisher.cost(name, PUBLICATION).needs)
    return Outlet(needs, publisher.cost("captions", PUBLICATION).needs)


async def ground(ledger, dice, *, start=NOON, publisher=None, history=20, daily_usd=Decimal(0), places=None):
    outlet = outlet_of(publisher)
    pace = default_pace(HEAVY, local_script=True, local_upload=publisher is None, cores=4)
    pace = learned_from(finished(TRUTH, history, dice, video_s=VIDEO_S), pace, HEAVY)
    stocks = await stocks_of(ledger, (*outlet.needs, *outlet.captions), start) | await purses_of(ledger, (), daily_usd, start)
    return Ground(places or Places(2, 7), pace, HEAVY, stocks, {"": outlet})


def items(count, *, usd=None):
    return [Item(tuple(Stage), VIDEO_S, usd={Stage.ASSETS: usd} if usd else {}) for _ in range(count)]


@pytest.fixture
def ledger():
    """In memory, where the machine has a disk there: many days pass in a test."""
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder:
        yield Ledger(Paths(Path(folder)))


CASES = [
    pytest.param(60, {}, "cpu", id="the CPU"),
    pytest.param(1, {}, "cpu", id="one video"),
    pytest.param(60, {"history": 3}, "cpu", id="the CPU, little known of it"),
    pytest.param(100, {"publisher": youtube(uploads=40)}, "uploads", id="uploads of a client"),
    pytest.param(50, {"publisher": youtube(channel_uploads=20)}, "uploads", id="uploads of a channel"),
    pytest.param(70, {"publisher": youtube(units=3_000)}, "units", id="units"),
    pytest.param(60, {"publisher": youtube(uploads=25), "start": BEFORE_SPRING}, "uploads", id="a day of 23 hours"),
]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("count", "setting", "limit"), CASES)
async def test_the_end_lies_in_the_range_that_was_told_and_what_limits_it_is_named(ledger, count, setting, limit, seed):
    dice, start = random.Random(seed), setting.get("start", NOON)
    told = forecast(items(count), await ground(ledger, dice, **setting), start)
    world = World(ledger, TRUTH, start, dice, setting.get("publisher"), wait_places=7)

    end = await world.run(count)

    assert told.least <= end <= told.most
    assert told.limit == limit


@pytest.mark.parametrize("seed", SEEDS)
async def test_each_day_is_told_uploads_units_and_captions(ledger, seed):
    """Units leave room for some captions a day; what was not sent is owed at its end."""
    dice, publisher = random.Random(seed), youtube(uploads=30)
    told = forecast(items(75), await ground(ledger, dice, publisher=publisher), NOON)
    world = World(ledger, TRUTH, NOON, dice, publisher, wait_places=7)

    await world.run(75)

    assert [day.day for day in told.days] == [pacific_day(NOON) + timedelta(days=n) for n in range(len(told.days))]
    assert [day.uploads for day in told.days][:3] == pytest.approx([world.uploads[day.day] for day in told.days][:3], abs=5)
    assert [day.captions_owed for day in told.days][:2] == pytest.approx([world.owed_at[day.day] for day in told.days][:2], abs=6)
    assert all(day.units <= 10_000 for day in told.days)


@pytest.mark.parametrize("seed", SEEDS)
async def test_a_cost_cap_spreads_a_batch_over_days(ledger, seed):
    dice, cap, setting = random.Random(seed), Decimal(2), {"reserved": Decimal("0.04"), "price": (0.02, 0.04), "calls": 3}
    told = forecast(items(60, usd=(0.06, 0.12)), await ground(ledger, dice, daily_usd=cap), NOON)
    world = World(ledger, TRUTH, NOON, dice, daily_usd=cap, wait_places=7, **setting)

    end = await world.run(60)

    assert told.least <= end <= told.most
    assert told.limit == "money"
    assert told.usd == (Decimal("3.6"), Decimal("7.2"))
    assert all(day.usd <= cap for day in told.days)


async def test_what_was_paid_here_says_more_than_what_calls_may_cost(ledger):
    there = await ground(ledger, random.Random(1))
    known = replace(there, pace=replace(there.pace, usd=Spread(0.001, 0.2, 20)))

    told = forecast(items(50, usd=(0.02, 0.3)), known, NOON)

    least, most = told.usd
    assert Decimal("2.4") < least < 3 < most < Decimal("3.6")


async def test_what_is_used_of_today_already_is_not_told_again(ledger):
    publisher = youtube(uploads=40)
    fresh = await ground(ledger, random.Random(1), publisher=publisher)
    used = {key: replace(stock, used=stock.cap) for key, stock in fresh.stocks.items()}

    told = forecast(items(10), replace(fresh, stocks=used), NOON)

    assert told.least > pacific_midnight_after(NOON)
    assert (told.days[0].uploads, told.days[1].uploads) == (0, 10)


async def test_a_channel_that_is_closed_is_waited_for(ledger):
    there = await ground(ledger, random.Random(1), publisher=youtube())
    closed = {key: replace(stock, closed_s=7 * 3_600.0) for key, stock in there.stocks.items() if key.name == "closed"}

    told = forecast(items(3), replace(there, stocks=there.stocks | closed), NOON)

    assert NOON + timedelta(hours=7) < told.least < NOON + timedelta(hours=8)


async def test_a_stage_that_costs_more_than_a_days_cap_is_paid_over_several_days(ledger):
    there = await ground(ledger, random.Random(1), daily_usd=Decimal(2))

    told = forecast(items(1, usd=(5.0, 5.0)), there, NOON)

    assert [day.usd for day in told.days] == [2, 2, 1]
    assert told.least > pacific_midnight_after(NOON) + timedelta(days=1)


@pytest.mark.parametrize(
    ("count", "days"),
    [
        pytest.param(75, (1, 1), id="whatever happens"),
        pytest.param(80, (1, 2), id="unless one upload is begun twice"),
        pytest.param(84, (1, 2), id="if as many fail as usual"),
        pytest.param(95, (2, 2), id="in no case"),
    ],
)
async def test_two_days_of_forty_uploads_are_enough(ledger, count, days):
    there = await ground(ledger, random.Random(1), publisher=youtube(uploads=40))

    told = forecast(items(count), there, NOON)

    assert tuple((pacific_day(end) - pacific_day(NOON)).days for end in (told.least, told.most)) == days


async def test_the_last_one_may_be_a_slow_one(ledger):
    """Of many the mean is known well; how long the last takes is not."""
    there = await ground(ledger, random.Random(1))
    alike, various = (
        replace(there, pace=replace(there.pace, stages=dict.fromkeys(Stage, Spread(1.0, spread, 1_000)))) for spread in (0.0, 1.0)
    )

    ends = [forecast(items(1_000), one, NOON).most for one in (alike, various)]

    assert ends[1] - ends[0] > timedelta(seconds=1.64 * 60)


async def test_other_projects_that_wait_take_their_part_first(ledger):
    publisher = youtube(uploads=40)
    there = await ground(ledger, random.Random(1), publisher=publisher)
    singles = [replace(item, ours=False, single=True) for item in items(40)]

    told = forecast([*singles, *items(10)], there, NOON)

    assert told.projects == 10
    assert told.least > pacific_midnight_after(NOON)


async def test_a_higher_priority_is_ready_first(ledger):
    there = await ground(ledger, random.Random(1), publisher=youtube(uploads=5))
    last = replace(items(1)[0], priority=7)

    ready = ready_times([*items(10), last], there, NOON)

    assert ready[-1] < pacific_midnight_after(NOON)
    assert sum(moment < pacific_midnight_after(NOON) for moment in ready) == 5


async def test_who_waits_for_a_person_is_told_so(ledger):
    there = await ground(ledger, random.Random(1))

    told = forecast([*items(3), replace(items(1)[0], awaits=True)], there, NOON)

    assert told.limit == "person"


async def test_a_calendar_that_ends_later_than_the_work_is_what_limits_it(ledger):
    there = await ground(ledger, random.Random(1))
    last = NOON + timedelta(days=30)

    told = forecast(items(3), there, NOON, published_by=last)

    assert (told.limit, told.published_by) == ("slots", last)


async def test_what_no_day_has_room_for_never_ends_and_says_why(ledger):
    there = await ground(ledger, random.Random(1), publisher=youtube(units=50))

    told = forecast(items(3), there, NOON)

    assert told.limit == "units"
    assert told.most > NOON + timedelta(days=365)
    assert len(told.days) == 100


async def test_the_more_is_known_the_closer_is_the_range(ledger):
    unknown, little, much = [await ground(ledger, random.Random(1), history=count) for count in (0, 3, 40)]

    widths = [told.most - told.least for there in (unknown, little, much) for told in [forecast(items(40), there, NOON)]]

    assert widths == sorted(widths, reverse=True)


async def test_no_project_at_all_ends_now(ledger):
    told = forecast([], await ground(ledger, random.Random(1)), NOON)

    assert (told.projects, told.least) == (0, NOON)
    assert told.most < NOON + timedelta(minutes=1)

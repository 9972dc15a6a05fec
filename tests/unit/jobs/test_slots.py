"""Which video gets which moment: pure rules, then the bookings on disk and the upload that looks once more."""

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.batch.calendar_words import calendar_of
from jobs.batch.slots import MARGIN, Free, Wanting, by_quota, laid_out
from storage import Paths
from storage.bookings import Bookings
from storage.ledger import pacific_day, pacific_midnight_after

NOW = datetime(2026, 11, 29, 12, 0, tzinfo=UTC)
HOURLY = calendar_of("every 1h from 2026-11-29T13:00+00:00 UTC")


def hour(number):
    """Of that day; the first moment of the calendar is 13."""
    return datetime(2026, 11, 29, tzinfo=UTC) + timedelta(hours=number)


def ready(number, at, had=None):
    return Wanting(number, hour(at), None if had is None else hour(had))


def free(*taken, per_day=None, calendar=HOURLY):
    return Free(calendar, [hour(at) for at in taken], NOW, per_day=per_day)


@pytest.mark.parametrize(
    ("wanting", "taken", "moments"),
    [
        pytest.param(
            [ready(1, 12), ready(2, 12), ready(3, 12)], (), {1: 13, 2: 14, 3: 15}, id="one video a moment, in their order"
        ),
        pytest.param([ready(1, 12), ready(2, 12)], (13, 15), {1: 14, 2: 16}, id="what others have is theirs"),
        pytest.param([ready(1, 15.5), ready(2, 12)], (), {1: 16, 2: 13}, id="not before the video can be there"),
        pytest.param([ready(1, 12, 18)], (18,), {1: 13}, id="an earlier one that is free is taken"),
        pytest.param([ready(1, 14.9, 16)], (16,), {1: 16}, id="but not one that is hardly early enough"),
        pytest.param([ready(1, 17, 16)], (16,), {1: 17}, id="who comes too late gets the next"),
        pytest.param([ready(1, 16.4, 16)], (16,), {1: 16}, id="who just makes it keeps its own"),
        pytest.param([ready(1, 17, 14), ready(2, 12, 15)], (14, 15), {1: 17, 2: 13}, id="moments that become free are used"),
        pytest.param([ready(1, 20, 13), ready(2, 12.2)], (13,), {1: 20, 2: 13}, id="also by who comes behind"),
    ],
)
def test_moments_are_given_and_kept(wanting, taken, moments):
    assert laid_out(wanting, free(*taken), NOW) == {number: hour(at) for number, at in moments.items()}


def test_no_more_of_a_channel_on_one_pacific_day_than_its_cap():
    """Midnight in Los Angeles is 08:00 UTC: 32 of this clock."""
    found = laid_out([ready(number, 12) for number in range(5)], free(per_day=2), NOW)

    assert [found[number] for number in range(5)] == [hour(13), hour(14), hour(32), hour(33), hour(56)]


def test_a_calendar_that_has_ended_gives_none():
    short = calendar_of("slots Mon 09:00 UTC until 2026-11-30")

    assert laid_out([ready(1, 12), ready(2, 12)], free(calendar=short), NOW) == {1: hour(33), 2: None}


def test_nothing_is_given_more_than_two_years_ahead():
    yearly = calendar_of("every 12w from 2026-11-29T13:00+00:00 UTC")

    found = laid_out([ready(number, 12) for number in range(20)], free(calendar=yearly), NOW)

    assert sum(moment is not None for moment in found.values()) == 9


def test_a_bucket_puts_videos_off_to_the_days_that_have_room():
    nights = [pacific_midnight_after(NOW), pacific_midnight_after(NOW) + timedelta(days=1)]

    found = by_quota([NOW] * 6, [(1, 2), (50, 100)], nights)

    assert found == [NOW, *[nights[0] + MARGIN] * 2, *[nights[1] + MARGIN] * 3]


async def test_two_planners_never_book_one_moment(tmp_path):
    stores = [Bookings(Paths(tmp_path)) for _ in range(2)]

    def with_one(number):
        def change(booked):
            there = Free(HOURLY, booked, NOW).at(NOW)
            return {**booked, there: number}

        return change

    changes = (stores[number % 2].change("news", with_one(number), NOW) for number in range(20))
    await asyncio.gather(*changes)

    booked = await stores[0].booked("news")
    assert sorted(booked) == [hour(13 + place) for place in range(20)]
    assert sorted(booked.values()) == list(range(20))


async def test_what_is_long_past_is_forgotten_and_other_channels_are_left_alone(tmp_path):
    store = Bookings(Paths(tmp_path))
    await store.change("news", lambda booked: {**booked, hour(13): 1}, NOW)
    await store.change("tech", lambda booked: {**booked, hour(13): 2}, NOW)

    later = NOW + timedelta(days=4)
    await store.change("news", lambda booked: {**booked, hour(200): 3}, later)

    assert await store.booked("news") == {hour(200): 3}
    assert await store.booked("tech") == {hour(13): 2}


# Whatever comes.

WISHES = st.lists(st.tuples(st.floats(12, 60), st.none() | st.integers(13, 80)), max_size=25)


def wanting_of(wishes):
    """What each wants; no two were given one moment."""
    seen = set()
    given = [at if at not in seen and not seen.add(at) else None for _, at in wishes]
    return [ready(number, at, had) for number, ((at, _), had) in enumerate(zip(wishes, given, strict=True))]


def once_more(wanting, found):
    return [Wanting(one.number, one.ready, found[one.number]) for one in wanting]


@settings(deadline=None)
@given(WISHES, st.none() | st.integers(1, 5))
def test_no_moment_twice_none_too_early_and_no_day_over_its_cap(wishes, per_day):
    wanting = wanting_of([(at, None) for at, _ in wishes])

    found = laid_out(wanting, free(per_day=per_day), NOW)

    moments = [moment for moment in found.values() if moment is not None]
    assert len(moments) == len(set(moments)) == len(wishes)
    assert all(found[one.number] >= one.ready for one in wanting)
    assert max(Counter(pacific_day(moment) for moment in moments).values(), default=0) <= (per_day or 99)


@settings(deadline=None)
@given(WISHES)
def test_planning_once_more_comes_to_rest(wishes):
    """Each pass moves videos only to earlier moments, so that after a few nothing is left to move."""
    wanting = wanting_of(wishes)
    found = laid_out(wanting, free(*((one.given - hour(0)) / timedelta(hours=1) for one in wanting if one.given)), NOW)

    passes = [found]
    for _ in range(len(wishes) + 1):
        taken = [(moment - hour(0)) / timedelta(hours=1) for moment in passes[-1].values()]
        passes.append(laid_out(once_more(wanting, passes[-1]), free(*taken), NOW))

    assert passes[-1] == passes[-2]
    assert all(later[number] <= earlier[number] for earlier, later in pairwise(passes) for number in later)
    assert len(set(passes[-1].values())) == len(wishes)

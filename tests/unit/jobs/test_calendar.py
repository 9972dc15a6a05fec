"""Publish calendars: what people type, what the state keeps, and the moments that come of it."""

from datetime import UTC, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

import pytest

from jobs.batch.calendar_words import calendar_of, canonical, parse_every, parse_slots
from reelqueue.errors import InvalidBrief

NOW = datetime(2026, 11, 29, 10, 20, tzinfo=UTC)  # a Sunday; 18:20 in Taipei
TAIPEI, PACIFIC = "Asia/Taipei", "America/Los_Angeles"


def moments(text, count, *, now=NOW, zone=TAIPEI):
    """The first moments of a calendar, as told in `zone`."""
    found = islice(calendar_of(canonical(text, zone, now)).after(now), count)
    return [moment.astimezone(ZoneInfo(zone)).isoformat(timespec="minutes") for moment in found]


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("6h", "every 6h from 2026-11-29T19:00+08:00 Asia/Taipei"),
        ("90 minutes", "every 90m from 2026-11-29T19:00+08:00 Asia/Taipei"),
        ("2 天", "every 2d from 2026-11-29T19:00+08:00 Asia/Taipei"),
        ("1w", "every 1w from 2026-11-29T19:00+08:00 Asia/Taipei"),
        ("Mon-Fri 09:00,18:00 Asia/Taipei", "slots Mon-Fri 09:00,18:00 Asia/Taipei"),
        ("09:00", "slots Mon-Sun 09:00 Asia/Taipei"),
        ("18:00, 9:00 tuesday UTC", "slots Tue 09:00,18:00 UTC"),
        ("Fri-Mon 10:00", "slots Mon,Fri-Sun 10:00 Asia/Taipei"),
        ("週一-週五 9:00、18:00；週六 12:00", "slots Mon-Fri 09:00,18:00; Sat 12:00 Asia/Taipei"),
        ("每天 08:30 until 2026-12-31", "slots Mon-Sun 08:30 Asia/Taipei until 2026-12-31"),
        ("weekends 20:00 Europe/Berlin until 2027-01-31", "slots Sat-Sun 20:00 Europe/Berlin until 2027-01-31"),
    ],
)
def test_what_people_type_is_kept_in_one_form_that_reads_as_itself(typed, kept):
    assert canonical(typed, TAIPEI, NOW) == kept
    assert canonical(kept, "UTC", NOW + timedelta(days=3)) == kept
    assert str(calendar_of(kept)) == kept


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ("5m", "every"),
        ("0h", "every"),
        ("100d", "every"),
        ("3 fortnights", "every"),
        ("", "slots"),
        ("Mon-Fri", "slots"),
        ("Mon 25:00", "slots"),
        ("Mon 09:60", "slots"),
        ("Mon 09:00 Mars/Olympus", "slots"),
        ("Mon-Fri-Sun 09:00", "slots"),
        ("Blursday 09:00", "slots"),
        ("Mon 09:00; ; until tomorrow", "slots"),
        ("Mon 09:00 until 2026-11-01", "slots"),
        ("every 6h from yesterday Asia/Taipei", "slots"),
    ],
)
def test_what_is_no_calendar_is_named_by_its_field(typed, field):
    with pytest.raises(InvalidBrief) as refused:
        canonical(typed, TAIPEI, NOW)

    assert refused.value.field == field


def test_each_option_reads_its_own_form_only():
    with pytest.raises(InvalidBrief, match="every"):
        parse_every("Mon 09:00", TAIPEI, NOW)
    with pytest.raises(InvalidBrief, match="slots"):
        parse_slots("6h", TAIPEI, NOW)


def test_a_span_goes_on_from_the_next_full_hour():
    assert moments("6h", 3) == ["2026-11-29T19:00+08:00", "2026-11-30T01:00+08:00", "2026-11-30T07:00+08:00"]


def test_slots_come_in_order_of_time_whatever_their_rules():
    assert moments("Sat 12:00; Mon-Fri 18:00,09:00", 3) == [
        "2026-11-30T09:00+08:00",
        "2026-11-30T18:00+08:00",
        "2026-12-01T09:00+08:00",
    ]


def test_moments_are_those_after_the_one_that_is_asked_about():
    first = datetime(2026, 11, 30, 1, 0, tzinfo=UTC)

    assert next(calendar_of("slots Mon-Sun 09:00 Asia/Taipei").after(first)) == first + timedelta(days=1)
    assert next(calendar_of("every 6h from 2026-11-30T09:00+08:00 Asia/Taipei").after(first)) == first + timedelta(hours=6)


def test_a_time_that_spring_leaves_out_comes_right_after_the_gap_and_once():
    """On 14 March 2027 the clocks of Los Angeles go from 02:00 to 03:00."""
    before = datetime(2027, 3, 13, 20, 0, tzinfo=UTC)

    assert moments("02:15,02:30,03:00 America/Los_Angeles", 4, now=before, zone=PACIFIC) == [
        "2027-03-14T03:00-07:00",
        "2027-03-15T02:15-07:00",
        "2027-03-15T02:30-07:00",
        "2027-03-15T03:00-07:00",
    ]


def test_a_time_that_comes_twice_in_autumn_counts_once():
    before = datetime(2026, 10, 31, 20, 0, tzinfo=UTC)

    assert moments("01:30 America/Los_Angeles", 2, now=before, zone=PACIFIC) == [
        "2026-11-01T01:30-07:00",
        "2026-11-02T01:30-08:00",
    ]


def test_days_keep_their_time_of_day_and_hours_are_counted_through_a_change_of_the_clocks():
    before = datetime(2027, 3, 13, 17, 20, tzinfo=UTC)  # 09:20 there

    assert moments("1d", 3, now=before, zone=PACIFIC) == [
        "2027-03-13T10:00-08:00",
        "2027-03-14T10:00-07:00",
        "2027-03-15T10:00-07:00",
    ]
    assert moments("24h", 2, now=before, zone=PACIFIC) == ["2027-03-13T10:00-08:00", "2027-03-14T11:00-07:00"]


def test_a_calendar_ends_with_the_last_day_that_it_names():
    assert moments("09:00 until 2026-12-01", 9) == ["2026-11-30T09:00+08:00", "2026-12-01T09:00+08:00"]

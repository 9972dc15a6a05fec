"""A day of publications, told by outlines."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from reelqueue.dashboard.overview.today import (
    Day,
    at_this_pace,
    day_of,
    last_published,
    next_slots,
    outcomes_since,
    waiting_on_disk,
)
from reelqueue.models.project import StageError
from reelqueue.models.stage import ProjectStatus, Stage, StageStatus
from tests.unit.test_board_causes import failed, outline

TAIPEI = ZoneInfo("Asia/Taipei")
NOW = datetime(2026, 11, 24, 14, 30, tzinfo=TAIPEI)
DONE = (StageStatus.DONE,) * 5
HOUR = timedelta(hours=1)


def uploaded(number: int, ended: datetime, **changes: object):
    return outline(number, ProjectStatus.COMPLETED, stages=DONE, ended_at=ended, **changes)


def test_a_video_counts_on_the_day_of_the_reader():
    just_after_midnight = uploaded(1, NOW.replace(hour=0, minute=5))
    before = uploaded(2, NOW.replace(hour=0, minute=0) - HOUR)

    assert day_of([just_after_midnight, before], NOW, TAIPEI) == Day(published=1, planned=1, expected=1)


def test_a_video_that_is_there_but_has_its_moment_later_is_planned_and_not_yet_published():
    waiting = uploaded(1, NOW - HOUR, publish_at=NOW + HOUR)

    assert day_of([waiting], NOW, TAIPEI) == Day(published=0, planned=1, expected=1)


def test_what_needs_a_person_is_planned_and_not_expected():
    stuck = failed(1, "authentication", publish_at=NOW + HOUR)
    moving = outline(2, ProjectStatus.RUNNING, publish_at=NOW + 2 * HOUR)

    assert day_of([stuck, moving], NOW, TAIPEI) == Day(published=0, planned=2, expected=1)


def test_what_waits_for_a_clock_beyond_midnight_is_not_expected_today():
    waiting = outline(1, ProjectStatus.WAITING_QUOTA, publish_at=NOW + HOUR, resume_at=NOW + timedelta(days=1))

    assert day_of([waiting], NOW, TAIPEI).expected == 0


def test_a_cancelled_one_is_not_planned():
    assert day_of([outline(1, ProjectStatus.CANCELLED, publish_at=NOW + HOUR)], NOW, TAIPEI).planned == 0


def test_success_counts_what_stands_failed_against_what_was_finished():
    made = [uploaded(number, NOW - HOUR) for number in range(1, 4)]
    lost = failed(9, "media", updated_at=NOW - HOUR)
    long_ago = failed(10, "media", updated_at=NOW - timedelta(days=9))

    outcomes = outcomes_since([*made, lost, long_ago], NOW - timedelta(days=1))

    assert (outcomes.completed, outcomes.failed, outcomes.success) == (3, 1, 0.75)


def test_nothing_ended_has_no_rate():
    assert outcomes_since([outline(1, ProjectStatus.RUNNING)], NOW).success is None


def test_the_last_published_come_newest_first_and_none_before_its_moment():
    old, new, coming = uploaded(1, NOW - 3 * HOUR), uploaded(2, NOW - HOUR), uploaded(3, NOW - HOUR, publish_at=NOW + HOUR)

    assert [one.project_id for one in last_published([old, new, coming], NOW, most=5)] == [2, 1]


def test_the_next_slots_come_soonest_first_whatever_state_they_are_in():
    late = outline(1, ProjectStatus.QUEUED, publish_at=NOW + 5 * HOUR)
    soon = failed(2, "authentication", publish_at=NOW + HOUR)
    past = uploaded(3, NOW - HOUR, publish_at=NOW - HOUR)

    assert [one.project_id for one in next_slots([late, soon, past], NOW, most=5)] == [2, 1]


def test_what_is_in_line_is_known_without_redis():
    first = outline(1, ProjectStatus.QUEUED, updated_at=NOW - HOUR)
    held = outline(2, ProjectStatus.QUEUED, updated_at=NOW - 2 * HOUR, held=True)

    assert waiting_on_disk([first, held], NOW) == (1, 3600)


@pytest.mark.parametrize(
    ("hours", "expected"), [pytest.param(1, None, id="too early to tell"), pytest.param(12, 20, id="half a day, twice as much")]
)
def test_a_days_sum_at_this_pace(hours, expected):
    began = datetime(2026, 11, 24, 8, tzinfo=UTC)

    assert at_this_pace(10, began, began + hours * HOUR, began + 24 * HOUR) == expected


def test_an_error_without_words_is_still_a_failure():
    assert outcomes_since([outline(1, ProjectStatus.FAILED, failed=Stage.RENDER, error=StageError(code="error", message=""), updated_at=NOW)], NOW).failed == 1  # fmt: skip

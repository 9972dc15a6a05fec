"""The shapes of small charts."""

from datetime import UTC, datetime, timedelta

import pytest

from reelqueue.dashboard.charts import round_top, shape, top_of
from reelqueue.models.numbers import Point

MIDNIGHT = datetime(2026, 11, 24, tzinfo=UTC)


def points(*values: float | None) -> list[Point]:
    return [Point(at=MIDNIGHT + timedelta(hours=hour), value=value) for hour, value in enumerate(values)]


def test_what_is_twice_as_much_is_drawn_twice_as_high():
    drawn = shape(points(2, 4), width=40, height=20, margin=0)

    assert [bar.height for bar in drawn.bars] == [10, 20]


def test_all_begin_at_zero():
    drawn = shape(points(90, 100), width=40, height=20, margin=0)

    assert [bar.y + bar.height for bar in drawn.bars] == [20, 20]
    assert drawn.bars[0].height == 18


def test_what_is_not_known_leaves_a_gap_in_the_line():
    drawn = shape(points(1, 2, None, 2, 1), width=40, height=20, margin=0)

    assert drawn.line == "M0 10L10 0M30 0L40 10"


def test_a_value_between_two_that_are_not_known_is_drawn_as_a_point():
    drawn = shape(points(None, 3, None), width=40, height=20, margin=0)

    assert drawn.line == "M20 0h0.01"


def test_charts_side_by_side_share_one_scale():
    low, high = points(1, 2), points(4, 8)

    drawn = shape(low, width=40, height=20, margin=0, top=top_of(low, high))

    assert [bar.height for bar in drawn.bars] == [2.5, 5]


@pytest.mark.parametrize("values", [pytest.param((), id="no step"), pytest.param((None, None), id="no value")])
def test_nothing_known_is_an_empty_chart(values):
    drawn = shape(points(*values))

    assert drawn.is_empty
    assert drawn.dot is None


def test_a_chart_of_zeros_lies_on_its_floor():
    drawn = shape(points(0, 0), width=40, height=20, margin=0)

    assert drawn.line == "M0 20L40 20"


@pytest.mark.parametrize(
    ("value", "top"), [(0, 1), (1, 1), (1.2, 2), (2.1, 2.5), (4, 5), (7, 10), (11, 20), (99, 100), (101, 200), (1e6 + 1, 2e6)]
)
def test_an_axis_ends_at_a_round_number(value, top):
    assert round_top(value) == top

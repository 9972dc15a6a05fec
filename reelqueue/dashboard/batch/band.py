"""The drawing of a batch's way: what was done until now, and between which lines the rest is expected.  Pure geometry.

Curves are drawn in a square of `SIDE` units that the page stretches; words beside them stand at percents, which bend nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from reelqueue.models.batch import BatchState
from reelqueue.models.forecast import Forecast
from reelqueue.models.stage import ProjectStatus
from storage import Outline

SIDE = 1000
MOST_POINTS = 60
LEAST_SPAN = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Band:
    """`curve` and `area` are what was done, `fan` and `middle` what is expected ("" where nothing is): paths in the square.

    `now_percent` and `end_percent` are where now and the end stand, from the left; `done_percent` how high now is, from the top.
    """

    began: datetime
    ends: datetime
    now: datetime
    total: int
    done: int
    curve: str
    area: str
    fan: str
    middle: str
    now_percent: float
    end_percent: float
    done_percent: float


def band_of(state: BatchState, outlines: Mapping[int, Outline | None], forecast: Forecast | None, now: datetime) -> Band | None:
    """None where it has not begun, or has no projects."""
    began = state.started_at
    if began is None or not state.project_ids:
        return None
    now = state.ended_at or now
    known = (outlines.get(number) for number in state.project_ids)
    ends = [
        one.ended_at for one in known if one is not None and one.status is ProjectStatus.COMPLETED and one.ended_at is not None
    ]
    last = max(now, began + LEAST_SPAN, *(() if forecast is None else (forecast.most,)))
    scale = _Scale(began, last, len(state.project_ids))
    points = _curve(sorted(ends), began, now, scale)
    done = len(ends)
    fan, middle = ("", "") if forecast is None else _expected(forecast, now, done, scale)
    line = " ".join(f"{x},{y}" for x, y in points)
    return Band(
        began=began,
        ends=last,
        now=now,
        total=len(state.project_ids),
        done=done,
        curve=f"M{line}",
        area=f"M{points[0][0]},{SIDE} {line} {points[-1][0]},{SIDE}Z",
        fan=fan,
        middle=middle,
        now_percent=scale.x(now) * 100 / SIDE,
        end_percent=scale.x(_middle(forecast)) * 100 / SIDE if forecast is not None else 100.0,
        done_percent=scale.y(done) * 100 / SIDE,
    )


@dataclass(frozen=True, slots=True)
class _Scale:
    began: datetime
    last: datetime
    total: int

    def x(self, at: datetime) -> int:
        share = (at - self.began) / (self.last - self.began)
        return round(SIDE * min(1.0, max(0.0, share)))

    def y(self, count: int) -> int:
        return round(SIDE * (1 - count / self.total))


def _curve(ends: list[datetime], began: datetime, now: datetime, scale: _Scale) -> list[tuple[int, int]]:
    """How many were done by when; of many ends only so many that a screen shows them."""
    points, each = [(scale.x(began), scale.y(0))], max(1, len(ends) // MOST_POINTS)
    points += [(scale.x(at), scale.y(count)) for count, at in enumerate(ends, start=1) if count % each == 0 or count == len(ends)]
    return [*points, (scale.x(now), scale.y(len(ends)))]


def _middle(forecast: Forecast) -> datetime:
    return forecast.least + (forecast.most - forecast.least) / 2


def _expected(forecast: Forecast, now: datetime, done: int, scale: _Scale) -> tuple[str, str]:
    """From what is done now to all that are expected to be made: at the earliest, at the latest, in the middle."""
    top = min(scale.total, done + forecast.projects)
    x, y, high = scale.x(now), scale.y(done), scale.y(top)
    least, most, middle = (scale.x(max(now, at)) for at in (forecast.least, forecast.most, _middle(forecast)))
    return f"M{x},{y} {least},{high} {most},{high}Z", f"M{x},{y} {middle},{high}"

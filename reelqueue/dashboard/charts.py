"""Shapes of small charts, in numbers that SVG attributes take.  Pure: values go in, coordinates come out.

All begin at zero, so that what looks twice as high is twice as much; what is not known leaves a gap.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from reelqueue.models.numbers import Point

Values = Sequence[Point] | Sequence[float | None]
LEAST_TOP = 1e-9
BAR_SHARE = 0.78
"""Of the width that a column has, the part that it fills."""
STEPS = (1, 2, 2.5, 5, 10)


@dataclass(frozen=True, slots=True)
class Dot:
    """Where a value lies."""

    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Bar:
    """One column: `last` is the newest."""

    x: float
    y: float
    width: float
    height: float
    last: bool = False


@dataclass(frozen=True, slots=True)
class Shape:
    """A chart of `width` by `height`: its line and the area below as paths ("" where nothing is known), its columns, its newest value."""

    width: float
    height: float
    top: float
    line: str = ""
    area: str = ""
    bars: tuple[Bar, ...] = ()
    dot: Dot | None = None

    @property
    def is_empty(self) -> bool:
        """Whether nothing at all is known."""
        return not self.line and not self.bars


def shape(values: Values, *, width: float = 80, height: float = 24, top: float | None = None, margin: float = 2) -> Shape:
    """The shape of so many values at even distances.  `top` is what the height stands for: charts side by side share one."""
    numbers = numbers_of(values)
    known = [(place, value) for place, value in enumerate(numbers) if value is not None]
    highest = max(top or 0.0, max((value for _, value in known), default=0.0), LEAST_TOP)
    inner_w, inner_h, last = width - 2 * margin, height - 2 * margin, max(1, len(numbers) - 1)

    def at(place: int, value: float) -> Dot:
        return Dot(round(margin + inner_w * place / last, 2), round(margin + inner_h * (1 - value / highest), 2))

    runs = [[at(place, value) for place, value in run] for run in _runs(numbers)]
    floor = height - margin
    slot = width / max(1, len(numbers))
    return Shape(
        width,
        height,
        highest,
        line="".join(_line(run) for run in runs),
        area="".join(f"{_line(run)}V{floor:g}H{run[0].x:g}Z" for run in runs),
        bars=tuple(
            Bar(
                round(place * slot + slot * (1 - BAR_SHARE) / 2, 2),
                round(floor - inner_h * value / highest, 2),
                round(slot * BAR_SHARE, 2),
                round(inner_h * value / highest, 2),
                last=place == len(numbers) - 1,
            )
            for place, value in known
        ),
        dot=at(*known[-1]) if known else None,
    )


def top_of(*several: Values) -> float:
    """What charts side by side have in common as their height."""
    return max((value for values in several for value in numbers_of(values) if value is not None), default=0.0)


def round_top(value: float) -> float:
    """The next round number from `value` up, for an axis; 1 at least."""
    size = 1.0
    while value > 10 * size:
        size *= 10
    return next(size * step for step in STEPS if size * step >= value)


def numbers_of(values: Values) -> list[float | None]:
    """Of points their values."""
    return [one.value if isinstance(one, Point) else one for one in values]


def _runs(numbers: Sequence[float | None]) -> Iterator[list[tuple[int, float]]]:
    for there, run in groupby(enumerate(numbers), key=lambda one: one[1] is not None):
        if there:
            yield [(place, value) for place, value in run if value is not None]


def _line(run: Sequence[Dot]) -> str:
    if len(run) == 1:  # a value between two that are not known is a point, and a point of no length is not drawn
        return f"M{run[0].x:g} {run[0].y:g}h0.01"
    return "M" + "L".join(f"{dot.x:g} {dot.y:g}" for dot in run)

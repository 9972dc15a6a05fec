"""The scale of a project's course: moments of work become percent of a width, and waits are cut out.  Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from reelqueue.models.project import ProjectState
from reelqueue.models.stage import Stage, StageStatus

CUT_SECONDS = 60.0
"""A wait from so long on is cut out (chosen: shorter ones are seen beside minutes of work)."""
CUT_SHARE = 0.03
"""How wide a cut is drawn, of the whole."""
STEPS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 43_200, 86_400)
MOST_TICKS = 8


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark of the scale, at `x` percent, `seconds` of work from the start."""

    x: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Cut:
    """Where `seconds` of waiting are left out, at `x` percent."""

    x: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Work:
    """A stage that ran, from when to when."""

    stage: Stage
    begin: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Scale:
    """Moments -> percent.  `starts` are the works in their order, each with its place in seconds of work."""

    works: Sequence[Work]
    starts: Sequence[float]
    whole_s: float

    def percent(self, seconds: float) -> float:
        """So many seconds of work from the start, in percent of the width."""
        return round(min(100.0, 100 * seconds / self.whole_s), 3)

    def place(self, stage: Stage, at: datetime) -> float:
        """Where a moment of a stage's work lies."""
        for work, start in zip(self.works, self.starts, strict=True):
            if work.stage is stage:
                within = min(max(at, work.begin), work.end) - work.begin
                return self.percent(start + within.total_seconds())
        return 0.0


def works_of(state: ProjectState, now: datetime) -> list[Work]:
    """The stages that ran, in their order; one that was kept from before the stage ahead of it is not among them."""
    found: list[Work] = []
    for stage in Stage:
        known = state.stages[stage]
        end = now if known.status is StageStatus.RUNNING else known.finished_at
        if known.started_at is None or end is None or known.status in {StageStatus.PENDING, StageStatus.SKIPPED}:
            continue
        if found and end < found[-1].begin:
            continue
        found.append(Work(stage, known.started_at, max(end, known.started_at)))
    return found


def laid_out(works: Sequence[Work]) -> tuple[list[float], list[tuple[float, float]], float]:
    """Where each begins in seconds of work, the cuts (place, seconds left out), and where the last one ends."""
    worked = sum((work.end - work.begin).total_seconds() for work in works)
    cut_s = max(1.0, worked * CUT_SHARE)
    starts, cuts, at = [], [], 0.0
    for number, work in enumerate(works):
        if number:
            gap = max(0.0, (work.begin - works[number - 1].end).total_seconds())
            if gap >= CUT_SECONDS:
                cuts.append((at + cut_s / 2, gap))
                gap = cut_s
            at += gap
        starts.append(at)
        at += (work.end - work.begin).total_seconds()
    return starts, cuts, at


def ticks_of(whole_s: float) -> tuple[Tick, ...]:
    """A few marks at round times."""
    step = next((one for one in STEPS_S if whole_s / one <= MOST_TICKS), STEPS_S[-1])
    count = int(whole_s // step)
    return tuple(Tick(round(100 * number * step / whole_s, 3), number * step) for number in range(count + 1))

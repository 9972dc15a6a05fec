"""What is counted: how stages end and how long they take, how queues stand over time."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from reelqueue.models.frozen import Frozen
from reelqueue.models.stage import Stage

Outcome = Literal["ok", "retry", "park", "fail", "cancelled", "interrupted"]
OUTCOMES: tuple[Outcome, ...] = ("ok", "retry", "park", "fail", "cancelled", "interrupted")
"""How an attempt of a stage ends: done; tried again later; waits; failed; cancelled; its worker died or ended amid it."""
BUCKETS_S = (0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200)
"""Upper bounds of the histogram of durations, in seconds; beyond the last one is +Inf."""


class Point(Frozen):
    """A value of the step that begins at `at`; None where nothing is known."""

    at: datetime
    value: float | None = None


class StageNumbers(Frozen):
    """One stage over a span.  `success` is ok / (ok + fail), 0-1, None where neither was; times in seconds, of runs that ended ok.

    `p50_s` and `p95_s` are read from the histogram, linear within a bucket.  `trend` is the mean by step over the span.
    `before_mean_s` is the mean of the week before, to compare with.
    """

    stage: Stage
    outcomes: dict[Outcome, int] = Field(default_factory=dict)
    success: float | None = None
    mean_s: float | None = None
    p50_s: float | None = None
    p95_s: float | None = None
    before_mean_s: float | None = None
    trend: tuple[Point, ...] = ()

    @property
    def runs(self) -> int:
        """How many attempts ended, however."""
        return sum(self.outcomes.values())


class Duration(Frozen):
    """How long something took over a span, in seconds; None where it never happened."""

    count: int = 0
    median_s: float | None = None
    p95_s: float | None = None
    trend: tuple[Point, ...] = ()


class QueuePoint(Frozen):
    """How a queue stood in a step: the most that waited, the longest wait in seconds, the most that ran; None: not known."""

    at: datetime
    waiting: int | None = None
    oldest_s: float | None = None
    running: int | None = None


class HeatCell(Frozen):
    """One stage in one hour: runs, seconds of work, failures."""

    at: datetime
    stage: Stage
    runs: int = 0
    seconds: float = 0.0
    failures: int = 0


class RunRecord(Frozen):
    """An attempt that ended."""

    project_id: int
    stage: Stage
    outcome: Outcome
    ended_at: datetime
    duration_s: float | None = None
    worker: str = ""
    code: str = ""

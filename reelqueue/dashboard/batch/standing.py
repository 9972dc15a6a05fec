"""How a batch stands, in the figures that its page begins with.  Pure: its state, its projects' outlines, and what is expected."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from statistics import fmean
from zoneinfo import ZoneInfo

from reelqueue.models.batch import BatchState
from reelqueue.models.forecast import Forecast
from reelqueue.models.stage import ProjectStatus
from storage import Outline

SHOWN_DAYS = 12
"""So many columns show how many videos a day were done."""


@dataclass(frozen=True, slots=True)
class DayDone:
    """One day in the reader's zone: how many videos were done on it, and what one of them took on average; None: none was paid for."""

    day: date
    done: int
    mean_usd: float | None


@dataclass(frozen=True, slots=True)
class BatchFigures:
    """What there is to say of a batch in numbers.

    `counts` are its projects by state; `gone` are those that were deleted.  `days` are the last `SHOWN_DAYS`, today the last;
    `deadline` is the first that one of those on their way has.  Money in US dollars.
    """

    total: int
    counts: Counter[ProjectStatus]
    gone: int
    days: tuple[DayDone, ...]
    spent_usd: float
    each_usd: float | None
    deadline: datetime | None
    resumes_at: datetime | None

    @property
    def completed(self) -> int:
        """How many came to their goal."""
        return self.counts[ProjectStatus.COMPLETED]

    @property
    def failed(self) -> int:
        """How many did not."""
        return self.counts[ProjectStatus.FAILED]

    @property
    def ended(self) -> int:
        """Those to whom nothing more happens by itself."""
        return self.gone + sum(count for status, count in self.counts.items() if status.is_final)

    @property
    def success(self) -> float | None:
        """Of those that completed or failed, how many completed, 0-1; None where none has."""
        judged = self.completed + self.failed
        return self.completed / judged if judged else None

    @property
    def waiting_by_itself(self) -> int:
        """How many go on when a clock says so: quota, money, the disk."""
        waits = (ProjectStatus.WAITING_QUOTA, ProjectStatus.WAITING_BUDGET, ProjectStatus.WAITING_DISK)
        return sum(self.counts[status] for status in waits)

    @property
    def waiting_for_a_person(self) -> int:
        """How many go on when somebody has looked at them."""
        return sum(count for status, count in self.counts.items() if status.waits_for_a_person)

    @property
    def before_today(self) -> int | None:
        """How many were done on the last whole day; None where it had not begun by then."""
        return self.days[-2].done if len(self.days) > 1 else None

    def in_all_usd(self, forecast: Forecast | None) -> float | None:
        """What it will have taken at its end, by the middle of what is expected; None where that is not known."""
        if forecast is None:
            return None
        return self.spent_usd + float(sum(forecast.usd)) / 2


def figures_of(state: BatchState, outlines: Mapping[int, Outline | None], now: datetime, zone: ZoneInfo) -> BatchFigures:
    """Count them."""
    there = [one for number in state.project_ids if (one := outlines.get(number)) is not None]
    counts = Counter(one.status for one in there)
    done = [one for one in there if one.status is ProjectStatus.COMPLETED]
    paid = [one.cost_usd for one in done if one.cost_usd]
    left = [one for one in there if not one.status.is_final]
    return BatchFigures(
        total=len(state.project_ids),
        counts=counts,
        gone=len(state.project_ids) - len(there),
        days=tuple(_days(done, state.started_at or state.created_at, state.ended_at or now, zone)),
        spent_usd=sum(one.cost_usd for one in there),
        each_usd=fmean(paid) if paid else None,
        deadline=min((one.deadline for one in left if one.deadline is not None), default=None),
        resumes_at=min((one.resume_at for one in left if one.status.is_waiting and one.resume_at is not None), default=None),
    )


def _days(done: Sequence[Outline], began: datetime, now: datetime, zone: ZoneInfo) -> list[DayDone]:
    first, today = began.astimezone(zone).date(), now.astimezone(zone).date()
    by_day: dict[date, list[Outline]] = {}
    for one in done:
        if one.ended_at is not None:
            by_day.setdefault(one.ended_at.astimezone(zone).date(), []).append(one)
    count = max(1, min(SHOWN_DAYS, (today - first).days + 1))
    days = [today - timedelta(days=back) for back in reversed(range(count))]
    return [_day(day, by_day.get(day, [])) for day in days]


def _day(day: date, done: Sequence[Outline]) -> DayDone:
    paid = [one.cost_usd for one in done if one.cost_usd]
    return DayDone(day, len(done), fmean(paid) if paid else None)

"""What was spent, day by day and in this month, and what the month is heading for.

Days are Pacific, as the caps count them.  US dollars.
"""

import calendar
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from statistics import fmean

from jobs.paid import Paid, paid_lately
from jobs.spending import Caps
from reelqueue import clock
from reelqueue.bootstrap import Settings
from reelqueue.dashboard.board import Board
from reelqueue.dashboard.overview.today import at_this_pace
from reelqueue.models.stage import ProjectStatus
from storage import Outline
from storage.ledger import PACIFIC, pacific_day, pacific_midnight_after

SHOWN_DAYS, LEARNED_DAYS = 14, 7


@dataclass(frozen=True, slots=True)
class MoneyDay:
    """One day: what pictures took, what all else did (script, voice, figure), what is held, what is still expected of today."""

    day: date
    images: float
    others: float
    held: float = 0.0
    expected: float = 0.0

    @property
    def spent(self) -> float:
        """Without what is only held or expected."""
        return self.images + self.others

    @property
    def whole(self) -> float:
        """With it."""
        return self.spent + self.held + self.expected


@dataclass(frozen=True, slots=True)
class Money:
    """Today, the last `SHOWN_DAYS`, and this month; what is not known is None.

    `cap` and `project_cap` are 0 where there is none; `lost` is what failed and cancelled projects of this month took.
    """

    days: tuple[MoneyDay, ...]
    cap: float
    project_cap: float
    channel_caps: tuple[tuple[str, float], ...]
    month: float
    month_end: float | None
    each: float | None
    each_p95: float | None
    lost: float
    is_paid: bool

    @property
    def today(self) -> MoneyDay:
        """The newest day."""
        return self.days[-1]

    @property
    def lost_share(self) -> float | None:
        """Of what the month took, 0-1; None where it took nothing."""
        return self.lost / self.month if self.month else None


async def money_of(board: Board, outlines: Iterable[Outline]) -> Money:
    """As things are now.

    Raises:
        StorageUnavailable, NeedsPerson: an account can't be read.
    """
    settings, now = board.settings, clock.now()
    today = pacific_day(now)
    caps = Caps(daily_usd=settings.daily_cost_cap_usd, project_usd=settings.project_cost_cap_usd)
    channels = {name: channel.daily_cost_cap_usd for name, channel in board.shelf.channels.items()}
    paid = await paid_lately(board.ledger, today, max(today.day, SHOWN_DAYS), caps, channels)
    days = [_day(day, paid.days[day], settings) for day in paid.days]  # the newest first
    days[0] = _with_the_rest(days[0], now)
    spent = [day.spent for day in days[: today.day]]
    month_costs = [
        one for one in outlines if one.cost_usd and pacific_day(one.ended_at or one.updated_at) >= today.replace(day=1)
    ]
    done = sorted(one.cost_usd for one in month_costs if one.status is ProjectStatus.COMPLETED)
    lost = sum(one.cost_usd for one in month_costs if one.status in {ProjectStatus.FAILED, ProjectStatus.CANCELLED})
    return Money(
        days=tuple(reversed(days[:SHOWN_DAYS])),
        cap=float(settings.daily_cost_cap_usd),
        project_cap=float(settings.project_cost_cap_usd),
        channel_caps=tuple((name, float(cap)) for name, cap in channels.items() if cap),
        month=sum(spent),
        month_end=_month_end(days, today),
        each=fmean(done) if done else None,
        each_p95=done[int(0.95 * (len(done) - 1))] if done else None,
        lost=lost,
        is_paid=any(day.whole for day in days),
    )


def _day(day: date, paid: Paid, settings: Settings) -> MoneyDay:
    held = float(paid.reserved)
    spent = float(paid.used) - held
    images = sum(use.cost_usd for use in paid.usage if use.model == settings.gemini_image_model)
    return MoneyDay(day, min(images, spent), max(0.0, spent - images), held)


def _with_the_rest(day: MoneyDay, now: datetime) -> MoneyDay:
    """Today, with what it will still take at this pace."""
    ends = pacific_midnight_after(now)
    began = datetime.combine(day.day, datetime.min.time(), PACIFIC)
    whole = at_this_pace(day.spent, began, now, ends)
    return MoneyDay(
        day.day, day.images, day.others, day.held, max(0.0, whole - day.spent - day.held) if whole is not None else 0.0
    )


def _month_end(days: Sequence[MoneyDay], today: date) -> float | None:
    """What the month comes to if the days that are left are as the last whole ones; None where there was none of them."""
    lately = [day.spent for day in days[1 : LEARNED_DAYS + 1]]
    if not any(lately):
        return None
    left = calendar.monthrange(today.year, today.month)[1] - today.day
    return sum(day.spent for day in days[: today.day]) + days[0].held + days[0].expected + left * fmean(lately)

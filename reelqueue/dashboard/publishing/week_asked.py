"""Which week, and which day of it, a page is asked for."""

from dataclasses import dataclass
from datetime import date, timedelta

from starlette.requests import Request

from reelqueue.dashboard.publishing.week import DAYS, monday_of

EARLIEST, LATEST = date(2000, 1, 10), date(2200, 1, 1)


@dataclass(frozen=True, slots=True)
class WeekAsked:
    """The week that begins at `first`; `day` of it was chosen (a phone shows it and the next one); `channel` where it is of one.

    `opened`: a day of one channel shall be shown moment by moment.
    """

    first: date
    day: date
    channel: str | None
    opened: bool

    @property
    def days(self) -> list[date]:
        """All of its days."""
        return [self.first + timedelta(days=place) for place in range(DAYS)]

    @property
    def near(self) -> frozenset[date]:
        """The two days that a phone has room for."""
        last = self.first + timedelta(days=DAYS - 1)
        begin = min(self.day, last - timedelta(days=1))
        return frozenset({begin, begin + timedelta(days=1)})


def week_asked(request: Request, today: date) -> WeekAsked:
    """What the address says: `?week=`, `?day=`, `?channel=`; else the week of today."""
    query = request.query_params
    day, week = _day(query.get("day", "")), _day(query.get("week", ""))
    first = monday_of(day or week or today)
    chosen = day or (today if first <= today < first + timedelta(days=DAYS) else first)
    channel = query.get("channel") or None
    return WeekAsked(first, chosen, channel, opened=day is not None and channel is not None)


def _day(text: str) -> date | None:
    try:
        found = date.fromisoformat(text) if len(text) == len("2026-11-29") else None
    except ValueError:
        return None
    return found if found is not None and EARLIEST < found < LATEST else None

"""When a batch's videos are published: a rule that gives one moment after the other.  Pure.

Its text stands in the batch's state and says all: `every 6h from 2026-12-01T09:00+08:00 Asia/Taipei`, or
`slots Mon-Fri 09:00,18:00; Sat 12:00 Asia/Taipei until 2026-12-31`.  What people type is read by `calendar_words.py`.
"""

import heapq
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from cronsim import CronSim

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MOST_AHEAD = timedelta(days=730)
"""No video waits longer for its moment; chosen: a plan of more than two years is a mistake in the file."""
UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}


class Calendar(Protocol):
    """A rule for moments of publication."""

    def after(self, moment: datetime) -> Iterator[datetime]:
        """The moments after `moment` (aware), in UTC, ascending, each once; may end, may be endless."""
        ...


@dataclass(frozen=True, slots=True)
class Every:
    """One moment each `count` units ("m", "h", "d", "w"), the first at `first`.

    Minutes and hours are counted through a change of the clocks; days and weeks keep the time of day in `zone`.
    """

    count: int
    unit: str
    first: datetime
    zone: str

    def __str__(self) -> str:
        """Its text in a batch's state."""
        first = self.first.astimezone(ZoneInfo(self.zone)).isoformat(timespec="minutes")
        return f"every {self.count}{self.unit} from {first} {self.zone}"

    def after(self, moment: datetime) -> Iterator[datetime]:
        """See `Calendar`: endless."""
        step, first = self.count * UNITS[self.unit], self.first.astimezone(UTC)
        number = max(0, (moment - first) // step - 1)  # one early: a step of days may be an hour shorter
        for place in itertools.count(number):
            if (at := self._at(first, place, step)) > moment:
                yield at

    def _at(self, first: datetime, place: int, step: timedelta) -> datetime:
        if step < UNITS["d"] or self.unit == "h":
            return first + place * step
        local = first.astimezone(ZoneInfo(self.zone)).replace(tzinfo=None) + place * step
        return at_local(local, self.zone)


@dataclass(frozen=True, slots=True)
class Times:
    """Times of day on days of the week (0 is Monday)."""

    days: tuple[int, ...]
    times: tuple[time, ...]

    def __str__(self) -> str:
        """As in a calendar's text."""
        return f"{_days_in_words(self.days)} {','.join(f'{at:%H:%M}' for at in self.times)}"


@dataclass(frozen=True, slots=True)
class Slots:
    """Times of day on days of the week in `zone`, through the day `until`; None: endless.

    A time that the clocks leave out in spring comes right after the gap; one that comes twice in autumn counts once.
    """

    rules: tuple[Times, ...]
    zone: str
    until: date | None = None

    def __str__(self) -> str:
        """Its text in a batch's state."""
        end = f" until {self.until.isoformat()}" if self.until is not None else ""
        return f"slots {'; '.join(map(str, self.rules))} {self.zone}{end}"

    def after(self, moment: datetime) -> Iterator[datetime]:
        """See `Calendar`."""
        local = moment.astimezone(ZoneInfo(self.zone))
        each = [
            CronSim(f"{at.minute} {at.hour} * * {','.join(DAYS[day] for day in rule.days)}", local)
            for rule in self.rules
            for at in rule.times
        ]
        before: datetime | None = None
        for at in heapq.merge(*each, key=lambda found: found.astimezone(UTC)):
            if self.until is not None and at.date() > self.until:
                return
            there = at.astimezone(UTC)
            if there > moment and there != before:  # two times of one gap come at the same moment
                yield there
            before = there


def at_local(local: datetime, zone: str) -> datetime:
    """A local time (naive) in UTC; in the gap of spring the moment right after it, in autumn the first of the two."""
    there = local.replace(tzinfo=ZoneInfo(zone))
    while (back := there.astimezone(UTC)).astimezone(ZoneInfo(zone)).replace(tzinfo=None) != local:
        local += timedelta(minutes=1)
        there = local.replace(tzinfo=ZoneInfo(zone))
    return back


def _days_in_words(days: tuple[int, ...]) -> str:
    """The shortest form: `Mon-Fri`, `Sat`."""
    runs: list[list[int]] = []
    for day in days:
        if runs and runs[-1][-1] == day - 1:
            runs[-1].append(day)
        else:
            runs.append([day])
    return ",".join(DAYS[run[0]] if len(run) == 1 else f"{DAYS[run[0]]}-{DAYS[run[-1]]}" for run in runs)

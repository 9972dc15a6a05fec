"""Which video gets which moment of its batch's calendar.  Pure.

One video a moment and channel; never more of a channel on one Pacific day than may be uploaded to it; a moment only where the
video can be there before it.  What is given stays, as long as it can be kept.
"""

import itertools
from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from jobs.batch.calendar import MOST_AHEAD, Calendar
from storage.ledger import pacific_day

MARGIN = timedelta(minutes=30)
"""Between the upload and the moment: YouTube makes the better pictures of a video only a while after it came (chosen)."""
A_DAY = timedelta(hours=25)
"""The longest there is."""
STILL_GOOD = timedelta(minutes=5)
"""A moment that is nearer is not kept for a video that is still to be uploaded."""
EARLIER = timedelta(minutes=30)
"""An earlier moment that became free is taken only with so much more time before it: so that nothing swings to and fro."""


@dataclass(frozen=True, slots=True)
class Wanting:
    """A project that wants a moment: when its video may be there, and what it was given before."""

    number: int
    ready: datetime
    given: datetime | None = None


class Free:
    """The moments of a calendar that nobody has, on one channel, up to `MOST_AHEAD`."""

    def __init__(self, calendar: Calendar, taken: Iterable[datetime], now: datetime, *, per_day: int | None = None) -> None:
        self._moments = itertools.takewhile(lambda at: at <= now + MOST_AHEAD, calendar.after(now))
        self._known: list[datetime] = []
        self._taken = {moment.astimezone(UTC) for moment in taken}
        self._none_before = now
        self._per_day = per_day
        self._counts: Counter[date] = Counter(pacific_day(moment) for moment in self._taken) if per_day is not None else Counter()

    def at(self, ready: datetime) -> datetime | None:
        """The first free moment from `ready` on; None where there is none."""
        found = next(self._from(max(ready, self._none_before)), None)
        if found is not None and ready <= self._none_before:
            self._none_before = found  # whoever asks next need not pass by all that is taken
        return found

    def take(self, moment: datetime) -> None:
        """It is somebody's now."""
        self._taken.add(moment)
        self._counts[pacific_day(moment)] += 1

    def give_back(self, moment: datetime) -> None:
        """It is nobody's any more."""
        self._taken.discard(moment)
        self._counts[pacific_day(moment)] -= 1
        self._none_before = min(self._none_before, moment - A_DAY)  # its whole day has room again
        if self._known and moment <= self._known[-1] and moment not in self._known:
            insort(self._known, moment)

    def _from(self, ready: datetime) -> Iterator[datetime]:
        while not self._known or self._known[-1] < ready:
            if not self._more():
                return
        place = bisect_left(self._known, ready)
        while place < len(self._known) or self._more():
            moment = self._known[place]
            if moment in self._taken:
                del self._known[place]
                continue
            place += 1
            if self._per_day is None or self._counts[pacific_day(moment)] < self._per_day:
                yield moment

    def _more(self) -> bool:
        moment = next(self._moments, None)
        if moment is not None:
            self._known.append(moment)
        return moment is not None


def laid_out(wanting: Sequence[Wanting], free: Free, now: datetime) -> dict[int, datetime | None]:
    """A moment for each, in their order; None where the calendar has none left.  What is given already counts as taken in `free`."""
    found: dict[int, datetime | None] = {}
    for one in wanting:
        keeps = one.given is not None and one.given >= max(one.ready - MARGIN, now + STILL_GOOD)
        moment = free.at(one.ready + EARLIER) if keeps else free.at(one.ready)
        if keeps and one.given is not None and (moment is None or moment >= one.given):
            found[one.number] = one.given
            continue
        if moment is not None:
            free.take(moment)
        if one.given is not None:
            free.give_back(one.given)
        found[one.number] = moment
    return found


def by_quota(ready: Sequence[datetime], rooms: Sequence[tuple[int, int]], midnights: Sequence[datetime]) -> list[datetime]:
    """When videos may be there at the earliest, in their order, under buckets of (left today, cap of each further day)."""
    found = []
    for place, moment in enumerate(ready):
        nights = [0 if place < left else 1 + (place - left) // max(1, cap) for left, cap in rooms]
        night = max(nights, default=0)
        found.append(moment if not night else max(moment, midnights[min(night, len(midnights)) - 1] + MARGIN))
    return found

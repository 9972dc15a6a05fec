"""The moments of a calendar that so many projects are expected to get, as if all went as usual."""

import asyncio
from collections.abc import Sequence
from datetime import datetime

from jobs.batch.calendar_words import calendar_of
from jobs.batch.forecast import Ground, Item, ready_times
from jobs.batch.ground import Survey
from jobs.batch.slots import MARGIN, Free, Wanting, laid_out

_Moments = list[datetime | None]


async def expected_moments(
    items: Sequence[Item],
    ground: Ground,
    survey: Survey,
    calendar: str,
    now: datetime,
    *,
    apart: frozenset[datetime] = frozenset(),
) -> _Moments:
    """One for each, in their order; None where the calendar has none left.  `apart` are moments that rows of the list chose.

    Raises:
        StorageUnavailable, NeedsPerson: it can't be known what is booked already.
    """
    ready = await asyncio.to_thread(ready_times, items, ground, now)
    found: _Moments = [None] * len(items)
    for channel in dict.fromkeys(item.channel for item in items):
        known = survey.channels.get(channel)
        taken = [*await survey.site.bookings.booked(channel), *apart]
        free = Free(calendar_of(calendar), taken, now, per_day=known.daily_uploads if known is not None else None)
        wanting = [
            Wanting(place, moment + MARGIN)
            for place, (item, moment) in enumerate(zip(items, ready, strict=True))
            if item.channel == channel and moment is not None
        ]
        for place, slot in (await asyncio.to_thread(laid_out, sorted(wanting, key=lambda one: one.ready), free, now)).items():
            found[place] = slot
    return found

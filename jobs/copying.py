"""The numbers' copy on disk: written each minute, given back to a Redis that lost its memory.

What was counted since the last copy is lost with such a Redis: a minute at most.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

import structlog

from jobs.rollups import (
    FOREVER_S,
    HOUR_PREFIX,
    HOURS_KEPT_S,
    MINUTE_PREFIX,
    MINUTES_KEPT_S,
    MOST_RUNS,
    RESTORING,
    TOTALS,
    Fields,
    PutBack,
    Rollups,
)
from storage.chronicle import HOUR_S, HOURS_KEPT, Chronicle, HourPage, Summary

RECENT_HOURS, DAY_HOURS = 2, 25
"""Hours that each copy looks at, and those that the first one in an hour does: after an outage counts come late."""
RESTORING_S = 30

log = structlog.get_logger(__name__)


async def copy(rollups: Rollups, chronicle: Chronicle, now: datetime) -> None:
    """Write what Redis knows to disk, after it was told what only the disk knows: it may come back from an older snapshot.

    Raises:
        RedisError, OSError; DiskFull, StorageUnavailable: the copy before may still be there, or this one.
    """
    since_ms = await rollups.since_ms()
    if since_ms is None:
        return
    hour, before = int(now.timestamp()) // HOUR_S, await chronicle.summary()
    number = before.copy_no if before is not None else 0
    went_back = before is not None and number > await rollups.copy_no()
    if before is not None and went_back:
        log.warning("numbers_went_back", copy=number)
        pages = await chronicle.pages(hour - DAY_HOURS, hour)
        await rollups.put_back(_all_of(before, pages, now), before.runs, knows=True)
    first_in_hour = now.minute == 0 or before is None or went_back
    changed = await _changed(rollups, chronicle, hour - (DAY_HOURS if first_in_hour else RECENT_HOURS), hour)
    runs = await rollups.runs_by_time(MOST_RUNS)
    since_ms = min(since_ms, before.since_ms) if before is not None else since_ms
    summary = Summary(since_ms=since_ms, copy_no=number + 1, totals=await rollups.totals(), runs=runs)
    await chronicle.keep(summary, changed)
    await rollups.copied(number + 1)
    if first_in_hour:
        await chronicle.forget(hour)


async def restore(rollups: Rollups, chronicle: Chronicle, now: datetime) -> bool:
    """Tell a Redis that knows nothing what the disk knows; False while somebody else does so.

    Raises:
        RedisError, OSError, StorageUnavailable: it is begun anew later, and what is put back stays right.
    """
    if not await rollups.is_mine(RESTORING, RESTORING_S):
        return False
    hour, summary = int(now.timestamp()) // HOUR_S, await chronicle.summary()
    since_ms = int(now.timestamp() * 1000)
    if summary is not None:
        pages = await chronicle.pages(hour - HOURS_KEPT, hour)
        if not await rollups.put_back(_all_of(summary, pages, now), summary.runs, knows=False):
            return True
        await rollups.copied(summary.copy_no)
        since_ms = summary.since_ms
        log.info("numbers_restored", hours=len(pages), since_ms=since_ms)
    await rollups.begin(since_ms)
    return True


def _all_of(summary: Summary, pages: Mapping[int, HourPage], now: datetime) -> list[PutBack]:
    """What a copy holds, each with the time that is left to it."""
    seconds = int(now.timestamp())
    found: list[PutBack] = []
    for page in pages.values():
        left = HOURS_KEPT_S - (seconds - page.hour * HOUR_S)
        if left > 0:
            found.append((f"{HOUR_PREFIX}{page.hour}", left, page.fields))
        for minute, fields in page.minutes.items():
            left = MINUTES_KEPT_S - (seconds - minute * 60)
            if left > 0:
                found.append((f"{MINUTE_PREFIX}{minute}", left, fields))
    found.append((TOTALS, FOREVER_S, summary.totals))
    return found


async def _changed(rollups: Rollups, chronicle: Chronicle, first: int, last: int) -> list[HourPage]:
    """The hours that are another on disk, or not there.  Of old ones whose sums are the same the minutes are, too: they are not read."""
    known = await chronicle.pages(first, last)
    hours = await rollups.hours(range(first, last + 1))
    doubtful = [hour for hour in hours if hour >= last - 1 or hour not in known or hours[hour] != known[hour].fields]
    return [page for page in await pages_of(rollups, doubtful) if page != known.get(page.hour)]


async def pages_of(rollups: Rollups, numbers: Sequence[int]) -> list[HourPage]:
    """These hours as Redis knows them, with their minutes; those in which nothing was counted are left out."""
    hours = await rollups.hours(numbers)
    minutes = await rollups.minutes([hour * 60 + minute for hour in numbers for minute in range(60)])
    found: dict[int, dict[int, Fields]] = {}
    for minute, fields in minutes.items():
        found.setdefault(minute // 60, {})[minute] = fields
    return [HourPage(hour=hour, fields=fields, minutes=found.get(hour, {})) for hour, fields in hours.items()]

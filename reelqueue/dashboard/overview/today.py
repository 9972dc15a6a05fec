"""A day of publications, told by outlines alone: what is out, what is planned, what still comes.  Pure.

The day is the reader's, from midnight to midnight in the zone of the board; that of quota and money is another (`storage.ledger`).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from heapq import nlargest
from operator import itemgetter
from zoneinfo import ZoneInfo

from reelqueue.dashboard.overview.causes import needs_person
from reelqueue.models.stage import ProjectStatus, StageStatus
from storage import Outline


@dataclass(frozen=True, slots=True)
class Day:
    """How many videos were published, how many were to be by midnight, and how many of these still can be.

    `planned` counts what is published, too; it equals `published` where nothing more has a moment today.
    """

    published: int
    planned: int
    expected: int


@dataclass(frozen=True, slots=True)
class Outcomes:
    """How projects ended since a moment: finished, failed and not yet mended."""

    completed: int
    failed: int

    @property
    def success(self) -> float | None:
        """The share that was finished, 0-1; None where none ended."""
        whole = self.completed + self.failed
        return self.completed / whole if whole else None


def is_uploaded(outline: Outline) -> bool:
    """Whether its video is where it belongs: on its channel, or in the library."""
    return outline.status is ProjectStatus.COMPLETED and bool(outline.stages) and outline.stages[-1] is StageStatus.DONE


def out_at(outline: Outline) -> datetime | None:
    """When its video became public, or will: its moment where that lies behind the upload; None where it is not uploaded."""
    if not is_uploaded(outline) or outline.ended_at is None:
        return None
    return max(outline.ended_at, outline.publish_at) if outline.publish_at is not None else outline.ended_at


def day_of(outlines: Iterable[Outline], now: datetime, zone: ZoneInfo) -> Day:
    """Today's."""
    midnight, next_one = _midnights(now, zone)
    published = ready = open_today = stuck = 0
    for one in outlines:
        if is_uploaded(one):
            out = out_at(one)
            if out is not None and out >= midnight:
                published += out <= now
                ready += now < out < next_one
        elif one.publish_at is not None and midnight <= one.publish_at < next_one and one.status is not ProjectStatus.CANCELLED:
            open_today += 1
            stuck += needs_person(one) or (one.resume_at is not None and one.resume_at >= next_one)
    planned = published + ready + open_today
    return Day(published, planned, planned - stuck)


def outcomes_since(outlines: Iterable[Outline], since: datetime) -> Outcomes:
    """Of the projects that ended since, how many finished and how many stand failed."""
    completed = failed = 0
    for one in outlines:
        if one.status is ProjectStatus.COMPLETED:
            completed += (one.ended_at or one.updated_at) >= since
        elif one.status is ProjectStatus.FAILED:
            failed += one.updated_at >= since
    return Outcomes(completed, failed)


def last_published(outlines: Iterable[Outline], now: datetime, *, most: int) -> list[Outline]:
    """Those whose videos came out last, the newest first."""
    out = ((at, one.project_id, one) for one in outlines if (at := out_at(one)) is not None and at <= now)
    return [one for _, _, one in nlargest(most, out, key=itemgetter(0, 1))]


def next_slots(outlines: Iterable[Outline], now: datetime, *, most: int) -> list[Outline]:
    """Those with the next moments of publication, whether they are ready for it or not, the soonest first."""
    coming = [one for one in outlines if one.publish_at is not None and one.publish_at > now and one.status is not ProjectStatus.CANCELLED]  # fmt: skip
    return sorted(coming, key=lambda one: (one.publish_at or now, one.project_id))[:most]


def at_this_pace(used: float, began: datetime, now: datetime, ends: datetime) -> float | None:
    """What a day's sum comes to if it goes on as until now; None where too little of the day is over to tell."""
    share = (now - began) / (ends - began)
    return used / share if share >= LEAST_SHARE and used > 0 else None


LEAST_SHARE = 0.1
"""Of a day: before that much is over, its first hour would be told twenty-four times (chosen)."""


def waiting_on_disk(outlines: Iterable[Outline], now: datetime) -> tuple[int, float | None]:
    """How many are in line by their states, and for how long the first of them, in seconds: what is known where Redis is away."""
    queued: Sequence[Outline] = [one for one in outlines if one.status is ProjectStatus.QUEUED and not one.held]
    oldest = min((one.updated_at for one in queued), default=None)
    return len(queued), None if oldest is None else (now - oldest).total_seconds()


def _midnights(now: datetime, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """The last and the next, in UTC: moments of one zone are compared ten times as fast as those of two."""
    today = now.astimezone(zone).date()
    last, following = (datetime.combine(day, time(), zone).astimezone(UTC) for day in (today, today + timedelta(days=1)))
    return last, following

"""What is published when: channel by day, each video a cell in the order of its moment.  Pure.

A day is the reader's, from midnight to midnight in the zone of the page; the day of quota is another: see `quotas.py`.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from reelqueue.dashboard.batch.cells import kind_of
from reelqueue.dashboard.overview.today import is_uploaded
from reelqueue.models.stage import ProjectStatus
from reelqueue.wording import Text
from storage import Outline

DAYS = 7
MOST_CELLS = 60
"""Of one channel on one day; of more the rest is counted."""
PUBLISHED, SCHEDULED, FREE = "pb", "up", "fr"
"""The classes of cells beside those of `cells.py`: public already, on its channel and not public yet, a moment that is nobody's."""
LEGEND: Sequence[tuple[str, Text]] = (
    (PUBLISHED, Text("已公開", "published")),
    (SCHEDULED, Text("已上傳，待公開", "uploaded, scheduled")),
    ("ru l2", Text("製作中", "in work")),
    ("qu", Text("排隊中", "queued")),
    ("wa", Text("等待配額", "waits for quota")),
    ("re", Text("待審核", "needs review")),
    ("fa", Text("失敗", "failed")),
    ("cr", Text("已排定", "planned")),
    (FREE, Text("空時段", "free slot")),
)


@dataclass(frozen=True, slots=True)
class Place:
    """One moment of a channel: its cell's class, and whose it is; None: nobody's yet."""

    at: datetime
    kind: str
    project: Outline | None = None


@dataclass(frozen=True, slots=True)
class Notice:
    """The one thing of a day that is not as usual: the state whose icon it has, in words, and where it leads on the board."""

    status: ProjectStatus
    words: Text
    path: str


@dataclass(frozen=True, slots=True)
class ChannelDay:
    """One channel on one day: `ready` of its `planned` videos are on the channel; `free` moments are nobody's; `more` are not shown."""

    day: date
    places: tuple[Place, ...]
    ready: int
    planned: int
    free: int
    more: int
    notice: Notice | None

    @property
    def is_all_there(self) -> bool:
        """Whether all that is planned is on the channel."""
        return self.planned > 0 and self.ready == self.planned

    @property
    def span(self) -> tuple[datetime, datetime] | None:
        """The first and the last moment of the day; None where there is none."""
        return (self.places[0].at, self.places[-1].at) if self.places else None


@dataclass(frozen=True, slots=True)
class ChannelWeek:
    """One channel, its days in their order."""

    name: str
    days: tuple[ChannelDay, ...]


def monday_of(day: date) -> date:
    """The first day of its week."""
    return day - timedelta(days=day.weekday())


def bounds(first: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """When a week of the zone begins and ends."""
    return datetime.combine(first, time(), zone), datetime.combine(first + timedelta(days=DAYS), time(), zone)


def week_of(
    first: date,
    outlines: Iterable[Outline],
    free: Mapping[str, Sequence[datetime]],
    channels: Sequence[str],
    channel_of: Callable[[str | None], str],
    now: datetime,
    zone: ZoneInfo,
) -> list[ChannelWeek]:
    """The week from `first` on: each of `channels`, and whichever else has a video in it.

    `free` are moments that nobody has, by channel; `channel_of` names the channel that a project means.
    """
    begins, ends = bounds(first, zone)
    found: dict[str, defaultdict[date, list[Place]]] = {name: defaultdict(list) for name in channels}
    for one in outlines:
        place = _place(one, now)
        if place is not None and begins <= place.at < ends:
            days = found.setdefault(channel_of(one.channel), defaultdict(list))
            days[place.at.astimezone(zone).date()].append(place)
    for name, moments in free.items():
        days = found.setdefault(name, defaultdict(list))
        for at in moments:
            if begins <= at < ends:
                days[at.astimezone(zone).date()].append(Place(at, FREE))
    return [
        ChannelWeek(
            name, tuple(_day(day, days[day], now, zone) for day in (first + timedelta(days=place) for place in range(DAYS)))
        )
        for name, days in found.items()
    ]


def _place(one: Outline, now: datetime) -> Place | None:
    """Where a project stands in the calendar; None where it has no moment, or never will be published."""
    if is_uploaded(one) and one.ended_at is not None:
        at = max(one.ended_at, one.publish_at) if one.publish_at is not None else one.ended_at
        return Place(at, PUBLISHED if at <= now else SCHEDULED, one)
    if one.publish_at is None or one.status is ProjectStatus.CANCELLED:
        return None
    return Place(one.publish_at, SCHEDULED if one.video_id is not None else kind_of(one), one)


def _day(day: date, places: Sequence[Place], now: datetime, zone: ZoneInfo) -> ChannelDay:
    ordered = sorted(places, key=lambda place: (place.at, place.project.project_id if place.project is not None else 0))
    planned = [place for place in ordered if place.project is not None]
    free = len(ordered) - len(planned)
    return ChannelDay(
        day=day,
        places=tuple(ordered[:MOST_CELLS]),
        ready=sum(place.kind in {PUBLISHED, SCHEDULED} for place in planned),
        planned=len(planned),
        free=free,
        more=max(0, len(ordered) - MOST_CELLS),
        notice=_notice(planned, now, zone),
    )


def _notice(planned: Sequence[Place], now: datetime, zone: ZoneInfo) -> Notice | None:
    """What a person should know of a day: a failure before a review, a review before a wait that ends by itself."""
    counts = Counter(place.project.status for place in planned if place.project is not None)
    for status, told in _TOLD:
        if counts[status]:
            first = next(place for place in planned if place.project is not None and place.project.status is status)
            return Notice(status, told(counts[status], first, now, zone), _path(status, counts[status], first))
    return None


def _path(status: ProjectStatus, count: int, first: Place) -> str:
    if count == 1 and first.project is not None:
        return f"/projects/{first.project.project_id}"
    return f"/projects?status={status}"


def _failed(count: int, _first: Place, _now: datetime, _zone: ZoneInfo) -> Text:
    return Text(f"{count} 支失敗", f"{count} failed")


def _undecided(count: int, first: Place, _now: datetime, zone: ZoneInfo) -> Text:
    at = f"{first.at.astimezone(zone):%H:%M}"
    return (
        Text(f"{at} 需人工判斷", f"{at} needs a decision")
        if count == 1
        else Text(f"{count} 支需人工判斷", f"{count} need a decision")
    )


def _reviewed(count: int, first: Place, _now: datetime, zone: ZoneInfo) -> Text:
    at = f"{first.at.astimezone(zone):%H:%M}"
    return Text(f"{at} 待審核", f"{at} needs review") if count == 1 else Text(f"{count} 支待審核", f"{count} need review")


def _waiting(count: int, first: Place, _now: datetime, zone: ZoneInfo) -> Text:
    until = first.project.resume_at if first.project is not None else None
    noun = "waits" if count == 1 else "wait"
    if until is None:
        return Text(f"{count} 支等待中", f"{count} {noun}")
    at = f"{until.astimezone(zone):%H:%M}"
    return Text(f"{count} 支 {at} 後繼續", f"{count} {noun} until {at}")


_TOLD = (
    (ProjectStatus.FAILED, _failed),
    (ProjectStatus.NEEDS_PERSON, _undecided),
    (ProjectStatus.WAITING_REVIEW, _reviewed),
    (ProjectStatus.WAITING_QUOTA, _waiting),
    (ProjectStatus.WAITING_BUDGET, _waiting),
    (ProjectStatus.WAITING_DISK, _waiting),
)

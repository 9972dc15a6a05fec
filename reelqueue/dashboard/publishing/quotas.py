"""How much of each quota is left, and for how many more videos: by whom it belongs to, which is an OAuth client and no channel."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from jobs.batch.capacity import key_of
from jobs.batch.course import Key
from jobs.batch.forecast import Outlet
from jobs.batch.ground import Survey
from jobs.batch.site import Site
from jobs.standing import standings
from reelqueue import clock
from reelqueue.bootstrap import read_watched
from reelqueue.dashboard.board import Board
from reelqueue.errors import InvalidBrief, InvalidSettings
from reelqueue.models.brief import Brief
from reelqueue.models.buckets import CLOSED, UNITS
from reelqueue.models.forecast import Forecast
from reelqueue.models.meter import Meter, Standing
from storage import Bucket
from storage.ledger import PACIFIC, pacific_day, pacific_midnight_after


@dataclass(frozen=True, slots=True)
class Row:
    """One bucket.  `fits` are the publications that what is left has room for, `fits_whole` those with their captions; None: not counted so."""

    standing: Standing
    fits: int | None = None
    fits_whole: int | None = None

    @property
    def is_door(self) -> bool:
        """Whether nothing is counted: a channel that is open, or closed for a time."""
        return self.standing.bucket == CLOSED

    @property
    def is_counted(self) -> bool:
        """Whether it has a limit that we know, or is closed: of others there is only what was used."""
        return self.standing.limit is not None or self.standing.closed_until is not None

    @property
    def settled(self) -> int:
        """What was really used, without what is held for calls that are under way."""
        return self.standing.used - self.standing.reserved


@dataclass(frozen=True, slots=True)
class UnitsDay:
    """One client's units on the quota day that a calendar's day stands for; `ends_at` is its end.

    `used` counts what is `held`, too; None: nobody remembers.  `planned` is what batches are expected to take on a day to come.
    """

    day: date
    ends_at: datetime
    used: int | None = None
    held: int = 0
    planned: float | None = None


@dataclass(frozen=True, slots=True)
class ClientUnits:
    """The units of one OAuth client, day by day: `cap` is a day's."""

    client: str
    channels: tuple[str, ...]
    cap: int
    days: tuple[UnitsDay, ...]


async def rows(board: Board, site: Site) -> list[Row]:
    """Every bucket that runs out, YouTube's first.

    Raises:
        StorageUnavailable, NeedsPerson: an account can't be read.  InvalidSettings: CHANNELS_FILE is wrong.
    """
    watched = await asyncio.to_thread(read_watched, board.settings)
    stands = await standings(board.ledger, watched.meters, clock.now())
    outlets = await asyncio.to_thread(_outlets, site, {name for one in stands for name in one.channels})
    return [_row(one, outlets) for one in stands if one.bucket != CLOSED or one.closed_until is not None]


def _outlets(site: Site, channels: Iterable[str]) -> Mapping[str, Outlet]:
    """What one publication to each channel takes."""
    survey = Survey(site)
    for name in channels:
        try:
            survey.meet(Brief(topic="-", channel=name))
        except (InvalidBrief, InvalidSettings):  # it can't be used as it is set up: the doctor names it
            continue
    return survey.outlets


def _row(one: Standing, outlets: Mapping[str, Outlet]) -> Row:
    outlet = next((outlets[name] for name in one.channels if name in outlets), None)
    if outlet is None or one.remaining is None or one.bucket == CLOSED:
        return Row(one)
    key = Key(one.client, one.bucket)
    each, captions = _amounts(outlet)
    if not each[key]:
        return Row(one)
    whole = one.remaining // (each[key] + captions[key]) if captions[key] else None
    return Row(one, one.remaining // each[key], whole)


def _amounts(outlet: Outlet) -> tuple[Counter[Key], Counter[Key]]:
    each, captions = Counter[Key](), Counter[Key]()
    for need in outlet.needs:
        each[key_of(need)] += need.amount
    for need in outlet.captions:
        captions[key_of(need)] += need.amount
    return each, captions


async def clients_of_channels(board: Board) -> dict[str, str]:
    """The client that owns the units of each channel.

    Raises:
        InvalidSettings: CHANNELS_FILE is wrong.
    """
    watched = await asyncio.to_thread(read_watched, board.settings)
    return {name: meter.client for meter in watched.meters if meter.name == UNITS for name in meter.channels}


def quota_day(day: date, zone: ZoneInfo) -> date:
    """The Pacific day that a day of the zone stands for: the one that its noon lies in."""
    return pacific_day(datetime.combine(day, time(12), zone))


def ends_at(day: date) -> datetime:
    """When a Pacific day ends."""
    return pacific_midnight_after(datetime.combine(day, time(12), PACIFIC)).astimezone(UTC)


async def units_by_day(
    board: Board, days: Sequence[date], zone: ZoneInfo, planned: Mapping[str, Mapping[date, float]]
) -> list[ClientUnits]:
    """The units of each OAuth client over `days` of the zone; `planned` by client and Pacific day, as forecasts have it.

    Raises:
        StorageUnavailable, NeedsPerson, InvalidSettings: as `rows`.
    """
    watched, today = await asyncio.to_thread(read_watched, board.settings), pacific_day(clock.now())
    meters = [meter for meter in watched.meters if meter.name == UNITS]
    return [
        ClientUnits(
            meter.client,
            meter.channels,
            meter.cap,
            tuple([await _units(board, meter, quota_day(day, zone), today, planned.get(meter.client, {})) for day in days]),
        )
        for meter in meters
    ]


async def _units(board: Board, meter: Meter, day: date, today: date, planned: Mapping[date, float]) -> UnitsDay:
    end = ends_at(day)
    if day > today:
        coming = planned.get(day)
        return UnitsDay(day, end, planned=coming if coming is None else min(coming, meter.cap))
    if day < today and not await asyncio.to_thread((board.paths.ledger / day.isoformat()).is_dir):
        return UnitsDay(day, end)  # it was cleaned up, or there was nothing yet
    account = await board.ledger.account(Bucket(meter.client, meter.name, day))
    return UnitsDay(day, end, int(account.used), int(account.unsettled), planned.get(day) if day == today else None)


def planned_units(forecasts: Iterable[tuple[Forecast, Mapping[str, float]]]) -> dict[str, dict[date, float]]:
    """What batches are expected to take, by client and Pacific day; each comes with the clients that it publishes by, and how much of
    what is left of it (0-1) each of them gets: a forecast tells a day's units in one sum.
    """
    found: dict[str, dict[date, float]] = {}
    for forecast, shares in forecasts:
        for client, share in shares.items():
            days = found.setdefault(client, {})
            for told in forecast.days:
                days[told.day] = days.get(told.day, 0.0) + told.units * share
    return found


def resets_in(now: datetime) -> timedelta:
    """How long until a quota day begins anew."""
    return pacific_midnight_after(now) - now

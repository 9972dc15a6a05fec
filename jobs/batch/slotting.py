"""Moments of publication for the projects of a batch that are on their way: given at their start, planned anew where it went otherwise.

What is booked (`storage.bookings`) is the truth here, each project's state has its copy: a look that died between the two gives
the same answer again.
"""

import contextlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from jobs.batch.booking import by_project
from jobs.batch.calendar import Calendar
from jobs.batch.calendar_words import calendar_of
from jobs.batch.capacity import key_of, stocks_of
from jobs.batch.forecast import Ground
from jobs.batch.ground import Survey, channel_name, items_of_outlines
from jobs.batch.running import Outlines
from jobs.batch.site import Site
from jobs.batch.slots import MARGIN, STILL_GOOD, Free, Wanting, by_quota, laid_out
from jobs.context import Service
from reelqueue.errors import NeedsPerson
from reelqueue.models.batch import BatchState
from reelqueue.models.stage import ProjectStatus, Stage
from storage import Outline
from storage.bookings import Booked
from storage.ledger import pacific_midnight_after

KNOWN_SECONDS, MOST_KNOWN = 600.0, 8
"""How long what was learned of a batch's projects is used, and of how many batches it is kept."""
NIGHTS = 60
_LOST = frozenset({ProjectStatus.FAILED, ProjectStatus.CANCELLED})


@dataclass(frozen=True, slots=True)
class _Known:
    survey: Survey
    ground: Ground
    video_s: float
    at: float


_known: dict[tuple[str, int], _Known] = {}


async def slots(
    service: Service, site: Site, state: BatchState, outlines: Outlines, now: datetime, starting: Sequence[int] = ()
) -> dict[int, datetime]:
    """New or changed moments: of `starting`, which are about to begin, and of those on their way that are not uploaded yet.

    Raises:
        StorageUnavailable, DiskFull, NeedsPerson: nothing is lost, ask again.
    """
    if state.calendar is None:
        return {}
    calendar, known = calendar_of(state.calendar), await _learned(service, site, state, outlines, now)
    found: dict[int, datetime] = {}
    channels = {number: channel_name(known.survey, one.channel) for number, one in outlines.items() if one is not None}
    for channel in dict.fromkeys(channels.values()):
        there = {number: one for number, one in outlines.items() if one is None or channels[number] == channel}
        found |= await _on(channel, service, known, calendar, there, frozenset(starting), now)
    return found


async def _on(
    channel: str,
    service: Service,
    known: _Known,
    calendar: Calendar,
    outlines: Outlines,
    starting: frozenset[int],
    now: datetime,
) -> dict[int, datetime]:
    bookings, order = known.survey.site.bookings, _in_order(outlines)
    before = by_project(await bookings.booked(channel))
    wants = [one for one in order if _wants(one, before, starting, now)]
    lost = {number for number, one in outlines.items() if _gave_up(one)}
    if not wants and not lost & before.keys():
        return {}
    rooms = await _rooms(known.survey, channel, service, now)
    ready = by_quota([_ready(known, one, place, now) for place, one in enumerate(wants)], rooms, _nights(now))
    per_day = known.survey.channels[channel].daily_uploads if channel in known.survey.channels else None
    wishes = [one.publish_at for one in order if one.publish_at is not None and one.holds_its_moment]

    def planned(booked: Booked) -> Booked:
        rest = {moment: number for moment, number in booked.items() if number not in lost or moment <= now}
        free, held = Free(calendar, [*rest, *wishes], now, per_day=per_day), by_project(rest)
        wanting = [Wanting(one.project_id, moment, held.get(one.project_id)) for one, moment in zip(wants, ready, strict=True)]
        given = laid_out(wanting, free, now)
        others = {moment: number for moment, number in rest.items() if number not in given}
        return others | {moment: number for number, moment in given.items() if moment is not None}

    moments = by_project(await bookings.change(channel, planned, now))
    return {
        one.project_id: moments[one.project_id]
        for one in wants
        if one.project_id in moments and moments[one.project_id] != one.publish_at
    }


async def released(site: Site, state: BatchState, outlines: Outlines, now: datetime) -> None:
    """Give back what is booked for those of a batch that has ended which never came to be published.

    Raises:
        StorageUnavailable, DiskFull: it is as it was; the moments pass by themselves.
    """
    if state.calendar is None:
        return
    lost = {number for number in state.project_ids if _gave_up(outlines.get(number))}
    for channel in await site.bookings.channels():  # of who is deleted nobody knows the channel any more
        with contextlib.suppress(NeedsPerson):  # one that can't be read is named by the next upload to its channel
            await site.bookings.change(
                channel, lambda booked: {at: whose for at, whose in booked.items() if whose not in lost}, now
            )


def _wants(one: Outline, held: Mapping[int, datetime], starting: frozenset[int], now: datetime) -> bool:
    """Whether a moment is to be found for it, or kept: it is on its way and not on its channel yet."""
    if one.video_id is not None or one.running is Stage.UPLOAD:  # YouTube has been told, or is being told right now
        return False
    if one.status is ProjectStatus.COMPLETED or one.held or not one.goal.reaches(Stage.UPLOAD):
        return False
    if one.own_moment is not None:
        return False
    if one.status.waits_for_a_person:  # it keeps what it has, and gets another when it goes on
        mine = held.get(one.project_id)
        return mine is not None and mine >= now + STILL_GOOD
    return one.project_id in starting or (one.status is not ProjectStatus.CREATED and one.status not in _LOST)


def _gave_up(one: Outline | None) -> bool:
    return one is None or (one.status in _LOST and one.video_id is None)


def _in_order(outlines: Outlines) -> list[Outline]:
    known = [one for one in outlines.values() if one is not None]
    return sorted(known, key=lambda one: (-one.priority, one.deadline is None, one.deadline and one.deadline.timestamp()))


def _ready(known: _Known, one: Outline, place: int, now: datetime) -> datetime:
    """When its video may be on its channel, with the margin: those before it take the places first."""
    ground, first = known.ground, one.next_stage
    left = [stage for stage in Stage if first is not None and stage.reaches(first)]
    seconds = {
        stage: ground.pace.seconds(stage, known.video_s, heavy=stage in ground.heavy, beside=ground.places.heavy)
        for stage in left
    }
    before = place // max(1, ground.places.heavy) * sum(seconds.get(stage, 0.0) for stage in ground.heavy)
    begins = max(now, one.resume_at) if one.resume_at is not None else now
    return begins + timedelta(seconds=sum(seconds.values()) + before) + MARGIN


async def _rooms(survey: Survey, channel: str, service: Service, now: datetime) -> list[tuple[int, int]]:
    """How many videos each bucket of the channel takes: today, and on each further day."""
    needs: dict[object, int] = {}
    outlet = survey.outlets.get(channel)
    for need in outlet.needs if outlet is not None else ():
        needs[key_of(need)] = needs.get(key_of(need), 0) + need.amount
    stocks = await stocks_of(service.ledger, outlet.needs if outlet is not None else (), now)
    return [
        (int(max(0.0, stock.cap - stock.used) // needs[key]), int(stock.cap // needs[key]))
        for key, stock in stocks.items()
        if stock.cap and needs.get(key)
    ]


def _nights(now: datetime) -> list[datetime]:
    found = [pacific_midnight_after(now)]
    while len(found) < NIGHTS:
        found.append(pacific_midnight_after(found[-1]))
    return found


async def _learned(service: Service, site: Site, state: BatchState, outlines: Outlines, now: datetime) -> _Known:
    key = (str(service.paths.root), state.batch_id)
    known = _known.pop(key, None)
    if known is None or time.monotonic() - known.at > KNOWN_SECONDS:
        survey = Survey(site)
        await items_of_outlines(survey, _mine(state, outlines), now)
        known = _Known(survey, await survey.ground(now), survey.usual().video_s, time.monotonic())
    _known[key] = known
    while len(_known) > MOST_KNOWN:
        del _known[next(iter(_known))]
    return known


def _mine(state: BatchState, outlines: Mapping[int, Outline | None]) -> dict[int, Outline | None]:
    return {number: outlines.get(number) for number in state.project_ids}

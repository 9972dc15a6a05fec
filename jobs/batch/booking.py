"""A moment of publication for one project of a batch with a calendar: looked at once more right before its upload.

The coordinator gave it one when it was started; whoever comes too late for it, was started by hand, or is tried again after its
batch has ended, gets the next that is free here, whatever else goes on.
"""

from datetime import datetime

from jobs.batch.calendar_words import calendar_of
from jobs.batch.slots import MARGIN, STILL_GOOD, Free
from jobs.context import Service
from jobs.stages import Moment
from reelqueue import clock
from reelqueue.errors import BatchNotFound, InvalidBrief, InvalidSettings, NeedsPerson
from reelqueue.models.batch import BatchState
from reelqueue.models.brief import Brief
from reelqueue.models.project import ProjectState
from storage.bookings import Booked, Bookings


async def moment_of(service: Service, state: ProjectState) -> Moment | None:
    """The moment that is booked for the project, from now on; None where no calendar says one.

    Raises:
        StorageUnavailable, DiskFull, NeedsPerson: it can't be known; nothing may be published yet.
    """
    if state.batch_id is None or state.brief.publish_at is not None:
        return None
    try:
        batch = await service.batches.load(state.batch_id)
    except (BatchNotFound, NeedsPerson):  # it was cleaned up, or lost: what was given holds, and there is nothing after it
        return _given(state.slot)
    if batch.calendar is None:
        return None
    channel, now = service.choice.channel_of(state.brief), clock.now()
    calendar, number = calendar_of(batch.calendar), state.project_id
    own = await _own_wishes(service, batch, channel.name)

    def with_one(booked: Booked) -> Booked:
        mine = by_project(booked).get(number)
        if mine is not None and mine >= now + STILL_GOOD:
            return booked
        rest = {moment: whose for moment, whose in booked.items() if whose != number}
        free = Free(calendar, [*rest, *own], now, per_day=channel.daily_uploads).at(now + MARGIN)
        return rest if free is None else {**rest, free: number}

    booked = await Bookings(service.paths).change(channel.name, with_one, now)
    return Moment(by_project(booked).get(number))


def _given(slot: datetime | None) -> Moment | None:
    """What was booked, where nothing says any more when else it might be: a moment that has passed is none, not now."""
    if slot is None:
        return None
    return Moment(slot if slot > clock.now() else None)


async def _own_wishes(service: Service, batch: BatchState, channel: str) -> list[datetime]:
    """The moments on this channel that rows of the batch name for themselves, or that it was told of already: nobody else's."""
    outlines = await service.projects.outlines(batch.project_ids)
    there = [one for one in outlines.values() if one is not None and one.holds_its_moment]
    names = {wanted: _channel_name(service, wanted) for wanted in {one.channel for one in there}}
    return [one.publish_at for one in there if one.publish_at is not None and names[one.channel] == channel]


def _channel_name(service: Service, wanted: str | None) -> str | None:
    try:
        return service.choice.channel_of(Brief(topic="-", channel=wanted)).name
    except (InvalidBrief, InvalidSettings):  # it is not set up any more: nothing is published there
        return None


def by_project(booked: Booked) -> dict[int, datetime]:
    """The moment of each project."""
    return {number: moment for moment, number in booked.items()}

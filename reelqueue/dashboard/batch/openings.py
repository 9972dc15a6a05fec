"""The moments of running batches' calendars that nobody has yet, by channel."""

import itertools
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

from jobs.batch.calendar_words import calendar_of
from reelqueue.dashboard.board import Board
from reelqueue.errors import InvalidBrief, NeedsPerson
from reelqueue.models.batch import BatchState
from reelqueue.models.stage import BatchStatus
from storage import Outline
from storage.bookings import Bookings

MOST_MOMENTS = 2_000
"""Of one calendar in a week: one each fifteen minutes, the most that there can be, are 672."""


async def openings(
    board: Board,
    outlines: Sequence[Outline],
    channel_of: Mapping[int, str],
    since: datetime,
    until: datetime,
    batches: Iterable[BatchState],
) -> dict[str, list[datetime]]:
    """Free moments of the calendars of `batches` from `since` on and before `until`, ascending.

    `channel_of` are the channels of `outlines`, by project.

    Raises:
        StorageUnavailable: the disk does not answer.
    """
    taken: defaultdict[str, set[datetime]] = defaultdict(set)
    members: defaultdict[int, set[str]] = defaultdict(set)
    for one in outlines:
        if one.publish_at is not None:
            taken[channel_of[one.project_id]].add(one.publish_at.astimezone(UTC))
        if one.batch_id is not None:
            members[one.batch_id].add(channel_of[one.project_id])
    found: defaultdict[str, set[datetime]] = defaultdict(set)
    for state in batches:
        if state.status is BatchStatus.RUNNING and state.calendar is not None and members[state.batch_id]:
            moments = _moments(state, since, until)
            for channel in members[state.batch_id]:
                found[channel].update(moments)
    return {channel: sorted(moments - taken[channel] - await _booked(board, channel)) for channel, moments in found.items()}


def _moments(state: BatchState, since: datetime, until: datetime) -> Iterable[datetime]:
    try:
        calendar = calendar_of(state.calendar or "")
    except InvalidBrief:  # another version's: its batch says so itself
        return ()
    coming = itertools.takewhile(lambda at: at < until, calendar.after(since))
    return list(itertools.islice(coming, MOST_MOMENTS))


async def _booked(board: Board, channel: str) -> set[datetime]:
    try:
        return set(await Bookings(board.paths).booked(channel))
    except NeedsPerson:  # it can't be read: the next upload to the channel names it
        return set()

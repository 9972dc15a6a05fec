"""Projects that wait for quota or money go on as soon as there is room, and not only at the time that they were told.

A reservation that was refused for lack of room stays known in its account.  Where that much fits now (a cap was raised, a
call took less than was reserved for it), as many projects go on as fit, the most wanted first; a bucket that the service
itself closed stays closed.  Each account is read once, and a project only where it may go on.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import NamedTuple

import structlog
from redis.exceptions import RedisError

from jobs.context import Service
from jobs.maintenance.rooms import Limit, Rooms
from jobs.spending import project_bucket
from jobs.standing import meter_bucket
from jobs.transitions import is_chained, woken
from jobs.turns import turn_of
from reelqueue.errors import DiskFull, InvalidBrief, NeedsPerson, ProjectNotFound, StorageUnavailable
from reelqueue.models.meter import Meter, Watched
from reelqueue.models.project import ProjectState
from reelqueue.models.stage import ProjectStatus, Stage
from storage.outlines import Outline

DRAWS: dict[Stage, frozenset[str]] = {
    Stage.SCRIPT: frozenset({"script"}),
    Stage.ASSETS: frozenset({"image", "voice", "presenter"}),
    Stage.UPLOAD: frozenset({"publisher"}),
}
"""Which kinds of provider a stage calls."""
WOKEN = frozenset({ProjectStatus.WAITING_QUOTA, ProjectStatus.WAITING_BUDGET})
NEVER = datetime.max.replace(tzinfo=UTC)
NAMED = 20
"""So many are named in the log."""

log = structlog.get_logger(__name__)


async def wake_waiting(service: Service, watched: Watched, now: datetime) -> list[int]:
    """Let those go on for which there is room again; returns their ids.

    Raises:
        StorageUnavailable: it can't be known who waits.
    """
    outlines = await service.projects.outlines(await service.projects.unfinished())
    waiting = [one for one in outlines.values() if one is not None and one.status in WOKEN and not one.held]
    waking, numbers = _Waking(service, watched, Rooms(service.ledger, now)), list[int]()
    for outline in sorted(waiting, key=lambda one: (-one.priority, one.deadline or NEVER, one.project_id)):
        try:
            if await waking.has_room(outline) and await _go_on(service, outline.project_id):
                numbers.append(outline.project_id)
        except (ProjectNotFound, NeedsPerson, StorageUnavailable, DiskFull) as error:
            log.warning("not_woken", project_id=outline.project_id, error=error.message)
    if numbers:
        log.info("woken", count=len(numbers), projects=numbers[:NAMED])
    return numbers


class _Line(NamedTuple):
    """Projects that wait for the same accounts, but for each one's own."""

    status: ProjectStatus
    stage: Stage | None
    channel: str | None
    publisher: str | None


class _Limits(NamedTuple):
    """What they have in common; the cap of each one's own account, None where that does not matter."""

    shared: Sequence[Limit]
    own_cap: Decimal | None


@dataclass(slots=True)
class _Waking:
    """One pass; `full` are the lines for which there is no room any more."""

    service: Service
    watched: Watched
    rooms: Rooms
    limits: dict[_Line, _Limits] = field(default_factory=dict)
    full: set[_Line] = field(default_factory=set)

    async def has_room(self, outline: Outline) -> bool:
        """Whether this project may go on; then it counts as if it did."""
        line = _Line(outline.status, outline.next_stage, outline.channel, outline.publisher)
        if line in self.full:
            return False
        if line not in self.limits:
            state = await self.service.projects.load(outline.project_id)
            if state.status is not line.status or state.next_stage is not line.stage:  # it went on since
                return False
            self.limits[line] = self._limits(state)
        shared, own_cap = self.limits[line]
        if not await self.rooms.are_open(shared):
            self.full.add(line)
            return False
        own = [] if own_cap is None else [(project_bucket(outline.project_id), own_cap)]
        limits = [*own, *shared]
        may = await self.rooms.are_open(own) and await self.rooms.have_refused(limits)
        if may:
            await self.rooms.take(limits)
        return may

    def _limits(self, state: ProjectState) -> _Limits:
        """By a project of the line; the money of a stage or the quotas that it draws from."""
        if state.status is ProjectStatus.WAITING_BUDGET:
            own, *others = self.service.spender(state.project_id, state.brief).purses()
            return _Limits([(purse.bucket, purse.cap) for purse in others], own.cap)
        meters = _drawn_from(self.service, self.watched.meters, state)
        return _Limits([(meter_bucket(meter, self.rooms.now), Decimal(meter.cap)) for meter in meters], None)


async def _go_on(service: Service, number: int) -> bool:
    state = await service.projects.change(number, woken)
    stage = state.next_stage
    if state.status is not ProjectStatus.QUEUED or stage is None:
        return False
    try:
        await service.queue.hint(number, stage, turn=turn_of(state, stage), chain=is_chained(state, stage))
    except (RedisError, OSError) as error:  # the state knows; it is hinted again from disk
        log.warning("hint_lost", project_id=number, error=str(error))
    return True


def _drawn_from(service: Service, meters: Sequence[Meter], state: ProjectState) -> list[Meter]:
    stage = state.next_stage
    kinds = DRAWS.get(stage, frozenset()) if stage is not None else frozenset()
    try:
        channel = service.choice.channel_of(state.brief).name
    except InvalidBrief:  # there is none of that name any more
        return []
    return [meter for meter in meters if kinds & set(meter.kinds) and (not meter.channels or channel in meter.channels)]

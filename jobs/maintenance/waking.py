"""Projects that wait for quota or money go on as soon as there is room, and not only at the time that they were told.

A reservation that was refused for lack of room stays known in its account.  Where that much fits now (a cap was raised, a
call took less than was reserved for it), the project goes on; a bucket that the service itself closed stays closed.
"""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

import structlog
from redis.exceptions import RedisError

from jobs.context import Service
from jobs.standing import meter_bucket
from jobs.transitions import is_chained, woken
from jobs.turns import turn_of
from reelqueue.errors import DiskFull, InvalidBrief, NeedsPerson, ProjectNotFound, StorageUnavailable
from reelqueue.models.meter import Meter, Watched
from reelqueue.models.project import ProjectState
from reelqueue.models.stage import ProjectStatus, Stage
from storage.ledger import Account

DRAWS: dict[Stage, frozenset[str]] = {
    Stage.SCRIPT: frozenset({"script"}),
    Stage.ASSETS: frozenset({"image", "voice", "presenter"}),
    Stage.UPLOAD: frozenset({"publisher"}),
}
"""Which kinds of provider a stage calls."""

log = structlog.get_logger(__name__)


async def wake_waiting(service: Service, watched: Watched, now: datetime) -> list[int]:
    """Let those go on for which there is room again; returns their ids."""
    numbers = []
    for number in await service.projects.unfinished():
        try:
            state = await service.projects.load(number)
            if await _has_room(service, watched, state, now) and await _go_on(service, number):
                numbers.append(number)
        except (ProjectNotFound, NeedsPerson, StorageUnavailable, DiskFull) as error:
            log.warning("not_woken", project_id=number, error=error.message)
    if numbers:
        log.info("woken", projects=numbers)
    return numbers


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


async def _has_room(service: Service, watched: Watched, state: ProjectState, now: datetime) -> bool:
    match state.status:
        case ProjectStatus.WAITING_BUDGET:
            purses = service.spender(state.project_id, state.brief).purses()
            accounts = [(await service.ledger.account(purse.bucket), purse.cap) for purse in purses]
        case ProjectStatus.WAITING_QUOTA:
            meters = _drawn_from(service, watched.meters, state)
            accounts = [(await service.ledger.account(meter_bucket(meter, now)), Decimal(meter.cap)) for meter in meters]
        case _:
            return False
    return is_roomy(accounts, now)


def is_roomy(accounts: Sequence[tuple[Account, Decimal]], now: datetime) -> bool:
    """Whether one of the accounts, each with its cap, refused something by our own count, and all of them would grant it now."""
    if all(account.refused is None for account, _ in accounts):
        return False  # the service itself refused, or that was another day: the time that it was told decides
    return not any(account.is_closed(now) for account, _ in accounts) and all(
        account.has_room(account.refused or Decimal(0), cap) for account, cap in accounts
    )


def _drawn_from(service: Service, meters: Sequence[Meter], state: ProjectState) -> list[Meter]:
    stage = state.next_stage
    kinds = DRAWS.get(stage, frozenset()) if stage is not None else frozenset()
    try:
        channel = service.choice.channel_of(state.brief).name
    except InvalidBrief:  # there is none of that name any more
        return []
    return [meter for meter in meters if kinds & set(meter.kinds) and (not meter.channels or channel in meter.channels)]

"""Lost hints of projects are renewed from disk: ten thousand that wait are looked at in well under a second.

What is there already is found by one call for hundreds of projects; only what lacks its hint is looked at closely, and queued.
All in small steps: between two of them a worker's other work goes on.
"""

from collections.abc import Mapping, Sequence

import structlog

from jobs.context import Service
from jobs.queue import Wanted
from jobs.transitions import is_chained
from jobs.turns import turn_of
from reelqueue import clock
from reelqueue.errors import NeedsPerson, ProjectNotFound, StorageUnavailable
from reelqueue.models.stage import ProjectStatus, Stage
from storage import ProjectStore
from storage.outlines import Outline

AT_ONCE, HINTED_AT_ONCE = 200, 50
"""Projects in one step: 4 ms of the event loop to look, 5 ms to queue them (measured)."""
ON_THE_WAY = frozenset({ProjectStatus.QUEUED, ProjectStatus.RUNNING})

log = structlog.get_logger(__name__)


async def renew_hints(service: Service) -> list[int]:
    """Renew the hints of projects that nobody has in hand; returns the ids of those that had none.

    Raises:
        RedisError, StorageUnavailable: some may not be renewed.
    """
    numbers, renewed = await service.projects.unfinished(), list[int]()
    for start in range(0, len(numbers), AT_ONCE):
        renewed += await _renew(service, numbers[start : start + AT_ONCE])
    return renewed


async def _renew(service: Service, numbers: Sequence[int]) -> list[int]:
    outlines = await _outlines(service.projects, numbers)
    wanted = {number: hint for number, outline in outlines.items() if (hint := _wanted(number, outline)) is not None}
    lacking = await service.queue.lacking(list(wanted.values()))
    looked_at = [*lacking, *(number for number in wanted if outlines[number].status in ON_THE_WAY)]
    held = await service.projects.holders(looked_at)  # also where nothing is lacking: a foreign lease's time begins with a look
    free = [number for number in lacking if number not in held]
    newest = await _outlines(service.projects, free)  # it may have gone on meanwhile: that was a hint to nothing
    lost = [wanted[number] for number in free if newest.get(number) == outlines[number]]
    return [
        number
        for start in range(0, len(lost), HINTED_AT_ONCE)
        for number in await service.queue.hint_all(lost[start : start + HINTED_AT_ONCE])
    ]


def _wanted(number: int, outline: Outline) -> Wanted | None:
    stage = due_stage(outline)
    if stage is None:
        return None
    at = None if clock.was_set_back_since(outline.updated_at) else outline.resume_at
    return Wanted(number, stage, turn_of(outline, stage), at, chain=is_chained(outline, stage))


def due_stage(outline: Outline) -> Stage | None:
    """The stage that a job should be there for; None where nothing is due by itself."""
    waits_for_a_time = outline.status.is_waiting and outline.resume_at is not None
    if outline.held or not (outline.status in ON_THE_WAY or waits_for_a_time):
        return None
    return outline.running or outline.next_stage


async def _outlines(projects: ProjectStore, numbers: Sequence[int]) -> Mapping[int, Outline]:
    """The outlines of those that go on; the markers of those that have ended, or are gone, are taken away."""
    try:
        found = await projects.outlines(numbers)
    except StorageUnavailable:  # one that can't be read keeps no others waiting
        found = {}
        for number in numbers:
            try:
                found |= await projects.outlines([number])
            except StorageUnavailable as error:
                log.warning("not_recovered", project_id=number, error=error.message)
    for number, outline in found.items():
        if outline is None or outline.status.is_final:
            await _see_off(projects, number)
        elif outline.is_unreadable and outline.error is not None:
            log.warning("not_recovered", project_id=number, error=outline.error.message)
    return {number: outline for number, outline in found.items() if outline is not None and not outline.status.is_final}


async def _see_off(projects: ProjectStore, number: int) -> None:
    try:
        state = await projects.load(number)
        if state.status.is_final:
            await projects.unmark(number)
    except ProjectNotFound:
        await projects.unmark(number)
    except (NeedsPerson, StorageUnavailable) as error:
        log.warning("not_recovered", project_id=number, error=error.message)

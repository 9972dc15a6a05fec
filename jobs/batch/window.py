"""Which projects of a batch begin next: so many in flight as keep the workers busy, and no more.  Pure.

What waits for a day's quota, for money or for a service that asks for a pause is not in flight; but what is finished of it lies
on the disk, so that there is an end to those, too.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime

from jobs.batch.running import Outlines, is_to_retry
from reelqueue.models.batch import BatchState
from reelqueue.models.stage import ProjectStatus
from storage import Outline

LEAST_IN_FLIGHT, PER_PLACE = 20, 2
"""Chosen: a place that becomes free finds the next project queued already."""
MOST_PARKED = 200
"""Of one channel: about two days of uploads of one OAuth client, made ahead."""
PARKED = frozenset({ProjectStatus.WAITING_QUOTA, ProjectStatus.WAITING_BUDGET})
IN_FLIGHT = frozenset({ProjectStatus.QUEUED, ProjectStatus.RUNNING})
_NEVER = datetime.max.replace(tzinfo=UTC)


def window_of(places: int) -> int:
    """How many projects of a batch are in flight, by the places of the workers that live."""
    return max(LEAST_IN_FLIGHT, PER_PLACE * places)


def to_start(state: BatchState, outlines: Outlines, window: int, now: datetime) -> list[Outline]:
    """The projects that begin now: the highest priority first, then the nearest deadline, then the first in the list."""
    known = [project for project in outlines.values() if project is not None]
    room = window - sum(_is_in_flight(project, now) for project in known)
    if room <= 0 or any(project.status is ProjectStatus.WAITING_DISK for project in known):
        return []
    return _first_of(_candidates(state, outlines), Counter(_channel(one) for one in known if _is_parked(one, now)), room)


def _is_in_flight(project: Outline, now: datetime) -> bool:
    return project.status in IN_FLIGHT and not project.held and not _pauses(project, now)


def _is_parked(project: Outline, now: datetime) -> bool:
    return project.status in PARKED or (project.status is ProjectStatus.QUEUED and _pauses(project, now))


def _pauses(project: Outline, now: datetime) -> bool:
    return project.resume_at is not None and project.resume_at > now


def _candidates(state: BatchState, outlines: Outlines) -> Sequence[Outline]:
    found = [project for number in state.project_ids if (project := outlines.get(number)) is not None]
    wanted = [one for one in found if one.status is ProjectStatus.CREATED or is_to_retry(state, one)]
    return sorted(wanted, key=lambda one: (-one.priority, one.deadline or _NEVER))  # stable: the list's order within


def _first_of(candidates: Sequence[Outline], parked: Counter[str], room: int) -> list[Outline]:
    started: list[Outline] = []
    for project in candidates:
        if len(started) == room:
            break
        if parked[_channel(project)] < MOST_PARKED:
            started.append(project)
    return started


def _channel(project: Outline) -> str:
    return project.channel or ""

"""Who comes first: how much earlier than it was due a job counts as due.  Pure.

The queue is ordered by the time at which a job is due; a head start there is a place further in front, and needs no second queue.
It is not endless: who has waited for longer than the difference comes first all the same, so nobody waits for ever.

A job is queued at the moment at which it is due, as every arq job.  A worker that finds it due and has no place for it puts it in
its line: its score is then its moment less its head start, and less years that tell the lines apart (`jobs.claims`).  Its id says
how: `...~b720000` is a batch's, 720,000 s.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from reelqueue.models.brief import MOST_PRIORITY
from reelqueue.models.project import ProjectState
from reelqueue.models.stage import Stage
from storage.outlines import Outline

LINES_APART_MS = 10 * 365 * 86_400_000
"""Between the scores of two lines: no job is late by years, and none has so long a head start."""

HOUR, MINUTE = 3_600, 60
PRIORITY_SECONDS = 2 * HOUR
"""One step of priority; more than a near deadline and a late stage together."""
SINGLE_SECONDS = 408 * HOUR
"""Projects of no batch before those of any batch, whose head starts end at 401 h 39 min."""
DEADLINE_SECONDS = 59 * MINUTE
"""For a deadline that is now; half of it for one tomorrow."""
DEADLINE_HALVES = timedelta(days=1)
STAGE_SECONDS = 10 * MINUTE
"""A later stage first: to finish one video before the next is begun takes less of the disk, and shows results sooner."""

PLAIN_SECONDS = SINGLE_SECONDS + MOST_PRIORITY * PRIORITY_SECONDS
"""Of a job whose id says nothing: a client's own, or a single project's first stage."""
MARK = "~"


@dataclass(frozen=True, slots=True)
class Turn:
    """A job's place: its head start in seconds, and whether it belongs to a batch."""

    head_start_s: int = PLAIN_SECONDS
    of_batch: bool = False

    @property
    def suffix(self) -> str:
        """What its job's id ends with, so that a worker knows its place whenever it becomes due."""
        if not self.of_batch and self.head_start_s == PLAIN_SECONDS:
            return ""
        return f"{MARK}{'b' if self.of_batch else 's'}{self.head_start_s}"


PLAIN = Turn()
"""The turn of whatever is no stage of a project."""


def turn_of(project: ProjectState | Outline, stage: Stage) -> Turn:
    """The turn of a project's stage: single ones before batches, by priority, nearer deadlines and later stages first."""
    priority, deadline = _wishes(project)
    of_batch = project.batch_id is not None
    return Turn(
        head_start_s=(0 if of_batch else SINGLE_SECONDS)
        + (MOST_PRIORITY + priority) * PRIORITY_SECONDS
        + _for_deadline(deadline, project.updated_at)
        + list(Stage).index(stage) * STAGE_SECONDS,
        of_batch=of_batch,
    )


def _wishes(project: ProjectState | Outline) -> tuple[int, datetime | None]:
    if isinstance(project, Outline):
        return project.priority, project.deadline
    deadline = project.brief.deadline
    return project.brief.priority, datetime.fromisoformat(deadline) if deadline is not None else None


def _for_deadline(deadline: datetime | None, now: datetime) -> int:
    """Seconds, the more the less is left; `now` is when the project last changed, so that each look says the same."""
    if deadline is None:
        return 0
    left = max(timedelta(0), deadline - now)
    return round(DEADLINE_SECONDS * (DEADLINE_HALVES / (DEADLINE_HALVES + left)))

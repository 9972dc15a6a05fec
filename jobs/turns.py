"""Who comes first: how much earlier than it was queued a job counts as queued.  Pure.

The queue is ordered by the time at which a job is due; a head start there is a place further in front, and needs no second queue.
"""

from dataclasses import dataclass

from reelqueue.models.project import ProjectState
from reelqueue.models.stage import Stage
from storage.outlines import Outline


@dataclass(frozen=True, slots=True)
class Turn:
    """A job's place: its head start in ms, and whether it belongs to a batch."""

    head_start_ms: int = 0
    of_batch: bool = False


def turn_of(project: ProjectState | Outline, stage: Stage) -> Turn:
    """The turn of a project's stage."""
    del stage
    return Turn(of_batch=project.batch_id is not None)

"""What of a project or a batch is an event for webhooks.  Pure: the same state always gives the same event, under the same id.

So whoever finds a state whose event is missing (its worker died between the commit and the outbox) makes the very one.
"""

import hashlib
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from reelqueue.models.batch import BatchState
from reelqueue.models.event import Event, EventType
from reelqueue.models.project import ProjectState
from reelqueue.models.stage import ProjectStatus, Stage
from storage.outlines import Outline

_ENDS: dict[ProjectStatus, EventType] = {
    ProjectStatus.COMPLETED: "project.completed",
    ProjectStatus.FAILED: "project.failed",
    ProjectStatus.CANCELLED: "project.cancelled",
}
_A_DAY_EACH = frozenset({ProjectStatus.WAITING_QUOTA, ProjectStatus.WAITING_BUDGET})
"""Waits that a day ends and another begins: each day's is an event of its own."""


def event_id(outline: Outline) -> str | None:
    """The id of the event that a project's present state is; None where it is none.

    A wait is told once in a run for its stage and kind; of a quota or of money once for each day, of a review for what is to be
    looked at.  (A disk that is full again every minute is told of once.)
    """
    start = f"p{outline.project_id}-r{outline.run}"
    if outline.status.is_final:
        return f"{start}-{outline.status}"
    if not outline.status.is_waiting:
        return None
    return "-".join((start, str(outline.next_stage or outline.goal), str(outline.status), *_occasion(outline)))


def _occasion(outline: Outline) -> Iterator[str]:
    wait = outline.wait
    if outline.status in _A_DAY_EACH and wait is not None and wait.until is not None:
        yield f"{wait.until:%Y%m%d}"
    if outline.status is ProjectStatus.WAITING_REVIEW and wait is not None:
        yield hashlib.sha256(wait.reason.encode()).hexdigest()[:8]


def event_of(state: ProjectState) -> Event | None:
    """The event that a project's state is; None where it is none: it runs, or is about to."""
    outline = Outline.of(state)
    identity = event_id(outline)
    if identity is None:
        return None
    waits: EventType = "project.needs_person" if state.status is ProjectStatus.NEEDS_PERSON else "project.waiting"
    return Event(
        event_id=identity,
        type=_ENDS.get(state.status, waits),
        at=state.updated_at,
        subject=f"p{state.project_id}",
        order=state.revision,
        data=_about(state, outline),
    )


def deadline_id(outline: Outline) -> str:
    """The id of the event that a project's deadline passed before its end."""
    return f"p{outline.project_id}-deadline-{outline.deadline:%Y%m%dT%H%M}"


def deadline_missed(state: ProjectState, now: datetime) -> Event:
    """The event that a project's deadline has passed, and it has not ended."""
    outline = Outline.of(state)
    return Event(
        event_id=deadline_id(outline),
        type="project.deadline_missed",
        at=now,
        subject=f"p{state.project_id}",
        order=state.revision,
        data=_about(state, outline),
    )


def _about(state: ProjectState, outline: Outline) -> dict[str, Any]:
    said: dict[str, Any] = {
        "project_id": state.project_id,
        "batch_id": state.batch_id,
        "run": state.run,
        "revision": state.revision,
        "status": str(state.status),
        "topic": state.brief.topic,
    }
    if outline.deadline is not None:
        said |= {"deadline": state.brief.deadline, "deadline_missed": state.updated_at > outline.deadline}
    if state.status is ProjectStatus.COMPLETED:
        result = state.stages[Stage.UPLOAD].result or {}
        said |= {"goal": str(state.goal), "video_id": outline.video_id, "video_url": result.get("video_url")}
    if state.status is ProjectStatus.FAILED and outline.error is not None:
        said |= {"stage": str(outline.failed), "error": outline.error.model_dump()}
    if state.wait is not None and state.status.is_waiting:
        said |= {"stage": str(outline.next_stage or outline.goal), "wait": state.wait.model_dump(mode="json")}
    return said


def batch_events(state: BatchState) -> list[Event]:
    """All events that a batch's present run has come to: started, past its time-out, ended."""
    moments: list[tuple[EventType, datetime | None]] = [
        ("batch.started", state.started_at),
        ("batch.overdue", state.overdue_since),
        ("batch.ended", (state.ended_at or state.updated_at) if state.has_ended else None),
    ]
    return [_batch_event(state, kind, at) for kind, at in moments if at is not None]


def _batch_event(state: BatchState, kind: EventType, at: datetime) -> Event:
    said: dict[str, Any] = {
        "batch_id": state.batch_id,
        "run": state.run,
        "status": str(state.status),
        "total_projects": len(state.project_ids),
        "completed": state.completed,
        "failed": state.failed,
    }
    for name, told in (("forecast", state.forecast), ("outcome", state.outcome)):
        if told is not None:
            said[name] = told.model_dump(mode="json")
    return Event(
        event_id=f"b{state.batch_id}-r{state.run}-{kind.partition('.')[2]}",
        type=kind,
        at=at,
        subject=f"b{state.batch_id}",
        order=state.revision,
        data=said,
    )

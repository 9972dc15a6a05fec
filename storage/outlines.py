"""Many projects at one look: of each only what says what happens next.

Ten thousand waiting projects are looked at each minute.  A state is a file that is replaced whole, so one whose file is the same
is not read again; what is kept of it is small, whatever its brief holds.
"""

from dataclasses import dataclass
from datetime import datetime

from reelqueue.models.project import ProjectState, StageError, Wait
from reelqueue.models.stage import ProjectStatus, Stage, StageStatus


@dataclass(frozen=True, slots=True)
class Outline:
    """A project in a few lines.

    `next_stage` is the first that is neither done nor skipped up to the goal, `running` the one that is marked as running,
    `failed` the one that failed, with its `error`.  `publish_at` is when it shall be published: its slot, else its brief's wish.
    """

    project_id: int
    status: ProjectStatus
    goal: Stage
    next_stage: Stage | None
    running: Stage | None
    failed: Stage | None
    error: StageError | None
    wait: Wait | None
    resume_at: datetime | None
    held: bool
    batch_id: int | None
    priority: int
    deadline: datetime | None
    channel: str | None
    publish_at: datetime | None
    video_id: str | None
    run: int
    updated_at: datetime

    @classmethod
    def of(cls, state: ProjectState) -> "Outline":
        """The outline of a whole state."""
        upload = state.stages[Stage.UPLOAD].result or {}
        return cls(
            project_id=state.project_id,
            status=state.status,
            goal=state.goal,
            next_stage=state.next_stage,
            running=_first(state, StageStatus.RUNNING),
            failed=(failed := _first(state, StageStatus.FAILED)),
            error=state.stages[failed].error if failed is not None else None,
            wait=state.wait,
            resume_at=state.resume_at,
            held=state.held,
            batch_id=state.batch_id,
            priority=state.brief.priority,
            deadline=_moment(state.brief.deadline),
            channel=state.brief.channel,
            publish_at=state.slot or _moment(state.brief.publish_at),
            video_id=state.upload.video_id if state.upload is not None else upload.get("video_id"),
            run=state.run,
            updated_at=state.updated_at,
        )


def _first(state: ProjectState, status: StageStatus) -> Stage | None:
    return next((stage for stage in Stage if state.stages[stage].status is status), None)


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text is not None else None

"""How a project or a batch ended, from the state on disk, as an event: for when Redis has nothing to tell."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from progress.events import ERROR_STAGE, ProgressEvent, Topic
from reelqueue import clock
from reelqueue.models.batch import BatchState
from reelqueue.models.project import ProjectState
from reelqueue.models.stage import ProjectStatus, Stage, StageStatus
from reelqueue.wording import Text

GRACE = timedelta(seconds=2)
"""How long an end's own event may take: it is sent after the commit, within 0.5 s."""
DISK_EPOCH = "disk"
DONE = Text("完成", "done")
_WORDS = {
    "completed": DONE,
    "failed": Text("失敗", "failed"),
    "cancelled": Text("已取消", "cancelled"),
}


class Projects(Protocol):
    """The part of `storage.ProjectStore` that is needed here."""

    async def load(self, project_id: int) -> ProjectState:
        """See `ProjectStore`."""
        ...


class Batches(Protocol):
    """The part of `storage.BatchStore` that is needed here."""

    async def load(self, batch_id: int) -> BatchState:
        """See `BatchStore`."""
        ...


@dataclass(frozen=True, slots=True)
class StateOnDisk:
    """See `progress.subscriber.Truth`."""

    topic: Topic
    projects: Projects
    batches: Batches

    async def end(self) -> ProgressEvent | None:
        """See `Truth`."""
        return (await self._read())[0]

    async def unheard_end(self) -> ProgressEvent | None:
        """See `Truth`."""
        event, at = await self._read()
        age = clock.now() - at
        return None if timedelta(0) <= age <= GRACE else event  # "in the future": the clock was set back since

    async def _read(self) -> tuple[ProgressEvent | None, datetime]:
        if self.topic.project_id is not None:
            project = await self.projects.load(self.topic.project_id)
            return project_end(project), project.updated_at
        batch = await self.batches.load(self.topic.batch_id or 0)
        return batch_end(batch), batch.updated_at


def completion(goal: Stage) -> Text:
    """What to say of a project that reached its goal, which may lie before the video."""
    return Text("影片完成", "the video is done") if goal is Stage.UPLOAD else DONE


def project_end(state: ProjectState) -> ProgressEvent | None:
    """The end of a project; None while it has none."""
    if not state.status.is_final:
        return None
    failed = next((stage for stage in Stage if state.stages[stage].status is StageStatus.FAILED), None)
    reached = failed or state.next_stage or state.goal
    error, message = None, str(_WORDS[str(state.status)])
    if state.status is ProjectStatus.FAILED and (why := state.stages[reached].error) is not None:
        error, message = why.model_dump() | {"stage": str(reached)}, why.message
    done = state.status is ProjectStatus.COMPLETED
    if done:
        message = str(completion(state.goal))
    return ProgressEvent(
        project_id=state.project_id,
        stage=ERROR_STAGE if error else reached.event_name,
        progress=100 if done else 0,
        overall=100 if done else 0,
        message=message,
        timestamp=_stamp(state.updated_at),
        seq=0,
        epoch=DISK_EPOCH,
        status=str(state.status),
        error=error,
    )


def batch_end(state: BatchState) -> ProgressEvent | None:
    """The end of a batch; None while it has none."""
    if not state.has_ended:
        return None
    done = state.completed + state.failed
    percent = 100 * done // max(1, len(state.project_ids))
    return ProgressEvent(
        batch_id=state.batch_id,
        stage="batch",
        progress=percent,
        overall=percent,
        message=str(_WORDS[str(state.status)]),
        timestamp=_stamp(state.updated_at),
        seq=0,
        epoch=DISK_EPOCH,
        status=str(state.status),
    )


def _stamp(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

"""What happened to a project, line by line: as it was heard, else as far as the disk knows."""

from dataclasses import dataclass
from datetime import datetime

from progress.events import Topic
from reelqueue.dashboard.board import Board
from reelqueue.models.project import ProjectState
from reelqueue.models.stage import ProjectStatus, Stage, StageStatus


@dataclass(frozen=True, slots=True)
class Line:
    """Something that happened, as a line: `message` as it was heard, or a change of a `stage` that the disk knows of."""

    at: datetime
    status: str
    message: str = ""
    stage: Stage | None = None
    seq: int | None = None


async def lines_of(board: Board, state: ProjectState, most: int) -> tuple[list[Line], bool]:
    """What happened, newest first, and whether that is the log; else only the disk is asked."""
    heard = await board.hub.log_of(Topic(project_id=state.project_id), most=most)
    if heard:
        return [
            Line(datetime.fromisoformat(event.timestamp), event.status, event.message, seq=event.seq) for event in reversed(heard)
        ], True
    return _from_disk(state)[:most], False


def _from_disk(state: ProjectState) -> list[Line]:
    lines = [Line(state.created_at, str(ProjectStatus.CREATED))]
    ends = {StageStatus.DONE: ProjectStatus.COMPLETED, StageStatus.FAILED: ProjectStatus.FAILED}
    for stage, known in state.stages.items():
        if known.started_at is not None:
            lines.append(Line(known.started_at, str(ProjectStatus.RUNNING), stage=stage))
        if known.finished_at is not None and known.status in ends:
            said = known.error.message if known.error is not None else ""
            lines.append(Line(known.finished_at, str(ends[known.status]), said, stage))
    return sorted(lines, key=lambda line: line.at, reverse=True)

"""What happened to a project, line by line: as it was heard, else as far as the disk knows."""

import itertools
import re
from dataclasses import dataclass
from datetime import datetime

from progress.events import ProgressEvent, Topic
from reelqueue.dashboard.board import Board
from reelqueue.models.project import ProjectState
from reelqueue.models.stage import ProjectStatus, Stage, StageStatus

_STAGES = {stage.event_name: stage for stage in Stage}
_ALL = 100  # percent of a stage
_FOLDED = 12  # events that are read for each line that is wanted


@dataclass(frozen=True, slots=True)
class Line:
    """Something that happened to a `stage`, as a line: `message` as it was heard, else a change that the disk knows of."""

    at: datetime
    status: str
    message: str = ""
    stage: Stage | None = None
    seq: int | None = None


async def lines_of(board: Board, state: ProjectState, most: int) -> tuple[list[Line], bool]:
    """What happened, newest first, and whether that is the log; else only the disk is asked."""
    heard = await board.hub.log_of(Topic(project_id=state.project_id), most=most * _FOLDED)
    if heard:
        told = (next(same) for _, same in itertools.groupby(reversed(heard), key=_what))
        return [
            Line(datetime.fromisoformat(event.timestamp), look_of(event), event.message, _stage_of(event), event.seq)
            for event in itertools.islice(told, most)
        ], True
    return _from_disk(state)[:most], False


def _stage_of(event: ProgressEvent) -> Stage | None:
    failed = (event.error or {}).get("stage")
    return Stage(failed) if failed in set(Stage) else _STAGES.get(event.stage)


def _what(event: ProgressEvent) -> object:
    """What a line tells: events in a row that differ in their figures alone are one, as they are on an open page (`isMore`)."""
    if event.error or not event.progress:  # a stage that begins again was broken off
        return event.seq
    return (event.stage, event.status, event.progress >= _ALL, re.sub(r"\d+", "", event.message))


def look_of(event: ProgressEvent) -> str:
    """The status that a line about `event` shows: a stage that ended is told by a project on its way to the next."""
    is_on_its_way = event.status in {ProjectStatus.RUNNING, ProjectStatus.QUEUED}
    return str(ProjectStatus.COMPLETED) if is_on_its_way and event.progress >= _ALL else event.status


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

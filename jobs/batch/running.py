"""What becomes of a batch, as pure functions of its state and its projects'."""

from collections.abc import Mapping, Sequence
from typing import Any

from jobs.waiting import failed_stage
from reelqueue.models.batch import BatchState
from reelqueue.models.project import ProjectState
from reelqueue.models.stage import BatchStatus, ProjectStatus, Stage

ENDED = frozenset({BatchStatus.COMPLETED, BatchStatus.FAILED, BatchStatus.CANCELLED})


def has_ended(state: BatchState) -> bool:
    """Whether nothing more happens."""
    return state.status in ENDED


def begun(state: BatchState) -> BatchState:
    """The batch is wanted; one that is on its way or ended stays as it is."""
    return state.replace(status=BatchStatus.RUNNING) if state.status is BatchStatus.CREATED else state


def looked_at(state: BatchState, projects: Mapping[int, ProjectState | None]) -> BatchState:
    """The batch with what its projects (None: deleted) came to; completed when all of them ended."""
    states = [projects[number] for number in state.project_ids]
    completed = sum(project is not None and project.status is ProjectStatus.COMPLETED for project in states)
    ended = sum(project is None or project.status.is_final for project in states)
    over = ended == len(states)
    changed = state.replace(completed=completed, failed=ended - completed)
    if not over or has_ended(state):
        return state if (changed.completed, changed.failed) == (state.completed, state.failed) else changed
    results = tuple(item_result(number, projects[number]) for number in state.project_ids)
    return changed.replace(status=BatchStatus.COMPLETED, results=results)


def item_result(number: int, project: ProjectState | None) -> dict[str, Any]:
    """One line of a batch's results: `{project_id, status, video_id or error}`."""
    if project is None:
        return {"project_id": number, "status": "failed", "error": {"code": "not_found", "message": "deleted"}}
    line: dict[str, Any] = {"project_id": number, "status": str(project.status)}
    if project.status is ProjectStatus.COMPLETED:
        video_id = project.upload.video_id if project.upload else (project.stages[Stage.UPLOAD].result or {}).get("video_id")
        return line | {"video_id": video_id}
    error = project.stages[failed_stage(project)].error
    if error is not None:
        return line | {"error": error.model_dump()}
    return line | {"error": {"code": str(project.status), "message": str(project.status)}}


def batch_result(state: BatchState) -> dict[str, Any]:
    """What the batch's job returns."""
    return {
        "status": "success" if state.failed == 0 else "partial_success",
        "batch_id": state.batch_id,
        "total_projects": len(state.project_ids),
        "completed": state.completed,
        "failed": state.failed,
        "results": list(state.results),
    }


def share_done(state: BatchState, projects: Sequence[ProjectState | None]) -> float:
    """How much of the batch is done, 0-100: an ended project counts whole, one on its way by its finished stages."""
    if not projects:
        return 100.0
    return 100.0 * sum(_share(project) for project in projects) / len(state.project_ids)


def _share(project: ProjectState | None) -> float:
    if project is None or project.status.is_final:
        return 1.0
    finished = sum(known.status in {"done", "skipped"} for known in project.stages.values())
    return finished / len(project.stages)

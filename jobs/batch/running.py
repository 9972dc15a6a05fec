"""What becomes of a batch, as pure functions of its state and of its projects' outlines."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from jobs.pipeline import BATCH_JOB
from reelqueue.models.batch import Again, BatchState
from reelqueue.models.stage import BatchStatus, ProjectStatus, Stage
from reelqueue.wording import Text
from storage import Outline

Outlines = Mapping[int, Outline | None]
"""What happens next with each project; None for one that is deleted."""
TIMEOUT = timedelta(seconds=BATCH_JOB.timeout_s)
AGAIN = {
    Again.FAILED: frozenset({ProjectStatus.FAILED}),
    Again.UNFINISHED: frozenset({ProjectStatus.FAILED, ProjectStatus.CANCELLED}),
}
"""Which projects begin once more, by how they ended."""
GONE = Text("專案已刪除", "the project was deleted")
CANCELLED = Text("已取消", "cancelled")


def looked_at(state: BatchState, outlines: Outlines, now: datetime) -> BatchState:
    """The batch with what its projects came to; over when all of them are.  `state` itself where nothing is new."""
    left = [number for number in state.project_ids if not is_over(state, outlines.get(number))]
    completed = sum(is_completed(outlines.get(number)) for number in state.project_ids)
    changed = state.replace(
        completed=completed,
        failed=len(state.project_ids) - len(left) - completed,
        overdue_since=now if is_overdue(state, now) else state.overdue_since,
    )
    if not any(is_to_retry(state, outlines.get(number)) for number in left):
        changed = changed.replace(again=None)
    if not left:
        changed = changed.replace(status=_end(state, completed), ended_at=now, act=None)
    return state if changed == state else changed


def is_over(state: BatchState, project: Outline | None) -> bool:
    """Whether a project's end counts: it ended (deleted or spoilt is an end, too), and is not about to be tried again."""
    return project is None or project.is_spoilt or (project.status.is_final and not is_to_retry(state, project))


def is_to_retry(state: BatchState, project: Outline | None) -> bool:
    """Whether it ended before somebody asked to try again, and has yet to begin once more; told by runs, since clocks differ, and jump."""
    if state.again is None or project is None:
        return False
    return project.status in AGAIN[state.again] and project.batch_run < state.run


def is_completed(project: Outline | None) -> bool:
    """Whether a project reached its goal."""
    return project is not None and project.status is ProjectStatus.COMPLETED


def is_overdue(state: BatchState, now: datetime) -> bool:
    """Whether it passed its time-out just now."""
    started, already = state.started_at, state.overdue_since is not None
    return state.status is BatchStatus.RUNNING and not already and started is not None and now - started > TIMEOUT


def _end(state: BatchState, completed: int) -> BatchStatus:
    if state.status is BatchStatus.CANCELLED:
        return BatchStatus.CANCELLED
    return BatchStatus.COMPLETED if completed else BatchStatus.FAILED


def results_of(state: BatchState, outlines: Outlines) -> list[dict[str, Any]]:
    """A line for each project, in the order of the batch."""
    return [item_result(number, outlines.get(number)) for number in state.project_ids]


def item_result(number: int, project: Outline | None) -> dict[str, Any]:
    """One line of a batch's results: `{project_id, status, video_id or error}`; neither while it is on its way."""
    if project is None:
        return {"project_id": number, "status": "failed", "error": {"code": "not_found", "message": str(GONE)}}
    line: dict[str, Any] = {"project_id": number, "status": str(project.status)}
    if project.is_unreadable and project.error is not None:
        return line | {"status": "failed" if project.is_spoilt else line["status"], "error": project.error.model_dump()}
    match project.status:
        case ProjectStatus.COMPLETED:
            return line | {"video_id": project.video_id}
        case ProjectStatus.CANCELLED:
            return line | {"error": {"code": "cancelled", "message": str(CANCELLED)}}
        case ProjectStatus.FAILED:
            return line | {"error": project.error.model_dump() if project.error else {"code": "failed", "message": ""}}
    return line


def batch_result(state: BatchState, results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What the batch's job returns."""
    return {
        "status": _outcome(state),
        "batch_id": state.batch_id,
        "total_projects": len(state.project_ids),
        "completed": state.completed,
        "failed": state.failed,
        "results": list(results),
    }


def _outcome(state: BatchState) -> str:
    if state.status is BatchStatus.CANCELLED:
        return "cancelled"
    if state.failed == 0:
        return "success"
    return "partial_success" if state.completed else "failed"


def share_done(state: BatchState, outlines: Outlines) -> float:
    """How much of the batch is done, 0-100: an ended project counts whole, one on its way by its finished stages."""
    shares = [_share(state, outlines.get(number)) for number in state.project_ids]
    return 100.0 * sum(shares) / len(shares) if shares else 100.0


def _share(state: BatchState, project: Outline | None) -> float:
    if project is None or is_over(state, project) or project.next_stage is None:
        return 1.0
    return list(Stage).index(project.next_stage) / len(Stage)

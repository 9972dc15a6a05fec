"""A list of projects, as one job.  It waits without holding a slot: its own job goes back to the queue between two looks."""

from typing import Any

import structlog
from arq.worker import Retry
from redis.exceptions import RedisError

from jobs import acts, transitions
from jobs.batch.running import batch_result, begun, has_ended, looked_at, share_done
from jobs.context import Service, WorkerContext
from jobs.turns import turn_of
from reelqueue.errors import Busy, DiskFull, NeedsPerson, ProjectNotFound, StorageUnavailable, WrongState
from reelqueue.models.batch import BatchState
from reelqueue.models.ids import parse_batch_id
from reelqueue.models.project import ProjectState
from reelqueue.models.stage import BatchStatus, ProjectStatus
from reelqueue.telemetry import bound
from reelqueue.wording import Text

LOOK_SECONDS, MOST_LOOK_SECONDS, PROJECTS_PER_SECOND = 0.5, 10.0, 100
"""Between two looks: half a second, more for large batches, so that looking takes a small part of the time."""

log = structlog.get_logger(__name__)


async def batch_processing_task(ctx: WorkerContext, batch_id: int) -> dict[str, Any]:
    """Make all videos of a batch.

    Reads: the batch and its projects.
    Writes: the batch's counts and results; starts its projects.
    Costs: what its projects cost.
    Repeats: harmless; an ended batch answers what it came to.
    """
    service, number = ctx["service"], parse_batch_id(batch_id)
    with bound(batch_id=number):
        state = await service.batches.load(number)
        if not has_ended(state):
            state = await _one_look(service, state)
        if has_ended(state):
            return batch_result(state)
    raise Retry(defer=min(MOST_LOOK_SECONDS, LOOK_SECONDS + len(state.project_ids) / PROJECTS_PER_SECOND))


async def _one_look(service: Service, state: BatchState) -> BatchState:
    try:
        async with await service.batches.take_over(state.batch_id) as lease:
            if lease.state.status is not BatchStatus.RUNNING:
                await lease.commit(begun)
            projects = {number: await _looked_up(service, number) for number in lease.state.project_ids}
            changed = looked_at(lease.state, projects)
            if changed is not lease.state:
                await lease.commit(lambda newest: looked_at(newest, projects))
            await _tell(service, lease.state, projects)
            return lease.state
    except (Busy, DiskFull, StorageUnavailable) as wait:
        log.warning("batch_waits", error=wait.message)
        return state


async def _looked_up(service: Service, project_id: int) -> ProjectState | None:
    """A project's state, started where it was not; None where it is deleted."""
    try:
        state = await service.projects.load(project_id)
        if state.status is ProjectStatus.CREATED:
            state = await service.projects.change(project_id, acts.start)
        if state.status is ProjectStatus.QUEUED and state.next_stage is not None:
            turn, chain = turn_of(state, state.next_stage), transitions.is_chained(state, state.next_stage)
            await service.queue.hint(project_id, state.next_stage, turn=turn, at=state.resume_at, renewing=True, chain=chain)
    except ProjectNotFound:
        return None
    except (WrongState, NeedsPerson):  # changed since it was read, or unreadable: looked at again
        return await _read(service, project_id)
    except (RedisError, OSError) as error:
        log.warning("hint_lost", project_id=project_id, error=str(error))
        return await _read(service, project_id)
    return state


async def _read(service: Service, project_id: int) -> ProjectState | None:
    try:
        return await service.projects.load(project_id)
    except (ProjectNotFound, NeedsPerson):
        return None


async def _tell(service: Service, state: BatchState, projects: dict[int, ProjectState | None]) -> None:
    """Tell how far it is, where that is news; its beginning is 0 and news."""
    share = share_done(state, list(projects.values()))
    if state.batch_id not in service.told and not has_ended(state):
        share = 0.0
    if service.told.get(state.batch_id) == int(share) and not has_ended(state):
        return
    service.told[state.batch_id] = int(share)
    total, ended = len(state.project_ids), state.completed + state.failed
    await service.publisher.publish(
        batch_id=state.batch_id,
        stage="batch",
        progress=share,
        overall=share,
        message=Text(
            f"{ended}/{total} 個專案結束（失敗 {state.failed}）", f"{ended} of {total} projects ended ({state.failed} failed)"
        ),
        status=str(state.status),
    )

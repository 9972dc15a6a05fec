"""One path for every stage: judge, lease, skip or work, commit, tell, pass on."""

from typing import Any

import structlog
from arq.worker import Retry
from redis.exceptions import RedisError

from jobs import acts, tally, transitions
from jobs.attempt import DISK_SECONDS, STORAGE_SECONDS, Attempt
from jobs.context import WorkerContext
from jobs.judging import BUSY_SECONDS, Later, StageJob
from jobs.stages import StageInputs, StageOutcome, StageRun, StageWork
from jobs.telling import Teller, tell_cancelled
from jobs.turns import turn_of
from reelqueue.errors import (
    Busy,
    DiskFull,
    ReelqueueError,
    StageNotReady,
    StorageUnavailable,
)
from reelqueue.models.ids import parse_project_id
from reelqueue.models.project import ProjectState
from reelqueue.models.stage import ProjectStatus, Stage
from reelqueue.telemetry import bound
from storage import Glance, Lease

__all__ = ["StageInputs", "StageOutcome", "StageRun", "StageWork", "run_stage"]

log = structlog.get_logger(__name__)


async def run_stage(ctx: WorkerContext, project_id: int, stage: Stage, work: StageWork, *, chain: bool) -> dict[str, Any]:
    """Carry one stage job out.

    Returns:
        `status`, `project_id` and what the stage returns.

    Raises:
        Retry: the job has to wait; it keeps its id and uses no attempt.
        ReelqueueError: the job's error, as contract 2b judges.
    """
    number = parse_project_id(project_id)
    job = StageJob(ctx["service"], number, stage, work, chain)
    with bound(project_id=number, stage=str(stage)):
        try:
            return await _answer(job, ctx["job_id"])
        except (Later, Busy, DiskFull, StorageUnavailable) as wait:
            raise Retry(defer=_pause(wait)) from wait


async def _answer(job: StageJob, job_id: str) -> dict[str, Any]:
    glance = await job.service.projects.look(job.project_id)
    transitions.not_cancelled(glance.state)
    if job.chain:
        await _adopt(job, job_id)
    if glance.is_held:
        raise Later(BUSY_SECONDS)
    stored = await job.judge(glance.state)
    if stored is not None:
        tally.found_done()
        if job.chain:
            await _pass_on_from(job, await job.service.projects.change(job.project_id, acts.go_on))
        return stored
    try:
        answer, state = await _in_hand(job, glance)
    except StageNotReady:
        await _pass_on(job, await job.service.projects.load(job.project_id))
        raise
    await _pass_on(job, state)
    return answer


async def _in_hand(job: StageJob, glance: Glance[ProjectState]) -> tuple[dict[str, Any], ProjectState]:
    """Run the stage with the project in hand; a state that changed since it was judged is `Busy`, and judged anew."""
    async with await job.service.projects.take_over(job.project_id, glance, fence_later=True) as lease:
        try:
            answer = await Attempt(
                job, lease, Teller(job.service.publisher, job.stage), job.service.spender(job.project_id, lease.state.brief)
            ).carry_out()
        finally:
            await _let_go(job, lease)
            await _wake_batch(job, lease.state)
        return answer, lease.state


async def _wake_batch(job: StageJob, state: ProjectState) -> None:
    """A batch has to know of each of its projects that ended or waits; others it looks at now and then."""
    if state.batch_id is None or not (state.status.is_final or state.status.is_waiting):
        return
    try:
        await job.service.queue.wake_batch(state.batch_id)
    except (RedisError, OSError) as error:
        tally.redis_failed(error)
        log.debug("batch_not_woken", error=str(error))


async def _let_go(job: StageJob, lease: Lease) -> None:
    """Who cancels a project in hand leaves the telling to us: so it is the last event."""
    state = await lease.let_go(unless=lambda state: state.status is ProjectStatus.CANCELLED)
    if state is not None:
        await tell_cancelled(job.service.publisher, state)


async def _pass_on(job: StageJob, state: ProjectState) -> None:
    """Hint the stage that is due now: whatever asked for the one before, the project is on its way to its goal."""
    stage = state.next_stage
    if state.status is ProjectStatus.QUEUED and stage is not None:
        await _hint(job, state, stage, chain=transitions.is_chained(state, stage))


async def _pass_on_from(job: StageJob, state: ProjectState) -> None:
    """Hint the stage after one that was done already."""
    following = job.stage.after
    if following is not None and not transitions.reviews_before(state, following):
        await _hint(job, state, following, chain=True)


async def _hint(job: StageJob, state: ProjectState, stage: Stage, *, chain: bool) -> None:
    try:
        await job.service.queue.hint(job.project_id, stage, turn=turn_of(state, stage), chain=chain)
    except (RedisError, OSError) as error:  # the state knows; `recover_interrupted` hints it again
        tally.redis_failed(error)
        log.warning("hint_lost", next_stage=str(stage), error=str(error))


async def _adopt(job: StageJob, job_id: str) -> None:
    try:
        await job.service.queue.adopt(job_id, job.project_id, job.stage)
    except (RedisError, OSError) as error:  # a hint too many, later
        tally.redis_failed(error)
        log.warning("hint_not_adopted", error=str(error))


def _pause(wait: Exception) -> float:
    if isinstance(wait, Later):
        return wait.seconds
    log.warning("waits", error=wait.message if isinstance(wait, ReelqueueError) else str(wait))
    return {Busy: BUSY_SECONDS, DiskFull: DISK_SECONDS}.get(type(wait), STORAGE_SECONDS)

"""What was interrupted goes on: lost hints are renewed from disk, and a dead worker's jobs are freed.

Every worker does so at its start, `recover_interrupted` each minute.
"""

from typing import Any

import structlog
from arq.connections import ArqRedis

from jobs.claims import free_dead
from jobs.context import Service, WorkerContext
from jobs.pipeline import QUEUES
from jobs.transitions import is_chained
from jobs.turns import turn_of
from reelqueue.errors import BatchNotFound, NeedsPerson, ProjectNotFound, StorageUnavailable
from reelqueue.models.project import ProjectState
from reelqueue.models.stage import BatchStatus, ProjectStatus, Stage, StageStatus

log = structlog.get_logger(__name__)


async def recover_interrupted(ctx: WorkerContext) -> dict[str, Any]:
    """Put back what nobody works on although somebody should.

    Reads: the markers of unfinished projects, their states, the queues.
    Writes: hints, one per project and stage; frees the claims of workers that are gone.
    Costs: nothing.
    Repeats: harmless; a second pass adds none.
    """
    projects, batches, freed = await renew(ctx["service"], ctx["redis"])
    return {"status": "success", "projects": projects, "batches": batches, "freed_jobs": freed}


async def renew(service: Service, redis: ArqRedis) -> tuple[list[int], list[int], list[str]]:
    """Free, then renew; returns the projects and batches that were put back, and the jobs that were freed.

    Raises:
        RedisError: some may not be put back.
    """
    freed = [job for queue in QUEUES for job in await free_dead(redis, queue)]
    projects = [number for number in await service.projects.unfinished() if await _put_back(service, number)]
    batches = [number for number in await service.batches.ids() if await _batch_put_back(service, number)]
    if projects or batches or freed:
        log.info("recovered", projects=projects, batches=batches, freed_jobs=freed)
    return projects, batches, freed


async def _put_back(service: Service, number: int) -> bool:
    """Renew the hint of a project that nobody has in hand."""
    try:
        state = await service.projects.load(number)
        if state.status.is_final:
            await service.projects.unmark(number)
            return False
        if await service.projects.holder(number) is not None:
            return False
    except ProjectNotFound:
        await service.projects.unmark(number)
        return False
    except (NeedsPerson, StorageUnavailable) as error:
        log.warning("not_recovered", project_id=number, error=error.message)
        return False
    stage = due_stage(state)
    if stage is None:
        return False
    turn, chain = turn_of(state, stage), is_chained(state, stage)
    _, is_new = await service.queue.hint(number, stage, turn=turn, at=state.resume_at, renewing=True, chain=chain)
    return is_new


def due_stage(state: ProjectState) -> Stage | None:
    """The stage that a job should be there for; None where nothing is due by itself."""
    going = state.status in {ProjectStatus.QUEUED, ProjectStatus.RUNNING}
    if not going and not (state.status.is_waiting and state.resume_at is not None):
        return None
    running = next((stage for stage in Stage if state.stages[stage].status is StageStatus.RUNNING), None)
    return running or state.next_stage


async def _batch_put_back(service: Service, number: int) -> bool:
    try:
        state = await service.batches.load(number)
    except (BatchNotFound, NeedsPerson, StorageUnavailable):
        return False
    if state.status is not BatchStatus.RUNNING or await service.batches.holder(number) is not None:
        return False
    _, is_new = await service.queue.hint_batch(number, renewing=True)
    return is_new

"""What was interrupted goes on: lost hints are renewed from disk, and a dead worker's jobs are freed.

Every worker does so at its start, `recover_interrupted` each minute.
"""

from typing import Any

import structlog
from arq.connections import ArqRedis

from jobs import tally
from jobs.claims import free_dead
from jobs.context import Service, WorkerContext
from jobs.halting import put_back
from jobs.maintenance.cleanup import ask_where_low
from jobs.maintenance.renewing import renew_hints
from jobs.pipeline import QUEUES
from reelqueue import failpoints
from storage.pauses import Pauses

NAMED = 20
"""Of each kind so many are named in the log: a queue that is built anew is one line, and a short one."""

log = structlog.get_logger(__name__)


async def recover_interrupted(ctx: WorkerContext) -> dict[str, Any]:
    """Put back what nobody works on although somebody should.

    Reads: the markers of unfinished projects, the states that changed since the last look, the queues.
    Writes: hints, one per project and stage; frees the claims of workers that are gone; asks for a cleanup where the disk is low.
    Costs: nothing.
    Repeats: harmless; a second pass adds none.
    """
    projects, batches, freed = await renew(ctx["service"], ctx["redis"])
    await ask_where_low(ctx)
    return {"status": "success", "projects": projects, "batches": batches, "freed_jobs": freed}


async def renew(service: Service, redis: ArqRedis) -> tuple[list[int], list[int], list[str]]:
    """Pause what is paused, free, then renew; returns the projects and batches that were put back, and the jobs that were freed.

    Raises:
        RedisError: some may not be put back.
    """
    await put_back(redis, Pauses(service.paths.paused))
    freed = [job for queue in QUEUES for job in await free_dead(redis, queue)]
    await failpoints.reach("recover.freed")
    projects = await renew_hints(service)
    batches = [number for number in await service.batches.unfinished() if await _batch_put_back(service, number)]
    tally.reconciled("hint_renewed", len(projects))
    tally.reconciled("batch_hint_renewed", len(batches))
    tally.reconciled("job_freed", len(freed))
    if projects or batches or freed:
        log.info("recovered", count=len(projects), projects=projects[:NAMED], batches=batches[:NAMED], freed_jobs=freed[:NAMED])
    return projects, batches, freed


async def _batch_put_back(service: Service, number: int) -> bool:
    if await service.batches.holder(number) is not None:
        return False
    _, is_new = await service.queue.hint_batch(number, renewing=True)
    return is_new

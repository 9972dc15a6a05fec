"""`cleanup`: each night, and when the disk gets full in between, what nobody needs any more makes room."""

from typing import Any

import structlog
from redis.exceptions import RedisError

from jobs.context import Service, WorkerContext
from jobs.maintenance.clearing import Cleared, Ground, clear, free_bytes
from jobs.transitions import is_chained, woken
from jobs.turns import turn_of
from reelqueue.errors import ReelqueueError
from reelqueue.models.stage import ProjectStatus

SECONDS = 480.0
"""Of the job's 600: what is left over is the next run's."""
ASKED_KEY, ASK_AGAIN_SECONDS = "reelqueue:cleanup:asked", 600
"""A disk that is low is looked at each minute, and cleaned at most so often: where nothing can go, nothing more can be done."""

log = structlog.get_logger(__name__)


async def cleanup(ctx: WorkerContext, dry_run: bool = False) -> dict[str, Any]:
    """Make room: see `clearing` for what goes, and `removable` for what stays.

    Reads: all projects that have ended, the batches.
    Writes: removes pieces, temporary files, what a killed delete left, batches whose projects are all deleted; never a video, its
        script, its captions, nor anything of a project that has not ended; the ledger's days of more than 60 days ago.
    Costs: nothing.
    Repeats: harmless; what was done is not done again.
    """
    service = ctx["service"]
    told = await clear(ground_of(service), dry_run=dry_run, seconds=SECONDS)
    log.info("cleaned", files=told.files, bytes=told.bytes, free_bytes=told.free_bytes, days=told.ledger_days, left=told.left)
    if told.is_low and not dry_run:
        log.warning("disk_low", free_bytes=told.free_bytes, low_water_bytes=told.low_water_bytes)
    if told.bytes + told.trash_bytes and not dry_run:
        await wake_those_that_wait_for_the_disk(service)
    return {"status": "success", **as_json(told)}


def as_json(told: Cleared) -> dict[str, Any]:
    """What went, for programs; sizes in bytes."""
    names = ("dry_run", "files", "bytes", "projects", "cleaned", "batches", "trash_bytes", "ledger_days", "left")
    return {name: getattr(told, name) for name in (*names, "free_bytes", "low_water_bytes")}


def ground_of(service: Service) -> Ground:
    """Where a worker cleans, by its settings."""
    rules = service.rules
    return Ground(service.projects, service.batches, service.ledger, rules.keep_days, rules.low_water_bytes)


async def ask_where_low(ctx: WorkerContext) -> bool:
    """Ask for a cleanup where the disk is below its mark; whether it was asked for.  One look at the disk.

    Raises:
        RedisError: it may be asked for or not.
    """
    service = ctx["service"]
    if free_bytes(service.paths.root) >= service.rules.low_water_bytes:
        return False
    if not await ctx["redis"].set(ASKED_KEY, "1", nx=True, ex=ASK_AGAIN_SECONDS):
        return False
    await service.queue.enqueue("cleanup")
    return True


async def wake_those_that_wait_for_the_disk(service: Service) -> list[int]:
    """Let them look at once; else they do so within a minute.  Returns their ids."""
    known = await service.projects.outlines(await service.projects.unfinished())
    waiting = [number for number, one in known.items() if one is not None and one.status is ProjectStatus.WAITING_DISK]
    for number in waiting:
        try:
            state = await service.projects.change(number, woken)
            if state.status is ProjectStatus.QUEUED and (stage := state.next_stage) is not None:
                await service.queue.hint(number, stage, turn=turn_of(state, stage), chain=is_chained(state, stage))
        except (ReelqueueError, RedisError, OSError) as error:  # it looks again by itself
            log.warning("not_woken", project_id=number, error=str(error))
    return waiting

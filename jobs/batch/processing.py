"""A list of projects, as one job.  It waits without holding a place: its own job goes back to the queue between two looks.

Whoever ends a project, or lets it wait, wakes its batch; and a batch is looked at now and then by itself, should that be lost.
"""

from typing import Any

import structlog
from arq.worker import Retry
from redis.exceptions import RedisError

from jobs.batch import asked, plan
from jobs.batch.acting import Hands, for_each
from jobs.batch.capacity import Places, live_places
from jobs.batch.running import Outlines, batch_result, looked_at, results_of
from jobs.batch.telling import tell
from jobs.batch.window import to_start, window_of
from jobs.context import Service, WorkerContext
from reelqueue import clock, failpoints
from reelqueue.errors import Busy, DiskFull, Fenced, StorageUnavailable
from reelqueue.models.batch import BatchAct, BatchState
from reelqueue.models.ids import parse_batch_id
from reelqueue.models.stage import BatchStatus
from reelqueue.telemetry import bound
from storage import StateLease

LEAST_PAUSE_S, PROJECTS_PER_SECOND = 1.0, 1_000
"""Between two looks at least a second, more for a large batch: looking takes a small part of the time."""
LEAST_IDLE_S, MOST_IDLE_S, IDLE_PER_PROJECT_S = 2.0, 30.0, 0.01
"""How soon a batch that nobody woke is looked at by itself."""

log = structlog.get_logger(__name__)


async def batch_processing_task(ctx: WorkerContext, batch_id: int) -> dict[str, Any]:
    """Make all videos of a batch.

    Reads: the batch, and of each project what happens next with it.
    Writes: the batch's counts and results; starts its projects, so many at a time.
    Costs: what its projects cost.
    Repeats: harmless; an ended batch answers what it came to.
    """
    service, number = ctx["service"], parse_batch_id(batch_id)
    with bound(batch_id=number):
        state = await service.batches.load(number)
        pause = max(LEAST_PAUSE_S, len(state.project_ids) / PROJECTS_PER_SECOND)
        if not state.has_ended:
            await _adopted(service, ctx["job_id"], number, pause)
            state, soon = await _looked(service, state)
        await service.announcer.batch(state)
        if state.has_ended:
            return batch_result(state, await service.batches.results(number))
        if soon or await _was_woken(service, number):
            raise Retry(defer=pause)
    raise Retry(defer=min(MOST_IDLE_S, max(LEAST_IDLE_S, IDLE_PER_PROJECT_S * len(state.project_ids))))


async def _looked(service: Service, state: BatchState) -> tuple[BatchState, bool]:
    """The batch after a look at it, and whether the next look is due soon."""
    try:
        async with await service.batches.take_over(state.batch_id) as lease:
            soon = await _Look(service, lease).carry_out()
            return lease.state, soon
    except (Busy, Fenced):  # somebody else looks, took it over, or changed it meanwhile
        return state, True
    except (DiskFull, StorageUnavailable) as wait:
        log.warning("batch_waits", error=wait.message)
        return state, False


class _Look:
    """One look at a batch, with it in hand."""

    def __init__(self, service: Service, lease: StateLease[BatchState]) -> None:
        self._service = service
        self._lease = lease
        self._hands = Hands(service.projects, service.queue, service.publisher)
        self._now = clock.now()

    async def carry_out(self) -> bool:
        """Act, start, count, commit, tell; whether the next look is due soon.

        Raises:
            WrongState: it was never made to its end.
            Busy, Fenced: it was changed, or taken over, meanwhile.  DiskFull, StorageUnavailable: nothing is lost.
        """
        known = self._lease.state
        state = asked.start(self._now)(known) if known.status is BatchStatus.CREATED else known
        outlines = await self._outlines(state)
        through = await self._hands.carry_through(state, outlines)
        if state.act is not None:
            outlines = await self._outlines(state)
            state = state.replace(act=None) if through and state.act is not BatchAct.CANCEL else state
        state = looked_at(state, outlines, self._now)
        if state.status is BatchStatus.RUNNING:
            if state.forecast is None:
                state = state.replace(forecast=await plan.begun(self._service, state, outlines, self._now))
            await self._begin(state, outlines)
        await failpoints.reach("batch.begun")
        if state.has_ended:
            await self._service.batches.keep_results(state.batch_id, results_of(state, outlines))
            state = state.replace(outcome=await plan.ended(self._service, state, outlines, self._now))
        if state != known:
            await self._lease.commit(lambda _newest: state)  # the first of this lease: refused where it is not `known` any more
            await failpoints.reach("batch.looked")
        await self._tell(known, outlines)
        return through and state.act is not None

    async def _outlines(self, state: BatchState) -> Outlines:
        return await self._service.projects.outlines(state.project_ids)

    async def _begin(self, state: BatchState, outlines: Outlines) -> None:
        """Start as many as there is room for; each has its moment of publication from the first, and may get another later."""
        places = await live_places(self._service.queue.redis, Places())
        window = window_of(places.heavy + places.wait)
        starting = {one.project_id: one for one in to_start(state, outlines, window, self._now)}
        slots = await plan.slots(self._service, state, outlines, self._now, [*starting])
        await for_each(starting, lambda number: self._hands.start(starting[number], slots.get(number), state.run))
        later = [number for number in slots if number not in starting]
        await for_each(later, lambda number: self._hands.move(number, slots[number]))

    async def _tell(self, before: BatchState, outlines: Outlines) -> None:
        state = self._lease.state
        if before.overdue_since is None and state.overdue_since is not None:
            log.warning("batch_overdue", started_at=str(state.started_at), projects=len(state.project_ids))
        if state.has_ended:
            log.info("batch_ended", status=str(state.status), completed=state.completed, failed=state.failed)
        begins = before.forecast is None and before.completed + before.failed == 0  # else a later coordinator goes on telling
        await tell(self._service.publisher, self._service.told, state, outlines, self._now, begins=begins)


async def _adopted(service: Service, job_id: str, number: int, pause: float) -> None:
    """The job stands for the batch's hint, however it came; from here on who wakes the batch means the next look."""
    try:
        await service.queue.adopt_batch(job_id, number)
        await service.queue.look_begins(number, pause)
    except (RedisError, OSError) as error:
        log.debug("look_not_marked", error=str(error))


async def _was_woken(service: Service, number: int) -> bool:
    try:
        return await service.queue.was_woken(number)
    except (RedisError, OSError):
        return False

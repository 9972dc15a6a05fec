"""`Queue`: what app code may do with projects and batches.  A project is on disk before it is in the queue."""

import asyncio
import contextlib
import time
from collections.abc import Sequence
from typing import Any

import structlog
from arq.jobs import Job
from redis.exceptions import RedisError

from jobs import acts, transitions
from jobs.batch.making import make_batch
from jobs.batch.running import batch_result, begun, has_ended
from jobs.cancelling import cancel_project
from jobs.queue import JobQueue
from jobs.turns import turn_of
from jobs.waiting import answer_from_disk, resting, until
from progress import Publisher
from reelqueue.errors import Busy, InvalidBrief, StorageUnavailable, WrongState
from reelqueue.models.batch import BatchState
from reelqueue.models.brief import Brief
from reelqueue.models.ids import parse_project_id
from reelqueue.models.project import ProjectState
from reelqueue.models.stage import ProjectStatus, Stage
from reelqueue.wording import Text, same
from storage import BatchStore, ProjectStore

STOPS_WITHIN_S = 2.0
"""How long a cancel waits for the worker in whose hand the project is; one that died says nothing more."""
LET_GO_SECONDS, LET_GO_LOOK_S = 5.0, 0.05
"""How long a worker may take to let go of a project that rests: it stops cancelled work within two seconds."""

log = structlog.get_logger(__name__)


class Queue:
    """The door for app code; `jobs.connect` opens it."""

    def __init__(self, projects: ProjectStore, batches: BatchStore, queue: JobQueue, publisher: Publisher) -> None:
        self._projects = projects
        self._batches = batches
        self._queue = queue
        self._publisher = publisher

    async def create_project(
        self, brief: Brief | dict[str, Any], *, project_id: int | None = None, idempotency_key: str | None = None
    ) -> ProjectState:
        """Put a project on disk; nothing is started.

        The same `idempotency_key` gives the same project back.  `project_id`: an id of the app's own.

        Raises:
            InvalidBrief: names the field.
            Conflict: the id is taken, or the key stands for another brief.
        """
        return await self._projects.create(brief, project_id=project_id, idempotency_key=idempotency_key)

    async def start(self, project_id: int | str) -> Job:
        """Enqueue the first unfinished stage; one that is on its way stays so.

        Raises:
            ProjectNotFound.  WrongState: it failed, was cancelled or waits for a person.
        """
        state = await self._projects.change(project_id, acts.start)
        stage = state.next_stage or state.goal
        job, _ = await self._queue.hint(state.project_id, stage, turn=turn_of(state, stage), at=state.resume_at, renewing=True)
        return job

    async def enqueue_job(self, function: str, *args: Any, _queue_name: str | None = None, **kwargs: Any) -> Job:
        """Enqueue one job on its queue by its name; `.result()` raises our errors.

        Of arq's own options `_defer_by` and `_defer_until` may be given too.

        Raises:
            ValueError: there is no such job; or an id or an expiry was given, which are chosen here (an id is used once).
        """
        if chosen := {"_job_id", "_expires", "_job_try"} & kwargs.keys():
            raise ValueError(f"{min(chosen)} can't be given: ids are used once and chosen here, as are expiry and tries")
        return await self._queue.enqueue(function, *args, queue=_queue_name, **kwargs)

    async def wait(self, project_id: int | str, timeout: float | None = None, *, through_waits: bool = False) -> dict[str, Any]:  # noqa: ASYNC109 - the contract's name
        """Wait for the project's end, by its state on disk; returns the last stage's result.

        Raises:
            ProjectFailed, ProjectCancelled: it ended so.
            ProjectWaiting: it waits for a person, a quota, money or the disk (unless `through_waits`).
            TimeoutError: it had not ended after `timeout` seconds.
        """
        state = await until(
            lambda: self._projects.load(project_id), lambda state: resting(state, through_waits=through_waits), timeout
        )
        return await answer_from_disk(state, self._projects.paths)

    async def get_project(self, project_id: int | str) -> ProjectState:
        """The state.  Raises `ProjectNotFound`."""
        return await self._projects.load(project_id)

    async def list_projects(
        self,
        *,
        status: ProjectStatus | str | None = None,
        batch_id: int | None = None,
        limit: int = 100,
        after: int | None = None,
    ) -> list[ProjectState]:
        """States, newest first; `after` is the id of the last one seen.

        Raises:
            InvalidBrief: `status` is none of a project's.
        """
        if status is not None and status not in set(ProjectStatus):
            raise InvalidBrief("status", same(", ".join(ProjectStatus)), status)
        wanted = None if status is None else str(status)
        return list(await self._projects.list(status=wanted, batch_id=batch_id, limit=limit, after=after))

    async def retry(self, project_id: int | str, from_stage: Stage | str | None = None) -> ProjectState:
        """Try again what failed, was cancelled or waits; or everything from `from_stage` on.

        Raises:
            ProjectNotFound.  WrongState: there is nothing to try again, or the project is published.
            InvalidBrief: `from_stage` is no stage.
        """
        stage = None if from_stage is None else _stage(from_stage)
        state = await self._projects.change(project_id, acts.retry(stage))
        await self._hint_next(state)
        return state

    async def cancel(self, project_id: int | str) -> ProjectState:
        """Cancel; work in hand stops within two seconds, which are waited for: nothing begins after the answer.

        A second time changes nothing.

        Raises:
            ProjectNotFound.  WrongState: it has ended already.
        """
        state = await cancel_project(self._projects, self._publisher, project_id)
        await self._wake(state.project_id)
        await self._stopped(state.project_id)
        return state

    async def _stopped(self, number: int) -> None:
        with contextlib.suppress(TimeoutError, StorageUnavailable):  # it is cancelled, whoever can be seen to hold it
            async with asyncio.timeout(STOPS_WITHIN_S):
                while await self._projects.holder(number) is not None:  # noqa: ASYNC110 - it is in another process
                    await asyncio.sleep(LET_GO_LOOK_S)

    async def approve(self, project_id: int | str) -> ProjectState:
        """Approve what waits for review; the project goes on.

        Raises:
            ProjectNotFound.  WrongState: it does not wait for a review.
        """
        state = await self._projects.change(project_id, acts.approve)
        await self._hint_next(state)
        return state

    async def delete(self, project_id: int | str) -> None:
        """Delete a project; what it published stays, its id is never used again.

        Raises:
            ProjectNotFound.  WrongState: a worker has it in hand; cancel it first.
        """
        number = parse_project_id(project_id)
        deadline = time.monotonic() + LET_GO_SECONDS
        while True:
            try:
                await self._projects.delete(number)
                break
            except Busy:
                resting = (await self._projects.load(number)).status not in {ProjectStatus.RUNNING, ProjectStatus.QUEUED}
                if not resting or time.monotonic() > deadline:
                    raise _in_hand(number) from None
                await asyncio.sleep(LET_GO_LOOK_S)  # its worker is about to let go of it
        await self._wake(number)

    async def create_batch(self, briefs: Sequence[Brief | dict[str, Any]], *, idempotency_key: str | None = None) -> BatchState:
        """Put a batch and its projects on disk; nothing is started.

        Raises:
            InvalidBrief: one brief is wrong (nothing is made), or there is none.
            Conflict: the key stands for other briefs.
        """
        return await make_batch(self._projects, self._batches, briefs, idempotency_key=idempotency_key)

    async def start_batch(self, batch_id: int | str) -> Job:
        """Enqueue the batch; one that is on its way stays so.  Raises `BatchNotFound`."""
        state = await self._batches.change(batch_id, begun)
        job, _ = await self._queue.hint_batch(state.batch_id, renewing=True)
        return job

    async def get_batch(self, batch_id: int | str) -> BatchState:
        """The state.  Raises `BatchNotFound`."""
        return await self._batches.load(batch_id)

    async def wait_batch(self, batch_id: int | str, timeout: float | None = 5_400) -> dict[str, Any]:  # noqa: ASYNC109 - the contract's name
        """Wait for the batch's end, by its state on disk; returns what its job returns.

        Raises:
            BatchNotFound.  TimeoutError: it had not ended after `timeout` seconds.
        """
        return batch_result(await until(lambda: self._batches.load(batch_id), has_ended, timeout))

    async def _wake(self, number: int) -> None:
        """Let waiting jobs answer at once; without it they do so when they look again."""
        try:
            await self._queue.wake(number)
        except (RedisError, OSError) as error:
            log.warning("not_woken", project_id=number, error=str(error))

    async def _hint_next(self, state: ProjectState) -> None:
        stage = state.next_stage
        if state.status is ProjectStatus.QUEUED and stage is not None:
            chain = transitions.is_chained(state, stage)
            await self._queue.hint(state.project_id, stage, turn=turn_of(state, stage), chain=chain)


def _stage(given: Stage | str) -> Stage:
    try:
        return Stage(given)
    except ValueError:
        raise InvalidBrief("from_stage", same(", ".join(Stage)), given) from None


def _in_hand(number: int) -> WrongState:
    return WrongState(
        Text(f"專案 {number} 正在執行", f"project {number} is being worked on"),
        Text(f"先執行 reelqueue cancel {number}", f"run reelqueue cancel {number} first"),
    )

"""`Queue`: what app code may do with projects and batches.  A project is on disk before it is in the queue."""

import contextlib
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import structlog
from arq.jobs import Job
from redis.exceptions import RedisError

from jobs import acts, transitions
from jobs.batch import asked
from jobs.batch.acting import Hands
from jobs.batch.asking import ask
from jobs.batch.making import make_batch
from jobs.batch.running import AGAIN, batch_result, results_of
from jobs.batch.terms import Holds, Terms
from jobs.cancelling import cancel_project, stopped
from jobs.deleting import Channels, delete_project
from jobs.queue import JobQueue
from jobs.turns import turn_of
from jobs.waiting import answer_from_disk, resting, until
from progress import Publisher
from reelqueue import clock
from reelqueue.errors import Busy, InvalidBrief, NeedsPerson, ProjectNotFound, WrongState
from reelqueue.models.batch import BatchState
from reelqueue.models.brief import Brief
from reelqueue.models.ids import parse_batch_id, parse_project_id
from reelqueue.models.project import ProjectState
from reelqueue.models.script import Script
from reelqueue.models.stage import ProjectStatus, Stage
from reelqueue.wording import same
from storage import BatchStore, ProjectStore

if TYPE_CHECKING:
    from jobs.estimate import Estimate

log = structlog.get_logger(__name__)


class Queue:
    """The door for app code; `jobs.connect` opens it."""

    def __init__(
        self,
        projects: ProjectStore,
        batches: BatchStore,
        queue: JobQueue,
        publisher: Publisher,
        channels: Channels,
        terms: Terms,
    ) -> None:
        self._projects = projects
        self._terms = terms
        self._channels = channels
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
        job, is_new = await self._queue.hint(
            state.project_id, stage, turn=turn_of(state, stage), at=state.resume_at, renewing=True
        )
        if not is_new:  # of a paused batch it looks again in a while by itself: it may go on now
            await self._queue.wake(state.project_id)
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
        await self._wake(state.project_id, state.batch_id)
        await stopped(self._projects, state.project_id)
        return state

    async def approve(self, project_id: int | str) -> ProjectState:
        """Approve what waits for review; the project goes on.

        Raises:
            ProjectNotFound.  WrongState: it does not wait for a review.
        """
        state = await self._projects.change(project_id, acts.approve)
        await self._hint_next(state)
        return state

    async def get_script(self, project_id: int | str) -> Script:
        """The script of a project, as it can be edited.

        Raises:
            ProjectNotFound.  WrongState: it has none yet.
        """
        from jobs.editing import editor  # noqa: PLC0415 - who does not edit loads no pictures and no drawing

        return (await editor.open_script(self._projects, project_id)).script

    async def edit_script(
        self, project_id: int | str, script: Script | dict[str, Any], *, seen: str | None = None, approve: bool = False
    ) -> ProjectState:
        """Change a project's script; only what the change touches is made again.  The same script changes nothing.

        A project that waits for its script's review waits on, unless `approve`; one that was not started or was cancelled stays so;
        any other goes on.  `seen`: the sha256 of the script that was changed, as the state has it; where somebody else was faster
        that is a `Conflict`.

        Raises:
            ProjectNotFound.  WrongState: it has no script yet, it runs, or it is published.
            InvalidBrief: names the field ("segments[2].text").
        """
        from jobs.editing import editor  # noqa: PLC0415 - as above

        opened = await editor.open_script(self._projects, project_id)
        wanted = await editor.edit_of(self._projects, opened, script)
        if wanted is opened.script:
            return opened.state
        state = await editor.keep_edit(self._projects, opened, wanted, seen=seen or opened.seen, approve=approve)
        await self._hint_next(state)
        return state

    async def price_of_edit(self, project_id: int | str, script: Script | dict[str, Any]) -> "Estimate":
        """What would be paid for if the project had this script: for each call what it may take at most.  Nothing is changed.

        Raises:
            as `edit_script`.  InvalidSettings: who shall make it can't be used as it is set up.
        """
        from jobs.editing import editor  # noqa: PLC0415 - as above

        opened = await editor.open_script(self._projects, project_id)
        wanted = await editor.edit_of(self._projects, opened, script)
        return (await editor.ahead_of(self._projects, self._channels.choice(), opened.state, wanted))[1]

    async def delete(self, project_id: int | str, *, video: bool = False) -> None:
        """Delete a project; its id is never used again.  What it published stays, or with `video` is taken off its channel first.

        Who died on the way calls it once more: what is gone already is no error.

        Raises:
            ProjectNotFound.  WrongState: a worker has it in hand, cancel it first; or another system published its video.
            QuotaExhausted, and the errors of the service: with `video`; the project is there still.
        """
        number = parse_project_id(project_id)
        batch_id = await self._batch_of(number)
        await delete_project(self._projects, number, channels=self._channels if video else None)
        await self._wake(number, batch_id)

    async def _batch_of(self, number: int) -> int | None:
        try:
            return (await self._projects.load(number)).batch_id
        except (ProjectNotFound, NeedsPerson):  # it is gone already, or can't be read
            return None

    async def create_batch(
        self,
        briefs: Sequence[Brief | dict[str, Any]],
        *,
        idempotency_key: str | None = None,
        keys: Sequence[str | None] | None = None,
        calendar: str | None = None,
        webhook: str | None = None,
    ) -> BatchState:
        """Put a batch and its projects on disk; nothing is started.

        `keys`: an idempotency key or None for each brief; whose project was made before under its key is left out.  `calendar`:
        when the videos are published, such as "Mon-Fri 09:00,18:00 Asia/Taipei" or "6h".  `webhook`: an address to tell.

        Raises:
            InvalidBrief: one brief is wrong, there is none, or there are too many; the calendar can't hold them; nobody may be
                told there.  Conflict: a key stands for something else.  Nothing is made.
        """
        kept = None if calendar is None else self._terms.calendar(calendar)
        if webhook is not None:
            self._terms.refuse_webhook(webhook)
        return await make_batch(
            self._projects,
            self._batches,
            briefs,
            idempotency_key=idempotency_key,
            keys=keys,
            calendar=kept,
            webhook=webhook,
            check=None if kept is None else partial(_held_by, self._terms.holds, kept),
        )

    async def start_batch(self, batch_id: int | str) -> Job:
        """Enqueue the batch; one that is on its way stays so, one that has ended answers what it came to.

        Raises:
            BatchNotFound.  WrongState: it is paused, or was not made to its end.
        """
        state = await self._batches.change(batch_id, asked.start(clock.now()))
        job, _ = await self._queue.hint_batch(state.batch_id, renewing=True)
        return job

    async def get_batch(self, batch_id: int | str) -> BatchState:
        """The state.  Raises `BatchNotFound`."""
        return await self._batches.load(batch_id)

    async def list_batches(self, *, limit: int = 100, after: int | None = None) -> list[BatchState]:
        """States, newest first; `after` is the id of the last one seen."""
        return list(await self._batches.list(limit=limit, after=after))

    async def batch_results(self, batch_id: int | str) -> list[dict[str, Any]]:
        """A line for each project, in the batch's order: `{project_id, status, video_id or error}`; neither while it is on its way.

        Raises:
            BatchNotFound.
        """
        state = await self._batches.load(batch_id)
        if state.has_ended:
            return list(await self._batches.results(batch_id))
        return results_of(state, await self._projects.outlines(state.project_ids))

    async def wait_batch(self, batch_id: int | str, timeout: float | None = 5_400) -> dict[str, Any]:  # noqa: ASYNC109 - the contract's name
        """Wait for the batch's end, by its state on disk; returns what its job returns.

        Raises:
            BatchNotFound.  TimeoutError: it had not ended after `timeout` seconds.
        """
        state = await until(lambda: self._batches.load(batch_id), lambda state: state.has_ended, timeout)
        return batch_result(state, await self._batches.results(batch_id))

    async def pause_batch(self, batch_id: int | str) -> BatchState:
        """Let nothing more of the batch begin; what runs of it ends.  A second time changes nothing.

        Raises:
            BatchNotFound.  WrongState: it does not run.
        """
        return await self._ask(batch_id, asked.pause)

    async def resume_batch(self, batch_id: int | str) -> BatchState:
        """Let a paused batch go on where it stood.  A second time changes nothing.

        Raises:
            BatchNotFound.  WrongState: it is not paused.
        """
        return await self._ask(batch_id, asked.resume)

    async def cancel_batch(self, batch_id: int | str) -> BatchState:
        """Cancel all of its projects that have not ended; work in hand stops within two seconds.  What is published stays.

        Raises:
            BatchNotFound.  WrongState: it has ended.
        """
        return await self._ask(batch_id, asked.cancel)

    async def retry_batch(self, batch_id: int | str) -> BatchState:
        """Try again those of its projects that failed (of a cancelled batch: all that were cancelled, too), as a new run.

        Raises:
            BatchNotFound.  WrongState: none failed, it was not started, or it is paused.
        """
        state = await self._batches.load(batch_id)
        meant = AGAIN[asked.again_of(state)]
        outlines = await self._projects.outlines(state.project_ids)
        anything = any(project is not None and project.status in meant for project in outlines.values())
        return await self._ask(batch_id, asked.retry(clock.now(), anything=anything))

    async def approve_batch(self, batch_id: int | str) -> list[int]:
        """Approve whatever of the batch waits for a review; returns the ids of those that go on.

        Raises:
            BatchNotFound.  WrongState: none of it waits for a review.
        """
        state = await self._batches.load(batch_id)
        outlines = await self._projects.outlines(state.project_ids)
        approved = []
        for number, project in outlines.items():
            if project is not None and project.status is ProjectStatus.WAITING_REVIEW:
                with contextlib.suppress(WrongState, ProjectNotFound):  # somebody else was faster with this one
                    approved.append((await self.approve(number)).project_id)
        if not approved:
            raise asked.nothing_to_approve(state)
        return approved

    async def delete_batch(self, batch_id: int | str) -> None:
        """Delete a batch that is not under way; its id is never used again.  Its projects stay.

        Raises:
            BatchNotFound.  WrongState: it is under way, cancel it first.
        """
        state = await self._batches.load(batch_id)
        asked.refuse_deletion(state)
        try:
            await self._batches.delete(state.batch_id)
        except Busy:
            raise asked.in_hand(state) from None

    async def _ask(self, batch_id: int | str, change: asked.Change) -> BatchState:
        try:
            return await ask(self._batches, Hands(self._projects, self._queue, self._publisher), batch_id, change)
        finally:
            await self._wake_batch(parse_batch_id(batch_id))

    async def _wake_batch(self, number: int) -> None:
        """Let the batch be looked at soon; without it that happens in a while."""
        try:
            await self._queue.hint_batch(number, renewing=True)
            await self._queue.wake_batch(number)
        except (RedisError, OSError) as error:
            log.warning("not_woken", batch_id=number, error=str(error))

    async def _wake(self, number: int, batch_id: int | None) -> None:
        """Let waiting jobs answer at once, and its batch be looked at; without it they do so when they look again."""
        try:
            await self._queue.wake(number)
            if batch_id is not None:
                await self._queue.wake_batch(batch_id)
        except (RedisError, OSError) as error:
            log.warning("not_woken", project_id=number, error=str(error))

    async def _hint_next(self, state: ProjectState) -> None:
        stage = state.next_stage
        if state.status is ProjectStatus.QUEUED and stage is not None:
            chain = transitions.is_chained(state, stage)
            await self._queue.hint(state.project_id, stage, turn=turn_of(state, stage), chain=chain)
        if state.batch_id is not None:
            await self._queue.wake_batch(state.batch_id)


async def _held_by(holds: Holds, calendar: str, briefs: Sequence[Brief]) -> None:
    await holds(briefs, calendar)


def _stage(given: Stage | str) -> Stage:
    try:
        return Stage(given)
    except ValueError:
        raise InvalidBrief("from_stage", same(", ".join(Stage)), given) from None

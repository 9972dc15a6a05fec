"""What a whole batch is asked for, done to its projects; what died in the middle is done again, and finds the rest."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

import structlog
from redis.exceptions import RedisError

from jobs import acts, transitions
from jobs.batch.running import Outlines
from jobs.cancelling import cancel_project
from jobs.queue import JobQueue
from jobs.turns import turn_of
from progress import Publisher
from reelqueue.errors import DiskFull, NeedsPerson, ProjectNotFound, StorageUnavailable, WrongState
from reelqueue.models.batch import BatchAct, BatchState
from reelqueue.models.project import ProjectState
from reelqueue.models.stage import ProjectStatus, Stage, StageStatus
from storage import Outline, ProjectStore

AT_ONCE = 8
"""So many projects at once: storage has as many threads for commits."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Hands:
    """What a batch's projects are acted on with."""

    projects: ProjectStore
    queue: JobQueue
    publisher: Publisher

    async def carry_through(self, state: BatchState, outlines: Outlines) -> bool:
        """Do to each project what the batch is asked for; False where the disk kept some from it."""
        match state.act:
            case BatchAct.PAUSE:
                return await self._each(outlines, _is_to_hold, self.hold)
            case BatchAct.RESUME:
                return await self._each(outlines, _is_to_release, self.release)
            case BatchAct.CANCEL:
                return await self._each(outlines, _is_to_cancel, self.cancel)
        return True

    async def hold(self, number: int) -> None:
        """Nothing of it begins any more; what runs of it ends."""
        await self.projects.change(number, held)

    async def release(self, number: int) -> None:
        """It goes on where it stood."""
        await self.hint(await self.projects.change(number, released))

    async def cancel(self, number: int) -> None:
        """It is cancelled, as one by one."""
        await cancel_project(self.projects, self.publisher, number)

    async def start(self, seen: Outline, slot: datetime | None, run: int = 1) -> None:
        """It is wanted in this `run` of its batch: for the first time, or once more after it failed; published at `slot`, if any.

        One that changed since it was `seen` is left alone: whoever was stopped meanwhile revives nothing that was cancelled.
        """

        def change(state: ProjectState) -> ProjectState:
            if state.updated_at != seen.updated_at:
                return state
            begun = (acts.retry(None)(state) if state.status.is_final else acts.start(state)).replace(batch_run=run)
            return begun if slot is None else begun.replace(slot=slot)

        await self.hint(await self.projects.change(seen.project_id, change))

    async def move(self, number: int, slot: datetime) -> None:
        """It is published at another time."""
        await self.projects.change(number, moved(slot))

    async def hint(self, state: ProjectState) -> None:
        """Its next stage is due, now or when it may go on."""
        stage = state.next_stage
        waits_for_a_time = state.status.is_waiting and state.resume_at is not None
        if stage is None or not (state.status is ProjectStatus.QUEUED or waits_for_a_time):
            return
        chain = transitions.is_chained(state, stage)
        try:
            await self.queue.hint(state.project_id, stage, at=state.resume_at, chain=chain, turn=turn_of(state, stage))
        except (RedisError, OSError) as error:  # the state knows; it is hinted again from disk
            log.warning("hint_lost", project_id=state.project_id, error=str(error))

    async def _each(self, outlines: Outlines, is_meant: Callable[[Outline], bool], act: Callable[[int], Awaitable[None]]) -> bool:
        known = [project for project in outlines.values() if project is not None]
        meant = [project for project in known if is_meant(project) and not project.is_unreadable]
        meant.sort(key=lambda project: project.status is not ProjectStatus.RUNNING)  # what runs now, first
        through = await for_each([project.project_id for project in meant], act)
        unreachable = [project for project in known if project.is_unreadable and not project.is_spoilt]
        return through and not unreachable  # it may be read again: then it is meant, too


async def for_each(numbers: Iterable[int], act: Callable[[int], Awaitable[None]]) -> bool:
    """Act on each project, some at once; one that it does not fit any more is left alone.  False where the disk refused some."""
    places = asyncio.Semaphore(AT_ONCE)

    async def one(number: int) -> bool:
        async with places:
            try:
                await act(number)
            except (ProjectNotFound, WrongState, NeedsPerson) as error:
                log.debug("left_alone", project_id=number, error=error.message)
            except (DiskFull, StorageUnavailable) as error:
                log.warning("not_acted_on", project_id=number, error=error.message)
                return False
        return True

    return all(await asyncio.gather(*(one(number) for number in numbers)))


def held(state: ProjectState) -> ProjectState:
    """Its batch is paused."""
    return state if state.held or state.status.is_final or state.status is ProjectStatus.CREATED else state.replace(held=True)


def released(state: ProjectState) -> ProjectState:
    """Its batch goes on."""
    return state.replace(held=False) if state.held else state


def moved(slot: datetime) -> Callable[[ProjectState], ProjectState]:
    """The calendar gives it another moment of publication."""

    def change(state: ProjectState) -> ProjectState:
        if state.slot == slot or state.status.is_final or state.stages[Stage.UPLOAD].status is StageStatus.RUNNING:
            return state  # an upload that began since takes its moment from the booking itself
        return state.replace(slot=slot)

    return change


def _is_to_hold(project: Outline) -> bool:
    return not (project.held or project.status.is_final or project.status is ProjectStatus.CREATED)


def _is_to_release(project: Outline) -> bool:
    return project.held


def _is_to_cancel(project: Outline) -> bool:
    return not project.status.is_final

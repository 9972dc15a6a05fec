"""Finds events that nobody kept: their worker died between the commit and the outbox; or a deadline passed, which no commit tells."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import structlog

from jobs.context import Service
from jobs.events import deadline_id, deadline_missed, event_id
from jobs.noticing import kind_of
from reelqueue import clock
from reelqueue.errors import BatchNotFound, NeedsPerson, ProjectNotFound, StorageUnavailable
from reelqueue.models.event import Delivery
from storage.outlines import Outline

STILL_NEWS = timedelta(days=3)
"""A batch that ended before that is no news any more, whoever is set up to be told by now."""

log = structlog.get_logger(__name__)


class Missed:
    """Looks for one process; what it found once it does not look up again."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._known: set[str] = set()
        self._ended: set[int] = set()

    async def look(self) -> None:
        """Keep what was missed.

        Raises:
            ReelqueueError: the disk does not answer; the next look finds it.
        """
        announcer, under_way = self._service.announcer, await self._service.batches.unfinished()
        if announcer.is_set_up or await asyncio.to_thread(lambda: any(announcer.destinations(number) for number in under_way)):
            await self._projects()
        await self._batches(under_way)

    async def _projects(self) -> None:
        outlines = await self._service.projects.outlines(await self._service.projects.unfinished())
        known = [outline for outline in outlines.values() if outline is not None]
        await asyncio.to_thread(self._service.announcer.unreadable, [outline for outline in known if outline.is_unreadable])
        found = [outline for outline in known if not outline.is_unreadable]
        wanted, deadlines = await asyncio.to_thread(self._wanted, found)  # a batch's address is read from its state
        names = wanted.keys() | deadlines.keys()
        self._known &= names
        self._known |= await self._service.announcer.outbox.knows(names - self._known)
        untold = {outline.project_id for name, outline in wanted.items() if name not in self._known}
        for number in untold | await self._unnoted(found):
            await self._tell_again(number)
        for name, outline in deadlines.items():
            if name not in self._known:
                await self._missed(name, outline)

    def _wanted(self, outlines: list[Outline]) -> tuple[dict[str, Outline], dict[str, Outline]]:
        """By the names that they have in the outbox: the events that states are, and deadlines that passed."""
        states, deadlines, now = dict[str, Outline](), dict[str, Outline](), clock.now()
        for outline in outlines:
            for destination in self._destinations(outline):
                if (identity := event_id(outline)) is not None:
                    states[f"{identity}@{destination}"] = outline
                if outline.deadline is not None and outline.deadline <= now and not outline.status.is_final:
                    deadlines[f"{deadline_id(outline)}@{destination}"] = outline
        return states, deadlines

    def _destinations(self, outline: Outline) -> Sequence[str]:
        try:
            return self._service.announcer.destinations(outline.batch_id)
        except StorageUnavailable as error:  # its batch's: the next look may find it
            log.warning("event_not_kept", project_id=outline.project_id, error=error.message)
            return ()

    async def _unnoted(self, outlines: list[Outline]) -> set[int]:
        """Who waits, and stands beside no notice."""
        announcer = self._service.announcer
        if not announcer.notifies:
            return set()
        kinds = await asyncio.to_thread(lambda: {outline.project_id: kind_of(outline) for outline in outlines})
        marked = {(kind, number) for kind in set(kinds.values()) if kind for number in await announcer.notices.waiting(kind)}
        return {number for number, kind in kinds.items() if kind is not None and (kind, number) not in marked}

    async def _tell_again(self, number: int) -> None:
        try:
            await self._service.projects.unmark(number)  # storage tells of it once more
        except StorageUnavailable as error:
            log.warning("event_not_kept", project_id=number, error=error.message)

    async def _missed(self, name: str, outline: Outline) -> None:
        try:
            state = await self._service.projects.load(outline.project_id)
        except (ProjectNotFound, NeedsPerson):
            return
        log.warning("deadline_missed", project_id=outline.project_id, deadline=str(outline.deadline))
        event = deadline_missed(state, clock.now())
        await self._service.announcer.outbox.add(Delivery(event=event, destination=name.rpartition("@")[2]))

    async def _batches(self, under_way: Sequence[int]) -> None:
        batches, oldest = self._service.batches, clock.now() - STILL_NEWS
        self._ended -= set(under_way)  # one that is retried
        for number in set(await batches.ids()) - self._ended:
            try:
                state = await batches.load(number)
            except (BatchNotFound, NeedsPerson, StorageUnavailable):
                continue
            if state.has_ended:
                self._ended.add(number)
            if not state.has_ended or (state.ended_at or state.updated_at) > oldest:
                await self._service.announcer.batch(state)

"""Tells people of a kind of wait, once: by command and by mail.  When nobody waits so any more, the kind is forgotten."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from jobs.announcing import Announcer
from jobs.noticing import kind_of
from reelqueue import clock, failpoints
from reelqueue.models.event import Notice
from reelqueue.process import ChildFailed
from storage import ProjectStore
from storage.outlines import Outline

RETRY_S = (60, 300, 1_800, 7_200, 21_600)
"""Seconds between two attempts of a way that may be tried again: nine hours in all."""
FAILED_COUNTS = timedelta(days=1)
"""Who failed for a dead token does not wait, and may never be tried again: after a day the next one that does is told of anew."""
LOOKED_AT_ONCE = 200
"""Of the projects of one kind: as soon as one of them still waits, the others need no look."""

log = structlog.get_logger(__name__)


class Way(Protocol):
    """A way to tell people; `what` is its name, `retries` whether it may be tried again."""

    what: str
    retries: bool

    async def tell(self, notice: Notice) -> None:
        """Tell.

        Raises:
            OSError, ChildFailed: it did not go, or nobody knows.
        """


class Informer:
    """Tells for one process."""

    def __init__(self, announcer: Announcer, projects: ProjectStore, ways: Sequence[Way]) -> None:
        self._announcer = announcer
        self._projects = projects
        self._ways = ways
        self._quiet: set[str] = set()

    async def inform(self) -> None:
        """Tell what is new; what could not be kept, for want of space, as well.

        Raises:
            ReelqueueError: the disk does not answer.
        """
        for notice in await self._announcer.notices.all():
            told = await self._told(notice)
            if told is not notice:
                await self._announcer.notices.note(told)
        for kind, notice in list(self._announcer.unsaved.items()):
            told = await self._told(notice)
            if kind in self._announcer.unsaved:  # not kept meanwhile
                self._announcer.unsaved[kind] = told

    async def _told(self, notice: Notice) -> Notice:
        now = clock.now()
        if notice.next_at is not None and notice.next_at > now:
            return notice
        open_ways = [way for way in self._ways if way.what not in notice.done]
        failed = [way for way in open_ways if not await self._went(way, notice)]
        if not open_ways:
            return notice
        last = notice.attempts >= len(RETRY_S)
        done = [way.what for way in open_ways if way not in failed or last or not way.retries]
        told = notice.replace(done=(*notice.done, *done))
        return told if len(done) == len(open_ways) else _later(told, now)

    async def _went(self, way: Way, notice: Notice) -> bool:
        try:
            await way.tell(notice)
            await failpoints.reach("notice.told")
        except (OSError, ChildFailed) as error:
            log.warning("not_told", way=way.what, kind=notice.kind, error=str(error)[:500], attempts=notice.attempts + 1)
            return False
        log.info("told", way=way.what, kind=notice.kind, project_id=notice.project_id)
        return True

    async def forget_what_passed(self) -> None:
        """Forget the kinds that nobody waits with: two looks in a row, since what waits for the disk is tried in between.

        Raises:
            ReelqueueError: the disk does not answer.
        """
        quiet = {notice.kind for notice in await self._announcer.notices.all() if not await self._still_waits(notice.kind)}
        for kind in quiet & self._quiet:
            await self._announcer.notices.clear(kind, await self._announcer.notices.waiting(kind))
            log.info("wait_is_over", kind=kind)
        self._quiet = quiet - self._quiet

    async def _still_waits(self, kind: str) -> bool:
        numbers = await self._announcer.notices.waiting(kind)
        for start in range(0, len(numbers), LOOKED_AT_ONCE):
            some = numbers[start : start + LOOKED_AT_ONCE]
            outlines = await self._projects.outlines(some)
            if any(outline is not None and _waits_so(outline, kind) for outline in outlines.values()):
                return True
        return False


def _waits_so(outline: Outline, kind: str) -> bool:
    has_failed_long_ago = outline.status.is_final and clock.now() - outline.updated_at > FAILED_COUNTS
    return kind_of(outline) == kind and not has_failed_long_ago


def _later(notice: Notice, now: datetime) -> Notice:
    return notice.replace(attempts=notice.attempts + 1, next_at=now + timedelta(seconds=RETRY_S[notice.attempts]))

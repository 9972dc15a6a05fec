"""Keeps what webhooks and people are to be told, right where it can't be lost: nothing is sent here.

Storage calls `rested` at the end of each hold on a project, under its lock and before its marker `open/<id>` goes.  So a crash
before it leaves the marker, and whoever finds that comes by here; a crash after it leaves the event.
"""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import structlog

from jobs.events import batch_events, event_of
from jobs.noticing import kind_of, notice_of
from reelqueue.errors import ReelqueueError
from reelqueue.models.batch import BatchState
from reelqueue.models.event import Delivery, Event, Notice
from reelqueue.models.project import ProjectState
from storage.answers import Missing
from storage.notices import Notices
from storage.outbox import Outbox
from storage.outlines import Outline

TO_ALL = "all"
"""The destination that WEBHOOK_URL names."""

log = structlog.get_logger(__name__)


class Announcer:
    """What one installation tells.

    `webhook_url` is told of everything (None: nobody is); `webhook_of` gives a batch's own address, in the caller's thread;
    `notifies`: people are told, too.  A client (`leaves_it` true) that is set up to tell nobody, beside workers that do, leaves
    it to them: an app's process may not have their settings.
    """

    def __init__(
        self,
        outbox: Outbox,
        notices: Notices,
        *,
        webhook_url: str | None = None,
        notifies: bool = False,
        webhook_of: Callable[[int], str | None] = lambda _batch_id: None,
        leaves_it: bool = False,
    ) -> None:
        self.outbox = outbox
        self.notices = notices
        self.notifies = notifies
        self.unsaved: dict[str, Notice] = {}
        self._url = webhook_url
        self._webhook_of = webhook_of
        self._leaves_it = leaves_it and not self.is_set_up
        self._known: dict[int, str | None] = {}
        self._told: dict[int, tuple[str, ...]] = {}

    @property
    def is_set_up(self) -> bool:
        """Whether anybody is told of everything."""
        return self._url is not None or self.notifies

    async def make_ready(self) -> None:
        """Make the outbox, where it is not there: whoever carries it holds its lock.  Raises DiskFull, Unavailable."""
        await self.outbox.make()

    def destinations(self, batch_id: int | None) -> Sequence[str]:
        """Which webhooks hear of a project of this batch (None: of none), or of the batch itself; reads a batch's state once."""
        found = [TO_ALL] if self._url is not None else []
        if batch_id is not None:
            if batch_id not in self._known:
                self._known[batch_id] = self._webhook_of(batch_id)
            if self._known[batch_id] not in {None, self._url}:
                found.append(f"b{batch_id}")
        return found

    def rested(self, state: ProjectState) -> bool:
        """A project waits, or has ended: keep what is to be told of it.  Runs in the caller's thread; a second time does nothing.

        False where it could not be kept: it has to be called again.
        """
        try:
            if self._leaves_it and self.outbox.is_there():
                return False
            event = event_of(state)
            if event is not None:
                self._keep(event, self.destinations(state.batch_id))
            if self.notifies:
                self._note(Outline.of(state))
        except (ReelqueueError, OSError, Missing) as error:
            log.warning("event_not_kept", project_id=state.project_id, error=str(error))
            return False
        return True

    def unreadable(self, outlines: Sequence[Outline]) -> None:
        """States can't be read: people are told, once.  Never raises; runs in the caller's thread."""
        for outline in outlines if self.notifies else ():
            try:
                self._note(outline)
            except (ReelqueueError, OSError, Missing) as error:
                log.warning("event_not_kept", project_id=outline.project_id, error=str(error))

    async def batch(self, state: BatchState) -> None:
        """Keep what is to be told of a batch: its start, that it is over its time, its end.  A second time does nothing.

        Never raises: where it can't be kept, the next call does it.
        """
        events = batch_events(state)
        names = tuple(event.event_id for event in events)
        destinations = [TO_ALL] if self._url is not None else []
        if state.webhook not in {None, self._url}:
            destinations.append(f"b{state.batch_id}")
        if not destinations or self._told.get(state.batch_id) == names:
            return
        try:
            for event in events:
                for destination in destinations:
                    await self.outbox.add(Delivery(event=event, destination=destination))
            self._told[state.batch_id] = names
        except (ReelqueueError, OSError, Missing) as error:
            log.warning("event_not_kept", batch_id=state.batch_id, error=str(error))

    def _keep(self, event: Event, destinations: Sequence[str]) -> None:
        for destination in destinations:
            self.outbox.add_now(Delivery(event=event, destination=destination))

    def _note(self, outline: Outline) -> None:
        kind = kind_of(outline)
        if kind is None:
            return
        try:
            self.notices.mark_now(kind, outline.project_id, partial(self._notice, outline, kind))
        except (ReelqueueError, OSError, Missing):  # above all on a full disk, of which somebody has to hear
            self.unsaved.setdefault(kind, notice_of(outline, kind))
            raise

    def _notice(self, outline: Outline, kind: str) -> Notice:
        """The words to keep: those that were told already, where they could not be kept before."""
        return self.unsaved.pop(kind, None) or notice_of(outline, kind)


def nobody() -> Announcer:
    """Tells nobody of anything, and writes nothing."""
    return Announcer(Outbox(Path("outbox")), Notices(Path("notices")))

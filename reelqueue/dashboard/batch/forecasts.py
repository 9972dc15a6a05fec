"""When each batch is expected to end, as things are by now: made beside the pages, never for each reader.

A forecast plays the whole queue through: 0.4 s of a core for 500 projects, 1.3 s for 5,000 (measured, two cores).
"""

import asyncio
import contextlib
import time
from collections.abc import Mapping
from dataclasses import dataclass

import structlog

from jobs.batch.capacity import Places, live_places
from jobs.batch.plan import forecast_now
from jobs.batch.site import Site
from jobs.client import site_of
from reelqueue import clock
from reelqueue.bootstrap import Settings
from reelqueue.dashboard.link import Link
from reelqueue.errors import ReelqueueError
from reelqueue.models.batch import BatchState
from reelqueue.models.forecast import Forecast
from reelqueue.models.stage import BatchStatus
from reelqueue.providers.registry import Shelf
from storage import Outline

AGAIN_SECONDS, OLDEST_SECONDS = 20.0, 300.0
"""After a stage's end it is made anew, but no more often than this; and now and then in any case: time passes."""
PATIENCE_SECONDS = 0.08
"""How long a page waits for one that nobody has made yet."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Known:
    seen: object
    at: float
    forecast: Forecast | None


class Forecasts:
    """What is expected of the batches of one installation."""

    def __init__(self, settings: Settings, shelf: Shelf, link: Link) -> None:
        self._settings, self._shelf, self._link = settings, shelf, link
        self._known: dict[int, _Known] = {}
        self._making: dict[int, asyncio.Task[None]] = {}

    async def of(self, state: BatchState, outlines: Mapping[int, Outline | None]) -> Forecast | None:
        """The newest that is known, while a newer one is being made; None: it does not run, or nobody can tell (yet)."""
        if state.status is not BatchStatus.RUNNING:
            self._known.pop(state.batch_id, None)
            return None
        known, making = self._known.get(state.batch_id), self._making.get(state.batch_id)
        if making is None and self._is_due(known, seen := _seen(state, outlines)):
            making = asyncio.create_task(self._make(state, seen))
            self._making[state.batch_id] = making
            making.add_done_callback(lambda _ended: self._making.pop(state.batch_id, None))
        if known is None and making is not None:
            await asyncio.wait({making}, timeout=PATIENCE_SECONDS)
            known = self._known.get(state.batch_id)
        return known.forecast if known is not None else None

    async def site(self) -> Site:
        """What forecasts and calendars are held against: the places of the workers that live, else those that are set."""
        usual = Places(self._settings.video_max_jobs, self._settings.video_wait_slots)
        places = await live_places(self._link.client.redis, usual) if self._link.is_there else usual
        return site_of(self._settings, self._shelf, places)

    async def aclose(self) -> None:
        """Make no more of them."""
        making = [*self._making.values()]
        for task in making:
            task.cancel()
        if making:
            await asyncio.wait(making)

    def _is_due(self, known: _Known | None, seen: object) -> bool:
        if known is None:
            return True
        age = time.monotonic() - known.at
        return age > OLDEST_SECONDS or (age > AGAIN_SECONDS and seen != known.seen)

    async def _make(self, state: BatchState, seen: object) -> None:
        found: Forecast | None = None
        try:
            found = await forecast_now(await self.site(), state, clock.now())
        except ReelqueueError as error:  # a setting is wrong, or the disk is away: there is none, and the page says so
            log.warning("no_forecast", batch_id=state.batch_id, error=error.message)
        with contextlib.suppress(KeyError):
            del self._known[state.batch_id]  # the newest stand last
        self._known[state.batch_id] = _Known(seen, time.monotonic(), found)


def _seen(state: BatchState, outlines: Mapping[int, Outline | None]) -> object:
    """What is another after any of its stages has ended."""
    there = [one for one in outlines.values() if one is not None]
    return state.revision, len(there), max((one.ended_at.timestamp() for one in there if one.ended_at is not None), default=0.0)

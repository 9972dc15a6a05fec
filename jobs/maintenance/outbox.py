"""Carries events to webhooks and words to people, beside the jobs of a worker: a receiver that is slow keeps no job waiting.

Every worker has a courier, one of them at a time does the work: the maintenance worker looks each second, the others more seldom,
so that they find something only where it does not run.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta

import structlog

from jobs.context import Service
from jobs.maintenance.delivering import Deliverer
from jobs.maintenance.informing import Informer
from jobs.maintenance.missed import Missed
from jobs.pipeline import MAINTENANCE
from reelqueue import clock
from reelqueue.errors import ReelqueueError
from storage.answers import Missing
from storage.handing import in_hand

LOOK_SECONDS, SELDOM_SECONDS = 1.0, 5.0
MINUTE_SECONDS, HOUR_SECONDS = 60.0, 3_600.0
KEPT_DAYS = 30
"""So long what was delivered or given up can be sent again."""
LAST_SECONDS = 5.0
"""How long a worker that ends goes on with what it just kept; the others, or its successor, have the rest."""

log = structlog.get_logger(__name__)


class Courier:
    """One worker's courier."""

    def __init__(self, service: Service, deliverer: Deliverer, informer: Informer) -> None:
        self._service = service
        self._deliverer = deliverer
        self._informer = informer
        self._missed = Missed(service)
        self._at: dict[str, float] = {}

    async def work(self) -> None:
        """Look for ever; what it meets is logged, and met again."""
        often = self._service.queue_name == MAINTENANCE
        while True:
            try:
                await self.look()
            except (ReelqueueError, OSError, Missing) as error:
                log.warning("not_told", error=str(error))
            except Exception as error:  # a bug; were this to end, nobody would hear of anything
                log.exception("bug", exc_info=error)
            await asyncio.sleep(LOOK_SECONDS if often else SELDOM_SECONDS)

    async def look(self) -> None:
        """Find what was missed, tell people, deliver; nothing where another process does.

        Raises:
            ReelqueueError, OSError: the disk does not answer.
        """
        if not self._has_work():
            return
        if self._service.announcer.is_set_up:
            await self._service.announcer.make_ready()
        async with in_hand(self._service.paths.outbox) as ours:
            if ours:
                await self._every("missed", MINUTE_SECONDS, self._missed.look)
                await self._every("passed", MINUTE_SECONDS, self._informer.forget_what_passed)
                await self._informer.inform()
                await self._deliverer.deliver()
                await self._every("forget", HOUR_SECONDS, self._forget)
            elif not self._service.announcer.is_set_up:  # no batch with a webhook told of anything yet
                await self._every("missed", MINUTE_SECONDS, self._missed.look)

    def _has_work(self) -> bool:
        """Whether anybody may have to be told: where nothing is set up only a batch's own webhook, once in a while."""
        announcer = self._service.announcer
        return announcer.is_set_up or self._service.queue_name == MAINTENANCE or self._service.paths.outbox.exists()

    async def _every(self, what: str, seconds: float, act: Callable[[], Awaitable[None]]) -> None:
        now = time.monotonic()
        if now - self._at.get(what, float("-inf")) >= seconds:
            self._at[what] = now
            await act()

    async def _forget(self) -> None:
        projects, batches = await self._service.projects.unfinished(), await self._service.batches.unfinished()
        going_on = {*(f"p{number}" for number in projects), *(f"b{number}" for number in batches)}
        await self._service.announcer.outbox.forget(clock.now() - timedelta(days=KEPT_DAYS), kept=going_on)


@contextlib.asynccontextmanager
async def carrying(courier: Courier) -> AsyncIterator[None]:
    """The courier at work beside the block; at its end a last look, so that what ended with it is told at once."""
    working = asyncio.create_task(courier.work(), name="courier")
    try:
        yield
    finally:
        working.cancel()
        await asyncio.wait({working})
        with contextlib.suppress(TimeoutError, ReelqueueError, OSError, Missing):  # who comes next tells
            async with asyncio.timeout(LAST_SECONDS):
                await courier.look()

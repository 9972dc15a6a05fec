"""Delivers what is in the outbox: at least once, each event under one id, those of one project or batch in their order.

An event is tried ten times within about three days, by the schedule that the Standard Webhooks scheme recommends.  A receiver that
refuses one event (4xx) is asked again for that one by the schedule, and gets what follows meanwhile; one that is away gets nothing
before its oldest.  One that says 410 is not asked for that event again.  A crash between the delivery and its note delivers twice.
"""

import asyncio
import random
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from reelqueue import clock, failpoints
from reelqueue.models.event import GONE, Answer, Delivery, Event
from storage.outbox import Outbox

SCHEDULE_S = (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
"""Seconds between two attempts: 75 hours in all (Standard Webhooks, "Deliverability and reliability")."""
LONGEST = timedelta(hours=80)
"""An event so old is given up at its next failure, however seldom its turn came."""
JITTER = 0.1
AT_ONCE = 4
"""Of one destination."""
FAULTS_IN_A_ROW = 3
MOST_REST_SECONDS = 60.0
"""A destination that was away so often is asked by few, with pauses of up to a minute, until it answers."""
PASS_SECONDS = 30.0
"""After so long a pass begins nothing more, so that what came meanwhile is seen."""

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Receiver:
    """What this process knows of one destination."""

    places: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))
    faults: int = 0
    rests_until: float = 0.0

    @property
    def rests(self) -> bool:
        """Whether its pause is not over: it failed several times in a row."""
        return time.monotonic() < self.rests_until

    def heard(self, answer: Answer) -> None:
        """It took an event, refused one, or is away."""
        if answer.is_taken or answer.is_about_the_event:
            self.faults, self.rests_until = 0, 0.0
            return
        self.faults += 1
        pause = min(MOST_REST_SECONDS, 2.0 ** min(self.faults, 10)) if self.faults >= FAULTS_IN_A_ROW else 0.0
        self.rests_until = time.monotonic() + max(pause, min(MOST_REST_SECONDS, answer.pause_s or 0.0))


class Sender(Protocol):
    """Sends events, once per call."""

    async def send(self, url: str, event: Event) -> Answer:
        """Post one event; whatever happens is an answer."""


class Deliverer:
    """Delivers for one process; `url_of` gives a destination's address, None where it has none any more.

    `sender` is asked for with the first event: most workers never send one.
    """

    def __init__(self, outbox: Outbox, sender: Callable[[], Sender], url_of: Callable[[str], Awaitable[str | None]]) -> None:
        self._outbox = outbox
        self._sender = sender
        self._url_of = url_of
        self._receivers: defaultdict[str, Receiver] = defaultdict(Receiver)

    async def deliver(self) -> int:
        """Deliver what is due; returns how many were taken.

        Raises:
            ReelqueueError: the disk does not answer.
        """
        lanes: defaultdict[tuple[str, str], list[Delivery]] = defaultdict(list)
        for delivery in await self._outbox.pending():
            lanes[delivery.destination, delivery.event.subject].append(delivery)
        ends, now = time.monotonic() + PASS_SECONDS, clock.now()
        due = [lane for lane in lanes.values() if self._may_begin(lane, now)]
        done = await asyncio.gather(*(self._lane(lane, ends) for lane in due), return_exceptions=True)
        for one in done:
            if isinstance(one, BaseException):
                raise one
        return sum(one for one in done if isinstance(one, int))

    def _may_begin(self, lane: list[Delivery], now: datetime) -> bool:
        """Whether anything of a lane is due: thousands may wait for a receiver that is away."""
        if self._receivers[lane[0].destination].rests:
            return False
        for delivery in lane:
            if _is_due(delivery, now):
                return True
            if not delivery.rejected:
                return False
        return False

    async def _lane(self, lane: list[Delivery], ends: float) -> int:
        """One subject's events for one destination, in their order."""
        receiver, taken = self._receivers[lane[0].destination], 0
        for delivery in lane:
            if not _is_due(delivery, clock.now()):
                if delivery.rejected:
                    continue
                break
            async with receiver.places:
                if receiver.rests or time.monotonic() > ends:
                    break
                await failpoints.reach("webhook.sending")
                answer = await self._sent(delivery)
                await failpoints.reach("webhook.answered")
                receiver.heard(answer)
                await self._note(delivery, answer)
            taken += answer.is_taken
            if not (answer.is_taken or answer.is_about_the_event):
                break
        return taken

    async def _sent(self, delivery: Delivery) -> Answer:
        url = await self._url_of(delivery.destination)
        if url is None:
            return Answer(GONE, "no address is set any more")
        return await self._sender().send(url, delivery.event)

    async def _note(self, delivery: Delivery, answer: Answer) -> None:
        now = clock.now()
        said = {"told": delivery.event.event_id, "destination": delivery.destination, "status": answer.status}
        heard = delivery.replace(status=answer.status, error=answer.error, rejected=answer.is_about_the_event)
        if answer.is_taken:
            log.info("webhook_delivered", **said, attempts=delivery.attempts + 1)
            await self._outbox.moved(heard.replace(delivered_at=now, next_at=None), "delivered")
            return
        heard = heard.replace(attempts=delivery.attempts + 1)
        if answer.status == GONE or heard.attempts > len(SCHEDULE_S) or now - delivery.event.at > LONGEST:
            log.error("webhook_given_up", **said, error=answer.error, attempts=heard.attempts)
            await self._outbox.moved(heard.replace(gave_up_at=now, next_at=None), "given_up")
            return
        heard = heard.replace(next_at=next_attempt(heard.attempts, now, answer.pause_s))
        log.warning("webhook_not_taken", **said, error=answer.error, attempts=heard.attempts, next_at=str(heard.next_at))
        await self._outbox.note(heard)


def _is_due(delivery: Delivery, now: datetime) -> bool:
    return delivery.next_at is None or delivery.next_at <= now


def next_attempt(attempts: int, now: datetime, pause_s: float | None) -> datetime:
    """When to try again after so many failures; later where the receiver asks for it."""
    wait = SCHEDULE_S[attempts - 1] * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 - spreads load, guards nothing
    return now + timedelta(seconds=max(wait, pause_s or 0.0))

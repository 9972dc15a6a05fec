"""Puts a worker's courier together: who is told, by which ways, with what to sign."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from jobs.announcing import TO_ALL
from jobs.context import Service
from jobs.maintenance.delivering import Deliverer
from jobs.maintenance.informing import Informer, Way
from jobs.maintenance.outbox import Courier, carrying
from reelqueue.errors import BatchNotFound, NeedsPerson
from reelqueue.mailing import SmtpServer

if TYPE_CHECKING:
    from reelqueue.providers.webhooks import WebhookSender


@dataclass(frozen=True, slots=True)
class Told:
    """Who is told, as values of the settings.  `keys` sign; `mail_to` is empty where nobody gets mail."""

    webhook_url: str | None = None
    keys: tuple[bytes, ...] = field(default=(), repr=False)
    private_hosts: tuple[str, ...] = ()
    command: str | None = None
    mail_to: tuple[str, ...] = ()
    mail_from: str = ""
    server: SmtpServer | None = None
    zone: str = "UTC"

    def ways(self, folder: Path) -> list[Way]:
        """The ways to people that are set up; a command is run in `folder`."""
        ways: list[Way] = []
        if self.command is not None:
            from reelqueue.providers.notify.command import NotifyCommand  # noqa: PLC0415 - only what is set up is loaded

            ways.append(NotifyCommand(self.command, folder))
        if self.server is not None and self.mail_to:
            from reelqueue.providers.notify.mail import Mail  # noqa: PLC0415 - as above

            ways.append(Mail(self.server, self.mail_from or self.mail_to[0], self.mail_to, ZoneInfo(self.zone)))
        return ways


@contextlib.asynccontextmanager
async def courier(service: Service, told: Told) -> AsyncIterator[None]:
    """The courier of a worker, at work until the end of the block."""
    senders: list[WebhookSender] = []

    def sender() -> "WebhookSender":
        from reelqueue.providers.webhooks import WebhookSender  # noqa: PLC0415 - most workers never send: it brings an HTTP client

        if not senders:
            senders.append(WebhookSender(told.keys, told.private_hosts, service.instance))
        return senders[0]

    async def url_of(destination: str) -> str | None:
        if destination == TO_ALL:
            return told.webhook_url
        try:
            return (await service.batches.load(destination.removeprefix("b"))).webhook
        except (BatchNotFound, NeedsPerson):
            return None

    deliverer = Deliverer(service.announcer.outbox, sender, url_of)
    informer = Informer(service.announcer, service.projects, told.ways(service.paths.root))
    try:
        async with carrying(Courier(service, deliverer, informer)):
            yield
    finally:
        for one in senders:
            await one.aclose()

"""What all services of one sandbox share: a folder, a clock, a journal, orders for faults, and what each remembers."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from aiohttp import web

from reelqueue.sandbox.clock import Clock
from reelqueue.sandbox.faults import Faults, Order
from reelqueue.sandbox.journal import Journal


@dataclass
class World:
    """One sandbox's common ground.

    `url` is known once the server listens.  `services` holds what each service remembers, by its name:
    `routes` puts it there.  `closing` is set when the sandbox ends: whoever waits then stops.
    `at_end` is called once nobody is served any more.
    """

    folder: Path
    clock: Clock = field(default_factory=Clock)
    journal: Journal = field(default_factory=Journal)
    faults: Faults = field(default_factory=Faults)
    services: dict[str, Any] = field(default_factory=dict)
    closing: asyncio.Event = field(default_factory=asyncio.Event)
    url: str = ""
    at_end: list[Callable[[], None]] = field(default_factory=list)


class Service(Protocol):
    """A module that plays one service.  All its paths begin with `/{SERVICE}/`."""

    SERVICE: str

    def routes(self, world: World) -> list[web.RouteDef]:
        """Its routes.  Puts what it remembers into `world.services[SERVICE]`, below `world.folder / SERVICE` on disk."""

    def call_name(self, request: web.Request) -> str:
        """How journal and orders name this request: "script", "upload.chunk"; from its method, path and headers alone."""

    def refusal(self, status: int, order: Order) -> web.StreamResponse:
        """An error answer of this service: `order.details` may say reason, message, status and more."""

    def settings(self, world: World) -> Mapping[str, str]:
        """The environment variables that point a client at it, keys included."""

    def state(self, world: World) -> Mapping[str, Any]:
        """What happened, as JSON, for `GET /_sandbox/state`."""

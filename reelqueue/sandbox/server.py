"""A sandbox: the services on one port of this machine, opened and closed as one."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from aiohttp import web

from reelqueue.sandbox import control, did, gemini, knobs, monitoring, oauth, youtube
from reelqueue.sandbox.accounts import Accounts
from reelqueue.sandbox.clock import Clock
from reelqueue.sandbox.faults import Faults
from reelqueue.sandbox.journal import Journal
from reelqueue.sandbox.middleware import dated, through
from reelqueue.sandbox.world import Service, World

SERVICES: tuple[Service, ...] = (oauth, youtube, monitoring, gemini, did)
"""The modules that play a service each; see `world.Service` for what one must have."""

LARGEST_BODY_BYTES = 64 << 20
"""Of bodies that are read whole; the bytes of a video are not."""


class Sandbox:
    """A running sandbox, as tests hold it."""

    def __init__(self, world: World) -> None:
        self._world = world

    @property
    def url(self) -> str:
        """Where it listens: `http://127.0.0.1:40123`."""
        return self._world.url

    @property
    def folder(self) -> Path:
        """Where it keeps what it was given."""
        return self._world.folder

    @property
    def clock(self) -> Clock:
        """Its clock, which can be moved."""
        return self._world.clock

    @property
    def faults(self) -> Faults:
        """Where to order faults."""
        return self._world.faults

    @property
    def journal(self) -> Journal:
        """Every request that reached it."""
        return self._world.journal

    def settings(self) -> dict[str, str]:
        """The environment variables that point a service at it.  The keys are canaries: they open nothing else."""
        return {name: value for service in SERVICES for name, value in service.settings(self._world).items()}

    @property
    def oauth(self) -> Accounts:
        """Who may do what."""
        return oauth.accounts_of(self._world)

    @property
    def youtube(self) -> youtube.YouTube:
        """What YouTube holds."""
        return youtube.youtube_of(self._world)

    @property
    def monitoring(self) -> monitoring.Monitoring:
        """How the quota is told."""
        return monitoring.monitoring_of(self._world)

    def add_channel(self, name: str) -> str:
        """A channel of this name, or the one that is there; returns its refresh token."""
        self.youtube.channel(name)
        return self.oauth.add_channel(name)

    @property
    def gemini(self) -> gemini.Memory:
        """What Gemini remembers."""
        return gemini.gemini_of(self._world)

    @property
    def did(self) -> did.Memory:
        """What D-ID remembers."""
        return did.did_of(self._world)


@contextlib.asynccontextmanager
async def open_sandbox(folder: Path, *, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[Sandbox]:
    """A sandbox that listens while the block runs.

    Args:
        folder: where it keeps videos and what it must remember; made if missing, found again when it is there.
        host: the address to listen on; leave it on loopback, for no request has to prove anything here.
        port: 0 takes a free one.

    Raises:
        OSError: the port is taken, or the folder can't be made.
    """
    await asyncio.to_thread(folder.mkdir, mode=0o700, parents=True, exist_ok=True)
    world = World(folder)
    services = {service.SERVICE: service for service in SERVICES}
    app = web.Application(middlewares=[through(world, services)], client_max_size=LARGEST_BODY_BYTES)
    app.on_response_prepare.append(dated(world))
    app.add_routes(control.routes(world, services))
    for service in SERVICES:
        app.add_routes(service.routes(world))
    app.add_routes(knobs.routes(world))
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        await site.start()
        world.url = f"http://{host}:{runner.addresses[0][1]}"
        yield Sandbox(world)
    finally:
        world.closing.set()
        await runner.cleanup()
        for last in world.at_end:
            last()

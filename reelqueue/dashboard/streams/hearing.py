"""What the board hears: the hub on the link's server, and the ends that nobody told of."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from progress.ends import watch_ends
from progress.hub import Hub
from reelqueue.dashboard.catalogue import Catalogue
from reelqueue.dashboard.link import Link
from reelqueue.dashboard.streams.pulse import Pulse
from storage import BatchStore, ProjectStore

FIRST_SECONDS = 1.0
"""How long a start waits until it is heard: the first page then shows what is known."""


@contextlib.asynccontextmanager
async def heard(
    link: Link, projects: ProjectStore, batches: BatchStore, catalogue: Catalogue
) -> AsyncIterator[tuple[Hub, Pulse]]:
    """A hub that listens and a pulse that beats, until the block ends; `catalogue` hears before any page."""
    hub = Hub(link.listening, link.look_now, catalogue.hear)
    pulse = Pulse(hub, link, projects.paths, catalogue.hear_of_others)
    async with hub.kept():
        tasks = {asyncio.create_task(work) for work in (watch_ends(hub, projects, batches), pulse.go_on())}
        try:
            if link.is_there:
                await hub.listens(FIRST_SECONDS)
            yield hub, pulse
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)

"""What the board hears: the hub on the link's server, and the ends that nobody told of."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from progress.ends import watch_ends
from progress.hub import Hub
from reelqueue.dashboard.link import Link
from storage import BatchStore, ProjectStore

FIRST_SECONDS = 1.0
"""How long a start waits until it is heard: the first page then shows what is known."""


@contextlib.asynccontextmanager
async def heard(link: Link, projects: ProjectStore, batches: BatchStore) -> AsyncIterator[Hub]:
    """A hub that listens until the block ends."""
    hub = Hub(link.listening, link.look_now)
    async with hub.kept():
        watching = asyncio.create_task(watch_ends(hub, projects, batches))
        try:
            if link.is_there:
                await hub.listens(FIRST_SECONDS)
            yield hub
        finally:
            watching.cancel()
            await asyncio.wait({watching})

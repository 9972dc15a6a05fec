"""Follow a project to its end: events where a Redis tells them, the state on disk in any case."""

import asyncio
import contextlib

from jobs.waiting import resting
from progress import subscribe_progress
from reelqueue.bootstrap import Settings
from reelqueue.cli.bars import View, view
from reelqueue.cli.console import out
from reelqueue.models.project import ProjectState
from storage import ProjectStore

LOOK_SECONDS = 0.3
"""How often the state is looked at; a file of some kB."""
LAST_EVENT_SECONDS = 2.0
"""How long the last event may come after the state."""


async def follow_to_end(settings: Settings, store: ProjectStore, project_id: int) -> ProjectState:
    """Show how a project goes on; returns its state when it is completed.

    Raises:
        ProjectFailed, ProjectCancelled: it ended so.
        ProjectWaiting: it waits for a person, a quota, money or the disk.
    """
    with view(out()) as shown:
        events = asyncio.create_task(_show(settings, project_id, shown))
        try:
            state = await at_rest(store, project_id)
            if state.status.is_final:
                await asyncio.wait({events}, timeout=LAST_EVENT_SECONDS)
        finally:
            events.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await events
    resting(state, through_waits=False)  # raises how it ended, or for what it waits
    return state


async def _show(settings: Settings, project_id: int, shown: View) -> None:
    async for event in subscribe_progress(project_id, settings=settings):
        shown.show(event)


async def at_rest(store: ProjectStore, project_id: int) -> ProjectState:
    """The state as soon as nothing happens any more by itself, for now."""
    while True:
        state = await store.load(project_id)
        if state.status.is_final or state.status.is_waiting:
            return state
        await asyncio.sleep(LOOK_SECONDS)

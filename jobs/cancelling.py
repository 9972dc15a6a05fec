"""How a project is cancelled: on disk first, then told; by app code, or by whoever aborts one of its jobs."""

import asyncio
import contextlib

from jobs import acts
from jobs.telling import tell_cancelled
from progress import Publisher
from reelqueue import failpoints
from reelqueue.errors import StorageUnavailable
from reelqueue.models.project import ProjectState
from storage import ProjectStore

STOPS_WITHIN_S, STOPPED_LOOK_S = 2.0, 0.05
"""How long a cancel waits for the worker in whose hand the project is; one that died says nothing more."""


async def cancel_project(projects: ProjectStore, publisher: Publisher, project_id: int | str) -> ProjectState:
    """Cancel; work in hand stops within two seconds.

    Raises:
        ProjectNotFound.  WrongState: it has ended already.
    """
    state = await projects.change(project_id, acts.cancel)
    await failpoints.reach("cancel.committed")
    if await projects.holder(project_id) is None:  # else its worker tells, as the last one
        await tell_cancelled(publisher, state)
        await failpoints.reach("cancel.told")
        await projects.unmark(project_id)
    return state


async def stopped(projects: ProjectStore, number: int) -> None:
    """Wait, at most two seconds, until whoever has a cancelled project in hand lets it go."""
    with contextlib.suppress(TimeoutError, StorageUnavailable):  # it is cancelled, whoever can be seen to hold it
        async with asyncio.timeout(STOPS_WITHIN_S):
            while await projects.holder(number) is not None:  # noqa: ASYNC110 - it is in another process
                await asyncio.sleep(STOPPED_LOOK_S)

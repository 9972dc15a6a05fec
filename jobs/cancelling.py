"""How a project is cancelled: on disk first, then told; by app code, or by whoever aborts one of its jobs."""

from jobs import acts
from jobs.telling import tell_cancelled
from progress import Publisher
from reelqueue import failpoints
from reelqueue.models.project import ProjectState
from storage import ProjectStore


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

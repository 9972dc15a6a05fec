"""The rows of the table for progress, which is a stream: see `events`."""

from starlette.responses import Response

from reelqueue.dashboard.api import events
from reelqueue.dashboard.api.operation import Asked, Operation
from reelqueue.dashboard.api.queries import EventsQuery
from reelqueue.wording import Text


async def project_events(asked: Asked) -> Response:
    """A project's."""
    return await events.project_events(asked.request)


async def batch_events(asked: Asked) -> Response:
    """A batch's."""
    return await events.batch_events(asked.request)


OPERATIONS: tuple[Operation, ...] = (
    Operation(
        "GET",
        "/projects/{project_id}/events",
        "project_events",
        Text("專案的進度（server-sent events），專案結束就結束", "A project's progress as server-sent events, until its end"),
        project_events,
        media="text/event-stream",
        query=EventsQuery,
        also=(204,),
        problems=(400, 404, 409),
    ),
    Operation(
        "GET",
        "/batches/{batch_id}/events",
        "batch_events",
        Text("批次的進度（server-sent events），批次結束就結束", "A batch's progress as server-sent events, until its end"),
        batch_events,
        media="text/event-stream",
        query=EventsQuery,
        also=(204,),
        problems=(400, 404, 409),
    ),
)

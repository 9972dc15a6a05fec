"""`/new`."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from reelqueue.dashboard.rendering import page


async def show(request: Request) -> Response:
    """The page."""
    return page(request, "first_run.html")


ROUTES: list[BaseRoute] = [Route("/new", show)]

"""`/api/projects`: list, make, start, retry, cancel, approve, delete."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from reelqueue.dashboard.asked import board_of


async def get_project(request: Request) -> Response:
    """One project's state."""
    state = await board_of(request).projects.load(request.path_params["project_id"])
    return JSONResponse(state.model_dump(mode="json"))


ROUTES: list[BaseRoute] = [Route("/projects/{project_id}", get_project, methods=["GET"])]

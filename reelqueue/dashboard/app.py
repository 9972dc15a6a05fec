"""The board as one ASGI application: stand-alone, or mounted in a host's."""

import contextlib
from collections.abc import AsyncIterator

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount

from reelqueue.bootstrap import Settings, read_settings
from reelqueue.dashboard import api, health, metrics, pages
from reelqueue.dashboard.access import passwords_of
from reelqueue.dashboard.assets import Assets
from reelqueue.dashboard.board import open_board
from reelqueue.dashboard.gate import Gate
from reelqueue.dashboard.problems import answer, is_api, problem
from reelqueue.dashboard.seal import open_seal
from reelqueue.dashboard.surroundings import Surroundings
from reelqueue.errors import ReelqueueError


def dashboard(settings: Settings | None = None) -> Starlette:
    """The application; without `settings` the environment is read.

    A host that mounts it has to run its lifespan: Starlette and FastAPI do that by `host.router.lifespan_context`, see
    docs/dashboard.md.

    Raises:
        InvalidSettings: a setting is wrong.
    """
    found = settings or read_settings()

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with open_board(found) as board:
            app.state.board, app.state.surroundings = board, Surroundings(board)
            app.state.seal = open_seal(board.paths.root / "board.key", *passwords_of(found))
            yield

    return Starlette(
        routes=[
            Mount("/static", Assets()),
            Mount("/api", routes=api.ROUTES),
            *health.ROUTES,
            *metrics.ROUTES,
            *pages.ROUTES,
        ],
        lifespan=lifespan,
        middleware=[Middleware(Gate, settings=found)],
        exception_handlers={ReelqueueError: _refused, HTTPException: _refused},
    )


async def _refused(request: Request, error: Exception) -> Response:
    if is_api(request.scope):
        return answer(request, error)
    if isinstance(error, ReelqueueError):
        return problem(request, error)
    if isinstance(error, HTTPException):
        return Response(str(error.detail), status_code=error.status_code, media_type="text/plain")
    raise error

"""The board as one ASGI application: stand-alone, or mounted in a host's."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

from redis.exceptions import RedisError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount

from reelqueue.bootstrap import Settings, read_settings
from reelqueue.dashboard import api, pages
from reelqueue.dashboard.assets import Assets
from reelqueue.dashboard.board import open_board
from reelqueue.dashboard.door.access import Role, passwords_of
from reelqueue.dashboard.door.gate import Gate
from reelqueue.dashboard.door.seal import open_seal
from reelqueue.dashboard.door.tries import Tries
from reelqueue.dashboard.metrics import exposition as metrics
from reelqueue.dashboard.metrics import health
from reelqueue.dashboard.mishaps import away, told
from reelqueue.dashboard.surroundings import Surroundings
from reelqueue.errors import ReelqueueError


def dashboard(settings: Settings | None = None, *, who: Callable[[Request], Role | None] | None = None) -> Starlette:
    """The application; without `settings` the environment is read.

    `who` is for a host that knows its users: it tells what a request's may do, None keeps it out.  Then no password of ours is asked
    for, and any name the host answers under is right.  Without it the board's own rules hold: see docs/dashboard.md.

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
            app.state.seal = await asyncio.to_thread(open_seal, board.paths.root / "board.key", *passwords_of(found))
            app.state.tries = Tries()
            yield
            del app.state.board

    return Starlette(
        routes=[
            Mount("/static", Assets()),
            Mount("/api", routes=api.ROUTES),
            *health.ROUTES,
            *metrics.ROUTES,
            *pages.ROUTES,
        ],
        lifespan=lifespan,
        middleware=[Middleware(Gate, settings=found, who=who)],
        exception_handlers={ReelqueueError: _told, HTTPException: _told}
        | dict.fromkeys((RedisError, ConnectionError, TimeoutError), _away),
    )


async def _told(request: Request, error: Exception) -> Response:
    return told(request, error)


async def _away(request: Request, _error: Exception) -> Response:
    return away(request)

"""The board as users reach it: a real server on a free port of this machine."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator

import uvicorn
from redis.asyncio import Redis
from redis.exceptions import RedisError
from starlette.applications import Starlette

from reelqueue.dashboard import dashboard
from reelqueue.dashboard.board import Board
from reelqueue.dashboard.serving import at_once
from reelqueue.dashboard.streams.direct import Direct
from reelqueue.settings import Settings

REST_SECONDS = 10.0


@contextlib.asynccontextmanager
async def serving_board(board: Settings | Starlette, port: int = 0, *, is_ours: bool = True) -> AsyncIterator[str]:
    """Its address, such as `http://127.0.0.1:40123`, until the block ends; of these settings, or the application itself.

    Not `is_ours`: under a server that knows nothing of our streams, as a host's.
    """
    app = dashboard(board) if isinstance(board, Settings) else board
    listening = at_once(socket.create_server(("127.0.0.1", port)))
    port = listening.getsockname()[1]
    http = Direct if is_ours else "h11"
    config = uvicorn.Config(app, http=http, log_config=None, access_log=False, lifespan="on", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign]  # the signals are pytest's
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    while not server.started:
        if serving.done():
            await serving
        await asyncio.sleep(0.01)
    if hasattr(app.state, "board"):
        await _at_rest(app.state.board)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        if hasattr(app.state, "board"):  # a host that mounts a board has none itself
            app.state.board.hub.end()
        server.should_exit = True
        await serving


async def _at_rest(board: Board) -> None:
    """Wait until it has found a Redis that is there: on a busy machine that takes longer than a board waits at its start."""
    if not board.link.is_there and not await _answers(board.settings.configured_redis_url):
        return
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(REST_SECONDS):
            while not board.link.is_there or board.hub.away_since is not None:
                await asyncio.sleep(0.01)


async def _answers(url: str | None) -> bool:
    if url is None:
        return False
    try:
        async with Redis.from_url(url, socket_timeout=1, socket_connect_timeout=1) as redis:
            return bool(await redis.ping())
    except (RedisError, OSError):
        return False

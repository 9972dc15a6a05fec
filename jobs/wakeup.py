"""Wakes a worker when anybody writes to its queue, by Redis's own client-side caching: whichever client it was.

A connection of its own asks to be told of changed keys (`CLIENT TRACKING ON BCAST PREFIX ...`), redirected to itself as a
subscriber of `__redis__:invalidate`: RESP2's way, so that servers and libraries of any age do.  It only saves time: a worker
looks by itself each second too, or ten times a second where the server refuses.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from typing import Any

import structlog
from redis.asyncio.connection import AbstractConnection, ConnectionPool
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError, ResponseError

CHANNEL = "__redis__:invalidate"
PING_SECONDS, SILENT_SECONDS = 5.0, 10.0
"""How often the connection is tried, and how long it may say nothing before it counts as dead."""
AGAIN_SECONDS = 0.5
REFUSED_SECONDS = 60.0

log = structlog.get_logger(__name__)


class Wakeup:
    """Calls `on_change` with the names of changed keys (None: any), and `on_connect` whenever it is connected anew."""

    def __init__(
        self,
        pool: ConnectionPool,
        keys: Sequence[str],
        *,
        on_change: Callable[[Collection[str] | None], None],
        on_connect: Callable[[], None],
    ) -> None:
        self.listens = False
        self._pool = pool
        self._keys = frozenset(keys)
        self._on_change = on_change
        self._on_connect = on_connect
        self._refused = False

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        """Listen, as long as the caller works."""
        task = asyncio.create_task(self._for_ever())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait({task})

    async def _for_ever(self) -> None:
        while True:
            try:
                await self._listen()
            except ResponseError as error:
                if not self._refused:
                    log.warning("wakeup_refused", error=str(error))
                self._refused = True
                await asyncio.sleep(REFUSED_SECONDS)
            except (RedisError, OSError, TimeoutError):  # the worker's own looks tell of it
                await asyncio.sleep(AGAIN_SECONDS)

    async def _listen(self) -> None:
        connection: AbstractConnection = self._pool.make_connection()  # type: ignore[no-untyped-call]  # redis-py leaves it so
        connection.health_check_interval = 0  # its check would read answers away
        pinging: asyncio.Task[None] | None = None
        try:
            await connection.connect()  # type: ignore[no-untyped-call]
            number = await _asked(connection, "CLIENT", "ID")
            prefixes = [part for key in sorted(self._keys) for part in ("PREFIX", key)]
            await _asked(connection, "CLIENT", "TRACKING", "ON", "REDIRECT", number, "BCAST", *prefixes)
            await _asked(connection, "SUBSCRIBE", CHANNEL)
            self.listens = True
            self._on_connect()
            pinging = asyncio.create_task(_ping(connection))
            while True:
                with contextlib.suppress(ResponseError):  # of a ping, by a server that can't write: it is there all the same
                    self._heard(await _answer(connection))
                await asyncio.sleep(0)  # whom we woke goes first
        finally:
            self.listens = False
            if pinging is not None:
                pinging.cancel()
            with contextlib.suppress(RedisError, OSError, TimeoutError):
                await connection.disconnect()

    def _heard(self, message: Any) -> None:
        if not isinstance(message, list) or message[:1] != [b"message"]:
            return
        changed = message[2]
        if changed is None:  # everything was flushed
            self._on_change(None)
            return
        names = {name.decode(errors="replace") for name in changed} & self._keys
        if names:
            self._on_change(names)


async def _asked(connection: AbstractConnection, *command: Any) -> Any:
    await connection.send_command(*command)
    return await _answer(connection)


async def _answer(connection: AbstractConnection) -> Any:
    answer = await connection.read_response(timeout=SILENT_SECONDS)
    if answer is None:  # redis-py's way to say that the time is over
        raise TimeoutError
    return answer


async def _ping(connection: AbstractConnection) -> None:
    """So that a connection that is dead without saying so is noticed."""
    while True:
        await asyncio.sleep(PING_SECONDS)
        try:
            await connection.send_command("PING")
        except (RedisConnectionError, OSError, TimeoutError):
            return  # the reader meets it too

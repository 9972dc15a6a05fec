"""One connection for the calls on which a waiting job's start hangs.

The pool's own way (a connection is fetched, tried, given back) takes 0.1-0.2 ms longer on a machine that was idle, of 1.3.
"""

import asyncio
import contextlib
from collections.abc import Sequence
from typing import Any

import hiredis
from redis.asyncio.connection import AbstractConnection, ConnectionPool
from redis.commands.core import AsyncScript
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import NoScriptError, RedisError, ResponseError

ANSWER_SECONDS = 3.0


class Line:
    """Calls scripts one after the other, on a connection of its own that is opened with the first."""

    def __init__(self, pool: ConnectionPool) -> None:
        self._pool = pool
        self._connection: AbstractConnection | None = None
        self._turn = asyncio.Lock()

    async def call(self, script: AsyncScript, *, keys: Sequence[Any], args: Sequence[Any]) -> Any:
        """What the script answers; a connection that was closed meanwhile is opened anew, once.

        Raises:
            RedisError, OSError: there is no answer, or an error.  TimeoutError: none within `ANSWER_SECONDS`.
        """
        command = ("EVALSHA", script.sha, len(keys), *keys, *args)
        async with self._turn, asyncio.timeout(ANSWER_SECONDS):
            try:
                return await self._asked(*command)
            except NoScriptError:
                await self._asked("SCRIPT", "LOAD", script.script)
            except (RedisConnectionError, OSError):
                pass
            try:
                return await self._asked(*command)
            except NoScriptError:  # it was closed by a server that came back without its memory
                await self._asked("SCRIPT", "LOAD", script.script)
            return await self._asked(*command)

    async def close(self) -> None:
        """Close the connection."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(RedisError, OSError):
                await connection.disconnect()

    async def _asked(self, *command: Any) -> Any:
        is_new = self._connection is None
        connection: AbstractConnection = self._connection or self._pool.make_connection()  # type: ignore[no-untyped-call]  # redis-py leaves it so
        self._connection, answered = connection, False
        try:
            if is_new:
                await connection.connect()  # type: ignore[no-untyped-call]
            await connection.send_packed_command(hiredis.pack_command(command), check_health=False)
            answer = await connection.read_response()
            answered = True
        except ResponseError:
            answered = True
            raise
        else:
            return answer
        finally:
            if not answered:  # what comes later would be taken for the next answer
                await self.close()

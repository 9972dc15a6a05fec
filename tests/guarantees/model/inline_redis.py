"""A real Redis behind an asyncio client that answers at once: each command is a step that its life may stop at."""

from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any, Self

from arq.connections import ArqRedis
from redis import Redis
from redis.asyncio import ConnectionPool
from redis.exceptions import ConnectionError as RedisConnectionError

Gate = Callable[[str], Awaitable[None]]


class Server:
    """The server itself; `away` while nobody reaches it."""

    def __init__(self, url: str) -> None:
        self.redis = Redis.from_url(url)
        self.away = False


class Door(ArqRedis):
    """One life's way to it."""

    def __init__(self, server: Server, gate: Gate) -> None:
        super().__init__(connection_pool=ConnectionPool())
        self._server, self._gate = server, gate

    async def execute_command(self, *args: Any, **options: Any) -> Any:
        """Ask."""
        await self._gate("redis")
        if self._server.away:
            raise RedisConnectionError("away")
        return self._server.redis.execute_command(*args, **options)

    def pipeline(self, transaction: bool = True, shard_hint: str | None = None) -> Any:
        """Commands one after the other: nobody comes between."""
        return _Pipe(self)


class _Pipe:
    def __init__(self, door: Door) -> None:
        self._door = door
        self._answers: list[Any] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        pass

    async def evalsha(self, *args: Any) -> None:
        self._answers.append(await self._door.evalsha(*args))

    async def script_load(self, script: str) -> Any:
        return await self._door.script_load(script)

    async def execute(self) -> list[Any]:
        return self._answers

"""Connections to Redis: with time-outs, which arq's own settings can't give, and with one step to enqueue a job.

Without time-outs a server that says nothing (a lost route, a frozen host) hangs a worker for ever.  redis-py's own for the
event loop rest on `asyncio.wait_for`, which before Python 3.12 may swallow a cancel; so the limit lies around each call.
"""

import asyncio
from datetime import datetime, timedelta
from typing import Any, cast
from uuid import uuid4

from arq.connections import ArqRedis, RedisSettings
from arq.constants import job_key_prefix, result_key_prefix
from arq.jobs import Job, serialize_job
from arq.utils import timestamp_ms
from redis import Redis
from redis.asyncio.client import Pipeline
from redis.asyncio.connection import AbstractConnection, Connection, ConnectionPool, SSLConnection, UnixDomainSocketConnection
from redis.asyncio.retry import Retry as AsyncRetry
from redis.asyncio.sentinel import Sentinel as AsyncSentinel
from redis.asyncio.sentinel import SentinelManagedConnection, SentinelManagedSSLConnection
from redis.backoff import ExponentialBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.retry import Retry
from redis.sentinel import Sentinel

from jobs.line import ANSWER_SECONDS, Line

CONNECT_SECONDS = 2.0
RETRIES = 1
"""Of one command: whoever sends it knows better what to do without an answer."""
_AGAIN = (RedisConnectionError, RedisTimeoutError, OSError)

# KEYS: job, result, queue.  ARGV: payload, ms to keep it, when it is due (ms; "": by Redis's clock), id, ms after now.
_ENQUEUE = """
if redis.call('EXISTS', KEYS[1], KEYS[2]) > 0 then return 0 end
local time = redis.call('TIME')
local due = ARGV[3] ~= '' and ARGV[3] or string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000) + ARGV[5])
redis.call('PSETEX', KEYS[1], ARGV[2], ARGV[1])
redis.call('ZADD', KEYS[3], due, ARGV[4])
return 1
"""


class _Plain(AbstractConnection):
    """Tells of a transport that uvloop closed meanwhile as of any lost connection."""

    async def send_packed_command(self, command: Any, check_health: bool = True) -> None:
        try:
            await super().send_packed_command(command, check_health)
        except RuntimeError as error:
            await self.disconnect(nowait=True)
            raise RedisConnectionError(str(error)) from error


class _Tcp(_Plain, Connection): ...


class _Ssl(_Plain, SSLConnection): ...


class _Unix(_Plain, UnixDomainSocketConnection): ...


class _ByWatchers(_Plain, SentinelManagedConnection): ...


class _SslByWatchers(_Plain, SentinelManagedSSLConnection): ...


class _Connections(ConnectionPool):
    """Does not try a connection before each command (a third of a short call's time): a dead one fails and is retried."""

    async def ensure_connection(self, connection: AbstractConnection) -> None:
        await connection.connect()  # type: ignore[no-untyped-call]


class Pool(ArqRedis):
    """arq's pool; no call takes longer than `ANSWER_SECONDS` (then `TimeoutError`), and a job is enqueued by one call."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._enqueue = self.register_script(_ENQUEUE)
        self._line = Line(self.connection_pool)

    async def aclose(self, close_connection_pool: bool | None = None) -> None:
        """Close it."""
        await self._line.close()
        await super().aclose(close_connection_pool)

    async def execute_command(self, *args: Any, **options: Any) -> Any:
        """One command."""
        async with asyncio.timeout(ANSWER_SECONDS):
            return await super().execute_command(*args, **options)  # type: ignore[no-untyped-call]

    def pipeline(self, transaction: bool = True, shard_hint: str | None = None) -> Pipeline:
        """Several commands."""
        return _Pipeline(self.connection_pool, self.response_callbacks, transaction, shard_hint)

    async def enqueue_job(
        self,
        function: str,
        *args: Any,
        _job_id: str | None = None,
        _queue_name: str | None = None,
        _defer_until: datetime | None = None,
        _defer_by: float | timedelta | None = None,
        _expires: float | timedelta | None = None,
        _job_try: int | None = None,
        **kwargs: Any,
    ) -> Job | None:
        """As arq's, in one call instead of four; a client whose clock goes wrong queues as any other."""
        if _defer_until and _defer_by:
            raise RuntimeError("use either '_defer_until' or '_defer_by' or neither, not both")
        queue, job_id = _queue_name or self.default_queue_name, _job_id or uuid4().hex
        now_ms = timestamp_ms()  # rounded as the stamps of arq's aborts are: an earlier one never looks later
        after_ms = _ms(_defer_until) - now_ms if _defer_until is not None else _in_ms(_defer_by)
        keep_ms = _in_ms(_expires) or after_ms + self.expires_extra_ms
        body = serialize_job(function, args, kwargs, _job_try, now_ms, serializer=self.job_serializer)
        keys = [job_key_prefix + job_id, result_key_prefix + job_id, queue]
        due_ms = "" if _defer_until is None else _ms(_defer_until)
        if not await self._line.call(self._enqueue, keys=keys, args=[body, keep_ms, due_ms, job_id, after_ms]):
            return None
        return Job(job_id, self, _queue_name=queue, _deserializer=self.job_deserializer)


class _Pipeline(Pipeline):
    async def execute(self, raise_on_error: bool = True) -> list[Any]:
        async with asyncio.timeout(ANSWER_SECONDS):
            return await super().execute(raise_on_error)

    async def immediate_execute_command(self, *args: Any, **options: Any) -> Any:
        async with asyncio.timeout(ANSWER_SECONDS):
            return await super().immediate_execute_command(*args, **options)  # type: ignore[no-untyped-call]


def _ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def _in_ms(span: float | timedelta | None) -> int:
    seconds = span.total_seconds() if isinstance(span, timedelta) else span or 0
    return round(seconds * 1000)


def open_pool(settings: RedisSettings, *, retries: int = RETRIES) -> Pool:
    """A pool for the event loop; connects with the first command."""
    options = _options(settings) | {"retry": AsyncRetry(ExponentialBackoff(cap=0.5, base=0.02), retries)}
    if settings.sentinel:
        kind: type[AbstractConnection] = _SslByWatchers if settings.ssl else _ByWatchers
        secure = {"ssl": True} if settings.ssl else {}
        watchers = AsyncSentinel(_hosts(settings), **options | secure)  # type: ignore[no-untyped-call]  # redis-py leaves it so
        return cast(Pool, watchers.master_for(settings.sentinel_master, redis_class=Pool, connection_class=kind))
    if settings.unix_socket_path:
        return Pool(_Connections(connection_class=_Unix, path=settings.unix_socket_path, **options))
    kind = _Ssl if settings.ssl else _Tcp
    return Pool(_Connections(connection_class=kind, host=settings.host, port=settings.port, **options))


def open_thread_client(settings: RedisSettings) -> Redis:
    """A client for a thread; connects with the first command."""
    options = _options(settings) | {
        "retry": Retry(ExponentialBackoff(cap=0.5, base=0.02), RETRIES),
        "socket_timeout": ANSWER_SECONDS,
    }
    if settings.ssl:
        options["ssl"] = True
    if settings.sentinel:
        watchers = Sentinel(_hosts(settings), **options)  # type: ignore[no-untyped-call]  # redis-py leaves it so
        return cast(Redis, watchers.master_for(settings.sentinel_master))  # type: ignore[no-untyped-call]
    if settings.unix_socket_path:
        return Redis(unix_socket_path=settings.unix_socket_path, **options)
    return Redis(host=str(settings.host), port=settings.port, **options)


def _options(settings: RedisSettings) -> dict[str, Any]:
    options: dict[str, Any] = {
        "db": settings.database,
        "username": settings.username,
        "password": settings.password,
        "socket_connect_timeout": CONNECT_SECONDS,
        "retry_on_error": list(_AGAIN),
    }
    if settings.ssl:
        options |= {
            "ssl_keyfile": settings.ssl_keyfile,
            "ssl_certfile": settings.ssl_certfile,
            "ssl_cert_reqs": settings.ssl_cert_reqs,
            "ssl_ca_certs": settings.ssl_ca_certs,
            "ssl_ca_data": settings.ssl_ca_data,
            "ssl_check_hostname": settings.ssl_check_hostname,
        }
    return options if settings.unix_socket_path else options | {"socket_keepalive": True}


def _hosts(settings: RedisSettings) -> list[tuple[str, int]]:
    return list(cast(Any, settings.host))

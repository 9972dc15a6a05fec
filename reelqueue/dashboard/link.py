"""The board's way to Redis, opened again and again: without it the board shows what is on disk."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from datetime import datetime
from zoneinfo import ZoneInfo

import structlog
from redis.asyncio import Redis
from redis.exceptions import AuthenticationError, RedisError, ResponseError
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from jobs.app import Queue
from jobs.client import Client, claim, door_of, open_queue
from jobs.fleet import Fleet
from jobs.numbers import Numbers
from progress.connection import open_redis
from reelqueue import clock, embedded
from reelqueue.bootstrap import Settings
from reelqueue.errors import InstallationError, ReelqueueError
from reelqueue.wording import Text
from storage import Paths
from storage.pauses import Pauses

LOOK_SECONDS, ANSWER_SECONDS = 1.0, 2.0
"""How often Redis is asked whether it is there, and how long it may take to answer."""
LOOK_KEY, LOOK_KEPT_MS = "reelqueue:board:look", 60_000
"""What is written to see that it takes anything."""

_SILENCE = (
    RedisConnectionError,
    RedisTimeoutError,
    ConnectionError,
    TimeoutError,
)  # no OSError: a folder that can't be written is told
"""What an error comes of where nobody answered."""

log = structlog.get_logger(__name__)


class Link:
    """Redis as the board sees it.  `away_since` is None while it answers and takes writes; `why` is why one that answers is of no use."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._paths = Paths(settings.data_dir)
        self._client: Client | None = None
        self._queue: Queue | None = None
        self._fleet: Fleet | None = None
        self._soon = asyncio.Event()
        self.away_since: datetime | None = clock.now()
        self.ping_ms: float | None = None
        self.why: ReelqueueError | None = None

    @property
    def is_there(self) -> bool:
        """Whether Redis answered when it was asked last."""
        return self._client is not None and self.away_since is None

    @property
    def client(self) -> Client:
        """What was opened.

        Raises:
            InstallationError: Redis does not answer.
        """
        if self._client is None or self.away_since is not None:
            raise self._away()
        return self._client

    @property
    def queue(self) -> Queue:
        """The door for what changes something.

        Raises:
            InstallationError: Redis does not answer.
        """
        if self._queue is None or self.away_since is not None:
            raise self._away()
        return self._queue

    @property
    def fleet(self) -> Fleet:
        """Workers and queues.

        Raises:
            InstallationError: Redis does not answer.
        """
        if self._fleet is None or self.away_since is not None:
            raise self._away()
        return self._fleet

    def look_now(self) -> None:
        """Ask at once: somebody waits for it."""
        self._soon.set()

    @contextlib.asynccontextmanager
    async def kept(self) -> AsyncIterator[None]:
        """Keep asking until the block ends."""
        first = asyncio.Event()
        keeping = asyncio.create_task(self._keep(first))
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(ANSWER_SECONDS):
                    await first.wait()
            yield
        finally:
            keeping.cancel()
            await asyncio.wait({keeping})

    async def _keep(self, first: asyncio.Event) -> None:
        while True:
            try:
                async with open_queue(self._settings) as client, door_of(client) as queue:
                    numbers = Numbers(self._paths.metrics, client.redis)
                    self._client, self._queue = client, queue
                    self._fleet = Fleet(
                        client.redis, numbers, ZoneInfo(self._settings.timezone), pauses=Pauses(self._paths.paused)
                    )
                    await self._ask_again(client, first)
            except (RedisError, OSError, TimeoutError, ReelqueueError) as error:
                self._lost(error)
            except Exception as error:  # a bug; were this to end, the board would be without Redis until somebody starts it anew
                log.exception("bug", exc_info=error)
                self._lost(error)
            finally:
                self._client = self._queue = self._fleet = None
            first.set()
            await self._pause()

    async def _ask_again(self, client: Client, first: asyncio.Event) -> None:
        """Until another server has to be opened: an embedded one moves when it is started anew."""
        url = await asyncio.to_thread(self._url)
        while True:
            began = time.perf_counter()
            try:
                async with asyncio.timeout(ANSWER_SECONDS):
                    await _written(client.redis)
                    if self.away_since is not None:  # it may be another's by now
                        await claim(client.redis, client.instance, client.paths)
                self.ping_ms, self.why = (time.perf_counter() - began) * 1000, None
                if self.away_since is not None:
                    log.info("redis_is_there")
                self.away_since = None
            except (RedisError, OSError, TimeoutError, _Refuses) as error:
                self._lost(error)
                if await asyncio.to_thread(self._url) != url:
                    return
            first.set()
            await self._pause()

    def _lost(self, error: Exception) -> None:
        if self.away_since is None:
            log.warning("redis_is_away", error=str(error))
        self.away_since = self.away_since or clock.now()
        self.ping_ms = None
        self.why = error if isinstance(error, ReelqueueError) and not _is_silence(error.__cause__) else None

    async def _pause(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LOOK_SECONDS):
                await self._soon.wait()
        self._soon.clear()

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncIterator[Redis]:
        """A client for a subscription of its own, of the server that this link found to be ours.

        Raises:
            ConnectionError: there is none.
        """
        if not self.is_there:
            raise ConnectionError("Redis does not answer")
        async with open_redis(await asyncio.to_thread(self._url)) as redis:
            yield redis

    def _url(self) -> str:
        return embedded.locate(self._settings.configured_redis_url, self._paths.redis_dir)

    def _away(self) -> ReelqueueError:
        return self.why or InstallationError(
            Text("Redis 沒有回應，現在不能這樣做", "Redis does not answer: that can't be done now"),
            Text("執行中的工作不受影響；Redis 恢復後再試一次", "running work goes on; try again when Redis is back"),
        )


class _Refuses(InstallationError):
    """A server that answers and takes nothing: workers wait for it as for one that is gone."""

    def __init__(self, why: ResponseError) -> None:
        super().__init__(
            Text(f"Redis 不接受寫入：{why}", f"Redis takes nothing: {why}"),
            Text(
                "請檢查 Redis 的記憶體上限、磁碟，以及它是否成了別台的複本；恢復後會自動繼續",
                "look at its memory limit, at its disk, and whether it follows another server; all goes on by itself when it does again",
            ),
        )


async def _written(redis: Redis) -> None:
    """One write: a full server, and one that only reads, answer to everything else.

    Raises:
        _Refuses: it takes none.
        RedisError, OSError: it does not answer.
    """
    try:
        await redis.set(LOOK_KEY, "1", px=LOOK_KEPT_MS)
    except ResponseError as error:
        raise _Refuses(error) from error


def _is_silence(cause: BaseException | None) -> bool:
    is_refusal = isinstance(cause, AuthenticationError)  # which the client counts as one of connection
    return isinstance(cause, _SILENCE) and not is_refusal

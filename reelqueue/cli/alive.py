"""A look at Redis by who can do without: which workers are there, for what is on disk waits for them."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

from arq.connections import ArqRedis
from redis.exceptions import RedisError

from jobs.batch.capacity import LOOKED_SECONDS
from jobs.client import redis_settings
from jobs.halting import paused_key
from jobs.pipeline import BATCH, VIDEO
from jobs.pools import open_pool
from jobs.worker import WORKERS_PREFIX
from reelqueue import embedded
from reelqueue.bootstrap import Settings
from reelqueue.wording import Text
from storage import Paths

ANSWER_SECONDS = 3.0
_KINDS = {VIDEO: "video", BATCH: "batch"}


@contextlib.asynccontextmanager
async def short_look(settings: Settings) -> AsyncIterator[ArqRedis]:
    """The server that the settings mean, for a few seconds.

    Raises:
        InvalidSettings: its address makes no sense.  RedisError, OSError, TimeoutError: it does not answer.
    """
    url = await asyncio.to_thread(embedded.locate, settings.configured_redis_url, Paths(settings.data_dir).redis_dir)
    redis = open_pool(redis_settings(url, setting=settings.redis_setting), retries=0)
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            yield redis
    finally:
        await redis.aclose(close_connection_pool=True)


async def paused(settings: Settings) -> Text | None:
    """Which queue that a video needs is paused, and what to do; None where none is, or Redis does not say."""
    try:
        async with short_look(settings) as redis:
            return await _paused(redis)
    except (RedisError, OSError, TimeoutError):
        return None


async def _paused(redis: ArqRedis) -> Text | None:
    found = [kind for queue, kind in _KINDS.items() if await redis.exists(paused_key(queue))]
    if not found:
        return None
    return Text(
        f"佇列 {'、'.join(found)} 已暫停：reelqueue queues resume {found[0]}",
        f"the queue {' and the queue '.join(found)} is paused: reelqueue queues resume {found[0]}",
    )


async def missing_workers(settings: Settings) -> Text | None:
    """What is not there that a batch needs, and what to do; None where all is.  A Redis that is away is told likewise."""
    since_ms = (time.time() - LOOKED_SECONDS) * 1000
    try:
        async with short_look(settings) as redis:
            away = [kind for queue, kind in _KINDS.items() if not await redis.zcount(WORKERS_PREFIX + queue, since_ms, "+inf")]
            held = await _paused(redis)
    except (RedisError, OSError, TimeoutError):
        return Text("連不上 Redis：執行 reelqueue worker，就會開始做", "no Redis answers: run reelqueue worker, and it begins")
    if not away:
        return held
    run = "reelqueue worker" if len(away) == len(_KINDS) else f"reelqueue worker {away[0]}"
    return Text(
        f"沒有 {'、'.join(away)} worker 在執行：另開視窗執行 {run}",
        f"no {' and no '.join(away)} worker is running: run {run} in another terminal",
    )

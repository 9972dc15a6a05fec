"""Which workers are there: what is on disk waits for them."""

import asyncio
import time

from redis.exceptions import RedisError

from jobs.pipeline import BATCH, VIDEO
from jobs.worker import WORKERS_PREFIX
from progress.connection import open_redis
from reelqueue import embedded
from reelqueue.bootstrap import Settings
from reelqueue.wording import Text
from storage import Paths

LOOKED_SECONDS = 20.0
"""How old a worker's last look at its queue may be."""
ANSWER_SECONDS = 3.0
_KINDS = {VIDEO: "video", BATCH: "batch"}


async def missing_workers(settings: Settings) -> Text | None:
    """What is not there that a batch needs, and what to do; None where all is.  Never raises for a Redis that is away."""
    try:
        url = await asyncio.to_thread(embedded.locate, settings.configured_redis_url, Paths(settings.data_dir).redis_dir)
        since_ms = (time.time() - LOOKED_SECONDS) * 1000
        async with asyncio.timeout(ANSWER_SECONDS), open_redis(url) as redis:
            away = [kind for queue, kind in _KINDS.items() if not await redis.zcount(WORKERS_PREFIX + queue, since_ms, "+inf")]
    except (RedisError, OSError, TimeoutError):
        return Text("連不上 Redis：執行 reelqueue worker，就會開始做", "no Redis answers: run reelqueue worker, and it begins")
    if not away:
        return None
    kinds = "reelqueue worker" if len(away) == len(_KINDS) else f"reelqueue worker {away[0]}"
    return Text(
        f"沒有 {'、'.join(away)} worker 在執行：另開視窗執行 {kinds}",
        f"no {' and no '.join(away)} worker is running: run {kinds} in another terminal",
    )

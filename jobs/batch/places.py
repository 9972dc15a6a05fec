"""How many jobs the live video workers carry at once, by their heartbeats."""

import json
import time
from typing import Any

from arq.connections import ArqRedis

from jobs.keeper import HEARTBEAT_PREFIX
from jobs.pipeline import VIDEO
from jobs.worker import WORKERS_PREFIX

USUAL_PLACES = 10
"""Of a worker that does not say: one before 0.4, by its defaults."""
LOOKED_SECONDS = 20.0
"""How old a worker's last look at its queue may be."""


async def places_now(redis: ArqRedis) -> int:
    """The places of all live video workers together.

    Raises:
        RedisError: it can't be known.
    """
    since_ms = (time.time() - LOOKED_SECONDS) * 1000
    names = await redis.zrangebyscore(WORKERS_PREFIX + VIDEO, since_ms, "+inf")
    if not names:
        return 0
    beats = await redis.mget([HEARTBEAT_PREFIX.encode() + name for name in names])
    return sum(_places(beat) for beat in beats)


def _places(beat: bytes | None) -> int:
    try:
        said: Any = json.loads(beat or b"")["places"]
        return int(said["cpu"]) + int(said["wait"])
    except (ValueError, KeyError, TypeError):
        return USUAL_PLACES

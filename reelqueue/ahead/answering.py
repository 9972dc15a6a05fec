"""Whether a Redis answers."""

import asyncio

from redis.asyncio import Redis
from redis.exceptions import AuthenticationError, RedisError, ResponseError

from jobs.client import no_redis, redis_settings
from progress.connection import open_redis

PING_SECONDS = 2.0
DEFAULT_URL = "redis://localhost:6379/0"


async def answers(url: str, *, setting: str = "REDIS_URL") -> bool:
    """Whether a Redis answers there; `setting` is the one that names it.

    Raises:
        InstallationError: one does, but refuses us.
        InvalidSettings: the URL makes no sense.
    """
    redis_settings(url, setting=setting)
    try:
        async with open_redis(url) as redis:
            return await _pinged(redis)
    except (AuthenticationError, ResponseError) as refusal:
        raise no_redis(refusal, url, setting) from refusal
    except (RedisError, OSError, TimeoutError) as failure:
        if "Authentication required" in str(failure) or "username-password" in str(failure):
            raise no_redis(failure, url, setting) from failure
        return False


async def _pinged(redis: Redis) -> bool:
    async with asyncio.timeout(PING_SECONDS):
        return bool(await redis.ping())

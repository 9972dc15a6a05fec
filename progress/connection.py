"""A connection to Redis of our own, for listening."""

import contextlib
from collections.abc import AsyncIterator
from urllib.parse import parse_qsl, unquote, urlsplit

from redis.asyncio import Redis
from redis.asyncio.sentinel import Sentinel
from redis.exceptions import RedisError

SENTINEL = "redis+sentinel"
LOST = (RedisError, OSError, TimeoutError, RuntimeError)
"""How a connection ends; by a RuntimeError where uvloop closed its transport meanwhile."""


@contextlib.asynccontextmanager
async def open_redis(url: str) -> AsyncIterator[Redis]:
    """A client of the server at `url`: `redis://`, `rediss://`, `unix://`, or `redis+sentinel://host,host2/master/0`.

    Nothing is connected before the first command.
    """
    if not url.startswith(f"{SENTINEL}://"):
        secured = {"ssl_check_hostname": looks_at_the_name(url)} if url.startswith("rediss:") else {}
        async with Redis.from_url(url, **secured) as redis:
            yield redis
        return
    parts = urlsplit(url)
    master, _, database = parts.path.strip("/").partition("/")
    known = {"username": parts.username, "password": parts.password}
    access = {name: unquote(value) for name, value in known.items() if value}
    places = [_host(place) for place in parts.netloc.rpartition("@")[2].split(",")]
    sentinel = Sentinel(
        places,  # type: ignore[no-untyped-call]  # redis-py leaves it so
        sentinel_kwargs=access,
        db=int(database or 0),
        **access,
    )
    try:
        async with sentinel.master_for(master) as redis:
            yield redis
    finally:
        for watcher in sentinel.sentinels:
            await watcher.aclose()


def looks_at_the_name(url: str) -> bool:
    """Whether a server's certificate has to name its host.  It has to, unless the URL says otherwise; redis-py takes any by itself."""
    query = dict(parse_qsl(urlsplit(url).query))
    if query.get("ssl_cert_reqs", "required") != "required":  # a certificate that need not be right names nobody
        return False
    return query.get("ssl_check_hostname", "true").lower() not in {"0", "f", "false", "n", "no"}


def _host(place: str) -> tuple[str, int]:
    host, _, port = place.rpartition(":") if ":" in place else (place, "", "")
    return host.strip("[]"), int(port or 26379)

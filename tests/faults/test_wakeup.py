"""What the connection that wakes a worker lives through."""

import asyncio

from jobs.client import redis_settings
from jobs.pools import open_pool
from jobs.wakeup import Wakeup
from tests.workers import until


async def test_a_server_that_can_not_save_wakes_all_the_same(server, monkeypatch):
    """It answers each ping by an error (MISCONF), which was taken for a refusal: for a minute nobody was woken."""
    monkeypatch.setattr("jobs.wakeup.PING_SECONDS", 0.05)
    connected, changed = [], []
    pool = open_pool(redis_settings(server.url))
    wakeup = Wakeup(pool.connection_pool, ["one"], on_change=changed.append, on_connect=lambda: connected.append(1))
    async with wakeup.listening():
        await until(lambda: connected, "it is not connected")
        async with server.unable_to_save():
            await _refused_pings(pool, 3)
        await pool.zadd("one", {"job": 1})
        await until(lambda: changed, "it is not woken")
    await pool.aclose(close_connection_pool=True)

    assert (connected, changed) == ([1], [{"one"}])


async def _refused_pings(pool, number):
    async with asyncio.timeout(60):
        while (await pool.info("commandstats")).get("cmdstat_ping", {}).get("rejected_calls", 0) < number:
            await asyncio.sleep(0.02)

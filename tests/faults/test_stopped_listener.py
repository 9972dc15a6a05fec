"""A listener that is frozen while more is told than Redis keeps for it: it is cut off, and hears the whole story when it goes on."""

import asyncio
import signal
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

from redis.asyncio import Redis

from progress import Publisher
from reelqueue import embedded
from tests.workers import ROOT

LISTENER = """
import asyncio, sys
from progress.connection import open_redis
from progress.events import Topic
from progress.subscriber import Follower
class Runs:
    async def end(self): return None
    unheard_end = end
async def main():
    async for event in Follower(Topic(project_id=1), lambda: open_redis(sys.argv[1]), Runs()).follow():
        print(event.seq, flush=True)
asyncio.run(main())
"""
EVENTS, LONG = 500, "深" * 2_500
"""4 MB: far more than a Unix socket holds beside the server's buffer (TCP may hold 33 MB).  Longer ones Valkey 9 counts for nothing."""


async def test_a_listener_that_was_frozen_past_the_servers_output_buffer_hears_all(tmp_path: Path) -> None:
    async with embedded.server(tmp_path) as address, Redis.from_url(address) as redis:
        await redis.config_set("client-output-buffer-limit", "pubsub 1mb 1mb 1")
        publisher = Publisher(redis)
        listener = await asyncio.create_subprocess_exec(sys.executable, "-c", LISTENER, address, cwd=ROOT, stdout=PIPE)
        assert listener.stdout is not None
        try:
            async with asyncio.timeout(60):
                await tell(publisher, 1)
                heard = [await listener.stdout.readline()]
                listener.send_signal(signal.SIGSTOP)
                for turn in range(2, EVENTS + 1):
                    await tell(publisher, turn)
                kept = await redis.client_list(_type="pubsub")
                listener.send_signal(signal.SIGCONT)
                heard += [await listener.stdout.readline() for _ in range(2, EVENTS + 1)]
        finally:
            listener.kill()
            await listener.wait()

    assert kept == []
    assert [int(line) for line in heard] == list(range(1, EVENTS + 1))


async def tell(publisher: Publisher, turn: int) -> None:
    seq = await publisher.publish(project_id=1, stage=f"stage {turn}", progress=0, message=LONG, status="running", run=1)
    assert seq == turn

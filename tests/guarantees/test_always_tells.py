"""Always tells: who listens from the start, who comes late, and who loses the connection all hear the same, in order."""

import asyncio
import contextlib
import json
import subprocess
import sys
from collections import Counter

import pytest
from redis.asyncio import Redis
from redis.exceptions import RedisError

from jobs.client import connect
from progress import subscribe_progress
from tests import forks
from tests.workers import HUMMING, ROOT, TINY, environment, worker

LISTENER = """
import asyncio, sys
from progress import subscribe_progress
async def main():
    async for event in subscribe_progress(int(sys.argv[1])):
        print(event.model_dump_json(), flush=True)
asyncio.run(main())
"""
TEXT = "Tides come twice a day, because the moon pulls the sea. That is all."


@pytest.mark.slow
async def test_early_late_and_interrupted_listeners_hear_the_same_events_in_order(settings, redis_admin):
    async with worker(settings, module=TINY, **HUMMING), connect(settings) as queue:
        brief = {"topic": "Tides", "content": TEXT, "presenter": False, "music": "none", "aspect": "1:1", "fps": 24}
        number = (await queue.create_project(brief)).project_id
        other = forks.Popen(
            [sys.executable, "-c", LISTENER, str(number)], cwd=ROOT, env=environment(settings), stdout=subprocess.PIPE, text=True
        )
        cuts: Counter[str] = Counter()
        cutting = asyncio.create_task(cut_connections(redis_admin, cuts))
        await queue.start(number)
        here = [event async for event in subscribe_progress(number, settings=settings)]
        late = [event async for event in subscribe_progress(number, settings=settings)]
        cutting.cancel()
        said, _ = await asyncio.to_thread(other.communicate, timeout=60)

    elsewhere = [json.loads(line) for line in said.splitlines()]
    assert [event.seq for event in here] == list(range(1, len(here) + 1))
    assert late == here
    assert cuts["connections"] > 0
    assert [event["seq"] for event in elsewhere] == [event.seq for event in here]
    assert here[-1].status == "completed"
    assert {event.stage for event in here} >= {"script_generation", "asset_generation", "video_rendering", "youtube_upload"}


async def cut_connections(redis: Redis, cuts: Counter[str]) -> None:
    """Cut every subscriber's connection, again and again."""
    while True:
        await asyncio.sleep(0.3)
        with contextlib.suppress(RedisError, OSError):  # our own may be cut, too
            cuts["connections"] += await redis.client_kill_filter(_type="pubsub")

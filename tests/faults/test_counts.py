"""Whatever befalls workers and Redis, what was counted is what happened: each run once, under what it came to."""

import asyncio
import signal
from collections.abc import Mapping

from jobs.client import open_queue
from jobs.copying import copy
from jobs.numbers import Numbers
from jobs.rollups import Rollups
from jobs.tally import PUBLISHED, RUNS
from reelqueue import clock
from reelqueue.models.stage import Stage
from reelqueue.tally import labelled
from storage import Paths
from storage.chronicle import Chronicle

FIVE = tuple(range(1, 6))


async def test_a_killed_worker_a_wiped_redis_and_one_that_is_away_at_the_end_lose_no_count(
    world, queue, server, course, settings
):
    """One run is broken off by a kill: it is counted as that, and as done once another made it."""
    course.leave(*(f"{number}-{stage}" for number in FIVE for stage in Stage if (number, stage) != (1, Stage.ASSETS)))
    for number in FIVE:
        await queue.create_project({"topic": "How tides work"})
        await queue.start(number)
    async with world.worker() as first:
        await course.seen("1-assets")
        await _counted(settings, PUBLISHED, len(FIVE) - 1)
        async with open_queue(settings) as client:
            await copy(Rollups(client.redis), Chronicle(Paths(settings.data_dir).metrics), clock.now())
        first.kill()

    await server.restart(empty=True)
    async with world.worker() as second:
        course.leave("1-assets")
        await queue.wait(1, timeout=90)
        await _counted(settings, PUBLISHED, len(FIVE))
        await queue.create_project({"topic": "Once more"})
        course.leave(*(f"6-{stage}" for stage in Stage if stage is not Stage.RENDER))
        await queue.start(6)
        await course.seen("6-render")
        async with server.gone():
            course.leave("6-render")
            await course.seen("6-render", "ended")
            second.tell(signal.SIGTERM)
            await second.ended(seconds=60)
        assert list((Paths(settings.data_dir).metrics / "left").iterdir())
        async with world.worker():
            await queue.wait(6, timeout=90)
            await _counted(settings, PUBLISHED, len(FIVE) + 1)
            totals = await _counted(settings, labelled(RUNS, stage="render", outcome="ok"), len(FIVE) + 1)

    assert {stage: totals[labelled(RUNS, stage=str(stage), outcome="ok")] for stage in Stage} == dict.fromkeys(
        Stage, len(FIVE) + 1
    )
    assert totals[labelled(RUNS, stage="assets", outcome="interrupted")] == 1


async def _counted(settings, name: str, value: float) -> Mapping[str, float]:
    """All totals, as soon as this one is what it should be."""
    async with asyncio.timeout(60), open_queue(settings) as client:
        numbers = Numbers(Paths(settings.data_dir).metrics, client.redis)
        while (totals := await numbers.totals()).get(name) != value:
            assert totals.get(name, 0) < value, totals
            await asyncio.sleep(0.05)
        return totals

"""When a batch that is on its way will end, as things are by now; what was expected at its start may be days old."""

import contextlib

from redis.exceptions import RedisError

from jobs.batch.capacity import Places, live_places
from jobs.batch.plan import forecast_now
from jobs.client import site_of
from reelqueue import clock
from reelqueue.bootstrap import Settings, open_shelf
from reelqueue.cli.alive import short_look
from reelqueue.errors import ReelqueueError
from reelqueue.models.batch import BatchState
from reelqueue.models.forecast import Forecast
from reelqueue.models.stage import BatchStatus
from storage import Paths


async def expected(state: BatchState, settings: Settings) -> Forecast | None:
    """The forecast as of now; None where nothing is expected, or it can't be made (a setting is wrong, the disk is away)."""
    if state.status is not BatchStatus.RUNNING:
        return None
    with contextlib.suppress(ReelqueueError):
        async with contextlib.aclosing(open_shelf(settings, Paths(settings.data_dir))) as shelf:
            return await forecast_now(site_of(settings, shelf, await places(settings)), state, clock.now())
    return None


async def places(settings: Settings) -> Places:
    """Of the workers that live; as set where nobody knows."""
    usual = Places(settings.video_max_jobs, settings.video_wait_slots)
    try:
        async with short_look(settings) as redis:
            return await live_places(redis, usual)
    except (RedisError, OSError, TimeoutError):
        return usual

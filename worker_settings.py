"""One flat class per queue, for the stock command: `arq worker_settings.VideoWorker`.

Joins the names in PIPELINE and SCHEDULE with functions.  Flat, because arq ignores inherited attributes.  Importing
this needs no running Redis.
"""

# ruff: noqa: E402 - `begin` comes first
from reelqueue.command import begin, take_over

begin()  # from here on each line is JSON, whatever the imports below say

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from zoneinfo import ZoneInfo

from arq.connections import ArqRedis

from jobs.client import INSTANCE_KEY, worker_redis
from jobs.context import Service
from jobs.hooks import ENDLESS_TRIES, LONGEST_JOB_SECONDS, cron_jobs, hooks, job_function
from jobs.late import batch_job, load_batch_soon, load_soon, stage_job
from jobs.maintenance.cleanup import cleanup
from jobs.maintenance.debug import debug_task
from jobs.maintenance.quotas import sync_quotas
from jobs.maintenance.recover import recover_interrupted, renew
from jobs.mistakes import mistaken
from jobs.pipeline import BATCH, MAINTENANCE, PIPELINE, VIDEO, cpu_jobs
from jobs.queue import PAYLOAD_EXPIRES_S, RESULT_SECONDS
from jobs.schedule import SCHEDULE
from jobs.wire import deserialize, serialize
from jobs.worker import Worker
from reelqueue.bootstrap import load_makers, open_service, usual_makers
from reelqueue.settings import read_settings

CLOCK_JOBS = {"sync_quotas": sync_quotas, "recover_interrupted": recover_interrupted, "cleanup": cleanup}

_settings = read_settings()
_redis = worker_redis(_settings)
take_over(Worker, _settings, partial(mistaken, url=_settings.configured_redis_url or "", setting=_settings.named_by))


def _opener(queue: str) -> Callable[[ArqRedis], AbstractAsyncContextManager[Service]]:
    @asynccontextmanager
    async def opened(redis: ArqRedis) -> AsyncIterator[Service]:
        async with open_service(_settings, queue=queue, redis=redis) as service:
            if queue == VIDEO:
                load_soon(partial(load_makers, _settings))
            if queue == BATCH:
                load_batch_soon()
            yield service

    return opened


_video, _batch, _maintenance = (hooks(_opener(queue), renew) for queue in (VIDEO, BATCH, MAINTENANCE))


_makers = usual_makers(_settings)
CPU_JOBS = cpu_jobs(assets="local" in {_makers["voice"], _makers["image"]})


class VideoWorker:
    """The five stages: `VIDEO_MAX_JOBS` jobs that load the CPU beside `VIDEO_WAIT_SLOTS` that wait for a service."""

    queue_name = VIDEO
    functions = [job_function(spec.job, stage_job(spec)) for spec in PIPELINE] + [job_function("debug_task", debug_task)]
    on_startup, on_shutdown = staticmethod(_video.startup), staticmethod(_video.shutdown)
    on_reconnect, on_abort = staticmethod(_video.reconnect), staticmethod(_video.abort)
    known_by = INSTANCE_KEY
    max_jobs = _settings.video_max_jobs + _settings.video_wait_slots
    cpu_jobs, cpu_places = CPU_JOBS, _settings.video_max_jobs
    redis_settings = _redis
    job_serializer = staticmethod(serialize)
    job_deserializer = staticmethod(deserialize)
    lease_seconds = _settings.lease_seconds
    drain_seconds = _settings.drain_seconds
    allow_abort_jobs = True
    job_timeout = LONGEST_JOB_SECONDS
    max_tries = ENDLESS_TRIES
    keep_result = RESULT_SECONDS
    expires_extra_ms = PAYLOAD_EXPIRES_S * 1000


class BatchWorker:
    """Batches: those that wait for their projects hold no place."""

    queue_name = BATCH
    functions = (job_function("batch_processing_task", batch_job), job_function("debug_task", debug_task))
    on_startup, on_shutdown = staticmethod(_batch.startup), staticmethod(_batch.shutdown)
    on_reconnect, on_abort = staticmethod(_batch.reconnect), staticmethod(_batch.abort)
    known_by = INSTANCE_KEY
    max_jobs = _settings.batch_max_jobs
    redis_settings = _redis
    job_serializer = staticmethod(serialize)
    job_deserializer = staticmethod(deserialize)
    lease_seconds = _settings.lease_seconds
    drain_seconds = _settings.drain_seconds
    allow_abort_jobs = True
    job_timeout = LONGEST_JOB_SECONDS
    max_tries = ENDLESS_TRIES
    keep_result = RESULT_SECONDS
    expires_extra_ms = PAYLOAD_EXPIRES_S * 1000


class MaintenanceWorker:
    """The clock's jobs, by themselves and on request.  `cron_jobs` is for stock arq's class; ours goes by `schedule`."""

    queue_name = MAINTENANCE
    functions = [job_function(name, job) for name, job in CLOCK_JOBS.items()] + [job_function("debug_task", debug_task)]
    cron_jobs = cron_jobs(CLOCK_JOBS)
    schedule, zone = SCHEDULE, _settings.timezone
    on_startup, on_shutdown = staticmethod(_maintenance.startup), staticmethod(_maintenance.shutdown)
    on_reconnect, on_abort = staticmethod(_maintenance.reconnect), staticmethod(_maintenance.abort)
    known_by = INSTANCE_KEY
    max_jobs = _settings.maintenance_max_jobs
    redis_settings = _redis
    job_serializer = staticmethod(serialize)
    job_deserializer = staticmethod(deserialize)
    lease_seconds = _settings.lease_seconds
    drain_seconds = _settings.drain_seconds
    allow_abort_jobs = True
    job_timeout = LONGEST_JOB_SECONDS
    max_tries = ENDLESS_TRIES
    keep_result = RESULT_SECONDS
    expires_extra_ms = PAYLOAD_EXPIRES_S * 1000
    timezone = ZoneInfo(_settings.timezone)

"""One flat class per queue, for the stock command: `arq worker_settings.VideoWorker`.

Joins the names in PIPELINE and SCHEDULE with functions.  Flat, because arq ignores inherited attributes.  Importing
this needs no running Redis.
"""

import asyncio
import contextlib
import importlib
import sys
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import UTC
from pathlib import Path
from types import TracebackType

from arq.connections import ArqRedis
from redis.exceptions import RedisError

from jobs.batch.processing import batch_processing_task
from jobs.client import no_redis, worker_redis
from jobs.context import Service
from jobs.maintenance.cleanup import cleanup
from jobs.maintenance.debug import debug_task
from jobs.maintenance.quotas import sync_quotas
from jobs.maintenance.recover import recover_interrupted, renew
from jobs.pipeline import BATCH, MAINTENANCE, PIPELINE, VIDEO
from jobs.queue import PAYLOAD_EXPIRES_S, RESULT_SECONDS
from jobs.video.assets import generate_assets_task
from jobs.video.render import render_video_task
from jobs.video.script import generate_script_task
from jobs.video.thumbnail import generate_thumbnail_task
from jobs.video.upload import upload_to_youtube_task
from jobs.wire import deserialize, serialize
from jobs.worker import ENDLESS_TRIES, LONGEST_JOB_SECONDS, POLL_SECONDS, cron_jobs, hooks, job_function, refuse
from reelqueue.bootstrap import open_service
from reelqueue.errors import ReelqueueError
from reelqueue.settings import read_language, read_settings
from reelqueue.wording import speak

HEALTH_SECONDS = 5
"""How often a worker says that it is there: `--check` fails within so many seconds of its end."""

VIDEO_JOBS = {
    "generate_script_task": generate_script_task,
    "generate_assets_task": generate_assets_task,
    "render_video_task": render_video_task,
    "generate_thumbnail_task": generate_thumbnail_task,
    "upload_to_youtube_task": upload_to_youtube_task,
}
CLOCK_JOBS = {"sync_quotas": sync_quotas, "recover_interrupted": recover_interrupted, "cleanup": cleanup}


def _friendly(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Under arq's own command what a user can mend is one line; all else is a traceback."""
    if isinstance(error, RedisError | OSError):
        error = no_redis(error) if isinstance(error, RedisError | ConnectionError) else error
    if isinstance(error, ReelqueueError):
        sys.stderr.write(f"{error.message}\n→ {error.hint}\n")
    else:
        sys.__excepthook__(kind, error, trace)


def _faster_loop() -> None:
    """The loop that arq will find and run: uvloop's where it exists."""
    with contextlib.suppress(ImportError):
        asyncio.set_event_loop(importlib.import_module("uvloop").new_event_loop())


if Path(sys.argv[0]).name in {"arq", "arq.exe"} or Path(sys.argv[0]).parent.name == "arq":
    sys.excepthook = _friendly
    _faster_loop()

try:
    speak(read_language())
    _settings = read_settings()
    _redis = worker_redis(_settings)
except ReelqueueError as _error:
    refuse(_error)


def _opener(queue: str) -> Callable[[ArqRedis], AbstractAsyncContextManager[Service]]:
    def opened(redis: ArqRedis) -> AbstractAsyncContextManager[Service]:
        return open_service(_settings, queue=queue, redis=redis)

    return opened


_video, _batch, _maintenance = (hooks(_opener(queue), renew) for queue in (VIDEO, BATCH, MAINTENANCE))


class VideoWorker:
    """The five stages: `VIDEO_MAX_JOBS` jobs that load the CPU and `VIDEO_WAIT_SLOTS` that wait for a service."""

    queue_name = VIDEO
    functions = [job_function(spec.job, VIDEO_JOBS[spec.job]) for spec in PIPELINE] + [job_function("debug_task", debug_task)]
    on_startup, on_shutdown, on_job_start = map(staticmethod, _video)
    max_jobs = _settings.video_max_jobs + _settings.video_wait_slots
    redis_settings = _redis
    job_serializer = staticmethod(serialize)
    job_deserializer = staticmethod(deserialize)
    poll_delay = POLL_SECONDS
    job_timeout = LONGEST_JOB_SECONDS
    max_tries = ENDLESS_TRIES
    keep_result = RESULT_SECONDS
    expires_extra_ms = PAYLOAD_EXPIRES_S * 1000
    health_check_interval = HEALTH_SECONDS
    timezone = UTC
    log_results = False


class BatchWorker:
    """Batches: those that wait for their projects hold no slot."""

    queue_name = BATCH
    functions = (job_function("batch_processing_task", batch_processing_task), job_function("debug_task", debug_task))
    on_startup, on_shutdown, on_job_start = map(staticmethod, _batch)
    max_jobs = _settings.batch_max_jobs
    redis_settings = _redis
    job_serializer = staticmethod(serialize)
    job_deserializer = staticmethod(deserialize)
    poll_delay = POLL_SECONDS
    job_timeout = LONGEST_JOB_SECONDS
    max_tries = ENDLESS_TRIES
    keep_result = RESULT_SECONDS
    expires_extra_ms = PAYLOAD_EXPIRES_S * 1000
    health_check_interval = HEALTH_SECONDS
    timezone = UTC
    log_results = False


class MaintenanceWorker:
    """The clock's jobs, by themselves and on request."""

    queue_name = MAINTENANCE
    functions = [job_function(name, job) for name, job in CLOCK_JOBS.items()] + [job_function("debug_task", debug_task)]
    cron_jobs = cron_jobs(CLOCK_JOBS)
    on_startup, on_shutdown, on_job_start = map(staticmethod, _maintenance)
    max_jobs = _settings.maintenance_max_jobs
    redis_settings = _redis
    job_serializer = staticmethod(serialize)
    job_deserializer = staticmethod(deserialize)
    poll_delay = POLL_SECONDS
    job_timeout = LONGEST_JOB_SECONDS
    max_tries = ENDLESS_TRIES
    keep_result = RESULT_SECONDS
    expires_extra_ms = PAYLOAD_EXPIRES_S * 1000
    health_check_interval = HEALTH_SECONDS
    timezone = UTC
    log_results = False

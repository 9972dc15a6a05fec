"""What makes stock arq's Worker ours: JSON only, jobs that name what was wrong, claims with their owner's name.

The worker's inside is stock arq's.
"""

import asyncio
import contextlib
import inspect
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from functools import wraps
from typing import Any, NoReturn

import structlog
from arq.connections import ArqRedis
from arq.constants import in_progress_key_prefix
from arq.cron import CronJob, cron
from arq.worker import Function, func
from redis.exceptions import RedisError

from jobs.context import Service, WorkerContext
from jobs.pipeline import MAINTENANCE, OTHER_JOBS
from jobs.schedule import SCHEDULE
from reelqueue.errors import PermanentError, ReelqueueError
from reelqueue.telemetry import bound
from reelqueue.wording import Text
from storage import Owner

POLL_SECONDS = 0.1
LONGEST_JOB_SECONDS = 7 * 86_400
"""arq's own time-out: ours are per attempt and grow with the work, so it must never come first."""
IN_PROGRESS_SECONDS = LONGEST_JOB_SECONDS + 10
"""How long arq keeps a claim; a dead worker's is freed by `recover_interrupted`."""
ARQ_TIMEOUTS = {job.job: 4 * job.timeout_s for job in OTHER_JOBS if job.queue == MAINTENANCE}
"""What hangs must not hold the one maintenance slot for ever."""
ENDLESS_TRIES = 1_000_000_000
"""The state counts attempts; to arq a job that waits is one that is tried again."""
ALIVE_PREFIX = "reelqueue:alive:"
BEAT_SECONDS, BEAT_KEPT_SECONDS = 5.0, 20
RENEW_SECONDS = 10.0
"""How often each worker frees dead workers' jobs and renews lost hints: who runs no maintenance worker loses nothing."""

Job = Callable[..., Awaitable[dict[str, Any]]]
OpenService = Callable[[ArqRedis], AbstractAsyncContextManager[Service]]
Hook = Callable[[dict[Any, Any]], Awaitable[None]]

log = structlog.get_logger(__name__)


def job_function(name: str, job: Job) -> Function:
    """A job as arq registers it; one that is no stage and keeps no time itself is ended by arq's time-out."""
    return func(_named(name, job), name=name, timeout=ARQ_TIMEOUTS.get(name, LONGEST_JOB_SECONDS), max_tries=ENDLESS_TRIES)


def cron_jobs(jobs: Mapping[str, Job]) -> list[CronJob]:
    """The clock's jobs as arq runs them, each once however many workers there are."""
    return [
        cron(
            _named(one.job, jobs[one.job]),
            name=f"cron:{one.job}",
            hour=one.hour,
            minute=one.minute,
            second=0,
            timeout=one.timeout_s,
        )
        for one in SCHEDULE
    ]


def _named(name: str, job: Job) -> Callable[..., Any]:
    """The job with its log fields bound; arguments that don't fit are refused by name."""
    signature = inspect.signature(job)

    @wraps(job)
    async def run(ctx: WorkerContext, *args: Any, **kwargs: Any) -> dict[str, Any]:
        with bound(queue=ctx["service"].queue_name, job=name, job_id=ctx["job_id"], job_try=ctx["job_try"]):
            try:
                signature.bind(ctx, *args, **kwargs)
            except TypeError as error:
                raise _wrong_arguments(name, str(error)) from None
            return await job(ctx, *args, **kwargs)

    return run


def _wrong_arguments(name: str, why: str) -> PermanentError:
    return PermanentError(
        Text(f"{name} 的參數不正確：{why}", f"the arguments of {name} don't fit: {why}"),
        Text("參數請看 docs/contract.md 第 2a 節", "docs/contract.md, section 2a, lists them"),
    )


def hooks(open_service: OpenService, renew: Callable[[Service, ArqRedis], Awaitable[Any]]) -> tuple[Hook, Hook, Hook]:
    """Arq's `on_startup`, `on_shutdown` and `on_job_start` of one worker.

    At its start every worker renews lost hints from disk: who runs only one loses nothing.
    """
    stack = AsyncExitStack()

    async def on_startup(ctx: dict[Any, Any]) -> None:
        redis: ArqRedis = ctx["redis"]
        try:
            service = await stack.enter_async_context(open_service(redis))
        except ReelqueueError as error:
            refuse(error)
        ctx["service"] = service
        await stack.enter_async_context(_beating(redis, service.owner))
        try:
            await renew(service, redis)
        except (RedisError, OSError, ReelqueueError) as error:  # tried again soon
            log.warning("not_renewed", error=str(error))
        await stack.enter_async_context(_every(RENEW_SECONDS, lambda: renew(service, redis)))

    async def on_shutdown(_ctx: dict[Any, Any]) -> None:
        await stack.aclose()

    async def on_job_start(ctx: dict[Any, Any]) -> None:
        """Write our name into the claim: so others know whose it is.  Raising here would end arq's worker."""
        claim = ctx["service"].owner.model_dump_json()
        with contextlib.suppress(RedisError, OSError):
            await ctx["redis"].set(in_progress_key_prefix + ctx["job_id"], claim, xx=True, keepttl=True)

    return on_startup, on_shutdown, on_job_start


@contextlib.asynccontextmanager
async def _beating(redis: ArqRedis, owner: Owner) -> AsyncIterator[None]:
    """Say in Redis that this worker lives, as long as it does."""
    key = ALIVE_PREFIX + owner.name

    async def beat() -> None:
        with contextlib.suppress(RedisError, OSError):
            await redis.set(key, "1", ex=BEAT_KEPT_SECONDS)

    async def beat_for_ever() -> None:
        while True:
            await asyncio.sleep(BEAT_SECONDS)
            await beat()

    await beat()
    beating = asyncio.create_task(beat_for_ever())
    try:
        yield
    finally:
        beating.cancel()
        with contextlib.suppress(RedisError, OSError):
            await redis.delete(key)


@contextlib.asynccontextmanager
async def _every(seconds: float, act: Callable[[], Awaitable[Any]]) -> AsyncIterator[None]:
    """Do `act` again and again; what it meets is logged."""

    async def for_ever() -> None:
        while True:
            await asyncio.sleep(seconds)
            try:
                await act()
            except (RedisError, OSError, ReelqueueError) as error:
                log.warning("not_renewed", error=str(error))

    acting = asyncio.create_task(for_ever())
    try:
        yield
    finally:
        acting.cancel()
        await asyncio.wait({acting})


def refuse(error: ReelqueueError) -> NoReturn:
    """End this worker with one line for people, and no traceback."""
    sys.stderr.write(f"{error.message}\n→ {error.hint}\n")
    raise SystemExit(1)

"""What a worker of ours does beside its jobs: opens the service, renews lost hints, and hands jobs over with their names."""

import asyncio
import contextlib
import inspect
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from functools import wraps
from typing import Any, NamedTuple

import structlog
from arq.connections import ArqRedis
from arq.cron import CronJob, cron
from arq.worker import Function, func
from redis.exceptions import RedisError

from jobs.cancelling import cancel_project
from jobs.client import claim
from jobs.context import KNOWN_AS, Service, WorkerContext
from jobs.counting import counted
from jobs.pipeline import MAINTENANCE, OTHER_JOBS, STAGE_OF
from jobs.schedule import SCHEDULE
from reelqueue.errors import PermanentError, ProjectNotFound, ReelqueueError, StorageUnavailable, WrongState
from reelqueue.wording import Text
from storage.chronicle import Chronicle

LONGEST_JOB_SECONDS = 7 * 86_400
"""arq's own time-out: ours are per attempt and grow with the work, so it must never come first."""
ARQ_TIMEOUTS = {job.job: 4 * job.timeout_s for job in OTHER_JOBS if job.queue == MAINTENANCE}
"""What hangs must not hold the one maintenance slot for ever."""
ENDLESS_TRIES = 1_000_000_000
"""The state counts attempts; to arq a job that waits is one that is tried again."""
RENEW_SECONDS, RENEW_SHARE = 4.0, 0.05
"""How often each worker renews lost hints (who runs no maintenance worker loses nothing) and looks at foreign leases, whose
time begins to count with the first look; more seldom where that takes more than this share of its time."""

Job = Callable[..., Awaitable[dict[str, Any]]]
OpenService = Callable[[ArqRedis], AbstractAsyncContextManager[Service]]
Hook = Callable[[dict[Any, Any]], Awaitable[None]]
AbortHook = Callable[[dict[Any, Any], str, tuple[Any, ...], dict[str, Any]], Awaitable[None]]

log = structlog.get_logger(__name__)


def job_function(name: str, job: Job) -> Function:
    """A job as arq registers it; one that is no stage and keeps no time itself is ended by arq's time-out."""
    return func(_named(name, job), name=name, timeout=ARQ_TIMEOUTS.get(name, LONGEST_JOB_SECONDS), max_tries=ENDLESS_TRIES)


def _named(name: str, job: Job) -> Callable[..., Any]:
    """The job; arguments that don't fit are refused by name."""
    signature = inspect.signature(job)

    @wraps(job)
    async def run(ctx: WorkerContext, /, *args: Any, **kwargs: Any) -> dict[str, Any]:
        try:
            signature.bind(ctx, *args, **kwargs)
        except TypeError as error:
            raise _wrong_arguments(name, str(error)) from None
        return await job(ctx, *args, **kwargs)

    return run


def _wrong_arguments(name: str, why: str) -> PermanentError:
    return PermanentError(
        Text(f"{name} 的參數不正確：{why}", f"the arguments of {name} don't fit: {why}"),
        Text("參數請看 docs/contract.md 開頭的表", "the table at the top of docs/contract.md lists them"),
    )


def cron_jobs(jobs: Mapping[str, Job]) -> list[CronJob]:
    """The clock's jobs for whoever runs the maintenance worker under stock arq's class; ours has `Clock`."""
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


class Hooks(NamedTuple):
    """What a worker class takes: `on_startup`, `on_shutdown`, `on_reconnect`, `on_abort`."""

    startup: Hook
    shutdown: Hook
    reconnect: Hook
    abort: AbortHook


def hooks(open_service: OpenService, renew: Callable[[Service, ArqRedis], Awaitable[Any]]) -> Hooks:
    """The hooks of one worker.  At its start, every few seconds and when Redis is back it renews lost hints from disk."""
    stack = AsyncExitStack()

    async def startup(ctx: dict[Any, Any]) -> None:
        redis: ArqRedis = ctx["redis"]
        service = ctx["service"] = await stack.enter_async_context(open_service(redis))
        ctx[KNOWN_AS] = service.instance
        await _tried_at_a_start(lambda: renew(service, redis))
        await stack.enter_async_context(_every(RENEW_SECONDS, lambda: renew(service, redis)))
        await stack.enter_async_context(counted(lambda: redis, Chronicle(service.paths.metrics), service.owner.name))

    async def shutdown(_ctx: dict[Any, Any]) -> None:
        await stack.aclose()

    async def reconnect(ctx: dict[Any, Any]) -> None:
        """Redis may have lost its memory, or be another one."""
        service: Service = ctx["service"]
        try:
            await claim(ctx["redis"], service.instance, service.paths)
        except StorageUnavailable as error:  # the worker takes nothing from a Redis that is not told, and asks again
            log.warning("not_renewed", error=error.message)
            return
        await _tried_at_a_start(lambda: renew(service, ctx["redis"]))

    return Hooks(startup, shutdown, reconnect, cancel_aborted)


async def cancel_aborted(ctx: dict[Any, Any], job: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Who aborts the job of a stage means the project: else its next hint would go on with it."""
    if job not in STAGE_OF:
        return
    service: Service = ctx["service"]
    number = kwargs.get("project_id", args[0] if args else 0)
    with contextlib.suppress(WrongState, ProjectNotFound):  # it has ended, or never was
        await cancel_project(service.projects, service.publisher, number)


async def _tried(act: Callable[[], Awaitable[Any]]) -> None:
    """Do it; what it meets is told, and tried again soon."""
    try:
        await act()
    except (RedisError, TimeoutError) as error:  # the worker's own looks tell of it
        log.debug("not_renewed", error=str(error))
    except (OSError, ReelqueueError) as error:
        log.warning("not_renewed", error=str(error))


async def _tried_at_a_start(act: Callable[[], Awaitable[Any]]) -> None:
    """The same; whatever it meets, the worker has its jobs to do."""
    try:
        await _tried(act)
    except Exception as error:  # a bug; every worker would end by it at its start
        log.exception("bug", exc_info=error)


@contextlib.asynccontextmanager
async def _every(seconds: float, act: Callable[[], Awaitable[Any]]) -> AsyncIterator[None]:
    async def for_ever() -> None:
        pause = seconds
        while True:
            await asyncio.sleep(pause)
            began = time.monotonic()
            try:
                await _tried(act)
                took = time.monotonic() - began
            except Exception as error:  # a bug; were this to end, nobody would hear that hints are lost
                took = time.monotonic() - began  # to write the trace is no part of it
                log.exception("bug", exc_info=error)
            pause = max(seconds, took / RENEW_SHARE)

    acting = asyncio.create_task(for_ever())
    try:
        yield
    finally:
        acting.cancel()
        await asyncio.wait({acting})

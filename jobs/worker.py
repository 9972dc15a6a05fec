"""arq's Worker made tough: it starts a job within milliseconds, outlives what happens to Redis, and hands its work on.

What arq 0.28 does not do and this one does: an idle worker is woken by the queue itself (`wakeup`); a claim is a lease that
a thread renews (`claims`, `keeper`), so that a dead worker's jobs are taken over whatever their time-outs; jobs that load
the CPU and jobs that wait have places of their own, and one without a place holds nothing up; no answer of Redis, no hook
and no job ends it (`carrier`); a missed cron run is made up once (`clock`); SIGTERM drains, then hands back, and uses no try.
"""

import asyncio
import contextlib
import gc
import inspect
import os
import time
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from signal import Signals
from typing import Any, cast
from zoneinfo import ZoneInfo

import arq.worker
import structlog
from arq.connections import ArqRedis, RedisSettings
from arq.constants import abort_jobs_ss
from arq.worker import Function
from redis.exceptions import BusyLoadingError, RedisError, ResponseError

from jobs import tally
from jobs.carrier import Carrier, Run, Stop
from jobs.claims import Claims, Look, Taken
from jobs.clock import Clock
from jobs.context import KNOWN_AS
from jobs.halting import drain_key, paused_key
from jobs.keeper import Keeper
from jobs.pipeline import Load
from jobs.pools import open_pool, open_thread_client
from jobs.schedule import Schedule
from jobs.wakeup import Wakeup
from jobs.watchdog import Watchdog
from reelqueue import clock
from reelqueue.errors import ReelqueueError
from reelqueue.process import LABEL, say_leaving, say_ready
from reelqueue.version import __version__
from storage import Owner

LOOK_SECONDS, LOOK_DEAF_SECONDS = 1.0, 0.1
"""How often a worker looks by itself: where the queue wakes it, and where the server can't."""
START_SECONDS, LOADING_SECONDS = 5.0, 600.0
"""How long a worker that starts waits for a Redis that does not answer, and for one that loads its memory."""
FIRST_PAUSE_S, LAST_PAUSE_S, TELL_EVERY_S = 0.05, 0.5, 30.0
"""Between two looks while Redis is away; how often that is told."""
HOLDERS_FIRST_S = 1.0
"""After an outage nobody takes a job for so long: claims ran out, and who works on still says so first."""
HEALTH_SECONDS, HEALTH_KEPT_MS = 1.5, 5_000
"""How often a worker that looks says so, and how long that holds."""
ABORT_SECONDS = 5.0
"""How often a worker that is not woken by it looks for aborts."""
HAND_BACK_SECONDS = 15.0
"""How long jobs may take to let go at the end."""
WORKERS_PREFIX = "reelqueue:workers:"
"""Who looks at a queue: names by the time of their last look, in ms of Redis's clock."""

# KEYS: health, who looks, whether I am to leave.  ARGV: my name, ms that a look counts.  Health is the queue's, not mine: others
# may look on.
_LEAVE = """
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('DEL', KEYS[3])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if redis.call('ZCOUNT', KEYS[2], now - ARGV[2], '+inf') == 0 then redis.call('DEL', KEYS[1]) end
"""

log = structlog.get_logger(__name__)


class Worker(arq.worker.Worker):
    """One queue's worker; arq's parameters, and these.

    `lease_seconds`: how long a claim outlives its worker.  `drain_seconds`: how long jobs may go on after SIGTERM.
    `cpu_jobs`, `cpu_places`: the jobs that load the CPU, and how many at once; the rest of `max_jobs` is for the others.
    `schedule`, `zone`: what this worker's clock enqueues, and where its times are read.  `on_reconnect(ctx)`: Redis is there
    again, perhaps without its memory; an error of ours that it raises ends the worker.  `known_by`: a key that a Redis has which
    did not lose it; where it is gone no job is taken, and `on_reconnect` has to put it back.  Where `on_startup` says in `ctx`
    as whom (`KNOWN_AS`), none is taken from a Redis that holds another's name there either.  `on_abort(ctx, job, args, kwargs)`: a
    job is about to be aborted.
    """

    def __init__(
        self,
        *args: Any,
        lease_seconds: float = 15.0,
        drain_seconds: float = 30.0,
        cpu_jobs: Collection[str] = (),
        cpu_places: int = 0,
        schedule: Sequence[Schedule] = (),
        zone: str = "UTC",
        on_reconnect: Callable[[dict[Any, Any]], Awaitable[Any]] | None = None,
        known_by: str = "",
        on_abort: Callable[[dict[Any, Any], str, tuple[Any, ...], dict[str, Any]], Awaitable[Any]] | None = None,
        **kwargs: Any,
    ) -> None:
        self._heeded: list[tuple[Signals, Callable[[Signals], None]]] = []
        super().__init__(*args, **kwargs)
        self._lease_seconds = lease_seconds
        self._drain_seconds = drain_seconds
        self._cpu_jobs = tuple(cpu_jobs)
        self._cpu_places = cpu_places if cpu_jobs else 0
        self._schedule = tuple(schedule)
        self._zone = ZoneInfo(zone)
        self._on_reconnect = on_reconnect
        self._known_by = known_by
        self._reminding: asyncio.Task[Any] | None = None
        self._on_abort = on_abort
        self._owner = Owner.here()
        self._runs: dict[str, Run] = {}
        self._started = 0
        self._changed = asyncio.Event()
        self._ending = asyncio.Event()
        self._hurry = asyncio.Event()
        self._leaves = False
        self._keeper: Keeper | None = None
        self._abort_asked = self._was_full = True
        self._away_since: float | None = None
        self._told_away = self._told_forgot = float("-inf")
        self._connected_once = False
        self._take_from = self._abort_at = self._remind_at = 0.0
        self._clock_at = 0.0
        self._deadline: float | None = None
        self._health_at = 0.0
        self._began_at = datetime.now(UTC)
        self._began = False
        self._later: set[asyncio.Task[Any]] = set()
        self._refusal: ReelqueueError | None = None

    # Life.

    def run(self) -> None:
        """Work until told to end.

        Raises:
            ReelqueueError: it can't start, or its Redis is another's by now; what to do.
        """
        self.main_task = self.loop.create_task(self.main())
        try:
            self.loop.run_until_complete(self.main_task)
        except asyncio.CancelledError:
            pass
        finally:
            self.loop.run_until_complete(self.close())

    async def main(self) -> None:
        """Start, work, drain."""
        for signum, handler in self._heeded:
            super()._add_signal_handler(signum, handler)
        if self._pool is None:
            self._pool = open_pool(self.redis_settings or RedisSettings())
        self._pool.job_serializer, self._pool.job_deserializer = self.job_serializer, self.job_deserializer
        self._pool.default_queue_name, self._pool.expires_extra_ms = self.queue_name, self.expires_extra_ms
        await self._first_answer()
        if self._ending.is_set():
            return
        self._began_at = datetime.now(UTC)
        self.ctx["redis"] = self.pool
        if self.on_startup and not await self._started_up(self.on_startup(self.ctx)):
            return
        if self._handle_signals:  # the process is ours
            gc.collect()
            gc.freeze()  # else a full collection of what was loaded stops everything for 40 ms, now and then
        self._began = True  # a worker that is refused says that, and no more
        log.info("worker_starts", queue=self.queue_name, worker=self._owner.name, pid=self._owner.pid, version=__version__)
        self._carrier = self._make_carrier()
        self._clock = Clock(self.pool, self._schedule, self._zone) if self._schedule else None
        wakeup = Wakeup(
            self.pool.connection_pool,
            (self.queue_name, abort_jobs_ss, paused_key(self.queue_name), drain_key(self._owner.name)),
            on_change=self._on_change,
            on_connect=self._on_connect,
        )
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self._claims.close)
            keeper = self._keeper = self._make_keeper()
            keeper.start()
            stack.push_async_callback(keeper.stop)
            await stack.enter_async_context(wakeup.listening())
            say_ready()
            await self._work(wakeup)
            await self._drain()
        if self._refusal is not None:
            raise self._refusal

    async def close(self) -> None:
        """Let go of everything; arq's command and tests call it after `run` or `async_run`, which may be called again then."""
        if self._pool is None:
            return
        self._hurry.set()
        self._ending.set()
        for run in list(self._runs.values()):
            run.end(Stop.ENDING)
        ending = [*self.tasks.values(), *([self.main_task] if self.main_task is not None else [])]
        if ending:
            await asyncio.wait(ending, timeout=HAND_BACK_SECONDS)
        for task in self._later:
            task.cancel()
        with contextlib.suppress(RedisError, OSError, TimeoutError):  # it expires
            await self._look_no_more()
        try:
            if self.on_shutdown:
                await self.on_shutdown(self.ctx)
        except Exception as error:  # a hook must not keep the worker from its end
            log.exception("hook_failed", hook="on_shutdown", exc_info=error)
        await self.pool.aclose(close_connection_pool=True)
        self._pool = None
        self._ending.clear()  # arq's --watch runs us once more
        self._hurry.clear()
        self._leaves = False
        self.allow_pick_jobs, self._deadline = True, None
        if self._began:
            log.info("worker_ended", queue=self.queue_name, worker=self._owner.name)

    async def _first_answer(self) -> None:
        """Wait for Redis, or until told to end; for one that loads its memory longer.

        Raises:
            RedisError, OSError: it does not answer, or refuses us.
        """
        began, loading = time.monotonic(), False
        while True:
            try:
                await self.pool.ping()
            except BusyLoadingError:
                if not loading:
                    log.info("redis_loads")
                loading = True
                if time.monotonic() - began > LOADING_SECONDS:
                    raise
            except (RedisError, OSError, TimeoutError) as error:
                if _refuses(error) or time.monotonic() - began > START_SECONDS:
                    raise
            else:
                return
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LAST_PAUSE_S):
                    await self._ending.wait()
                    return

    async def _started_up(self, hook: Awaitable[Any]) -> bool:
        """Run the hook to its end; False where we are told to end meanwhile: it may wait for a disk that hangs."""
        starting, ending = asyncio.ensure_future(hook), asyncio.create_task(self._ending.wait())
        try:
            await asyncio.wait({starting, ending}, return_when=asyncio.FIRST_COMPLETED)
            if not starting.done():
                return False
            await starting  # or what it met
            return True
        finally:
            ending.cancel()
            starting.cancel()
            await asyncio.wait({starting, ending}, timeout=HAND_BACK_SECONDS)

    def _make_carrier(self) -> Carrier:
        self._claims = Claims(
            self.pool,
            self.queue_name,
            self._owner.model_dump_json(),
            self._lease_seconds,
            name=self._owner.name,
            heavy=self._cpu_jobs,
            known_by=self._known_by,
            known_as=self.ctx.get(KNOWN_AS, ""),
        )
        return Carrier(
            queue=self.queue_name,
            claims=self._claims,
            functions=cast(Mapping[str, Function], self.functions),
            context=self.ctx,
            serializer=self.job_serializer,
            deserializer=self.job_deserializer,
            timeout_s=self.job_timeout_s,
            keep_result_s=self.keep_result_s or 0.0,
            keep_result_forever=bool(self.keep_result_forever),
            max_tries=self.max_tries,
            on_job_start=self.on_job_start,
            on_job_end=self.on_job_end,
            after_job_end=self.after_job_end,
            on_abort=self._on_abort,
            gives_up=lambda: self._deadline is not None and time.monotonic() > self._deadline,
        )

    def _make_keeper(self) -> Keeper:
        settings = self.redis_settings or _settings_of(self.pool)
        return Keeper(
            lambda: open_thread_client(settings),
            queue=self.queue_name,
            name=self._owner.name,
            claim=self._owner.model_dump_json(),
            lease_seconds=self._lease_seconds,
            held=lambda: [job_id for job_id, run in list(self._runs.items()) if not run.leaving],
            on_lost=self._lost,
            describe=self._describe,
            watchdog=Watchdog(self.loop) if self._handle_signals else None,  # else the process is somebody else's
        )

    def _describe(self) -> dict[str, Any]:
        return {
            "name": self._owner.name,
            "label": os.environ.get(LABEL, ""),
            "queue": self.queue_name,
            "pid": self._owner.pid,
            "host": self._owner.host,
            "version": __version__,
            "started_at": self._began_at.isoformat(timespec="seconds"),
            "state": "draining" if self._ending.is_set() or self._leaves else "running",
            "places": {"cpu": self._cpu_places, "wait": self.max_jobs - self._cpu_places},
            "cpu_jobs": self._cpu_jobs,
            "complete": self._carrier.counts.complete,
            "failed": self._carrier.counts.failed,
            "jobs": [
                {"job_id": run.job_id, "job": run.name, "since": run.started_at.isoformat(timespec="seconds")} | run.subject
                for run in list(self._runs.values())
            ],
        }

    # Work.

    async def _work(self, wakeup: Wakeup) -> None:
        offset = 0
        while not self._ending.is_set() and not (self._leaves and not self._runs):
            self._changed.clear()
            look = await self._look(offset)
            if look is None:
                offset = 0
                await self._until_changed(LAST_PAUSE_S if self._away_for() > LAST_PAUSE_S else FIRST_PAUSE_S)
                continue
            if look.more is not None and self._has_room():
                offset = look.more
                continue
            offset = 0
            if self._burst_is_over(look):
                return
            await self._until_changed(self._pause(look, wakeup))

    def _pause(self, look: Look, wakeup: Wakeup) -> float:
        pause = LOOK_SECONDS if wakeup.listens else min(LOOK_DEAF_SECONDS, self.poll_delay_s)
        if look.due_ms is not None and self._has_room():
            pause = min(pause, max(0.001, (look.due_ms - look.now_ms) / 1000))
        now = time.monotonic()
        if self._take_from > now:
            pause = min(pause, self._take_from - now)
        return min(pause, max(0.001, self._clock_at - now)) if self._clock is not None else pause

    async def _until_changed(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        except TimeoutError:
            pass

    async def _look(self, offset: int) -> Look | None:
        """Take what is due and has a place; None where Redis does not let us."""
        may_take = self._away_since is None and time.monotonic() >= self._take_from
        places = self._free_places() if may_take else (0, 0)
        self._was_full = True
        try:
            look = await self._claims.take(cpu=places[0], wait=places[1], kept=self._kept_places(), offset=offset)
            for taken in look.taken:
                self._start(taken)
            if look.taken:
                await asyncio.sleep(0)  # the jobs begin before we go on
                self._tell()
            if look.leaves and not self._leaves:
                await self._leave()
            if self._away_since is not None:
                self._health_at = 0.0  # a server that only reads is not back
            await self._say_health(look.now_ms)
            if self.allow_abort_jobs and (self._abort_asked or time.monotonic() - self._abort_at > ABORT_SECONDS):
                await self._abort_jobs()
            if self._clock is not None and time.monotonic() >= self._clock_at:
                seconds = await self._clock.tick(datetime.fromtimestamp(look.now_ms / 1000, UTC) + clock.shift())
                self._clock_at = time.monotonic() + seconds
                self._changed.set()  # what it queued is looked at before a burst ends
                look = look._replace(more=0)
            if self._away_since is not None:
                self._is_back()
                look = look._replace(more=0)  # this one took nothing
            elif look.forgot:
                self._remind()
        except (RedisError, OSError, TimeoutError) as error:
            self._is_away(error)
            return None
        left = self._free_places()
        self._was_full = left[1] <= self._kept_places() or (bool(self._cpu_places) and not left[0])
        return look

    def _free_places(self) -> tuple[int, int]:
        left = self._left()
        cpu = sum(run.taken.load is Load.CPU for run in self._runs.values())
        waiting = len(self._runs) - cpu
        return (
            min(left, max(0, self._cpu_places - cpu)),
            min(left, max(0, self.max_jobs - self._cpu_places - waiting)),
        )

    def _kept_places(self) -> int:
        """How many of the places of those that wait for a service a batch leaves to others: one, where there are two.

        A burst leaves none: it ends when it has nothing more to do.
        """
        return int(self.max_jobs - self._cpu_places >= 2 and not self.burst)

    def _left(self) -> int:
        """How many jobs a burst may still start."""
        if not self.allow_pick_jobs:
            return 0
        return self.max_jobs if not self.burst or self.max_burst_jobs < 0 else max(0, self.max_burst_jobs - self._started)

    def _has_room(self) -> bool:
        return any(self._free_places())

    def _burst_is_over(self, look: Look) -> bool:
        """Nothing runs, and nothing that is there can run now."""
        return self.burst and not self._runs and not look.taken and time.monotonic() >= self._take_from

    def _start(self, taken: Taken) -> None:
        job_id = taken.raw_id.decode(errors="backslashreplace")
        if job_id.encode() != taken.raw_id:  # nobody can ask for it by this name
            log.error("job_refused", error="its id is not UTF-8", job_id=job_id)
            self._beside(self._claims.finish(taken.raw_id, None, 0))
            return
        if (ours := self._runs.get(job_id)) is not None:  # its claim had run out
            if ours.leaving:  # or we were faster than the answer to our hand-back
                self._beside(self._carrier.leave_again(taken))
            return
        self._started += 1
        run = self._runs[job_id] = Run(taken, job_id)
        self._carried(run, self._carrier.carry_out(run))

    def _carried(self, run: Run, carrying: Any) -> None:
        task = self.tasks[run.job_id] = self.loop.create_task(carrying)
        task.add_done_callback(lambda done: self._ended(run, done))

    def _ended(self, run: Run, task: "asyncio.Task[Any]") -> None:
        self._runs.pop(run.job_id, None)
        self.tasks.pop(run.job_id, None)
        counts = self._carrier.counts
        self.jobs_complete, self.jobs_failed, self.jobs_retried = counts.complete, counts.failed, counts.retried
        self._tell()
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("bug", job_id=run.job_id, exc_info=error)
        if self._was_full or self.burst or self._ending.is_set():
            self._changed.set()

    def _lost(self, job_id: str) -> None:
        """Somebody else has a job that we run: we were silent for longer than the lease.

        What has a lease on disk goes on by that: where the two disagree the disk decides.
        """
        run = self._runs.get(job_id)
        if run is None or run.stop is not None or run.finishing:
            return
        log.warning("claim_lost", queue=self.queue_name, job_id=job_id, job=run.name)
        if not run.subject:
            run.end(Stop.LOST)

    async def _abort_jobs(self) -> None:
        self._abort_asked, self._abort_at = False, time.monotonic()
        try:
            aborts = await self._claims.aborts(list(self._runs))
        except BaseException:  # cancelled, too: they have yet to be looked for
            self._abort_asked = True
            raise
        for abort in aborts:
            job_id = abort.raw_id.decode(errors="replace")
            running = self._runs.get(job_id)
            run = running or Run(Taken(abort.raw_id, 0, 1, len(abort.body or b""), abort.body, Load.WAIT), job_id)
            meant = abort.at_ms >= run.enqueued_ms if running is not None else self._carrier.read_aborted(run, abort.at_ms)
            if running is not None:
                if meant:
                    self._beside(self._carrier.abort_running(run))
                continue
            self._runs[job_id] = run
            self._carried(run, self._carrier.abort(run) if meant else self._carrier.leave(run))

    async def _say_health(self, now_ms: int) -> None:
        """Say that this queue is looked at: what `--check` reads."""
        now = time.monotonic()
        if self._leaves or now - self._health_at < HEALTH_SECONDS:
            return
        async with self.pool.pipeline(transaction=False) as pipe:
            info = (
                f"{datetime.now(UTC):%b-%d %H:%M:%S} j_complete={self.jobs_complete} j_failed={self.jobs_failed} "
                f"j_retried={self.jobs_retried} j_ongoing={len(self._runs)}"
            )
            pipe.set(self.health_check_key, info, px=HEALTH_KEPT_MS)
            key = WORKERS_PREFIX + self.queue_name
            pipe.zadd(key, {self._owner.name: now_ms})
            pipe.zremrangebyscore(key, "-inf", now_ms - 60_000)
            pipe.expire(key, 3600)
            await pipe.execute()
        self._health_at = now

    # Redis, away and back.

    def _on_change(self, keys: Collection[str] | None) -> None:
        if keys is None or abort_jobs_ss in keys:
            self._abort_asked = True
        self._changed.set()

    def _on_connect(self) -> None:
        """The second connection is there (again): whatever was missed meanwhile is looked for."""
        self._abort_asked = True
        self._changed.set()
        if self._connected_once:
            self._beside(self._reconnected())
        self._connected_once = True

    def _is_away(self, error: Exception) -> None:
        tally.redis_failed(error)
        now = time.monotonic()
        if self._away_since is None:
            self._away_since = now
        if now - self._told_away >= TELL_EVERY_S:
            self._told_away = now
            log.warning("redis_away", queue=self.queue_name, seconds=round(self._away_for(), 1), error=str(error))

    def _away_for(self) -> float:
        return 0.0 if self._away_since is None else time.monotonic() - self._away_since

    def _is_back(self) -> None:
        seconds = self._away_for()
        self._away_since, self._told_away = None, float("-inf")
        if seconds >= self._lease_seconds / 3:
            self._take_from = time.monotonic() + HOLDERS_FIRST_S
        log.info("redis_back", queue=self.queue_name, seconds=round(seconds, 1))
        self._beside(self._reconnected())

    def _remind(self) -> None:
        """The server stayed and lost its memory, or another's came in its place.  Where it can't be reminded (the disk refuses) that is tried again in a second."""
        now = time.monotonic()
        if now < self._remind_at or (self._reminding is not None and not self._reminding.done()):
            return
        if now - self._told_forgot >= TELL_EVERY_S:
            self._told_forgot = now
            log.warning("redis_forgot", queue=self.queue_name)
        self._remind_at = now + LOOK_SECONDS
        self._reminding = self._beside(self._reconnected())
        self._reminding.add_done_callback(lambda _: self._changed.set())

    async def _reconnected(self) -> None:
        if self._on_reconnect is None or self._ending.is_set():
            return
        try:
            await self._on_reconnect(self.ctx)
        except ReelqueueError as error:
            self._refusal = error
            self._end()
        except (RedisError, OSError, TimeoutError) as error:
            log.warning("not_renewed", error=str(error))

    def _beside(self, work: Any) -> "asyncio.Task[None]":
        async def quietly() -> None:
            try:
                await work
            except (RedisError, OSError, TimeoutError) as error:
                tally.redis_failed(error)
                log.warning("redis_away", queue=self.queue_name, error=str(error))

        task = self.loop.create_task(quietly())
        self._later.add(task)
        task.add_done_callback(self._later.discard)
        return task

    # The end.

    async def _leave(self) -> None:
        """Somebody wants us to take nothing more: the jobs in hand have all the time that they need, then we end."""
        self._leaves, self.allow_pick_jobs = True, False
        log.info("worker_leaves", queue=self.queue_name, worker=self._owner.name, jobs=len(self._runs))
        say_leaving()
        self._tell()
        await self._look_no_more()

    async def _look_no_more(self) -> None:
        keys = [self.health_check_key, WORKERS_PREFIX + self.queue_name, drain_key(self._owner.name)]
        await self.pool.register_script(_LEAVE)(keys=keys, args=[self._owner.name, HEALTH_KEPT_MS])

    def _tell(self) -> None:
        """What we have in hand changed: whoever watches hears of it soon."""
        if self._keeper is not None:
            self._keeper.tell()

    def _add_signal_handler(self, signum: Signals, handler: Callable[[Signals], None]) -> None:
        """From `main` on: uvloop forgets a signal that comes between this and the loop's first turn, and nobody would end."""
        self._heeded.append((signum, handler))

    def handle_sig(self, signum: Signals) -> None:
        """SIGTERM or SIGINT: drain; a second one: hand everything back now."""
        if self._ending.is_set():
            log.info("worker_hurries", signal=Signals(signum).name, jobs=len(self._runs))
            self._hurry.set()
        else:
            log.info(
                "worker_drains",
                signal=Signals(signum).name,
                jobs=len(self._runs),
                seconds=self._drain_seconds,
                queue=self.queue_name,
            )
            self._end()
        if self.on_stop:
            self.on_stop(Signals(signum))

    handle_sig_wait_for_completion = handle_sig

    def _end(self) -> None:
        self.allow_pick_jobs = False
        self._ending.set()
        self._changed.set()

    async def _drain(self) -> None:
        """Let jobs end, for the set time; then hand them back."""
        if self.tasks and not self._hurry.is_set():
            hurry = asyncio.create_task(self._hurry.wait())
            everything = asyncio.create_task(_all(list(self.tasks.values())))
            await asyncio.wait({hurry, everything}, timeout=self._drain_seconds, return_when=asyncio.FIRST_COMPLETED)
            hurry.cancel()
            everything.cancel()
        self._deadline = time.monotonic() + HAND_BACK_SECONDS / 2
        for run in list(self._runs.values()):
            run.end(Stop.ENDING)
        if self.tasks:
            _, left = await asyncio.wait(list(self.tasks.values()), timeout=HAND_BACK_SECONDS)
            for task in left:
                log.error("job_does_not_let_go", task=task.get_name())
                task.cancel()


async def _all(tasks: "Collection[asyncio.Task[Any]]") -> None:
    await asyncio.wait(tasks)


def _refuses(error: BaseException) -> bool:
    """Whether the server answers and will not have us, which no waiting mends."""
    words = ("WRONGPASS", "NOAUTH", "NOPERM", "uthentication", "username-password", "invalid password")
    return isinstance(error, ResponseError) or any(word in str(error) for word in words)


def _settings_of(pool: ArqRedis) -> RedisSettings:
    """Arq's settings of a pool that somebody else opened."""
    known = pool.connection_pool.connection_kwargs
    return RedisSettings(
        host=known.get("host", "localhost"),
        port=known.get("port", 6379),
        unix_socket_path=known.get("path"),
        database=known.get("db") or 0,
        username=known.get("username"),
        password=known.get("password"),
    )


def _with_ours() -> inspect.Signature:
    """Arq's own parameters and ours: `create_worker` hands over only what the signature names."""
    stock = inspect.signature(arq.worker.Worker).parameters.values()
    ours = [one for one in inspect.signature(Worker.__init__).parameters.values() if one.kind is inspect.Parameter.KEYWORD_ONLY]
    return inspect.Signature([*stock, *ours])


Worker.__signature__ = _with_ours()  # type: ignore[attr-defined]

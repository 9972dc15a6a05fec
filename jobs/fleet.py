"""Who works on what, and what lies in the queues: for whoever watches, by a few calls of Redis and never a scan."""

import contextlib
import json
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from arq.connections import ArqRedis
from arq.constants import result_key_prefix
from cronsim import CronSim

from jobs.beats import Beat, Beats
from jobs.clock import RECORD_PREFIX
from jobs.halting import DRAIN_ASKED_SECONDS, drain_key, pause, resume
from jobs.numbers import Numbers
from jobs.order import CPU_JOBS, Order, Standing
from jobs.pipeline import QUEUES, SPECS
from jobs.schedule import SCHEDULE, Schedule
from reelqueue import clock
from reelqueue.errors import QueueNotFound, StorageUnavailable, WorkerNotFound
from reelqueue.models.fleet import ClockRun, QueuedJob, QueueStanding, WorkerBeat
from reelqueue.models.stage import Stage
from storage.pauses import Pauses

LATELY, STEP = timedelta(hours=6), timedelta(hours=1)
"""How far an estimate looks back."""
MEANS_SECONDS = 60.0
"""How long what was looked up for it holds."""
MOST_RESULT_BYTES = 64 * 1024

# ARGV: prefix of results, the largest one, ids.  Results, "" where there is none.
_RESULTS = """
local found = {}
for i = 3, #ARGV do
  local key = ARGV[1] .. ARGV[i]
  local size = redis.pcall('STRLEN', key)
  found[i - 2] = type(size) == 'number' and size > 0 and size <= tonumber(ARGV[2]) and redis.call('GET', key) or ''
end
return found
"""


class Fleet:
    """Workers and queues of one installation.  Raises RedisError or OSError where Redis does not answer.

    `numbers` is what estimates rest on; without it there are none.  The clock's jobs are due by the clocks of `zone`.  `pauses` is
    where it is kept which queues are paused; who only looks needs none.
    """

    def __init__(
        self,
        redis: ArqRedis,
        numbers: Numbers | None = None,
        zone: ZoneInfo | None = None,
        *,
        pauses: Pauses | None = None,
    ) -> None:
        self._redis = redis
        self._pauses = pauses
        self._numbers, self._zone = numbers, zone or ZoneInfo("UTC")
        self._beats, self._order = Beats(redis), Order(redis)
        self._results = redis.register_script(_RESULTS)
        self._means: dict[Stage, float] = {}
        self._means_at = float("-inf")

    async def workers(self) -> list[WorkerBeat]:
        """Every worker that lives, by its queue and its name."""
        return [beat.worker for beat in await self._beats.all()]

    async def drain(self, name: str) -> WorkerBeat:
        """Let a worker take nothing more, and end when its jobs have ended.  A second time changes nothing.

        Raises:
            WorkerNotFound: none of this name lives.
        """
        found = next((one for one in await self.workers() if one.name == name), None)
        if found is None:
            raise WorkerNotFound(name)
        await self._redis.set(drain_key(name), "1", ex=DRAIN_ASKED_SECONDS)
        return found.replace(state="draining")

    async def queues(self) -> list[QueueStanding]:
        """How each queue stands, in the order of the pipeline."""
        beats = await self._beats.all()
        means = await self._lately()
        return [await self._standing(queue, beats, means) for queue in QUEUES]

    async def contents(self, queue: str, *, limit: int = 100, after: int = 0) -> list[QueuedJob]:
        """What is in a queue in the order in which it begins, from the place behind `after` on; at most `order.MOST_ROWS`.

        Running jobs stand where they began, those that are due later behind all others.

        Raises:
            QueueNotFound: there is none of this name.
        """
        _known(queue)
        beats = await self._beats.all()
        return await self._order.page(queue, limit=limit, after=after, cpu_jobs=_heavy(queue, beats))

    async def pause(self, queue: str) -> QueueStanding:
        """Let no job of the queue begin; what runs goes on.  A second time changes nothing.

        Raises:
            QueueNotFound: there is none of this name.
            StorageUnavailable, DiskFull: it is paused until Redis loses its memory.
        """
        _known(queue)
        await pause(self._redis, self._kept_pauses, queue)
        return await self._standing(queue, await self._beats.all(), await self._lately())

    async def resume(self, queue: str) -> QueueStanding:
        """Let a paused queue go on.  A second time changes nothing.

        Raises:
            QueueNotFound: there is none of this name.
            StorageUnavailable: it stays paused.
        """
        _known(queue)
        await resume(self._redis, self._kept_pauses, queue)
        return await self._standing(queue, await self._beats.all(), await self._lately())

    @property
    def _kept_pauses(self) -> Pauses:
        if self._pauses is None:
            raise AssertionError("who only looks at queues pauses none")
        return self._pauses

    async def clock(self) -> list[ClockRun]:
        """The jobs of the clock: when they ran last, and run next.  `ok` is None while a run is not over, and a day after it."""
        records = [_record(raw) for raw in await self._redis.mget([RECORD_PREFIX + one.job for one in SCHEDULE])]
        ids = [job_id for _, job_id in records]
        results = await self._results(args=[result_key_prefix, MOST_RESULT_BYTES, *ids])
        return [
            ClockRun(job=one.job, last_at=at, ok=_ok(result), next_at=self._next(one))
            for one, (at, _), result in zip(SCHEDULE, records, results, strict=True)
        ]

    def _next(self, one: Schedule) -> datetime:
        due: datetime = next(CronSim(one.cron, clock.now().astimezone(self._zone)))
        return due.astimezone(UTC)

    async def _standing(self, queue: str, beats: Sequence[Beat], means: Mapping[Stage, float]) -> QueueStanding:
        ours = [beat.worker for beat in beats if beat.worker.queue == queue]
        stands = await self._order.standing(queue, [job.job_id for one in ours for job in one.jobs])
        taking = [one for one in ours if one.state == "running"]
        left = [one for one in ours if one.state == "draining"]
        return QueueStanding(
            name=queue,
            waiting=stands.waiting,
            oldest_s=None if stands.oldest_ms is None else max(0.0, (stands.now_ms - stands.oldest_ms) / 1000),
            running=stands.running,
            places=sum(one.cpu_places + one.wait_places for one in taking) + sum(len(one.jobs) for one in left),
            workers=len(ours),
            parked=stands.parked,
            resumes_at=_moment(stands.resumes_ms),
            paused=stands.paused_ms is not None,
            paused_at=_moment(stands.paused_ms),
            empty_in_s=None if stands.paused_ms is not None else _empty_in(queue, stands, taking, means, _heavy(queue, beats)),
        )

    async def _lately(self) -> Mapping[Stage, float]:
        """How long each stage took lately, in seconds; only of those that ran."""
        if self._numbers is not None and time.monotonic() - self._means_at > MEANS_SECONDS:
            self._means_at = time.monotonic()
            with contextlib.suppress(StorageUnavailable):  # an estimate is worth no error
                stages = await self._numbers.stages(LATELY, STEP)
                self._means = {one.stage: one.mean_s for one in stages if one.mean_s is not None}
        return self._means


def _known(queue: str) -> None:
    if queue not in QUEUES:
        raise QueueNotFound(queue)


def _heavy(queue: str, beats: Sequence[Beat]) -> frozenset[str]:
    """The jobs that load the CPU, as the queue's workers say."""
    return next((beat.cpu_jobs for beat in beats if beat.worker.queue == queue and beat.cpu_jobs), CPU_JOBS)


def _empty_in(
    queue: str, stands: Standing, taking: Sequence[WorkerBeat], means: Mapping[Stage, float], heavy: frozenset[str]
) -> float | None:
    """How long what waits now takes: in each kind of place, at the mean of the stages that it is for; the longer of the two."""
    if not stands.waiting:
        return 0.0
    stages = [spec for spec in SPECS.values() if spec.queue == queue and spec.stage in means]
    kinds = (
        (stands.cpu, sum(one.cpu_places for one in taking), [means[spec.stage] for spec in stages if spec.job in heavy]),
        (
            stands.waiting - stands.cpu,
            sum(one.wait_places for one in taking),
            [means[spec.stage] for spec in stages if spec.job not in heavy],
        ),
    )
    needed = [kind for kind in kinds if kind[0]]
    if any(not places or not known for _, places, known in needed):
        return None
    return max(count * sum(known) / len(known) / places for count, places, known in needed)


def _record(raw: bytes | None) -> tuple[datetime | None, str]:
    """When a job of the clock was last due, and the id of its run."""
    moment, _, job_id = (raw or b"").decode(errors="replace").partition(" ")
    return (_moment(int(moment)), job_id) if moment.isdecimal() else (None, "")


def _ok(result: bytes) -> bool | None:
    try:
        return bool(json.loads(result)["s"]) if result else None
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def _moment(ms: int | None) -> datetime | None:
    """None for what is no time."""
    try:
        return None if ms is None else datetime.fromtimestamp(ms / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return None

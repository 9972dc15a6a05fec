"""The scene's workers and queues in Redis: hints as the real queue writes them, claims, heartbeats, and what the clock did."""

import json
import random
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from arq.connections import ArqRedis
from arq.constants import in_progress_key_prefix, result_key_prefix
from arq.jobs import serialize_result

from jobs.claims import Claims
from jobs.clock import RECORD_PREFIX, last_due
from jobs.keeper import BEATS_KEY, HEARTBEAT_KEPT_SECONDS, HEARTBEAT_PREFIX
from jobs.pipeline import BATCH, MAINTENANCE, SPECS, VIDEO, cpu_jobs
from jobs.queue import RESULT_SECONDS, JobQueue
from jobs.schedule import SCHEDULE
from jobs.turns import turn_of
from jobs.wire import serialize
from jobs.worker import WORKERS_PREFIX
from reelqueue.models.stage import ProjectStatus, Stage
from storage import Outline

WORKERS = (
    ("video", VIDEO, "render-a", 4121, 188.0, 2.9e9, 0.93, (812, 4)),
    ("video-2", VIDEO, "render-a", 4122, 41.0, 0.9e9, 0.4, (798, 6)),
    ("video", VIDEO, "render-b", 977, 12.0, 0.6e9, 0.3, (301, 1)),
    ("batch", BATCH, "render-b", 981, 2.0, 0.2e9, 0.0, (14, 0)),
    ("maintenance", MAINTENANCE, "render-b", 985, 1.0, 0.1e9, 0.0, (3_410, 0)),
)
"""What each is called, its queue, host and process; CPU, memory, the children's part of it; how many jobs it ended."""
HEAVY = cpu_jobs(assets=False)


class Fleet:
    """Five workers and three queues, as of `now`."""

    def __init__(self, redis: ArqRedis, now: datetime, chance: random.Random) -> None:
        self._redis, self._now, self._chance = redis, now, chance
        self._queue = JobQueue(redis)
        self._in_hand: list[list[dict[str, object]]] = [[] for _ in WORKERS]
        self._history = [[max(0.0, cpu + chance.uniform(-0.2, 0.2) * cpu) for _ in range(40)] for _, _, _, _, cpu, *_ in WORKERS]

    async def begin(self, outlines: Iterable[Outline], batches: Sequence[int]) -> None:
        """Queue what is to be done, and let the workers have in hand what runs."""
        for one in outlines:
            stage = one.running or one.next_stage or Stage.UPLOAD
            if one.status is ProjectStatus.WAITING_QUOTA:
                await self._hint(one, Stage.UPLOAD, one.resume_at)
            elif one.status in {ProjectStatus.QUEUED, ProjectStatus.RUNNING}:
                await self._hint(one, stage, None)
        claims = Claims(self._redis, VIDEO, "scene", 1.0, name="scene", heavy=HEAVY)
        for taken in (await claims.take(cpu=0, wait=1)).taken:  # whatever has no place goes into its line
            await self._redis.delete(in_progress_key_prefix + taken.raw_id.decode())
        await claims.close()
        for number in batches:
            await self._queue.hint_batch(number)
        await self._clock()

    async def _hint(self, one: Outline, stage: Stage, at: datetime | None) -> None:
        job, _ = await self._queue.hint(one.project_id, stage, turn=turn_of(one, stage), at=at)
        waited_ms = int(self._chance.uniform(5, 260) * 1000)
        if at is None:
            await self._redis.zincrby(VIDEO, -waited_ms, job.job_id)
        if one.status is ProjectStatus.RUNNING:
            since = one.running_since or self._now - timedelta(seconds=50)
            busy = min(range(3), key=lambda place: len(self._in_hand[place]))
            self._in_hand[busy].append(
                {"job_id": job.job_id, "job": SPECS[stage].job, "since": since.isoformat(), "project_id": one.project_id, "stage": stage}
            )  # fmt: skip
            await self._redis.set(in_progress_key_prefix + job.job_id, "scene", ex=86_400)

    async def _clock(self) -> None:
        """Each of its jobs ran when it was last due."""
        for one in SCHEDULE:
            due = last_due(one.cron, datetime.now(UTC), ZoneInfo("Asia/Taipei"))
            job_id, ms = f"cron:{one.job}:scene", int(due.timestamp() * 1000)
            body = serialize_result(
                one.job, (), {}, 1, ms, True, {}, ms, ms + 900, job_id, MAINTENANCE, serializer=serialize, job_id=job_id
            )
            await self._redis.set(RECORD_PREFIX + one.job, f"{ms} {job_id}")
            await self._redis.set(result_key_prefix + job_id, body or b"", ex=RESULT_SECONDS)

    async def beat(self) -> None:
        """One heartbeat of each worker."""
        now_ms = int(datetime.now(UTC).timestamp() * 1000)
        for place, (label, queue, host, pid, cpu, memory, children, (complete, failed)) in enumerate(WORKERS):
            name = f"{host}/{pid:016x}"
            beat = {
                "name": name, "label": label, "queue": queue, "pid": pid, "host": host, "version": "0.5.0",
                "started_at": (self._now - timedelta(days=2, hours=4)).isoformat(timespec="seconds"),
                "state": "draining" if place == 2 else "running", "places": {"cpu": 2, "wait": 8} if queue == VIDEO else {"cpu": 0, "wait": 1},
                "cpu_jobs": HEAVY, "jobs": self._in_hand[place], "cpu_percent": max(0.0, cpu + self._chance.uniform(-1, 1)), "cpu_seconds": 100.0,
                "memory_bytes": int(memory), "children": 1, "children_bytes": int(memory * children), "complete": complete, "failed": failed,
                "cpu_history": self._history[place],
            }  # fmt: skip
            await self._redis.set(HEARTBEAT_PREFIX + name, json.dumps(beat), ex=HEARTBEAT_KEPT_SECONDS)
            await self._redis.zadd(BEATS_KEY, {name: now_ms})
            await self._redis.zadd(WORKERS_PREFIX + queue, {name: now_ms})

"""Heartbeats, read: which workers live, what each has in hand, and what it uses."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from arq.connections import ArqRedis
from pydantic import ValidationError

from jobs.keeper import BEATS_KEY, HEARTBEAT_KEPT_SECONDS, HEARTBEAT_PREFIX
from jobs.pipeline import QUEUES
from jobs.worker import WORKERS_PREFIX
from reelqueue.models.fleet import WorkerBeat, WorkerJob

# KEYS: who beats, and who looks at each queue (workers before 0.5 are named only there).  ARGV: heartbeats' prefix.
# Redis's clock in ms, then name, heartbeat, ms for which it still holds.
_BEATS = """
local time = redis.call('TIME')
local found, seen = {string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000))}, {}
for i = 1, #KEYS do
  local names = redis.pcall('ZRANGE', KEYS[i], 0, -1)
  for j = 1, names['err'] and 0 or #names do
    local key = ARGV[1] .. names[j]
    local body = not seen[key] and redis.pcall('GET', key)
    seen[key] = true
    if type(body) == 'string' then
      found[#found + 1] = names[j]
      found[#found + 1] = body
      found[#found + 1] = redis.call('PTTL', key)
    end
  end
end
return found
"""


class Beat(NamedTuple):
    """A worker, and which jobs it says load the CPU."""

    worker: WorkerBeat
    cpu_jobs: frozenset[str]


class Beats:
    """The heartbeats of one installation."""

    def __init__(self, redis: ArqRedis) -> None:
        self._read = redis.register_script(_BEATS)

    async def all(self) -> list[Beat]:
        """Of every worker that lives, by its queue in the order of the pipeline, its name and its age.

        Raises:
            RedisError, OSError, TimeoutError: Redis does not answer.
        """
        keys = [BEATS_KEY, *(WORKERS_PREFIX + queue for queue in QUEUES)]
        now_ms, *found = await self._read(keys=keys, args=[HEARTBEAT_PREFIX])
        now = datetime.fromtimestamp(int(now_ms) / 1000, UTC)
        beats = [
            beat
            for name, body, left_ms in zip(found[::3], found[1::3], found[2::3], strict=True)
            if (beat := _beat(name, body, now - _age(int(left_ms)))) is not None
        ]
        return sorted(beats, key=_place)


def _age(left_ms: int) -> timedelta:
    """How old a heartbeat is, by Redis's own clock: workers of other machines may have another."""
    return max(timedelta(0), timedelta(seconds=HEARTBEAT_KEPT_SECONDS, milliseconds=-left_ms))


def _place(beat: Beat) -> tuple[int, str, str, datetime, int]:
    one = beat.worker
    queue = QUEUES.index(one.queue) if one.queue in QUEUES else len(QUEUES)
    return queue, one.host, one.label, one.started_at, one.pid


def _beat(name: bytes, body: bytes, seen_at: datetime) -> Beat | None:
    """None where it is no heartbeat of ours: whoever watches is told of the others."""
    try:
        said: dict[str, Any] = json.loads(body)
        places: Mapping[str, Any] = said.get("places") or {}
        worker = WorkerBeat(
            name=name.decode(),
            label=str(said.get("label") or ""),
            queue=said["queue"],
            host=said.get("host", ""),
            pid=said.get("pid", 0),
            version=said.get("version", ""),
            started_at=said["started_at"],
            seen_at=seen_at,
            state=said.get("state", "running"),
            cpu_places=places.get("cpu", 0),
            wait_places=places.get("wait", 0),
            jobs=tuple(_jobs(said.get("jobs") or ())),
            cpu_percent=said.get("cpu_percent", 0.0),
            memory_bytes=said.get("memory_bytes", 0),
            children_bytes=said.get("children_bytes", 0),
            complete=said.get("complete", 0),
            failed=said.get("failed", 0),
            cpu_history=tuple(said.get("cpu_history") or ()),
        )
        return Beat(worker, frozenset(map(str, said.get("cpu_jobs") or ())))
    except (ValidationError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _jobs(said: Sequence[Mapping[str, Any]]) -> list[WorkerJob]:
    """Those in hand; what a foreign job says that it is about may be anything, and is left out then."""
    found = []
    for one in said:
        known = {"job_id": one["job_id"], "job": one["job"], "since": one["since"]}
        subject = {name: one[name] for name in ("project_id", "batch_id", "stage") if name in one}
        try:
            found.append(WorkerJob.model_validate(known | subject))
        except ValidationError:
            found.append(WorkerJob.model_validate(known))
    return found

"""The only caller of arq's `enqueue_job`: ids, expiry, routing, and one hint per project and stage.

A hint decides nothing: the state on disk does.  Lost, doubled, late or reordered hints are harmless.
"""

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from arq.connections import ArqRedis
from arq.constants import in_progress_key_prefix, job_key_prefix
from arq.jobs import Job, serialize_job
from arq.utils import timestamp_ms

from jobs.pipeline import BATCH_JOB, ROUTES, SPECS, STAGE_OF
from jobs.turns import PLAIN, Turn
from jobs.wire import deserialize, serialize
from reelqueue import clock, failpoints
from reelqueue.models.stage import Stage

PAYLOAD_EXPIRES = timedelta(days=30)
"""How long a job may wait in the queue; arq's own day would lose a backlog."""
PAYLOAD_EXPIRES_S = int(PAYLOAD_EXPIRES.total_seconds())
RESULT_SECONDS = 86_400
"""How long results are kept."""
RENEWAL_SLACK_MS = 30_000
"""A renewal leaves a job alone that looks again so soon by itself: else a large batch would wake all that wait for a place."""

# KEYS: the hint's key, the queue, perhaps where a server has whose it is.  ARGV: job key's prefix, in-progress key's prefix, when
# it is due (ms; "": now), whether one that runs now counts too, ms by which it may be due later than asked; a fresh id ("" for
# none), its payload, ms to keep it; whose the server has to be.
# The id of the hint that is there, brought forward where it is due earlier now; else the fresh one, enqueued.
_HINT = """
local whose = KEYS[3] and redis.call('GET', KEYS[3])
if whose and whose ~= ARGV[9] then return redis.error_reply('ANOTHERS this Redis belongs to another installation') end
local time = redis.call('TIME')
local due = ARGV[3] ~= '' and ARGV[3] or string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000))
local known = redis.call('GET', KEYS[1])
local id = known and string.match(known, '^%S+')
local score = id and redis.call('ZSCORE', KEYS[2], id)
if score and redis.call('EXISTS', ARGV[1] .. id) == 1 then
  local runs = redis.call('EXISTS', ARGV[2] .. id) == 1
  if ARGV[4] == '1' or not runs then
    if not runs and tonumber(due) + tonumber(ARGV[5]) < tonumber(score) then redis.call('ZADD', KEYS[2], due, id) end
    return id
  end
end
if ARGV[6] ~= '' then
  redis.call('SET', KEYS[1], ARGV[6], 'PX', ARGV[8])
  redis.call('SET', ARGV[1] .. ARGV[6], ARGV[7], 'PX', ARGV[8])
  redis.call('ZADD', KEYS[2], due, ARGV[6])
end
return ARGV[6]
"""

# KEYS: the queue, hints' keys.  ARGV: job key's prefix, in-progress key's prefix, ms by which one may be due later than asked;
# when each is due (ms; "": now).
# The places, from 0, of those that are not there, or are due too late and don't run.
_LACKING = """
local time = redis.call('TIME')
local now, lacking, hints = time[1] * 1000 + math.floor(time[2] / 1000), {}, {}
for i = 2, #KEYS do hints[i - 1] = KEYS[i] end
local known = redis.call('MGET', unpack(hints))
for i = 1, #known do
  local id = known[i] and string.match(known[i], '^%S+')
  local score = id and redis.call('ZSCORE', KEYS[1], id)
  local there = score and redis.call('EXISTS', ARGV[1] .. id) == 1
  local late = there and (tonumber(ARGV[i + 3]) or now) + ARGV[3] < tonumber(score)
  if not there or late and redis.call('EXISTS', ARGV[2] .. id) == 0 then lacking[#lacking + 1] = i - 1 end
end
return lacking
"""

# KEYS: the hint's key, the queue.  ARGV: our id, seconds, our job's key.  A job that came by another way stands for the hint.
_ADOPT = """
redis.call('EXPIRE', ARGV[3], ARGV[2])
local known = redis.call('GET', KEYS[1])
local id = known and string.match(known, '^%S+')
if id and id ~= ARGV[1] and redis.call('ZSCORE', KEYS[2], id) then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
return 1
"""

# KEYS: the batch's hint, the queue, how long it may not be looked at again, whether it was woken during a look.
# ARGV: in-progress key's prefix, ms to remember that.  Its job is brought forward, or told to look once more.
_WAKE_BATCH = """
local known = redis.call('GET', KEYS[1])
local id = known and string.match(known, '^%S+')
local score = id and redis.call('ZSCORE', KEYS[2], id)
if not score then return 0 end
redis.call('SET', KEYS[4], '1', 'PX', ARGV[2])
if redis.call('EXISTS', ARGV[1] .. id) == 0 then
  local time = redis.call('TIME')
  local due = time[1] * 1000 + math.floor(time[2] / 1000) + math.max(0, redis.call('PTTL', KEYS[3]))
  if due < tonumber(score) then redis.call('ZADD', KEYS[2], string.format('%.0f', due), id) end
end
return 1
"""
WOKEN_MS = 60_000
"""How long it is remembered that a batch was woken while it was being looked at: longer than a look takes."""


class Wanted(NamedTuple):
    """A hint that should be there: see `JobQueue.hint`."""

    project_id: int
    stage: Stage
    turn: Turn
    at: datetime | None = None
    chain: bool = True

    @property
    def key(self) -> str:
        """The hint's key."""
        return _hint_key(self.project_id, self.stage)

    @property
    def arguments(self) -> dict[str, Any]:
        """Its job's."""
        return {"project_id": self.project_id} | ({} if self.chain else {"chain": False})


class JobQueue:
    """Jobs of all queues, by one pool of arq's.  The pool stays its opener's to close.

    `known_by` is a key under which a server has whose it is, `known_as` what it has there if it is ours: another's gets no hint,
    since its workers would take it for one of their own projects.  "": any server will do.
    """

    def __init__(self, redis: ArqRedis, *, known_by: str = "", known_as: str = "") -> None:
        self.redis = redis
        self._ours = ([known_by], [known_as]) if known_by else ([], [])
        redis.job_serializer, redis.job_deserializer = serialize, deserialize
        self._find = redis.register_script(_HINT)
        self._lacking = redis.register_script(_LACKING)
        self._adopt = redis.register_script(_ADOPT)
        self._wake_batch = redis.register_script(_WAKE_BATCH)

    async def enqueue(
        self, job: str, *args: Any, queue: str | None = None, at: datetime | None = None, job_id: str | None = None, **kwargs: Any
    ) -> Job:
        """Enqueue a job under an id that was never used before, on its queue by its name unless `queue` is given.

        Raises:
            ValueError: there is no such job, and no queue was given.
            RedisError: it is not known whether it is there.
        """
        where = queue or ROUTES.get(job)
        if where is None:
            raise ValueError(f"there is no job {job!r}; there are {', '.join(ROUTES)}")
        number = job_id or _fresh_id(job, args, kwargs)
        made = await self.redis.enqueue_job(
            job, *args, _job_id=number, _queue_name=where, _defer_until=at, _expires=_expiry(at), **kwargs
        )
        if made is None:  # can't be, with a nonce: the id is there already
            return self.job(number, where)
        return made

    async def hint(
        self,
        project_id: int,
        stage: Stage,
        *,
        turn: Turn,
        at: datetime | None = None,
        renewing: bool = False,
        chain: bool = True,
    ) -> tuple[Job, bool]:
        """See to it that a job of this stage is queued, due at `at` (None: now); returns it, and whether it is a new one.

        `renewing`: one that runs now will do, too (else it may have looked at the state before our change).  `turn` is its place
        among those that are due, from the moment when it is: see `jobs.turns`.
        """
        wanted = Wanted(project_id, stage, turn, at, chain)
        spec = SPECS[stage]
        return await self._hint(wanted.key, spec.job, spec.queue, wanted.arguments, at=at, renewing=renewing, turn=turn)

    async def lacking(self, wanted: Sequence[Wanted]) -> list[int]:
        """The projects of those hints that are not there, or would look much later than wanted; by one call.

        All are of one queue: stages are.
        """
        if not wanted:
            return []
        keys = [SPECS[wanted[0].stage].queue, *(hint.key for hint in wanted)]
        args = [job_key_prefix, in_progress_key_prefix, RENEWAL_SLACK_MS, *(_due_ms(hint.at) for hint in wanted)]
        return [wanted[place].project_id for place in await self._lacking(keys=keys, args=args)]

    async def hint_all(self, wanted: Sequence[Wanted]) -> list[int]:
        """Renew all these hints at once; returns the projects of those that are new."""
        if not wanted:
            return []
        numbers = []
        async with self.redis.pipeline(transaction=False) as pipe:
            for hint in wanted:
                spec = SPECS[hint.stage]
                keys, args, number = _asked(
                    hint.key, spec.job, spec.queue, hint.arguments, at=hint.at, renewing=True, turn=hint.turn
                )
                numbers.append(number)
                await self._find(keys=[*keys, *self._ours[0]], args=[*args, *self._ours[1]], client=pipe)
            found = await pipe.execute()
        await failpoints.reach("hint.renewed")
        return [hint.project_id for hint, number, raw in zip(wanted, numbers, found, strict=True) if raw.decode() == number]

    async def hint_batch(self, batch_id: int, *, renewing: bool = False) -> tuple[Job, bool]:
        """The same for a batch."""
        key, arguments = _batch_key(batch_id), {"batch_id": batch_id}
        return await self._hint(key, BATCH_JOB.job, BATCH_JOB.queue, arguments, at=None, renewing=renewing, turn=PLAIN)

    async def _hint(
        self, key: str, job: str, queue: str, arguments: dict[str, Any], *, at: datetime | None, renewing: bool, turn: Turn
    ) -> tuple[Job, bool]:
        keys, args, number = _asked(key, job, queue, arguments, at=at, renewing=renewing, turn=turn)
        await failpoints.reach("hint.due")
        found = (await self._find(keys=[*keys, *self._ours[0]], args=[*args, *self._ours[1]])).decode()
        await failpoints.reach("hint.queued")
        return self.job(found, queue), found == number

    async def wake(self, project_id: int) -> None:
        """Bring all waiting jobs of a project forward, so that they look at its state now."""
        for stage, spec in SPECS.items():
            keys = [_hint_key(project_id, stage), spec.queue]
            await self._find(keys=keys, args=[job_key_prefix, in_progress_key_prefix, "", 1, 0, "", "", 0])

    async def wake_batch(self, batch_id: int) -> None:
        """Let a batch be looked at now, or as soon as it may be looked at again; one whose job is not there is none to wake."""
        keys = [_batch_key(batch_id), BATCH_JOB.queue, _look_key(batch_id), _woken_key(batch_id)]
        await self._wake_batch(keys=keys, args=[in_progress_key_prefix, WOKEN_MS])

    async def look_begins(self, batch_id: int, pause_s: float) -> None:
        """A batch is being looked at; whoever wakes it from here on means the next look, which comes after `pause_s`."""
        async with self.redis.pipeline(transaction=True) as pipe:
            pipe.delete(_woken_key(batch_id))
            pipe.set(_look_key(batch_id), "1", px=max(1, int(pause_s * 1000)))
            await pipe.execute()

    async def was_woken(self, batch_id: int) -> bool:
        """Whether somebody woke it since its look began."""
        return bool(await self.redis.exists(_woken_key(batch_id)))

    async def adopt(self, job_id: str, project_id: int, stage: Stage) -> None:
        """Let a running job, however it came, stand for the hint of its stage: it will not be renewed beside it."""
        keys = [_hint_key(project_id, stage), SPECS[stage].queue]
        await self._adopt(keys=keys, args=[job_id, PAYLOAD_EXPIRES_S, job_key_prefix + job_id])

    async def adopt_batch(self, job_id: str, batch_id: int) -> None:
        """The same for a batch's job."""
        keys = [_batch_key(batch_id), BATCH_JOB.queue]
        await self._adopt(keys=keys, args=[job_id, PAYLOAD_EXPIRES_S, job_key_prefix + job_id])

    def job(self, job_id: str, queue: str) -> Job:
        """A job that is there, as arq shows it."""
        return Job(job_id, self.redis, _queue_name=queue, _deserializer=deserialize)


def _asked(
    key: str, job: str, queue: str, arguments: dict[str, Any], *, at: datetime | None, renewing: bool, turn: Turn
) -> tuple[list[str], list[Any], str]:
    """Keys and arguments of `_HINT`, and the id that a new one would have."""
    now_ms, number = timestamp_ms(), _fresh_id(job, (), arguments) + turn.suffix  # as in `Pool.enqueue_job`
    payload = serialize_job(job, (), arguments, None, now_ms, serializer=serialize)
    slack_ms = RENEWAL_SLACK_MS if renewing else 0
    keep_ms = int(_expiry(at).total_seconds() * 1000)
    prefixes = (job_key_prefix, in_progress_key_prefix)
    return [key, queue], [*prefixes, _due_ms(at), int(renewing), slack_ms, number, payload, keep_ms], number


def _due_ms(at: datetime | None) -> int | str:
    """As the scripts take it: by the machine's clock, nothing for what is due already."""
    return int(clock.by_the_machine(at).timestamp() * 1000) if at is not None and at > clock.now() else ""


def _hint_key(project_id: int, stage: Stage) -> str:
    return f"reelqueue:hint:{project_id}:{stage}"


def _batch_key(batch_id: int) -> str:
    return f"reelqueue:hint:batch:{batch_id}"


def _look_key(batch_id: int) -> str:
    return f"reelqueue:look:batch:{batch_id}"


def _woken_key(batch_id: int) -> str:
    return f"reelqueue:woken:batch:{batch_id}"


def _fresh_id(job: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
    """A readable id with a nonce: a kept result must never block a later job, nor an old abort end it."""
    subject = kwargs.get("project_id", kwargs.get("batch_id", args[0] if args else ""))
    stage = STAGE_OF.get(job)
    name = str(stage) if stage else job
    return ":".join(part for part in (name, str(subject)[:20], secrets.token_hex(8)) if part)


def _expiry(at: datetime | None) -> timedelta:
    if at is None:
        return PAYLOAD_EXPIRES
    return PAYLOAD_EXPIRES + max(timedelta(0), at - clock.now())

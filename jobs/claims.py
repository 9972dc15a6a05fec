"""Which worker has which job: claims in Redis with a lease, taken, renewed, finished and handed back by one Lua call each.

A claim is arq's own key, `arq:in-progress:<id>`, so that stock clients read it as ever.  Ours holds its owner's name and
lives for the lease: what a dead worker had is anybody's when it ends, whatever the jobs' time-outs.  A job is finished only
by who holds its claim, or where nobody does: Redis may have lost it while the work went on.

Claims only schedule.  What a job may do to a project is decided by the lease and the fence on disk.
"""

from collections.abc import Awaitable, Sequence
from typing import Any, NamedTuple, cast

from arq.connections import ArqRedis
from arq.constants import abort_jobs_ss, in_progress_key_prefix, job_key_prefix, result_key_prefix, retry_key_prefix
from pydantic import ValidationError

from jobs.halting import drain_key, paused_key
from jobs.line import Line
from jobs.pipeline import Load
from jobs.turns import LINES_APART_MS, PLAIN_SECONDS
from storage import Owner

MAX_PAYLOAD_BYTES = 256 * 1024
"""A job carries ids; the largest of ours has under 200 bytes."""
RETRY_SECONDS = 30 * 86_400
"""How long Redis counts a job's tries; as long as the job itself is kept."""
SCAN_AT_ONCE = 2_000
"""Entries that one call may look at: Redis serves nobody else meanwhile (measured: 0.5 ms with 2,000 running entries)."""
PLACED_AT_ONCE = 500
"""Jobs that came due and get their place in their line in one call; each is written once."""
MOST_MS = 2**53
"""A time beyond is none: as exact as a score is."""
STRAY_ABORT_MS = 60_000
"""How long an abort may wait for a job that nobody has."""
ALIVE_PREFIX = "reelqueue:alive:"
"""What workers before 0.2 say that they live by, and look for; their claims outlive them by a week."""
OLD_CLAIM_MS, OLD_UNNAMED_MS = 3_600_000, 7 * 86_400_000
"""Claims with more time left are an old worker's; it put its name on them within ten seconds of their week."""

# KEYS: the queue, whether it is paused, whether we are to leave: either takes nothing; perhaps what a server has that knows
# us: without it, or where it holds another's name, nothing is taken.
# ARGV: prefixes of claims, jobs and retries; our claim, its ms; free places for jobs that load the CPU,
# for others; offset, how many to look at, the largest payload, seconds to count tries; places that batches leave to others;
# ms between two lines, how many get their place in one call, seconds of head start of whose id names none; what the server knows
# us as ("": by whatever name); names of the jobs that load the CPU.
# Redis's clock, its next due time, where to look on (-1: nowhere), what was taken: {id, score, try, size, body, load}; whether we
# are to leave.
#
# What came due stands at its moment.  What of it has no place now goes into its line, by its turn (`jobs.turns`): a range of
# scores for each kind of place, years apart, so that only those are looked at that a free place is for.  Where the server has no
# memory for that it stays where it is.
_TAKE = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local free = {cpu = tonumber(ARGV[6]), wait = tonumber(ARGV[7])}
local offset, most, kept, apart = tonumber(ARGV[8]), tonumber(ARGV[9]), tonumber(ARGV[12]), tonumber(ARGV[13])
local heavy, sorted = {}, #ARGV > 16
for i = 17, #ARGV do heavy[ARGV[i]] = true end
local taken, more = {}, -1
local function exact(score) return string.format('%.0f', score) end
local moment = exact(now)
local asked = redis.call('MGET', unpack(KEYS, 2))
local forgot = KEYS[4] and (not asked[3] or ARGV[16] ~= '' and asked[3] ~= ARGV[16])
local may = not asked[1] and not asked[2] and not forgot and (free.cpu > 0 or free.wait > 0)
local there = may and redis.call('ZCOUNT', KEYS[1], '-inf', moment) or 0
if there > 0 then

local LINES, waiting = {batch = 1, single = 2, cpu = 3}, {cpu = {}, wait = {}}
local function kind(id)
  local head = sorted and redis.pcall('GETRANGE', ARGV[2] .. id, 0, 255)
  local name = type(head) == 'string' and string.match(head, '"f": ?"([^"]*)"')
  if name and heavy[name] then return 'cpu' end
  return string.find(id, '~b%d+$') and 'batch' or 'single'
end
local function add(id, line, turn, score, came)
  local one = {id = id, line = line, turn = turn, score = score, came = came}
  table.insert(waiting[line == 'cpu' and 'cpu' or 'wait'], one)
end
-- Calls found(id, score) for those between two scores that nobody has, until there were so many; how many were looked at.
local function look(low, high, enough, found)
  local at, page, seen = offset, 32, 0
  while seen < enough do
    if at - offset >= most then more = at break end
    local ids = redis.call('ZRANGEBYSCORE', KEYS[1], low, high, 'WITHSCORES', 'LIMIT', at, page)
    if #ids == 0 then break end
    local keys = {}
    for i = 1, #ids, 2 do keys[#keys + 1] = ARGV[1] .. ids[i] end
    local held = redis.call('MGET', unpack(keys))
    for i = 1, #keys do
      if not held[i] and seen < enough then
        seen = seen + 1
        found(ids[2 * i - 1], ids[2 * i])
      end
    end
    at = at + #keys
    if #keys < page then break end
    page = 128
  end
  return at
end
local function take(one, place)
  local id, key = one.id, ARGV[1] .. one.id
  if not redis.call('SET', key, ARGV[4], 'NX', 'PX', ARGV[5]) then return end
  free[place] = free[place] - 1
  local size, body = redis.pcall('STRLEN', ARGV[2] .. id), ''
  if type(size) ~= 'number' then size = -1 end
  if size > 0 and size <= tonumber(ARGV[10]) then body = redis.call('GET', ARGV[2] .. id) end
  local try = redis.pcall('INCR', ARGV[3] .. id)
  if type(try) ~= 'number' then
    redis.call('DEL', ARGV[3] .. id)
    try = redis.call('INCR', ARGV[3] .. id)
  end
  redis.call('EXPIRE', ARGV[3] .. id, ARGV[11])
  taken[#taken + 1] = {id, one.score, try, size, body, place}
end

local came = look('(' .. exact(now - apart / 2), moment, tonumber(ARGV[14]), function(id, score)
  local head = string.match(id, '~[bs](%d+)$') or ARGV[15]
  add(id, kind(id), score - head * 1000, score, true)
end)
if came < there then
  for line, place in pairs(LINES) do
    local enough = line == 'cpu' and free.cpu or free.wait - (line == 'batch' and kept or 0)
    look('(' .. exact(now - (place + 0.5) * apart), exact(now - (place - 0.5) * apart), enough, function(id, score)
      add(id, line, score + place * apart, score, false)
    end)
  end
  -- Whose score is no time at all, an aborted one's for instance, goes first.
  look('-inf', exact(now - 3.5 * apart), free.cpu + free.wait, function(id, score)
    add(id, kind(id), -math.huge, score, false)
  end)
end
for _, place in ipairs({'cpu', 'wait'}) do
  local all = waiting[place]
  table.sort(all, function(one, other)
    if one.turn ~= other.turn then return one.turn < other.turn end
    return one.id < other.id
  end)
  for _, one in ipairs(all) do
    if free[place] > (one.line == 'batch' and kept or 0) then
      take(one, place)
    elseif one.came then
      redis.pcall('ZADD', KEYS[1], exact(one.turn - LINES[one.line] * apart), one.id)
    end
  end
end

end
local due = redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. moment, '+inf', 'WITHSCORES', 'LIMIT', 0, 1)
return {moment, due[2] or '', more, taken, asked[2] and 1 or 0, forgot and 1 or 0}
"""

# KEYS: the queue, aborts.  ARGV: prefixes of claims, jobs, retries and results; our claim, id, result ("" for none), its ms.
# The result first: where there is no memory for it nothing else happens.
_FINISH = """
local id = ARGV[6]
local held = redis.pcall('GET', ARGV[1] .. id)
if type(held) == 'string' and held ~= ARGV[5] then return 0 end
if ARGV[7] ~= '' then redis.call('SET', ARGV[4] .. id, ARGV[7], 'PX', ARGV[8]) end
redis.call('DEL', ARGV[1] .. id, ARGV[2] .. id, ARGV[3] .. id)
redis.call('ZREM', KEYS[1], id)
redis.pcall('ZREM', KEYS[2], id)
return 1
"""

# KEYS: the queue.  ARGV: prefixes of claims, jobs and retries; our claim, id, ms until it is due ("" keeps its turn),
# whether the try counts, ms to keep the job.
_BACK = """
local id = ARGV[5]
local held = redis.pcall('GET', ARGV[1] .. id)
if type(held) == 'string' and held ~= ARGV[4] then return 0 end
redis.call('DEL', ARGV[1] .. id)
if ARGV[6] ~= '' then
  local time = redis.call('TIME')
  local due = time[1] * 1000 + math.floor(time[2] / 1000) + tonumber(ARGV[6])
  redis.call('ZADD', KEYS[1], 'XX', string.format('%.0f', due), id)
elseif redis.call('ZSCORE', KEYS[1], id) then
  redis.call('ZINCRBY', KEYS[1], -1, id)
end
redis.call('PEXPIRE', ARGV[2] .. id, ARGV[8])
if ARGV[7] == '0' and redis.call('EXISTS', ARGV[3] .. id) == 1 then redis.pcall('DECR', ARGV[3] .. id) end
return 1
"""

# KEYS: the queue.  ARGV: prefix of claims, our claim, its ms, ids.  A claim that is gone is taken anew while its job is
# queued.  The ids that somebody else has now, and those whose claims were taken anew.
RENEW = """
local lost, anew = {}, {}
for i = 4, #ARGV do
  local key = ARGV[1] .. ARGV[i]
  local held = redis.pcall('GET', key)
  if held == ARGV[2] then
    redis.call('PEXPIRE', key, ARGV[3])
  elseif type(held) == 'string' then
    lost[#lost + 1] = ARGV[i]
  elseif redis.call('ZSCORE', KEYS[1], ARGV[i]) then
    redis.call('SET', key, ARGV[2], 'PX', ARGV[3])
    anew[#anew + 1] = ARGV[i]
  end
end
return {lost, anew}
"""

# KEYS: a claim.  ARGV: ours.
RELEASE = """
if redis.pcall('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
"""

# KEYS: the queue, aborts.  ARGV: prefixes of claims and jobs; our claim, its ms, ms after which an abort of nothing is stray,
# the largest payload; ids that we run.
# Aborts that concern us: {id, when, body}; of jobs that wait here, which are claimed, and of those that we run.
_ABORTS = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local ours, found = {}, {}
for i = 7, #ARGV do ours[ARGV[i]] = true end
local asked = redis.pcall('ZRANGE', KEYS[2], 0, 999, 'WITHSCORES')
if asked['err'] then return {} end
for i = 1, #asked, 2 do
  local id, key = asked[i], ARGV[1] .. asked[i]
  if ours[id] then
    found[#found + 1] = {id, asked[i + 1], ''}
    redis.call('ZREM', KEYS[2], id)
  elseif redis.call('ZSCORE', KEYS[1], id) then
    if redis.call('SET', key, ARGV[3], 'NX', 'PX', ARGV[4]) then
      local size, body = redis.pcall('STRLEN', ARGV[2] .. id), ''
      if type(size) == 'number' and size <= tonumber(ARGV[6]) then body = redis.call('GET', ARGV[2] .. id) or '' end
      found[#found + 1] = {id, asked[i + 1], body}
      redis.call('ZREM', KEYS[2], id)
    end
  elseif now - tonumber(asked[i + 1]) > tonumber(ARGV[5]) and redis.call('EXISTS', ARGV[2] .. id) == 0 then
    redis.call('ZREM', KEYS[2], id)
  end
end
return found
"""

# KEYS: the queue.  ARGV: prefix of claims; the first and the last place to look at.
# How many there are at these places, then id and claim of each that is claimed.
_CLAIMED = """
local ids = redis.call('ZRANGE', KEYS[1], ARGV[2], ARGV[3])
local keys, found = {}, {#ids}
for i = 1, #ids do keys[i] = ARGV[1] .. ids[i] end
if #ids > 0 then
  local held = redis.call('MGET', unpack(keys))
  for i = 1, #ids do
    if held[i] then
      found[#found + 1] = ids[i]
      found[#found + 1] = held[i]
    end
  end
end
return found
"""

# KEYS: the queue.  ARGV: key of the claim, the dead owner's claim, id.  Its turn comes a millisecond sooner: that wakes workers.
_FREE = """
if redis.call('GET', ARGV[1]) ~= ARGV[2] then return 0 end
redis.call('DEL', ARGV[1])
if redis.call('ZSCORE', KEYS[1], ARGV[3]) then redis.call('ZINCRBY', KEYS[1], -1, ARGV[3]) end
return 1
"""


class Taken(NamedTuple):
    """A job that is ours now.  `body` is None where its payload is gone, too large or no string; `size` says which."""

    raw_id: bytes
    score: int
    job_try: int
    size: int
    body: bytes | None
    load: Load


class Look(NamedTuple):
    """What a look at the queue found: Redis's clock, when the next job is due, where to look on; times in ms.

    `leaves`: somebody wants this worker to take nothing more.  `forgot`: the server lost its memory, and may not know what is paused; or
    it is another's by now.
    """

    now_ms: int
    due_ms: int | None
    more: int | None
    taken: list[Taken]
    leaves: bool = False
    forgot: bool = False


class Abort(NamedTuple):
    """Somebody asked to abort a job, at `at_ms` by his own clock; `body` is its payload where we did not run it yet."""

    raw_id: bytes
    at_ms: int
    body: bytes | None


class Claims:
    """The claims of one worker on one queue.  Every method raises `RedisError` or `OSError` where Redis does not answer.

    `claim` is what its claims hold, `name` what it is called; `heavy` are the jobs that load the CPU.  `known_by` is a key that a
    server has that knows this installation, and the pauses of its queues; "": any server will do.  `known_as` is what it holds there;
    "": whatever it holds.
    """

    def __init__(
        self,
        redis: ArqRedis,
        queue: str,
        claim: str,
        lease_seconds: float,
        *,
        name: str = "",
        heavy: Sequence[str] = (),
        known_by: str = "",
        known_as: str = "",
    ) -> None:
        self._queue = queue
        self._known_as = known_as
        self._taking = [queue, paused_key(queue), drain_key(name), *filter(None, [known_by])]
        self._claim = claim
        self._lease_ms = int(lease_seconds * 1000)
        self._heavy = tuple(heavy)
        self._line = Line(redis.connection_pool)
        self._take, self._finish, self._back, self._aborts = map(redis.register_script, (_TAKE, _FINISH, _BACK, _ABORTS))

    async def take(self, *, cpu: int, wait: int, kept: int = 0, offset: int = 0) -> Look:
        """Take due jobs, up to so many that load the CPU and so many others; one without a place holds nothing up.

        Of the places of the others so many are `kept` from batches' jobs: whatever belongs to none finds one free.  Nothing is taken
        from a queue that is paused, nor from a server that forgot whose it is, or is another's.
        """
        now, due, more, taken, leaves, forgot = await self._line.call(
            self._take,
            keys=self._taking,
            args=[
                in_progress_key_prefix, job_key_prefix, retry_key_prefix, self._claim, self._lease_ms, cpu, wait, offset,
                SCAN_AT_ONCE, MAX_PAYLOAD_BYTES, RETRY_SECONDS, kept, LINES_APART_MS, PLACED_AT_ONCE, PLAIN_SECONDS, self._known_as,
                *self._heavy,
            ],
        )  # fmt: skip
        return Look(
            int(now),
            _ms(due) if due else None,
            int(more) if int(more) >= 0 else None,
            [
                Taken(raw, _ms(score), int(tries), int(size), body or None, Load(load.decode()))
                for raw, score, tries, size, body, load in taken
            ],
            leaves=bool(leaves),
            forgot=bool(forgot),
        )

    async def close(self) -> None:
        """Close the connection that looks."""
        await self._line.close()

    async def finish(self, raw_id: bytes, result: bytes | None, keep_ms: int) -> bool:
        """End a job, with its result; False where it is another's by now, who will end it."""
        return bool(
            await self._finish(
                keys=[self._queue, abort_jobs_ss],
                args=[
                    in_progress_key_prefix, job_key_prefix, retry_key_prefix, result_key_prefix, self._claim, raw_id,
                    result or b"", keep_ms,
                ],
            )
        )  # fmt: skip

    async def back(self, raw_id: bytes, *, seconds: float | None, counts: bool, keep_ms: int) -> bool:
        """Hand a job back, due in so many seconds (None: it keeps its turn); False where it is another's by now."""
        return bool(
            await self._back(
                keys=[self._queue],
                args=[
                    in_progress_key_prefix, job_key_prefix, retry_key_prefix, self._claim, raw_id,
                    "" if seconds is None else max(1, round(seconds * 1000)), int(counts), keep_ms,
                ],
            )
        )  # fmt: skip

    async def aborts(self, running: Sequence[str]) -> list[Abort]:
        """Aborts of jobs that we run, and of jobs that wait in the queue, which are ours now; stray ones are removed."""
        found = await self._aborts(
            keys=[self._queue, abort_jobs_ss],
            args=[
                in_progress_key_prefix, job_key_prefix, self._claim, self._lease_ms, STRAY_ABORT_MS, MAX_PAYLOAD_BYTES, *running,
            ],
        )  # fmt: skip
        return [Abort(raw, _ms(at), body or None) for raw, at, body in found]


def _ms(score: bytes) -> int:
    """A score as a time; whoever parks a job may have written one without end."""
    return int(min(MOST_MS, max(-MOST_MS, float(score))))


async def free_dead(redis: Any, queue: str) -> list[str]:
    """Free the jobs of a queue whose workers are surely gone, seen from this machine; returns their ids.

    Without it their claims end by themselves with the lease.

    Raises:
        RedisError: some may not be freed.
    """
    free, claimed = redis.register_script(_FREE), redis.register_script(_CLAIMED)
    freed, start = list[str](), 0
    while True:
        there, *found = await claimed(keys=[queue], args=[in_progress_key_prefix, start, start + SCAN_AT_ONCE - 1])
        for raw, claim in zip(found[::2], found[1::2], strict=True):
            key = in_progress_key_prefix.encode() + raw
            if await _is_dead(redis, key, claim) and await free(keys=[queue], args=[key, claim, raw]):
                freed.append(raw.decode(errors="replace"))
        start += there
        if there < SCAN_AT_ONCE:
            return freed


async def _is_dead(redis: Any, key: bytes, claim: bytes) -> bool:
    """Whether who claimed is gone: its process, or the beat of a worker before 0.2."""
    try:
        owner = Owner.model_validate_json(claim)
    except ValidationError:
        owner = None
    if owner is not None and owner.is_gone():
        return True
    left_ms = await cast(Awaitable[int], redis.pttl(key))
    if owner is None:
        return OLD_CLAIM_MS < left_ms < OLD_UNNAMED_MS
    return left_ms > OLD_CLAIM_MS and not await redis.exists(ALIVE_PREFIX + owner.name)

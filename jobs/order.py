"""What is in a queue, in the order in which workers take it (`jobs.claims`): read for whoever watches, and never all of it.

First what stands at no time at all, then what is due by its turn, running jobs among it where they stand, then what is due later.
A page costs the same wherever it begins: the turn of its first row is found by counting, in steps that halve the rest.
"""

import json
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from arq.connections import ArqRedis
from arq.constants import in_progress_key_prefix, job_key_prefix
from pydantic import ValidationError

from jobs.claims import PLACED_AT_ONCE
from jobs.halting import paused_key
from jobs.pipeline import SPECS, STAGE_OF, Load
from jobs.subject import subject_of
from jobs.turns import LINES_APART_MS, PLAIN_SECONDS
from reelqueue.models.fleet import Line, QueuedJob

LOOKED_AT = 200
"""Of each line so many are looked at for the one that waits longest: it is the first, but where priorities differ."""
CAME_AT_ONCE = PLACED_AT_ONCE
"""Jobs that came due and that no worker gave a place yet; behind so many they are shown as they came (2,000 took Redis 11 ms)."""
HEAD_BYTES = 4_096
"""Of a payload; ours have under 200 bytes."""
MOST_ROWS = 1_000

# What both scripts know: Redis's clock, where each line's scores lie, what a score and an id say.  `apart`, `plain` are set before.
_LINES = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function exact(score) return string.format('%.0f', score) end
local names, places = {'batch', 'single', 'cpu'}, {batch = 1, single = 2, cpu = 3}
local function ends(name)
  if name == 'came' then return '(' .. exact(now - apart / 2), exact(now) end
  if name == 'parked' then return '(' .. exact(now), '+inf' end
  if name == 'odd' then return '-inf', exact(now - 3.5 * apart) end
  return '(' .. exact(now - (places[name] + 0.5) * apart), exact(now - (places[name] - 0.5) * apart)
end
local function line_of(score)
  if score > now then return 'parked' end
  if score > now - apart / 2 then return 'came' end
  for _, name in ipairs(names) do
    if score > now - (places[name] + 0.5) * apart then return name end
  end
  return 'odd'
end
local function head_ms(id) return (string.match(id, '~[bs](%d+)$') or plain) * 1000 end
local function moment_of(line, id, score)
  if line == 'odd' then return nil end
  if line == 'came' or line == 'parked' then return score end
  return score + places[line] * apart + head_ms(id)
end
"""

# KEYS: the queue, whether it is paused.  ARGV: prefix of claims, ms between lines, head start of whose id says none, how many of
# each line are looked at; ids that workers say they have in hand.
# {now, paused since, due later, the first of them, running; waiting in each line: cpu, single, batch, came, odd; since when the
# one that waits longest}.
_STANDING = (
    "local apart, plain = tonumber(ARGV[2]), tonumber(ARGV[3])\n"
    + _LINES
    + """
local counts, running, oldest = {}, 0, nil
for _, name in ipairs({'cpu', 'single', 'batch', 'came', 'odd'}) do counts[name] = redis.call('ZCOUNT', KEYS[1], ends(name)) end
for i = 5, #ARGV do
  local score = redis.call('ZSCORE', KEYS[1], ARGV[i])
  if score and redis.call('EXISTS', ARGV[1] .. ARGV[i]) == 1 then
    running = running + 1
    local line = line_of(tonumber(score))
    if counts[line] then counts[line] = counts[line] - 1 end
  end
end
for name, count in pairs(counts) do
  if count > 0 and name ~= 'odd' then
    local low, high = ends(name)
    local ids = redis.call('ZRANGEBYSCORE', KEYS[1], low, high, 'WITHSCORES', 'LIMIT', 0, ARGV[4])
    local keys = {}
    for i = 1, #ids, 2 do keys[#keys + 1] = ARGV[1] .. ids[i] end
    local held = #keys > 0 and redis.call('MGET', unpack(keys)) or {}
    for i = 1, #keys do
      local moment = not held[i] and moment_of(name, ids[2 * i - 1], tonumber(ids[2 * i]))
      if moment and (not oldest or moment < oldest) then oldest = moment end
    end
  end
end
local low, high = ends('parked')
local parked = redis.call('ZCOUNT', KEYS[1], low, high)
local first = redis.call('ZRANGEBYSCORE', KEYS[1], low, high, 'WITHSCORES', 'LIMIT', 0, 1)
local paused = redis.pcall('GET', KEYS[2])
return {
  exact(now), type(paused) == 'string' and paused or '', parked, first[2] or '', running,
  counts.cpu, counts.single, counts.batch, counts.came, counts.odd, oldest and exact(oldest) or '',
}
"""
)

# KEYS: the queue.  ARGV: prefixes of claims and jobs, ms between lines, head start of whose id says none, how many rows to leave out,
# how many to show, how many of those that came are put in order, bytes of a payload.
# {now, then id, line, score, since when it waits, whether it is claimed, its payload ("" where it is longer)} for each row.
_PAGE = (
    "local apart, plain = tonumber(ARGV[3]), tonumber(ARGV[4])\n"
    + _LINES
    + """
local skip, left, most = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
local found = {exact(now)}
local function show(id, line, score)
  local moment, body = moment_of(line, id, score), redis.pcall('STRLEN', ARGV[2] .. id)
  local whole = type(body) == 'number' and body > 0 and body <= tonumber(ARGV[8])
  found[#found + 1] = {
    id, line, exact(score), moment and exact(moment) or '', redis.call('EXISTS', ARGV[1] .. id),
    whole and redis.call('GET', ARGV[2] .. id) or '',
  }
  left = left - 1
end
-- Those between two scores, by score, from the one at `from` on; what is left out here is no longer to be left out behind.
local function plainly(line, from)
  local low, high = ends(line)
  local there = math.max(0, redis.call('ZCOUNT', KEYS[1], low, high) - from)
  if left > 0 and skip < there then
    local ids = redis.call('ZRANGEBYSCORE', KEYS[1], low, high, 'WITHSCORES', 'LIMIT', from + skip, left)
    for i = 1, #ids, 2 do show(ids[i], line, tonumber(ids[i + 1])) end
    skip = 0
  else
    skip = skip - math.min(skip, there)
  end
end

plainly('odd', 0)
local came = {}
if left > 0 then
  local low, high = ends('came')
  local ids = redis.call('ZRANGEBYSCORE', KEYS[1], low, high, 'WITHSCORES', 'LIMIT', 0, most)
  for i = 1, #ids, 2 do
    local score = tonumber(ids[i + 1])
    came[#came + 1] = {id = ids[i], line = 'came', score = score, turn = score - head_ms(ids[i])}
  end
  local function before(one, other)
    if one.turn ~= other.turn then return one.turn < other.turn end
    return one.id < other.id
  end
  table.sort(came, before)
  -- How many have a turn up to this one.
  local function upto(turn)
    local low, high = 0, #came
    while low < high do
      local half = math.floor((low + high + 1) / 2)
      if came[half].turn <= turn then low = half else high = half - 1 end
    end
    local count = low
    for _, name in ipairs(names) do
      local first, last = ends(name)
      local top = math.min(tonumber(last), turn - places[name] * apart)
      count = count + redis.call('ZCOUNT', KEYS[1], first, exact(top))
    end
    return count
  end
  local low, high = math.floor(now - 2 * apart), math.ceil(now + 2 * apart)
  local there = upto(high)
  if skip >= there then
    skip = skip - there
  else
    while low < high do
      local half = math.floor((low + high) / 2)
      if upto(half) > skip then high = half else low = half + 1 end
    end
    local out = skip - upto(high - 1)
    local rows = {}
    for _, name in ipairs(names) do
      local first, last = ends(name)
      local from = high - 1 - places[name] * apart
      if from > tonumber(string.sub(first, 2)) then first = '(' .. exact(from) end
      local ids = redis.call('ZRANGEBYSCORE', KEYS[1], first, last, 'WITHSCORES', 'LIMIT', 0, out + left)
      for i = 1, #ids, 2 do
        local score = tonumber(ids[i + 1])
        rows[#rows + 1] = {id = ids[i], line = name, score = score, turn = score + places[name] * apart}
      end
    end
    for _, one in ipairs(came) do
      if one.turn >= high then rows[#rows + 1] = one end
    end
    table.sort(rows, before)
    for i = out + 1, math.min(#rows, out + left) do show(rows[i].id, rows[i].line, rows[i].score) end
    skip = 0
  end
end
plainly('came', most)
plainly('parked', 0)
return found
"""
)


class Standing(NamedTuple):
    """How a queue stands; `cpu`, `single`, `batch` wait in their lines, `came` came due just now, `odd` stand at no time.  Times in ms."""

    now_ms: int
    paused_ms: int | None
    parked: int
    resumes_ms: int | None
    running: int
    cpu: int
    single: int
    batch: int
    came: int
    odd: int
    oldest_ms: int | None

    @property
    def waiting(self) -> int:
        """Who is due and has no place."""
        return max(0, self.cpu + self.single + self.batch + self.came + self.odd)


class Order:
    """The queues of one installation, looked at.  Every method raises `RedisError` or `OSError` where Redis does not answer."""

    def __init__(self, redis: ArqRedis) -> None:
        self._standing, self._page = redis.register_script(_STANDING), redis.register_script(_PAGE)

    async def standing(self, queue: str, in_hand: Collection[str]) -> Standing:
        """How a queue stands; `in_hand` are the jobs that its workers say they run, of which some may have ended."""
        args: list[str | int] = [in_progress_key_prefix, LINES_APART_MS, PLAIN_SECONDS, LOOKED_AT, *in_hand]
        now, paused, parked, resumes, running, cpu, single, batch, came, odd, oldest = await self._standing(
            keys=[queue, paused_key(queue)], args=args
        )
        return Standing(
            int(now),
            _number(paused, otherwise=int(now)) if paused else None,
            parked,
            _number(resumes),
            running,
            max(0, cpu),
            max(0, single),
            max(0, batch),
            max(0, came),
            odd,
            _number(oldest),
        )

    async def page(self, queue: str, *, limit: int, after: int, cpu_jobs: Collection[str]) -> list[QueuedJob]:
        """So many jobs of a queue from the place behind `after` on; `cpu_jobs` are those that load the CPU, as its workers say."""
        args: list[str | int] = [
            in_progress_key_prefix, job_key_prefix, LINES_APART_MS, PLAIN_SECONDS, max(0, after), min(max(0, limit), MOST_ROWS),
            CAME_AT_ONCE, HEAD_BYTES,
        ]  # fmt: skip
        _, *rows = await self._page(keys=[queue], args=args)
        heavy = cpu_jobs or CPU_JOBS
        return [_row(max(0, after) + 1 + number, row, heavy) for number, row in enumerate(rows)]


CPU_JOBS = frozenset(spec.job for spec in SPECS.values() if spec.load is Load.CPU)


def _row(place: int, row: Sequence[Any], heavy: Collection[str]) -> QueuedJob:
    raw_id, raw_line, score, moment, claimed, body = row
    job_id, line = raw_id.decode(errors="backslashreplace"), raw_line.decode()
    job, subject = _read(body)
    known: dict[str, Any] = {
        "place": place,
        "job_id": job_id,
        "job": job or _named(job_id),
        "line": line if line in {"cpu", "single", "batch"} else _line(job, job_id, heavy),
        "queued_at": None if line == "parked" else _moment(moment),
        "due_at": _moment(score) if line == "parked" else None,
        "running": bool(claimed),
    }
    try:
        return QueuedJob.model_validate(known | subject)
    except ValidationError:  # a foreign job may say anything of what it is about
        return QueuedJob.model_validate(known)


def _read(body: bytes) -> tuple[str, dict[str, Any]]:
    """The name of the job and what it is about; nothing where the payload is none of ours."""
    try:
        said = json.loads(body)
        name, args, kwargs = said["f"], said["a"], said["k"]
        return str(name)[:200], subject_of(str(name), args, kwargs)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return "", {}


def _named(job_id: str) -> str:
    """By its id, where its payload says nothing."""
    stage = job_id.partition(":")[0]
    return next((job for job, of in STAGE_OF.items() if of == stage), "")


def _line(job: str, job_id: str, heavy: Collection[str]) -> Line:
    if job in heavy:
        return "cpu"
    mark, _, number = job_id.rpartition("~b")
    return "batch" if mark and number.isdecimal() else "single"


def _moment(ms: bytes) -> datetime | None:
    """None for a score that is no time of ours."""
    try:
        return datetime.fromtimestamp(float(ms) / 1000, UTC) if ms else None
    except (ValueError, OverflowError, OSError):
        return None


def _number(text: bytes, *, otherwise: int | None = None) -> int | None:
    try:
        return int(float(text)) if text else otherwise
    except (ValueError, OverflowError):
        return otherwise

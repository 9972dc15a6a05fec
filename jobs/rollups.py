"""Where numbers stand in Redis: totals, rollups by the minute and by the hour, the last attempts.  One call writes a whole batch."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from arq.connections import ArqRedis

from reelqueue.tally import HIGHEST, Batch

# reelqueue:counted           since when, as Unix ms; without it Redis knows nothing, and takes nothing until it was told what
#                             the disk knows (`counting`)
# reelqueue:counted:by:<process>  the number of the last batch that this process handed over: the same one again counts once
# reelqueue:counted:copy      the number of the last copy on disk; one that is lower than the disk's is a Redis that went back
# reelqueue:counted:at:<minute>   somebody has done what is due in this minute
# reelqueue:counted:restoring somebody tells Redis what the disk knows
# reelqueue:totals            counters since ever, by name and labels
# reelqueue:m:<minute>        by Unix time / 60, for a week
# reelqueue:h:<hour>          the same by the hour, for five weeks
# reelqueue:runs              the last attempts, by the ms of their end
COUNTED, TOTALS, RUNS = "reelqueue:counted", "reelqueue:totals", "reelqueue:runs"
COPY, RESTORING = f"{COUNTED}:copy", f"{COUNTED}:restoring"
MINUTE_PREFIX, HOUR_PREFIX = "reelqueue:m:", "reelqueue:h:"
MINUTES_KEPT_S, HOURS_KEPT_S, FOREVER_S, PROCESS_KEPT_S = 7 * 86_400 + 3_600, 35 * 86_400, 400 * 86_400, 86_400
"""The week of minutes has an hour more, for who asks for a whole week; `FOREVER_S` begins anew with each batch."""
MOST_RUNS = 1_000
"""The last attempts that are kept, at some 200 bytes each."""
AT_ONCE = 200
"""Rollups that one pipeline reads: some 5 ms of the event loop."""
PUT_AT_ONCE = 100
"""Rollups that one call puts back: Redis serves nobody else meanwhile."""
Fields = dict[str, float]
PutBack = tuple[str, int, Fields]
"""A rollup or the totals: its key, how many seconds it is kept, its fields."""

# KEYS: counted, this process's, totals, runs.  ARGV: the batch's number, the batch as JSON; prefixes of minutes and hours; seconds
# to keep minutes, hours, totals and the process's number; most runs; what names a highest value.
# -1: Redis knows nothing yet.  0: it has this batch already.  1: counted.
_ADD = """
if redis.call('EXISTS', KEYS[1]) == 0 then return -1 end
if tonumber(redis.call('GET', KEYS[2]) or 0) >= tonumber(ARGV[1]) then return 0 end
local batch = cjson.decode(ARGV[2])
local function add(key, fields, keep)
  for field, amount in pairs(fields) do
    if string.sub(field, 1, #ARGV[10]) == ARGV[10] then
      local was = tonumber(redis.call('HGET', key, field) or 0)
      if amount >= was then redis.call('HSET', key, field, amount) end
    else
      redis.call('HINCRBYFLOAT', key, field, amount)
    end
  end
  redis.call('EXPIRE', key, keep)
end
for minute, fields in pairs(batch.minutes) do
  add(ARGV[3] .. minute, fields, ARGV[5])
  add(ARGV[4] .. string.format('%.0f', math.floor(tonumber(minute) / 60)), fields, ARGV[6])
end
add(KEYS[3], batch.totals, ARGV[7])
for _, run in ipairs(batch.runs) do redis.call('ZADD', KEYS[4], run[1], run[2]) end
redis.call('ZREMRANGEBYRANK', KEYS[4], 0, -1 - tonumber(ARGV[9]))
redis.call('EXPIRE', KEYS[4], ARGV[6])
redis.call('EXPIRE', KEYS[1], ARGV[7])
redis.call('SET', KEYS[2], ARGV[1], 'EX', ARGV[8])
return 1
"""

# KEYS: counted.  ARGV: what to put back as JSON: [key, seconds to keep it, fields]; whether Redis knows
# something already (1 or 0).  Where it does, each field is raised to what is put back, and stays where it is higher; else nobody counts yet.
# 0: somebody was faster, nothing is put back any more.
_PUT_BACK = """
local knows = redis.call('EXISTS', KEYS[1])
if tostring(knows) ~= ARGV[2] then return 0 end
for _, one in ipairs(cjson.decode(ARGV[1])) do
  for field, amount in pairs(one[3]) do
    if tonumber(redis.call('HGET', one[1], field) or 0) <= amount then redis.call('HSET', one[1], field, amount) end
  end
  redis.call('EXPIRE', one[1], one[2])
end
return 1
"""


class Rollups:
    """The numbers in one Redis.  Every method raises RedisError or OSError where it does not answer."""

    def __init__(self, redis: ArqRedis) -> None:
        self._redis = redis
        self._add, self._put_back = redis.register_script(_ADD), redis.register_script(_PUT_BACK)

    async def add(self, process: str, number: int, batch: Batch) -> bool:
        """Count a process's batch, once however often it is handed over; False where Redis knows nothing yet: nothing is counted then."""
        told = {
            "totals": batch.totals,
            "minutes": {str(minute): fields for minute, fields in batch.minutes.items()},
            "runs": batch.runs,
        }
        keep = [MINUTES_KEPT_S, HOURS_KEPT_S, FOREVER_S, PROCESS_KEPT_S]
        done = await self._add(
            keys=[COUNTED, f"{COUNTED}:by:{process}", TOTALS, RUNS],
            args=[number, json.dumps(told), MINUTE_PREFIX, HOUR_PREFIX, *keep, MOST_RUNS, HIGHEST],
        )
        return int(done) >= 0

    async def put_back(self, what: Sequence[PutBack], runs: Sequence[tuple[int, str]], *, knows: bool) -> bool:
        """Tell Redis what the disk knows; `knows`: it lost only the newest, which is raised.  False: somebody was faster."""
        for start in range(0, len(what), PUT_AT_ONCE):
            some = json.dumps(what[start : start + PUT_AT_ONCE])
            if not await self._put_back(keys=[COUNTED], args=[some, int(knows)]):
                return False
        if runs:
            await self._redis.zadd(RUNS, {run: ended_ms for ended_ms, run in runs})
            await self._redis.expire(RUNS, HOURS_KEPT_S)
        return True

    async def begin(self, since_ms: int) -> None:
        """From now on batches are counted; what was put back stands."""
        await self._redis.set(COUNTED, since_ms, nx=True, ex=FOREVER_S)

    async def is_mine(self, key: str, seconds: int) -> bool:
        """Whether nobody else has taken what `key` names, for so long."""
        return bool(await self._redis.set(key, "1", nx=True, ex=seconds))

    async def copy_no(self) -> int:
        """The number of the last copy."""
        return int(await self._redis.get(COPY) or 0)

    async def copied(self, number: int) -> None:
        """A copy of this number is on disk."""
        await self._redis.set(COPY, number, ex=FOREVER_S)

    async def since_ms(self) -> int | None:
        """Since when is counted; None where Redis knows nothing."""
        found = await self._redis.get(COUNTED)
        return int(float(found)) if found is not None else None

    async def totals(self) -> Fields:
        """Counters since ever."""
        return _read(await self._all(TOTALS))

    async def minutes(self, numbers: Sequence[int]) -> dict[int, Fields]:
        """The rollups of these minutes; those in which nothing was counted are left out."""
        return await self._rollups(MINUTE_PREFIX, numbers)

    async def hours(self, numbers: Sequence[int]) -> dict[int, Fields]:
        """The same of hours."""
        return await self._rollups(HOUR_PREFIX, numbers)

    async def runs(self, limit: int) -> list[bytes]:
        """The last attempts as JSON, the newest first."""
        found: list[bytes] = await self._redis.zrevrange(RUNS, 0, limit - 1) if limit > 0 else []
        return found

    async def runs_by_time(self, limit: int) -> tuple[tuple[int, str], ...]:
        """The last attempts with the ms of their end, the newest first."""
        found = await self._redis.zrevrange(RUNS, 0, limit - 1, withscores=True)
        return tuple((int(ended_ms), run.decode()) for run, ended_ms in found)

    async def _all(self, key: str) -> Mapping[bytes, bytes]:
        found: Any = self._redis.hgetall(key)
        answer: Mapping[bytes, bytes] = await found
        return answer

    async def _rollups(self, prefix: str, numbers: Sequence[int]) -> dict[int, Fields]:
        found: dict[int, Fields] = {}
        for start in range(0, len(numbers), AT_ONCE):
            some = numbers[start : start + AT_ONCE]
            async with self._redis.pipeline(transaction=False) as pipe:
                for number in some:
                    pipe.hgetall(f"{prefix}{number}")
                answers = await pipe.execute()
            found |= {number: _read(answer) for number, answer in zip(some, answers, strict=True) if answer}
        return found


def _read(answer: Mapping[bytes, bytes]) -> Fields:
    return {field.decode(): float(value) for field, value in answer.items()}

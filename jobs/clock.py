"""Starts what is due by itself: once however many workers look at the clock, and once for all that was missed.

Only the last moment at which a job was due counts.  Redis remembers it per job (`reelqueue:cron:<job>`, "<ms> <job id>");
whoever finds a later one queues the job and writes that down in the same step, so a crash falls before both or after both.
"""

import secrets
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import structlog
from arq.connections import ArqRedis
from arq.constants import job_key_prefix
from arq.jobs import serialize_job
from cronsim import CronSim

from jobs.pipeline import ROUTES
from jobs.queue import PAYLOAD_EXPIRES_S
from jobs.schedule import Schedule
from jobs.wire import serialize
from reelqueue import clock

RECORD_PREFIX = "reelqueue:cron:"
RECORD_SECONDS = 400 * 86_400
"""Longer than the rarest schedule, a year: without its record a job counts as due."""
AHEAD_MS = 60_000
"""A record that lies further in the future was written before the clock was set back."""
LONGEST_FOLD = timedelta(hours=3)
"""No zone of our days sets its clocks back by more (Troll: two hours)."""

# KEYS: the job's record, its queue.  ARGV: when it was due (ms), now (ms), ms by which a record may be ahead, a fresh
# job id, the payload, seconds to keep it, job key's prefix, seconds to keep the record, now by the machine's clock (ms).
# 1: queued; 0: nothing to do; -1: the record lay in the future and is brought back.
_START = """
local record = redis.pcall('GET', KEYS[1])
local due, now = tonumber(ARGV[1]), tonumber(ARGV[2])
local last, id
if type(record) == 'string' then last, id = string.match(record, '^(%d+) (.*)$') end
if last and tonumber(last) > now + tonumber(ARGV[3]) then
  redis.call('SET', KEYS[1], ARGV[1] .. ' ' .. id, 'EX', ARGV[8])
  return -1
end
if last and tonumber(last) >= due then return 0 end
if id and redis.call('ZSCORE', KEYS[2], id) and redis.call('EXISTS', ARGV[7] .. id) == 1 then return 0 end
redis.call('SET', ARGV[7] .. ARGV[4], ARGV[5], 'EX', ARGV[6])
redis.call('ZADD', KEYS[2], ARGV[9], ARGV[4])
redis.call('SET', KEYS[1], ARGV[1] .. ' ' .. ARGV[4], 'EX', ARGV[8])
return 1
"""

log = structlog.get_logger(__name__)


class Clock:
    """Looks at `schedule` in the time of `zone`.  Every worker of the queue may have one."""

    def __init__(self, redis: ArqRedis, schedule: Sequence[Schedule], zone: ZoneInfo) -> None:
        self._schedule = schedule
        self._zone = zone
        self._start = redis.register_script(_START)

    async def tick(self, now: datetime) -> float:
        """Queue what is due at `now` (by the clock that `reelqueue.clock` knows, aware); returns the seconds until the next look, at most 60.

        A job of which a run is queued or at work waits for its end, then runs once.

        Raises:
            RedisError: what is due may be queued or not; the next look knows.
        """
        for one in self._schedule:
            await self._look(one, now)
        return 60 - (now.second + now.microsecond / 1e6)  # a schedule knows no seconds

    async def _look(self, one: Schedule, now: datetime) -> None:
        due_ms, now_ms, machine_ms = _ms(last_due(one.cron, now, self._zone)), _ms(now), _ms(clock.by_the_machine(now))
        job_id = f"cron:{one.job}:{due_ms}:{secrets.token_hex(4)}"  # never used again, not even after a clock was set back
        done = await self._start(
            keys=[RECORD_PREFIX + one.job, ROUTES[one.job]],
            args=[
                due_ms,
                now_ms,
                AHEAD_MS,
                job_id,
                serialize_job(one.job, (), {}, None, machine_ms, serializer=serialize),
                PAYLOAD_EXPIRES_S,
                job_key_prefix,
                RECORD_SECONDS,
                machine_ms,
            ],
        )
        if done == -1:
            log.warning("clock_was_set_back", job=one.job, now=now.isoformat())


def last_due(cron: str, now: datetime, zone: ZoneInfo) -> datetime:
    """The last moment at or before `now` at which `cron` is due by the clocks of `zone`, in UTC.

    A time of day that a night skips is due when the clocks have gone on, one that it has twice only the first time; what
    is due each hour or each minute goes on through both.

    Raises:
        ValueError: it never was.
        CronSimError: `cron` is no schedule.
    """
    now = now.astimezone(UTC)
    after = (now.replace(microsecond=0) + timedelta(seconds=1)).astimezone(zone)
    if after.fold:  # times of day later than this one have been, the first time
        after = (now + LONGEST_FOLD).astimezone(zone)
    for due in CronSim(cron, after, reverse=True):
        if (moment := due.astimezone(UTC)) <= now:
            return moment
    raise ValueError(f"{cron!r} is never due")


def _ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)

"""What was counted, read: by the minute from Redis for a week, by the hour for five; from its copy on disk where Redis can't tell."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

import structlog
from arq.connections import ArqRedis
from pydantic import ValidationError
from redis.exceptions import RedisError

from jobs.rollups import Fields, Rollups
from jobs.tally import ok_bucket, run_field
from reelqueue import clock
from reelqueue.errors import StorageUnavailable
from reelqueue.models.numbers import BUCKETS_S, OUTCOMES, Duration, HeatCell, Point, QueuePoint, RunRecord, StageNumbers
from reelqueue.models.stage import Stage
from reelqueue.tally import merge
from storage.chronicle import Chronicle, Summary

MINUTE, HOUR, WEEK = timedelta(minutes=1), timedelta(hours=1), timedelta(days=7)
LONGEST_BY_MINUTE = timedelta(days=2)
"""Longer spans are read by the hour, whatever their step: a week of minutes would be ten thousand rollups."""
FRESH_SECONDS = ((3, 2.0), (120, 60.0), (2**31, 900.0))
"""How long a rollup that was read is used again, by how many minutes (or hours) it is old: soon only a late count changes it."""
MOST_KEPT = 6_000
"""Rollups that a process keeps, at some 1.5 kB each."""
T = TypeVar("T")

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Kept:
    """Rollups of one unit that were read before, by their number, each with when."""

    by_number: dict[int, tuple[float, Fields]] = field(default_factory=dict)
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    def missing(self, numbers: Sequence[int], newest: int) -> list[int]:
        """Those that have to be read."""
        now = time.monotonic()
        return [number for number in numbers if now - self._read_at(number) > _fresh_for(number, newest)]

    def add(self, missing: Sequence[int], found: Mapping[int, Fields], wanted: range) -> None:
        """Keep what was read; a rollup that is not there is read, too.  Where it is too much, what is not `wanted` now goes."""
        now = time.monotonic()
        if len(self.by_number) + len(missing) > MOST_KEPT:
            self.by_number = {number: known for number, known in self.by_number.items() if number in wanted}
        for number in missing:
            self.by_number[number] = (now, found.get(number, {}))

    def _read_at(self, number: int) -> float:
        known = self.by_number.get(number)
        return float("-inf") if known is None else known[0]


class Numbers:
    """The history of one installation.  `redis`, or what it gives, None reads the disk alone.

    Never raises: where Redis is away it reads the disk, where the disk can't be read nothing is known.  A span ends now.  Steps begin
    at whole multiples of their length since 1970 (UTC), the first of them at or before the span's start.  A step is a minute at
    least, and whole hours in a span of more than two days.
    """

    def __init__(self, folder: Path, redis: ArqRedis | Callable[[], ArqRedis | None] | None = None) -> None:
        self._chronicle = Chronicle(folder)
        self._redis: Callable[[], ArqRedis | None] = (lambda: redis) if redis is None or isinstance(redis, ArqRedis) else redis
        self._kept = {MINUTE: _Kept(), HOUR: _Kept()}
        self._highest: dict[str, float] = {}

    async def stages(self, span: timedelta, step: timedelta) -> list[StageNumbers]:
        """Each stage over the span, its trend (the mean of the runs that ended ok) by `step`."""
        steps = _Steps.of(span, step)
        rows = await self._read(steps)
        before = _sum(fields for _, fields in await self._read(_Steps(steps.first - WEEK, HOUR, 7 * 24)))
        whole = _sum(fields for _, fields in rows)
        return [
            StageNumbers(
                stage=stage,
                outcomes={outcome: int(whole.get(run_field(stage, outcome), 0)) for outcome in OUTCOMES},
                success=_success(whole, stage),
                mean_s=_mean(whole, stage),
                p50_s=quantile(_durations(whole, stage), 0.5),
                p95_s=quantile(_durations(whole, stage), 0.95),
                before_mean_s=_mean(before, stage),
                trend=tuple(Point(at=at, value=_mean(fields, stage)) for at, fields in rows),
            )
            for stage in Stage
        ]

    async def published(self, span: timedelta, step: timedelta) -> list[Point]:
        """Videos that were finished and uploaded, by step; None before anything was counted."""
        steps, since = _Steps.of(span, step), await self.since()
        return [
            Point(at=at, value=fields.get("p", 0.0 if since is not None and at + steps.step > since else None))
            for at, fields in await self._read(steps)
        ]

    async def to_publish(self, span: timedelta, step: timedelta) -> Duration:
        """From the start of a project to its publication; its trend is the median by step."""
        rows = await self._read(_Steps.of(span, step))
        whole = _times_to_publish(_sum(fields for _, fields in rows))
        return Duration(
            count=round(sum(whole)),
            median_s=quantile(whole, 0.5),
            p95_s=quantile(whole, 0.95),
            trend=tuple(Point(at=at, value=quantile(_times_to_publish(fields), 0.5)) for at, fields in rows),
        )

    async def queue(self, name: str, span: timedelta, step: timedelta) -> list[QueuePoint]:
        """How a queue stood, by step."""
        return [
            QueuePoint(
                at=at,
                waiting=_whole(fields.get(f"max:w:{name}")),
                oldest_s=fields.get(f"max:a:{name}"),
                running=_whole(fields.get(f"max:r:{name}")),
            )
            for at, fields in await self._read(_Steps.of(span, step))
        ]

    async def heat(self, span: timedelta) -> list[HeatCell]:
        """Work by stage and hour: all hours of the span in their order, each with the five stages."""
        return [
            HeatCell(
                at=at,
                stage=stage,
                runs=sum(int(fields.get(run_field(stage, outcome), 0)) for outcome in OUTCOMES),
                seconds=round(fields.get(f"w:{stage}", 0.0), 3),
                failures=int(fields.get(run_field(stage, "fail"), 0)),
            )
            for at, fields in await self._read(_Steps.of(span, HOUR))
            for stage in Stage
        ]

    async def recent(self, limit: int = 100) -> list[RunRecord]:
        """The attempts that ended last, the newest first; a thousand are kept."""
        runs = await self._asked(lambda rollups: rollups.runs_by_time(limit))
        if runs is None:
            summary = await self._summary()
            runs = summary.runs[:limit] if summary is not None else ()
        return [run for _, body in runs if (run := _run(body)) is not None]

    async def totals(self) -> Mapping[str, float]:
        """Counters since ever, by their names and labels as `jobs.tally` writes them.

        They only grow: one that fell, with a Redis that forgot its last minute, stays as it was until it is above that again.  Whoever
        watches would take a fall for a restart, and count all of it anew.
        """
        totals = await self._asked(lambda rollups: rollups.totals())
        if totals is None:
            summary = await self._summary()
            totals = summary.totals if summary is not None else {}
        for name, value in totals.items():
            self._highest[name] = max(value, self._highest.get(name, 0.0))
        return dict(self._highest)

    async def since(self) -> datetime | None:
        """When the first number was counted; None where there is none."""
        since_ms = await self._asked(lambda rollups: rollups.since_ms())
        if since_ms is None:
            summary = await self._summary()
            since_ms = summary.since_ms if summary is not None else None
        return None if since_ms is None else datetime.fromtimestamp(since_ms / 1000, UTC)

    async def _read(self, steps: "_Steps") -> list[tuple[datetime, Fields]]:
        """Each step, and what was counted in it."""
        unit = steps.unit
        numbers, kept = range(steps.number(steps.first), steps.number(steps.last) + 1), self._kept[unit]
        async with kept.turn:  # a page asks for several things at once: one reads, the others find it
            missing = kept.missing(numbers, steps.number(clock.now()))
            if missing:
                kept.add(missing, await self._found(missing, unit), numbers)
        rows = [(steps.first + place * steps.step, Fields()) for place in range(steps.count)]
        for number in numbers:
            _, fields = kept.by_number.get(number, (0.0, {}))
            if fields:
                merge(rows[(_moment(number, unit) - steps.first) // steps.step][1], fields)
        return rows

    async def _found(self, numbers: Sequence[int], unit: timedelta) -> Mapping[int, Fields]:
        by_hour = unit == HOUR
        found = await self._asked(lambda rollups: rollups.hours(numbers) if by_hour else rollups.minutes(numbers))
        if found is not None:
            return found
        first, last = (numbers[0], numbers[-1]) if by_hour else (numbers[0] // 60, numbers[-1] // 60)
        try:
            pages = await self._chronicle.pages(first, last)
        except StorageUnavailable as error:
            log.warning("numbers_unreadable", error=error.message)
            return {}
        if by_hour:
            return {hour: page.fields for hour, page in pages.items()}
        return {minute: fields for page in pages.values() for minute, fields in page.minutes.items()}

    async def _asked(self, ask: Callable[[Rollups], Awaitable[T]]) -> T | None:
        """What a Redis that knows the numbers answers; None where there is none."""
        redis = self._redis()
        if redis is None:
            return None
        rollups = Rollups(redis)
        try:
            return await ask(rollups) if await rollups.since_ms() is not None else None
        except (RedisError, OSError, TimeoutError) as error:
            log.debug("numbers_from_disk", error=str(error))
            return None

    async def _summary(self) -> Summary | None:
        try:
            return await self._chronicle.summary()
        except StorageUnavailable as error:
            log.warning("numbers_unreadable", error=error.message)
            return None


@dataclass(frozen=True, slots=True)
class _Steps:
    """`count` steps from `first` on."""

    first: datetime
    step: timedelta
    count: int

    @classmethod
    def of(cls, span: timedelta, step: timedelta) -> "_Steps":
        now, step = clock.now(), max(step, MINUTE)
        if span > LONGEST_BY_MINUTE:
            step = max(step, HOUR)
        unit = HOUR if step >= HOUR else MINUTE
        step = -(-step // unit) * unit
        first = datetime.fromtimestamp(0, UTC) + ((now - span) - datetime.fromtimestamp(0, UTC)) // step * step
        return cls(first, step, max(1, -((first - now) // step)))

    @property
    def unit(self) -> timedelta:
        """Which rollups they are made of: those of hours, wherever that can be."""
        return HOUR if self.step % HOUR == timedelta(0) else MINUTE

    @property
    def last(self) -> datetime:
        """The beginning of the last unit."""
        return self.first + self.count * self.step - self.unit

    def number(self, at: datetime) -> int:
        """The number of the unit that `at` lies in."""
        return int(at.timestamp() // self.unit.total_seconds())


def quantile(buckets: Sequence[float], share: float) -> float | None:
    """The value below which `share` of them lie, by counts for each of BUCKETS_S and above; linear within a bucket.

    What lies above the last bound is taken for that bound; None where there are none.
    """
    wanted, seen, low = share * sum(buckets), 0.0, 0.0
    if not wanted:
        return None
    for bound, count in zip(BUCKETS_S, buckets, strict=False):
        if count and seen + count >= wanted:
            return round(low + (bound - low) * (wanted - seen) / count, 3)
        seen, low = seen + count, float(bound)
    return float(BUCKETS_S[-1])


def _durations(fields: Fields, stage: Stage) -> list[float]:
    return [fields.get(ok_bucket(stage, place), 0.0) for place in range(len(BUCKETS_S) + 1)]


def _times_to_publish(fields: Fields) -> list[float]:
    return [fields.get(f"t:{place}", 0.0) for place in range(len(BUCKETS_S) + 1)]


def _mean(fields: Fields, stage: Stage) -> float | None:
    runs = fields.get(run_field(stage, "ok"), 0.0)
    return round(fields.get(f"s:{stage}", 0.0) / runs, 3) if runs else None


def _success(fields: Fields, stage: Stage) -> float | None:
    ok, failed = fields.get(run_field(stage, "ok"), 0.0), fields.get(run_field(stage, "fail"), 0.0)
    return ok / (ok + failed) if ok + failed else None


def _sum(all_fields: Iterable[Fields]) -> Fields:
    whole: Fields = {}
    for fields in all_fields:
        merge(whole, fields)
    return whole


def _whole(value: float | None) -> int | None:
    return None if value is None else int(value)


def _moment(number: int, unit: timedelta) -> datetime:
    return datetime.fromtimestamp(number * unit.total_seconds(), UTC)


def _fresh_for(number: int, newest: int) -> float:
    return next(seconds for age, seconds in FRESH_SECONDS if newest - number <= age)


def _run(body: str) -> RunRecord | None:
    try:
        return RunRecord.model_validate_json(body)
    except ValidationError:  # another version wrote it
        return None

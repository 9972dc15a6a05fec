"""What the overview shows: looked at once for a request, then told section by section."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

import structlog
from redis.exceptions import RedisError

from jobs.pipeline import VIDEO
from jobs.spending import money_bucket
from progress import ProgressEvent
from reelqueue import clock
from reelqueue.dashboard.board import Board
from reelqueue.dashboard.overview import today
from reelqueue.dashboard.overview.causes import Cause, causes_of
from reelqueue.dashboard.overview.verdict import Sight, Verdict, verdict
from reelqueue.errors import ReelqueueError
from reelqueue.models.batch import BatchState
from reelqueue.models.fleet import QueueStanding, WorkerBeat
from reelqueue.models.forecast import Forecast
from reelqueue.models.numbers import Duration, HeatCell, Point, StageNumbers
from reelqueue.models.stage import ProjectStatus, Stage
from reelqueue.wording import Text
from storage import Outline
from storage.ledger import pacific_day, pacific_midnight_after

Span = Literal["1h", "24h", "7d"]
SPANS: dict[Span, tuple[timedelta, timedelta]] = {
    "1h": (timedelta(hours=1), timedelta(minutes=5)),
    "24h": (timedelta(hours=24), timedelta(hours=1)),
    "7d": (timedelta(days=7), timedelta(hours=6)),
}
"""What a reader may look back over, and by which steps."""
DAY, WEEK, HOUR, MINUTES = timedelta(hours=24), timedelta(days=7), timedelta(hours=1), timedelta(minutes=5)
QUEUE_SPAN, QUEUE_STEP = timedelta(hours=6), timedelta(minutes=10)
MOST_RUNNING, MOST_BATCHES, MOST_PUBLISHED, MOST_SLOTS, MOST_CAUSES = 12, 5, 8, 6, 8
LOOKED_AT_BATCHES = 50
"""Of so many, the newest, those that are under way are shown."""

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Glance:
    """One look: `zone` is the reader's; `queues` and `workers` are None where Redis is away."""

    board: Board
    now: datetime
    zone: ZoneInfo
    outlines: Sequence[Outline]
    queues: Sequence[QueueStanding] | None = None
    workers: Sequence[WorkerBeat] | None = None
    _causes: list[Cause] | None = field(default=None)

    @property
    def causes(self) -> list[Cause]:
        """Why projects stand still, the most urgent first."""
        if self._causes is None:
            self._causes = causes_of(self.outlines, self.zone)
        return self._causes

    @property
    def video(self) -> QueueStanding | None:
        """The queue in which videos are made."""
        return next((one for one in self.queues or () if one.name == VIDEO), None)

    @property
    def running(self) -> list[Outline]:
        """What runs, the one that was begun first on top."""
        found = [one for one in self.outlines if one.status is ProjectStatus.RUNNING]
        return sorted(found, key=lambda one: (one.began_at or one.created_at, one.project_id))

    @property
    def parked(self) -> int:
        """How many wait for a clock."""
        return sum(one.status.is_waiting and one.resume_at is not None for one in self.outlines)

    def verdict(self) -> Verdict:
        """How things stand."""
        queued, _ = today.waiting_on_disk(self.outlines, self.now)
        return verdict(
            Sight(
                redis=self.board.link.is_there,
                workers=None if self.workers is None else len(self.workers),
                running=len(self.running),
                waiting=self.video.waiting if self.video is not None else queued,
                parked=self.parked,
                paused=self.video is not None and self.video.paused,
                causes=self.causes,
            )
        )


async def look(board: Board, zone: ZoneInfo) -> Glance:
    """Look at the disk, and at Redis where it answers; days and moments are those of `zone`.

    Raises:
        StorageUnavailable: the disk does not answer.
    """
    outlines, (queues, workers) = await asyncio.gather(board.catalogue.all(), _fleet(board))
    return Glance(board, clock.now(), zone, outlines, queues, workers)


async def _fleet(board: Board) -> tuple[Sequence[QueueStanding] | None, Sequence[WorkerBeat] | None]:
    if not board.link.is_there:
        return None, None
    try:
        fleet = board.link.fleet
        return await fleet.queues(), await fleet.workers()
    except (RedisError, OSError, TimeoutError, ReelqueueError) as error:
        log.warning("fleet_not_seen", error=str(error))
        return None, None


# The six figures.


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many are in line, for how long the first of them, until when at this pace; `known_by` says who told."""

    count: int
    oldest_s: float | None
    empty_in_s: float | None
    trend: Sequence[Point]


@dataclass(frozen=True, slots=True)
class Money:
    """US dollars of the quota's day: `used` counts what is `held`; `expected` is at this pace.  `cap` is None where there is none."""

    used: float
    held: float
    cap: float | None
    expected: float | None
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class Figures:
    """What the overview begins with; `money_unknown` says why the day's sum can't be told."""

    day: today.Day
    span: today.Outcomes
    week: today.Outcomes
    success: Sequence[Point]
    hourly: Sequence[Point]
    lately: Sequence[Point]
    waiting: Waiting
    to_publish: Duration
    money: Money | None
    money_unknown: Text | None

    @property
    def last_hour(self) -> float | None:
        """Videos that were published in the last sixty minutes: the hour that is on has only begun."""
        known = [one.value for one in self.lately if one.value is not None]
        return sum(known) if known else None

    @property
    def mean_an_hour(self) -> float | None:
        """Over a day."""
        known = [one.value for one in self.hourly if one.value is not None]
        return sum(known) / len(known) if known else None


async def figures(glance: Glance, span: Span) -> Figures:
    """The six.

    Raises:
        StorageUnavailable: the disk does not answer.
    """
    board, (length, step) = glance.board, SPANS[span]
    numbers = board.numbers
    hourly, lately, publishing, heat, trend, money = await asyncio.gather(
        numbers.published(DAY, HOUR),
        numbers.published(HOUR, MINUTES),
        numbers.to_publish(max(length, DAY), max(step, HOUR)),
        numbers.heat(max(length, DAY)),
        numbers.queue(VIDEO, length, step),
        _money(glance),
    )
    counted, oldest = today.waiting_on_disk(glance.outlines, glance.now)
    queue = glance.video
    return Figures(
        day=today.day_of(glance.outlines, glance.now, glance.zone),
        span=today.outcomes_since(glance.outlines, glance.now - length),
        week=today.outcomes_since(glance.outlines, glance.now - WEEK),
        success=_success(heat),
        hourly=hourly,
        lately=lately,
        waiting=Waiting(
            queue.waiting if queue is not None else counted,
            queue.oldest_s if queue is not None else oldest,
            queue.empty_in_s if queue is not None else None,
            [Point(at=one.at, value=one.waiting) for one in trend],
        ),
        to_publish=publishing,
        money=money if isinstance(money, Money) else None,
        money_unknown=money if isinstance(money, Text) else None,
    )


def _success(heat: Sequence[HeatCell]) -> list[Point]:
    """By the hour, the share of attempts that did not fail."""
    by_hour: dict[datetime, list[int]] = {}
    for cell in heat:
        sums = by_hour.setdefault(cell.at, [0, 0])
        sums[0] += cell.runs
        sums[1] += cell.failures
    return [
        Point(at=at, value=1 - min(failures, runs) / runs if runs else None) for at, (runs, failures) in sorted(by_hour.items())
    ]


async def _money(glance: Glance) -> Money | Text | None:
    """None where nothing is paid for here at all; a sentence where an account can't be read: the rest of the page is none the worse."""
    cap, day = float(glance.board.settings.daily_cost_cap_usd), pacific_day(glance.now)
    try:
        account = await glance.board.ledger.account(money_bucket(day))
    except ReelqueueError as error:
        log.warning("money_not_read", error=error.message)
        return error.text
    used, held = float(account.used), float(account.unsettled)
    if not used and set(_makers(glance.board).values()) <= {"local", "youtube"}:
        return None
    ends = pacific_midnight_after(glance.now)
    expected = today.at_this_pace(used, ends - timedelta(days=1), glance.now, ends)
    return Money(used, held, cap or None, expected, ends)


def _makers(board: Board) -> Mapping[str, str]:
    return {kind: board.shelf.name_of(kind, {}) for kind in ("script", "image", "voice", "presenter")}


# What runs.


@dataclass(frozen=True, slots=True)
class Running:
    """A project that runs: what was heard of it last, and who has it."""

    project: Outline
    heard: ProgressEvent | None
    worker: str | None

    @property
    def stage(self) -> Stage:
        """The one that runs."""
        return self.project.running or self.project.next_stage or self.project.goal


async def running(glance: Glance) -> list[Running]:
    """What runs, as far as it is shown."""
    shown = glance.running[:MOST_RUNNING]
    heard = await glance.board.hub.last_of([one.project_id for one in shown])
    holders = {job.project_id: beat.label or beat.name for beat in glance.workers or () for job in beat.jobs}
    return [Running(one, heard.get(one.project_id), holders.get(one.project_id)) for one in shown]


# Batches.


@dataclass(frozen=True, slots=True)
class Underway:
    """A batch that is on its way; `in_all_usd` is what it will have cost, by the middle of what is expected; None: nobody can tell."""

    state: BatchState
    done: int
    failed: int
    cost_usd: float
    in_all_usd: float | None
    forecast: Forecast | None


async def batches(glance: Glance) -> list[Underway]:
    """Those that are on their way or were not begun, the newest first.

    Raises:
        StorageUnavailable: the disk does not answer.
    """
    states = await glance.board.batches.list(limit=LOOKED_AT_BATCHES)
    shown = [state for state in states if not state.has_ended][:MOST_BATCHES]
    members: dict[int, dict[int, Outline | None]] = {state.batch_id: {} for state in shown}
    for one in glance.outlines:
        if one.batch_id in members:
            members[one.batch_id][one.project_id] = one
    return [await _underway(glance.board, state, members[state.batch_id]) for state in shown]


async def _underway(board: Board, state: BatchState, members: Mapping[int, Outline | None]) -> Underway:
    there = [one for one in members.values() if one is not None]
    spent, newest = sum(one.cost_usd for one in there), await board.forecasts.of(state, members)
    expected = newest or state.forecast
    begun = spent if newest is not None else 0.0  # the one of the start counts all of it, a newer one what is left
    return Underway(
        state,
        done=sum(one.status is ProjectStatus.COMPLETED for one in there),
        failed=sum(one.status is ProjectStatus.FAILED for one in there),
        cost_usd=spent,
        in_all_usd=begun + float(sum(expected.usd)) / 2 if expected is not None else None,
        forecast=expected,
    )


# Over time.


@dataclass(frozen=True, slots=True)
class Throughput:
    """By the hour of a day: videos that were published, and the most that waited."""

    published: Sequence[Point]
    waiting: Sequence[Point]


async def throughput(board: Board) -> Throughput:
    """A day's."""
    published, waiting = await asyncio.gather(board.numbers.published(DAY, HOUR), board.numbers.queue(VIDEO, DAY, HOUR))
    return Throughput(published, [Point(at=one.at, value=one.waiting) for one in waiting])


async def depths(board: Board, names: Sequence[str]) -> dict[str, list[Point]]:
    """How many waited in each queue over the last hours."""
    found = await asyncio.gather(*(board.numbers.queue(name, QUEUE_SPAN, QUEUE_STEP) for name in names))
    return {name: [Point(at=one.at, value=one.waiting) for one in each] for name, each in zip(names, found, strict=True)}


@dataclass(frozen=True, slots=True)
class HeatRow:
    """A stage's hours: of each how much work it was beside the stage's usual hour, 0-4, and how many attempts failed."""

    stage: Stage
    cells: Sequence[tuple[HeatCell, int]]


LEVELS = (0.0, 0.5, 1.0, 1.75)
"""Work of an hour as a multiple of the stage's usual hour with any: from where on a cell is darker."""


async def heat(board: Board) -> list[HeatRow]:
    """A day's, stage by stage; empty where nothing was counted."""
    cells = await board.numbers.heat(DAY)
    rows = []
    for stage in Stage:
        mine = sorted((one for one in cells if one.stage is stage), key=lambda one: one.at)
        busy = [one.seconds for one in mine if one.seconds > 0]
        usual = sum(busy) / len(busy) if busy else 1.0
        rows.append(HeatRow(stage, [(one, sum(one.seconds / usual > level for level in LEVELS)) for one in mine]))
    return rows if any(row.cells for row in rows) else []


async def stages(board: Board, span: Span) -> list[StageNumbers]:
    """Each stage over the span."""
    return await board.numbers.stages(*SPANS[span])

"""What `/workers` shows, looked at: the queues, the workers, the batches under way, what lies in a queue."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal, TypeVar

import structlog
from redis.exceptions import RedisError

from jobs.fleet import Fleet
from jobs.pipeline import BATCH, MAINTENANCE, QUEUES, SPECS, VIDEO, Load
from progress import ProgressEvent
from reelqueue.dashboard.board import Board
from reelqueue.errors import QueueNotFound, ReelqueueError
from reelqueue.models.fleet import QueuedJob, WorkerBeat, WorkerJob
from reelqueue.models.numbers import Point
from reelqueue.models.stage import BatchStatus, ProjectStatus
from storage import Outline

Span = Literal["1h", "6h", "24h", "7d"]
SPANS: dict[Span, tuple[timedelta, timedelta]] = {
    "1h": (timedelta(hours=1), timedelta(minutes=2)),
    "6h": (timedelta(hours=6), timedelta(minutes=10)),
    "24h": (timedelta(hours=24), timedelta(minutes=30)),
    "7d": (timedelta(days=7), timedelta(hours=4)),
}
"""What a reader may look back over, and by which steps."""
ROWS = 40
MOST_BATCHES, LOOKED_AT_BATCHES = 4, 50
MOST_SQUARES = 16
"""More places than that are told as a figure."""
ALARM_SECONDS = 1_800.0
"""From so long a wait on `deploy/prometheus/alerts.yml` tells somebody."""
T = TypeVar("T")
BUSY = frozenset({ProjectStatus.RUNNING, ProjectStatus.QUEUED})

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Course:
    """How a queue stood over a span: how many waited, and for how many seconds the first of them."""

    depth: Sequence[Point]
    age: Sequence[Point]


@dataclass(frozen=True, slots=True)
class Slots:
    """A worker's places: those of jobs that load the CPU, then the others; how many of each are taken."""

    cpu_busy: int
    cpu: int
    wait_busy: int
    wait: int

    @property
    def busy(self) -> int:
        """How many are taken."""
        return self.cpu_busy + self.wait_busy

    @property
    def all(self) -> int:
        """How many there are."""
        return max(self.busy, self.cpu + self.wait)

    @property
    def squares(self) -> Sequence[bool]:
        """Each place, taken or not; nothing where there are too many to be drawn."""
        if self.all > MOST_SQUARES:
            return ()
        each = ((self.cpu_busy, self.cpu), (self.wait_busy, self.wait))
        return [place < busy for busy, there in each for place in range(max(busy, there))]


@dataclass(frozen=True, slots=True)
class Doing:
    """A job in hand, and what its project told last."""

    job: WorkerJob
    heard: ProgressEvent | None


@dataclass(frozen=True, slots=True)
class Row:
    """A worker."""

    beat: WorkerBeat
    slots: Slots
    doing: Sequence[Doing]

    @property
    def called(self) -> str:
        """Its name among the workers of its machine, else what its queue's workers are called."""
        return self.beat.label or {VIDEO: "video", BATCH: "batch", MAINTENANCE: "maintenance"}.get(
            self.beat.queue, self.beat.queue
        )

    @property
    def python_bytes(self) -> int:
        """Its own part of the memory."""
        return max(0, self.beat.memory_bytes - self.beat.children_bytes)


@dataclass(frozen=True, slots=True)
class UnderWay:
    """A batch that is not over: how many of its videos are being made, how many are done, how many there are."""

    batch_id: int
    in_flight: int
    done: int
    total: int
    paused: bool


@dataclass(frozen=True, slots=True)
class Listed:
    """A job in a queue, and its project where it has one that is there."""

    job: QueuedJob
    outline: Outline | None

    @property
    def batch_id(self) -> int | None:
        """The batch that it belongs to."""
        return self.job.batch_id if self.job.batch_id is not None else self.outline.batch_id if self.outline is not None else None


async def seen(board: Board, ask: Callable[[Fleet], Awaitable[T]]) -> T | None:
    """What Redis answers; None where it does not."""
    try:
        return await ask(board.link.fleet)
    except QueueNotFound:
        raise
    except (RedisError, OSError, TimeoutError, ReelqueueError) as error:
        log.info("fleet_not_seen", error=str(error))
        return None


async def rows(board: Board, beats: Sequence[WorkerBeat]) -> Sequence[Row]:
    """The workers, each with what it does."""
    projects = {job.project_id for beat in beats for job in beat.jobs if job.project_id is not None}
    heard = await board.hub.last_of(sorted(projects))
    return [Row(beat, _slots(beat), [Doing(job, _heard(job, heard)) for job in beat.jobs]) for beat in beats]


def _heard(job: WorkerJob, heard: Mapping[int, ProgressEvent]) -> ProgressEvent | None:
    """What was told of this very stage; an event of another is an older one."""
    event = heard.get(job.project_id) if job.project_id is not None else None
    return event if event is not None and job.stage is not None and event.stage == job.stage.event_name else None


def _slots(beat: WorkerBeat) -> Slots:
    heavy = sum(job.stage is not None and SPECS[job.stage].load is Load.CPU for job in beat.jobs)
    cpu_busy = min(heavy, beat.cpu_places)  # voice and pictures that a service makes only wait
    return Slots(cpu_busy, beat.cpu_places, len(beat.jobs) - cpu_busy, beat.wait_places)


async def courses(board: Board, span: Span) -> Mapping[str, Course]:
    """How each queue stood over the span."""
    length, step = SPANS[span]
    found = {}
    for queue in QUEUES:
        points = await board.numbers.queue(queue, length, step)
        found[queue] = Course(
            [Point(at=one.at, value=one.waiting) for one in points], [Point(at=one.at, value=one.oldest_s) for one in points]
        )
    return found


async def under_way(board: Board) -> Sequence[UnderWay]:
    """The newest batches that are not over.

    Raises:
        StorageUnavailable: the disk does not answer.
    """
    states = [
        one
        for one in await board.batches.list(limit=LOOKED_AT_BATCHES)
        if one.status in {BatchStatus.RUNNING, BatchStatus.PAUSED}
    ]
    if not states:
        return ()
    counts: defaultdict[int, defaultdict[ProjectStatus, int]] = defaultdict(lambda: defaultdict(int))
    for one in await board.catalogue.all():
        if one.batch_id is not None:
            counts[one.batch_id][one.status] += 1
    return [
        UnderWay(
            state.batch_id,
            sum(counts[state.batch_id][status] for status in BUSY),
            counts[state.batch_id][ProjectStatus.COMPLETED],
            len(state.project_ids),
            state.status is BatchStatus.PAUSED,
        )
        for state in states[:MOST_BATCHES]
    ]


async def listed(board: Board, queue: str, after: int) -> Sequence[Listed] | None:
    """A page of a queue, one more than is shown; None where Redis does not answer.

    Raises:
        QueueNotFound: there is none of this name.  StorageUnavailable: the disk does not answer.
    """
    jobs = await seen(board, lambda fleet: fleet.contents(queue, limit=ROWS + 1, after=after))
    if jobs is None:
        return None
    known = await board.projects.outlines({job.project_id for job in jobs if job.project_id is not None})
    return [Listed(job, known.get(job.project_id) if job.project_id is not None else None) for job in jobs]

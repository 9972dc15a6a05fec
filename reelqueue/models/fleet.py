"""Who works and on what: workers, queues and what lies in them, as whoever watches is told."""

from datetime import datetime
from typing import Literal

from reelqueue.models.frozen import Frozen
from reelqueue.models.stage import Stage

WorkerState = Literal["running", "draining"]
Line = Literal["cpu", "single", "batch"]
"""Which places a job waits for: those that load the CPU, or those that wait for a service, as a single one or as one of a batch."""


class WorkerJob(Frozen):
    """A job that a worker has in hand."""

    job_id: str
    job: str
    since: datetime
    project_id: int | None = None
    batch_id: int | None = None
    stage: Stage | None = None


class WorkerBeat(Frozen):
    """A worker as its last heartbeat tells.

    `label` is what its supervisor calls it, "" where it has none.  `cpu_percent` and the bytes count its FFmpeg and Python children
    in; 100 is one core.  `children_bytes` is their part of `memory_bytes`.  `cpu_places` and `wait_places` are how many jobs of each
    kind it runs at once.  `complete` and `failed` count the jobs that it ended since it started.  `cpu_history` is the CPU of the
    last ten minutes, the newest last, `cpu_every_s` apart.
    """

    name: str
    label: str = ""
    queue: str
    host: str = ""
    pid: int = 0
    version: str = ""
    started_at: datetime
    seen_at: datetime
    state: WorkerState = "running"
    cpu_places: int = 0
    wait_places: int = 0
    jobs: tuple[WorkerJob, ...] = ()
    cpu_percent: float = 0.0
    memory_bytes: int = 0
    children_bytes: int = 0
    complete: int = 0
    failed: int = 0
    cpu_history: tuple[float, ...] = ()
    cpu_every_s: float = 15.0


class QueueStanding(Frozen):
    """How one queue stands.

    `waiting` are jobs that could begin now and have no place; `oldest_s` is how long the first of them waits.  `running` of
    `places` are taken.  `parked` are due later (`resumes_at`: the first of them).  `empty_in_s` is an estimate by what was done
    lately; None where nobody knows.  `paused_at` is since when it is paused.
    """

    name: str
    waiting: int = 0
    oldest_s: float | None = None
    running: int = 0
    places: int = 0
    workers: int = 0
    parked: int = 0
    resumes_at: datetime | None = None
    paused: bool = False
    paused_at: datetime | None = None
    empty_in_s: float | None = None


class QueuedJob(Frozen):
    """A job in a queue, at its `place` from 1 in the order in which they begin.

    `queued_at` is since when it is due, and `due_at` when it will be: one of them is set where it stands at a time.
    """

    place: int
    job_id: str
    job: str
    line: Line | None = None
    project_id: int | None = None
    batch_id: int | None = None
    stage: Stage | None = None
    queued_at: datetime | None = None
    due_at: datetime | None = None
    running: bool = False


class ClockRun(Frozen):
    """A job of the clock: when it ran last and how, and when it runs next."""

    job: str
    last_at: datetime | None = None
    ok: bool | None = None
    next_at: datetime | None = None

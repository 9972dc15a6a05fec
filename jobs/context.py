"""What a job finds in arq's `ctx`, typed."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TypedDict

from arq.connections import ArqRedis

from jobs.queue import JobQueue
from progress import Publisher
from reelqueue.media.ffmpeg import Ffmpeg
from reelqueue.providers.protocols import Providers
from storage import BatchStore, Owner, Paths, ProjectStore


@dataclass(frozen=True, slots=True)
class Tools:
    """What media are made with, found at the start of the process."""

    ffmpeg: Ffmpeg
    music_dir: Path | None = None
    font_dir: Path | None = None


@dataclass(frozen=True, slots=True)
class Rules:
    """The settings that jobs obey, as values.  Times in seconds."""

    language: str = "zh-TW"
    retry_delays: Sequence[float] = (2.0, 5.0, 10.0)
    poison_after: int = 3
    keep_days: int = 30


@dataclass(frozen=True, slots=True)
class Service:
    """What all jobs of one worker share; `reelqueue.bootstrap` builds it.

    `instance` is the installation's id; `told` is what was last told of each batch, in percent;
    `suspects` is the project in hand that a worker died with before.
    """

    queue_name: str
    instance: str
    owner: Owner
    paths: Paths
    projects: ProjectStore
    batches: BatchStore
    queue: JobQueue
    publisher: Publisher
    providers: Providers
    tools: Tools
    rules: Rules = field(default_factory=Rules)
    told: dict[int, int] = field(default_factory=dict)
    suspects: set[int] = field(default_factory=set)


class WorkerContext(TypedDict):
    """arq's `ctx`: what the worker has, and what is known of this run of the job."""

    redis: ArqRedis
    service: Service
    job_id: str
    job_try: int
    enqueue_time: datetime
    score: int

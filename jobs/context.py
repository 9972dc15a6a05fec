"""What a job finds in arq's `ctx`, typed."""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import TypedDict

from arq.connections import ArqRedis

from jobs.announcing import Announcer, nobody
from jobs.batch.telling import Told
from jobs.guard import Guard
from jobs.queue import JobQueue
from jobs.spending import Caps, Spender
from progress import Publisher
from reelqueue.errors import InvalidBrief
from reelqueue.media.ffmpeg import Ffmpeg
from reelqueue.models.brief import Brief
from reelqueue.models.channel import DEFAULT_CHANNEL, Channel
from reelqueue.models.meter import Watched
from reelqueue.providers.monitoring import Monitoring
from reelqueue.providers.protocols import Choice
from storage import BatchStore, History, Ledger, Owner, Paths, ProjectStore


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
    low_water_bytes: int = 0
    daily_cost_cap_usd: Decimal = Decimal(0)
    project_cost_cap_usd: Decimal = Decimal(0)
    variation_guard: bool = True


@dataclass(frozen=True, slots=True)
class Service:
    """What all jobs of one worker share; `reelqueue.bootstrap` builds it.

    `instance` is the installation's id; `told` is what was last told of each batch;
    `suspects` is the project in hand that a worker died with before.  `watched` reads what of each service runs out, from files
    too: call it in a thread.  `monitoring` is None where no service account is set up.
    """

    queue_name: str
    instance: str
    owner: Owner
    paths: Paths
    projects: ProjectStore
    batches: BatchStore
    ledger: Ledger
    queue: JobQueue
    publisher: Publisher
    choice: Choice
    tools: Tools
    rules: Rules = field(default_factory=Rules)
    told: dict[int, Told] = field(default_factory=dict)
    suspects: set[int] = field(default_factory=set)
    announcer: Announcer = field(default_factory=nobody)
    watched: Callable[[], Watched] = Watched
    monitoring: Callable[[], AbstractAsyncContextManager[Monitoring]] | None = None
    history: History | None = None

    @property
    def guard(self) -> Guard | None:
        """Who looks for near-duplicates before an upload; None where nobody wants that."""
        return (
            Guard(self.history, self.projects, self.choice) if self.history is not None and self.rules.variation_guard else None
        )

    def spender(self, project_id: int, brief: Brief) -> Spender:
        """A project's hand on the ledger, under the caps of the day, of the project and of its channel."""
        try:
            channel = self.choice.channel_of(brief)
        except InvalidBrief:  # there is none of that name: what needs it refuses
            channel = Channel(name=DEFAULT_CHANNEL)
        return Spender(
            self.ledger,
            project_id,
            Caps(
                daily_usd=self.rules.daily_cost_cap_usd,
                project_usd=self.rules.project_cost_cap_usd,
                channel=channel.name,
                channel_daily_usd=channel.daily_cost_cap_usd or Decimal(0),
            ),
        )


KNOWN_AS = "known_as"
"""Where arq's `ctx` says whose Redis the worker takes jobs from: what stands there under the worker's `known_by`."""


class WorkerContext(TypedDict):
    """arq's `ctx`: what the worker has, and what is known of this run of the job."""

    redis: ArqRedis
    service: Service
    job_id: str
    job_try: int
    enqueue_time: datetime
    score: int

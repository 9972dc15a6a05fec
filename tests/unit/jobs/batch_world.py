"""A world that a forecast is held against: real ledger, real cost caps, real costs of YouTube's calls, on a clock that jumps.

Only the makers and the channel are played: each stage takes a time by chance, some calls fail.  Nothing here knows how a forecast
is made.
"""

import heapq
import random
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from jobs.spending import Caps, Held, Spender
from jobs.video.afterwards import spare_cost
from reelqueue.errors import BudgetExhausted, QuotaExhausted
from reelqueue.models.brief import Brief
from reelqueue.models.channel import Channel
from reelqueue.models.cost import Cost
from reelqueue.models.project import ProjectState, Usage
from reelqueue.models.stage import ProjectStatus, Stage, StageStatus
from reelqueue.providers.protocols import Publication
from reelqueue.providers.youtube.publisher import Limits, YouTubePublisher
from storage import Ledger
from storage.ledger import pacific_day

PUBLICATION = Publication(
    project_id=1, marker="", title="", description="", tags=(), language="en", privacy="private", category_id=27,
    made_for_kids=False, synthetic_media=True, video="", thumbnail="", captions="captions.srt",
)  # fmt: skip
HEAVY = frozenset({Stage.ASSETS, Stage.RENDER, Stage.THUMBNAIL})


@dataclass(frozen=True)
class Truth:
    """How it really is: mean seconds of each stage, how far single ones are from it, how often something goes wrong."""

    seconds: dict[Stage, float]
    spread: float = 0.3
    fail: float = 0.03
    hiccup: float = 0.05

    def drawn(self, stage: Stage, dice: random.Random) -> float:
        """One stage's seconds."""
        return self.seconds[stage] * dice.lognormvariate(-(self.spread**2) / 2, self.spread)


def youtube(*, uploads: int = 100, units: int = 10_000, channel_uploads: int | None = None) -> YouTubePublisher:
    """A channel that is only asked what its calls take."""
    client: Any = None
    return YouTubePublisher(client, Channel(name="default"), Limits("1-a", units, uploads, channel_uploads))


def finished(truth: Truth, count: int, dice: random.Random, *, video_s: float) -> list[ProjectState]:
    """Projects that ended here before, one by one."""
    now, states = datetime(2026, 11, 1, tzinfo=UTC), []
    for number in range(1, count + 1):
        state = ProjectState(project_id=number, brief=Brief(topic="x"), created_at=now, updated_at=now)
        for stage in Stage:
            seconds = truth.drawn(stage, dice)
            result = {"video_info": {"duration": video_s}} if stage is Stage.RENDER else {}
            state = state.with_stage(
                stage,
                status=StageStatus.DONE,
                started_at=now,
                finished_at=now + timedelta(seconds=seconds),
                duration_s=seconds,
                result=result,
            )
            now += timedelta(seconds=seconds)
        states.append(state.replace(status=ProjectStatus.COMPLETED))
    return states


@dataclass
class Job:
    """A project on its way: its next stage, and what it holds of it already."""

    number: int
    stage: Stage = Stage.SCRIPT
    calls_left: int = 0
    hiccups: int = 0
    parked: bool = False
    held: list[Held] = field(default_factory=list)


@dataclass
class World:
    """So many projects, through so many places, under these caps."""

    ledger: Ledger
    truth: Truth
    start: datetime
    dice: random.Random
    publisher: YouTubePublisher | None = None
    heavy_places: int = 2
    wait_places: int = 8
    daily_usd: Decimal = Decimal(0)
    calls: int = 0
    reserved: Decimal = Decimal(0)
    price: tuple[float, float] = (0.0, 0.0)
    uploads: Counter[date] = field(default_factory=Counter)
    spent: defaultdict[date, float] = field(default_factory=lambda: defaultdict(float))
    owed: list[int] = field(default_factory=list)
    owed_at: Counter[date] = field(default_factory=Counter)
    failed: int = 0

    async def run(self, count: int) -> datetime:
        """When the last of so many projects has ended."""
        self._now, self._left, self._turn = self.start, count, 0
        self._free = {True: self.heavy_places, False: self.wait_places}
        self._due: dict[bool, list[tuple[float, int, Job]]] = {True: [], False: []}
        self._events: list[tuple[datetime, int, Job | None]] = []
        self._spenders: dict[int, Spender] = {}
        for number in range(1, count + 1):
            self._queue(Job(number, calls_left=self.calls))
        hour = self.start.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
        heapq.heappush(self._events, (hour, -1, None))
        while self._left:
            await self._give_places()
            self._now, _, job = heapq.heappop(self._events)
            await (self._each_hour() if job is None else self._arrived(job))
        return self._now

    def _queue(self, job: Job) -> None:
        self._turn += 1
        heapq.heappush(self._due[job.stage in HEAVY], (-list(Stage).index(job.stage), self._turn, job))

    def _at(self, moment: datetime, job: Job) -> None:
        self._turn += 1
        heapq.heappush(self._events, (moment, self._turn, job))

    async def _give_places(self) -> None:
        for heavy, due in self._due.items():
            while due and self._free[heavy]:
                job = heapq.heappop(due)[2]
                until = await self._blocked_until(job)
                if until is not None:
                    job.parked = True
                    self._at(until, job)
                    continue
                self._free[heavy] -= 1
                self._at(self._now + timedelta(seconds=self.truth.drawn(job.stage, self.dice)), job)

    async def _blocked_until(self, job: Job) -> datetime | None:
        """Reserve what the stage takes; until when it waits where that can't be."""
        try:
            if job.stage is Stage.ASSETS:
                await self._pay(job)
            if job.stage is Stage.UPLOAD and self.publisher is not None:
                await self._reserve_upload(job, self.publisher)
        except (BudgetExhausted, QuotaExhausted) as parked:
            assert parked.until is not None
            return parked.until
        return None

    async def _pay(self, job: Job) -> None:
        spender = self._spender(job)
        while job.calls_left:
            held = await spender.reserve(f"{job.number}.{job.calls_left}", Cost(usd=self.reserved))
            price = self.dice.uniform(*self.price)
            await spender.settle(held, (Usage(service="x", model="y", unit="z", amount=1, cost_usd=price),))
            self.spent[pacific_day(self._now)] += price
            job.calls_left -= 1

    async def _reserve_upload(self, job: Job, publisher: YouTubePublisher) -> None:
        spender, job.held = self._spender(job), []
        try:
            for name in ("open", *(step for step in publisher.steps(PUBLICATION) if step != "captions")):
                self._turn += 1
                job.held.append(await spender.reserve(f"{job.number}.{name}.{self._turn}", publisher.cost(name, PUBLICATION)))
        except QuotaExhausted:
            for one in job.held:
                await spender.release(one)
            raise

    async def _uploaded(self, job: Job, *, whole: bool) -> None:
        """Count what was sent: all of it, or only the session, which was refused."""
        spender = self._spender(job)
        for place, held in enumerate(job.held):
            await (spender.settle(held, ()) if whole or not place else spender.release(held))
        job.held = []

    def _spender(self, job: Job) -> Spender:
        found = self._spenders.get(job.number)
        if found is None:
            found = Spender(self.ledger, job.number, Caps(daily_usd=self.daily_usd), now=lambda: self._now)
            self._spenders[job.number] = found
        return found

    async def _arrived(self, job: Job) -> None:
        """A stage's end, or the end of a wait."""
        if job.parked:
            job.parked = False
            self._queue(job)
            return
        self._free[job.stage in HEAVY] += 1
        hiccup = self.dice.random() < self.truth.hiccup and job.hiccups < 3
        await self._uploaded(job, whole=not hiccup)
        if hiccup:
            job.hiccups += 1
            self._queue(job)
        elif self.dice.random() < self.truth.fail / len(Stage):
            self.failed += 1
            self._left -= 1
        elif job.stage is Stage.UPLOAD:
            await self._published(job)
        else:
            following = job.stage.after
            assert following is not None
            self._queue(Job(job.number, following, job.calls_left))

    async def _published(self, job: Job) -> None:
        self.uploads[pacific_day(self._now)] += 1
        if self.publisher is not None and not await self._captions(job.number, self.publisher, self._left - 1):
            self.owed.append(job.number)
        self.owed_at[pacific_day(self._now)] = len(self.owed)
        self._left -= 1

    async def _captions(self, number: int, publisher: YouTubePublisher, others: int) -> bool:
        spender = self._spender(Job(number))
        cost = await spare_cost(spender, publisher, PUBLICATION, others)
        self._turn += 1
        try:
            held = await spender.reserve(f"{number}.captions.{self._turn}", cost)
        except QuotaExhausted:
            return False
        await spender.settle(held, ())
        return True

    async def _each_hour(self) -> None:
        """What `sync_quotas` does."""
        while self.owed and self.publisher is not None and await self._captions(self.owed[0], self.publisher, self._left):
            del self.owed[0]
        self.owed_at[pacific_day(self._now)] = len(self.owed)
        heapq.heappush(self._events, (self._now + timedelta(hours=1), -1, None))

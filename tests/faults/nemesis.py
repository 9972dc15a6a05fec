"""Harm to everything at once, by chance: workers killed and stopped, services that fail, Redis away; a stream of projects meanwhile.

Whole projects go through all five stages, by Gemini and YouTube as the sandbox plays them; projects that only have to be
published come beside them, with larger videos.  What must hold afterwards is `verdict`'s matter.
"""

import asyncio
import contextlib
import hashlib
import random
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from redis.exceptions import RedisError

from jobs.app import Queue
from jobs.client import connect
from jobs.pipeline import SPECS
from reelqueue.errors import ReelqueueError
from reelqueue.models.project import ProjectState
from reelqueue.models.stage import ProjectStatus, Stage
from reelqueue.sandbox import Sandbox
from reelqueue.sandbox.journal import Entry
from storage import Paths
from storage.codec import PROJECT_CODEC
from storage.liveness import LeaseRecord
from tests.faults.cloud import rendered
from tests.faults.crew import going_on
from tests.faults.watcher import Watcher
from tests.faults.world import World
from tests.workers import Worker, worker

TINY = "tests.faults.tiny_stages"
PATIENCE_S = 20.0
"""How long a deed waits for a worker that has something in hand."""
MOST_LEASES = 4.0
"""How long a worker is stopped at most: until another has what it had in hand."""
MOST_ORDERS = 3
ALWAYS = 1_000_000
WEATHER = (("youtube", "*", 0.4, 0.3), ("gemini", "*", 0.8, 0.3))
"""So many seconds longer take these calls, so great a share of them: so a deed meets them in their middle."""
WHOLE = {
    "language": "en",
    "duration_s": 15,
    "aspect": "1:1",
    "fps": 24,
    "presenter": False,
    "music": "none",
    "subtitle_style": "none",
}
TO_UPLOAD = {"providers": {"script": "local", "image": "local", "voice": "local", "presenter": "local"}}
ENVIRONMENT = {
    "REELQUEUE_PRESENTER_PROVIDER": "local", "POISON_AFTER": "100", "RETRY_DELAYS": "0.1,0.2,0.3", "YOUTUBE_RECONCILE_SECONDS": "4",
    "YOUTUBE_DAILY_UPLOADS": "100000", "YOUTUBE_DAILY_QUOTA": "100000000", "DRAIN_SECONDS": "1", "DAILY_COST_CAP_USD": "5000",
    "PROJECT_COST_CAP_USD": "100", "VARIATION_GUARD": "false",  # all have the same words
}  # fmt: skip
FAULTS: list[tuple[str, str, str, dict[str, Any]]] = [
    ("youtube", "upload.open", "503", {}),
    ("youtube", "upload.open", "reset", {"when": "before"}),
    ("youtube", "upload.open", "reset", {"when": "after"}),
    ("youtube", "upload.chunk", "503", {}),
    ("youtube", "upload.chunk", "reset", {"when": "before"}),
    ("youtube", "upload.chunk", "reset", {"when": "after"}),
    ("youtube", "upload.chunk", "cut", {"after_bytes": 700_000}),
    ("youtube", "upload.chunk", "lost_answer", {}),
    ("youtube", "upload.chunk", "lost_answer", {}),
    ("youtube", "upload.chunk", "fewer_bytes", {"keep": 262_144}),
    ("youtube", "upload.chunk", "session_gone", {}),
    ("youtube", "upload.chunk", "created", {}),
    ("youtube", "upload.chunk", "401", {}),
    ("youtube", "upload.query", "502", {"html": True}),
    ("youtube", "upload.query", "close", {"when": "after"}),
    ("youtube", "upload.query", "session_gone", {"status": 410}),
    ("youtube", "playlistItems.list", "503", {}),
    ("youtube", "channels.list", "broken_json", {}),
    ("youtube", "videos.list", "truncate", {}),
    ("youtube", "videos.update", "reset", {"when": "before"}),
    ("youtube", "videos.update", "reset", {"when": "after"}),
    ("youtube", "thumbnails.set", "reset", {"when": "after"}),
    ("youtube", "captions.insert", "reset", {"when": "after"}),
    ("youtube", "captions.insert", "503", {}),
    ("youtube", "playlistItems.insert", "reset", {"when": "after"}),
    ("youtube", "playlistItems.insert", "403", {"reason": "userRateLimitExceeded"}),
    ("oauth", "token", "503", {}),
    ("gemini", "script", "503", {}),
    ("gemini", "image", "503", {}),
    ("gemini", "voice", "503", {}),
    ("gemini", "voice", "reset", {"when": "after"}),
]


@dataclass(frozen=True, slots=True)
class Plan:
    """How much harm, and to how many.  `uploads` and `whole` projects are under way at a time, each that ends followed by another
    until the deeds are done; `steps`: after so many more commits, pieces and answers comes the next deed, `patience_s` later at
    the latest.
    """

    deeds: Counter[str]
    uploads: int
    whole: int
    workers: int = 3
    steps: tuple[int, int] = (1, 7)
    patience_s: float = 5.0
    largest_bytes: int = 1_000_000
    weather: tuple[tuple[str, str, float, float], ...] = WEATHER
    calm_s: float = 600.0
    environment: dict[str, str] = field(default_factory=dict)


@dataclass
class Harm:
    """What was done, from when to when by the sandbox's clock, and what its worker had in hand: projects, by the stage they were in."""

    kind: str
    at: datetime
    until: datetime
    hit: dict[int, Stage | None] = field(default_factory=dict)


class Nemesis:
    """Does harm to a world, its sandbox and its workers, while projects run."""

    def __init__(self, world: World, sandbox: Sandbox, watcher: Watcher, plan: Plan, chance: random.Random) -> None:
        self.world, self.sandbox, self.watcher, self.plan, self.chance = world, sandbox, watcher, plan, chance
        self.workers: dict[int, Worker] = {}
        self.logs = [world.settings.data_dir.parent / f"nemesis-{number}.log" for number in range(plan.workers)]
        self.harm: list[Harm] = []
        self.bodies: dict[int, str] = {}
        """Of projects that only have to be published: the sha256 of their videos."""
        self.whole: list[int] = []
        sandbox.youtube.lag_s = 1.5
        sandbox.youtube.caps.update({"uploads": 100_000, "units": 100_000_000})
        self.playlist = sandbox.youtube.add_playlist("Mine")
        self._paths = Paths(world.settings.data_dir)
        self._stopped: set[int] = set()
        self._answers = 0
        sandbox.journal.listeners.append(self._answered)

    @property
    def projects(self) -> list[int]:
        """All that were begun."""
        return [*self.bodies, *self.whole]

    def count(self, *kinds: str) -> int:
        """How often such a deed was done."""
        return sum(one.kind in kinds for one in self.harm)

    async def rage(self) -> None:
        """All deeds in an order by chance, then calm until every project is at its end."""
        async with self._crew(), connect(self.world.settings) as queue:
            feeding, failing = asyncio.create_task(self._feed(queue)), asyncio.create_task(self._fail())
            try:
                await self._all_deeds(queue)
            finally:
                for task in (feeding, failing):
                    task.cancel()
                ends = await asyncio.gather(feeding, failing, return_exceptions=True)
            assert [end for end in ends if not isinstance(end, asyncio.CancelledError)] == []
            self.sandbox.faults.clear()
            self.sandbox.youtube.finished_sessions = "answer"
            await self._ended(queue)

    async def _all_deeds(self, queue: Queue) -> None:
        deeds = list(self.plan.deeds.elements())
        self.chance.shuffle(deeds)
        beside: set[asyncio.Task[None]] = set()
        while not self.workers or not self.projects:
            await asyncio.sleep(0.05)
        for deed in deeds:
            await self._work_goes_on(self.chance.randint(*self.plan.steps))
            await asyncio.sleep(self.chance.uniform(0.0, 0.05))
            do: Callable[[Queue], Awaitable[None]] = getattr(self, f"_{deed}")
            if deed == "stop":  # the others go on dying meanwhile
                beside.add(asyncio.create_task(self._stop(queue)))
            else:
                await do(queue)
        await asyncio.gather(*beside)

    async def _work_goes_on(self, steps: int) -> None:
        """So many steps later: by them, and not by time, work gets on between deeds however busy the machine is."""
        wanted, deadline = self._steps + steps, time.monotonic() + self.plan.patience_s
        while self._steps < wanted and time.monotonic() < deadline:
            await asyncio.sleep(0.01)

    @property
    def _steps(self) -> int:
        """Of the slowest: of whole projects, where there are any."""
        return sum(self.watcher.steps[number] for number in self.whole or self.bodies) + self._answers

    def _answered(self, entry: Entry) -> None:
        self._answers += entry.service == "gemini" or not self.plan.whole

    def _did(self, kind: str) -> Harm:
        now = self.sandbox.clock.now()
        self.harm.append(Harm(kind, now, now))
        return self.harm[-1]

    # Workers.

    @contextlib.asynccontextmanager
    async def _crew(self) -> AsyncIterator[None]:
        """Workers, each started again when it dies."""
        async with going_on(self._keep(number) for number in range(self.plan.workers)):
            yield

    async def _keep(self, number: int) -> None:
        environment = self.sandbox.settings() | ENVIRONMENT | self.world.proxied | self.plan.environment
        while True:
            log = self.logs[number]
            async with worker(self.world.settings, module=TINY, output=log, **environment) as one:
                self.workers[number] = one
                while one.runs:
                    await asyncio.sleep(0.02)

    async def _one(self) -> Worker:
        """Who has a project in hand, each project alike; where nobody has one for a while, anybody."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            running = {one.pid: one for one in self.workers.values() if one.runs and one.pid not in self._stopped}
            busy = [pid for _, pid in sorted(self._held().items()) if pid in running]
            if busy or (running and time.monotonic() > deadline):
                return running[self.chance.choice(busy or list(running))]
            await asyncio.sleep(0.01)

    def _held(self) -> dict[int, int]:
        """Which projects are in hand, by their workers' processes."""
        found = {number: self._owner(number) for number in self._under_way()}
        return {number: pid for number, pid in found.items() if pid is not None}

    def _in_hand(self, pid: int) -> dict[int, Stage | None]:
        """A worker's projects, by their stages."""
        mine = [number for number, owner in self._held().items() if owner == pid]
        return {number: PROJECT_CODEC.decode(self._paths.project(number).state.read_bytes()).next_stage for number in mine}

    def _owner(self, number: int) -> int | None:
        try:
            return LeaseRecord.model_validate_json(self._paths.project(number).lease.read_bytes()).owner.pid
        except OSError:
            return None

    def _under_way(self) -> set[int]:
        return {int(path.name) for path in self._paths.open.iterdir()} if self._paths.open.is_dir() else set()

    # Deeds.

    async def _kill(self, _queue: Queue) -> None:
        one = await self._one()
        done = self._did("kill")
        done.hit = self._in_hand(one.pid)
        await asyncio.to_thread(one.kill)
        done.hit = self._in_hand(one.pid) | done.hit  # what it took meanwhile too

    async def _stop(self, _queue: Queue) -> None:
        """Past its lease: another goes on with what it had in hand, and then it wakes up."""
        one = await self._one()
        self._stopped.add(one.pid)
        done = self._did("stop")
        one.tell(signal.SIGSTOP)
        done.hit = self._in_hand(one.pid)
        most = time.monotonic() + MOST_LEASES * self.world.settings.lease_seconds
        while time.monotonic() < most and any(self._owner(number) == one.pid for number in done.hit):
            await asyncio.sleep(0.02)
        await asyncio.sleep(self.chance.uniform(0.0, 0.5))
        one.tell(signal.SIGCONT)
        done.until = self.sandbox.clock.now()
        self._stopped.discard(one.pid)

    async def _end(self, _queue: Queue) -> None:
        one = await self._one()
        self._did("end").hit = self._in_hand(one.pid)
        one.tell(signal.SIGTERM)

    async def _restart(self, _queue: Queue) -> None:
        self._did("restart")
        await self.world.server.restart()

    async def _empty(self, _queue: Queue) -> None:
        self._did("empty")
        await self.world.server.restart(empty=True)

    async def _hole(self, _queue: Queue) -> None:
        self._did("hole")
        async with self.world.proxy.black_hole():
            await asyncio.sleep(self.chance.uniform(0.5, 4.0))

    async def _storm(self, _queue: Queue) -> None:
        self._did("storm")
        async with self.world.proxy.storm():
            await asyncio.sleep(self.chance.uniform(0.5, 2.0))

    async def _double(self, queue: Queue) -> None:
        """Hints that nobody needs: whoever comes second finds the project held, or the stage done."""
        state = await queue.get_project(self.chance.choice(self.projects))
        if state.next_stage is not None:
            self._did("double")
            with contextlib.suppress(ReelqueueError, RedisError, OSError):
                await queue.enqueue_job(SPECS[state.next_stage].job, project_id=state.project_id)

    async def _fail(self) -> None:
        """Orders to the sandbox, a few at a time."""
        faults = self.sandbox.faults
        while True:
            if len(faults.waiting()) >= MOST_ORDERS + len(self.plan.weather):  # one for a call that nobody makes is in the way
                faults.clear()
            service, call, kind, details = self.chance.choice(FAULTS)
            faults.order(service=service, call=call, kind=kind, **details)
            if not any(order.left > ALWAYS / 2 for order in faults.waiting()):
                for service, call, seconds, share in self.plan.weather:
                    faults.order(service=service, call=call, kind="slow", seconds=seconds, share=share, times=ALWAYS)
            self.sandbox.youtube.finished_sessions = self.chance.choice(["answer", "answer", "gone"])
            await asyncio.sleep(self.chance.uniform(0.1, 0.6))

    # Projects.

    async def _feed(self, queue: Queue) -> None:
        """So many of each kind are under way, always."""
        while True:
            under_way = self._under_way()
            whole = under_way & set(self.whole)
            if len(whole) < self.plan.whole:
                brief = WHOLE | {"topic": f"Tide {len(self.whole) + 1}"}
                project = await queue.create_project(brief)
                self.whole.append(project.project_id)
                await self._started(queue, project)
            elif len(under_way - whole) < self.plan.uploads:
                size = self.chance.randrange(1, self.plan.largest_bytes)
                made, body = await rendered(
                    self.world.settings, video_bytes=size, playlist=self.playlist.playlist_id, privacy="public", **TO_UPLOAD
                )
                self.bodies[made.project_id] = hashlib.sha256(body).hexdigest()
                await self._started(queue, made)
            else:
                await asyncio.sleep(0.1)

    async def _started(self, queue: Queue, project: ProjectState) -> None:
        """As an app does it: again until the queue has heard."""
        while True:
            with contextlib.suppress(ReelqueueError, RedisError, OSError):
                await queue.start(project.project_id)
                return
            await asyncio.sleep(0.1)

    async def _ended(self, queue: Queue) -> None:
        """A person starts again what failed, until all is done; what can't be done is the verdict's matter."""
        deadline = time.monotonic() + self.plan.calm_s
        while time.monotonic() < deadline:
            states = [await queue.get_project(number) for number in self.projects]
            for state in states:
                if state.status is ProjectStatus.FAILED:
                    with contextlib.suppress(ReelqueueError):
                        await queue.retry(state.project_id)
            if all(state.status in {ProjectStatus.COMPLETED, ProjectStatus.NEEDS_PERSON} for state in states):
                return
            await asyncio.sleep(0.2)

"""A small installation that is led through all that it does, while its processes die, fail and hang at failpoints.

Each process is armed with what is still to happen; the ones that come after it mend what it left.  What a person would do is done:
a project that failed by a bug is tried again, a request that got no answer is made again, a process that hangs is told to end, and
killed where it can't.
"""

import asyncio
import hashlib
import json
import random
import re
import signal
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from redis.asyncio import Redis

from jobs.app import Queue
from jobs.pipeline import QUEUES
from jobs.spending import project_bucket
from reelqueue import failpoints
from reelqueue.errors import ProjectNotFound
from reelqueue.models.project import ProjectState
from reelqueue.models.stage import ProjectStatus
from reelqueue.sandbox import Sandbox
from reelqueue.settings import Settings
from storage import Blobs, Ledger, Paths, ProjectStore
from tests import forks
from tests.faults.cloud import calls
from tests.faults.lives import video_of
from tests.receiver import Receiver
from tests.workers import ROOT, environment

LOOK_S = 0.05
VOICES_AT_ONCE = 8
"""Pieces of voice that one project asks for side by side."""
END_S = 60.0
"""How long a process may take to end that is told to."""
STUCK_S = 300.0
"""Of one process in which nothing happens that it ends by."""
MOST_LIVES = 300
"""Of one leg: three times as many as there are points, and what goes on then has no end."""
ASKED = ("create.", "delete.", "edit.", "cancel.", "batch.made", "batch.filled", "batch.asked", "batch.acted", "state.aside")
"""Points that a process passes which only asks; it is armed with no others, so that those of all are met where the work is."""
LET_GO = re.compile(
    r"(call|piece|presenter|upload|captions|quota|webhook)\..*|stage\.(begun|made)|notice\.told|batch\.(begun|looked)|hint\..*"
)
"""Points at which a job, or a courier, waits without holding anything: who hangs there lets go as soon as it is told to end."""
GO_ON = ("progress.",)
"""Telling has a time-out of its own: the work goes on."""
OFTEN = re.compile(
    r"(document|file|state\.comm|blob|ledger|progress|job|hint\.[dq]|call|piece|lease|stage\.[bmd]|outbox|webhook).*"
)
"""Points that a worker passes many times: the time at which one happens is a matter of chance, too."""
TOLD = {"batch.started", "project.waiting", "project.completed", "batch.ended"}
"""What a webhook hears of the batch, whatever happens beside."""
BRIEF = {
    "topic": "Why bread rises", "content": "Yeast eats sugar and breathes out gas.", "language": "en", "aspect": "1:1", "fps": 24,
    "presenter": True, "review": ["script"],
}  # fmt: skip
WORKER = {
    "RETRY_DELAYS": "0.01,0.02,0.03", "POISON_AFTER": "100", "YOUTUBE_RECONCILE_SECONDS": "0", "KEEP_DAYS": "0",
    "REELQUEUE_PRESENTER_PROVIDER": "local", "REELQUEUE_IMAGE_PROVIDER": "local", "PROJECT_COST_CAP_USD": "100", "DAILY_COST_CAP_USD": "500",
    "YOUTUBE_DAILY_QUOTA": "10000000", "YOUTUBE_DAILY_UPLOADS": "10000",
}  # fmt: skip


@dataclass
class Life:
    """One process, and what it said since it began."""

    process: Any
    log: Path
    started: float = field(default_factory=time.monotonic)

    @property
    def runs(self) -> bool:
        """Whether it lives."""
        return self.process.poll() is None

    def fired(self) -> list[tuple[str, str]]:
        """The points at which something happened, with their modes."""
        said = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        lines = [json.loads(line) for line in said if '"failpoint"' in line and line.endswith("}")]
        return [(line["point"], line["mode"]) for line in lines if line["event"] == "failpoint"]


class Chain:
    """An installation under test.  `left` is what is still to happen, point by mode; `fired` what did.

    Each request, and each time at work, is a leg of the way; `leg` counts them.  `passed`: how often each point was passed in each
    leg, where that was noted.  `choose` says of a leg, and of what it can lead to, what alone happens in it.
    """

    def __init__(
        self,
        folder: Path,
        settings: Settings,
        redis: Redis,
        sandbox: Sandbox,
        receiver: Receiver,
        queue: Queue,
        chance: random.Random,
    ) -> None:
        self.folder, self.settings, self.redis, self.sandbox = folder, settings, redis, sandbox
        self.receiver, self.queue, self.chance = receiver, queue, chance
        self.choose: Callable[[int, Collection[str]], tuple[str, str, int] | None] | None = None
        self.notes = False
        self.leg = 0
        self.passed: dict[int, Counter[str]] = {}
        self.left: dict[str, str] = {}
        self.times: dict[str, int] = {}
        self.fired: list[tuple[str, str]] = []
        self.lives = self.late = 0
        self.processes: list[Any] = []
        self.figures: dict[str, Any] = {}
        self.seen: dict[int, tuple[int, int]] = {}
        sandbox.youtube.caps.update({"uploads": 10_000, "units": 10_000_000})  # many calls are made again
        self.told = folder / "told"
        self.go = folder / "go"
        self.environment = (
            environment(settings)
            | sandbox.settings()
            | receiver.settings
            | WORKER
            | {"LIVES_GO": str(self.go), "NOTIFY_COMMAND": f"sh -c 'echo told >> {self.told}'"}
        )

    def arm(self, modes: dict[str, str]) -> None:
        """What is to happen."""
        self.left = dict(modes)
        self.times = {name: self.chance.randint(1, 3) if OFTEN.fullmatch(name) else 1 for name in modes}

    # Processes.

    def life(self, *argv: str, points: Sequence[str], **more: str) -> Life:
        """A process, armed with those of the points that are left."""
        self.lives += 1
        log = self.folder / f"life-{self.lives}.log"
        said = ",".join(f"{name}:{self.left[name]}@{self.times[name]}" for name in points if name in self.left)
        armed = {"REELQUEUE_FAILPOINT": said} if said else {}
        for name in points:  # what does not come so often in this one comes sooner in the next
            self.times[name] = max(1, self.times.get(name, 1) - 1)
        if self.notes:
            armed = {"LIVES_PASSED": str(self.folder / f"passed-{self.leg}")}
        with log.open("ab") as out:
            argv = (sys.executable, "-m", "tests.faults.lives", *argv)
            process = forks.Popen(argv, cwd=ROOT, env=self.environment | armed | more, stdout=out, stderr=out)
        self.processes.append(process)
        return Life(process, log)

    async def end(self, life: Life) -> None:
        """Tell a process to end, and kill it where it can't; note what happened in it."""
        if life.runs:
            life.process.send_signal(signal.SIGTERM)
            if not await self._within(lambda: not life.runs or self._stays(life), END_S):
                raise AssertionError(f"it does not end, at {self._hanging(life)}: {life.log.read_text()}")
            life.process.kill()
        life.process.wait(20)
        for name, mode in life.fired():
            self.left.pop(name, None)
            self.fired.append((name, mode))
        await self.nothing_is_lost()

    def _hanging(self, life: Life) -> list[str]:
        return [name for name, mode in life.fired() if mode == "hang" and not name.startswith(GO_ON)]

    def _hangs(self, life: Life) -> bool:
        return bool(self._hanging(life))

    def _stays(self, life: Life) -> bool:
        """Whether it hangs where no word reaches it: in a thread, or while it tells Redis what became of a job."""
        return any(not LET_GO.fullmatch(name) for name in self._hanging(life))

    async def _within(self, true: Callable[[], bool], seconds: float) -> bool:
        ends = time.monotonic() + seconds
        while not true():
            if time.monotonic() > ends:
                return False
            await asyncio.sleep(LOOK_S)
        return True

    def bury(self) -> None:
        """Leave no process behind, where a test fails."""
        for process in self.processes:
            if process.poll() is None:
                process.kill()
            process.wait()

    def _begun(self, may_be: Callable[[str], bool], named: Collection[str] = ()) -> list[str]:
        """Another leg begins: what may happen in it."""
        if self.notes and (noted := self.folder / f"passed-{self.leg}").exists():
            self.passed[self.leg] = Counter(noted.read_text(encoding="utf-8").split())
        self.leg += 1
        if self.choose is None:
            return [name for name in failpoints.POINTS if may_be(name)]
        chosen = self.choose(self.leg, named)
        self.left, self.times = ({}, {}) if chosen is None else ({chosen[0]: chosen[1]}, {chosen[0]: chosen[2]})
        return list(self.left)

    async def asked(self, name: str, *args: Any, gone_is_fine: bool = False, **named: Any) -> None:
        """A request of an app, made until it has an answer."""
        points = self._begun(lambda name: name.startswith(ASKED))
        while True:
            life = self.life("ask", json.dumps([name, args, named]), points=points)
            await self._within(lambda life=life: not life.runs or self._hangs(life), STUCK_S)
            if self._hangs(life):
                life.process.kill()
            await self.end(life)
            said = life.log.read_text()
            if life.process.returncode == 0 or (gone_is_fine and ProjectNotFound.__name__ in said):
                return
            assert life.fired(), f"{name} is refused: {said}"

    async def worked(
        self,
        goal: Callable[[], Awaitable[bool]],
        *,
        workers: str = "VideoWorker,BatchWorker",
        needs: Sequence[str] = (),
        ends_with: Sequence[str] = (),
        faults: Mapping[str, Mapping[str, Any]] = MappingProxyType({}),
    ) -> None:
        """Workers, one process after the other, until the goal is reached and what `needs` to happen on the way has happened.

        `ends_with`: what happens while a process ends that reached the goal.  `faults`: what a service does, once more and once more, until it has led to a point.
        """
        points, before = self._begun(lambda name: not name.startswith(ASKED), {*needs, *ends_with, *faults}), self.lives
        while True:
            assert self.lives - before < MOST_LIVES, f"no end, {await self._stands()}, left {self.left}"
            life = self.life("work", points=points, LIVES_WORKERS=workers)
            deadline = time.monotonic() + STUCK_S
            while life.runs and not self._hangs(life):
                assert time.monotonic() < deadline, f"stuck, {await self._stands()}, left {self.left}: {life.log.read_text()}"
                happened = {name for name, _ in life.fired()}
                for name, order in faults.items():
                    waiting = {known.call for known in self.sandbox.faults.waiting()}
                    if name in self.left.keys() - happened and order["call"] not in waiting:
                        self.sandbox.faults.order(**order)
                reached = await goal() and not (set(needs) & self.left.keys()) - happened
                at_the_end = (set(ends_with) & self.left.keys()) - happened
                if reached and (not at_the_end or await self._has_something_in_hand(life)):
                    break
                tending = asyncio.create_task(self._tended())
                await self._within(lambda tending=tending, life=life: tending.done() or self._hangs(life), STUCK_S)
                if self._hangs(life):  # perhaps with the lock that the person waits for
                    life.process.kill()
                await tending
                await asyncio.sleep(LOOK_S)
            assert life.runs or life.fired(), f"it ended by itself: {life.log.read_text()}"
            await self.end(life)
            if await goal() and not {*needs, *ends_with} & self.left.keys():
                return

    async def _has_something_in_hand(self, life: Life) -> bool:
        """Whether it works on a project: one that is told to end as it starts has nothing to hand back, and so would all after it."""
        held = await self.queue._projects.holders(await self.queue._projects.ids())
        return any(record.owner.pid == life.process.pid for record in held.values())

    async def _tended(self) -> None:
        """What a person does meanwhile."""
        for number in await self.queue._projects.ids():
            state = await self.queue.get_project(number)
            if state.status is ProjectStatus.FAILED:
                await self.queue.retry(number)

    async def _stands(self) -> list[tuple[int, str, object]]:
        states = [await self.queue.get_project(number) for number in await self.queue._projects.ids()]
        return [(state.project_id, str(state.status), state.wait) for state in states]

    # What has to hold.

    async def nothing_is_lost(self) -> None:
        """I1, I2, I6: at most one video; each state is readable and never goes back; what is not ended is marked."""
        store = ProjectStore.reader(Paths(self.settings.data_dir))
        states = [await store.load(number) for number in await store.ids()]
        marked = set(await store.unfinished())
        for state in states:
            number = state.project_id
            before = self.seen.get(number, (0, 0))
            assert (state.revision, state.fence) >= before, (number, before)
            assert state.fence >= before[1]
            assert state.status.is_final or number in marked, (number, state.status)
            self.seen[number] = (state.revision, state.fence)
        assert len(self.sandbox.youtube.videos) <= 1

    async def made(self) -> tuple[list[int], int]:
        """The projects that there are, and how many batches."""
        return [project.project_id for project in await self.queue.list_projects()], len(await self.queue.list_batches())

    def paid(self) -> Counter[str]:
        """How often the service was asked and answered, by kind of call."""
        return Counter({call: calls(self.sandbox, "gemini", call, status=200) for call in ("script", "voice")})

    async def is_paid_for(self, number: int, before: Counter[str], *, script_by: int, voice_by: int) -> None:
        """I5: no call was paid that the ledger does not know; and none again but what was in flight when something happened.

        `before`: what had been paid.  `script_by`, `voice_by`: how much had happened by the end of the stage.  On a busy machine
        a process may have lost its lease too.
        """
        account = await Ledger(Paths(self.settings.data_dir)).account(project_bucket(number))
        known = len(account.reservations) + sum(amount > 0 for amount in account.settled.values())
        script = await self.queue.get_script(number)
        once, paid = {"script": 1, "voice": len(script.segments) + 2}, self.paid() - before
        fenced = self._fenced()
        late, self.late = fenced - self.late, fenced
        self.figures = {"once": once, "paid": paid, "known": known, "late": late}
        assert sum(paid.values()) <= known
        assert once["script"] <= paid["script"] <= once["script"] + script_by + late
        assert once["voice"] <= paid["voice"] <= once["voice"] + VOICES_AT_ONCE * (voice_by - script_by + late)

    def _fenced(self) -> int:
        """How often a process was told that its project is another's by now."""
        return sum(log.read_bytes().count(b'"event": "fenced"') for log in self.folder.glob("life-*.log"))

    async def nobody_is_left(self) -> None:
        """Nothing waits in Redis that nobody would take; whoever was to be told was told, each event under one id."""
        left = [key async for key in self.redis.scan_iter("arq:in-progress:*")]
        assert left == []
        assert [await self.redis.zcard(queue) for queue in QUEUES] == [0] * len(QUEUES)
        pending = list((Paths(self.settings.data_dir).outbox / "pending").glob("*.json"))
        assert pending == []
        assert all(message.is_signed for message in self.receiver.messages)
        assert set(self.receiver.types()) >= TOLD

    async def is_whole(self, number: int) -> ProjectState:
        """I1, I3, I5: one video, the very one; what the state names is there; no call was paid that nobody knows of."""
        state = await self.queue.get_project(number)
        [video] = self.sandbox.youtube.videos.values()
        assert state.upload is not None
        assert (state.status, state.upload.video_id) == (ProjectStatus.COMPLETED, video.video_id)
        assert video.sha256 == hashlib.sha256(video_of(number)).hexdigest()
        assert video.thumbnail_sha256
        blobs = Blobs(Paths(self.settings.data_dir).project(number).root)
        assert await blobs.first_lost([file for known in state.stages.values() for file in known.artifacts]) is None
        return state

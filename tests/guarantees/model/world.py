"""A whole installation in one process: lives on two machines, one folder, one Redis, the services, and all that is known of them.

Storage and jobs are the product's own.  What a test brings is the outside: time, system calls, services, deaths.
"""

import asyncio
import contextlib
import json
import os
import shutil
import tempfile
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import structlog
from arq.constants import in_progress_key_prefix
from arq.jobs import deserialize_job_raw
from arq.worker import Retry
from redis.exceptions import RedisError

from jobs.app import Queue
from jobs.claims import Claims
from jobs.context import Rules, Service, Tools
from jobs.maintenance.recover import renew
from jobs.pipeline import SPECS, STAGE_OF, VIDEO
from jobs.queue import PAYLOAD_EXPIRES_S, JobQueue
from jobs.runner import run_stage
from jobs.stages import StageInputs, StageOutcome, StageRun, StageWork
from jobs.video.assets import ASSETS_WORK
from jobs.video.script import SCRIPT_WORK
from jobs.video.upload import UPLOAD_WORK
from jobs.wire import deserialize
from progress import Publisher
from reelqueue.errors import ReelqueueError
from reelqueue.media.ffmpeg import Ffmpeg
from reelqueue.models.project import ProjectState
from reelqueue.models.stage import ProjectStatus, Stage
from reelqueue.providers.protocols import Fixed, Providers
from reelqueue.tally import TALLY
from storage import BatchStore, Ledger, Paths, ProjectStore
from storage.codec import PROJECT_CODEC
from storage.lease import Lease
from storage.liveness import Watch
from tests.guarantees.model import lives
from tests.guarantees.model.inline_redis import Door, Server
from tests.guarantees.model.kernel import Disk, watched
from tests.guarantees.model.lives import HOSTS, LIFE, Dead, Host, Life, Stop
from tests.guarantees.model.loop import Loop
from tests.guarantees.model.outside import PRICE, Outside, lost, providers, refused, write

LEASE_SECONDS = 15.0
LONGEST_JOB_S = 4_000.0
NOON = datetime(2026, 3, 2, 20, tzinfo=UTC)
BRANCHES = {"script": 1, "voice": 1, "image": 2, "presenter": 2, "publisher": 1}
"""How many calls of each kind one project has in flight at most."""
LOOKS = frozenset({
    "read", "write_script", "open", "send", "send the last", "thumbnail", "playlist", "publish",
})  # fmt: skip
"""Where a life is stopped between its look and its call: the look, and the call itself."""
_KINDS = {"write_script": "script", "speak": "voice", "make_image": "image", "begin": "presenter"}


@dataclass(eq=False, slots=True)
class Job:
    """A stage job in somebody's hand.  `owed` are late calls that may still come: those that were on their way at a stop."""

    number: int
    stage: Stage
    raw_id: bytes | None
    lease: Lease | None = None
    task: "asyncio.Task[Any] | None" = None
    owed: Counter[str] = field(default_factory=Counter)
    began: float = 0.0


class Watched(ProjectStore):
    """A store whose leases are seen, and whose commits are looked at once they were answered."""

    world: "World"

    async def take_over(self, *args: Any, **named: Any) -> Lease:
        """See `ProjectStore`."""
        lease = await super().take_over(*args, **named)
        life = LIFE.get()
        if life is not None and life.job is not None:
            life.job.lease = lease
        answered = lease._commit

        async def commit(change: Callable[[ProjectState], ProjectState]) -> ProjectState:
            state = await answered(change)
            name = lease._record.owner.name
            if (state.fence, state.owner) != (lease.fence, name):
                self.world.broken["I4"].append(
                    f"{name} with fence {lease.fence} committed over {state.owner} with fence {state.fence}"
                )
            return state

        lease._commit = commit  # type: ignore[method-assign]
        return lease


@dataclass(frozen=True, slots=True)
class Begun:
    """A project on its way to a stage, as it once was made in another world: its folder, its last state, what was paid for it."""

    folder: Path
    state: dict[str, Any]
    billed: int
    calls: Counter[tuple[int, str]]


class World:
    """`broken` is what was seen to go wrong, by invariant."""

    def __init__(self, server: Server) -> None:
        self.folder = tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None)
        self.paths = Paths(Path(self.folder.name) / "data")
        self._seen = (f"{self.paths.projects}/", f"{self.paths.trash}/")
        self.disk = Disk()
        self.loop = Loop(lambda: self.fill(0))
        self.outside = Outside(lambda: self.loop.now)
        self.server = server
        self.jumped_s = 0.0
        self._tokens = 1_000_000
        self.lives: list[Life] = []
        self.broken: defaultdict[str, list[str]] = defaultdict(list)
        self.landed: dict[int, dict[str, Any]] = {}
        self.changed: set[int] = set()
        self.faults: Counter[int] = Counter()
        self.services: dict[Life, Service] = {}
        self._open = contextlib.ExitStack()
        self._open.enter_context(self._laws())
        server.away = False
        server.redis.flushall()

    @contextlib.contextmanager
    def _laws(self) -> Iterator[None]:
        """Time, owners and system calls are this world's."""
        known = structlog.get_config()
        counted = {name: getattr(TALLY, name) for name in ("_totals", "_minutes", "_runs")}
        with pytest.MonkeyPatch.context() as patched, watched(self.disk, self._landing):
            patched.setattr("time.monotonic", self._monotonic)
            patched.setattr("time.monotonic_ns", lambda: int(self._monotonic() * 1_000_000_000))
            patched.setattr("reelqueue.clock.now", self.wall)
            patched.setattr("storage.liveness._owner_of", lambda _pid: self._here().owner)
            patched.setattr("storage.liveness.started_at", self._started_at)
            patched.setattr("jobs.video.presenters.part_sound", _mixed)
            patched.setattr("secrets.token_hex", self._token)
            patched.setattr("storage.holding.token_hex", self._token)
            patched.setattr("jobs.attempt.StageRun", self._run)
            patched.setattr("jobs.attempt.LOOK_SECONDS", 1.9)  # within two seconds is what is promised
            for name, value in counted.items():
                patched.setattr(TALLY, name, type(value)())
            structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
            try:
                yield
            finally:
                structlog.configure(**known)

    def close(self) -> None:
        """Nothing is left of it."""
        for life in self.lives:
            self.kill(life)
        self._open.close()
        self.loop.close()
        self.folder.cleanup()

    # Clocks and owners, as the life sees them that asks.

    def _here(self) -> Life:
        return LIFE.get() or _NOBODY

    def _monotonic(self) -> float:
        return self.loop.now + self._here().host.clock_s

    def wall(self) -> datetime:
        """The time of day."""
        return NOON + timedelta(seconds=self.loop.now + self.jumped_s + self._here().host.skew_s)

    def _token(self, size: int = 8) -> str:
        self._tokens += 1
        return f"{self._tokens:0{2 * size}x}"[-2 * size :]

    def _run(self, **what: Any) -> StageRun:
        return StageRun(**what, began=self._monotonic())  # by itself it asks the clock that was there at its import

    def _started_at(self, pid: int) -> str | None:
        return next((None if life.dead else "1" for life in self.lives if life.number == pid), None)

    # Lives.

    def life(self, host: Host) -> Life:
        """A process starts."""
        life = Life(len(self.lives) + 1, host)
        self.lives.append(life)
        token = LIFE.set(life)
        try:
            self.services[life] = self._service(life)
        finally:
            LIFE.reset(token)
        return life

    def _service(self, life: Life) -> Service:
        door = Door(self.server, self.gate)
        projects = Watched(self.paths, life.owner, lease_seconds=LEASE_SECONDS, watch=Watch(LEASE_SECONDS, self._monotonic))
        projects.world = self
        return Service(
            queue_name=VIDEO,
            instance="i",
            owner=life.owner,
            paths=self.paths,
            projects=projects,
            batches=BatchStore(self.paths, life.owner, lease_seconds=LEASE_SECONDS),
            ledger=Ledger(self.paths),
            queue=JobQueue(door),
            publisher=_Quiet(door),
            choice=Fixed(self._providers()),
            tools=Tools(ffmpeg=Ffmpeg(Path("/nowhere"), "0")),
            rules=Rules(language="en"),
        )

    def _providers(self) -> Providers:
        def run() -> int:
            return int(self._here().job.lease.state.run)

        return providers(self.outside, self, lambda: int(self._here().job.number), run)

    def kill(self, life: Life) -> None:
        """SIGKILL: what its tasks do now comes to nothing."""
        if life.job is not None:
            self.faults[life.job.number] += 1
        life.dead = True
        self.loop.go_on(life)
        for _ in range(20):
            for task in [*life.tasks]:
                task.cancel()
            self.loop.settle()
            if not life.tasks:
                return
        raise AssertionError(f"{life.owner.name} does not die: {life.tasks}")

    async def gate(self, place: str) -> None:
        """A step that is no system call and no service."""
        life = LIFE.get()
        if life is None:
            return
        if life.dead:
            raise Dead
        stop = life.due(place)
        if stop is not None:
            await self._befall(life, stop)

    def resume(self, life: Life) -> None:
        """SIGCONT, long or shortly after the SIGSTOP: what was on its way arrives."""
        job = life.job
        if job is not None:
            self.faults[job.number] += 1
            if life.stopped_at in LOOKS or job.stage is Stage.ASSETS:  # there pieces are made side by side: one may have looked
                job.owed = Counter(BRANCHES)
        self.loop.go_on(life)
        self._goes_on(life)

    def answer(self, life: Life, outcome: str) -> None:
        """The service that a life waits for answers; or the answer is lost."""
        life.outcome = outcome
        assert life.hanging is not None
        life.hanging.set_result(None)
        self._goes_on(life)

    def _goes_on(self, life: Life) -> None:
        if life.job is not None:
            self.drive(life)
        else:
            self.loop.settle()

    async def _befall(self, life: Life, stop: Stop) -> None:
        match stop.how:
            case lives.CRASH:
                life.dead = True
                raise Dead
            case lives.PAUSE | lives.HANG:
                wait = self.loop.create_future()
                if stop.how == lives.PAUSE:
                    life.paused = True
                    life.stash.append(lambda: wait.set_result(None) if not wait.done() else None)
                else:
                    life.hanging = wait
                try:
                    await wait
                finally:
                    life.hanging = None
            case lives.FILL:
                self.fill(0)

    # Services: see `outside.Line`.

    async def call(self, place: str, effect: Callable[[], Any], *, piece: str = "", changes: bool = True) -> Any:
        """A call of a service, and what befalls it."""
        life = self._here()
        if life.dead:
            raise Dead
        if changes:
            self._looked_at(life, place)
        stop = life.due(place)
        if stop is None:
            return effect()
        self.faults[life.job.number] += 1
        if stop.how == lives.REFUSE:
            raise refused()
        if stop.when == "before":
            await self._befall(life, stop)
        answer = effect()
        if stop.when != "before":
            await self._befall(life, stop)
        if lives.LOSE in {stop.how, life.outcome}:
            life.outcome = ""
            raise lost()
        return answer

    def _looked_at(self, life: Life, place: str) -> None:
        """I4: a call begins that a project must not see any more, but for those that were on their way when their life was stopped."""
        job, kind = life.job, _KINDS.get(place, "publisher")
        state = self.landed.get(job.number)
        late = (
            state is None
            or state["status"] == ProjectStatus.CANCELLED
            or (state["fence"], state["owner"]) != (job.lease.fence, life.owner.name)
        )
        if not late:
            return
        job.owed[kind] -= 1
        if job.owed[kind] < 0:
            now = "deleted" if state is None else f"{state['status']}, fence {state['fence']} of {state['owner']}"
            self.broken["I4"].append(f"{life.owner.name} with fence {job.lease.fence} calls {place!r}; the project is {now}")

    # Jobs.

    def take(self, life: Life, place: int) -> Job | None:
        """Claim a queued job, as a worker does; None where nobody finds one."""
        if self.server.away:
            return None
        redis = self.server.redis
        ids = [raw for raw in redis.zrange(VIDEO, 0, -1) if not redis.exists(in_progress_key_prefix.encode() + raw)]
        if not ids:
            return None
        ids.sort()  # by stage and project; the nonces behind them come in their order
        redis.zadd(VIDEO, {ids[place % len(ids)]: 1})
        stop, life.stop = life.stop, None  # its loop never waits for Redis for long: what is stopped is the job
        look = self.do(life, self._claims(life).take(cpu=1, wait=1))
        life.stop = stop
        taken = look.taken[0] if look is not None and look.taken else None
        if taken is None or taken.body is None:
            return None
        name, _, arguments, _, _ = deserialize_job_raw(taken.body, deserializer=deserialize)
        return self.carry(life, Job(arguments["project_id"], STAGE_OF[name], taken.raw_id), chain=arguments.get("chain", True))

    def _claims(self, life: Life) -> Claims:
        lease_s = 3_600.0  # by Redis's own clock, which no history moves: `pass_time` ends what has to end
        claims = Claims(self.services[life].queue.redis, VIDEO, life.owner.model_dump_json(), lease_s)
        claims._line = SimpleNamespace(call=lambda script, keys, args: script(keys=keys, args=args))  # type: ignore[assignment]
        return claims

    def carry(self, life: Life, job: Job, *, chain: bool = True) -> Job:
        """Carry a job out until it ends, or its life is stopped."""
        life.job, job.began = job, self.loop.now
        job.task = self.loop.begin(life, self._carried(life, job, chain))
        self.drive(life)
        return job

    def drive(self, life: Life) -> None:
        """Let a life go on with its job."""
        job = life.job
        self.loop.run(job.task, life, LONGEST_JOB_S)
        if life.dead:
            self.kill(life)
        if life.paused:
            self.faults[job.number] += 1  # a successor may pay for what is in its hand
        if life.dead or job.task.done():
            life.job = None
        elif life.runs and life.hanging is None:
            self.broken["jobs"].append(f"the job of {job.stage} never ends")

    async def _carried(self, life: Life, job: Job, chain: bool) -> None:
        service, claims = self.services[life], self._claims(life)
        name = job.raw_id.decode() if job.raw_id is not None else "stray"
        context: Any = {"service": service, "redis": service.queue.redis, "job_id": name, "job_try": 1}
        seconds: float | None = None
        again = False
        try:
            await run_stage(context, job.number, job.stage, WORKS[job.stage], chain=chain)
        except Retry as wait:
            again, seconds = True, (wait.defer_score or 0) / 1_000
        except (ReelqueueError, RedisError):
            pass
        except Exception as error:  # noqa: BLE001 - a bug, whatever it is
            self.broken["jobs"].append(f"{job.stage} ended with {error!r}")
        if job.raw_id is None:
            return
        with contextlib.suppress(RedisError):
            if again:
                await claims.back(job.raw_id, seconds=seconds, counts=False, keep_ms=PAYLOAD_EXPIRES_S * 1_000)
            else:
                await claims.finish(job.raw_id, None, 1_000)

    def has_in_hand(self, life: Life, number: int) -> bool:
        """Whether a life works on a project that is its own."""
        job, state = life.job, self.landed.get(number)
        if job is None or state is None or job.number != number or job.lease is None:
            return False
        return (state["fence"], state["owner"]) == (job.lease.fence, life.owner.name)

    def do(self, life: Life, work: Awaitable[Any], *, most_s: float = 60.0) -> Any:
        """Something that a life does beside its job; None where it died of it.  Raises what that raises."""

        async def doing() -> Any:
            return await work

        task = self.loop.begin(life, doing())
        self.loop.run(task, life, most_s)
        if life.dead:
            self.kill(life)
            return None
        assert task.done(), f"{work} hangs"
        return task.result()

    def begun(self) -> Begun:
        """The only project as it stands."""
        folder = Path(tempfile.mkdtemp(dir=Path(self.folder.name).parent, prefix="begun-"))
        shutil.copytree(self.paths.root, folder, dirs_exist_ok=True)
        return Begun(folder, self.landed[1], self.outside.billed[1], Counter(self.outside.calls))

    def go_on_from(self, begun: Begun) -> None:
        """Begin with a project that is on its way; its hint is still to be found."""
        self._tokens += 1_000_000  # none is used twice
        shutil.copytree(begun.folder, self.paths.root, copy_function=os.link, dirs_exist_ok=True)
        self.landed[1] = begun.state
        self.outside.billed[1] += begun.billed
        self.outside.calls += begun.calls

    # What befalls the world.

    def fill(self, left: int) -> None:
        """So many bytes are left on the disk."""
        self.disk.free = left

    def pass_time(self, seconds: float) -> None:
        """Time passes; claims of who does not renew them end.  Who waits for a service is not kept waiting for ever."""
        if any(life.hanging is not None for life in self.lives):
            seconds = min(seconds, 61.0)
        self.loop.pass_to(self.loop.now + seconds)
        if seconds > LEASE_SECONDS:
            for life in self.lives:
                self._unclaim(life)

    def _unclaim(self, life: Life) -> None:
        """Its claims end but for that of what it works on: one that ended while Redis was away is not renewed any more."""
        claim = life.owner.model_dump_json().encode()
        held = life.job.raw_id if life.runs and life.job is not None else None
        for raw in self.server.redis.zrange(VIDEO, 0, -1):
            key = in_progress_key_prefix.encode() + raw
            if raw != held and self.server.redis.get(key) == claim:
                self.server.redis.delete(key)

    def recover(self, *who: Life) -> None:
        """Lost hints are renewed, by all of these at once."""
        tasks = [self.loop.begin(life, renew(self.services[life], self.services[life].queue.redis)) for life in who]
        self.loop.settle()
        for life, task in zip(who, tasks, strict=True):
            if life.dead:
                self.kill(life)
            elif task.exception() is not None and not isinstance(task.exception(), RedisError):
                self.broken["jobs"].append(f"recovery ended with {task.exception()!r}")

    def door(self, life: Life) -> Queue:
        """What an app does by this life."""
        service = self.services[life]
        nothing: Any = None
        return Queue(service.projects, service.batches, service.queue, service.publisher, nothing, nothing)

    # What is seen.

    def _landing(self, source: str, target: str) -> None:
        """A name is about to get another file or folder."""
        if not target.endswith("/project_state.json") and not target.startswith(self._seen):
            return
        path = Path(target)
        whose = path.relative_to(self.paths.root).parts[1].partition(".")[0]
        if whose.isdigit():
            self.changed.add(int(whose))  # a file of its own may have got another's place
        if path.name == "project_state.json":
            new = self._read(Path(source))
            number = int(path.parent.name) if path.parent.name.isdigit() else None
            if number is not None and new is not None:
                self._changes(number, new)
        elif path.parent == self.paths.projects and path.name.isdigit():
            new = self._read(Path(source) / "project_state.json")
            if new is not None:
                self._changes(int(path.name), new)
        elif path.parent == self.paths.trash:
            number = int(path.name.partition(".")[0])
            self.landed.pop(number, None)
            if not (self.paths.gone / str(number)).exists():
                self.broken["tombstones"].append(f"project {number} goes without a tombstone")

    def _read(self, path: Path) -> dict[str, Any] | None:
        try:
            found = json.loads(path.read_bytes())
        except ValueError:
            self.broken["readable"].append(f"{path.name} is no JSON")
            return None
        return dict(found)

    def _changes(self, number: int, new: dict[str, Any]) -> None:
        """I2, and the marker: each state that lands follows the one before."""
        self.changed.add(number)
        old = self.landed.get(number)
        self.landed[number] = new
        recent, before = new["recent"], old["recent"] if old is not None else []
        if new["revision"] != (old["revision"] + 1 if old is not None else 1):
            self.broken["I2"].append(f"revision {new['revision']} follows {old and old['revision']}")
        if old is not None and new["fence"] < old["fence"]:
            self.broken["I2"].append(f"fence {new['fence']} follows {old['fence']}")
        if recent != [*before, new["write_id"]][-16:] or new["write_id"] in before:
            self.broken["I2"].append(f"write {new['write_id']} of {recent} follows {before}")
        if not ProjectStatus(new["status"]).is_final and not (self.paths.open / str(number)).exists():
            self.broken["marker"].append(f"project {number} becomes {new['status']} without its marker")

    def state(self, number: int) -> ProjectState:
        """The state, as it lies on disk."""
        return PROJECT_CODEC.decode(self.paths.project(number).state.read_bytes())

    def reserved(self, number: int) -> Any:
        """What the ledger counts for a project, in calls."""
        return self._counted(self.paths.ledger / "lasting" / f"project-{number}.usd.json") / PRICE

    def counted(self, name: str) -> Any:
        """What the ledger counts in the accounts of this name, whatever their day."""
        return sum(self._counted(path) for path in self.paths.ledger.glob(f"*/{name}.json"))

    @staticmethod
    def _counted(path: Path) -> Any:
        return type(PRICE)(str(json.loads(path.read_bytes())["used"])) if path.exists() else type(PRICE)(0)


class _Quiet(Publisher):
    """Nobody is told of progress here: no invariant hangs on it."""

    async def publish(self, **_what: Any) -> int | None:
        """See `Publisher`."""
        return 1


async def _mixed(_sounds: Any, _speeches: Any, target: Path) -> None:
    write(target, b"mixed")


def _made(stage: Stage, names: tuple[str, ...]) -> StageWork:
    """A stage that makes files here, by no service."""

    async def inputs(given: StageInputs) -> dict[str, Any]:
        return {"needs": [given.project.stages[need].artifacts[0].sha256 for need in SPECS[stage].needs]}

    async def work(run: StageRun) -> StageOutcome:
        await run.hold("join")
        made = []
        for name in names:
            part = run.files.output / f"{Path(name).name}.{run.project.fence}.part"
            await run.call("join", lambda part=part, name=name: _encoded(part, name))  # type: ignore[misc]
            made.append(await run.blobs.put(name, part))
        return StageOutcome({"made": names[0]}, tuple(made))

    return StageWork(inputs, work)


async def _encoded(part: Path, name: str) -> None:
    write(part, f"{name} of {part.name}".encode() * 20)  # each attempt's has bytes of its own


WORKS = {
    Stage.SCRIPT: SCRIPT_WORK,
    Stage.ASSETS: ASSETS_WORK,
    Stage.RENDER: _made(Stage.RENDER, ("output/final_video.mp4", "output/captions.srt")),
    Stage.THUMBNAIL: _made(Stage.THUMBNAIL, ("output/thumbnail.jpg",)),
    Stage.UPLOAD: UPLOAD_WORK,
}
_NOBODY = Life(0, HOSTS[0])

"""Any history of starts, deaths, stops, late answers, lost queues, full disks and clock jumps; and what is true after each step."""

import shutil
from collections import Counter
from collections.abc import Sequence
from decimal import Decimal

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from redis.exceptions import RedisError

from jobs.pipeline import VIDEO
from reelqueue.errors import Conflict, DiskFull, ReelqueueError, StorageUnavailable
from reelqueue.models.stage import ProjectStatus, Stage, StageStatus
from storage import Blobs
from tests.guarantees.model import lives
from tests.guarantees.model.inline_redis import Server
from tests.guarantees.model.lives import HOSTS, Life, Stop
from tests.guarantees.model.world import BRANCHES, Begun, Job, World

MOST_PROJECTS = 2
MOST_ROUNDS = 40
"""So often everybody works, until all that can end has ended."""
AGAIN = frozenset({ProjectStatus.FAILED, ProjectStatus.NEEDS_PERSON})
RESTS = frozenset({ProjectStatus.COMPLETED, ProjectStatus.CANCELLED, ProjectStatus.CREATED})
MOST_RETRIES = 3
WHICH = st.integers(0, MOST_PROJECTS - 1)
WORKERS = st.sampled_from([0, 1, 2])
MACHINES = (HOSTS[0], HOSTS[0], HOSTS[1])
BRIEFS = ({"topic": "bees", "presenter": False}, {"topic": "ants", "presenter": True, "review": ["final"]})
ANY = ("commit", "commit", "account", "hold", "claim", "read", "let go", "look", "redis")
SENDING = ("open", "keep the session", "send", "send the last", "query", "find", "forget the session")
ENDING = ("thumbnail", "playlist", "publish", "commit", "account", "read")
OF_STAGE = {
    Stage.SCRIPT: ("write_script", "write", *ANY),
    Stage.ASSETS: ("speak", "make_image", "begin", "poll", "fetch", "put", "write", *ANY),
    Stage.RENDER: ("put", *ANY),
    Stage.THUMBNAIL: ("put", *ANY),
    Stage.UPLOAD: (*SENDING, *ENDING, *ANY),
}
"""Where a job of a stage may be stopped."""
FOCUSES = (None, SENDING, ENDING, ("open", "keep the session", "send the last"), ("commit", "claim", "let go"))
"""Where the jobs of one history are stopped: two deaths that go together are rare among many places."""
CALLS = frozenset({
    "write_script", "speak", "make_image", "begin", "poll", "fetch", "open", "send", "send the last", "query", "find",
    "thumbnail", "playlist", "publish",
})  # fmt: skip
IN_CALLS = (
    (lives.PAUSE, "before"), (lives.CRASH, "after"), (lives.PAUSE, "after"), (lives.CRASH, "before"),
    (lives.HANG, "before"), (lives.HANG, "after"), (lives.LOSE, "after"), (lives.REFUSE, "before"),
)  # fmt: skip
IN_STEPS = (
    (lives.PAUSE, "before"), (lives.CRASH, "after"), (lives.PAUSE, "after"), (lives.CRASH, "before"),
    (lives.CRASH, 1), (lives.CRASH, 3), (lives.CRASH, 5), (lives.FILL, "before"),
)  # fmt: skip
GOALS = st.sampled_from([Stage.UPLOAD, Stage.ASSETS, Stage.UPLOAD, Stage.SCRIPT, Stage.UPLOAD, Stage.RENDER])
PLACES = st.integers(0, 19)
WAYS = st.integers(0, 7)
PAUSES = st.sampled_from([0.0, 16.0, 16.0, 61.0, 700.0])
HOW = st.sampled_from(["goes on", "goes on", "goes on", "dies", "loses the answer"])
TIMES = st.sampled_from([1, 1, 1, 2, 3])


def stop_in(stage: Stage, focus: Sequence[str] | None, place: int, way: int, nth: int) -> Stop:
    """What befalls a job of this stage."""
    places = focus if focus is not None and stage is Stage.UPLOAD else OF_STAGE[stage]
    name = places[place % len(places)]
    how, when = (IN_CALLS if name in CALLS else IN_STEPS)[way]
    return Stop(name, how, when, nth, stage)


class Histories(RuleBasedStateMachine):
    """Three workers on two machines, an app, up to three projects."""

    server: Server
    """Set before it is run."""

    def __init__(self) -> None:
        super().__init__()
        self.begin()
        self.keys: dict[str, tuple[int, int]] = {}
        self.gone: set[int] = set()
        COUNTS["histories"] += 1

    def begin(self) -> None:
        """An empty world."""
        self.world = World(self.server)
        self.workers = [self.world.life(machine) for machine in MACHINES]
        self.app = self.world.life(HOSTS[0])

    # What people do.

    @initialize(
        lag_s=st.sampled_from([0.0, 30.0, 590.0]), which=st.integers(0, 1), at=st.sampled_from([Stage.UPLOAD, Stage.ASSETS, Stage.UPLOAD, Stage.SCRIPT]), focus=st.sampled_from(FOCUSES),
    )  # fmt: skip
    def a_project_is_on_its_way(self, lag_s, which, at, focus):
        self.focus = focus
        if (which, at) not in BEGUN:
            self.asks(lambda door: door.create_project(BRIEFS[which]))
            self.asks(lambda door: door.start(1))
            while self.world.state(1).next_stage is not at:
                self.world.take(self.workers[0], 0)
            BEGUN[which, at] = self.world.begun()
            self.world.close()
            self.begin()
        self.world.outside.lag_s = lag_s
        self.world.go_on_from(BEGUN[which, at])
        self.world.recover(self.workers[0])

    def asks(self, act, stop: Stop | None = None):
        """What the app got, as (error, answer); both None where it died of it."""
        if self.app.dead:
            self.app = self.world.life(HOSTS[0])
        self.app.stop, self.app.passed = stop, 0
        try:
            return None, self.world.do(self.app, act(self.world.door(self.app)))
        except (ReelqueueError, RedisError) as error:
            return error, None
        finally:
            self.app.stop = None

    @rule(
        key=st.sampled_from(["a", "b"]), which=st.integers(0, 1),
        stop=st.one_of(st.none(), st.builds(lambda steps: Stop("create", lives.CRASH, steps), st.integers(0, 25))),
    )  # fmt: skip
    def create(self, key, which, stop):
        if len(self.world.landed) >= MOST_PROJECTS:
            return
        known = self.keys.get(key)
        before = {*self.world.landed, *self.gone}
        error, made = self.asks(lambda door: door.create_project(BRIEFS[which], idempotency_key=key), stop)
        if error is not None:
            full = isinstance(error, DiskFull | StorageUnavailable) and self.world.disk.refused
            assert full or isinstance(error, Conflict), repr(error)
            if isinstance(error, Conflict):
                assert known is None or known[1] != which or known[0] in self.gone, "its own key is no conflict"
            return
        if made is None:
            return
        if known is not None:
            assert known == (made.project_id, which), f"the key of {known} gave {made.project_id}"
        else:
            assert made.project_id not in self.gone, "an id is used again"
            assert made.project_id not in before or self.world.state(made.project_id).brief.topic == BRIEFS[which]["topic"]
        self.keys[key] = (made.project_id, which)

    def one(self, which: int) -> int:
        """A project that is there, where any is."""
        there = sorted(self.world.landed)
        return there[which % len(there)] if there else 1

    @rule(act=st.sampled_from(["start", "cancel", "retry", "approve", "delete"]), which=WHICH, stage=st.sampled_from([None, None, *Stage]),
          steps=st.sampled_from([None, None, *range(0, 14, 2)]))  # fmt: skip
    def a_person_asks(self, act, which, stage, steps):
        number = self.one(which)
        match act:
            case "start":
                self.asks(lambda door: door.start(number))
            case "retry":
                self.asks(lambda door: door.retry(number, stage))
            case "approve":
                self.asks(lambda door: door.approve(number))
            case "cancel":
                _, answer = self.asks(lambda door: door.cancel(number))
                self.let_go()
                busy = [life.owner.name for life in self.workers if life.runs and self.world.has_in_hand(life, number)]
                assert not busy or answer is None, f"cancelled, and {busy[0]} works on"
            case "delete":
                self.asks(lambda door: door.delete(number), None if steps is None else Stop("delete", lives.CRASH, steps))
                if number not in self.world.landed and self.world.paths.gone.joinpath(str(number)).exists():
                    self.gone.add(number)

    # What workers do, and what befalls them.

    def worker(self, place: int) -> Life:
        """The worker of this place; a dead one is started anew."""
        if self.workers[place].dead:
            self.workers[place] = self.world.life(MACHINES[place])
        return self.workers[place]

    def free_worker(self, first: int) -> Life | None:
        """One that has nothing in hand; None where all have, or are stopped."""
        found = [self.worker((first + more) % len(self.workers)) for more in range(len(self.workers))]
        return next((life for life in found if life.runs and life.job is None), None)

    def something_to_do(self, life: Life) -> None:
        """A worker that finds an empty queue looks for lost hints, as each does at its start; a person asks for more."""
        if all(ProjectStatus(state["status"]).is_final for state in self.world.landed.values()):
            if len(self.world.landed) < MOST_PROJECTS:
                error, made = self.asks(lambda door: door.create_project(BRIEFS[len(self.world.landed) % 2]))
                if error is None:
                    self.asks(lambda door: door.start(made.project_id))
            else:
                self.asks(lambda door: door.retry(self.one(0), Stage.THUMBNAIL))
        for number, state in self.world.landed.items():
            if state["status"] == ProjectStatus.WAITING_REVIEW:
                self.asks(lambda door, number=number: door.approve(number))
        if not self.world.server.redis.zcard(VIDEO):
            self.world.recover(life)

    def work_until_stopped(self, before, first, goal, place, way, nth, which):
        """Time passes, or the channel forgets its sessions; then jobs of the queue, until something befalls their worker."""
        if isinstance(before, float):
            self.pass_time(before)
        else:
            self.befalls_now(before)
        life = self.free_worker(first)
        if life is None:
            return
        self.something_to_do(life)
        due = [self.world.state(number).next_stage for number in self.world.landed]
        stage = max([goal, *filter(None, due[:1])], key=list(Stage).index)
        self.works(life, stop_in(stage, self.focus, place, way, nth), which)

    def works(self, life: Life, stop: Stop, which: int = 0) -> None:
        """Jobs of the queue, until it is stopped."""
        life.stop, life.passed = stop, 0
        for _ in range(7):
            if self.world.take(life, which) is None or life.job is not None or life.dead or life.stop is None:
                break
        life.stop = None

    often = rule(
        before=st.sampled_from([0.0, 16.0, 16.0, 61.0, 700.0, "sessions are gone", "an hour is lost"]),
        first=WORKERS,
        goal=GOALS,
        place=PLACES,
        way=WAYS,
        nth=TIMES,
        which=WHICH,
    )
    one_works, another_works, somebody_works, who_knows_works = map(often, [work_until_stopped] * 4)

    @rule(first=WORKERS, jobs=st.integers(1, 5), which=WHICH)
    def work(self, first, jobs, which):
        """Jobs of the queue, to their ends."""
        life = self.free_worker(first)
        while life is not None and jobs and self.world.take(life, which) is not None:
            jobs -= 1

    @rule(first=WORKERS, stage=st.sampled_from([*Stage, Stage.UPLOAD]), place=PLACES, way=WAYS, which=WHICH, chain=st.booleans())
    def a_stray_hint(self, first, stage, place, way, which, chain):
        """Hints may be late, doubled, of any stage."""
        life = self.free_worker(first)
        if life is None or not self.world.landed:
            return
        life.stop, life.passed = stop_in(stage, self.focus, place, way, 1), 0
        self.world.carry(life, Job(self.one(which), stage, None), chain=chain)
        life.stop = None

    def who_was_stopped(self, after_s, first, how, place, way):
        """Time passes; then SIGCONT, an answer at last, or SIGKILL."""
        self.pass_time(after_s)
        if not any(life.job for life in self.workers):
            return
        life = next(life for life in self.workers[first:] + self.workers[:first] if life.job is not None)
        life.stop, life.passed = stop_in(life.job.stage, self.focus, place, way, 1) if place < 10 else None, 0
        if how == "dies":
            self.world.kill(life)
            life.job = None
        elif life.paused:
            self.world.resume(life)
        elif life.hanging is not None:
            self.world.answer(life, lives.LOSE if how == "loses the answer" else "")
        life.stop = None

    late = rule(after_s=PAUSES, first=WORKERS, how=HOW, place=PLACES, way=WAYS)
    one_goes_on, another_goes_on = map(late, [who_was_stopped] * 2)

    # What befalls the world.

    def pass_time(self, seconds):
        self.world.pass_time(seconds)
        self.let_go()

    def let_go(self) -> None:
        """Jobs that ended while something else went on."""
        for life in self.workers:
            if life.job is not None and life.job.task.done():
                life.job = None

    @rule(what=st.sampled_from([
        "redis is emptied", "redis is away", "redis is there", "sessions are gone", "space returns", "space returns", 0, 2_000, 12_000,
        -86_400.0, -3_600.0, 3_600.0, 86_400.0,
    ]))  # fmt: skip
    def befalls(self, what):
        """A number of bytes is what is left on the disk, one of seconds how far the wall clock jumps."""
        self.befalls_now(what)

    def befalls_now(self, what):
        match what:
            case int():
                self.world.fill(what)
            case float():
                self.world.jumped_s += what
            case "redis is emptied":
                self.world.server.redis.flushall()
            case "redis is away" | "redis is there":
                self.world.server.away = what == "redis is away"
            case "an hour is lost":
                self.world.jumped_s += 3_600
            case "space returns":
                self.world.disk.free = None
            case _:
                self.world.outside.lose_sessions()

    @rule(place=WORKERS, two=st.booleans())
    def recover(self, place, two):
        who = {self.worker(place), self.worker(0)} if two else {self.worker(place)}
        free = sorted((life for life in who if life.runs), key=lambda life: life.number)
        self.world.recover(*free)
        if free and not self.world.server.away and self.world.disk.free is None:
            before = self.world.server.redis.zrange(VIDEO, 0, -1)
            self.world.recover(*free)
            assert self.world.server.redis.zrange(VIDEO, 0, -1) == before, "a second pass adds something"

    # What is true after each step.

    def holds(self, *names: str) -> None:
        found = [f"{name}: {what}" for name in names for what in self.world.broken[name]]
        assert not found, found[0]

    @invariant()
    def a_step_is_counted(self):
        COUNTS["steps"] += 1

    @invariant()
    def i1_a_project_has_at_most_one_video(self):
        for number in {video.project_id for video in self.world.outside.videos.values()}:
            found = self.world.outside.videos_of(number)
            assert len(found) <= 1, f"I1: project {number} has {len(found)} videos: {', '.join(found)}"

    @invariant()
    def i2_revisions_grow_and_fences_never_fall(self):
        self.holds("I2", "readable")

    @invariant()
    def i3_what_a_done_stage_made_is_there(self):
        for number in sorted(self.world.changed & self.world.landed.keys()):
            state = self.world.state(number)
            assert state.write_id == self.world.landed[number]["write_id"], f"project {number} has another state than what landed"
            blobs = Blobs(self.world.paths.project(number).root)
            for stage, known in state.stages.items():
                if known.status is StageStatus.DONE:
                    lost = [artifact.path for artifact in known.artifacts if not blobs._holds(artifact)]
                    assert not lost, f"I3: {stage} of project {number} is done, and {lost[0]} is not what it made"
        self.world.changed.clear()

    @invariant()
    def i4_who_lost_a_project_does_nothing_more(self):
        self.holds("I4", "jobs")

    @invariant()
    def i5_the_ledger_knows_of_all_that_is_spent(self):
        outside = self.world.outside
        for number, billed in outside.billed.items():
            counted = self.world.reserved(number)
            assert counted >= billed, f"I5: project {number} was billed {billed} calls, the ledger knows of {counted}"
        assert self.world.counted("money.usd") >= Decimal("0.01") * outside.billed.total(), "I5: the day's money"
        assert self.world.counted("youtube-1.uploads") >= outside.opened.total(), "I5: sessions that the ledger does not know"

    @invariant()
    def paid_calls_are_repeated_at_most_once_per_fault(self):
        repeated: Counter[tuple[int, str]] = Counter()
        for (number, piece), times in self.world.outside.calls.items():
            repeated[number, piece.partition(" ")[0]] += times - 1
        for (number, kind), times in repeated.items():
            most = (self.world.faults[number] + self.world.disk.refused) * BRANCHES[kind]
            assert times <= most, f"project {number}: {times} calls for {kind} again, and {most} could be by faults"

    @invariant()
    def i6_what_is_not_ended_is_marked(self):
        self.holds("marker", "tombstones")
        for number, state in self.world.landed.items():
            marked = (self.world.paths.open / str(number)).exists()
            assert marked or ProjectStatus(state["status"]).is_final, (
                f"I6: project {number} is {state['status']} without a marker"
            )
        for number in self.gone:
            assert not self.world.paths.project(number).root.exists(), f"project {number} was deleted, and is there again"

    def all_holds(self) -> None:
        """All of them, for who plays a history by hand."""
        self.i1_a_project_has_at_most_one_video()
        self.i2_revisions_grow_and_fences_never_fall()
        self.i3_what_a_done_stage_made_is_there()
        self.i4_who_lost_a_project_does_nothing_more()
        self.i5_the_ledger_knows_of_all_that_is_spent()
        self.i6_what_is_not_ended_is_marked()
        self.paid_calls_are_repeated_at_most_once_per_fault()

    # What becomes of it all.

    def teardown(self):
        try:
            if not any(self.world.broken.values()):
                self.heal()
        finally:
            self.world.close()

    def heal(self):
        """I6: from wherever a history ends, everything comes to its end by itself, but for what a person has to say."""
        world = self.world
        world.disk.free, world.server.away = None, False
        for life in self.workers:
            if life.paused:
                world.resume(life)
            elif life.hanging is not None:
                world.answer(life, "")
        retries: Counter[int] = Counter()
        for _ in range(MOST_ROUNDS):
            if self._all_have_ended(retries):
                break
            world.pass_time(61.0)
            world.recover(self.worker(0))
            for _ in range(len(world.landed) + 1):
                world.take(self.worker(0), 0)
        self.all_holds()
        self._all_is_well()

    def _all_have_ended(self, retries: Counter[int]) -> bool:
        """Whether nothing goes on any more; what needs a person is tried again thrice, what waits for a moment has it come."""
        states = [self.world.state(number) for number in self.world.landed]
        tried = [state.project_id for state in states if state.status in AGAIN and retries[state.project_id] < MOST_RETRIES]
        retries.update(tried)
        for number in tried:
            self.asks(lambda door, number=number: door.retry(number))
        for state in states:
            if state.status is ProjectStatus.WAITING_REVIEW:
                self.asks(lambda door, number=state.project_id: door.approve(number))
        left = [state for state in states if state.status not in RESTS]
        waits = [state.resume_at for state in left if state.resume_at is not None]
        if waits and len(waits) == len(left):
            self.world.pass_time(max(0.0, (min(waits) - self.world.wall()).total_seconds()) + 100)
        return not left

    def _all_is_well(self):
        world = self.world
        for number in world.landed:
            state = world.state(number)
            why = state.wait or [known.error for known in state.stages.values() if known.error]
            assert state.status in RESTS, f"I6: project {number} stays {state.status}: {why}"
            if state.status is ProjectStatus.COMPLETED and state.goal is Stage.UPLOAD:
                found = world.outside.videos_of(number)
                assert found, f"project {number} is completed, and not published"
                assert world.outside.videos[found[0]].done["publish"], f"nobody sees the video of project {number}"
        world.recover(self.worker(0))
        marked = {int(path.name) for path in world.paths.open.iterdir()}
        ended = {number for number in world.landed if world.state(number).status.is_final}
        assert not marked & ended, f"ended projects are marked: {marked & ended}"


COUNTS: Counter[str] = Counter()
"""What was run."""
BEGUN: dict[tuple[int, Stage], Begun] = {}
"""Projects on their way, by brief and stage: made once, since every history would begin with the same steps."""


def forget_begun() -> None:
    """Remove what projects on their way were copied from."""
    for begun in BEGUN.values():
        shutil.rmtree(begun.folder)
    BEGUN.clear()

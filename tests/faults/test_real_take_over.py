"""In each of the five real stages: who dies, or is stopped, is followed within the lease and five seconds; who wakes up late is fenced.

Fenced means: it writes no file of the project's, changes no state, pays for nothing, publishes nothing.
"""

import asyncio
import signal
import sys
import time
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from jobs.client import connect
from jobs.pipeline import SPECS
from reelqueue.models.stage import ProjectStatus, Stage, StageStatus
from reelqueue.sandbox import Sandbox, open_sandbox
from reelqueue.settings import Settings
from storage import Paths
from storage.codec import PROJECT_CODEC
from storage.liveness import LeaseRecord
from tests.faults.cloud import calls, rendered
from tests.faults.nemesis import ENVIRONMENT, TINY, TO_UPLOAD, WHOLE
from tests.faults.verdict import videos_of
from tests.promised import seconds
from tests.workers import Worker, until, worker

SLACK_SECONDS = seconds(5.0, busy=20.0)
"""Beyond the lease."""
LONG_S = 6.0
"""How long an answer takes that a worker is to be stopped before."""

pytestmark = pytest.mark.slow


@pytest.fixture
async def sandbox(tmp_path):
    async with open_sandbox(tmp_path / "sandbox") as opened:
        yield opened


@pytest.fixture
def settings(world) -> Settings:
    return world.settings.model_copy(update={"lease_seconds": 3.0})


class Crew:
    """Workers that may each have the one project."""

    def __init__(self, settings: Settings, sandbox: Sandbox, stack: AsyncExitStack, **environment: str) -> None:
        self._settings, self._stack = settings, stack
        self._environment = sandbox.settings() | ENVIRONMENT | {"RETRY_DELAYS": f"{LONG_S},{LONG_S},{LONG_S}"} | environment
        self._files = Paths(settings.data_dir).project(1)
        self.workers: list[Worker] = []
        self.everybody: list[Worker] = []
        """Those that were killed among them."""
        self.seconds: list[float] = []
        """How long each take-over took."""

    async def join(self) -> None:
        """One more, which looks at its queue."""
        one = await self._stack.enter_async_context(worker(self._settings, module=TINY, **self._environment))
        await until(lambda: "worker_starts" in one.said(), "it starts")
        self.workers.append(one)
        self.everybody.append(one)

    def holder(self, piece: str = "") -> Worker | None:
        """Who has the project in hand, and this kind of piece of it."""
        try:
            record = LeaseRecord.model_validate_json(self._files.lease.read_bytes())
        except OSError:
            return None
        found = [one for one in self.workers if one.pid == record.owner.pid]
        in_hand = record.piece.split("; ")  # several at once: a render's sound beside its units
        return found[0] if found and any(one.startswith(piece) for one in in_hand) else None

    @property
    def fence(self) -> int:
        """Of the project, as it is committed."""
        return PROJECT_CODEC.decode(self._files.state.read_bytes()).fence

    async def followed(self, since: float, fence: int) -> None:
        """Another takes the project over in time."""
        await until(lambda: self.fence > fence, "the project is taken over")
        self.seconds.append(round(time.monotonic() - since, 2))
        assert self.seconds[-1] < self._settings.lease_seconds + SLACK_SECONDS

    async def killed(self, one: Worker) -> None:
        """It dies, and is followed."""
        fence, since = self.fence, time.monotonic()
        one.kill()
        self.workers.remove(one)
        await self.followed(since, fence)

    async def halted(self, one: Worker) -> None:
        """It is stopped, but not within the milliseconds of a commit: a stopped holder of a lock makes the others wait."""
        one.tell(signal.SIGSTOP)
        while holds_a_lock(one.pid):
            one.tell(signal.SIGCONT)
            await until(lambda: not holds_a_lock(one.pid), "it lets go of a lock")
            one.tell(signal.SIGSTOP)

    async def woken(self, one: Worker) -> None:
        """It goes on, until it finds that the project is another's."""
        before = one.said().count('"fenced"')
        one.tell(signal.SIGCONT)
        await until(lambda: one.said().count('"fenced"') > before, "it is fenced")


def holds_a_lock(pid: int) -> bool:
    """Whether a process has a file locked, as the kernel lists it: number, kind, mode, access, process, file, ..."""
    lines = Path("/proc/locks").read_text(encoding="ascii").splitlines() if sys.platform == "linux" else []
    return any(line.split()[1] == "FLOCK" and line.split()[4] == str(pid) for line in lines)


def files_of(root: Path) -> dict[str, tuple[int, int, int]]:
    """Every file of the project, and which one it is; what is half made bears its maker's fence and is nobody's matter."""
    found = {path: path.stat() for path in root.rglob("*") if path.is_file() and not path.name.endswith(".part")}
    return {str(path.relative_to(root)): (stat.st_ino, stat.st_mtime_ns, stat.st_size) for path, stat in found.items()}


def pieces_of(root: Path) -> dict[str, tuple[int, int, int]]:
    """Those among them that are made once and kept."""
    return {name: known for name, known in files_of(root).items() if name.startswith(("audio/", "images/", "segments/"))}


def under_way(sandbox: Sandbox, call: str) -> bool:
    return any(entry.ended_s is None for entry in sandbox.journal.calls(None, call))


def refusals(one: Worker) -> int:
    """How often it has been refused, and waited before it asked again."""
    return one.said().count('"retrying"')


async def test_in_each_stage_a_dead_worker_is_followed_in_time_a_late_one_is_fenced_and_no_piece_is_made_again(settings, sandbox):
    """Two die or are stopped in each stage, and a third ends it; then the stopped one wakes up, with an answer in its hands or a
    call to repeat.
    """
    orders = {
        Stage.SCRIPT: [("gemini", "script", "hang", {}), ("gemini", "script", "503", {"times": 10})],
        Stage.ASSETS: [
            ("gemini", "image", "hang", {}),
            ("gemini", "image", "503", {"times": 10}),
            ("gemini", "voice", "slow", {"seconds": LONG_S / 2, "times": 6}),
        ],
        Stage.RENDER: [],
        Stage.THUMBNAIL: [],
        Stage.UPLOAD: [
            ("youtube", "upload.chunk", "hang", {"when": "after"}),
            ("youtube", "thumbnails.set", "slow", {"seconds": LONG_S / 2}),
        ],
    }

    async def first_is_amid(stage: Stage) -> Worker:
        ready = {
            Stage.SCRIPT: lambda: under_way(sandbox, "script"),
            Stage.ASSETS: lambda: under_way(sandbox, "image") and under_way(sandbox, "voice"),
            Stage.UPLOAD: lambda: sandbox.youtube.videos,
        }.get(stage, lambda: True)
        return await until(lambda: ready() and crew.holder(PIECE[stage]), f"the first is amid {stage}")

    def retries(one: Worker | None) -> bool:
        # One that was refused in the stage before has to be so again: a call that is on its way would be answered, and paid for.
        return one is not None and refusals(one) > refused.get(one.pid, 0)

    async def second_is_amid(stage: Stage) -> Worker:
        ready = {
            Stage.SCRIPT: lambda: retries(crew.holder()),
            Stage.ASSETS: lambda: retries(crew.holder()) and under_way(sandbox, "voice"),
            Stage.UPLOAD: lambda: under_way(sandbox, "thumbnails.set"),
        }.get(stage, lambda: True)
        return await until(lambda: ready() and crew.holder(PIECE[stage]), f"the second is amid {stage}")

    root = Paths(settings.data_dir).project(1).root
    async with AsyncExitStack() as stack, connect(settings) as queue:
        crew = Crew(settings, sandbox, stack)
        made: dict[str, tuple[int, int, int]] = {}
        refused: dict[int, int] = {}
        await queue.create_project(WHOLE | {"topic": "Tides"})
        for stage in Stage:
            while len(crew.workers) < 3:
                await crew.join()
            refused = {one.pid: refusals(one) for one in crew.workers}
            for service, call, kind, details in orders[stage]:
                sandbox.faults.order(service=service, call=call, kind=kind, **details)
            await queue.enqueue_job(SPECS[stage].job, project_id=1, chain=False)
            await crew.killed(await first_is_amid(stage))
            made |= pieces_of(root)
            late, fence = await second_is_amid(stage), crew.fence
            await crew.halted(late)
            sandbox.faults.clear()  # who follows is refused nothing
            await crew.followed(time.monotonic(), fence)
            await ended(queue, stage)
            await until(lambda: crew.holder() is None, "it lets go")
            before = files_of(root), len(sandbox.journal.calls())
            await crew.woken(late)
            assert (files_of(root), len(sandbox.journal.calls())) == before, stage
        state = await queue.get_project(1)
        late = sum(one.said().count('"fenced"') for one in crew.everybody) - len(Stage)
    print(f"taken over after so many seconds, killed and stopped by turns: {crew.seconds}; {late} late by themselves")  # noqa: T201 - figures

    assert state.status is ProjectStatus.COMPLETED
    assert {known.attempts for known in state.stages.values()} == {1}
    assert len(videos_of(sandbox, 1)) == 1
    assert {name: known for name, known in pieces_of(root).items() if name in made} == made  # none was made again
    billed = [calls(sandbox, "gemini", call, status=200) for call in ("script", "image")]
    assert all(1 <= count <= 1 + late for count in billed)  # none twice, but by who lost its lease to a busy machine


PIECE = {
    Stage.SCRIPT: "script: ",
    Stage.ASSETS: "assets: ",
    Stage.RENDER: "render: unit",
    Stage.THUMBNAIL: "thumbnail: ",
    Stage.UPLOAD: "",
}


async def ended(queue, stage: Stage) -> None:
    """The stage is done."""
    async with asyncio.timeout(180):
        while (await queue.get_project(1)).stages[stage].status is not StageStatus.DONE:
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("without", ["", "fence"])
async def test_who_wakes_up_with_a_session_of_his_own_makes_no_second_video_and_without_the_fence_he_does(
    settings, sandbox, without
):
    """He was stopped before he heard of his session; another opened one, and is amid its upload when he wakes up."""
    project, _ = await rendered(settings, video_bytes=300_000, **TO_UPLOAD)
    sandbox.faults.order(service="youtube", call="upload.open", kind="slow", seconds=LONG_S)
    sandbox.faults.order(service="youtube", call="upload.chunk", kind="slow", seconds=LONG_S)
    async with AsyncExitStack() as stack, connect(settings) as queue:
        crew = Crew(settings, sandbox, stack, FAULTS_WITHOUT=without)
        await crew.join()
        await crew.join()
        await queue.enqueue_job(SPECS[Stage.UPLOAD].job, project_id=project.project_id)
        await until(lambda: sandbox.youtube.sessions, "the first has a session and no answer")
        late, fence = crew.holder(), crew.fence
        await crew.halted(late)
        await crew.followed(time.monotonic(), fence)
        [second] = [one for one in crew.workers if one is not late]
        await until(lambda: sandbox.youtube.videos, "the second has sent its video and has no answer")
        await crew.halted(second)
        if without:
            late.tell(signal.SIGCONT)
            await until(lambda: len(videos_of(sandbox, 1)) == 2, "he publishes it again")
            return
        await crew.woken(late)
        second.tell(signal.SIGCONT)
        await queue.wait(1, timeout=60)

    assert len(videos_of(sandbox, 1)) == 1
    assert calls(sandbox, "youtube", "upload.open") == 2
    assert calls(sandbox, "youtube", "upload.chunk") == 1

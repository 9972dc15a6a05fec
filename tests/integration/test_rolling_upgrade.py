"""Workers of the release before and of today on one DATA_DIR and one Redis, as while an operator replaces them one by one.

The release before runs from its own source, with this venv's packages.  Each goes on with what the other left, whichever came
first: a downgrade is an upgrade backwards.
"""

import io
import json
import shutil
import signal
import subprocess
import sys
import tarfile
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest
from arq.constants import in_progress_key_prefix
from arq.jobs import Job, JobStatus

from jobs.client import connect, open_queue
from jobs.pipeline import MAINTENANCE, PIPELINE
from reelqueue.errors import ReelqueueError
from reelqueue.models.project import ProjectState
from reelqueue.models.stage import ProjectStatus, Stage, StageStatus
from reelqueue.settings import Settings
from tests.faults.cloud import rendered
from tests.workers import HUMMING, ROOT, Worker, until, worker

BEFORE, BEFORE_COMMIT = "v0.5.0", "3e04a60"
OLD, NEW = "0.5.0", "today"
PACKAGES = ("jobs", "progress", "reelqueue", "storage", "worker_settings.py")
MARK = "of-the-release-before"
"""What the release before says its version is, so that its log shows which of the two ran."""
IN_FOLDER = "import os, sys; os.chdir(sys.argv[1]); os.execv(sys.argv[2], sys.argv[2:])"
"""Starts a command in a folder, as the same process."""
BRIEF = {
    "topic": "Bread",
    "content": "Yeast eats sugar, and the crust sings.",
    "aspect": "1:1",
    "fps": 24,
}
PUBLISHED = 6
PATIENCE_S = 300.0
LEASE_SECONDS = 15.0
"""The usual one: on a busy machine a worker of either version would lose a shorter one, and hand on what a test looks for."""

StartWorker = Callable[..., AbstractAsyncContextManager[Worker]]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    """Where each version lies."""
    folder = tmp_path_factory.mktemp("release-before")
    git = shutil.which("git")
    for name in (BEFORE, BEFORE_COMMIT) if git is not None else ():
        packed = subprocess.run([str(git), "archive", name, *PACKAGES], cwd=ROOT, capture_output=True, check=False)
        if packed.returncode == 0:
            with tarfile.open(fileobj=io.BytesIO(packed.stdout)) as archive:
                archive.extractall(folder, filter="data")
            version = folder / "reelqueue" / "version.py"
            assert OLD in version.read_text(encoding="utf-8")
            version.write_text(f'__version__ = "{OLD}+{MARK}"\n', encoding="utf-8")
            return {OLD: folder, NEW: ROOT}
    pytest.skip(f"no git history that holds release {OLD} (an sdist, or a shallow clone)")


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """With the usual lease."""
    return settings.model_copy(update={"lease_seconds": LEASE_SECONDS})


@pytest.fixture
def start(settings: Settings, sources: Mapping[str, Path]) -> StartWorker:
    """Starts a worker of a version."""

    def started(version: str, *arguments: str, name: str = "VideoWorker", **more: str) -> AbstractAsyncContextManager[Worker]:
        folder = str(sources[version])
        wrapper = (sys.executable, "-c", IN_FOLDER, folder)
        return worker(
            settings, name, wrapper=wrapper, arguments=arguments, **more, PYTHONPATH=f"{HUMMING['PYTHONPATH']}:{folder}"
        )

    return started


@pytest.fixture(params=[pytest.param((OLD, NEW), id="upgrade"), pytest.param((NEW, OLD), id="downgrade")])
def versions(request: pytest.FixtureRequest) -> tuple[str, str]:
    """Who comes first, and who goes on."""
    first, second = request.param
    return first, second


@pytest.mark.soak  # side by side below, in every `make test`, mixes the versions too
async def test_each_version_goes_on_with_the_stages_of_the_other(
    settings: Settings, start: StartWorker, versions: tuple[str, str]
) -> None:
    async with connect(settings) as queue:
        await queue.create_project(BRIEF)
        for place, spec in enumerate(PIPELINE):
            job = await queue.enqueue_job(spec.job, 1, chain=False)
            await to_the_end(start(versions[place % 2], "--burst"))
            assert (await job.result(timeout=30))["status"] == "success"

        published_once(settings, [await queue.get_project(1)])


@pytest.mark.soak  # side by side below, in every `make test`, mixes the versions too
async def test_what_one_version_finished_the_other_does_not_make_again(
    settings: Settings, start: StartWorker, versions: tuple[str, str]
) -> None:
    async with connect(settings) as queue:
        await queue.create_project(BRIEF)
        await queue.start(1)
        async with start(versions[0]):
            await queue.wait(1, timeout=PATIENCE_S)
        before = await queue.get_project(1)
        jobs = [await queue.enqueue_job(spec.job, 1, chain=False) for spec in PIPELINE]
        async with start(versions[1]):
            answers = [await answer_of(job) for job in jobs]

        after = await queue.get_project(1)

    assert set(answers) == {"success"}
    assert after.stages == before.stages
    published_once(settings, [after])


async def answer_of(job: Job) -> str:
    """The status of a job's answer, or its error's code."""
    try:
        return str((await job.result(timeout=PATIENCE_S, poll_delay=0.05))["status"])
    except ReelqueueError as error:
        return error.code


async def test_an_old_workers_project_ends_under_the_new_one_and_whoever_publishes_each_is_published_once(
    settings: Settings, start: StartWorker
) -> None:
    """As an operator does it: the new one beside the old, then the old one's SIGTERM, amid a render.

    Meanwhile both publish videos that are finished, whose states today's code wrote.  Nothing of it costs an attempt.
    """
    one_each = {"VIDEO_MAX_JOBS": "1", "VIDEO_WAIT_SLOTS": "1", "DRAIN_SECONDS": "0.2"}
    async with connect(settings) as queue, start(OLD, **one_each) as old:
        await queue.create_project(BRIEF)
        await queue.start(1)
        await until(lambda: "generate_assets_task" in old.said(), "the old one works", seconds=PATIENCE_S)
        async with start(NEW, **one_each) as new:
            for _ in range(PUBLISHED):
                project, _ = await rendered(settings, video_bytes=100_000)
                await queue.start(project.project_id)
            await until(lambda: stage_status(settings, Stage.RENDER) == StageStatus.RUNNING, "it renders", seconds=PATIENCE_S)
            await until(lambda: "worker_starts" in new.said(), "the new one works too", seconds=PATIENCE_S)
            old.tell(signal.SIGTERM)
            assert await old.ended(30) == 0
            for number in range(1, PUBLISHED + 2):
                await queue.wait(number, timeout=PATIENCE_S)

            states = [await queue.get_project(number) for number in range(1, PUBLISHED + 2)]
            published_once(settings, states)
            assert {state.crashes for state in states} == {0}
            assert (MARK in old.said(), MARK in new.said()) == (True, False)
            assert ("generate_assets_task" in new.said(), "generate_thumbnail_task" in old.said()) == (False, False)


@pytest.mark.soak  # side by side above, in every `make test`, mixes the versions too
async def test_a_killed_workers_project_goes_on_under_the_other_version(
    settings: Settings, start: StartWorker, versions: tuple[str, str]
) -> None:
    """Its claim is a lease, under either version."""
    async with connect(settings) as queue, open_queue(settings) as client:
        await queue.create_project(BRIEF)
        await queue.start(1)
        async with start(versions[0]) as dying:
            await until(lambda: stage_status(settings, Stage.RENDER) == StageStatus.RUNNING, "it renders", seconds=PATIENCE_S)
            dying.kill()
        claims = [key async for key in client.redis.scan_iter(in_progress_key_prefix + "*")]
        left_ms = [await client.redis.pttl(key) for key in claims]
        async with start(versions[1]):
            await queue.wait(1, timeout=PATIENCE_S)

        published_once(settings, [await queue.get_project(1)])

    assert len(claims) == 1
    assert left_ms[0] <= settings.lease_seconds * 1000


@pytest.mark.soak  # the clock queues plain names since 0.2; `test_stock_arq.py` has the others, in every `make test`
@pytest.mark.parametrize(("version", "job"), [(NEW, "cron:sync_quotas"), (OLD, "sync_quotas")])
async def test_what_the_clock_of_one_version_queued_the_other_runs(
    settings: Settings, start: StartWorker, version: str, job: str
) -> None:
    """Whoever queued them: each is run once."""
    async with open_queue(settings) as client:
        queued = await client.redis.enqueue_job(job, _queue_name=MAINTENANCE)
        assert queued is not None
        said = await to_the_end(start(version, "--burst", name="MaintenanceWorker"))

        assert await queued.status() in {JobStatus.complete, JobStatus.not_found}  # arq keeps no result of a cron job
    assert job in said
    assert "not found" not in said


async def to_the_end(starting: AbstractAsyncContextManager[Worker]) -> str:
    """Start a worker that ends by itself, see it do so, and return what it said."""
    async with starting as running:
        code = await running.ended(PATIENCE_S)
        assert code == 0, running.said()
        return running.said()


def stage_status(settings: Settings, stage: Stage) -> str:
    """As it is on disk."""
    state = json.loads((settings.data_dir / "projects" / "1" / "project_state.json").read_bytes())
    return str(state["stages"][stage]["status"])


def published_once(settings: Settings, states: list[ProjectState]) -> None:
    """Whether each project has its one video, and each of its stages ran once."""
    assert [(state.project_id, state.status) for state in states] == [
        (number, ProjectStatus.COMPLETED) for number in range(1, len(states) + 1)
    ]
    begun = [stage.attempts for state in states for stage in state.stages.values() if stage.started_at is not None]
    assert begun == [1] * len(begun)
    library = settings.data_dir / "library"
    assert sorted(folder.name for folder in library.iterdir()) == [str(state.project_id) for state in states]
    assert {len(list(folder.glob("video*"))) for folder in library.iterdir()} == {1}
    assert {json.loads((library / str(state.project_id) / "metadata.json").read_bytes())["video_id"] for state in states} == {
        state.upload.video_id for state in states if state.upload is not None
    }

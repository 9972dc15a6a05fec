"""A disk that does not answer fails no project: who meets it waits and says which file it is, others go on, and so does it afterwards."""

import errno
import os

import pytest

from jobs import attempt, runner
from jobs.spending import money_bucket
from reelqueue import clock
from reelqueue.errors import ProjectWaiting
from reelqueue.models.cost import Cost
from reelqueue.models.stage import ProjectStatus, Stage
from storage import Blobs, Paths
from storage.answers import Unavailable
from storage.ledger import pacific_day
from tests.read_only import CAN_MOUNT, read_only
from tests.spoilt_files import NOT_TO_BE_READ, unreadable

SOON = 0.3
reads = pytest.mark.skipif(not NOT_TO_BE_READ.exists(), reason="needs Linux's /proc")


@pytest.fixture(autouse=True)
def _looks_again_soon(monkeypatch):
    for module, name in ((attempt, "UNREACHABLE_SECONDS"), (attempt, "STORAGE_SECONDS"), (runner, "STORAGE_SECONDS")):
        monkeypatch.setattr(module, name, SOON)


@pytest.fixture
def paths(settings) -> Paths:
    return Paths(settings.data_dir)


async def waits_and_says(queue, number: int, what: str) -> None:
    with pytest.raises(ProjectWaiting, match=what) as waiting:
        await queue.wait(number, timeout=60)
    assert (waiting.value.reason, waiting.value.until is not None) == ("needs_person", True)


async def completed_at_once(queue, number: int) -> set[int]:
    """How many attempts its stages took."""
    await queue.wait(number, timeout=60, through_waits=True)
    return {known.attempts for known in (await queue.get_project(number)).stages.values()}


@pytest.fixture
def bad_sector(monkeypatch):
    """Names of files of which the content can't be read."""
    bad, hashed = set(), Blobs._hash

    def hash_of(blobs, path):
        if path.name in bad:
            raise OSError(errno.EIO, os.strerror(errno.EIO), str(path))
        return hashed(blobs, path)

    monkeypatch.setattr(Blobs, "_hash", hash_of)
    return bad


async def test_a_file_of_a_project_that_cant_be_read_parks_it_alone(queue, crew, project, bad_sector):
    """An artifact of the stage before: it is not made again either, since it may well be whole."""
    other = await queue.create_project({"topic": "Why bread crackles"})
    await queue.enqueue_job("generate_script_task", project_id=1, chain=False)
    await crew.burst()
    bad_sector.add("script.txt")
    async with crew.working():
        await queue.start(1)
        await waits_and_says(queue, 1, "script.txt")
        parked = await queue.get_project(1)
        bad_sector.clear()
        await queue.start(other.project_id)
        assert await completed_at_once(queue, other.project_id) == {1}
        attempts = await completed_at_once(queue, 1)

    assert parked.stages[Stage.SCRIPT].status == "done"
    assert attempts == {1}


@reads
async def test_a_state_that_cant_be_read_keeps_no_other_from_its_hint(queue, crew, store, redis_admin, paths):
    for _ in range(2):
        await queue.start((await queue.create_project({"topic": "How tides work"})).project_id)
    await redis_admin.flushall()
    with unreadable(paths.project(1).state):
        async with crew.working():  # it renews at its start
            assert await completed_at_once(queue, 2) == {1}
    async with crew.working():
        assert await completed_at_once(queue, 1) == {1}


@reads
async def test_an_account_that_cant_be_read_lets_no_call_be_made(queue, crew, stages, project, paths):
    calls = []

    async def act(run):
        async def ask() -> None:
            calls.append(1)

        await run.call("picture", ask, cost=Cost(usd="0.01"))

    stages.acts[Stage.ASSETS] = act
    account = paths.root / money_bucket(pacific_day(clock.now())).key()
    account.parent.mkdir(parents=True)
    account.write_text("{}")
    async with crew.working():
        with unreadable(account):
            await queue.start(1)
            await waits_and_says(queue, 1, account.name)
            assert calls == []
        assert await completed_at_once(queue, 1) == {1}
    assert calls == [1]


@pytest.mark.parametrize("number", [errno.EIO, errno.EROFS, errno.EACCES])
async def test_what_a_tool_meets_of_the_disk_is_no_bug(queue, crew, stages, project, number):
    stages.fail(Stage.RENDER, OSError(number, os.strerror(number), "/data/segments/1.mp4"))
    async with crew.working():
        await queue.start(1)
        await waits_and_says(queue, 1, "1.mp4")
        assert await completed_at_once(queue, 1) == {1}


@pytest.mark.skipif(not CAN_MOUNT, reason="needs a mount of its own")
async def test_one_project_on_a_read_only_disk_waits_as_it_is_and_others_go_on(queue, crew, project, paths):
    other = await queue.create_project({"topic": "Why bread crackles"})
    await queue.start(1)
    before = paths.project(1).state.read_bytes()
    async with crew.working() as workers:
        with read_only(paths.project(1).root):
            await queue.start(other.project_id)
            assert await completed_at_once(queue, other.project_id) == {1}
            assert paths.project(1).state.read_bytes() == before
        assert await completed_at_once(queue, 1) == {1}
        assert len(workers) == 1


@pytest.mark.skipif(not CAN_MOUNT, reason="needs a mount of its own")
async def test_a_disk_that_turns_read_only_in_the_middle_of_a_stage_fails_nothing(queue, crew, stages, project, paths):
    stages.acts[Stage.RENDER] = stages.stay
    async with crew.working():
        await queue.start(1)
        await stages.inside.wait()
        with read_only(paths.root):
            before = paths.project(1).state.read_bytes()
            stages.leave.set()
            with pytest.raises(TimeoutError):
                await queue.wait(1, timeout=4 * SOON)
            assert paths.project(1).state.read_bytes() == before
        await queue.wait(1, timeout=60, through_waits=True)

    state = await queue.get_project(1)
    assert (state.status, state.crashes) == (ProjectStatus.COMPLETED, 0)


async def test_a_lock_that_others_held_for_too_long_asks_for_no_person(queue, crew, stages, project):
    """An account that eight workers change at once, or one of them was stopped amid it: `wait` would say that somebody has to act."""
    stages.fail(Stage.RENDER, Unavailable("ledger/usd", "others were always faster"))
    async with crew.working():
        await queue.start(1)
        await queue.wait(1, timeout=60)

    assert {known.attempts for known in (await queue.get_project(1)).stages.values()} == {1}

"""Outlines: many projects at one look, each state read once, and never another answer than the whole state gives."""

import errno
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from reelqueue.errors import StorageUnavailable
from reelqueue.models.project import StageError, Upload, Wait
from reelqueue.models.stage import ProjectStatus, Stage, StageStatus
from storage import ProjectStore, outlines
from storage.codec import PROJECT_CODEC
from storage.outlines import Outline, Outlines

BRIEF = {"topic": "How tides work"}
AT = datetime(2026, 11, 29, 12, 30, tzinfo=UTC)
GOLDEN = sorted((Path(__file__).parents[2] / "golden" / "state").glob("project-*.json"))
CHANGES = {
    "new": lambda state: state.replace(run=1),
    "running": lambda state: state.replace(status=ProjectStatus.RUNNING).with_stage(Stage.SCRIPT, status=StageStatus.RUNNING),
    "failed": lambda state: (
        state.replace(status=ProjectStatus.FAILED)
        .with_stage(Stage.SCRIPT, status=StageStatus.DONE)
        .with_stage(Stage.ASSETS, status=StageStatus.FAILED, error=StageError(code="refused", message="no", retryable=True))
    ),
    "waiting": lambda state: state.replace(
        status=ProjectStatus.WAITING_QUOTA, wait=Wait(reason="uploads", until=AT), resume_at=AT + timedelta(microseconds=5)
    ),
    "held in a slot": lambda state: state.replace(held=True, slot=AT, status=ProjectStatus.QUEUED),
    "done up to its goal": lambda state: state.replace(goal=Stage.SCRIPT).with_stage(Stage.SCRIPT, status=StageStatus.DONE),
    "published": lambda state: state.replace(upload=Upload(marker="m", video_id="abc")),
    "published before there was an upload": lambda state: state.with_stage(Stage.UPLOAD, result={"video_id": "abc"}),
}


@pytest.fixture
def reads(monkeypatch):
    """Counts the states that are read whole from disk."""
    counted = []
    read = Outline.read

    def counting(body):
        counted.append(len(body))
        return read(body)

    monkeypatch.setattr(outlines.Outline, "read", counting)
    return counted


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
async def test_an_outline_says_what_the_whole_state_says(store, change):
    await store.create(BRIEF | {"priority": 7, "deadline": "2026-12-24T18:00:00+08:00", "channel": "news"}, batch_id=3)
    state = await store.change(1, change)

    assert await store.outlines([1]) == {1: Outline.of(state)}


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_states_of_older_versions_have_the_same_outline(path):
    body = path.read_bytes()

    assert Outline.read(body) == Outline.of(PROJECT_CODEC.decode(body))


async def test_a_state_is_read_once_and_again_when_it_changed(store, reads):
    for _ in range(3):
        await store.create(BRIEF)
    await store.outlines([1, 2, 3])
    await store.outlines([1, 2, 3])
    await store.change(2, lambda state: state.replace(status=ProjectStatus.QUEUED))
    found = await store.outlines([1, 2, 3])

    assert len(reads) == 4
    assert found[2].status is ProjectStatus.QUEUED


async def test_what_another_process_commits_is_seen(store):
    await store.create(BRIEF)
    await store.outlines([1])
    await ProjectStore.reader(store.paths).change(1, lambda state: state.replace(run=5))

    assert (await store.outlines([1]))[1].run == 5


async def test_what_is_deleted_is_none_and_forgotten(store):
    await store.create(BRIEF)
    await store.outlines([1])
    await store.delete(1)

    assert await store.outlines([1, 2]) == {1: None, 2: None}
    assert not store._outlines._kept


async def test_an_unreadable_state_is_set_aside_as_by_any_reader(store):
    for _ in range(2):
        await store.create(BRIEF)
    await store.change(1, lambda state: state.replace(run=2))
    store.paths.project(1).state.write_bytes(b"{")
    store.paths.project(2).state.write_bytes(b"[]")
    found = await store.outlines([1, 2])

    assert found[1].status is ProjectStatus.CREATED  # the state before
    assert (found[2].status, found[2].is_unreadable) == ("needs_person", True)
    assert "備份" in found[2].wait.what_to_do
    assert len(list(store.paths.project(2).root.glob("*.corrupt-*"))) == 1


async def test_a_state_of_a_newer_version_is_left_alone(store):
    await store.create(BRIEF)
    path = store.paths.project(1).state
    path.write_bytes(path.read_bytes().replace(b'"schema_version":1', b'"schema_version":99'))

    found = (await store.outlines([1]))[1]

    assert (found.is_unreadable, found.error.code) == (True, "needs_person")
    assert b'"schema_version":99' in path.read_bytes()


async def test_a_process_that_can_open_nothing_says_so_and_of_no_project_that_it_is_gone_or_spoilt(store, monkeypatch):
    await store.create(BRIEF)
    monkeypatch.setattr(Outlines, "_outline", _no_descriptor_is_left)

    with pytest.raises(StorageUnavailable):
        await store.outlines([1])


def _no_descriptor_is_left(_outlines, _number):
    raise OSError(errno.EMFILE, "Too many open files")


async def test_what_is_remembered_is_bounded_and_the_rest_is_read_each_time(store, reads):
    for _ in range(4):
        await store.create(BRIEF)
    remembered = Outlines(lambda number: str(store.paths.project(number).state), most=2)
    found = [remembered.look([1, 2, 3, 4])[0].keys() for _ in range(3)]

    assert found == [{1, 2, 3, 4}] * 3
    assert len(reads) == 4 + 2 + 2
    remembered.look([3, 4])
    remembered.look([3, 4])
    assert len(reads) == 8 + 2

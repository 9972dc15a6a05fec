"""States that can't be read: set aside, the one before restored, reported; never overwritten, never begun anew."""

import asyncio
import json
from pathlib import Path

import pytest

from reelqueue.errors import Fenced, NeedsPerson, ProjectNotFound
from reelqueue.models.project import ProjectState
from reelqueue.models.stage import ProjectStatus
from storage.codec import BATCH_CODEC, MAX_STATE_BYTES, PROJECT_CODEC
from storage.liveness import Owner
from storage.migrations import FromTheFuture, Unreadable, migrate
from storage.projects import ProjectStore

GOLDEN = Path(__file__).parents[2] / "golden" / "state"


def without(body: bytes, field: str) -> bytes:
    data = json.loads(body)
    del data[field]
    return json.dumps(data).encode()


def given(body: bytes, **fields: object) -> bytes:
    return json.dumps({**json.loads(body), **fields}).encode()


DAMAGES = [
    pytest.param(lambda body: b"", id="empty"),
    pytest.param(lambda body: body[: len(body) // 2], id="cut"),
    pytest.param(lambda body: body[:-1], id="cut by one byte"),
    pytest.param(lambda body: b"\0" * len(body), id="zeros"),
    pytest.param(lambda body: body[:100] + b"\0" * (len(body) - 100), id="zeros from 100 on"),
    pytest.param(lambda body: b"\xff\xfe" + body, id="no utf-8"),
    pytest.param(lambda body: body + body, id="twice"),
    pytest.param(lambda body: b"[]", id="a list"),
    pytest.param(lambda body: b"null", id="null"),
    pytest.param(lambda body: b"[" * 100_000, id="deep"),
    pytest.param(lambda body: without(body, "schema_version"), id="no schema_version"),
    pytest.param(lambda body: without(body, "brief"), id="no brief"),
    pytest.param(lambda body: given(body, schema_version="1"), id="schema_version as text"),
    pytest.param(lambda body: given(body, schema_version=0), id="a version that never was"),
    pytest.param(lambda body: given(body, status="flying"), id="an unknown status"),
    pytest.param(lambda body: given(body, fence="high"), id="a wrong type"),
]


@pytest.fixture
def reports() -> list:
    return []


@pytest.fixture
def store(paths, reports) -> ProjectStore:
    return ProjectStore(
        paths, Owner.here(), lease_seconds=60, on_set_aside=lambda aside, restored: reports.append((aside, restored))
    )


async def test_a_cancelled_project_whose_state_is_spoilt_stays_cancelled(store):
    await store.create({"topic": "bees"})
    await store.change(1, lambda state: state.replace(status=ProjectStatus.QUEUED))
    cancelled = await store.change(1, lambda state: state.replace(status=ProjectStatus.CANCELLED))
    path = store.paths.project(1).state
    with path.open("r+b") as file:  # the file itself, as a disk does
        file.write(b"\0" * 100)

    again = await store.load(1)
    assert (again.status, again.revision > cancelled.revision) == (ProjectStatus.CANCELLED, True)


@pytest.mark.parametrize("damage", DAMAGES)
async def test_an_unreadable_state_is_set_aside_and_the_one_before_restored(store, reports, damage):
    project = await store.create({"topic": "bees"})
    await store.change(1, lambda state: state.replace(run=1))
    newest = await store.change(1, lambda state: state.replace(run=2))
    path = store.paths.project(project.project_id).state
    bad = damage(path.read_bytes())
    path.write_bytes(bad)

    state = await store.load(1)

    [(aside, restored)] = reports
    assert (state.run, state.owner, restored) == (1, None, path)
    assert state.revision > newest.revision - 1
    assert aside.name.startswith("project_state.json.corrupt-")
    assert aside.read_bytes() == bad
    assert (await store.change(1, lambda state: state.replace(run=5))).run == 5


async def test_whoever_held_a_state_that_was_lost_is_fenced(store, paths):
    await store.create({"topic": "bees"})
    await store.change(1, lambda state: state.replace(run=1))
    async with await store.take_over(1) as lease:
        paths.project(1).state.write_bytes(b"")

        with pytest.raises(Fenced):
            await lease.commit(lambda state: state.replace(run=2))

    async with await store.take_over(1) as other:
        assert other.fence > lease.fence


async def test_without_one_before_a_person_is_asked_each_time(store, reports, paths):
    await store.create({"topic": "bees"})
    paths.project(1).state.write_bytes(b"{")

    for _ in range(2):
        with pytest.raises(NeedsPerson, match="corrupt-"):
            await store.load(1)
    with pytest.raises(NeedsPerson):
        await store.take_over(1)

    assert [restored for _, restored in reports] == [None]
    assert await store.unfinished() == [1]


async def test_all_who_find_it_at_once_ask_a_person(store, paths):
    """Of two workers that started beside each other the slower one died: the file that it set aside was gone."""
    await store.create({"topic": "Bees"})
    paths.project(1).state.write_bytes(b"{torn")
    stores = [ProjectStore(paths, Owner.here(), lease_seconds=60) for _ in range(8)]

    met = await asyncio.gather(*(one.load(1) for one in stores), return_exceptions=True)

    assert [type(one) for one in met] == [NeedsPerson] * 8


async def test_a_project_whose_end_was_lost_is_looked_after_again(store, paths):
    await store.create({"topic": "bees"})
    await store.change(1, lambda state: state.replace(status=ProjectStatus.RUNNING))
    await store.change(1, lambda state: state.replace(status=ProjectStatus.FAILED))
    await store.unmark(1)
    paths.project(1).state.write_bytes(b"")

    assert (await store.load(1)).status is ProjectStatus.RUNNING
    assert await store.unfinished() == [1]


async def test_what_cant_be_read_can_be_deleted(store, paths):
    await store.create({"topic": "bees"})
    paths.project(1).state.write_bytes(b"")
    with pytest.raises(NeedsPerson):
        await store.load(1)

    await store.delete(1)

    assert await store.ids() == []


async def test_a_stray_file_among_the_projects_is_no_project(store, paths):
    await store.create({"topic": "bees"})
    (paths.projects / "7").write_text("not a folder")

    assert [state.project_id for state in await store.list()] == [1]
    with pytest.raises(ProjectNotFound):
        await store.load(7)


async def test_a_damaged_state_before_is_not_restored(store, reports, paths):
    await store.create({"topic": "bees"})
    await store.change(1, lambda state: state.replace(run=1))
    path = paths.project(1).state
    path.with_name("project_state.json.prev").write_bytes(b"{")
    path.unlink()
    path.write_bytes(b"}")

    with pytest.raises(NeedsPerson):
        await store.load(1)

    assert [aside.read_bytes() for aside, _ in reports] == [b"}"]


@pytest.mark.parametrize("newer", [{"schema_version": 99}, {"mood": "good"}], ids=["version", "field"])
async def test_a_state_of_a_newer_version_is_left_as_it_is(store, reports, paths, newer):
    await store.create({"topic": "bees"})
    path = paths.project(1).state
    body = given(path.read_bytes(), **newer)
    path.write_bytes(body)

    with pytest.raises(NeedsPerson):
        await store.load(1)
    with pytest.raises(NeedsPerson):
        await store.change(1, lambda state: state.replace(run=1))
    with pytest.raises(NeedsPerson):
        await store.take_over(1)

    assert (path.read_bytes(), reports, await store.list()) == (body, [], [])


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.json")), ids=lambda path: path.stem)
def test_a_state_of_each_version_can_be_read_and_keeps_all_it_says(path):
    """Named `<kind>-<version>-<what>.json`; a field that a later version adds has a default."""
    codec = PROJECT_CODEC if path.name.startswith("project-") else BATCH_CODEC
    golden = json.loads(path.read_bytes())

    state = codec.decode(path.read_bytes())

    body, again = codec.encode(state)
    assert again == state
    assert merged(json.loads(body), golden) == json.loads(body)


def merged(today: object, golden: object) -> object:
    """`today` with what `golden` says put over it."""
    if isinstance(today, dict) and isinstance(golden, dict):
        return {**today, **{key: merged(today.get(key), value) for key, value in golden.items()}}
    return golden


def test_migrations_go_step_by_step():
    steps = {1: lambda data: {**data, "b": data["a"]}, 2: lambda data: {**data, "c": data["b"] + 1}}

    assert migrate({"schema_version": 1, "a": 1}, to=3, steps=steps) == {"schema_version": 3, "a": 1, "b": 1, "c": 2}
    assert migrate({"schema_version": 3}, to=3, steps=steps) == {"schema_version": 3}
    with pytest.raises(Unreadable):
        migrate({"schema_version": 0}, to=3, steps=steps)
    with pytest.raises(FromTheFuture):
        migrate({"schema_version": 4}, to=3, steps=steps)


async def test_an_old_state_is_migrated_when_it_is_loaded_and_written_when_it_is_changed(store, paths, monkeypatch):
    await store.create({"topic": "bees"})
    path = paths.project(1).state
    old = given(path.read_bytes(), schema_version=0, topic="ants")
    path.write_bytes(old)

    def step(data: dict) -> dict:
        topic = data.pop("topic")
        return {**data, "brief": {**data["brief"], "topic": topic}}

    codec = type(PROJECT_CODEC)(ProjectState, PROJECT_CODEC.schema_version, {0: step})
    monkeypatch.setattr(store._states, "_codec", codec)

    loaded = await store.load(1)
    untouched = path.read_bytes()
    changed = await store.change(1, lambda state: state.replace(run=1))

    assert (loaded.brief.topic, untouched) == ("ants", old)
    assert (changed.schema_version, json.loads(path.read_bytes())["schema_version"]) == (1, 1)
    assert path.with_name("project_state.json.prev").read_bytes() == old


def test_the_largest_honest_state_stays_under_64_kb():
    """A 30-minute video from the longest text, everything filled in."""
    body = (GOLDEN / "project-1-thirty-minutes.json").read_bytes()
    state = PROJECT_CODEC.decode(body)

    assert state.status is ProjectStatus.COMPLETED
    assert state.stages["render"].result["video_info"]["duration_s"] == 1_800
    assert len(state.brief.content) == 10_000
    assert len(PROJECT_CODEC.encode(state)[0]) < MAX_STATE_BYTES

"""How projects come to be: ids, idempotency keys, crashes between any two steps."""

import asyncio
import shutil

import pytest

from reelqueue.errors import BatchNotFound, Busy, Conflict, InstallationError, InvalidBrief, ProjectNotFound, StorageUnavailable
from reelqueue.models.brief import parse_brief
from reelqueue.models.stage import ProjectStatus
from storage import BatchStore, ProjectStore, birth, disk, open_installation
from storage.birth import Nursery
from storage.liveness import LeaseFile, Owner

BEES, ANTS = {"topic": "bees"}, {"topic": "ants"}


class PowerCut(BaseException):
    """The process ends here."""


async def test_a_new_project_is_marked_and_private(store):
    project = await store.create(BEES)

    folder = store.paths.project(project.project_id).root
    assert (project.project_id, project.status, project.revision) == (1, ProjectStatus.CREATED, 1)
    assert await store.unfinished() == [1]
    assert {path.stat().st_mode & 0o777 for path in (folder, *folder.iterdir()) if path.is_dir()} == {0o700}
    assert (folder / "project_state.json").stat().st_mode & 0o777 == 0o600


async def test_projects_made_at_once_have_ids_of_their_own(store):
    projects = await asyncio.gather(*(store.create(BEES) for _ in range(20)))

    assert sorted(project.project_id for project in projects) == list(range(1, 21))


async def test_the_same_key_and_brief_give_the_same_project_back(store):
    first = await asyncio.gather(*(store.create(BEES, idempotency_key="a") for _ in range(5)))
    again = await store.create(BEES, idempotency_key="a")
    other = await store.create(BEES, idempotency_key="b")

    assert {project.project_id for project in (*first, again)} == {1}
    assert other.project_id == 2


async def test_the_same_key_with_another_brief_is_a_conflict(store):
    await store.create(BEES, idempotency_key="a")

    with pytest.raises(Conflict):
        await store.create(ANTS, idempotency_key="a")

    assert await store.ids() == [1]


@pytest.mark.parametrize("key", ["", "  ", 5, "\ud800", "a\0b"])
async def test_a_key_that_would_be_everybodys_or_is_no_text_is_refused(store, key):
    with pytest.raises(InvalidBrief, match="idempotency_key"):
        await store.create(BEES, idempotency_key=key)

    assert await store.ids() == []


@pytest.mark.parametrize("step", ["_make", "mark"])
async def test_a_key_survives_a_crash_before_its_project_is_there(store, monkeypatch, step):
    def crash(*_):
        raise PowerCut

    with monkeypatch.context() as broken:
        broken.setattr(Nursery, step, crash)
        with pytest.raises(PowerCut):
            await store.create(BEES, idempotency_key="a")
    nothing = await store.ids()

    with pytest.raises(Conflict):
        await store.create(ANTS, idempotency_key="a")
    project = await store.create(BEES, idempotency_key="a")

    assert (nothing, project.project_id, await store.ids()) == ([], 1, [1])


async def test_a_key_whose_id_went_to_another_after_a_crash_finds_a_new_one(store, monkeypatch):
    def crash(*_):
        raise PowerCut

    with monkeypatch.context() as broken:
        broken.setattr(Nursery, "_make", crash)
        with pytest.raises(PowerCut):
            await store.create(BEES, idempotency_key="a")
    stranger = await store.create(ANTS)

    project = await store.create(BEES, idempotency_key="a")
    again = await store.create(BEES, idempotency_key="a")

    assert (stranger.project_id, project.project_id, again.project_id) == (1, 2, 2)
    assert project.brief.topic == "bees"


async def test_a_marker_that_leads_nowhere_goes_away(store):
    await store.create(BEES)
    (store.paths.open / "9").touch()

    assert await store.unfinished() == [1]
    assert not (store.paths.open / "9").exists()


async def test_many_made_together_are_as_if_made_one_by_one(store):
    bees, ants = parse_brief(BEES), parse_brief(ANTS)
    await store.create(BEES, idempotency_key="bees")
    one, two = await asyncio.gather(
        store.create_many([(bees, "bees"), (ants, "ants"), (bees, "b"), (ants, "ants")], batch_id=7), store.create(ANTS)
    )

    made = [await store.load(number) for number in one]
    assert [(state.brief.topic, state.batch_id, state.revision) for state in made] == [
        ("ants", 7, 1),
        ("bees", 7, 1),
        ("ants", 7, 1),
    ]
    assert sorted({*one, two.project_id}) == [2, 3, 4]
    assert (await store.create(ANTS, idempotency_key="ants")).project_id == one[0] == one[2]
    assert await store.unfinished() == [1, 2, 3, 4]


async def test_many_with_a_key_of_something_else_are_refused_before_any_is_made(store):
    await store.create(BEES, idempotency_key="b")

    with pytest.raises(Conflict):
        await store.create_many([(parse_brief(ANTS), "a"), (parse_brief(ANTS), "b")], batch_id=7)
    assert (await store.ids(), await store.unfinished()) == ([1], [1])


async def test_an_app_may_choose_the_id_once(store):
    project = await store.create(BEES, project_id="41")
    with pytest.raises(Conflict):
        await store.create(ANTS, project_id=41)
    with pytest.raises(Conflict):
        await store.create(ANTS, project_id=41, idempotency_key="a")
    after_refusal = await store.create(ANTS, project_id=43, idempotency_key="a")

    assert (project.project_id, after_refusal.project_id) == (41, 43)
    assert (await store.create(ANTS)).project_id == 44


async def test_a_chosen_id_and_a_key_are_one(store):
    await store.create(BEES, project_id=41, idempotency_key="a")

    assert (await store.create(BEES, project_id=41, idempotency_key="a")).project_id == 41
    with pytest.raises(Conflict):
        await store.create(BEES, project_id=42, idempotency_key="a")


async def test_the_largest_id_does_not_use_up_ours(store):
    await store.create(BEES, project_id=9_999_999_999_999_999)

    assert (await store.create(BEES)).project_id == 1


async def test_ids_are_counted_anew_only_after_somebody_elses(store, monkeypatch):
    """A batch of thousands counted all projects at each create."""
    counted = []
    numbers = birth._numbers
    monkeypatch.setattr(birth, "_numbers", lambda folder: counted.append(folder.name) or numbers(folder))
    for _ in range(5):
        await store.create(BEES)
    alone = counted.count("projects")
    await ProjectStore.reader(store.paths).create(BEES, project_id=40)
    numbers_after = [(await store.create(BEES)).project_id for _ in range(2)]

    assert (alone, counted.count("projects")) == (1, 2)
    assert numbers_after == [41, 42]


async def test_an_id_that_an_app_chose_first_does_not_hide_those_above(store):
    await store.create(BEES, project_id=40)
    fresh = ProjectStore.reader(store.paths)
    await fresh.create(BEES, project_id=7)

    assert (await fresh.create(BEES)).project_id == 41


async def test_a_deleted_id_is_never_used_again(store):
    project = await store.create(BEES, idempotency_key="a")
    await store.delete(project.project_id)

    assert (await store.create(BEES)).project_id == 2
    with pytest.raises(Conflict):
        await store.create(BEES, project_id=1)
    with pytest.raises(Conflict):
        await store.create(BEES, idempotency_key="a")
    with pytest.raises(ProjectNotFound):
        await store.load(1)
    with pytest.raises(ProjectNotFound):
        await store.delete(1)
    assert await store.unfinished() == [2]
    assert list(store.paths.trash.iterdir()) == []


async def test_what_killed_creates_and_deletes_left_is_swept_at_the_start(store):
    await store.create(BEES)
    (store.paths.projects / ".new-0123").mkdir()
    (store.paths.trash / "7.0123").mkdir()

    open_installation(store.paths)

    assert sorted(path.name for path in store.paths.projects.iterdir()) == [".lock", "1"]
    assert list(store.paths.trash.iterdir()) == []


def test_a_start_does_not_hang_on_who_was_stopped_amid_a_create(paths):
    """A worker that ended by it was started again, and again, and every command with it."""
    open_installation(paths)

    with disk.locked(paths.projects):
        open_installation(paths)


BAD_IDS = ["../x", "9" * 300, "１", "0", "01", "-1", " 1", "1\n", "", "1/../2", "1e3", "a", 0, -1, 10**16, 1.0, True, None, b"1"]


@pytest.mark.parametrize("bad", BAD_IDS, ids=lambda bad: repr(bad)[:20])
async def test_a_malformed_id_names_no_project(store, bad):
    with pytest.raises(ProjectNotFound):
        await store.load(bad)
    with pytest.raises(ProjectNotFound):
        await store.take_over(bad)
    with pytest.raises(ProjectNotFound):
        await store.change(bad, lambda state: state)
    with pytest.raises(ProjectNotFound):
        await store.delete(bad)
    with pytest.raises(ProjectNotFound):
        store.paths.library(bad)
    with pytest.raises(BatchNotFound):
        store.paths.batch(bad)
    assert not store.paths.root.exists()


@pytest.mark.parametrize("bad", ["../x", "9" * 300, "１", "0"], ids=lambda bad: bad[:20])
async def test_a_malformed_id_makes_no_project(store, bad):
    with pytest.raises(ProjectNotFound):
        await store.create(BEES, project_id=bad)

    assert not store.paths.root.exists()


async def test_a_bad_brief_makes_nothing(store):
    with pytest.raises(InvalidBrief):
        await store.create({"topic": "bees", "colour": "yellow"})

    assert not store.paths.root.exists()


async def test_projects_are_listed_newest_first_by_status_and_batch(store):
    await store.create(BEES)
    await store.create(BEES, batch_id=5)
    await store.create(BEES, batch_id=5)
    await store.change(2, lambda state: state.replace(status=ProjectStatus.FAILED))

    def found(states):
        return [state.project_id for state in states]

    assert found(await store.list()) == [3, 2, 1]
    assert found(await store.list(limit=2)) == [3, 2]
    assert found(await store.list(after=3)) == [2, 1]
    assert found(await store.list(batch_id=5)) == [3, 2]
    assert found(await store.list(status="failed")) == [2]
    with pytest.raises(ValueError, match="no_status"):
        await store.list(status="no_status")


async def test_some_projects_are_read_at_one_look_but_for_what_is_gone_or_broken(store):
    ids = [(await store.create({"topic": f"Topic {n}"})).project_id for n in range(4)]
    await store.delete(ids[1])
    store.paths.project(ids[2]).state.write_text("torn", encoding="utf-8")

    found = await store.some([*reversed(ids), 4711])

    assert [state.project_id for state in found.states] == [ids[3], ids[0]]
    assert [(one.state_id, one.error.code) for one in found.unread] == [(ids[2], "needs_person")]


async def test_an_empty_folder_lists_nothing(store):
    assert (await store.ids(), await store.unfinished(), await store.list()) == ([], [], [])


async def test_batches_follow_the_same_rules(paths):
    batches = BatchStore(paths, Owner.here(), lease_seconds=60)
    batch = await batches.create(idempotency_key="a", content=[BEES, ANTS])
    again = await batches.create(idempotency_key="a", content=[BEES, ANTS])
    await batches.change(batch.batch_id, lambda state: state.replace(project_ids=(1, 2)))
    async with await batches.take_over(batch.batch_id) as lease:
        with pytest.raises(Busy):
            await batches.take_over(batch.batch_id)
        await lease.commit(lambda state: state.replace(completed=1))
        assert (await batches.holder(batch.batch_id)).fence == 1

    state = await batches.load("1")
    assert (again, state.project_ids, state.completed, state.fence) == (batch, (1, 2), 1, 1)
    assert (await batches.ids(), await batches.holder(1)) == ([1], None)
    with pytest.raises(Conflict):
        await batches.create(idempotency_key="a", content=[ANTS])
    with pytest.raises(BatchNotFound):
        await batches.load(2)


async def test_the_lease_record_is_the_only_trace_of_a_take_over_that_died_at_once(store):
    """Killed between the record and the state: the next one takes a fence above both."""
    project = await store.create(BEES)
    lease = await store.take_over(project.project_id)
    await lease.release()
    dead = lease._record.replace(fence=7, owner=Owner.here().replace(name="x/1", started="1"))
    LeaseFile(lease.files.lease).claim(dead, instead_of=None)

    async with await store.take_over(project.project_id) as other:
        assert (other.fence, other.state.fence, other.previous) == (8, 8, dead)


@pytest.mark.parametrize("name", ["open", "trash", "gone"])
async def test_a_folder_of_ours_that_is_gone_is_made_again_and_no_project_is_told_to_be_gone(store, paths, name):
    """As from a backup that keeps no empty folders, beside processes that run."""
    project = await store.create(BEES)
    shutil.rmtree(paths.root / name)

    await store.change(project.project_id, lambda state: state.replace(held=True))
    assert await store.unfinished() == [project.project_id]
    await store.delete(project.project_id)
    assert await store.is_gone(project.project_id)


@pytest.mark.parametrize(("name", "act"), [("open", "change"), ("trash", "delete"), ("gone", "delete")])
async def test_a_stray_file_in_a_folders_place_is_told_and_no_project_is_told_to_be_gone(store, paths, name, act):
    project = await store.create(BEES)
    shutil.rmtree(paths.root / name)
    (paths.root / name).write_text("stray")
    acts = {
        "change": lambda: store.change(project.project_id, lambda state: state.replace(held=True)),
        "delete": lambda: store.delete(project.project_id),
    }

    with pytest.raises(StorageUnavailable, match=name):
        await acts[act]()

    assert await store.load(project.project_id) == project
    (paths.root / name).unlink()
    await acts[act]()


@pytest.mark.parametrize("name", ["open", "trash", "keys", "library"])
def test_an_installation_with_a_stray_file_in_a_folders_place_says_so_at_its_start(paths, name):
    open_installation(paths)
    shutil.rmtree(paths.root / name)
    (paths.root / name).write_text("stray")

    with pytest.raises(InstallationError, match=name):
        open_installation(paths)

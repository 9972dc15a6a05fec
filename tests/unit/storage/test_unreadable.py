"""One state that can't be read: the others are listed, this one is shown as what it is, nothing is begun anew, and it is there again.

Files that can't be opened or read (real errors, whoever reads), folders copied by hand, states that are gone.
"""

import shutil
from pathlib import Path

import pytest

from reelqueue.errors import BatchNotFound, NeedsPerson, ProjectNotFound, StorageUnavailable
from reelqueue.models.stage import ProjectStatus
from storage import BatchStore, Owner, ProjectStore
from storage.liveness import LeaseFile
from tests.spoilt_files import NOT_TO_BE_READ, unreadable

pytestmark = pytest.mark.skipif(not NOT_TO_BE_READ.exists(), reason="needs Linux's /proc")
BEES = {"topic": "bees"}


@pytest.fixture
def batches(paths) -> BatchStore:
    return BatchStore(paths, Owner.here(), lease_seconds=60)


async def three(store: ProjectStore) -> None:
    for _ in range(3):
        await store.create(BEES)


@pytest.mark.parametrize("opens", [True, False], ids=["EIO", "can't be opened"])
async def test_a_state_that_cant_be_read_is_shown_as_that_and_hides_no_other(store, opens):
    await three(store)
    with unreadable(store.paths.project(2).state, opens=opens):
        outlines = await store.outlines([1, 2, 3])
        listed, chosen, needing = await store.listing(), await store.some([1, 2, 3]), await store.listing(status="needs_person")
        with pytest.raises(StorageUnavailable):
            await store.load(2)
    again = await store.outlines([1, 2, 3])

    assert [outlines[number].is_unreadable for number in (1, 2, 3)] == [False, True, False]
    assert (outlines[2].status, outlines[2].is_spoilt, outlines[2].wait.what_to_do != "") == ("needs_person", False, True)
    assert ([state.project_id for state in listed.states], [one.state_id for one in listed.unread]) == ([3, 1], [2])
    assert ([state.project_id for state in chosen.states], [one.state_id for one in chosen.unread]) == ([1, 3], [2])
    assert ([*needing.states], [one.state_id for one in needing.unread]) == ([], [2])
    assert not any(outline.is_unreadable for outline in again.values())
    assert list(store.paths.project(2).root.glob("*.corrupt-*")) == []


async def test_a_batch_that_cant_be_read_hides_no_other(batches, paths):
    for _ in range(3):
        await batches.create([1])
    await batches.change(3, lambda state: state.replace(status="running"))
    with unreadable(paths.batch(2) / "batch_state.json"):
        listed, under_way = await batches.listing(), await batches.unfinished()

    assert ([state.batch_id for state in listed.states], [one.state_id for one in listed.unread]) == ([3, 1], [2])
    assert under_way == [3]


async def test_a_lease_that_cant_be_read_keeps_nobody_from_being_looked_at_and_nobody_takes_its_project_over(store, paths):
    await three(store)
    async with await store.take_over(1), await store.take_over(2):
        with unreadable(paths.project(2).lease):
            held = await store.holders([1, 2, 3])
            with pytest.raises(StorageUnavailable):
                await store.take_over(2)

    assert held.keys() == {1}


@pytest.mark.parametrize(
    "body", [b"", b"\0" * 300, b"{", b"[" * 100_000, b"9" * 10_000], ids=["empty", "zeros", "torn", "deep", "huge"]
)
async def test_a_spoilt_lease_is_somebodys_until_its_time_is_over(store, paths, clock, body):
    """Whose it was nobody knows: it is waited for as for one who lives."""
    await store.create(BEES)
    paths.project(1).lease.write_bytes(body)
    early = (await store.look(1)).is_held
    clock.now += 61

    async with await store.take_over(1) as lease:
        assert (early, lease.fence, lease.previous) == (True, 1, None)
        assert LeaseFile(paths.project(1).lease).see().record.fence == 1


def copied(paths, number: int, other: int) -> Path:
    """A folder copied by hand, as a whole."""
    shutil.copytree(paths.project(number).root, paths.project(other).root)
    return paths.project(other).state


async def test_a_copied_folder_is_refused_and_what_is_done_to_it_befalls_no_other(paths):
    told = []
    store = ProjectStore(paths, Owner.here(), lease_seconds=60, on_rest=lambda state: bool(told.append(state.project_id)) or True)
    await store.create(BEES, idempotency_key="a")
    await store.change(1, lambda state: state.replace(status=ProjectStatus.FAILED))
    path = copied(paths, 1, 7)
    body = path.read_bytes()

    for refused in (store.load(7), store.look(7), store.take_over(7), store.change(7, lambda state: state.replace(run=9))):
        with pytest.raises(NeedsPerson, match=r"1.*7"):
            await refused
    await store.unmark(7)
    outlines, listed = await store.outlines([1, 7]), await store.listing()

    assert (path.read_bytes(), told, list(path.parent.glob("*.corrupt-*"))) == (body, [], [])
    assert (outlines[1].is_unreadable, outlines[7].is_spoilt) == (False, True)
    assert ([state.project_id for state in listed.states], [one.state_id for one in listed.unread]) == ([1], [7])
    await store.delete(7)
    assert (await store.load(1)).run == 0
    assert (await store.create(BEES, idempotency_key="a")).project_id == 1


async def test_a_renamed_folder_is_itself_again_when_it_has_its_name_again(store, paths):
    await store.create(BEES)
    paths.project(1).root.rename(paths.project(5).root)
    with pytest.raises(NeedsPerson):
        await store.load(5)
    paths.project(5).root.rename(paths.project(1).root)

    assert (await store.load(1)).project_id == 1
    assert await store.unfinished() == [1]


async def test_another_projects_state_is_not_restored_from_before(store, paths):
    await store.create(BEES)
    await store.create(BEES)
    await store.change(1, lambda state: state.replace(run=1))
    shutil.copy(paths.project(1).state, paths.project(2).root / "project_state.json.prev")
    paths.project(2).state.write_bytes(b"{")

    with pytest.raises(NeedsPerson):
        await store.load(2)


async def test_a_copied_batch_is_refused_and_its_deletion_leaves_the_others_key(batches, paths):
    first = await batches.create([1], idempotency_key="a")
    shutil.copytree(paths.batch(1), paths.batch(4))

    with pytest.raises(NeedsPerson):
        await batches.load(4)
    await batches.delete(4)

    with pytest.raises(BatchNotFound):
        await batches.load(4)
    assert await batches.create([1], idempotency_key="a") == first


async def test_a_state_that_is_gone_from_its_folder_is_put_back_from_the_one_before(store, paths):
    await store.create(BEES)
    await store.change(1, lambda state: state.replace(run=1))
    newest = await store.change(1, lambda state: state.replace(run=2))
    paths.project(1).state.unlink()

    state = await store.load(1)

    assert (state.run, state.owner, state.fence > newest.fence) == (1, None, True)
    assert (await store.outlines([1]))[1].run == 1


async def test_a_state_of_which_nobody_can_say_whether_it_is_there_is_not_written_over(store, paths):
    """A loop of links, which `exists` takes for nothing (and from Python 3.14 on a disk that does not answer, too)."""
    await store.create(BEES)
    await store.change(1, lambda state: state)
    state = paths.project(1).state
    state.unlink()
    state.symlink_to(state)

    with pytest.raises(StorageUnavailable):
        store._states._put_previous_back(state, 1)
    assert state.is_symlink()


async def test_a_state_that_is_gone_with_none_before_needs_a_person_and_is_no_unknown_project(store, paths):
    await store.create(BEES)
    paths.project(1).state.unlink()

    with pytest.raises(NeedsPerson, match=r"project_state\.json"):
        await store.load(1)
    assert (await store.outlines([1]))[1].is_spoilt
    assert await store.unfinished() == [1]
    await store.delete(1)
    with pytest.raises(ProjectNotFound):
        await store.load(1)


async def test_a_folder_of_projects_that_cant_be_listed_is_a_disk_that_does_not_answer(store, paths):
    await store.create(BEES)
    with unreadable(paths.projects, opens=False):
        with pytest.raises(StorageUnavailable):
            await store.ids()
        with pytest.raises(StorageUnavailable):
            await store.listing()

    assert await store.ids() == [1]

"""One process has a project in hand: commits, changes that come between, and stopping in time."""

import asyncio
import threading

import pytest

from reelqueue import failpoints
from reelqueue.errors import Busy, DiskFull, Fenced, ProjectNotFound
from reelqueue.models.stage import ProjectStatus
from storage.liveness import LeaseFile, LeaseRecord, Owner
from storage.projects import ProjectStore


async def test_a_cancel_between_two_commits_is_not_lost(store):
    project = await store.create({"topic": "bees"})
    async with await store.take_over(project.project_id) as lease:
        await lease.commit(lambda state: state.replace(status=ProjectStatus.RUNNING))
        await store.change(project.project_id, lambda state: state.replace(status=ProjectStatus.CANCELLED))

        state = await lease.commit(lambda state: state.replace(run=state.run + 1))

    assert (state.status, state.run, state.revision) == (ProjectStatus.CANCELLED, 1, 5)


async def test_a_check_shows_what_was_changed_meanwhile(store):
    project = await store.create({"topic": "bees"})
    async with await store.take_over(project.project_id) as lease:
        await store.change(project.project_id, lambda state: state.replace(status=ProjectStatus.CANCELLED))

        await lease.check()

        assert lease.state.status is ProjectStatus.CANCELLED


async def test_commits_of_one_lease_at_once_are_all_kept(store):
    project = await store.create({"topic": "bees"})
    async with await store.take_over(project.project_id) as lease:
        await asyncio.gather(*(lease.commit(lambda state: state.replace(run=state.run + 1)) for _ in range(20)))

    assert (await store.load(project.project_id)).run == 20


async def test_a_cancelled_commit_has_landed_or_never_will(store):
    project = await store.create({"topic": "bees"})
    async with await store.take_over(project.project_id) as lease:
        commit = asyncio.create_task(lease.commit(lambda state: state.replace(run=1)))
        await asyncio.sleep(0)
        commit.cancel()
        await asyncio.wait({commit})
        first = await store.load(project.project_id)

        state = await lease.commit(lambda state: state.replace(run=state.run + 10))

    assert commit.cancelled()
    assert state.run == first.run + 10


@pytest.mark.parametrize("turns", range(5))
@pytest.mark.parametrize("last_look", [False, True])
async def test_who_is_cancelled_while_he_lets_go_hears_of_it_and_has_let_go(store, last_look, turns):
    """Whichever of the loop's turns it is: one that were lost would leave a task that never ends to whoever waits for it."""
    project = await store.create({"topic": "bees"})
    lease = await store.take_over(project.project_id)
    letting_go = asyncio.create_task(lease.let_go(unless=lambda _: False) if last_look else lease.release())
    for _ in range(turns):
        await asyncio.sleep(0)

    was_cancelled = letting_go.cancel()
    await asyncio.wait({letting_go})

    assert letting_go.cancelled() is was_cancelled
    if turns == 0:  # it had not begun
        await lease.release()
    assert await store.holder(project.project_id) is None


async def test_a_lease_that_was_let_go_commits_nothing_more(store):
    project = await store.create({"topic": "bees"})
    lease = await store.take_over(project.project_id)
    await lease.release()
    await lease.release()

    with pytest.raises(Fenced):
        await lease.commit(lambda state: state)
    async with await store.take_over(project.project_id) as other:
        assert (other.fence, other.previous) == (2, None)


async def test_the_same_process_does_not_take_a_project_twice(store):
    project = await store.create({"topic": "bees"})
    async with await store.take_over(project.project_id):
        with pytest.raises(Busy):
            await store.take_over(project.project_id)


async def test_a_lease_that_cannot_be_renewed_is_lost_before_it_lapses(paths, monkeypatch):
    """The disk answers with errors; 0.6 of the lease later the work has to stop."""

    def broken(self, record):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(LeaseFile, "renew", broken)
    store = ProjectStore(paths, Owner.here(), lease_seconds=3)
    project = await store.create({"topic": "bees"})
    loop = asyncio.get_running_loop()
    started = loop.time()
    lease = await store.take_over(project.project_id)

    await asyncio.wait_for(lease.lost.wait(), 10)

    assert loop.time() - started >= 1.8
    with pytest.raises(Fenced):
        await lease.check()
    await lease.release()


async def test_a_lease_on_a_disk_that_hangs_is_lost_too(paths, monkeypatch):
    """The thread that renews never comes back; the loop must not wait for it."""
    answers = threading.Event()
    monkeypatch.setattr(LeaseFile, "renew", lambda self, record: answers.wait(30))
    store = ProjectStore(paths, Owner.here(), lease_seconds=3)
    await store.create({"topic": "bees"})
    lease = await store.take_over(1)

    await asyncio.wait_for(lease.lost.wait(), 10)

    answers.set()
    await lease.release()


async def test_a_lease_is_lost_when_another_took_it(paths, clock):
    patient = ProjectStore(paths, Owner.here(), lease_seconds=0.3)
    project = await patient.create({"topic": "bees"})
    lease = await patient.take_over(project.project_id)
    record = LeaseFile(paths.project(project.project_id).lease)
    record.release(lease._record)
    async with await ProjectStore(paths, Owner.here(), lease_seconds=60).take_over(project.project_id) as other:
        await asyncio.wait_for(lease.lost.wait(), 10)

        with pytest.raises(Fenced):
            await lease.commit(lambda state: state.replace(run=1))
        await lease.release()
        assert (await patient.holder(project.project_id)).fence == other.fence


async def test_an_ended_project_loses_its_marker_when_the_lease_is_let_go(store):
    project = await store.create({"topic": "bees"})
    async with await store.take_over(project.project_id) as lease:
        await lease.commit(lambda state: state.replace(status=ProjectStatus.COMPLETED))
        assert await store.unfinished() == [1]

    assert await store.unfinished() == []


async def test_a_retried_project_is_marked_again(store):
    project = await store.create({"topic": "bees"})
    await store.change(project.project_id, lambda state: state.replace(status=ProjectStatus.FAILED))
    await store.unmark(project.project_id)
    before = await store.unfinished()

    await store.change(project.project_id, lambda state: state.replace(status=ProjectStatus.QUEUED))
    await store.unmark(project.project_id)

    assert (before, await store.unfinished()) == ([], [1])


async def test_an_unreadable_lease_record_frees_the_project_after_the_lease(store, clock):
    """A power cut may leave nonsense: the record is not fsynced."""
    project = await store.create({"topic": "bees"})
    store.paths.project(project.project_id).lease.write_bytes(b"\0\0\0")
    with pytest.raises(Busy):
        await store.take_over(project.project_id)
    clock.now += 61

    async with await store.take_over(project.project_id) as lease:
        assert lease.previous is None


async def test_a_process_number_that_was_given_again_holds_nothing():
    owner = Owner.here()

    reborn = owner.replace(started="1", name="other/1")
    elsewhere = reborn.replace(pid_namespace="pid:[1]")

    assert (owner.is_gone(), reborn.is_gone(), elsewhere.is_gone()) == (False, True, False)


async def test_a_deleted_project_fences_its_late_holder(store):
    project = await store.create({"topic": "bees"})
    lease = await store.take_over(project.project_id)
    with pytest.raises(Busy):
        await store.delete(project.project_id)
    LeaseFile(lease.files.lease).release(lease._record)

    await store.delete(project.project_id)

    with pytest.raises(ProjectNotFound):
        await lease.commit(lambda state: state)
    with pytest.raises(Fenced):
        await lease.hold("script")
    await lease.release()
    assert await store.ids() == []


async def test_a_mutation_that_breaks_the_model_is_not_written(store):
    project = await store.create({"topic": "bees"})

    with pytest.raises(ValueError, match="run"):
        await store.change(project.project_id, lambda state: state.replace(run="many"))

    assert await store.load(project.project_id) == project


async def test_a_record_is_claimed_only_as_it_was_seen(store):
    await store.create({"topic": "bees"})
    file = LeaseFile(store.paths.project(1).lease)
    mine = LeaseRecord(owner=Owner.here(), fence=1, lease_seconds=60)
    other = mine.replace(owner=mine.owner.replace(name="other/1"))

    first, second = file.claim(mine, instead_of=None), file.claim(other, instead_of=None)
    seen = file.see()
    renewed = file.renew(mine)
    outdated = file.claim(other, instead_of=seen)

    assert (first, second, renewed, outdated) == (True, False, True, False)
    assert file.see().record == mine


async def test_of_many_take_overs_at_once_one_wins_and_keeps_its_record(store):
    await store.create({"topic": "bees"})

    answers = await asyncio.gather(*(store.take_over(1) for _ in range(10)), return_exceptions=True)

    [lease] = [answer for answer in answers if not isinstance(answer, Busy)]
    await lease.hold("script")
    await lease.check()
    assert (await store.holder(1)).piece == "script"
    await lease.release()


@pytest.mark.parametrize("turns", range(12))
async def test_a_cancelled_take_over_holds_nothing(store, turns):
    """Cancelled a little later each time."""
    await store.create({"topic": "bees"})
    taking = asyncio.create_task(store.take_over(1))
    for _ in range(turns):
        await asyncio.sleep(0.0005)
    taking.cancel()
    await asyncio.wait({taking})

    if not taking.cancelled():
        await taking.result().release()
    async with await store.take_over(1) as lease:
        assert lease.previous is None


async def test_a_late_worker_does_not_put_its_file_in_place_of_its_successors(store):
    """Stopped while it made the script, it wakes when the script is committed by another."""
    await store.create({"topic": "bees"})
    late = await store.take_over(1)
    part = late.files.output / "render.1.part"
    part.write_bytes(b"late")
    LeaseFile(late.files.lease).release(late._record)
    async with await store.take_over(1) as lease:
        video = await lease.blobs.write("output/final_video.mp4", b"right")

        with pytest.raises(Fenced):
            await late.blobs.put("output/final_video.mp4", part)
        with pytest.raises(Fenced):
            await late.blobs.write("script.json", b"late")
        await lease.write_session("right")
        with pytest.raises(Fenced):
            await late.write_session("late")
        with pytest.raises(Fenced):
            await late.forget_session()
        await late.release()

        assert await lease.blobs.read(video) == b"right"
        assert await late.blobs.peek("script.json") is None
        assert await lease.read_session() == "right"
        await lease.forget_session()
        assert await lease.read_session() is None


async def test_a_take_over_that_fails_leaves_the_dead_owners_record(store, monkeypatch):
    """Which piece killed the owner before is known to the next one, too."""
    await store.create({"topic": "bees"})
    lease = await store.take_over(1)
    dead = lease._record.replace(owner=lease._record.owner.replace(name="x/1", started="1"), piece="image-3")
    lease.files.lease.write_text(dead.model_dump_json())
    await lease.release()

    async def full(*_, **__):
        raise DiskFull("full")

    with monkeypatch.context() as broken:
        broken.setattr(store._documents, "replace", full)
        with pytest.raises(DiskFull):
            await store.take_over(1)

    async with await store.take_over(1) as other:
        assert other.previous.piece == "image-3"


# A fence that the first commit raises.


async def taken_later(store):
    """A project in hand whose fence is still to be raised."""
    return await store.take_over(1, await store.look(1), fence_later=True)


def run_once_more(state):
    return state.replace(run=state.run + 1)


async def test_the_first_commit_raises_the_fence_and_is_refused_where_the_state_changed(store):
    await store.create({"topic": "bees"})
    async with await taken_later(store) as lease:
        await store.change(1, run_once_more)
        with pytest.raises(Busy):
            await lease.commit(run_once_more)
    async with await taken_later(store) as lease:
        first = await lease.commit(run_once_more)
        second = await lease.commit(run_once_more)

    assert (first.fence, first.owner, second.fence, second.run) == (lease.fence, Owner.here().name, lease.fence, 3)


async def test_who_slept_through_its_lease_makes_no_first_commit(store):
    """A successor that has not committed yet either has raised no fence that would stop it."""
    await store.create({"topic": "bees"})
    sleeper = await taken_later(store)
    LeaseFile(sleeper.files.lease).release(sleeper._record)
    sleeper._renewed -= 60
    async with await taken_later(store) as lease:
        with pytest.raises(Fenced):
            await sleeper.commit(run_once_more)
        state = await lease.commit(run_once_more)
    await sleeper.release()

    assert (state.run, state.fence) == (1, lease.fence)


async def test_who_is_cancelled_in_its_first_commit_may_commit_what_follows_from_that(store):
    await store.create({"topic": "bees"})
    async with await taken_later(store) as lease:
        commit = asyncio.create_task(lease.commit(run_once_more))
        await asyncio.sleep(0)
        commit.cancel()
        await asyncio.wait({commit})
        state = await lease.commit(run_once_more)

    assert commit.cancelled()
    assert state.run == 2


async def test_who_commits_nothing_leaves_the_dead_owners_record(store):
    """Which piece killed him is known to the next one, too."""
    await store.create({"topic": "bees"})
    lease = await store.take_over(1)
    dead = lease._record.replace(owner=lease._record.owner.replace(name="x/1", started="1"), piece="image-3")
    lease.files.lease.write_text(dead.model_dump_json())
    await lease.release()

    async with await taken_later(store) as other:
        await other.let_go(unless=lambda _state: False)
    async with await taken_later(store) as another:
        assert another.previous.piece == "image-3"
        await another.commit(run_once_more)
    async with await taken_later(store) as last:
        assert last.previous is None


async def test_who_has_a_project_in_hand_may_delete_it(store, caplog):
    project = await store.create({"topic": "bees"})
    async with await store.take_over(project.project_id, fence_later=True) as lease:
        await store.delete(project.project_id, lease=lease)

        with pytest.raises((Fenced, ProjectNotFound)):
            await lease.commit(lambda state: state)

    assert (await store.ids(), await store.unfinished(), caplog.text) == ([], [], "")


async def test_who_lost_a_project_may_not_delete_it(store):
    project = await store.create({"topic": "bees"})
    lease = await store.take_over(project.project_id)
    LeaseFile(lease.files.lease).release(lease._record)
    async with await store.take_over(project.project_id):
        with pytest.raises(Fenced):
            await store.delete(project.project_id, lease=lease)

    await lease.release()
    assert await store.ids() == [1]


async def test_a_bug_in_a_renewal_is_followed_by_the_next_one_and_loses_no_lease(paths):
    """Were the renewals to end by it, another would take the project over, and the work would go on all the same."""
    store = ProjectStore(paths, Owner.here(), lease_seconds=4.0)
    project = await store.create({"topic": "bees"})
    record = paths.project(project.project_id).lease
    failpoints.disarm()
    try:
        async with await store.take_over(project.project_id) as lease:
            failpoints.arm("lease.renewing:raise")
            first = record.stat().st_mtime_ns
            async with asyncio.timeout(10):
                while record.stat().st_mtime_ns == first:
                    await asyncio.sleep(0.02)

            assert not lease.lost.is_set()
            await lease.check()
    finally:
        failpoints.disarm()

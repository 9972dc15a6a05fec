"""The process dies at any step of anything that is written: before the first system call, before the second, ...

After the death nothing of the dead process runs, no clean-up either; then another process looks at what is left.
"""

import os
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from reelqueue.errors import NeedsPerson, ProjectNotFound
from reelqueue.models.brief import parse_brief
from reelqueue.models.stage import ProjectStatus
from storage import Owner, Paths, ProjectStore

BEES = {"topic": "bees"}
STEPS = ("open", "write", "fsync", "link", "replace", "unlink", "mkdir", "rmdir", "utime")
Work = Callable[[ProjectStore], Awaitable[object]]
Deaths = Callable[[Work, Work], AsyncIterator[ProjectStore]]


class Dead(BaseException):
    """The process is no more."""


class Mortal:
    """Lets the threads of storage take `left` steps, then no more."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, left: int) -> None:
        self.left = left
        for name in STEPS:
            monkeypatch.setattr(os, name, self._step(getattr(os, name)))

    def _step(self, real: Callable) -> Callable:
        def step(*args, **kwargs):
            if threading.current_thread().name.startswith("storage"):
                if self.left <= 0:
                    raise Dead
                self.left -= 1
            return real(*args, **kwargs)

        return step


async def dies(doomed: ProjectStore, work: Work, steps: int) -> bool:
    """Whether `work` needs more than `steps` steps; it is dead then."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        Mortal(monkeypatch, steps)
        try:
            await work(doomed)
        except Dead:
            return True
    return False


async def after_each_death(tmp_path: Path, prepare: Work, work: Work) -> AsyncIterator[ProjectStore]:
    """Another process's store after a death at each step of `work` in turn, each in a folder of its own."""
    owner_gone = Owner.here().replace(name="doomed/1", started="1")
    for steps in range(300):
        paths = Paths(tmp_path / str(steps))
        doomed = ProjectStore(paths, owner_gone, lease_seconds=60)
        await prepare(doomed)
        died = await dies(doomed, work, steps)
        yield ProjectStore(paths, Owner.here(), lease_seconds=60)
        if not died:
            assert steps > 5
            return
    raise AssertionError("it never came through")


async def nothing(store: ProjectStore) -> None:
    """Begin in an empty folder."""


async def one_project(store: ProjectStore) -> None:
    await store.create(BEES)


async def an_ended_project(store: ProjectStore) -> None:
    await store.create(BEES)
    await store.change(1, lambda state: state.replace(status=ProjectStatus.FAILED))
    await store.unmark(1)


async def unfinished_are_marked(store: ProjectStore) -> None:
    states = await store.list()
    unfinished = sorted(state.project_id for state in states if not state.status.is_final)
    assert [number for number in await store.unfinished() if number in unfinished] == unfinished


async def test_a_create_is_whole_or_made_by_the_next_one(tmp_path):
    async for store in after_each_death(tmp_path, nothing, lambda doomed: doomed.create(BEES, idempotency_key="a")):
        await unfinished_are_marked(store)

        project = await store.create(BEES, idempotency_key="a")

        assert (project.project_id, await store.ids(), await store.unfinished()) == (1, [1], [1])


async def test_many_made_together_are_whole_or_made_by_the_next_call(tmp_path):
    """Somebody makes one of his own between the death and the next call, and takes an id that was named already."""
    asked = [(parse_brief({"topic": name}), name) for name in ("ants", "bees")]

    def make(store):
        return store.create_many(asked, batch_id=1)

    async for store in after_each_death(tmp_path, nothing, make):
        await unfinished_are_marked(store)
        alone = await store.create(BEES)

        numbers = await make(store)

        assert list(await make(store)) == list(numbers)
        assert [(await store.load(number)).brief.topic for number in numbers] == ["ants", "bees"]
        assert sorted([*numbers, alone.project_id]) == await store.ids(newest_first=False) == list(await store.unfinished())


async def test_a_change_is_there_or_not_and_a_retried_project_is_marked(tmp_path):
    def retry(doomed):
        return doomed.change(1, lambda state: state.replace(status=ProjectStatus.QUEUED, run=state.run + 1))

    async for store in after_each_death(tmp_path, an_ended_project, retry):
        state = await store.load(1)
        await unfinished_are_marked(store)

        assert (state.status, state.run) in {("failed", 0), ("queued", 1)}
        assert (await store.change(1, lambda state: state.replace(run=7))).run == 7


async def test_a_take_over_is_followed_by_another(tmp_path):
    async def take_and_commit(doomed):
        lease = await doomed.take_over(1)
        lease._renewing.cancel()
        await lease.hold("script")
        await lease.commit(lambda state: state.replace(run=1))

    async for store in after_each_death(tmp_path, one_project, take_and_commit):
        before = await store.load(1)

        async with await store.take_over(1) as lease:
            assert lease.fence > before.fence
            assert (await lease.commit(lambda state: state.replace(crashes=1))).run == before.run
            assert sorted(lease.files.root.glob("*.part")) == []


async def test_a_delete_is_ended_by_the_next_and_the_id_never_comes_back(tmp_path):
    async for store in after_each_death(tmp_path, one_project, lambda doomed: doomed.delete(1)):
        if await store.ids():
            await store.load(1)
            await store.delete(1)

        with pytest.raises(ProjectNotFound):
            await store.load(1)
        assert (await store.create(BEES)).project_id == 2
        assert await store.unfinished() == [2]


async def test_an_unreadable_state_is_never_lost_on_the_way(tmp_path):
    async def a_damaged_project(store):
        await one_project(store)
        await store.change(1, lambda state: state.replace(run=1))
        await store.change(1, lambda state: state.replace(run=2))
        store.paths.project(1).state.write_bytes(b"damaged")

    async for store in after_each_death(tmp_path, a_damaged_project, lambda doomed: doomed.load(1)):
        state = await store.load(1)

        asides = list(store.paths.project(1).root.glob("project_state.json.corrupt-*"))
        assert (state.run, {aside.read_bytes() for aside in asides}) == (1, {b"damaged"})


async def test_an_unreadable_first_state_is_never_lost_on_the_way(tmp_path):
    async def a_damaged_project(store):
        await one_project(store)
        store.paths.project(1).state.write_bytes(b"damaged")

    async def load(store):
        with pytest.raises(NeedsPerson):
            await store.load(1)

    for steps in range(8):
        store = ProjectStore(Paths(tmp_path / str(steps)), Owner.here(), lease_seconds=60)
        await a_damaged_project(store)
        await dies(store, load, steps)

        await load(store)

        asides = list(store.paths.project(1).root.glob("project_state.json.corrupt-*"))
        assert [aside.read_bytes() for aside in asides] == [b"damaged"]

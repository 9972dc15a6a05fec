"""Several processes want the same project: real processes, real signals."""

import asyncio
import json
import os
import signal
import subprocess
import sys

import pytest

from reelqueue.errors import Busy
from storage.disk import read
from storage.liveness import Owner


async def test_of_several_processes_that_take_the_same_project_one_wins(store, start_holder):
    project = await store.create({"topic": "bees"})
    holders = await asyncio.gather(*(start_holder() for _ in range(3)))
    await asyncio.gather(*(holder.ask("count 1 0") for holder in holders))  # all are up

    answers = await asyncio.gather(*(holder.ask(f"take {project.project_id}") for holder in holders))

    assert sorted(answers) == ["Busy", "Busy", "held 1"]


async def test_a_killed_holder_is_replaced_at_once(store, start_holder):
    project = await store.create({"topic": "bees"})
    holder = await start_holder()
    await holder.ask(f"take {project.project_id}")
    await holder.ask("hold image-3")
    with pytest.raises(Busy):
        await store.take_over(project.project_id)

    await holder.kill()

    async with await store.take_over(project.project_id) as lease:
        assert lease.fence == 2
        assert (lease.previous.piece, lease.previous.fence) == ("image-3", 1)


def test_a_dead_process_that_nobody_asked_for_yet_is_gone():
    """A killed worker stays in the process table until its parent reads its end; it holds nothing."""
    ask = "from storage import Owner; print(Owner.here().model_dump_json(), flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", ask], stdout=subprocess.PIPE, stdin=subprocess.PIPE) as process:
        owner = Owner.model_validate_json(process.stdout.readline())
        alive = owner.is_gone()

        process.send_signal(signal.SIGKILL)
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # dead, and left unread

        assert (alive, owner.is_gone()) == (False, True)


async def test_a_stopped_holder_is_replaced_after_the_lease_and_fenced_when_it_wakes(store, clock, start_holder):
    project = await store.create({"topic": "bees"})
    holder = await start_holder()
    await holder.ask(f"take {project.project_id}")
    holder.signal(signal.SIGSTOP)
    with pytest.raises(Busy):
        await store.take_over(project.project_id)
    clock.now += 59
    with pytest.raises(Busy):
        await store.take_over(project.project_id)
    clock.now += 2

    async with await store.take_over(project.project_id) as lease:
        holder.signal(signal.SIGCONT)

        assert await holder.ask("commit") == "Fenced"
        assert await holder.ask("check") == "Fenced"
        assert await holder.ask("hold image-4") == "Fenced"
        assert (await lease.commit(lambda state: state.replace(run=9))).run == 9
        assert (await store.holder(project.project_id)).fence == 2


async def test_a_holder_that_renews_is_never_replaced(store, clock, start_holder):
    project = await store.create({"topic": "bees"})
    holder = await start_holder(lease_seconds=3)
    await holder.ask(f"take {project.project_id}")
    record = store.paths.project(project.project_id).lease
    with pytest.raises(Busy):
        await store.take_over(project.project_id)
    before = record.stat().st_mtime_ns
    async with asyncio.timeout(60):
        while record.stat().st_mtime_ns == before:
            await asyncio.sleep(0)
    clock.now += 1_000

    with pytest.raises(Busy):
        await store.take_over(project.project_id)


async def test_changes_by_several_processes_are_all_kept(store, start_holder):
    project = await store.create({"topic": "bees"})
    holders = await asyncio.gather(start_holder(), start_holder())

    await asyncio.gather(*(holder.ask(f"count {project.project_id} 60") for holder in holders))

    state = await store.load(project.project_id)
    assert (state.run, state.revision, len(state.recent)) == (120, 121, 16)


async def test_no_reader_sees_a_torn_state_though_its_writer_is_killed(store, start_holder):
    """Written in place, nine reads of ten were torn."""
    project = await store.create({"topic": "bees", "content": "蜜蜂" * 2_000})
    path = store.paths.project(project.project_id).state
    holder = await start_holder()
    await holder.send(f"count {project.project_id} 100000")

    revisions = []
    async with asyncio.timeout(60):
        while len(set(revisions)) < 50:
            revisions.append(json.loads(read(path))["revision"])
            await asyncio.sleep(0)
    await holder.kill()

    assert revisions == sorted(revisions)
    assert (await store.load(project.project_id)).revision >= revisions[-1]
    async with await store.take_over(project.project_id):
        assert [left.name for left in path.parent.iterdir() if left.suffix == ".part"] == []

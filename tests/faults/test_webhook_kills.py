"""A worker killed anywhere in its telling: each event arrives, under one id; twice only where nobody can know that it had."""

import asyncio
import contextlib

import pytest

from reelqueue.models.stage import ProjectStatus, Stage
from storage import Paths
from tests.receiver import listening
from tests.workers import until, worker

STAGES = tuple(f"1-{stage}" for stage in Stage)


@pytest.fixture
async def receiver():
    async with listening() as found:
        yield found


@pytest.fixture
def at_work(settings, course, receiver):
    @contextlib.asynccontextmanager
    async def started(name, dies="never", **more):
        env = receiver.settings | {"FAULTS_FOLDER": str(course.folder), "FAULTS_DIES": dies} | more
        async with worker(settings, name, module="tests.faults.dying_tellers", **env) as found:
            yield found

    return started


def outbox(settings, place):
    return sorted(path.name for path in (Paths(settings.data_dir).outbox / place).glob("*.json"))


async def test_an_end_whose_worker_died_before_it_kept_the_event_is_told_by_the_next(settings, queue, course, receiver, at_work):
    await queue.create_project({"topic": "How tides work"})
    course.leave(*STAGES)
    async with at_work("VideoWorker", "before the event") as doomed:
        await queue.start(1)
        await doomed.ended(30)
    assert (await queue.get_project(1)).status is ProjectStatus.COMPLETED
    assert outbox(settings, "pending") == []

    async with at_work("MaintenanceWorker"):
        await until(lambda: outbox(settings, "delivered"), "the event is delivered, and noted")

    assert receiver.types() == ["project.completed"]
    assert [message.is_signed for message in receiver.messages] == [True]
    assert not (Paths(settings.data_dir).open / "1").exists()


async def test_a_wait_whose_worker_died_before_it_kept_the_event_is_told_by_the_next(settings, queue, course, receiver, at_work):
    await queue.create_project({"topic": "How tides work", "review": ["script"]})
    course.leave(*STAGES)
    async with at_work("VideoWorker", "before the event") as doomed:
        await queue.start(1)
        await doomed.ended(30)

    async with at_work("MaintenanceWorker"):
        await until(lambda: receiver.messages, "the wait is told")

    assert receiver.messages[0].body["data"]["wait"]["reason"] == "script"


async def test_a_delivery_whose_worker_died_before_it_noted_it_comes_again_under_its_id(
    settings, queue, course, receiver, at_work
):
    """At least once: nobody can know whether the receiver had it, so its id says so."""
    await queue.create_project({"topic": "How tides work"})
    await queue.start(1)
    async with at_work("MaintenanceWorker", "before the note") as doomed:
        await until(Paths(settings.data_dir).outbox.is_dir, "the worker is there")
        await queue.cancel(1)  # by a client that was set up to tell nobody: it leaves that to the worker
        await doomed.ended(30)
    assert len(receiver.messages) == 1

    async with at_work("MaintenanceWorker"):
        await until(lambda: outbox(settings, "delivered"), "it is delivered, and noted")

    assert [message.message_id for message in receiver.messages] == [receiver.messages[0].message_id] * 2
    assert receiver.types() == ["project.cancelled"]
    assert outbox(settings, "pending") == []


async def test_a_receiver_that_hangs_keeps_no_project_waiting(settings, queue, course, receiver, at_work):
    receiver.hangs = asyncio.Event()
    await queue.create_project({"topic": "How tides work"})
    await queue.create_project({"topic": "How tides work"})
    course.leave(*STAGES, *(f"2-{stage}" for stage in Stage))
    async with at_work("VideoWorker"), at_work("MaintenanceWorker"):
        for number in (1, 2):
            await queue.start(number)
            await queue.wait(number, timeout=30)
        told_while_it_hung = list(receiver.messages)
        receiver.hangs.set()
        await until(lambda: len(receiver.types()) == 2, "both are told")

    assert told_while_it_hung == []


async def test_where_nobody_is_told_nothing_is_written(settings, queue, course):
    await queue.create_project({"topic": "How tides work"})
    course.leave(*STAGES)
    env = {"FAULTS_FOLDER": str(course.folder), "FAULTS_DIES": "never"}
    async with worker(settings, "VideoWorker", module="tests.faults.dying_tellers", **env):
        await queue.start(1)
        await queue.wait(1, timeout=30)

    paths = Paths(settings.data_dir)
    assert [path for path in (paths.outbox, paths.notices) if path.exists()] == []

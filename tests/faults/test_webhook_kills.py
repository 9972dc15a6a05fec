"""A worker killed anywhere in its telling: each event arrives, under one id; twice only where nobody can know that it had."""

import asyncio
import contextlib
import os
import random
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import SecretStr

from jobs.client import connect
from reelqueue.models.event import Delivery
from reelqueue.models.stage import ProjectStatus, Stage
from storage import Paths
from tests.faults.tight_disk import CAN_MOUNT, tiny_disk
from tests.receiver import SECRET, listening
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
        await doomed.ended()
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
        await doomed.ended()

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
        await doomed.ended()
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
            await queue.wait(number, timeout=90)
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
        await queue.wait(1, timeout=90)

    paths = Paths(settings.data_dir)
    assert [path for path in (paths.outbox, paths.notices) if path.exists()] == []


@pytest.mark.skipif(not CAN_MOUNT, reason="needs a file system of its own")
async def test_on_a_full_disk_people_hear_of_it_and_the_webhook_of_the_end(settings, course, world, receiver, tmp_path):
    """What could not be kept for want of space is told all the same."""
    notify = tmp_path / "notify.sh"
    notify.write_text(f'#!/bin/sh\necho "$REELQUEUE_NOTICE_KIND" >> {tmp_path}/told\n')
    notify.chmod(0o700)
    with tiny_disk(tmp_path / "tiny", megabytes=8) as disk:
        tight = settings.model_copy(update={"data_dir": disk.folder / "data"})
        more = {
            "FAULTS_PIECE_BYTES": "1000000",
            "FAULTS_DISK_SECONDS": "1",
            "NOTIFY_COMMAND": str(notify),
            "FAULTS_DIES": "never",
        }
        env = receiver.settings | {"FAULTS_FOLDER": str(course.folder), "DATA_DIR": str(tight.data_dir)} | more
        async with connect(tight) as queue, worker(settings, "VideoWorker", module="tests.faults.dying_tellers", **env):
            await queue.create_project({"topic": "How tides work"})
            await queue.start(1)
            await course.seen("1-script")
            disk.fill()
            course.leave(*STAGES)
            await until((tmp_path / "told").exists, "people hear of it")

            disk.free()
            await queue.wait(1, timeout=90, through_waits=True)
            await until(lambda: "project.completed" in receiver.types(), "the end is told")

    assert (tmp_path / "told").read_text().split() == ["disk"]


async def test_a_batchs_own_webhook_hears_of_its_start_its_projects_and_its_end(settings, course, receiver, at_work):
    briefs = [{"topic": f"How tides work, part {number}"} for number in (1, 2)]
    course.leave(*STAGES, *(f"2-{stage}" for stage in Stage))
    nobody_else = {"WEBHOOK_URL": ""}
    signing = settings.model_copy(update={"webhook_secret": SecretStr(SECRET), "webhook_private_hosts": ("127.0.0.1",)})
    async with connect(signing) as queue, at_work("VideoWorker", **nobody_else), at_work("BatchWorker", **nobody_else):
        batch = await queue.create_batch(briefs, webhook=receiver.url)
        await queue.start_batch(batch.batch_id)
        await queue.wait_batch(batch.batch_id, timeout=60)
        await until(lambda: len(receiver.types()) == 4, "all of it is told, without a maintenance worker")

    assert sorted(receiver.types()) == ["batch.ended", "batch.started", "project.completed", "project.completed"]
    ended = next(message.body["data"] for message in receiver.messages if message.body["type"] == "batch.ended")
    assert (ended["completed"], ended["failed"], ended["total_projects"]) == (2, 0, 2)


@pytest.mark.soak
async def test_through_kills_and_a_receiver_that_often_fails_each_end_is_told(
    settings, queue, course, receiver, at_work, tmp_path
):
    """Sixty projects, a worker killed every three seconds, every third answer a failure; then days pass."""
    seed = int(os.environ.get("NEMESIS_SEED") or random.SystemRandom().randrange(10_000))
    print(f"NEMESIS_SEED={seed}")  # noqa: T201 - shown where it fails
    chance, clock = random.Random(seed), tmp_path / "clock"
    numbers = range(1, 61)
    receiver.answers = [(chance.choice([204, 204, 500]), {}) for _ in range(90)]
    course.leave(*(f"{number}-{stage}" for number in numbers for stage in Stage))
    clock.write_text("0")
    env = {"TEST_CLOCK_FILE": str(clock), "POISON_AFTER": "100", "FAULTS_STAGE_SECONDS": "0.2"}
    for _ in numbers:
        number = (await queue.create_project({"topic": "How tides work"})).project_id
        await queue.start(number)
    for _ in range(15):
        async with at_work("VideoWorker", **env) as one, at_work("MaintenanceWorker", **env) as other:
            await asyncio.sleep(chance.uniform(2, 4))
            chance.choice([one, other]).kill()
    async with at_work("VideoWorker", **env), at_work("MaintenanceWorker", **env):
        for number in numbers:
            await queue.wait(number, timeout=120, through_waits=True)
        await until(
            lambda: not (settings.data_dir / "open").exists() or not any((settings.data_dir / "open").iterdir()), "no marker"
        )
        for day in range(1, 4):
            clock.write_text(str(86_400 * day) + " " * day)
            await until(lambda: _due(settings, 86_400 * day) == 0, "what is due is told", seconds=90)  # noqa: B023

    told = {message.body["data"]["project_id"] for message in receiver.messages if message.body["type"] == "project.completed"}
    assert told == set(numbers)
    assert outbox(settings, "given_up") == []
    assert all(message.is_signed for message in receiver.messages)


def _due(settings, moved):
    """How many pending events are due, for a clock so many seconds ahead."""
    now = datetime.now(UTC) + timedelta(seconds=moved)
    pending = (Paths(settings.data_dir).outbox / "pending").glob("*.json")
    found = [Delivery.model_validate_json(text) for path in pending if (text := _text(path))]
    return sum(one.next_at is None or one.next_at <= now for one in found)


def _text(path):
    with contextlib.suppress(FileNotFoundError):
        return path.read_text()
    return ""

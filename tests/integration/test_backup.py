"""A backup made while workers run (`deploy/backup.sh`), restored elsewhere beside an empty Redis: it goes on, and nothing is
published or made twice."""

import asyncio
import json
import os
import shutil
import subprocess
from asyncio.subprocess import PIPE
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from redis.asyncio import Redis

from jobs.announcing import TO_ALL, Announcer
from jobs.client import connect
from jobs.events import event_of
from reelqueue import clock
from reelqueue.models.likeness import Likeness
from reelqueue.models.project import ProjectState, Upload
from reelqueue.models.stage import ProjectStatus, Stage, StageStatus
from storage import Blobs, History, Owner, Paths, ProjectStore
from storage.bookings import Bookings
from storage.chronicle import Chronicle, HourPage, Left, Summary
from storage.installation import open_installation
from storage.notices import Notices
from storage.outbox import Outbox
from tests.workers import HUMMING, TINY, until, worker

ROOT = Path(__file__).parents[2]
BACKUP = ROOT / "deploy" / "backup.sh"
TEXT = "The moon pulls the sea."
SMALL = {"content": TEXT, "presenter": False, "music": "none", "aspect": "1:1", "fps": 24}


def restored(archive: Path, folder: Path) -> Path:
    """As docs/operations.md says."""
    folder.mkdir(mode=0o700)
    subprocess.run(["tar", "-xpf", archive, "-C", folder], check=True)
    return folder


async def backed_up(data: Path, archive: Path) -> Path:
    done = await asyncio.create_subprocess_exec(BACKUP, data, archive)
    assert await done.wait() == 0
    return archive


def store_of(data: Path) -> ProjectStore:
    """Of an installation whose ends are told to a webhook."""
    paths = Paths(data)
    announcer = Announcer(Outbox(paths.outbox), Notices(paths.notices), webhook_url="https://hooks.example")
    return ProjectStore(paths, Owner.here(), lease_seconds=1.0, on_rest=announcer.rested)


# --- the order of copying ---

MONDAY = datetime(2026, 11, 30, tzinfo=UTC)


class World:
    """Projects on their way: each turn makes one more, and carries each that has not ended one stage further.

    Before its upload a project gets a moment of the calendar, and is written down in its channel's history; at its end a webhook
    has to be told, which the next turn does.
    """

    def __init__(self, data: Path) -> None:
        self.store = store_of(data)
        self.outbox = Outbox(self.store.paths.outbox)

    async def turn(self) -> None:
        for delivery in await self.outbox.pending():
            await self.outbox.moved(delivery, "delivered")
        for number in await self.store.unfinished():
            await self.advance(number)
        key = f"project {len(await self.store.ids()) + 1}"
        await self.store.create({"topic": key}, idempotency_key=key)

    async def advance(self, number: int) -> None:
        async with await self.store.take_over(number) as lease:
            stage = lease.state.next_stage
            assert stage is not None
            piece = await lease.blobs.write(f"output/{stage}.bin", f"{number} {stage}".encode())
            if stage is Stage.UPLOAD:
                await self.plan(number)

            def done(state: ProjectState) -> ProjectState:
                state = state.with_stage(stage, status=StageStatus.DONE, artifacts=(piece,))
                if stage is Stage.UPLOAD:
                    upload = Upload(marker="m", video_id=f"local-{number}")
                    return state.replace(status=ProjectStatus.COMPLETED, upload=upload)
                return state.replace(status=ProjectStatus.QUEUED)

            await lease.commit(done)

    async def plan(self, number: int) -> None:
        mine = Likeness(project_id=number, title=f"{number}", script="", content="c", at=MONDAY)
        await History(self.store.paths.history).note("news", mine, lambda _others: ())
        await Bookings(self.store.paths).change("news", lambda booked: {**booked, moment_of(number): number}, MONDAY)


def moment_of(number: int) -> datetime:
    return MONDAY + timedelta(hours=number)


async def test_whatever_happens_between_its_steps_a_copy_is_whole(tmp_path):
    """Between any two steps projects are made, go on and end: in the copy each is there as it was at some moment."""
    data = tmp_path / "data"
    Paths(data).make()
    (data / "instance.json").write_text(json.dumps({"id": "0" * 32}), encoding="utf-8")
    world = World(data)
    for _ in range(8):
        await world.turn()
    assert await world.outbox.forget(clock.now()) == 2  # as after a month, of the first two
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "tar").write_text(f'#!/bin/sh\n{shutil.which("tar")} "$@" || exit $?\necho done\nread -r go\n')
    (tmp_path / "bin" / "tar").chmod(0o755)

    backup = await asyncio.create_subprocess_exec(
        BACKUP, data, tmp_path / "copy.tar", env={"PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}"}, stdin=PIPE, stdout=PIPE
    )
    steps = 0
    while await backup.stdout.readline():
        await world.turn()
        steps += 1
        backup.stdin.write(b"go\n")
    assert await backup.wait() == 0

    copy = restored(tmp_path / "copy.tar", tmp_path / "copy")
    assert steps == 7
    assert await faults_of(copy, forgotten={1, 2}) == []
    assert (await store_of(copy).load(1)).status == "completed"
    assert {1, 2}.isdisjoint(await store_of(copy).unfinished()), "they ended long ago, and would be told of once more"
    assert 8 <= len(await store_of(copy).ids()) < len(await world.store.ids())


async def faults_of(data: Path, *, forgotten: set[int]) -> list[str]:
    """What is wrong with a copy: a project that can't be read, is not marked, lacks a piece, or would be made twice; one that is
    published and has no moment or no place in the history; an end (but of those long `forgotten`) that nobody would be told of."""
    store, faults = store_of(data), []
    numbers, marked = await store.ids(), await store.unfinished()
    booked, known = await Bookings(store.paths).booked("news"), Outbox(store.paths.outbox)
    for number in numbers:
        state = await store.load(number)
        event = event_of(state)
        told = event is None or number in forgotten or await known.knows([f"{event.event_id}@{TO_ALL}"])
        if number not in marked and not (state.status.is_final and told):
            faults.append(f"{number} is not marked")
        if state.upload is not None and booked.get(moment_of(number)) != number:
            faults.append(f"{number} has no moment")
        if state.upload is not None and await History(store.paths.history).of("news", number) is None:
            faults.append(f"{number} is not known again")
        blobs = Blobs(store.paths.project(number).root)
        artifacts = [artifact for stage in state.stages.values() for artifact in stage.artifacts]
        faults += [f"{number} lacks {artifact.path}" for artifact in artifacts if not await blobs.holds(artifact)]
        key = state.brief.topic
        if (await store.create({"topic": key}, idempotency_key=key)).project_id != number:
            faults.append(f"{number} was made twice")
    return faults


# --- real workers ---


@pytest.mark.slow
async def test_a_restored_copy_goes_on_and_publishes_nothing_twice(settings, redis_admin: Redis, tmp_path):
    """Two videos, a backup as soon as one has ended; the machine is lost, the copy goes on with an empty Redis."""
    async with worker(settings, module=TINY, **HUMMING) as lost, connect(settings) as queue:
        for number in (1, 2):
            await queue.create_project({"topic": f"Tides {number}", **SMALL})
        await queue.start(1)
        async with asyncio.timeout(240):
            while (await queue.get_project(1)).stages[Stage.RENDER].started_at is None:  # so that the other is on its way then
                await asyncio.sleep(0.05)
        await queue.start(2)
        markers = settings.data_dir / "open"
        await until(lambda: len([*markers.iterdir()]) < 2, "one has ended", seconds=240)
        archive = await backed_up(settings.data_dir, tmp_path / "backup.tar")
        lost.kill()
    await redis_admin.flushall()
    elsewhere = settings.model_copy(update={"data_dir": restored(archive, tmp_path / "elsewhere")})
    before = {number: await store_of(elsewhere.data_dir).load(number) for number in (1, 2)}
    library = elsewhere.data_dir / "library"
    ended = [library / str(number) / "video.mp4" for number, state in before.items() if state.status.is_final]
    published = {path: path.stat().st_mtime_ns for path in ended}

    async with worker(elsewhere, module=TINY, **HUMMING), connect(elsewhere) as queue:
        for number in (1, 2):
            await queue.wait(number, timeout=240)
        after = {number: await queue.get_project(number) for number in (1, 2)}

    videos = sorted(library.glob("*/video.mp4"))
    assert {state.status for state in after.values()} == {"completed"}
    assert [path.parent.name for path in videos] == ["1", "2"]
    assert len(published) >= 1
    assert {path: path.stat().st_mtime_ns for path in published} == published
    assert made_again(before, after) == []


def made_again(before: dict[int, ProjectState], after: dict[int, ProjectState]) -> list[tuple[int, Stage]]:
    """The stages that were done in the copy and yet were run again."""
    return [
        (number, stage)
        for number, state in before.items()
        for stage, known in state.stages.items()
        if known.status is StageStatus.DONE and after[number].stages[stage] != known
    ]


async def test_the_history_of_the_numbers_is_in_the_copy(tmp_path):
    data, chronicle = tmp_path / "data", Chronicle(Paths(tmp_path / "data").metrics)
    await store_of(data).create({"topic": "tides"})
    open_installation(Paths(data))
    await chronicle.keep(
        Summary(since_ms=1, totals={"reelqueue_published_total": 3.0}), [HourPage(hour=490_000, fields={"p": 3.0})]
    )
    await chronicle.leave(Left(process="host/gone", number=1, totals={"reelqueue_published_total": 1.0}))

    copied = Chronicle(Paths(restored(await backed_up(data, tmp_path / "copy.tar"), tmp_path / "again")).metrics)

    assert (await copied.summary(), await copied.pages(490_000, 490_000)) == (
        await chronicle.summary(),
        await chronicle.pages(490_000, 490_000),
    )
    assert await copied.left() == []

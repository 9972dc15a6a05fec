"""A backup made while workers run (`deploy/backup.sh`), restored elsewhere beside an empty Redis: it goes on, and nothing is
published or made twice."""

import asyncio
import json
import os
import shutil
import subprocess
from asyncio.subprocess import PIPE
from pathlib import Path

import pytest
from redis.asyncio import Redis

from jobs.client import connect
from reelqueue.models.project import ProjectState, Upload
from reelqueue.models.stage import ProjectStatus, Stage, StageStatus
from storage import Blobs, Owner, Paths, ProjectStore
from tests.workers import until, worker

ROOT = Path(__file__).parents[2]
BACKUP = ROOT / "deploy" / "backup.sh"
TEXT = "Tides come twice a day, because the moon pulls the sea. That is all."
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
    return ProjectStore(Paths(data), Owner.here(), lease_seconds=1.0)


# --- the order of copying ---


class World:
    """Projects on their way: each turn makes one more, and carries each that has not ended one stage further."""

    def __init__(self, data: Path) -> None:
        self.store = store_of(data)

    async def turn(self) -> None:
        for number in await self.store.unfinished():
            await self.advance(number)
        key = f"project {len(await self.store.ids()) + 1}"
        await self.store.create({"topic": key}, idempotency_key=key)

    async def advance(self, number: int) -> None:
        async with await self.store.take_over(number) as lease:
            stage = lease.state.next_stage
            assert stage is not None
            piece = await lease.blobs.write(f"output/{stage}.bin", f"{number} {stage}".encode())

            def done(state: ProjectState) -> ProjectState:
                state = state.with_stage(stage, status=StageStatus.DONE, artifacts=(piece,))
                if stage is Stage.UPLOAD:
                    upload = Upload(marker="m", video_id=f"local-{number}")
                    return state.replace(status=ProjectStatus.COMPLETED, upload=upload)
                return state.replace(status=ProjectStatus.QUEUED)

            await lease.commit(done)


async def test_whatever_happens_between_its_steps_a_copy_is_whole(tmp_path):
    """Between any two steps projects are made, go on and end: in the copy each is there as it was at some moment."""
    data = tmp_path / "data"
    Paths(data).make()
    (data / "instance.json").write_text(json.dumps({"id": "0" * 32}), encoding="utf-8")
    world = World(data)
    for _ in range(8):
        await world.turn()
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
    assert await faults_of(copy) == []
    assert (await store_of(copy).load(1)).status == "completed"
    assert 8 <= len(await store_of(copy).ids()) < len(await world.store.ids())


async def faults_of(data: Path) -> list[str]:
    """What is wrong with a copy: a project that can't be read, is not marked, lacks a piece, or would be made twice."""
    store, faults = store_of(data), []
    numbers, marked = await store.ids(), await store.unfinished()
    for number in numbers:
        state = await store.load(number)
        if not state.status.is_final and number not in marked:
            faults.append(f"{number} is not marked")
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
    """Three videos, a backup as soon as one has ended; the machine is lost, the copy goes on with an empty Redis."""
    async with worker(settings) as lost, connect(settings) as queue:
        for number in (1, 2, 3):
            await queue.create_project({"topic": f"Tides {number}", **SMALL})
            await queue.start(number)
        markers = settings.data_dir / "open"
        await until(lambda: len([*markers.iterdir()]) < 3, "one has ended", seconds=240)
        archive = await backed_up(settings.data_dir, tmp_path / "backup.tar")
        lost.kill()
    await redis_admin.flushall()
    elsewhere = settings.model_copy(update={"data_dir": restored(archive, tmp_path / "elsewhere")})
    before = {number: await store_of(elsewhere.data_dir).load(number) for number in (1, 2, 3)}
    library = elsewhere.data_dir / "library"
    ended = [library / str(number) / "video.mp4" for number, state in before.items() if state.status.is_final]
    published = {path: path.stat().st_mtime_ns for path in ended}

    async with worker(elsewhere), connect(elsewhere) as queue:
        for number in (1, 2, 3):
            await queue.wait(number, timeout=240)
        after = {number: await queue.get_project(number) for number in (1, 2, 3)}

    videos = sorted(library.glob("*/video.mp4"))
    assert {state.status for state in after.values()} == {"completed"}
    assert [path.parent.name for path in videos] == ["1", "2", "3"]
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

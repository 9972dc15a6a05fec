"""A full disk, and whatever else runs out, ends no worker and fails no project: it waits as `waiting_disk`, and goes on when there is space."""

import asyncio
import signal
from pathlib import Path

import pytest
from redis.asyncio import Redis

from jobs.client import connect
from jobs.pipeline import VIDEO
from reelqueue.errors import ProjectWaiting, ReelqueueError
from reelqueue.models.project import ProjectState
from reelqueue.models.stage import ProjectStatus, Stage
from tests.faults.test_real_videos import TEXT
from tests.faults.tight_disk import CAN_LIMIT, CAN_MOUNT, no_longer_files, no_more_files, tiny_disk
from tests.workers import until, worker

PIECE_BYTES, MEGABYTES = 1_000_000, 8
FULL = Path("/dev/full")


async def _waits(queue, number: int = 1) -> ProjectState:
    async with asyncio.timeout(60):
        while (state := await queue.get_project(number)).status is not ProjectStatus.WAITING_DISK:
            await asyncio.sleep(0.02)
    return state


@pytest.mark.skipif(not CAN_MOUNT, reason="needs a file system of its own")
async def test_a_project_on_a_full_disk_waits_and_goes_on_when_there_is_space(settings, course, world, tmp_path):
    with tiny_disk(tmp_path / "tiny", megabytes=MEGABYTES) as disk:
        tight = settings.model_copy(update={"data_dir": disk.folder / "data"})
        more = {"DATA_DIR": str(tight.data_dir), "FAULTS_PIECE_BYTES": str(PIECE_BYTES), "FAULTS_DISK_SECONDS": "1"}
        async with connect(tight) as queue, world.worker(**more) as worker:
            await queue.create_project({"topic": "How tides work"})
            await queue.start(1)
            await course.seen("1-script")
            disk.fill()
            course.leave(*(f"1-{stage}" for stage in Stage))
            waiting = await _waits(queue)

            disk.free()
            await queue.wait(1, timeout=60, through_waits=True)
            state = await queue.get_project(1)
            assert waiting.wait.until is not None
            assert waiting.stages[Stage.SCRIPT].attempts == 0
            assert state.status is ProjectStatus.COMPLETED
            assert {known.attempts for known in state.stages.values()} == {1}
            assert not list(disk.folder.rglob("*.part"))
            assert worker.runs


@pytest.mark.skipif(not CAN_MOUNT, reason="needs a file system of its own")
async def test_the_pieces_of_what_is_published_make_room_for_who_waits(settings, course, world, server, tmp_path):
    """Nobody acts: the minute's pass sees that the disk is low; who waits would look again by himself only in an hour."""
    with tiny_disk(tmp_path / "tiny", megabytes=2 * MEGABYTES) as disk:
        tight = settings.model_copy(update={"data_dir": disk.folder / "data"})
        more = {"DATA_DIR": str(tight.data_dir), "FAULTS_PIECE_BYTES": str(PIECE_BYTES), "FAULTS_DISK_SECONDS": "3600"}
        course.leave(*(f"1-{stage}" for stage in Stage), "2-script")
        async with connect(tight) as queue, world.worker(**more) as running:
            for _ in range(2):
                await queue.create_project({"topic": "How tides work"})
            await queue.start(1)
            await queue.wait(1, timeout=60)
            (tight.data_dir / "projects/1/images/piece.jpg").write_bytes(b"x" * 6 * PIECE_BYTES)
            await queue.start(2)
            await course.seen("2-assets")
            disk.fill()
            course.leave(*(f"2-{stage}" for stage in Stage))
            await _waits(queue, 2)
            async with Redis.from_url(server.url) as redis:  # the night's own was just now
                await redis.set("reelqueue:cron:cleanup", f"{(await redis.time())[0] * 1000} before")
            async with worker(tight, "MaintenanceWorker", DISK_LOW_WATER_GB="0.002"):
                await queue.wait(2, timeout=60, through_waits=True)

            assert not (tight.data_dir / "projects/1/images/piece.jpg").exists()
            assert (tight.data_dir / "projects/1/output/upload.txt").exists()
            assert {known.attempts for known in (await queue.get_project(2)).stages.values()} == {1}
            assert running.runs


@pytest.mark.skipif(CAN_MOUNT or not CAN_LIMIT, reason="a file system of its own says the same, and more; or there is no prlimit")
async def test_a_project_whose_files_find_no_room_waits_likewise_where_nothing_can_be_mounted(settings, queue, course, world):
    """A limit on the length of files: a short write, then EFBIG."""
    async with world.worker(FAULTS_PIECE_BYTES=str(PIECE_BYTES), FAULTS_DISK_SECONDS="1") as worker:
        await queue.create_project({"topic": "How tides work"})
        await queue.start(1)
        await course.seen("1-script")
        with no_longer_files(worker.pid, PIECE_BYTES // 2):
            course.leave(*(f"1-{stage}" for stage in Stage))
            await _waits(queue)
        await queue.wait(1, timeout=60, through_waits=True)

        assert {known.attempts for known in (await queue.get_project(1)).stages.values()} == {1}
        assert worker.runs


@pytest.mark.skipif(not CAN_LIMIT, reason="needs prlimit")
async def test_a_worker_without_a_descriptor_left_waits_and_goes_on_when_there_are_some(server, queue, course, world):
    """No file can be opened and no connection made, and Redis is started again just then."""
    async with world.worker() as worker:
        await queue.create_project({"topic": "How tides work"})
        with no_more_files(worker.pid):
            await queue.start(1)
            await server.restart()
            await until(lambda: "Too many open files" in worker.said(), "it meets the limit")
        course.leave(*(f"1-{stage}" for stage in Stage))
        await queue.wait(1, timeout=60)

        assert {known.attempts for known in (await queue.get_project(1)).stages.values()} == {1}
        assert {len(course.notes(f"1-{stage}")) for stage in Stage} == {1}
        assert worker.runs


@pytest.mark.skipif(not FULL.exists(), reason="needs a device that is always full")
async def test_a_worker_whose_lines_find_no_room_works_on(settings, redis, course):
    """Its output goes to a file on a full disk."""
    async with worker(settings, module="tests.faults.small_jobs", output=FULL, FAULTS_FOLDER=str(course.folder)) as running:
        jobs = [await redis.enqueue_job("stay", name, _queue_name=VIDEO) for name in ("one", "two")]
        wrong = await redis.enqueue_job("no_such_task", _queue_name=VIDEO)
        course.leave("one", "two")

        assert [await job.result(timeout=60, poll_delay=0.05) for job in jobs] == [{"pid": running.pid}] * 2
        with pytest.raises(ReelqueueError):
            await wrong.result(timeout=60, poll_delay=0.05)
        running.tell(signal.SIGTERM)
        assert await running.ended() == 0


@pytest.mark.soak
@pytest.mark.skipif(not CAN_MOUNT, reason="needs a file system of its own")
async def test_a_real_video_that_fills_its_disk_again_and_again_is_finished_all_the_same(settings, tmp_path):
    """Each time that it waits the disk grows by a megabyte: it runs out in the voice, the pictures, the scenes and the film."""
    megabytes = 1
    with tiny_disk(tmp_path / "tiny", megabytes=megabytes) as disk:
        tight = settings.model_copy(update={"data_dir": disk.folder / "data"})
        async with connect(tight) as queue, worker(tight) as running:
            await queue.create_project({"topic": "年輪", "content": TEXT, "presenter": False, "fps": 24})
            await queue.start(1)
            while True:
                try:
                    await queue.wait(1, timeout=600)
                    break
                except ProjectWaiting as waits:
                    assert waits.reason == "waiting_disk", waits
                megabytes += 1
                disk.grow(megabytes=megabytes)
                await queue.retry(1)  # a person looks sooner than a minute later
            state = await queue.get_project(1)
            assert running.runs

        assert megabytes > 4
        assert {known.attempts for known in state.stages.values()} == {1}

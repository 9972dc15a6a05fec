"""The clock's jobs in real maintenance workers: each moment once, however many workers there are, and one for all missed."""

import asyncio
import contextlib
import os
import re
from typing import Any

import pytest

from jobs.pipeline import MAINTENANCE
from storage import Owner, Paths, ProjectStore, disk
from tests.workers import Worker, until, worker

HOUR_MS = 3_600_000
JOBS = {"sync_quotas", "recover_interrupted", "cleanup"}


def _runs(*workers: Worker) -> list[tuple[str, int]]:
    """What ran, by job and the moment at which it was due (ms)."""
    lines = [line for each in workers for line in each.lines() if line["event"] == "job_done"]
    found = [re.fullmatch(r"cron:(\w+):(\d+):\w+", line["job_id"]) for line in lines]
    return [(match[1], int(match[2])) for match in found if match]


async def test_what_was_missed_for_hours_runs_once_in_all_workers_together(settings, redis):
    """The last run of each is written down as of yesterday; three workers start at once."""
    seconds, _ = await redis.time()
    for job in JOBS:
        await redis.set(f"reelqueue:cron:{job}", f"{(seconds * 1000) - 30 * HOUR_MS} before")
    async with (
        worker(settings, "MaintenanceWorker") as one,
        worker(settings, "MaintenanceWorker") as two,
        worker(settings, "MaintenanceWorker") as three,
    ):
        await until(lambda: {job for job, _ in _runs(one, two, three)} == JOBS, "each ran")
        await asyncio.sleep(2)  # time for one too many

        runs = _runs(one, two, three)
        assert len(runs) == len(set(runs))
        for job in JOBS:
            _, *later = sorted(due for name, due in set(runs) if name == job)
            assert [due for due in later if due <= seconds * 1000] == [], job  # another minute may have begun since
        async with asyncio.timeout(60):
            while await redis.zcard(MAINTENANCE):
                await asyncio.sleep(0.02)


async def test_one_that_is_killed_in_mid_run_is_followed_by_another_once(settings, redis):
    """The night's cleanup waits for a project's lock that we hold; its worker is killed there.  Another ends that very run."""
    store = ProjectStore(Paths(settings.data_dir), Owner.here(), lease_seconds=settings.lease_seconds)
    files = store.paths.project((await store.create({"topic": "Tides"})).project_id)
    files.make()
    stray = files.output / "render.1.part"
    stray.write_bytes(b"left")
    os.utime(stray, (0, 0))
    seconds, _ = await redis.time()
    await redis.set("reelqueue:cron:cleanup", f"{(seconds * 1000) - 30 * HOUR_MS} before")
    async with contextlib.AsyncExitStack() as stack:
        with disk.locked(files.root):
            crew = [await stack.enter_async_context(worker(settings, "MaintenanceWorker")) for _ in range(3)]
            doomed = await until(lambda: next((one for one in crew if _lines_of(one, "job_started")), None), "it begins")
            doomed.kill()
        done = await until(lambda: [line for one in crew for line in _lines_of(one, "job_done")], "another ends it")

        [begun] = _lines_of(doomed, "job_started")
        assert [(line["job_id"], line["job_try"]) for line in done] == [(begun["job_id"], 2)]
        assert (stray.exists(), _lines_of(doomed, "job_done")) == (False, [])
        assert [job for job in await redis.zrange(MAINTENANCE, 0, -1) if b"cleanup" in job] == []


def _lines_of(one: Worker, event: str) -> list[dict[str, Any]]:
    """What a worker said of the night's cleanup."""
    return [line for line in one.lines() if line["event"] == event and line["job"] == "cleanup"]


@pytest.mark.soak
async def test_each_minute_runs_once_through_a_kill_and_a_restart_of_redis(settings, redis, server):
    """Four minutes, three workers, one of them killed in the second, the server in the third."""
    async with (
        worker(settings, "MaintenanceWorker") as one,
        worker(settings, "MaintenanceWorker") as two,
        worker(settings, "MaintenanceWorker") as three,
    ):

        def minutes() -> list[int]:
            return sorted({due // 60_000 for job, due in _runs(one, two, three) if job == "recover_interrupted"})

        await until(lambda: len(minutes()) == 2, "two minutes", seconds=130)
        one.kill()
        await until(lambda: len(minutes()) == 3, "three minutes", seconds=70)
        await server.restart()
        await until(lambda: len(minutes()) == 5, "five minutes", seconds=130)

        runs = _runs(one, two, three)
        assert minutes() == list(range(minutes()[0], minutes()[0] + 5))
        assert len(runs) == len(set(runs))

"""SIGTERM: a worker picks no more, ends what is short, hands back what is long, and none of it uses an attempt."""

import asyncio
import signal
import sys
import time
from pathlib import Path

import pytest

from jobs.pipeline import VIDEO
from reelqueue.models.stage import Stage
from tests import forks
from tests.workers import environment, until

ROOT = Path(__file__).parents[2]

AT_ITS_BEGIN = """
import os, signal, sys
from arq.cli import cli
import jobs.worker

run = jobs.worker.Worker.run

def told_to_end(worker):
    os.kill(os.getpid(), signal.SIGTERM)
    run(worker)

jobs.worker.Worker.run = told_to_end
sys.argv[:] = ["arq", "worker_settings.VideoWorker"]
cli()
"""
PROMPT_SECONDS = 30.0
"""What "at once" may take on a machine that is busy; whoever does not do it at once takes twice as long."""
LONG = str(2 * PROMPT_SECONDS)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_worker_that_is_told_to_end_picks_no_more_and_finishes_what_is_short(number, redis, queue, course, world):
    async with world.worker(VIDEO_MAX_JOBS="1", VIDEO_WAIT_SLOTS="1") as worker:
        short = await queue.enqueue_job("stay", "short", _queue_name=VIDEO)
        await course.seen("short")
        worker.tell(number)
        await until(lambda: "rain" in worker.said() or "shutdown" in worker.said(), "it heard")
        behind = await queue.enqueue_job("stay", "behind", _queue_name=VIDEO)
        course.leave("short")
        code = await worker.ended()

        assert code == 0
        assert await short.result(timeout=60) == {"pid": worker.pid}
        assert course.names() == {"short"}
        assert await redis.exists(f"arq:retry:{behind.job_id}", f"arq:in-progress:{behind.job_id}") == 0


async def test_after_the_drain_a_long_job_is_handed_back_and_a_sibling_begins_it_at_once(queue, course, world):
    async with world.worker(DRAIN_SECONDS="1", LEASE_SECONDS=LONG) as leaving:
        job = await queue.enqueue_job("stay", "long", _queue_name=VIDEO)
        await course.seen("long")
        async with world.worker() as sibling:
            told = time.monotonic()
            leaving.tell(signal.SIGTERM)
            again = await course.seen("long", times=2)
            course.leave("long")

            assert await leaving.ended() == 0
            assert again.job_try == 1, "it used a try"
            assert await job.result(timeout=60, poll_delay=0.05) == {"pid": sibling.pid}
            assert again.at - told < 1 + PROMPT_SECONDS


async def test_a_stage_that_is_handed_back_uses_no_attempt(queue, course, world):
    await queue.create_project({"topic": "How tides work"})
    await queue.start(1)
    course.leave("1-script")
    for restart in range(1, 4):
        async with world.worker(DRAIN_SECONDS="0.2") as leaving:
            await course.seen("1-assets", times=restart)
            leaving.tell(signal.SIGTERM)
            assert await leaving.ended() == 0
        state = await queue.get_project(1)
        assert state.stages[Stage.ASSETS].attempts == 0
        assert state.crashes == 0
    course.leave(*(f"1-{stage}" for stage in Stage))
    async with world.worker():
        await queue.wait(1, timeout=60)
        state = await queue.get_project(1)

    assert {known.attempts for known in state.stages.values()} == {1}


async def test_a_second_signal_hurries(redis, queue, course, world):
    async with world.worker(DRAIN_SECONDS=LONG) as worker:
        job = await queue.enqueue_job("stay", "long", _queue_name=VIDEO)
        await course.seen("long")
        worker.tell(signal.SIGTERM)
        await until(lambda: "rain" in worker.said() or "shutdown" in worker.said(), "it heard")
        worker.tell(signal.SIGTERM)
        code = await worker.ended(PROMPT_SECONDS)

        assert code == 0
        assert course.pids("long", "stopped") == [worker.pid]
        assert await redis.zcard(VIDEO) == 1
        assert await redis.exists(f"arq:in-progress:{job.job_id}") == 0


async def test_an_idle_worker_ends_at_once(world):
    async with world.worker(DRAIN_SECONDS=LONG) as worker:
        worker.tell(signal.SIGTERM)

        assert await worker.ended(PROMPT_SECONDS) == 0


async def test_a_worker_that_is_told_to_end_before_its_loop_turns_ends(settings):
    """uvloop forgets such a signal where it is to be handled by then: the worker went on until somebody killed it."""
    told = await asyncio.to_thread(
        forks.run, [sys.executable, "-c", AT_ITS_BEGIN], cwd=ROOT, env=environment(settings), capture_output=True, timeout=60
    )

    assert (told.returncode, b"worker_starts" in told.stdout + told.stderr) == (-signal.SIGTERM, False)


async def test_a_worker_whose_redis_is_away_ends_when_it_is_told(server, world):
    async with world.worker(DRAIN_SECONDS="1") as worker:
        await server.kill()
        worker.tell(signal.SIGTERM)

        assert await worker.ended() == 0


async def test_a_stage_that_ended_while_redis_was_away_is_kept_though_its_worker_ends_before_redis_is_back(
    server, settings, queue, course, world
):
    """What the queue never heard of is on disk; the next worker finds it there."""
    await queue.create_project({"topic": "How tides work"})
    await queue.start(1)
    async with world.worker(DRAIN_SECONDS="0.5") as ending:
        await course.seen("1-script")
        await server.kill()
        course.leave(*(f"1-{stage}" for stage in Stage))
        await course.seen("1-script", "ended")
        ending.tell(signal.SIGTERM)
        code = await ending.ended()
    await server.start()
    async with world.worker():
        await queue.wait(1, timeout=60)

    assert code == 0
    assert [len(course.notes(f"1-{stage}")) for stage in Stage] == [1] * 5

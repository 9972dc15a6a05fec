"""`reelqueue worker` when its workers die or drain, and when it is told to end or dies itself."""

import asyncio
import contextlib
import os
import signal
import sys
import time

import psutil
import pytest
from arq.constants import in_progress_key_prefix
from redis.asyncio import Redis

from jobs.app import Queue
from jobs.fleet import Fleet
from jobs.pipeline import VIDEO
from tests.faults.course import Course
from tests.faults.redis_server import RedisServer
from tests.faults.supervising import enqueue
from tests.promised import seconds
from tests.workers import until

pytestmark = pytest.mark.slow
LONG_LEASE = "120"
"""So long that what is taken over sooner was freed by the supervisor."""


# A worker dies.


async def test_a_sibling_takes_a_dead_workers_job_over_at_once(supervise, queue, course):
    async with supervise("video", "--video-workers", "2", hold=True, LEASE_SECONDS=LONG_LEASE) as supervised:
        await supervised.ready(2)
        job = await enqueue(queue, "a")
        dead = (await course.seen("a")).pid
        children = await until(lambda: len(found := psutil.Process(dead).children(recursive=True)) == 2 and found, "its children")
        killed_at = time.monotonic()
        os.kill(dead, signal.SIGKILL)
        taken = await course.seen("a", times=2)
        course.leave("a")
        result = await job.result(timeout=60)
        alive = psutil.wait_procs(children, timeout=30)[1]

    assert taken.at - killed_at < seconds(10.0, busy=60.0)  # 0.1 s where the machine is not busy; by its lease it would be 120 s
    assert result == {"pid": taken.pid}
    assert taken.pid != dead
    assert alive == []
    died = next(line for line in supervised.events("worker_ended") if "signal" in line)
    assert (died["signal"], died["restart_in_s"], died["pid"]) == ("SIGKILL", 0.0, dead)
    assert [line["jobs"] for line in supervised.events("claims_freed")] == [[job.job_id]]


async def test_an_only_worker_that_died_is_started_again_and_takes_its_job_over(supervise, queue, course):
    async with supervise("video", hold=True, LEASE_SECONDS=LONG_LEASE) as supervised:
        await supervised.ready()
        job = await enqueue(queue, "a")
        dead = (await course.seen("a")).pid
        os.kill(dead, signal.SIGKILL)
        taken = await course.seen("a", times=2, seconds=60)
        course.leave("a")

        assert await job.result(timeout=60) == {"pid": taken.pid}
    assert taken.pid != dead


async def test_a_worker_that_dies_while_redis_is_away_comes_back_with_it(
    supervise, queue: Queue, course: Course, server: RedisServer
):
    async with supervise("video", hold=True) as supervised:
        await supervised.ready()
        await enqueue(queue, "a")
        dead = (await course.seen("a")).pid
        await server.kill()
        os.kill(dead, signal.SIGKILL)
        await until(lambda: len(supervised.events("worker_started")) >= 3, "it refuses and is tried again")
        await server.start()
        await course.seen("a", times=2, seconds=90)

        assert supervised.process.poll() is None
    assert supervised.events("claims_not_freed")
    refused = [line for line in supervised.events("worker_ended") if line.get("exit_code") == 2]
    assert refused
    assert refused[0]["hint"]


# The supervisor is told to end, or dies.


async def test_a_job_in_hand_is_drained(supervise, queue, course):
    async with supervise("video", hold=True) as supervised:
        await supervised.ready()
        job = await enqueue(queue, "a")
        await course.seen("a")
        supervised.process.terminate()
        await until(lambda: supervised.events("worker_drains"), "it drains")
        assert supervised.process.poll() is None
        course.leave("a")

        assert await supervised.ended() == 0
    assert (await job.result(timeout=1))["pid"]
    assert course.pids("a", "stopped") == []


async def test_a_second_signal_hands_the_job_back_at_once(supervise, queue, course, server):
    async with supervise("video", hold=True, DRAIN_SECONDS="600") as supervised:
        await supervised.ready()
        job = await enqueue(queue, "a")
        await course.seen("a")
        family = supervised.family()
        supervised.process.terminate()
        await until(lambda: supervised.events("worker_drains"), "it drains")
        supervised.process.terminate()

        assert await supervised.ended() == 0
    assert psutil.wait_procs(family, timeout=30)[1] == []
    async with Redis.from_url(server.url) as redis:
        assert await redis.zscore(VIDEO, job.job_id) is not None
        assert not await redis.exists(in_progress_key_prefix + job.job_id)


async def test_a_worker_that_does_not_hear_is_killed_with_its_children_and_its_job_freed(supervise, queue, course, server):
    async with supervise("video", hold=True, DRAIN_SECONDS="0", LEASE_SECONDS=LONG_LEASE) as supervised:
        await supervised.ready()
        job = await enqueue(queue, "a")
        await course.seen("a")
        family = supervised.family()
        os.kill((await course.seen("a")).pid, signal.SIGSTOP)
        supervised.process.terminate()

        assert await supervised.ended() == 1
    assert psutil.wait_procs(family, timeout=30)[1] == []
    async with Redis.from_url(server.url) as redis:
        assert not await redis.exists(in_progress_key_prefix + job.job_id)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a worker looks at its parent every few seconds, and drains")
async def test_a_killed_supervisor_leaves_neither_workers_nor_their_children(supervise, queue, course):
    async with supervise("all", hold=True) as supervised:
        await supervised.ready(3)
        await enqueue(queue, "a")
        await until(lambda: {"lavfi", "reelqueue.media.soundtrack"} <= _words(supervised.family()), "FFmpeg and a Python child")
        family = supervised.family()
        supervised.process.kill()
        supervised.process.wait()
        alive = await asyncio.to_thread(psutil.wait_procs, family, 30)

    assert len(family) == 5  # three workers, FFmpeg, a Python child
    assert alive[1] == []


def _words(family):
    """All that stands on the command lines of these; one that ended meanwhile has none."""
    words: set[str] = set()
    for one in family:
        with contextlib.suppress(psutil.Error):
            words.update(one.cmdline())
    return words


async def test_where_the_kernel_tells_nothing_a_worker_sees_itself_that_its_supervisor_is_gone(supervise, queue, course):
    """A shell stands in for a supervisor on a system without the parent-death signal."""
    shell = ("sh", "-c", 'REELQUEUE_SUPERVISOR_PID=$$ "$0" "$@" & wait', sys.executable, "-m", "arq")
    async with supervise("worker_settings.VideoWorker", command=shell, hold=True, DRAIN_SECONDS="0") as orphaned:
        await enqueue(queue, "a")
        await course.seen("a")
        family = await until(lambda: len(found := orphaned.family()) == 3 and found, "the worker, FFmpeg, a Python child")
        orphaned.process.kill()
        orphaned.process.wait()
        alive = await asyncio.to_thread(psutil.wait_procs, family, 30)

    assert alive[1] == []
    assert orphaned.events("supervisor_gone")


async def test_what_a_killed_supervisor_had_in_hand_the_next_one_takes_over_at_once(supervise, queue, course):
    async with supervise("video", hold=True) as first:
        await first.ready()
        job = await enqueue(queue, "a")
        await course.seen("a")
        first.process.kill()
        first.process.wait()
    async with supervise("video", hold=True) as second:
        await second.ready()
        await course.seen("a", times=2)
        course.leave("a")

        assert (await job.result(timeout=60))["pid"]


# A worker is drained.


async def test_nobody_takes_the_place_of_a_drained_worker_and_the_last_ones_end_is_the_supervisors(
    supervise, queue, course, redis
):
    """The first has a job in hand for longer than DRAIN_SECONDS: it is let end all the same."""
    fleet = Fleet(redis)
    async with supervise("video", "--video-workers", "2", hold=True, DRAIN_SECONDS="0") as supervised:
        await supervised.ready(2)
        job = await enqueue(queue, "a")
        began = await course.seen("a")
        async with asyncio.timeout(20):
            while len(found := await fleet.workers()) < 2:  # of one the first heartbeat is on its way
                await asyncio.sleep(0.02)
        busy, other = sorted(found, key=lambda one: one.pid != began.pid)
        await fleet.drain(busy.name)
        await until(lambda: supervised.events("worker_leaves"), "it leaves")
        behind = await enqueue(queue, "b")
        taken = await course.seen("b")
        course.leave("a", "b")
        assert (await job.result(timeout=60), await behind.result(timeout=20)) == ({"pid": busy.pid}, {"pid": other.pid})
        await until(lambda: supervised.events("worker_ended"), "it ends")
        assert supervised.process.poll() is None
        await fleet.drain(other.name)

        assert await supervised.ended() == 0
    assert {busy.label, other.label} == {"video", "video-2"}
    assert taken.pid == other.pid
    assert course.pids("a", "stopped") == []
    assert len(supervised.events("worker_started")) == 2

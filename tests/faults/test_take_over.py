"""A dead worker's jobs are taken over within the lease and five seconds, whatever the time-outs; a stopped one is fenced."""

import asyncio
import os
import shutil
import signal
import sys
import time

import psutil
import pytest

from jobs.pipeline import VIDEO
from reelqueue.models.stage import ProjectStatus, Stage
from tests.processes import runs
from tests.promised import seconds
from tests.workers import until

SLACK_SECONDS = seconds(5.0, busy=30.0)
"""Beyond the lease; without the claim it would be a job's time-out."""
ELSEWHERE = ("unshare", "--pid", "--fork", "--kill-child", "--mount-proc")
"""In a pid namespace of its own, as in another container: nobody here can tell that it is dead."""
needs_namespaces = pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0 or shutil.which("unshare") is None, reason="needs a pid namespace"
)
WHERE = [
    pytest.param((), id="of this machine"),
    pytest.param(ELSEWHERE, id="of another pid namespace", marks=needs_namespaces),
]


@pytest.mark.parametrize("wrapper", WHERE)
async def test_a_killed_workers_job_is_begun_again_within_the_lease_and_five_seconds(wrapper, settings, queue, course, world):
    async with world.worker(wrapper=wrapper) as dying:
        job = await queue.enqueue_job("stay", "job", _queue_name=VIDEO)
        await course.seen("job")
        async with world.worker() as sibling:
            _kill(dying)
            died = time.monotonic()
            again = await course.seen("job", times=2)
            course.leave("job")

            assert await job.result(timeout=60, poll_delay=0.05) == {"pid": sibling.pid}
            assert again.at - died < settings.lease_seconds + SLACK_SECONDS


@pytest.mark.parametrize("wrapper", WHERE)
async def test_a_killed_workers_project_goes_on_within_the_lease_and_five_seconds(wrapper, settings, queue, course, world):
    async with world.worker(wrapper=wrapper) as dying:
        await queue.create_project({"topic": "How tides work"})
        await queue.start(1)
        course.leave("1-script")
        await course.seen("1-assets")
        async with world.worker() as sibling:
            _kill(dying)
            died = time.monotonic()
            again = await course.seen("1-assets", times=2)
            course.leave(*(f"1-{stage}" for stage in Stage))
            await queue.wait(1, timeout=60)

            state = await queue.get_project(1)
            assert again.at - died < settings.lease_seconds + SLACK_SECONDS
            assert state.stages[Stage.ASSETS].attempts == 1
            assert course.pids("1-script") != [sibling.pid]
            assert course.pids("1-assets", "ended") == [sibling.pid]


@pytest.mark.soak
@pytest.mark.parametrize("wrapper", WHERE)
async def test_with_the_lease_as_it_is_set_a_killed_workers_job_is_begun_again_within_twenty_seconds(
    wrapper, queue, course, world
):
    async with world.worker(wrapper=wrapper, LEASE_SECONDS="15") as dying:
        await queue.enqueue_job("stay", "job", _queue_name=VIDEO)
        await course.seen("job")
        async with world.worker(LEASE_SECONDS="15"):
            _kill(dying)
            died = time.monotonic()
            again = await course.seen("job", times=2, seconds=60)
            course.leave("job")

            assert again.at - died < 15 + SLACK_SECONDS


async def test_a_worker_that_was_stopped_past_its_lease_ends_no_job_that_a_sibling_has(settings, queue, course, world):
    """SIGSTOP past the lease, a sibling begins, SIGCONT: the late one stops, and there is one result."""
    async with world.worker() as late:
        job = await queue.enqueue_job("stay", "job", _queue_name=VIDEO)
        await course.seen("job")
        async with world.worker() as sibling:
            late.tell(signal.SIGSTOP)
            await course.seen("job", times=2)
            late.tell(signal.SIGCONT)
            await course.seen("job", "stopped")
            course.leave("job")

            assert await job.result(timeout=60, poll_delay=0.05) == {"pid": sibling.pid}
            assert course.pids("job") == [late.pid, sibling.pid]
            assert course.pids("job", "ended") == [sibling.pid]
            assert late.runs


async def test_what_a_late_worker_finishes_does_not_count_while_a_sibling_has_the_job(settings, redis, course, world):
    """It goes on so fast that nobody can tell it to stop: its result is refused."""
    async with world.worker() as late:
        job = await redis.enqueue_job("stay", "job", _queue_name=VIDEO)
        await course.seen("job")
        async with world.worker() as sibling:
            late.tell(signal.SIGSTOP)
            await course.seen("job", times=2)
            course.leave_alone("job", late.pid)
            late.tell(signal.SIGCONT)
            await until(lambda: course.pids("job", "ended") or course.pids("job", "stopped"), "the late one is through")
            await asyncio.sleep(0.5)  # time for its result
            early = await job.result_info()
            course.leave("job")

            assert early is None
            assert await job.result(timeout=60, poll_delay=0.05) == {"pid": sibling.pid}


async def test_a_worker_that_was_stopped_past_its_lease_changes_no_project_that_a_sibling_has(settings, queue, course, world):
    async with world.worker() as late:
        await queue.create_project({"topic": "How tides work"})
        await queue.start(1)
        course.leave("1-script")
        await course.seen("1-assets")
        async with world.worker() as sibling:
            late.tell(signal.SIGSTOP)
            await course.seen("1-assets", times=2)
            course.leave(*(f"1-{stage}" for stage in Stage))
            late.tell(signal.SIGCONT)  # it may reach its stage's end too, but not the state
            await queue.wait(1, timeout=60)

            state = await queue.get_project(1)
            assert state.status is ProjectStatus.COMPLETED
            assert state.stages[Stage.ASSETS].result["pid"] == sibling.pid
            assert [len(course.notes(f"1-{stage}")) for stage in Stage] == [1, 2, 1, 1, 1]
            assert late.runs


async def test_a_claim_of_a_worker_of_another_host_is_free_after_the_lease(server, queue, course, world, settings):
    """The claim is rewritten as another machine's would be: here nobody can ask whether its process lives."""
    async with world.worker() as dying:
        await queue.enqueue_job("stay", "job", _queue_name=VIDEO)
        await course.seen("job")
        dying.kill()
    (key,) = await server.say("KEYS", "arq:in-progress:*")
    claim = await server.say("GET", key)
    host = b'"host":"' + claim.partition(b'"host":"')[2].partition(b'"')[0]
    await server.say("SET", key, claim.replace(host, b'"host":"elsewhere'), "XX", "KEEPTTL")
    left_ms = await server.say("PTTL", key)

    async with world.worker():
        began = time.monotonic()
        again = await course.seen("job", times=2)
        course.leave("job")

    assert left_ms <= settings.lease_seconds * 1000
    assert again.at - began < settings.lease_seconds + SLACK_SECONDS


async def test_children_of_a_killed_worker_die_with_it(queue, course, world):
    """Its claims are renewed by nobody: no thread or child of it lives on."""
    async with world.worker() as dying:
        await queue.enqueue_job("stay", "job", _queue_name=VIDEO)
        await course.seen("job")
        children = psutil.Process(dying.pid).children(recursive=True)
        dying.kill()

        await until(lambda: not any(runs(child.pid) for child in children), "its children are gone")


def _kill(worker) -> None:
    """SIGKILL to the very worker, where it was started below a wrapper too."""
    for process in [*psutil.Process(worker.pid).children(), psutil.Process(worker.pid)]:
        process.kill()
    worker.process.wait()

"""A job may do what it likes: it is answered, and neither its worker nor the jobs beside it take harm."""

import signal

import pytest
from arq.jobs import Job

from jobs.pipeline import VIDEO
from jobs.wire import deserialize
from reelqueue.errors import ProjectFailed, ProjectWaiting, ReelqueueError
from reelqueue.models.stage import ProjectStatus, Stage

POISON_AFTER = 3
WAYS = [
    "exits",
    "interrupts",
    "cancels itself",
    "recurses",
    "panics",
    "raises what can't be said",
    "returns an object",
    "returns no number",
]


async def test_a_job_that_exits_or_returns_what_does_not_travel_is_answered_by_an_error(redis, course, world):
    async with world.worker() as worker:
        beside = await redis.enqueue_job("stay", "beside", _queue_name=VIDEO)
        await course.seen("beside")
        jobs = {way: await redis.enqueue_job("misbehave", way, _queue_name=VIDEO) for way in WAYS}
        answers = {way: await _answer(job) for way, job in jobs.items()}
        course.leave("beside")

        assert {way: answer for way, answer in answers.items() if not isinstance(answer, ReelqueueError)} == {}
        assert await beside.result(timeout=60, poll_delay=0.02) == {"pid": worker.pid}
        assert await redis.zcard(VIDEO) == 0
        assert worker.runs


async def _answer(job):
    try:
        return await job.result(timeout=60, poll_delay=0.02)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is the answer
        return error


async def test_half_a_letter_travels_there_and_back(redis, course, world):
    """JSON can say a lone surrogate, UTF-8 can't."""
    await redis.set("arq:job:half", rb'{"t":null,"f":"misbehave","a":["half \ud800"],"k":{},"et":1}')
    await redis.zadd(VIDEO, {"half": 1})
    async with world.worker():
        whole = await redis.enqueue_job("misbehave", "returns half a letter", _queue_name=VIDEO)

        assert await whole.result(timeout=60, poll_delay=0.02) == "\ud800"
        assert isinstance(await _answer(Job("half", redis, _queue_name=VIDEO, _deserializer=deserialize)), ReelqueueError)


async def test_a_stage_that_exits_panics_or_cancels_itself_fails_its_project_and_no_other(queue, course, world):
    """As a library may that is not ours."""
    ways = ["exits", "panics", "cancels itself", "recurses"]
    for number in range(1, len(ways) + 2):
        await queue.create_project({"topic": "How tides work"})
        await queue.start(number)
        course.leave(*(f"{number}-{stage}" for stage in Stage))
    stages = ",".join(f"{number}-assets={way}" for number, way in enumerate(ways, 1))
    async with world.worker(FAULTS_STAGES=stages) as worker:
        await queue.wait(len(ways) + 1, timeout=60)
        for number in range(1, len(ways) + 1):
            with pytest.raises(ProjectFailed, match="unexpected error"):
                await queue.wait(number, timeout=60)

        assert {name: len(course.notes(name)) for name in course.names() if "assets" in name} == {
            f"{number}-assets": 1 for number in range(1, len(ways) + 2)
        }
        assert worker.runs


async def test_a_job_that_keeps_the_loop_past_the_lease_keeps_its_claim(settings, queue, course, world):
    """A sibling is there, and idle."""
    async with world.worker() as busy:
        job = await queue.enqueue_job("block", "job", 2 * settings.lease_seconds, _queue_name=VIDEO)
        await course.seen("job")
        async with world.worker():
            assert await job.result(timeout=60, poll_delay=0.05) == {"pid": busy.pid}

        assert course.pids("job") == [busy.pid]


async def test_a_project_that_kills_its_workers_waits_for_a_person_and_the_one_beside_it_goes_on(queue, course, world):
    """The other is in the same stage each time: nobody can tell at the first death which of them it was."""
    for _ in range(2):
        project = await queue.create_project({"topic": "How tides work"})
        await queue.start(project.project_id)
    course.leave(*(f"{number}-{stage}" for number in (1, 2) for stage in Stage))
    for _ in range(POISON_AFTER):
        async with world.worker(FAULTS_STAGES="1-assets=kills its worker") as worker:
            assert await worker.ended() == -signal.SIGKILL
    async with world.worker(FAULTS_STAGES="1-assets=kills its worker") as worker:
        await queue.wait(2, timeout=60)
        with pytest.raises(ProjectWaiting):
            await queue.wait(1, timeout=60)
        assert worker.runs

    assert (await queue.get_project(1)).status is ProjectStatus.NEEDS_PERSON
    assert "at the assets stage" in (await queue.get_project(1)).wait.reason
    assert len(course.notes("1-assets")) == POISON_AFTER


async def test_a_redis_that_is_another_installations_by_now_ends_the_worker_with_one_line(server, queue, world):
    """The address was given to another server meanwhile: what lies there is not ours to touch."""
    async with world.worker() as worker:
        await server.kill()
        server.forget()
        await server.start()
        await server.say("SET", "reelqueue:installation", "somebody else's")
        code = await worker.ended()

        assert code == 2
        assert worker.lines()[-1]["event"] == "refused"
        assert "another installation" in worker.lines()[-1]["error"]

"""Places by kind of load: none blocks those behind it, and neither does what others run."""

import asyncio

from jobs.pipeline import VIDEO
from storage import Owner
from tests.workers import until

CPU, WAIT, FOREIGN, MANY_FOREIGN = 2, 8, 100, 5_000


async def test_two_jobs_that_load_the_cpu_run_beside_eight_that_wait_and_none_blocks_the_others(queue, course, world):
    """Four that load the CPU come first, ten that wait behind them."""
    renders = [f"{number}-render" for number in range(1, 5)]
    scripts = [f"{number}-script" for number in range(1, 11)]
    for number in range(1, 5):
        await queue.enqueue_job("render_video_task", number, _queue_name=VIDEO)
    for number in range(1, 11):
        await queue.enqueue_job("generate_script_task", number, _queue_name=VIDEO)

    async with world.worker("PlainWorker"):
        await until(lambda: len(course.names()) == CPU + WAIT, "ten run")
        await asyncio.sleep(0.5)  # time for one too many
        assert (len(course.names() & {*renders}), len(course.names() & {*scripts})) == (CPU, WAIT)

        course.leave(next(iter(course.names() & {*renders})))
        await until(lambda: len(course.names() & {*renders}) == CPU + 1, "the next render runs")
        course.leave(next(iter(course.names() & {*scripts})))
        await until(lambda: len(course.names() & {*scripts}) == WAIT + 1, "the next script runs")
        assert len(course.names()) == CPU + WAIT + 2
        course.leave(*renders, *scripts)
        await until(lambda: len(course.names("ended")) == len(renders + scripts), "all ended")


async def test_what_others_run_at_the_queues_head_holds_nothing_up(server, queue, course, world):
    await _foreign(server, FOREIGN)
    async with world.worker() as worker:
        job = await queue.enqueue_job("stay", "behind", _queue_name=VIDEO)
        course.leave("behind")

        assert await job.result(timeout=60, poll_delay=0.02) == {"pid": worker.pid}


async def test_a_job_behind_five_thousand_that_others_run_is_found(server, queue, course, world):
    await _foreign(server, MANY_FOREIGN)
    async with world.worker() as worker:
        job = await queue.enqueue_job("stay", "behind", _queue_name=VIDEO)
        course.leave("behind")

        assert await job.result(timeout=60, poll_delay=0.02) == {"pid": worker.pid}


async def _foreign(server, count: int) -> None:
    """Entries that a living worker of another host runs: older than all that comes, and theirs for an hour."""
    theirs = Owner.here().replace(name="elsewhere/1", host="elsewhere").model_dump_json()
    await server.say(
        "EVAL",
        """for i = 1, tonumber(ARGV[2]) do
             redis.call('ZADD', KEYS[1], i, 'foreign' .. i)
             redis.call('SET', 'arq:job:foreign' .. i, '{}')
             redis.call('SET', 'arq:in-progress:foreign' .. i, ARGV[1], 'PX', 3600000)
           end""",
        1,
        VIDEO,
        theirs,
        count,
    )

"""Whatever happens to Redis, a worker lives, and no job that it has in hand is lost or done twice.

Nearly all of an outage is waiting: the trials of this file run side by side, each in a world of its own.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from arq.jobs import Job, ResultNotFound

from jobs.client import connect, open_queue
from jobs.pipeline import VIDEO
from reelqueue.models.stage import Stage
from tests.faults.world import World, opened

SHORT_SECONDS, HOLE_SECONDS, LONG_SECONDS = 3.0, 11.0, 60.0
"""Longer than the lease of 2 s; longer than any time-out of a socket; as the issue demands."""
AT_ONCE = 8
"""Trials side by side: the machine has to start their workers, too."""


async def _ends_meanwhile(world: World, fault: Any, seconds: float) -> None:
    """One job ends during the fault, one is put there after it: both results are there, from the same process."""
    async with world.worker(**world.proxied) as worker, open_queue(world.settings) as client:
        during = await client.redis.enqueue_job("stay", "during", _queue_name=VIDEO)
        await world.course.seen("during")

        async with fault(world):
            world.course.leave("during")
            await world.course.seen("during", "ended")
            await asyncio.sleep(seconds)  # the fault's length: nothing to wait for
        result = await _result(during)
        after = await client.redis.enqueue_job("stay", "after", _queue_name=VIDEO)
        world.course.leave("after")

        assert await _result(after) == result == {"pid": worker.pid}
        assert world.course.pids("during") == world.course.pids("after") == [worker.pid]
        assert await client.redis.zcard(VIDEO) == 0
        assert worker.runs


async def _result(job: Job) -> Any:
    """Its result; where Redis lost everything it is not there before the worker has handed it in."""
    async with asyncio.timeout(60):
        while True:
            with contextlib.suppress(ResultNotFound):
                return await job.result(timeout=60, poll_delay=0.05)
            await asyncio.sleep(0.05)


async def _goes_on_through(world: World, fault: Any, seconds: float) -> None:
    """A stage is in work all through the fault, and a sibling looks for work: each stage is begun once.

    The claim in Redis ends while nobody can renew it; the project's lease on disk holds.
    """
    async with world.worker(**world.proxied) as one, world.worker(**world.proxied) as other, connect(world.settings) as queue:
        await queue.create_project({"topic": "How tides work"})
        await queue.start(1)
        world.course.leave("1-script")  # its time-out is a minute
        await world.course.seen("1-assets")

        async with fault(world):
            await asyncio.sleep(seconds)  # the fault's length
        await asyncio.sleep(1.5)  # time for whoever would begin it again
        world.course.leave(*(f"1-{stage}" for stage in Stage))
        await queue.wait(1, timeout=60)

        state = await queue.get_project(1)
        assert [len(world.course.notes(f"1-{stage}")) for stage in Stage] == [1] * 5
        assert {state.stages[stage].attempts for stage in Stage} == {1}
        assert one.runs
        assert other.runs


def _trial(name: str, trial: Any, fault: Any, seconds: float = SHORT_SECONDS, *, soak: bool = False) -> Any:
    return pytest.param(trial, fault, seconds, id=name, marks=[pytest.mark.soak] if soak else [])


TRIALS = [
    _trial("killed and started again", _ends_meanwhile, lambda world: world.server.gone()),
    _trial("killed and started again, two workers", _goes_on_through, lambda world: world.server.gone()),
    _trial("started again empty", _ends_meanwhile, lambda world: world.server.forgetful()),
    _trial("started again empty, two workers", _goes_on_through, lambda world: world.server.forgetful()),
    _trial("stopped for a while", _ends_meanwhile, lambda world: world.server.paused()),
    _trial("read-only", _ends_meanwhile, lambda world: world.server.read_only()),
    _trial("loading its file", _ends_meanwhile, lambda world: world.server.loading(), 0.0),
    _trial("out of memory", _ends_meanwhile, lambda world: world.server.out_of_memory()),
    _trial("out of memory, two workers", _goes_on_through, lambda world: world.server.out_of_memory()),
    _trial("unable to save", _ends_meanwhile, lambda world: world.server.unable_to_save()),
    _trial("behind a black hole", _ends_meanwhile, lambda world: world.proxy.black_hole(), HOLE_SECONDS),
    _trial("behind a black hole, two workers", _goes_on_through, lambda world: world.proxy.black_hole(), HOLE_SECONDS),
    _trial("slow to reach", _ends_meanwhile, lambda world: world.proxy.slow()),
    _trial("slower than any patience", _ends_meanwhile, lambda world: world.proxy.slow(5.0)),
    _trial("deaf to old connections", _ends_meanwhile, lambda world: world.proxy.deaf_links()),
    _trial("flushed", _ends_meanwhile, lambda world: world.server.flushed()),
    _trial("flushed, two workers", _goes_on_through, lambda world: world.server.flushed()),
    _trial("full of clients", _ends_meanwhile, lambda world: world.server.crowded()),
    _trial("of another password", _ends_meanwhile, lambda world: world.server.locked()),
    _trial("in a storm of resets", _ends_meanwhile, lambda world: world.proxy.storm()),
    _trial("away for a minute", _ends_meanwhile, lambda world: world.server.gone(), LONG_SECONDS, soak=True),
    _trial("away for a minute, two workers", _goes_on_through, lambda world: world.server.gone(), LONG_SECONDS, soak=True),
    _trial("empty after a minute", _ends_meanwhile, lambda world: world.server.forgetful(), LONG_SECONDS, soak=True),
    _trial("read-only for a minute", _ends_meanwhile, lambda world: world.server.read_only(), LONG_SECONDS, soak=True),
    _trial("out of memory for a minute", _ends_meanwhile, lambda world: world.server.out_of_memory(), LONG_SECONDS, soak=True),
    _trial("unable to save for a minute", _ends_meanwhile, lambda world: world.server.unable_to_save(), LONG_SECONDS, soak=True),
    _trial("a minute behind a black hole", _ends_meanwhile, lambda world: world.proxy.black_hole(), LONG_SECONDS, soak=True),
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def trials(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[dict[str, Any]]:
    """The chosen tests' trials, begun side by side; a test waits for its own."""
    room = asyncio.Semaphore(AT_ONCE)

    async def run(trial: Any, fault: Any, seconds: float) -> None:
        async with room, opened(tmp_path_factory.mktemp("world")) as world:
            await trial(world, fault, seconds)

    chosen = [item for item in request.session.items if getattr(item, "originalname", "") == TEST]
    begun = {item.nodeid: asyncio.create_task(run(**item.callspec.params)) for item in chosen}
    yield begun
    for task in begun.values():
        task.cancel()
    await asyncio.gather(*begun.values(), return_exceptions=True)


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(("trial", "fault", "seconds"), TRIALS)
async def test_a_worker_lives_through_a_redis_that_is(trial, fault, seconds, trials, request):
    await trials[request.node.nodeid]


TEST = test_a_worker_lives_through_a_redis_that_is.__name__


async def test_hooks_that_raise_end_no_worker_and_lose_no_result(queue, course, world):
    """As hooks that write to a full disk would."""
    hooks = ("on_job_start", "on_job_end", "after_job_end")
    async with world.worker(FAULTS_HOOKS=",".join(hooks)) as worker:
        jobs = [await queue.enqueue_job("stay", name, _queue_name=VIDEO) for name in ("one", "two")]
        course.leave("one", "two")

        assert [await job.result(timeout=60, poll_delay=0.05) for job in jobs] == [{"pid": worker.pid}] * 2
        assert course.pids("one") == course.pids("two") == [worker.pid]
        assert [hook for hook in hooks if hook not in worker.said()] == []
        assert worker.runs

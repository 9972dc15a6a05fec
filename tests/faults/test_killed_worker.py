"""`kill -9` of a worker in the middle of each stage: the next one goes on at once, and nothing is made twice."""

import asyncio
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from jobs.app import Queue
from jobs.client import connect, open_queue
from reelqueue.models.stage import ProjectStatus, Stage

KIT = Path(__file__).parents[1] / "unit" / "jobs" / "conftest.py"
WORKER = """
import asyncio, importlib.util, sys
spec = importlib.util.spec_from_file_location("kit", sys.argv[1])
kit = importlib.util.module_from_spec(spec)
spec.loader.exec_module(kit)
from pathlib import Path
from reelqueue.settings import Settings

async def main():
    settings = Settings(_env_file=None, redis_url=sys.argv[2], data_dir=Path(sys.argv[3]), lease_seconds=3.0)
    stages = kit.Stages()
    async def act(run):
        await run.hold("the piece")
        print(run.stage, flush=True)
        await asyncio.Event().wait()
    if sys.argv[4]:
        stages.acts[kit.Stage(sys.argv[4])] = act
    await kit.Crew(settings, stages).burst()
    print(dict(stages.ran), flush=True)
asyncio.run(main())
"""


async def worker(settings, stops_in):
    arguments = (KIT, settings.redis_url.get_secret_value(), settings.data_dir, stops_in)
    return await asyncio.create_subprocess_exec(sys.executable, "-c", WORKER, *map(str, arguments), stdout=subprocess.PIPE)


@pytest.mark.parametrize("stage", list(Stage))
async def test_a_killed_workers_project_goes_on_where_it_was(settings, stage):
    async with connect(settings) as queue, open_queue(settings) as client:
        await queue.create_project({"topic": "How tides work"})
        await queue.start(1)
        killed = await worker(settings, stage)
        while (await killed.stdout.readline()).decode().strip() != stage:
            pass
        killed.kill()
        await killed.wait()
        held = [key async for key in client.redis.scan_iter("arq:in-progress:*")]

        await _goes_on(settings, queue, stage)

    assert len(held) == 1


async def _goes_on(settings, queue: Queue, stage: Stage) -> None:
    began = time.monotonic()
    successor = await worker(settings, "")
    said, _ = await successor.communicate()
    took = time.monotonic() - began

    state = await queue.get_project(1)
    ran = said.decode()
    assert state.status is ProjectStatus.COMPLETED
    assert state.stages[stage].attempts == 1
    assert ran.count(": 1") == len([other for other in Stage if other.reaches(stage)]), ran
    assert took < 20


async def test_a_worker_that_is_stopped_past_its_lease_writes_nothing_over_its_successor(settings):
    """SIGSTOP for longer than the lease, a successor finishes, SIGCONT: the late one is fenced."""
    async with connect(settings) as queue, open_queue(settings) as client:
        await queue.create_project({"topic": "How tides work"})
        await queue.start(1)
        paused = await worker(settings, Stage.ASSETS)
        while (await paused.stdout.readline()).decode().strip() != Stage.ASSETS:
            pass
        paused.send_signal(signal.SIGSTOP)
        await client.redis.delete(*[key async for key in client.redis.scan_iter("reelqueue:alive:*")])  # as after twenty seconds
        successor = await worker(settings, "")
        await successor.communicate()
        before = (await queue.get_project(1)).model_dump_json()
        paused.send_signal(signal.SIGCONT)
        said, _ = await paused.communicate()

        after = await queue.get_project(1)

    assert json.loads(before)["status"] == "completed"
    assert after.model_dump_json() == before
    assert "upload" not in said.decode()

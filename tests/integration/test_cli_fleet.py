"""`reelqueue workers` and `reelqueue queues`, the real commands beside a real worker."""

import asyncio
import json
import sys

import pytest

from jobs.client import connect
from jobs.pipeline import VIDEO
from tests import forks
from tests.workers import ROOT, environment, until, worker

COMMAND = (sys.executable, "-c", "from reelqueue.cli import main; main()")


@pytest.fixture
def said(settings, tmp_path):
    """Carry a command out: exit code, stdout, stderr."""
    env = environment(settings) | {"COLUMNS": "200", "PYTHONPATH": str(ROOT)}

    async def said(*arguments: str) -> tuple[int, str, str]:
        pipe = asyncio.subprocess.PIPE
        process = await forks.create_subprocess_exec(*COMMAND, *arguments, cwd=tmp_path, env=env, stdout=pipe, stderr=pipe)
        out, err = await process.communicate()
        assert b"Traceback" not in out + err
        return process.returncode or 0, out.decode(), err.decode()

    return said


async def test_a_worker_is_listed_and_drained_by_what_its_supervisor_calls_it(settings, said):
    async with worker(settings, REELQUEUE_WORKER="video-2") as running:
        await until(lambda: "worker_starts" in running.said(), "it starts")
        async with asyncio.timeout(20):
            while not (found := json.loads((await said("workers", "list", "--json"))[1])):
                pass
        code, table, _ = await said("workers")
        drained = await said("workers", "drain", "video-2")

        assert await running.ended() == 0
    assert (code, [one["label"] for one in found], found[0]["pid"]) == (0, ["video-2"], running.pid)
    assert found[0]["name"] in table
    assert "running" in table
    assert (drained[0], found[0]["name"] in drained[1]) == (0, True)
    assert (await said("workers"))[1] == "no worker is running: reelqueue worker\n"


async def test_a_queue_is_shown_paused_and_let_go_on(settings, said):
    async with connect(settings) as queue:
        await queue.enqueue_job("render_video_task", project_id=7, _queue_name=VIDEO)
        await queue.enqueue_job("generate_script_task", project_id=8, _queue_name=VIDEO)
    paused = await said("queues", "pause", "video")
    listed = await said("queues")
    shown = await said("queues", "show", "video", "--limit", "1")
    rows = json.loads((await said("queues", "show", VIDEO, "--json"))[1])
    went_on = json.loads((await said("queues", "resume", "video", "--json"))[1])

    assert paused[:2] == (0, "video_generation is paused; what runs ends\n")
    assert "paused" in listed[1]
    assert "--after 1" in shown[2]
    assert [(row["place"], row["project_id"]) for row in rows] == [(1, 7), (2, 8)]
    assert (went_on["paused"], went_on["waiting"]) == (False, 2)


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(("workers", "drain", "nobody"), id="no such worker"),
        pytest.param(("queues", "pause", "soup"), id="no such queue"),
        pytest.param(("queues", "show", "video", "--limit", "0"), id="no row"),
        pytest.param(("queues", "show", "video", "--after", "-1"), id="before the first"),
        pytest.param(("queues", "resume"), id="no queue named"),
        pytest.param(("workers", "soup"), id="no such command"),
    ],
)
async def test_what_is_not_there_is_wrong_usage(said, arguments):
    code, out, err = await said(*arguments)

    assert (code, out) == (2, "")
    assert err


async def test_without_a_redis_a_sentence_says_so(settings, said, tmp_path):
    gone = environment(settings) | {"REDIS_URL": f"unix://{tmp_path}/none.sock", "PYTHONPATH": str(ROOT)}
    pipe = asyncio.subprocess.PIPE
    process = await forks.create_subprocess_exec(*COMMAND, "queues", cwd=tmp_path, env=gone, stdout=pipe, stderr=pipe)
    _, err = await process.communicate()

    assert process.returncode == 1
    assert b"no Redis answers" in err

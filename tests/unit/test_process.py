"""Children end: with an answer, with an error, by a limit, or with their parent."""

import asyncio
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
import uvloop

from reelqueue.process import ChildFailed, Limits, python_child, run
from tests.processes import ends

ROOT = Path(__file__).parents[2]


async def test_a_tools_output_and_the_tail_of_its_errors_are_kept(tmp_path):
    done = await run(["/bin/sh", "-c", "echo out; echo err >&2"], cwd=tmp_path, timeout_s=10)

    assert done.stdout == b"out\n"
    assert done.stderr_tail == "err"


async def test_a_limit_that_whoever_started_us_set_lower_stays(tmp_path, monkeypatch):
    """By a unit's LimitCPU, say: without root a child that asked for more would not start at all."""
    monkeypatch.setattr(resource, "getrlimit", lambda _which: (50, 50))
    code = "import resource; print(resource.getrlimit(resource.RLIMIT_CPU)[1])"

    done = await run([sys.executable, "-c", code], cwd=tmp_path, timeout_s=20, limits=Limits(cpu_seconds=3_600))

    assert done.stdout == b"50\n"


def test_under_uvloop_a_tool_that_ends_without_reading_what_it_was_given_has_ended_well(tmp_path):
    async def often() -> list[int]:
        return [len((await run(["/bin/true"], cwd=tmp_path, timeout_s=10, stdin=b"x" * 1_000)).stdout) for _ in range(40)]

    assert uvloop.run(often()) == [0] * 40


def test_under_uvloop_a_python_child_that_was_killed_is_told_as_that(tmp_path):
    async def asked() -> str:
        async with python_child("reelqueue.media.image_child") as child:
            child.process.kill()
            await child.process.wait()
            while child.process.stdin is not None and not child.process.stdin.transport.is_closing():
                await asyncio.sleep(0)
            with pytest.raises(ChildFailed) as caught:
                await child.ask_one({})
            return caught.value.kind

    assert uvloop.run(asked()) == "signal"


async def test_a_bad_exit_says_how_and_why(tmp_path):
    with pytest.raises(ChildFailed) as caught:
        await run(["/bin/sh", "-c", "echo why >&2; exit 3"], cwd=tmp_path, timeout_s=10)

    assert (caught.value.kind, caught.value.detail, caught.value.tail) == ("exit", "exit code 3", "why")


async def test_a_stopped_tool_is_killed_when_it_stalls(tmp_path):
    with pytest.raises(ChildFailed) as caught:
        await run(
            ["/bin/sh", "-c", "echo one; kill -STOP $$"], cwd=tmp_path, timeout_s=30, stall_s=0.3, on_line=lambda _line: None
        )

    assert caught.value.kind == "stall"


async def test_cancelling_kills_the_whole_group(tmp_path):
    started = asyncio.Event()
    pids: list[int] = []

    def hear(line: str) -> None:
        pids.append(int(line))
        started.set()

    task = asyncio.create_task(run(["/bin/sh", "-c", "sleep 60 & echo $!; wait"], cwd=tmp_path, timeout_s=60, on_line=hear))
    await asyncio.wait_for(started.wait(), 60)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert await ends(pids[0])


async def test_cancelling_one_that_is_being_started_leaves_nothing_that_it_has_started_by_then(tmp_path):
    """asyncio would kill it alone, and wait for whoever holds its pipes: ten minutes here."""
    pid = tmp_path / "pid"
    task = asyncio.create_task(run(["/bin/sh", "-c", f"sleep 600 & echo $! > {pid}; wait"], cwd=tmp_path, timeout_s=600))
    for _ in range(3):  # it is forked, and its pipes are not connected yet
        await asyncio.sleep(0)
    deadline = time.monotonic() + 60
    while not (pid.exists() and pid.read_text().endswith("\n")) and time.monotonic() < deadline:
        time.sleep(0.01)  # nothing else may happen in the loop meanwhile
    task.cancel()
    async with asyncio.timeout(60):
        with pytest.raises(asyncio.CancelledError):
            await task

    assert await ends(int(pid.read_text()))


async def test_a_file_limit_holds(tmp_path):
    with pytest.raises(ChildFailed):
        await run(["/bin/sh", "-c", "head -c 100000 /dev/zero > big"], cwd=tmp_path, timeout_s=10, limits=Limits(file_bytes=1000))

    assert (tmp_path / "big").stat().st_size <= 1000


async def test_no_setting_of_ours_reaches_a_child(tmp_path, monkeypatch):
    monkeypatch.setenv("REDIS_URL", "redis://:canary@h")

    done = await run(["/usr/bin/env"], cwd=tmp_path, timeout_s=10)

    assert b"canary" not in done.stdout


async def test_a_python_child_answers_errors_and_goes_on(tmp_path, monkeypatch):
    (tmp_path / "echoing.py").write_text(
        "from reelqueue.process import serve\n"
        "def handle(request):\n"
        "    print('noise')\n"
        "    for i in range(request['n']): yield {'i': i}\n"
        "    if request['n'] == 0: raise ValueError('nothing')\n"
        "serve(handle)\n"
    )
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{ROOT}")

    async with python_child("echoing") as child:
        assert [a async for a in child.ask({"n": 3})] == [{"i": 0}, {"i": 1}, {"i": 2}]
        with pytest.raises(ChildFailed) as caught:
            await child.ask_one({"n": 0})
        assert caught.value.data["type"] == "ValueError"
        assert await child.ask_one({"n": 1}) == {"i": 0}


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's parent-death signal is Linux's")
def test_a_child_dies_with_its_killed_parent(tmp_path):
    script = (
        "import asyncio\n"
        "from pathlib import Path\n"
        "from reelqueue.process import run\n"
        "asyncio.run(run(['/bin/sh', '-c', 'echo $$; exec sleep 60'], cwd=Path('/'), timeout_s=60, on_line=lambda l: print(l, flush=True)))\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert parent.stdout is not None
    child = psutil.Process(int(parent.stdout.readline()))

    parent.send_signal(signal.SIGKILL)
    parent.wait(30)
    parent.stdout.close()

    child.wait(30)

"""What `tests.forks` starts is to whoever starts it what Python itself would have started."""

import asyncio
import os
import subprocess
import sys

import psutil
import pytest

from tests import forks

PENDING = """
import asyncio
async def sleeps(): await asyncio.sleep(9)
async def leaves():
    global task
    task = asyncio.get_running_loop().create_task(sleeps())
    await asyncio.sleep(0)
loop = asyncio.new_event_loop()
asyncio.set_event_loop(loop)
loop.run_until_complete(leaves())
"""
STARTS = (
    """
import asyncio, os, sys
from reelqueue import process
CHILD = """
    + repr(
        """
import os, sys
libc, signal = __import__("ctypes").CDLL(None), __import__("ctypes").c_int()
libc.prctl(2, __import__("ctypes").byref(signal))  # PR_GET_PDEATHSIG
print(os.getppid() == int(os.environ["REELQUEUE_SUPERVISOR_PID"]), os.getsid(0) == os.getpid(), signal.value, __name__)
print(sys.argv, "" in sys.path, os.getcwd(), os.nice(0), os.environ["OWN"], sorted(os.listdir("/proc/self/fd")))
sys.exit(7)
"""
    )
    + """
async def main():
    env, limits = os.environ | {"OWN": "mine"}, process.Limits(nice=3)
    child = await process.start([sys.executable, "-P", "-c", CHILD, "x"], cwd=".", env=env, output=1, limits=limits)
    print(await child.wait())
asyncio.run(main())
"""
)
PROGRAMS = {
    "itself": "import os, sys; print(__name__, sys.argv, sys.path[0], os.getcwd(), os.environ['OWN'], sorted(os.listdir('/proc/self/fd')))",
    "streams": "import sys; print(input()); print(sys.stdin.read(), file=sys.stderr, end='')",
    "a code": "import sys; sys.exit(7)",
    "words": "import sys; sys.exit('no')",
    "a signal": "import os, signal; os.kill(os.getpid(), signal.SIGTERM)",
    "the end": "import atexit; atexit.register(print, 'bye')",
    "a thread": "import threading, time; threading.Thread(target=lambda: (time.sleep(0.05), print('late'))).start()",
    "nobody awaited it": "async def left(): pass\nleft()",
}


@pytest.mark.parametrize("code", PROGRAMS.values(), ids=PROGRAMS)
def test_a_program_does_and_ends_as_ever(tmp_path, code):
    def seen(run):
        environment = {**os.environ, "OWN": "mine"}
        done = run(
            [sys.executable, "-c", code, "an argument"], cwd=tmp_path, env=environment, input="one\ntwo\n", capture_output=True,
            text=True, timeout=60, check=False,
        )  # fmt: skip
        return done.returncode, done.stdout, done.stderr

    assert seen(forks.run) == seen(subprocess.run)


def test_a_child_of_a_fork_can_be_a_fork_and_is_the_same_child(tmp_path):
    def seen(run, **how):
        return run([sys.executable, "-c", STARTS], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False, **how)

    bred, plain = seen(forks.run, breeds=True), seen(subprocess.run)
    assert (bred.stdout, bred.stderr) == (plain.stdout, "")
    assert bred.stdout.endswith("7\n")


def test_a_mistake_is_told_and_is_the_code_1():
    done = forks.run([sys.executable, "-c", "1 / 0"], stderr=subprocess.PIPE, text=True, check=False)

    assert (done.returncode, done.stderr.splitlines()[-1]) == (1, "ZeroDivisionError: division by zero")


def test_a_task_that_nobody_waited_for_is_told_of_though_python_itself_may_not():
    done = forks.run([sys.executable, "-c", PENDING], stderr=subprocess.PIPE, text=True, check=True)

    assert "Task was destroyed but it is pending" in done.stderr


async def test_it_is_our_own_child_and_its_death_is_seen():
    child = await forks.create_subprocess_exec(sys.executable, "-c", "import time; print(flush=True); time.sleep(60)", stdout=-1)
    assert child.stdout is not None
    await child.stdout.readline()
    assert child.pid in {each.pid for each in psutil.Process().children()}

    child.kill()

    async with asyncio.timeout(10):
        assert await child.wait() == -9


def test_what_is_no_python_of_ours_is_started_by_itself():
    assert forks.run(["sh", "-c", "echo $0"], capture_output=True, text=True, check=True).stdout == "sh\n"

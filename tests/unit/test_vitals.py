"""What a worker and its children use, by real processes that burn time and hold memory."""

import contextlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator

import psutil
import pytest

from reelqueue import vitals
from reelqueue.vitals import Reading, Vitals

BURN = "while True: pass"
BURN_A_LITTLE = "import time\nwhile time.process_time() < 0.3: pass"
WAIT = "import sys; sys.stdin.read()"
PARENT = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {BURN!r}]); sys.stdin.read()"
HOLD = "import sys; held = b'x' * 64_000_000; print(flush=True); sys.stdin.read()"


@pytest.fixture(params=["as it is here", "by psutil"], autouse=True)
def _both_ways(request, monkeypatch, tmp_path) -> None:
    """Linux tells the children of a process; elsewhere psutil looks at all."""
    if request.param == "by psutil":
        monkeypatch.setattr(vitals, "_PROC", tmp_path)


@contextlib.contextmanager
def child(program: str) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            yield process
        finally:
            process.kill()


def until(read: Callable[[], Reading], is_so: Callable[[Reading], bool], what: str) -> Reading:
    deadline = time.monotonic() + 60
    while not is_so(seen := read()):
        assert time.monotonic() < deadline, what
    return seen


def test_a_child_that_burns_time_is_seen_and_its_end_takes_nothing_back():
    mine = Vitals()
    before = mine.read()
    with child(BURN) as burning:
        busy = until(mine.read, lambda seen: seen["cpu_seconds"] >= before["cpu_seconds"] + 0.3, "the child burns")
        assert busy["children"] == before["children"] + 1
        burning.kill()
        burning.wait()
    after = [mine.read() for _ in range(5)]

    assert {seen["children"] for seen in after} == {before["children"]}
    assert min(seen["cpu_percent"] for seen in after) >= 0
    assert min(seen["cpu_seconds"] for seen in after) >= busy["cpu_seconds"]


def test_percent_is_of_one_core_since_the_look_before():
    mine = Vitals()
    early = time.monotonic()
    before = mine.read()
    began = time.monotonic()
    stop = time.process_time() + 0.3
    while time.process_time() < stop:
        pass
    ended = time.monotonic()
    seen = mine.read()
    late = time.monotonic()

    spent = seen["cpu_seconds"] - before["cpu_seconds"]
    assert 0.9 * 100 * spent / (late - early) <= seen["cpu_percent"] <= 1.1 * 100 * spent / (ended - began)
    assert seen["cpu_seconds"] >= before["cpu_seconds"] + 0.25


def test_a_child_that_ended_between_two_looks_is_counted():
    mine = Vitals()
    before = mine.read()

    subprocess.run([sys.executable, "-c", BURN_A_LITTLE], check=True)

    assert mine.read()["cpu_seconds"] >= before["cpu_seconds"] + 0.25


def test_grandchildren_count_and_one_that_lost_its_parent_takes_nothing_back():
    mine = Vitals()
    before = mine.read()
    with child(PARENT) as parent:
        family = until(mine.read, lambda seen: seen["children"] == before["children"] + 2, "both are seen")
        [grandchild] = psutil.Process(parent.pid).children()
        until(mine.read, lambda seen: seen["cpu_seconds"] >= family["cpu_seconds"] + 0.3, "the grandchild burns")
        busy = mine.read()
        parent.kill()
        parent.wait()
    after = [mine.read() for _ in range(3)]
    grandchild.kill()

    assert min(seen["cpu_percent"] for seen in after) >= 0
    assert min(seen["cpu_seconds"] for seen in after) >= busy["cpu_seconds"]


def test_a_child_started_by_another_thread_counts():
    mine = Vitals()
    before, started, leave = mine.read(), threading.Event(), threading.Event()

    def start() -> None:
        with child(WAIT):
            started.set()
            leave.wait(30)

    thread = threading.Thread(target=start)
    thread.start()
    started.wait(30)
    seen = mine.read()
    leave.set()
    thread.join()

    assert seen["children"] == before["children"] + 1


def test_memory_is_that_of_all():
    mine = Vitals()
    before = mine.read()

    with child(HOLD) as holding:
        holding.stdout.readline()
        seen = mine.read()

    assert before["memory_bytes"] > 5_000_000
    assert seen["memory_bytes"] >= before["memory_bytes"] + 60_000_000
    assert seen["children_bytes"] >= before["children_bytes"] + 60_000_000
    assert before["children_bytes"] < before["memory_bytes"]


def test_children_that_come_and_go_while_we_look_break_nothing():
    mine = Vitals()
    leave = threading.Event()

    def churn() -> None:
        while not leave.is_set():
            subprocess.run(["true"], check=True)

    churning = [threading.Thread(target=churn) for _ in range(2)]
    for thread in churning:
        thread.start()
    seen = [mine.read() for _ in range(50)]
    leave.set()
    for thread in churning:
        thread.join()

    assert min(one["cpu_percent"] for one in seen) >= 0
    assert max(one["cpu_percent"] for one in seen) <= 100 * (os.cpu_count() or 1)
    assert [one["cpu_seconds"] for one in seen] == sorted(one["cpu_seconds"] for one in seen)

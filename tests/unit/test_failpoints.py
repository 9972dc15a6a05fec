"""Failpoints by themselves: how one is armed, what happens there, and that the registry and the code name the same ones."""

import ast
import asyncio
import os
import re
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from reelqueue import failpoints
from reelqueue.errors import InvalidSettings
from reelqueue.settings import read_settings
from tests import forks

ROOT = Path(__file__).parents[2]
CODE = ("jobs", "progress", "storage", "reelqueue")
SYNC, ASYNC = "create.named", "state.committed"


@pytest.fixture(autouse=True)
def _none_is_armed() -> Iterator[None]:
    failpoints.disarm()
    yield
    failpoints.disarm()


def sites() -> Iterator[tuple[str, bool, bool]]:
    """Each call of a point: its name, whether it is awaited, whether it stands in a coroutine."""
    for folder in CODE:
        for path in sorted((ROOT / folder).rglob("*.py")):
            if "failpoints" in (text := path.read_text(encoding="utf-8")) and path.name != "failpoints.py":
                yield from _sites_of(ast.parse(text), in_coroutine=False)


def _sites_of(tree: ast.AST, *, in_coroutine: bool) -> Iterator[tuple[str, bool, bool]]:
    for node in ast.iter_child_nodes(tree):
        inside = in_coroutine
        if isinstance(node, ast.AsyncFunctionDef | ast.FunctionDef | ast.Lambda):
            inside = isinstance(node, ast.AsyncFunctionDef)
        call = node.value if isinstance(node, ast.Await) else node
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and ast.unparse(call.func.value) == "failpoints":
            if call.func.attr == "reach" and isinstance(node, ast.Await):
                yield ast.literal_eval(call.args[0]), True, inside
                continue
            if call.func.attr == "hit":
                yield ast.literal_eval(call.args[0]), False, inside
            assert call.func.attr != "reach", "a point in a coroutine is awaited"
        yield from _sites_of(node, in_coroutine=inside)


def test_each_point_stands_in_the_code_once_and_the_code_names_no_other():
    found = list(sites())

    assert sorted(name for name, _, _ in found) == sorted(failpoints.POINTS)
    assert [site for site in found if site[1] != site[2]] == [], "a coroutine awaits `reach`, a thread calls `hit`"


def test_a_point_has_a_name_by_where_it_is_and_a_line_that_says_what_happens_there():
    assert [name for name in failpoints.POINTS if not re.fullmatch(r"[a-z]+(\.[a-z]+(-[a-z]+)*)", name)] == []
    assert [line for line in failpoints.POINTS.values() if not line or len(line) > 110] == []


def test_what_is_armed_is_read_with_its_mode_and_its_time():
    assert failpoints.parse(f"{SYNC}:kill") == {SYNC: ("kill", 1)}
    assert failpoints.parse(f"{SYNC}:raise@3, {ASYNC}:hang") == {SYNC: ("raise", 3), ASYNC: ("hang", 1)}


@pytest.mark.parametrize(
    "said", ["", SYNC, "nowhere:kill", f"{SYNC}:explode", f"{SYNC}:kill@0", f"{SYNC}:kill@x", f"{SYNC}:kill,{SYNC}:raise"]
)
def test_a_point_or_a_mode_that_is_not_there_is_refused_with_what_is_allowed(said, monkeypatch):
    with pytest.raises(ValueError):
        failpoints.parse(said)
    monkeypatch.setenv("REELQUEUE_FAILPOINT", said or ",")

    with pytest.raises(InvalidSettings) as refused:
        read_settings()

    assert refused.value.name == "REELQUEUE_FAILPOINT"
    assert all(word in refused.value.message for word in (*failpoints.MODES, SYNC, ASYNC))


def test_a_worker_with_a_point_that_is_not_there_is_refused_in_one_line(tmp_path):
    env = {
        "PATH": os.environ["PATH"],
        "REELQUEUE_FAILPOINT": "nowhere:kill",
        "REELQUEUE_LANGUAGE": "en",
        "DATA_DIR": str(tmp_path),
    }
    done = forks.run(
        [sys.executable, "-m", "arq", "worker_settings.VideoWorker"],
        check=False,
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert "FAILPOINT" in done.stderr
    assert SYNC in done.stderr


async def test_a_point_raises_at_its_time_once_and_others_are_passed():
    failpoints.arm(f"{SYNC}:raise@2,{ASYNC}:raise")
    failpoints.hit(SYNC)
    failpoints.hit("create.marked")

    with pytest.raises(failpoints.Failed):
        failpoints.hit(SYNC)
    with pytest.raises(failpoints.Failed):
        await failpoints.reach(ASYNC)

    failpoints.hit(SYNC)
    await failpoints.reach(ASYNC)


async def test_a_point_that_hangs_holds_a_task_until_it_is_cancelled_and_a_thread_for_good():
    failpoints.arm(f"{ASYNC}:hang,{SYNC}:hang")

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.02):
            await failpoints.reach(ASYNC)
    thread = threading.Thread(target=failpoints.hit, args=(SYNC,), daemon=True)
    thread.start()
    thread.join(0.02)

    assert thread.is_alive()


def test_a_point_kills_its_process_by_the_signal_that_nobody_can_catch():
    if child := os.fork():
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
        return
    failpoints.arm(f"{SYNC}:kill")
    failpoints.hit(SYNC)
    os._exit(0)


def test_what_was_armed_first_stays():
    failpoints.arm(f"{SYNC}:raise")
    failpoints.arm(f"{ASYNC}:raise")
    failpoints.arm(None)

    assert failpoints._said == f"{SYNC}:raise"

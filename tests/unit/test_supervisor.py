"""The supervisor, over real processes and a real server: restarted when they die, told to end, none left behind."""

import asyncio
import contextlib
import json
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
import structlog
from redis.asyncio import Redis

from reelqueue import embedded
from reelqueue.errors import InstallationError
from reelqueue.supervisor import RESTART_SECONDS, STEADY_SECONDS, Life, Post, Supervisor, WorkerRefused, workers
from tests.processes import runs

STOCK = """
import os
from arq.connections import RedisSettings
from reelqueue.process import say_ready

async def started(ctx):
    say_ready()
    await ctx["redis"].rpush("started", os.getpid())

async def nothing(ctx):
    pass

class VideoWorker:
    functions = [nothing]
    queue_name = "video_generation"
    redis_settings = RedisSettings.from_dsn(os.environ["REELQUEUE_REDIS_URL"])
    on_startup = started

class MaintenanceWorker(VideoWorker):
    functions = [nothing]
    queue_name = "maintenance"
    redis_settings = VideoWorker.redis_settings
    on_startup = started
"""
"""A worker as arq runs it."""
PLAIN = """
import json, os, signal, subprocess, sys, time
from reelqueue.process import say_ready

def say(event, **fields):
    print(json.dumps({"timestamp": "t", "level": "error", "event": event, **fields}), flush=True)

def refuse(why):
    say("refused", error=why, hint="do this", code="invalid_settings", setting="REDIS_DB")
    raise SystemExit(2)

def wait():
    while True:
        signal.pause()

kind = sys.argv[-1].rpartition(".")[2] if "." in sys.argv[-1] else sys.argv[-2].rpartition(".")[2]
"""
"""The head of a worker that is a few lines of a test: what is wrong happens as soon as arq's command imports it."""
REFUSES = "refuse('this Redis belongs to another installation')"


@pytest.fixture
async def url(tmp_path) -> AsyncIterator[str]:
    async with embedded.server(tmp_path / "redis") as found:
        yield found


@pytest.fixture
async def redis(url) -> AsyncIterator[Redis]:
    async with Redis.from_url(url, decode_responses=True) as client:
        yield client


@pytest.fixture
def told() -> Any:
    """What the supervisor itself logs."""
    with structlog.testing.capture_logs() as lines:
        yield lines


@pytest.fixture
def supervisor(tmp_path) -> Callable[..., Supervisor]:
    """One for workers that run `code`."""

    def made(code: str, *kinds: str, url: str = f"unix://{tmp_path}/none.sock", **more: Any) -> Supervisor:
        (tmp_path / "worker_settings.py").write_text(code)
        env = os.environ | {"REELQUEUE_REDIS_URL": url, "PYTHONPATH": str(tmp_path), "FOLDER": str(tmp_path)}
        return Supervisor(kinds, env, tmp_path, tmp_path / "workers.log", **{"grace_s": 5, "pauses": (0.0, 0.01)} | more)

    return made


async def wait_until(happened: Callable[[], Any], what: str, seconds: float = 60.0) -> Any:
    deadline = time.monotonic() + seconds
    while not (seen := happened()):
        assert time.monotonic() < deadline, what
        await asyncio.sleep(0.02)
    return seen


def child_in(file: Path) -> int | None:
    lines = [json.loads(line) for line in file.read_text().splitlines(keepends=True) if line.endswith("\n")]
    return next((int(line["pid"]) for line in lines if line["event"] == "child"), None)


async def next_worker(redis: Redis) -> int:
    return int((await redis.blpop(["started"], timeout=60))[1])


def events(told: list[Any], name: str) -> list[Any]:
    return [line for line in told if line["event"] == name]


@contextlib.asynccontextmanager
async def running(supervised: Supervisor) -> AsyncIterator["asyncio.Task[None]"]:
    """`run` beside the test, to be ended by `stop`; a test that fails leaves nothing behind."""
    task = asyncio.create_task(supervised.run())
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.wait({task})


# Started, and started again.


async def test_the_workers_run_beside_the_caller_and_are_gone_after(supervisor, url, redis):
    async with workers(supervisor(STOCK, "video", "maintenance", url=url)):
        pids = {await next_worker(redis), await next_worker(redis)}

        assert all(psutil.pid_exists(pid) for pid in pids)
    assert len(pids) == 2
    assert not any(runs(pid) for pid in pids)


async def test_a_kind_that_is_named_twice_has_two_workers_with_names_of_their_own(supervisor, url, redis, told):
    async with workers(supervisor(STOCK, "video", "video", "maintenance", url=url)):
        pids = {await next_worker(redis) for _ in range(3)}

    assert len(pids) == 3
    assert {line["worker"]: line["pid"] in pids for line in events(told, "worker_started")} == {
        "video": True,
        "video-2": True,
        "maintenance": True,
    }


async def test_a_killed_worker_is_started_again_at_once(supervisor, url, redis, told):
    async with workers(supervisor(STOCK, "video", url=url, pauses=RESTART_SECONDS)):
        first = await next_worker(redis)
        os.kill(first, signal.SIGKILL)

        assert await next_worker(redis) != first
    ended = events(told, "worker_ended")[0]
    assert (ended["worker"], ended["signal"], ended["restart_in_s"]) == ("video", "SIGKILL", 0.0)


async def test_a_worker_that_an_operator_ends_is_started_again(supervisor, url, redis, told):
    async with workers(supervisor(STOCK, "video", url=url)):
        first = await next_worker(redis)
        os.kill(first, signal.SIGTERM)

        assert await next_worker(redis) != first
    ended = events(told, "worker_ended")[0]
    assert (ended["log_level"], ended["exit_code"]) == ("info", 0)


async def test_a_worker_that_never_gets_going_is_started_ever_later_and_for_ever(supervisor, told):
    pauses = (0.0, 0.01, 0.02, 0.04)
    async with running(supervisor(PLAIN + "raise ValueError('broken')", "video", pauses=pauses)):
        await wait_until(lambda: len(events(told, "worker_ended")) >= 5, "it is started five times")

    ended = events(told, "worker_ended")
    assert [line["restart_in_s"] for line in ended[:5]] == [0.01, 0.02, 0.04, 0.04, 0.04]
    assert {line["exit_code"] for line in ended[:5]} == {1}


@pytest.mark.parametrize(
    ("lives", "expected"),
    [
        pytest.param([(1, False)] * 7, [1, 2, 4, 8, 16, 30, 30], id="never got going"),
        pytest.param([(1, True)] * 8, [0, 1, 2, 4, 8, 16, 30, 30], id="gets going, then crashes"),
        pytest.param([(1, True)] * 3 + [(STEADY_SECONDS, True), (1, True)], [0, 1, 2, 0, 1], id="ran for a while"),
        pytest.param([(1, True), (1, False), (1, False)], [0, 2, 4], id="went, then never again"),
    ],
)
def test_the_pauses_before_a_restart_double_up_to_half_a_minute(lives, expected):
    post = Post("video", "video")

    pauses = [post.pause(Life(1, lived_s, going, {}), RESTART_SECONDS) for lived_s, going in lives]

    assert pauses == expected


async def test_a_worker_that_cant_be_started_at_all_is_tried_again(supervisor, tmp_path, told):
    supervised = supervisor(PLAIN + "say_ready(); wait()", "video")
    supervised.cwd = tmp_path / "later"
    async with running(supervised):
        await wait_until(lambda: events(told, "worker_not_started"), "it can't be started")
        supervised.cwd.mkdir()
        await wait_until(lambda: events(told, "worker_ready"), "it gets going")

    assert "later" in events(told, "worker_not_started")[0]["error"]


async def test_a_strangers_package_in_the_folder_is_not_loaded(tmp_path, url, redis):
    (tmp_path / "ours").mkdir()
    (tmp_path / "ours" / "worker_settings.py").write_text(STOCK)
    (tmp_path / "worker_settings.py").write_text(PLAIN + REFUSES)
    env = os.environ | {"REELQUEUE_REDIS_URL": url, "PYTHONPATH": str(tmp_path / "ours")}
    async with workers(Supervisor(("video",), env, tmp_path, tmp_path / "workers.log")):
        assert await next_worker(redis)


# Refused.


async def test_a_refusal_before_any_of_its_kind_got_going_ends_all_with_its_reason(supervisor, tmp_path, told):
    code = PLAIN + "if kind == 'MaintenanceWorker':\n    say_ready()\n    wait()\n"
    code += "while not list(__import__('pathlib').Path(os.environ['FOLDER']).glob('on')): time.sleep(0.02)\n" + REFUSES
    async with running(supervisor(code, "video", "maintenance")) as run:
        other = (await wait_until(lambda: events(told, "worker_ready"), "the other one is there"))[0]["worker"]
        pids = [line["pid"] for line in events(told, "worker_started")]
        (tmp_path / "on").touch()
        with pytest.raises(WorkerRefused, match="belongs to another installation") as caught:
            await asyncio.wait_for(run, 60)
        left = [pid for pid in pids if runs(pid)]

    assert other == "maintenance"
    assert caught.value.hint == "do this"
    assert caught.value.line["setting"] == "REDIS_DB"
    assert left == []
    assert "refused" not in (tmp_path / "workers.log").read_text()


async def test_a_refusal_of_one_that_got_going_before_is_tried_again(supervisor, tmp_path, told):
    flag = "flag = os.path.join(os.environ['FOLDER'], 'down')\n"
    code = PLAIN + flag + f"if os.path.exists(flag):\n    {REFUSES}\nsay_ready()\nwait()"
    async with running(supervisor(code, "video", pauses=(0.0, 0.1))) as run:
        await wait_until(lambda: events(told, "worker_ready"), "it gets going")
        (tmp_path / "down").touch()
        os.kill(events(told, "worker_started")[0]["pid"], signal.SIGKILL)
        await wait_until(lambda: len(events(told, "worker_ended")) >= 3, "it refuses twice")
        (tmp_path / "down").unlink()
        await wait_until(lambda: len(events(told, "worker_ready")) == 2, "it gets going again")

        assert not run.done()
    refused = events(told, "worker_ended")[1]
    assert (refused["exit_code"], refused["hint"]) == (2, "do this")
    assert "another installation" in refused["error"]


async def test_where_patience_is_asked_for_a_worker_that_does_not_start_is_named_with_its_last_words(supervisor, told):
    async with running(supervisor(PLAIN + "raise ValueError('broken')", "video", patience=3)) as run:
        with pytest.raises(InstallationError, match="broken"):
            await asyncio.wait_for(run, 60)

    assert len(events(told, "worker_started")) == 3


# Claims.

CLAIMS = """
import os, signal
from redis import Redis
from reelqueue.process import say_ready
from storage import Owner
redis = Redis.from_url(os.environ["REELQUEUE_REDIS_URL"])
redis.zadd("video_generation", {"job": 1})
if not redis.exists("claimed"):
    redis.set("arq:in-progress:job", Owner.here().model_dump_json(), ex=600)
    redis.rpush("claimed", os.getpid())
say_ready()
while True:
    signal.pause()
"""


async def test_a_dead_workers_claims_are_freed_at_once(supervisor, url, redis, told):
    async with running(supervisor(CLAIMS, "video", url=url)):
        pid = int((await redis.blpop(["claimed"], timeout=60))[1])
        await redis.rpush("claimed", pid)
        os.kill(pid, signal.SIGKILL)
        await wait_until(lambda: events(told, "claims_freed"), "they are freed")  # 600 s would be left of the claim
        left = await redis.exists("arq:in-progress:job")

    assert events(told, "claims_freed")[0]["jobs"] == ["job"]
    assert left == 0


async def test_a_redis_that_is_away_when_a_worker_dies_is_told_and_ends_nothing(supervisor, told):
    async with running(supervisor(PLAIN + "say_ready(); wait()", "video")) as run:
        await wait_until(lambda: events(told, "worker_ready"), "it gets going")
        os.kill(events(told, "worker_started")[0]["pid"], signal.SIGKILL)
        await wait_until(lambda: events(told, "claims_not_freed"), "that is told")
        await wait_until(lambda: len(events(told, "worker_ready")) == 2, "it gets going again")

        assert not run.done()


# Told to end.

COUNTS = (
    PLAIN
    + """
def heard(*_):
    say("heard")
    if os.path.exists(os.path.join(os.environ["FOLDER"], "hurry")):
        sys.exit(0)

signal.signal(signal.SIGTERM, heard)
say_ready()
wait()
"""
)


async def test_the_first_signal_and_the_second_reach_the_workers(supervisor, tmp_path, told):
    supervised = supervisor(COUNTS, "video", "maintenance", grace_s=60)
    log = tmp_path / "workers.log"
    async with running(supervised) as run:
        await wait_until(lambda: len(events(told, "worker_ready")) == 2, "both get going")
        supervised.stop()
        await wait_until(lambda: log.read_text().count("heard") == 2, "both hear it")
        assert not run.done()
        (tmp_path / "hurry").touch()
        supervised.stop()
        await asyncio.wait_for(run, 60)

    assert log.read_text().count("heard") == 4
    assert [line["exit_code"] for line in events(told, "worker_ended")] == [0, 0]
    assert len(events(told, "worker_started")) == 2
    assert supervised.killed == 0


async def test_a_worker_that_does_not_end_in_time_is_killed_with_its_children(supervisor, tmp_path, told):
    code = COUNTS.replace(
        "say_ready()\n", "say('child', pid=subprocess.Popen(['sleep', '600'], start_new_session=True).pid)\nsay_ready()\n"
    )
    supervised = supervisor(code, "video", grace_s=0.3)
    async with running(supervised) as run:
        await wait_until(lambda: events(told, "worker_ready"), "it gets going")
        child = await wait_until(
            lambda: child_in(tmp_path / "workers.log"), "its child is in the log"
        )  # its lines come another way
        supervised.stop()
        await asyncio.wait_for(run, 60)
        await wait_until(lambda: not runs(child), "its child is killed too")

    assert events(told, "worker_ended")[0]["signal"] == "SIGKILL"
    assert supervised.killed == 1


async def test_a_worker_that_waits_for_its_restart_is_not_waited_for(supervisor, told):
    supervised = supervisor(PLAIN + "raise ValueError('broken')", "video", pauses=(600.0,))
    async with running(supervised) as run:
        await wait_until(lambda: events(told, "worker_ended"), "it ends")
        supervised.stop()
        await asyncio.wait_for(run, 60)


async def test_a_burst_ends_when_all_its_workers_have_ended(supervisor, url, redis, told):
    supervised = supervisor(STOCK, "video", "video", "maintenance", url=url, burst=True)

    await asyncio.wait_for(supervised.run(), 60)

    assert [line["exit_code"] for line in events(told, "worker_ended")] == [0, 0, 0]
    assert await redis.llen("started") == 3


async def test_a_burst_starts_again_what_crashed(supervisor, told):
    code = PLAIN + "flag = os.path.join(os.environ['FOLDER'], 'once')\n"
    code += "if not os.path.exists(flag):\n    open(flag, 'w').close()\n    os.kill(os.getpid(), signal.SIGSEGV)\nsys.exit(0)"

    await asyncio.wait_for(supervisor(code, "video", burst=True).run(), 60)

    assert [line.get("signal") or line["exit_code"] for line in events(told, "worker_ended")] == ["SIGSEGV", 0]


# Killed ourselves.


@pytest.mark.skipif(sys.platform != "linux", reason="the parent-death signal is Linux's; elsewhere a worker looks at its parent")
async def test_a_killed_supervisor_leaves_no_orphan(tmp_path, url, redis):
    (tmp_path / "worker_settings.py").write_text(STOCK)
    script = (
        "import asyncio, os; from pathlib import Path; from reelqueue.supervisor import Supervisor;"
        "asyncio.run(Supervisor(('video',), os.environ, Path.cwd()).run())"
    )
    env = os.environ | {"REELQUEUE_REDIS_URL": url, "PYTHONPATH": str(tmp_path)}
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, env=env, cwd=tmp_path, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
    )
    worker = await next_worker(redis)
    parent.kill()
    await parent.wait()

    await wait_until(lambda: not runs(worker), "the worker dies too")


async def test_a_worker_knows_its_supervisor(supervisor, tmp_path, told):
    code = PLAIN + "say('mine', pid=int(os.environ['REELQUEUE_SUPERVISOR_PID']), parent=os.getppid())\nsay_ready()\nwait()"
    async with running(supervisor(code, "video")):
        await wait_until(lambda: events(told, "worker_ready"), "it gets going")

    said = json.loads((tmp_path / "workers.log").read_text().splitlines()[0])
    assert said["pid"] == said["parent"] == os.getpid()

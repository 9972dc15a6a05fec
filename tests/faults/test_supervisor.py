"""`reelqueue worker` as an operator runs it: a supervisor, its workers and their children, all real."""

import asyncio
import contextlib
import itertools
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import psutil
import pytest
from arq.constants import in_progress_key_prefix
from redis.asyncio import Redis

from jobs.app import Queue
from jobs.fleet import Fleet
from jobs.pipeline import VIDEO
from reelqueue import embedded
from tests import forks
from tests.faults.course import Course
from tests.faults.redis_server import RedisServer
from tests.workers import ROOT, environment, until

pytestmark = pytest.mark.slow
COMMAND = (sys.executable, "-c", "from reelqueue.cli import main; main()", "worker")
STAND_IN = Path(__file__).parent / "supervised"
LONG_LEASE = "120"
"""So long that what is taken over sooner was freed by the supervisor."""
_numbers = itertools.count(1)


class Supervised:
    """A running `reelqueue worker`, and what it and its workers said."""

    def __init__(self, process: subprocess.Popen[bytes], folder: Path) -> None:
        self.process = process
        self._folder = folder

    @property
    def out(self) -> str:
        """Its stdout."""
        return (self._folder / "out").read_text(encoding="utf-8")

    @property
    def err(self) -> str:
        """Its stderr."""
        return (self._folder / "err").read_text(encoding="utf-8")

    def events(self, name: str) -> list[dict[str, Any]]:
        """The whole lines of this event; whatever is no JSON fails the test."""
        lines = [json.loads(line) for line in self.err.splitlines(keepends=True) if line.endswith("\n")]
        return [line for line in lines if line["event"] == name]

    async def ready(self, workers: int = 1, *, seconds: float = 60) -> None:
        """Wait until so many workers got going, all in all."""

        def enough() -> bool:
            assert self.process.poll() is None, self.err
            return len(self.events("worker_ready")) >= workers

        await until(enough, f"{workers} workers are ready", seconds=seconds)

    async def ended(self, seconds: float = 60) -> int:
        """Its exit code."""
        await until(lambda: self.process.poll() is not None, "the supervisor ends", seconds=seconds)
        assert self.process.returncode is not None
        return self.process.returncode

    def family(self) -> list[psutil.Process]:
        """Its descendants."""
        return psutil.Process(self.process.pid).children(recursive=True)


Supervise = Callable[..., AbstractAsyncContextManager[Supervised]]


@pytest.fixture
def supervise(settings, tmp_path, course) -> Supervise:
    """Starts `reelqueue worker` with these arguments and settings; a value of None takes one away."""

    @contextlib.asynccontextmanager
    async def started(
        *arguments: str, command: Sequence[str] = COMMAND, hold: bool = False, **more: str | None
    ) -> AsyncIterator[Supervised]:
        folder = tmp_path / f"supervised-{next(_numbers)}"
        folder.mkdir()
        stand_in = {"PYTHONPATH": f"{STAND_IN}:{ROOT}", "OURS": str(ROOT / "worker_settings.py"), "COURSE": str(course.folder)}
        env = environment(settings) | (stand_in if hold else {}) | more
        with (folder / "out").open("wb") as out, (folder / "err").open("wb") as err:
            process = forks.Popen(
                [*command, *arguments],
                cwd=tmp_path,
                env={name: value for name, value in env.items() if value is not None},
                stdout=out,
                stderr=err,
            )
        try:
            yield Supervised(process, folder)
        finally:
            family = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
            process.kill()
            process.wait()
            psutil.wait_procs(family, timeout=10)

    return started


async def enqueue(queue: Queue, name: str) -> Any:
    return await queue.enqueue_job("hold", name, _queue_name=VIDEO)


# From the first line to the last.


async def test_each_line_is_json_and_each_worker_is_told_of(supervise):
    async with supervise("all", "--video-workers", "2") as supervised:
        await supervised.ready(4)
        supervised.process.terminate()

        assert await supervised.ended() == 0
    started = {line["worker"]: line["pid"] for line in supervised.events("worker_started")}
    ended = {line["worker"]: line["exit_code"] for line in supervised.events("worker_ended") if "exit_code" in line}
    assert set(started) == {"video", "video-2", "batch", "maintenance"}
    assert ended == dict.fromkeys(started, 0)
    assert supervised.out == ""
    for line in map(json.loads, supervised.err.splitlines()):
        assert {"timestamp", "level", "event"} <= line.keys(), line
    assert not any(psutil.pid_exists(pid) for pid in started.values())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("when", ["at the start", "at work"])
async def test_whoever_asks_it_to_end_the_exit_code_is_0(supervise, number, when):
    async with supervise("batch") as supervised:
        if when == "at work":
            await supervised.ready()
        else:
            await until(lambda: supervised.events("worker_started"), "the first line")
        supervised.process.send_signal(number)

        assert await supervised.ended() == 0


async def test_under_nohup_it_outlives_its_terminal(supervise):
    async with supervise("batch", command=("nohup", *COMMAND)) as supervised:
        await supervised.ready()
        supervised.process.send_signal(signal.SIGHUP)
        supervised.process.send_signal(signal.SIGTERM)

        assert await supervised.ended() == 0
    assert [line["time"] for line in supervised.events("workers_asked_to_end")] == [1]


async def test_for_people_the_lines_are_no_json(supervise):
    async with supervise("batch", LOG_FORMAT="console") as supervised:
        await until(lambda: "worker_ready" in supervised.err, "it is ready")
        supervised.process.terminate()
        await supervised.ended()

    assert "{" not in supervised.err


async def test_a_burst_ends_when_all_its_workers_have_ended(supervise, queue):
    job = await queue.enqueue_job("debug_task", _queue_name=VIDEO)
    async with supervise("all", "--burst", "--video-workers", "2") as supervised:
        assert await supervised.ended(120) == 0

    assert (await job.result(timeout=1))["pong"]
    assert len([line for line in supervised.events("worker_ended") if "exit_code" in line]) == 4


async def test_where_no_redis_is_named_it_brings_its_own(supervise, data_dir):
    async with supervise("batch", REDIS_URL=None) as supervised:
        await supervised.ready()
        there = embedded.find(data_dir / "redis")
        supervised.process.terminate()

        assert await supervised.ended() == 0
    assert there is not None
    assert embedded.find(data_dir / "redis") is None


# Refused.


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        pytest.param({"VIDEO_MAX_JOBS": "many"}, "VIDEO_MAX_JOBS", id="a setting"),
        pytest.param({"REDIS_URL": "http://x"}, "REDIS_URL", id="an address"),
        pytest.param({"REDIS_URL": "redis://127.0.0.1:1"}, "no Redis answers", id="no server"),
        pytest.param({"DATA_DIR": "another"}, "another installation", id="another installation"),
        pytest.param({"DATA_DIR": "/proc/none"}, "DATA_DIR", id="an unwritable folder"),
        pytest.param({"DATA_DIR": "/proc/none", "REDIS_URL": None}, "DATA_DIR", id="an unwritable folder, no server named"),
        pytest.param({"LOG_FORMAT": "soup"}, "LOG_FORMAT", id="a format of lines"),
    ],
)
async def test_what_a_user_can_mend_is_one_line_of_json_and_exit_code_2(supervise, queue, wrong, expected):
    async with supervise("all", **wrong) as supervised:
        code = await supervised.ended()

    assert code == 2
    (refusal,) = supervised.events("refused")
    assert refusal["level"] == "error"
    assert expected in refusal["error"]
    assert refusal["hint"]
    assert refusal["code"] == "invalid_settings"
    assert "Traceback" not in supervised.err
    assert supervised.out == ""


async def test_a_wrong_password_is_refused_and_not_shown(supervise, server, queue):
    async with Redis.from_url(server.url) as redis:
        await redis.config_set("requirepass", "the-right-password")
    async with supervise("video", REDIS_URL=server.url.replace("redis://", "redis://:canary-of-ours@")) as supervised:
        assert await supervised.ended() == 2

    assert len(supervised.events("refused")) == 1
    assert "canary" not in supervised.err


@pytest.mark.parametrize("arguments", [("soup",), ("batch", "--video-workers", "2"), ("--video-workers", "0")])
async def test_a_wrong_command_line_is_wrong_usage(supervise, arguments):
    async with supervise(*arguments) as supervised:
        assert await supervised.ended() == 2

    assert arguments[-1] in supervised.err or arguments[0] in supervised.err


async def test_a_refusal_for_people_is_words(supervise):
    async with supervise("all", LOG_FORMAT="console", VIDEO_MAX_JOBS="many") as supervised:
        assert await supervised.ended() == 2

    assert "VIDEO_MAX_JOBS" in supervised.err
    assert "{" not in supervised.err


async def test_a_burst_whose_worker_never_gets_going_fails(supervise, tmp_path):
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "worker_settings.py").write_text("raise ValueError('broken')")
    async with supervise("batch", "--burst", PYTHONPATH=str(tmp_path / "broken")) as supervised:
        assert await supervised.ended() == 1

    (crash,) = supervised.events("crashed")
    assert "broken" in crash["error"]
    assert all("Traceback" not in line.get("event", "") for line in map(json.loads, supervised.err.splitlines()))


# A worker dies.


async def test_a_sibling_takes_a_dead_workers_job_over_at_once(supervise, queue, course):
    async with supervise("video", "--video-workers", "2", hold=True, LEASE_SECONDS=LONG_LEASE) as supervised:
        await supervised.ready(2)
        job = await enqueue(queue, "a")
        dead = (await course.seen("a")).pid
        children = await until(lambda: len(found := psutil.Process(dead).children(recursive=True)) == 2 and found, "its children")
        killed_at = time.monotonic()
        os.kill(dead, signal.SIGKILL)
        taken = await course.seen("a", times=2)
        course.leave("a")
        result = await job.result(timeout=20)
        alive = psutil.wait_procs(children, timeout=5)[1]

    assert taken.at - killed_at < 10  # 0.1 s where the machine is not busy; by its lease it would be 120 s
    assert result == {"pid": taken.pid}
    assert taken.pid != dead
    assert alive == []
    died = next(line for line in supervised.events("worker_ended") if "signal" in line)
    assert (died["signal"], died["restart_in_s"], died["pid"]) == ("SIGKILL", 0.0, dead)
    assert [line["jobs"] for line in supervised.events("claims_freed")] == [[job.job_id]]


async def test_an_only_worker_that_died_is_started_again_and_takes_its_job_over(supervise, queue, course):
    async with supervise("video", hold=True, LEASE_SECONDS=LONG_LEASE) as supervised:
        await supervised.ready()
        job = await enqueue(queue, "a")
        dead = (await course.seen("a")).pid
        os.kill(dead, signal.SIGKILL)
        taken = await course.seen("a", times=2, seconds=60)
        course.leave("a")

        assert await job.result(timeout=20) == {"pid": taken.pid}
    assert taken.pid != dead


async def test_a_worker_that_dies_while_redis_is_away_comes_back_with_it(
    supervise, queue: Queue, course: Course, server: RedisServer
):
    async with supervise("video", hold=True) as supervised:
        await supervised.ready()
        await enqueue(queue, "a")
        dead = (await course.seen("a")).pid
        await server.kill()
        os.kill(dead, signal.SIGKILL)
        await until(lambda: len(supervised.events("worker_started")) >= 3, "it refuses and is tried again")
        await server.start()
        await course.seen("a", times=2, seconds=90)

        assert supervised.process.poll() is None
    assert supervised.events("claims_not_freed")
    refused = [line for line in supervised.events("worker_ended") if line.get("exit_code") == 2]
    assert refused
    assert refused[0]["hint"]


# The supervisor is told to end, or dies.


async def test_a_job_in_hand_is_drained(supervise, queue, course):
    async with supervise("video", hold=True) as supervised:
        await supervised.ready()
        job = await enqueue(queue, "a")
        await course.seen("a")
        supervised.process.terminate()
        await until(lambda: supervised.events("worker_drains"), "it drains")
        assert supervised.process.poll() is None
        course.leave("a")

        assert await supervised.ended() == 0
    assert (await job.result(timeout=1))["pid"]
    assert course.pids("a", "stopped") == []


async def test_a_second_signal_hands_the_job_back_at_once(supervise, queue, course, server):
    async with supervise("video", hold=True, DRAIN_SECONDS="600") as supervised:
        await supervised.ready()
        job = await enqueue(queue, "a")
        await course.seen("a")
        family = supervised.family()
        supervised.process.terminate()
        await until(lambda: supervised.events("worker_drains"), "it drains")
        supervised.process.terminate()

        assert await supervised.ended(30) == 0
    assert psutil.wait_procs(family, timeout=5)[1] == []
    async with Redis.from_url(server.url) as redis:
        assert await redis.zscore(VIDEO, job.job_id) is not None
        assert not await redis.exists(in_progress_key_prefix + job.job_id)


async def test_a_worker_that_does_not_hear_is_killed_with_its_children_and_its_job_freed(supervise, queue, course, server):
    async with supervise("video", hold=True, DRAIN_SECONDS="0", LEASE_SECONDS=LONG_LEASE) as supervised:
        await supervised.ready()
        job = await enqueue(queue, "a")
        await course.seen("a")
        family = supervised.family()
        os.kill((await course.seen("a")).pid, signal.SIGSTOP)
        supervised.process.terminate()

        assert await supervised.ended() == 1
    assert psutil.wait_procs(family, timeout=5)[1] == []
    async with Redis.from_url(server.url) as redis:
        assert not await redis.exists(in_progress_key_prefix + job.job_id)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a worker looks at its parent every few seconds, and drains")
async def test_a_killed_supervisor_leaves_neither_workers_nor_their_children(supervise, queue, course):
    async with supervise("all", hold=True) as supervised:
        await supervised.ready(3)
        await enqueue(queue, "a")
        await until(lambda: {"lavfi", "reelqueue.media.soundtrack"} <= _words(supervised.family()), "FFmpeg and a Python child")
        family = supervised.family()
        supervised.process.kill()
        supervised.process.wait()
        alive = await asyncio.to_thread(psutil.wait_procs, family, 5)

    assert len(family) == 5  # three workers, FFmpeg, a Python child
    assert alive[1] == []


def _words(family):
    """All that stands on the command lines of these; one that ended meanwhile has none."""
    words: set[str] = set()
    for one in family:
        with contextlib.suppress(psutil.Error):
            words.update(one.cmdline())
    return words


async def test_where_the_kernel_tells_nothing_a_worker_sees_itself_that_its_supervisor_is_gone(supervise, queue, course):
    """A shell stands in for a supervisor on a system without the parent-death signal."""
    shell = ("sh", "-c", 'REELQUEUE_SUPERVISOR_PID=$$ "$0" "$@" & wait', sys.executable, "-m", "arq")
    async with supervise("worker_settings.VideoWorker", command=shell, hold=True, DRAIN_SECONDS="0") as orphaned:
        await enqueue(queue, "a")
        await course.seen("a")
        family = await until(lambda: len(found := orphaned.family()) == 3 and found, "the worker, FFmpeg, a Python child")
        orphaned.process.kill()
        orphaned.process.wait()
        alive = await asyncio.to_thread(psutil.wait_procs, family, 30)

    assert alive[1] == []
    assert orphaned.events("supervisor_gone")


async def test_what_a_killed_supervisor_had_in_hand_the_next_one_takes_over_at_once(supervise, queue, course):
    async with supervise("video", hold=True) as first:
        await first.ready()
        job = await enqueue(queue, "a")
        await course.seen("a")
        first.process.kill()
        first.process.wait()
    async with supervise("video", hold=True) as second:
        await second.ready()
        await course.seen("a", times=2)
        course.leave("a")

        assert (await job.result(timeout=20))["pid"]


# A worker is drained.


async def test_nobody_takes_the_place_of_a_drained_worker_and_the_last_ones_end_is_the_supervisors(
    supervise, queue, course, redis
):
    """The first has a job in hand for longer than DRAIN_SECONDS: it is let end all the same."""
    fleet = Fleet(redis)
    async with supervise("video", "--video-workers", "2", hold=True, DRAIN_SECONDS="0") as supervised:
        await supervised.ready(2)
        job = await enqueue(queue, "a")
        began = await course.seen("a")
        async with asyncio.timeout(20):
            while len(found := await fleet.workers()) < 2:  # of one the first heartbeat is on its way
                await asyncio.sleep(0.02)
        busy, other = sorted(found, key=lambda one: one.pid != began.pid)
        await fleet.drain(busy.name)
        await until(lambda: supervised.events("worker_leaves"), "it leaves")
        behind = await enqueue(queue, "b")
        taken = await course.seen("b")
        course.leave("a", "b")
        assert (await job.result(timeout=20), await behind.result(timeout=20)) == ({"pid": busy.pid}, {"pid": other.pid})
        await until(lambda: supervised.events("worker_ended"), "it ends")
        assert supervised.process.poll() is None
        await fleet.drain(other.name)

        assert await supervised.ended() == 0
    assert {busy.label, other.label} == {"video", "video-2"}
    assert taken.pid == other.pid
    assert course.pids("a", "stopped") == []
    assert len(supervised.events("worker_started")) == 2

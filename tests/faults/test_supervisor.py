"""`reelqueue worker` from its first line to its last, and what it refuses."""

import json
import signal

import pytest
from redis.asyncio import Redis

from jobs.pipeline import VIDEO
from reelqueue import embedded
from tests.faults.supervising import COMMAND
from tests.processes import runs
from tests.workers import until

pytestmark = pytest.mark.slow


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
    assert not any(runs(pid) for pid in started.values())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("when", ["at the start", "at work"])
async def test_whoever_asks_it_to_end_the_exit_code_is_0(supervise, number, when):
    async with supervise("batch") as supervised:
        if when == "at work":
            await supervised.ready()
        else:
            await until(lambda: supervised.events("worker_started"), "the first line")
        supervised.process.send_signal(number)

        code = await supervised.ended()
        assert code == 0, supervised.err


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

"""The `reelqueue` command against a real server and a real folder."""

import asyncio
import contextlib
import json
import logging
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
import structlog
from redis import Redis

from reelqueue import embedded
from reelqueue.art.fonts import use_font_dir
from reelqueue.cli import command, main
from reelqueue.settings import Settings
from reelqueue.version import __version__
from reelqueue.wording import speak
from tests import forks


@pytest.fixture(scope="module")
def server_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("redis")
    with asyncio.Runner() as runner:
        stack = contextlib.AsyncExitStack()
        runner.run(stack.enter_async_context(embedded.server(folder)))
        yield folder
        runner.run(stack.aclose())


@pytest.fixture
def place(tmp_path, monkeypatch) -> Path:
    """A folder of one's own, and none of the settings of whoever runs the tests."""
    for name in [*os.environ]:
        if name.startswith("REELQUEUE_") or name in {field.upper() for field in Settings.model_fields}:
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("REDIS_URL", f"unix://{tmp_path}/none.sock")
    handlers, level = list(logging.getLogger().handlers), logging.getLogger().level
    yield tmp_path
    speak("zh-TW")
    logging.getLogger().handlers[:] = handlers
    logging.getLogger().setLevel(level)
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()
    use_font_dir(None)


@pytest.fixture
def redis(place, server_folder, monkeypatch):
    url = embedded.find(server_folder)
    monkeypatch.setenv("REDIS_URL", url)
    with Redis.from_url(url) as client:
        client.flushall()
        yield client


@pytest.fixture
def said(capsys):
    """Carry a command out: exit code, stdout, stderr; a traceback is never seen."""

    def said(*arguments: str) -> tuple[int, str, str]:
        code = command(arguments)
        out, err = capsys.readouterr()
        assert "Traceback" not in out + err
        return code, out, err

    return said


@pytest.mark.parametrize("words", ["batches show", "edit"])
def test_the_help_is_in_the_language_that_is_set_to_the_last_option(place, words):
    """What a module says of its options as it is loaded was said before the language was read."""
    script = "from reelqueue.cli import main; main()"
    env = {**os.environ, "REELQUEUE_LANGUAGE": "en"}
    shown = forks.run(
        [sys.executable, "-c", script, *words.split(), "--help"], env=env, capture_output=True, text=True, check=True
    ).stdout

    assert "--help" in shown
    assert not re.search(r"[\u3400-\u9fff]", shown)


def test_the_version_and_the_help_need_nothing(place, said):
    assert said("--version") == (0, f"reelqueue {__version__}\n", "")
    code, out, _ = said("--help")
    assert code == 0
    assert all(
        name in out
        for name in [
            "make",
            "new",
            "start",
            "watch",
            "status",
            "list",
            "retry",
            "cancel",
            "approve",
            "delete",
            "say",
            "worker",
            "doctor",
        ]
    )


def test_a_new_project_is_on_disk_without_a_redis_and_not_started(place, said):
    code, out, _ = said("new", "黑洞")
    state = json.loads((place / "data/projects/1/project_state.json").read_text())

    assert (code, out) == (0, "1\n")
    assert (state["status"], state["brief"]["topic"]) == ("created", "黑洞")


def test_what_is_on_disk_is_read_without_a_redis(redis, place, said, monkeypatch):
    said("new", "黑洞")
    said("new", "白洞")
    monkeypatch.setenv("REDIS_URL", f"unix://{place}/none.sock")

    code, out, _ = said("status", "1", "--json")
    listed = json.loads(said("list", "--json")[1])

    assert code == 0
    assert json.loads(out)["brief"]["topic"] == "黑洞"
    assert [state["project_id"] for state in listed] == [2, 1]
    assert "黑洞" in said("list")[1]
    shown = said("status", "1")[1]
    assert ("已建立" in shown, "腳本: 未開始" in shown) == (True, True)
    assert json.loads(said("list", "--json", "--status", "failed")[1]) == []


def test_the_status_of_what_is_completed_says_where_it_lies(place, said):
    said("new", "黑洞")
    folder = place / "data/projects/1"
    state = json.loads((folder / "project_state.json").read_text())
    state["status"] = "completed"
    state["stages"]["upload"] |= {"status": "done", "result": {"video_url": "file:///there.mp4"}}
    paid = {"service": "gemini", "model": "m", "unit": "image_tokens", "amount": 1680, "cost_usd": 0.1008}
    state["usage"] = [paid, paid | {"unit": "output_tokens", "cost_usd": 0.02}]
    (folder / "project_state.json").write_text(json.dumps(state))
    (folder / "output").mkdir(exist_ok=True)
    (folder / "output/final_video.mp4").write_bytes(b"x" * 1000)

    code, out, _ = said("status", "1")

    assert code == 0
    assert f"影片: {folder}/output/final_video.mp4 (1.0 kB)" in out
    assert "發布於: file:///there.mp4" in out
    assert "花費: 0.12 美元（gemini）" in out


def test_a_projects_way_by_hand(redis, place, said):
    said("new", "黑洞")

    assert said("start", "1")[:2] == (0, "專案 1 已排入佇列\n")
    assert redis.zcard("video_generation") == 1
    assert said("cancel", "1")[0] == 0
    assert json.loads(said("status", "1", "--json")[1])["status"] == "cancelled"
    assert said("watch", "1")[0] == 1
    assert said("retry", "1", "--from", "script")[0] == 0
    assert said("cancel", "1")[0] == 0
    assert said("delete", "1")[0] == 0
    assert said("status", "1")[0] == 2


def test_a_project_whose_state_cant_be_read_can_be_deleted_as_the_hint_says(redis, place, said):
    said("new", "黑洞")
    (place / "data/projects/1/project_state.json").write_text("{")

    assert said("status", "1")[0] == 3
    assert said("retry", "1")[0] == 3
    assert said("delete", "1")[0] == 0
    assert said("status", "1")[0] == 2


def test_a_cleanup_says_what_would_go_then_takes_it_without_a_redis(place, said):
    said("new", "黑洞")
    stray = place / "data/projects/1/output/render.1.part"
    stray.parent.mkdir(exist_ok=True)
    stray.write_bytes(b"x" * 2_000)
    os.utime(stray, (0, 0))

    would, listed = said("cleanup", "--dry-run"), json.loads(said("cleanup", "--dry-run", "--json")[1])
    there = stray.exists()
    did, again = said("cleanup"), said("cleanup")

    assert (would[0], "會清出 2.0 kB（1 個檔案）" in would[1], "中斷留下的暫存檔 2.0 kB" in would[1]) == (0, True, True)
    assert (listed["dry_run"], listed["projects"]) == (
        True,
        [{"project_id": 1, "files": 1, "bytes": 2000, "why": {"stray": 2000}}],
    )
    assert (there, stray.exists(), "清出 2.0 kB" in did[1], "清出 0 B" in again[1]) == (True, False, True, True)


def test_a_cleanup_where_nothing_is_makes_no_folder(place, said):
    code, out, err = said("cleanup")

    assert (code, out, err, (place / "data").exists()) == (0, "還沒有專案\n", "", False)


def test_several_are_deleted_and_one_that_was_before_is_told_of(redis, place, said):
    said("new", "黑洞")
    said("new", "白洞")
    said("new", "蟲洞")
    unknown = said("delete", "1", "99")
    first = said("delete", "1", "1")

    code, out, err = said("delete", "1", "2", "3", "--video", "--yes")

    assert (unknown[:2], "99" in unknown[2]) == ((2, ""), True)
    assert first[:2] == (0, "專案 1 已刪除\n")
    assert (code, out, "專案 1 之前已刪除" in err) == (0, "專案 2 已刪除\n專案 3 已刪除\n", True)
    assert said("delete", "1", "2")[0] == 2


@pytest.mark.parametrize(("arguments", "named"), [((), "--batch"), (("--batch", "7"), "7"), (("--batch", "x"), "x")])
def test_a_delete_of_nobody_is_wrong_usage(place, said, arguments, named):
    code, _, err = said("delete", *arguments)

    assert (code, named in err) == (2, True)


def test_a_file_for_the_tests_clock_that_says_no_seconds_is_named(place, said, monkeypatch):
    (place / "clock").write_text("tomorrow")
    monkeypatch.setenv("TEST_CLOCK_FILE", str(place / "clock"))

    code, _, err = said("list")

    assert (code, "TEST_CLOCK_FILE" in err) == (2, True)


def test_a_data_dir_that_cant_be_used_is_named_before_a_server_is_started(place, said, monkeypatch):
    (place / "file").write_text("")
    monkeypatch.setenv("DATA_DIR", str(place / "file"))

    code, _, complaint = said("make", "黑洞")

    assert code == 1
    assert "DATA_DIR" in complaint


@pytest.mark.parametrize("number", ["7", "../x", "9" * 300, "１", "0", "-1x", ""])
@pytest.mark.parametrize("act", ["status", "watch", "start", "cancel", "retry", "approve", "delete"])
def test_an_unknown_project_is_wrong_usage(place, said, act, number):
    code, out, err = said(act, "--", number)

    assert (code, out) == (2, "")
    assert "找不到專案" in err


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        pytest.param(["fly"], "fly", id="no command"),
        pytest.param(["status"], "ID", id="no id"),
        pytest.param(["status", "1", "--loud"], "--loud", id="no option"),
        pytest.param(["retry", "1", "--from", "soup"], "soup", id="no stage"),
        pytest.param(["list", "--status", "soup"], "soup", id="no status"),
        pytest.param(["list", "--limit", "x"], "limit", id="no number"),
        pytest.param(["worker", "soup"], "soup", id="no worker"),
        pytest.param(["new", "t", "--aspect", "4:3"], "aspect", id="no aspect"),
        pytest.param(["make", "--from", "none.md"], "none.md", id="no file"),
        pytest.param(["say", " "], "TEXT", id="nothing to say"),
    ],
)
def test_wrong_usage_is_named(place, said, arguments, named):
    code, out, err = said(*arguments)

    assert (code, out) == (2, "")
    assert named in err


def test_a_wrong_setting_is_named(place, said, monkeypatch):
    monkeypatch.setenv("RETRY_DELAYS", "soon")

    code, _, err = said("list")

    assert code == 2
    assert "RETRY_DELAYS" in err


def test_without_a_redis_the_message_says_what_to_do(place, redis, said, monkeypatch):
    said("new", "黑洞")
    monkeypatch.setenv("REDIS_URL", f"unix://{place}/none.sock")

    code, _, err = said("start", "1")

    assert code == 1
    assert "REDIS_URL" in err


def test_a_project_is_cancelled_without_a_redis(place, redis, said, monkeypatch):
    """Whoever works on it looks at the disk; another installation's Redis is still refused."""
    said("new", "黑洞")
    said("new", "白洞")
    redis.set("reelqueue:installation", "somebody else's")
    refused = said("cancel", "2")
    monkeypatch.setenv("REDIS_URL", f"unix://{place}/none.sock")

    answers = [said("cancel", "1"), said("cancel", "1"), said("cancel", "3")]

    assert [code for code, _, _ in answers] == [0, 0, 2]
    assert ("專案 1 已取消" in answers[0][1], "Redis 沒有回應" in answers[0][2]) == (True, True)
    assert (refused[0], "另一個安裝" in refused[2]) == (1, True)
    states = [json.loads((place / f"data/projects/{number}/project_state.json").read_text())["status"] for number in (1, 2)]
    assert states == ["cancelled", "created"]


def test_a_redis_that_asks_for_a_password_is_named_without_it(redis, place, said, monkeypatch):
    said("new", "黑洞")
    redis.config_set("requirepass", "right-password")
    try:
        code, _, err = said("start", "1")
        monkeypatch.setenv("REDIS_URL", os.environ["REDIS_URL"].replace("unix://", "unix://me:wrong-password@"))
        wrong = said("start", "1")
    finally:
        redis.execute_command("AUTH", "right-password")
        redis.config_set("requirepass", "")

    assert (code, wrong[0]) == (1, 1)
    assert "密碼" in err
    assert "密碼" in wrong[2]
    assert "wrong-password" not in wrong[2]


def test_every_word_is_there_in_english(redis, place, said, monkeypatch):
    monkeypatch.setenv("REELQUEUE_LANGUAGE", "en")
    said("new", "Black holes")

    assert said("start", "1")[1] == "project 1 is queued\n"
    assert said("status", "9")[2].splitlines()[0] == "✗ there is no project 9"
    assert said("fly")[2].splitlines()[0] == "✗ No such command 'fly'."


@pytest.mark.parametrize("name", ["FFMPEG_BINARY", "FONT_DIR", "MUSIC_DIR"])
def test_a_tool_that_every_worker_would_refuse_is_named_before_there_is_a_project(place, said, monkeypatch, name):
    monkeypatch.setenv(name, str(place / "none"))

    code, _, complaint = said("make", "黑洞")

    assert code in {1, 2}
    assert name in complaint
    assert not (place / "data").exists()


def test_a_font_that_is_none_is_named(place, said, monkeypatch):
    (place / "Inter-Bold.ttf").write_text("no font")
    monkeypatch.setenv("FONT_DIR", str(place))

    code, _, complaint = said("make", "黑洞")

    assert (code, "Inter-Bold.ttf" in complaint) == (2, True)


def test_ctrl_c_before_a_command_runs_is_no_traceback(monkeypatch, capsys):
    def interrupted(_arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr("reelqueue.cli.command", interrupted)

    with pytest.raises(SystemExit) as ended:
        main()

    assert ended.value.code == 130
    assert capsys.readouterr().err == ""


def test_ctrl_c_in_the_middle_of_make_says_how_to_go_on_and_leaves_no_process(place):
    """From a terminal the signal reaches `make` alone: its workers are in sessions of their own."""
    env = os.environ | {"REDIS_URL": ""}
    making = forks.Popen(
        [sys.executable, "-c", "from reelqueue.cli import main; main()", "make", "黑洞", "--duration", "15"],
        env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    deadline = time.monotonic() + 120
    while not (place / "data/projects/1/script.json").exists():
        assert time.monotonic() < deadline, "the script is written"
        assert making.poll() is None, making.stdout.read()
        time.sleep(0.05)
    family = psutil.Process(making.pid).children(recursive=True)
    making.send_signal(signal.SIGINT)
    out, _ = making.communicate(timeout=60)

    assert making.returncode == 130
    assert "reelqueue worker" in out
    assert psutil.wait_procs(family, timeout=30)[1] == []
    assert embedded.find(place / "data/redis") is None

"""What is wrong when a worker starts is one line that says what to do, in the language of who started it, and exit code 2."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from jobs.client import connect
from reelqueue.settings import Settings
from tests import forks
from tests.workers import ROOT, environment

ARQ = str(Path(sys.executable).with_name("arq"))
SECRET = "hunter2-hunter2"
WORKER = "worker_settings.BatchWorker"
HAN = re.compile(r"[\u4e00-\u9fff]")


def start(settings: Settings, wrong: Mapping[str, str], *command: str) -> subprocess.CompletedProcess[str]:
    """A worker that is started with `wrong` in its environment, to its end."""
    env = {name: value for name, value in (environment(settings) | wrong).items() if value}
    return forks.run(
        [*(command or (ARQ, WORKER, "--burst"))],
        cwd=ROOT, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60, check=False,
    )  # fmt: skip


def refusal(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    """The one line that it wrote."""
    lines = done.stdout.splitlines()
    assert len(lines) == 1, done.stdout
    assert SECRET not in done.stdout
    line: dict[str, Any] = json.loads(lines[0])
    assert (done.returncode, line["event"], line["level"]) == (2, "refused", "error"), done.stdout
    assert {"timestamp", "code", "error", "hint"} <= line.keys()
    assert line["hint"]
    return line


WRONG = [
    pytest.param({"VIDEO_MAX_JOBS": "many"}, "VIDEO_MAX_JOBS", "VIDEO_MAX_JOBS", id="a number that is none"),
    pytest.param({"LOG_FORMAT": "xml"}, "LOG_FORMAT", "json", id="a word that is not allowed"),
    pytest.param({"TIMEZONE": "Mars/Base"}, "TIMEZONE", "Asia/Taipei", id="a time zone that is none"),
    pytest.param({"REDIS_URL": f"http://me:{SECRET}@x"}, "REDIS_URL", "redis://", id="an address of another kind"),
    pytest.param({"REDIS_URL": f"redis://me:{SECRET}@[x"}, "REDIS_URL", "redis://", id="an address that is none"),
    pytest.param(
        {"REDIS_URL": "", "CELERY_BROKER_URL": f"amqp://me:{SECRET}@x//"}, "CELERY_BROKER_URL", "REDIS_URL", id="RabbitMQ"
    ),
    pytest.param({"REDIS_URL": f"redis://me:{SECRET}@127.0.0.1:1/0"}, "REDIS_URL", "127.0.0.1:1", id="no server"),
    pytest.param(
        {"REDIS_URL": "", "REDIS_HOST": "127.0.0.1", "REDIS_PORT": "1"}, "REDIS_HOST", "REDIS_HOST", id="no server at a host"
    ),
    pytest.param({"FFMPEG_BINARY": "/nowhere/ffmpeg"}, None, "FFMPEG_BINARY", id="a tool that is not there"),
    pytest.param({"MUSIC_DIR": "/nowhere"}, "MUSIC_DIR", "/nowhere", id="a folder that is not there"),
]


@pytest.mark.parametrize("language", ["zh-TW", pytest.param("en", marks=pytest.mark.soak)])
@pytest.mark.parametrize(("wrong", "setting", "names"), WRONG)
def test_what_is_wrong_is_told_in_one_line(
    settings: Settings, wrong: dict[str, str], setting: str | None, names: str, language: str
) -> None:
    line = refusal(start(settings, wrong | {"REELQUEUE_LANGUAGE": language}))

    assert line.get("setting") == setting
    assert names in line["error"] + line["hint"]
    assert bool(HAN.search(line["error"] + line["hint"])) == (language == "zh-TW")


def test_no_redis_is_tried_for_about_five_seconds(settings: Settings) -> None:
    began = time.monotonic()

    refusal(start(settings, {"REDIS_URL": "unix:///nowhere/redis.sock"}))

    assert time.monotonic() - began > 4  # and no minute, which `start` would not wait for


def test_a_wrong_password_is_told_at_once_and_is_not_shown(settings: Settings) -> None:
    right = settings.configured_redis_url or ""
    wrong = re.sub(r"(?<=://)[^@]*@", f"reelqueue:{SECRET}@", right)
    assert wrong != right

    line = refusal(start(settings, {"REDIS_URL": wrong}))

    assert (line["setting"], "password" in line["error"]) == ("REDIS_URL", True)


async def test_the_redis_of_another_installation_is_left_alone(settings: Settings, tmp_path: Path) -> None:
    async with connect(settings):
        line = refusal(start(settings, {"DATA_DIR": str(tmp_path / "another")}))

    assert "another installation" in line["error"]
    assert "DATA_DIR" in line["hint"]


def test_a_file_in_the_way_of_the_folder_is_named(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    line = refusal(start(settings, {"DATA_DIR": str(tmp_path / "file" / "data")}))

    assert line["setting"] == "DATA_DIR"
    assert str(tmp_path / "file" / "data") in line["error"]


@pytest.fixture
def closed(tmp_path: Path) -> tuple[Path, tuple[str, ...]]:
    """A folder that the command after the wrapper can't write in, and the wrapper: root can write wherever it is not read-only."""
    folder = tmp_path / "closed"
    folder.mkdir(mode=0o555)
    if os.geteuid() != 0:
        return folder, ()
    wrapper = ("unshare", "--mount", "sh", "-c", 'mount -t tmpfs -o ro tmpfs "$0" && exec "$@"', str(folder))
    if shutil.which("unshare") is None or subprocess.run([*wrapper, "true"], check=False, capture_output=True).returncode:
        pytest.skip("root without the right to mount")
    return folder, wrapper


def test_a_folder_that_can_not_be_written_is_named(settings: Settings, closed: tuple[Path, tuple[str, ...]]) -> None:
    folder, wrapper = closed

    line = refusal(start(settings, {"DATA_DIR": str(folder / "data")}, *wrapper, ARQ, WORKER))

    assert line["setting"] == "DATA_DIR"
    assert str(folder / "data") in line["error"]


@pytest.mark.parametrize("override", ["", "true"])
def test_a_network_file_system_is_named_and_refused_unless_it_is_allowed(
    settings: Settings, tmp_path: Path, override: str
) -> None:
    """The mount table is a file of the test's; all else is arq's own command in a process of its own."""
    table = tmp_path / "mountinfo"
    table.write_text(f"20 1 8:1 / / rw - ext4 /dev/a rw\n30 20 0:5 / {tmp_path} rw - nfs4 host:/x rw\n", encoding="utf-8")
    program = (
        "import pathlib, runpy, sys\n"
        "from storage import installation\n"
        f"installation._MOUNT_TABLE = pathlib.Path({str(table)!r})\n"
        f"sys.argv = ['arq', {WORKER!r}, '--burst']\n"
        "runpy.run_module('arq', run_name='__main__', alter_sys=True)"
    )

    done = start(settings, {"ALLOW_NETWORK_FS": override}, sys.executable, "-c", program)

    if override:
        assert done.returncode == 0, done.stdout
        return
    line = refusal(done)
    assert (line["setting"], "nfs4" in line["error"]) == ("DATA_DIR", True)
    assert "REELQUEUE_ALLOW_NETWORK_FS=true" in line["hint"]


def test_a_class_that_is_not_there_is_answered_with_those_that_are(settings: Settings) -> None:
    line = refusal(start(settings, {}, ARQ, "worker_settings.VideoWorkr"))

    assert "VideoWorkr" in line["error"]
    assert "VideoWorker" in line["hint"]


def test_an_env_file_that_is_no_text_is_named(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"\xff\xfe")
    env = environment(settings)

    done = subprocess.run(
        [ARQ, WORKER], cwd=tmp_path, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60, check=False
    )

    assert refusal(done)["setting"] == ".env"


@pytest.mark.parametrize("wrong", [{"VIDEO_MAX_JOBS": "many"}, {"REDIS_URL": "unix:///nowhere/redis.sock"}])
def test_a_check_that_can_not_look_is_one_line_and_the_code_of_no(settings: Settings, wrong: dict[str, str]) -> None:
    """1, as stock arq's, and Docker's for "unhealthy": it keeps 2 for itself."""
    done = start(settings, wrong, ARQ, WORKER, "--check")

    (line,) = done.stdout.splitlines()
    assert (done.returncode, json.loads(line)["event"]) == (1, "refused")


def test_a_bug_is_one_line_with_its_trace_and_code_1(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "broken_settings.py").write_text("import worker_settings\nraise ZeroDivisionError('a bug')\n", encoding="utf-8")
    env = environment(settings)

    done = subprocess.run(
        [ARQ, "broken_settings.Worker"],
        cwd=tmp_path, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60, check=False,
    )  # fmt: skip

    (line,) = map(json.loads, done.stdout.splitlines())
    assert (done.returncode, line["event"], line["level"]) == (1, "crashed", "critical")
    assert line["error"] == "ZeroDivisionError: a bug"
    assert "Traceback" in line["exception"]

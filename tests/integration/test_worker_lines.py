"""Every line of a worker is one JSON object, from the first one to the last, whoever wrote it and however."""

import contextlib
import json
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from arq.jobs import JobStatus

from jobs.client import connect
from reelqueue.settings import Settings
from tests import forks
from tests.workers import ROOT, Worker, environment, until, worker

ARQ = str(Path(sys.executable).with_name("arq"))
TALKING = "tests.integration.talking_jobs"


def told(text: str) -> list[dict[str, Any]]:
    """The lines, each looked at."""
    lines = [json.loads(line) for line in text.splitlines()]
    for line in lines:
        assert datetime.fromisoformat(line["timestamp"]).tzinfo == UTC, line
        assert line["level"] in {"debug", "info", "warning", "error", "critical"}, line
        assert isinstance(line["event"], str) and line["event"], line
    return lines


async def said(settings: Settings, running: Worker, how: str) -> list[dict[str, Any]]:
    """What the worker said because of a job that says it this way."""
    before = len(running.lines())
    async with connect(settings) as queue:
        job = await queue.enqueue_job("say", how, _queue_name="batch_processing")
        with contextlib.suppress(Exception):
            await job.result(timeout=30, poll_delay=0.02)
        assert await job.status() is JobStatus.complete
    await until(
        lambda: any(line["event"] in {"job_done", "job_failed"} for line in running.lines()[before:]), "the job's last line"
    )
    return told(running.said())[before:]


def arq(settings: Settings, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    """arq's command to its end, with both of its streams in one."""
    return forks.run(
        [ARQ, *arguments],
        cwd=ROOT,
        env=environment(settings) | more,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=60,
        check=False,
    )


async def test_whatever_is_said_in_a_worker_is_a_line_of_its_log(settings: Settings) -> None:
    async with worker(settings, "BatchWorker", module=TALKING) as running:
        await until(running.lines, "the worker's first line")
        printed = [line["event"] for line in await said(settings, running, "prints")]
        assert [line for line in printed if not line.startswith("job_")] == [
            "printed", "twice", "half a line, its end 結束", "to stderr", "bytes \ufffd",
        ]  # fmt: skip

        (warned,) = [line for line in await said(settings, running, "warns") if line.get("category")]
        assert (warned["level"], warned["event"], warned["category"]) == ("warning", "this will go", "UserWarning")
        assert "talking_jobs.py:" in warned["where"]

        (raised,) = [line for line in await said(settings, running, "raises") if "exception" in line]
        assert (raised["level"], raised["error"]) == ("error", "ValueError: a bug\nof two lines")
        assert raised["exception"].startswith("Traceback")
        assert raised["job"] == "say"

        trace = [line["event"] for line in await said(settings, running, "prints a trace")]
        assert {"Traceback (most recent call last):", "KeyError: 'caught'"} <= set(trace)

        (left,) = [line for line in await said(settings, running, "leaves a task") if "exception" in line]
        assert left["error"] == "ValueError: nobody waits for this"

        (fell,) = [line for line in await said(settings, running, "fails in a finalizer") if "exception" in line]
        assert (fell["event"], fell["error"]) == ("not_raised", "ValueError: in a finalizer")
        assert "Falling.__del__" in fell["where"]

        (broke,) = [line for line in await said(settings, running, "fails in a thread") if "exception" in line]
        assert (broke["event"], broke["thread"], broke["error"]) == (
            "thread_ended",
            "a thread of its own",
            "ValueError: in a thread",
        )

        (called,) = [line for line in await said(settings, running, "fails in a callback") if "exception" in line]
        assert called["error"] == "ValueError: in a callback"

        running.tell(signal.SIGTERM)
        assert await running.ended() == 0
        events = [line["event"] for line in told(running.said())]
    assert (events[0], events[-1]) == ("worker_starts", "worker_ended")


@pytest.mark.parametrize("command", [[ARQ], [sys.executable, "-m", "arq"]], ids=["the script", "the module"])
def test_the_lines_of_a_burst_are_json_under_both_forms_of_the_command(settings: Settings, command: list[str]) -> None:
    done = subprocess.run(
        [*command, "worker_settings.MaintenanceWorker", "--burst"],
        cwd=ROOT, env=environment(settings), capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip

    assert (done.returncode, done.stdout) == (0, "")
    assert told(done.stderr)


def test_a_warning_of_an_import_is_a_line_too(settings: Settings) -> None:
    done = arq(settings, f"{TALKING}.BatchWorker", "--burst", PYTHONWARNINGS="always")

    assert done.returncode == 0, done.stdout
    assert told(done.stdout)


def test_what_is_deprecated_is_told_though_python_hides_it(settings: Settings) -> None:
    done = arq(
        settings, "worker_settings.BatchWorker", "--burst", REDIS_URL="", CELERY_BROKER_URL=settings.configured_redis_url or ""
    )

    (line,) = [line for line in told(done.stdout) if line.get("category") == "DeprecationWarning"]
    assert (done.returncode, line["level"]) == (0, "warning")
    assert "CELERY_BROKER_URL" in line["event"]


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
def test_a_worker_whose_streams_are_closed_works(settings: Settings, closed: str) -> None:
    done = subprocess.run(
        ["sh", "-c", f'"$0" worker_settings.BatchWorker --burst {closed}', ARQ],
        cwd=ROOT, env=environment(settings), capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip

    assert (done.returncode, done.stdout) == (0, "")
    assert bool(told(done.stderr)) == ("2>" not in closed)


async def test_check_answers_in_a_line_and_a_code(settings: Settings) -> None:
    none = arq(settings, "worker_settings.BatchWorker", "--check")
    async with worker(settings, "BatchWorker") as running:
        await until(running.lines, "the worker's first line")
        there = arq(settings, "worker_settings.BatchWorker", "--check")

    assert (none.returncode, [line["level"] for line in told(none.stdout)]) == (1, ["warning"])
    assert (there.returncode, [line["level"] for line in told(there.stdout)]) == (0, ["info"])


def test_verbose_tells_more_than_the_level_that_is_set(settings: Settings) -> None:
    quiet = arq(settings, "worker_settings.BatchWorker", "--burst", LOG_LEVEL="warning")
    verbose = arq(settings, "worker_settings.BatchWorker", "--burst", "-v", LOG_LEVEL="warning")

    assert told(quiet.stdout) == []
    assert "info" in {line["level"] for line in told(verbose.stdout)}


def test_a_logging_dictionary_of_ones_own_is_obeyed_for_arqs_lines_and_only_for_them(settings: Settings) -> None:
    checked = arq(settings, f"{TALKING}.BatchWorker", "--check", "--custom-log-dict", f"{TALKING}.LOGGING")
    ran = arq(settings, f"{TALKING}.BatchWorker", "--burst", "--custom-log-dict", f"{TALKING}.LOGGING")

    assert checked.stdout.startswith("OWN Health check failed")
    assert len(checked.stdout.splitlines()) == 1
    assert {line["event"] for line in told(ran.stdout)} >= {"worker_starts", "worker_ended"}


def test_a_video_worker_says_once_who_makes_what_and_no_key(settings: Settings) -> None:
    done = arq(settings, "worker_settings.VideoWorker", "--burst", GEMINI_API_KEY="AIzaCANARY", VOICE_PROVIDER="local")

    (line,) = [line for line in told(done.stdout) if line["event"] == "providers"]
    assert {name: line[name] for name in ("script", "image", "voice", "presenter", "publisher")} == {
        "script": "gemini", "image": "gemini", "voice": "local", "presenter": "local", "publisher": "local",
    }  # fmt: skip
    assert "CANARY" not in done.stdout


def test_people_get_the_console_format(settings: Settings) -> None:
    done = arq(settings, "worker_settings.BatchWorker", "--burst", LOG_FORMAT="console")

    assert "worker_starts" in done.stdout
    assert "\x1b[" not in done.stdout  # no colours where nobody looks
    assert not done.stdout.startswith("{")


HOST = """
import logging, sys, threading, warnings
{before}
def seen():
    import arq.cli, arq.worker
    return (arq.worker.Worker, arq.cli.default_log_config, sys.stdout, sys.stderr, sys.excepthook, sys.unraisablehook,
            threading.excepthook, warnings.showwarning, list(warnings.filters), list(logging.getLogger().handlers),
            logging.getLogger().level, logging.getLogger("arq").handlers, structlog.is_configured())
import structlog, redis, pydantic, psutil  # what they do to the filters of warnings is theirs
before = seen()
import worker_settings
assert seen() == before, (before, seen())
print("kept")
{after}
"""
COMMANDS = "import click\n@click.command()\n@click.option('--verbose', is_flag=True)\ndef cli(verbose):\n    exec(compile(HOST, 'host', 'exec'), {'__name__': 'host'})\n"


@pytest.mark.parametrize(
    ("file", "text"),
    [
        pytest.param("host.py", HOST.format(before="", after=""), id="a program"),
        pytest.param("arq/host.py", HOST.format(before="", after=""), id="a program in a folder named arq"),
        pytest.param("bin/arq", HOST.format(before="", after=""), id="a program named arq"),
        pytest.param("host.py", f"HOST = {HOST.format(before='', after='')!r}\n{COMMANDS}cli()", id="a command of click's"),
        pytest.param(
            "host.py", HOST.format(before="from arq.cli import cli", after=""), id="a program that has loaded arq's command"
        ),
    ],
)
def test_a_host_that_imports_us_keeps_its_arq_its_logging_and_its_hooks(
    settings: Settings, tmp_path: Path, file: str, text: str
) -> None:
    program = tmp_path / file
    program.parent.mkdir(exist_ok=True)
    program.write_text(text, encoding="utf-8")

    done = subprocess.run(
        [sys.executable, "-P", str(program)],
        cwd=tmp_path, env=environment(settings), capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip

    assert (done.returncode, done.stdout, done.stderr) == (0, "kept\n", "")


def test_a_host_gets_a_wrong_setting_as_an_exception(settings: Settings, tmp_path: Path) -> None:
    code = "try:\n    import worker_settings\nexcept Exception as error:\n    print(type(error).__name__)"

    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment(settings) | {"VIDEO_MAX_JOBS": "many"},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip

    assert (done.returncode, done.stdout, done.stderr) == (0, "InvalidSettings\n", "")

"""How a command ends: a sentence and an exit code, never a traceback for a user's mistake."""

import asyncio
import os
import signal
from datetime import UTC, datetime

import pytest
from redis.exceptions import AuthenticationError
from redis.exceptions import ConnectionError as RedisConnectionError
from typer.exceptions import TyperException

from reelqueue.cli.outcome import ended, run, usage_text
from reelqueue.errors import (
    DiskFull,
    InstallationError,
    InvalidBrief,
    InvalidSettings,
    MediaError,
    ProjectCancelled,
    ProjectFailed,
    ProjectNotFound,
    ProjectWaiting,
    ReelqueueError,
    WrongState,
)
from reelqueue.wording import Text


def raising(error: Exception):
    def act() -> int:
        raise error

    return act


@pytest.mark.parametrize(
    ("error", "code"),
    [
        pytest.param(ProjectFailed(1, "render", {"message": "broken"}), 1, id="failed"),
        pytest.param(ProjectCancelled(1), 1, id="cancelled"),
        pytest.param(MediaError("m"), 1, id="media"),
        pytest.param(InstallationError(Text("m", "m"), Text("h", "h")), 1, id="installation"),
        pytest.param(RedisConnectionError("refused"), 1, id="no Redis"),
        pytest.param(AuthenticationError("WRONGPASS"), 1, id="password"),
        pytest.param(OSError("disk"), 1, id="system"),
        pytest.param(InvalidBrief("topic", "x", "y"), 2, id="brief"),
        pytest.param(InvalidSettings("N", "x", "y"), 2, id="settings"),
        pytest.param(ProjectNotFound(1), 2, id="unknown"),
        pytest.param(WrongState("m"), 2, id="wrong state"),
        pytest.param(TyperException("No such option: --zz"), 2, id="usage"),
        pytest.param(ProjectWaiting(1, "waiting_review", None, "approve it"), 3, id="waiting"),
        pytest.param(DiskFull("m"), 3, id="disk"),
    ],
)
def test_every_error_is_an_exit_code_and_a_sentence(capsys, error, code):
    assert ended(raising(error)) == code
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("✗")
    assert "Traceback" not in said.err


def test_the_hint_stands_below_the_message(capsys):
    ended(raising(ReelqueueError("what [was] wrong", "what to do")))

    assert capsys.readouterr().err == "✗ what [was] wrong\n  → what to do\n"


def test_who_waits_is_told_what_for_and_until_when(capsys, monkeypatch):
    monkeypatch.setenv("TIMEZONE", "Asia/Taipei")
    reset = datetime(2026, 11, 30, 8, tzinfo=UTC)

    assert ended(raising(ProjectWaiting(3, "waiting_quota", reset, "等一下", "上傳次數已用完"))) == 3

    assert capsys.readouterr().err.splitlines() == [
        "✗ 專案 3 等待配額（waiting_quota）：上傳次數已用完",
        "  → 等一下",
        "  → 最晚 2026-11-30 16:00 (Asia/Taipei) 自動繼續",
    ]


def test_a_bug_looks_like_one():
    with pytest.raises(ZeroDivisionError):
        ended(raising(ZeroDivisionError()))


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 0)])
def test_an_interrupt_says_how_to_go_on(capsys, number, code):
    async def work() -> int:
        os.kill(os.getpid(), number)
        await asyncio.Event().wait()
        return 0

    assert run(work(), interrupted=lambda: Text("繼續：…", "to go on: …"), terminated=0) == code
    assert "繼續" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("message", "zh"),
    [
        ("No such command 'zz'.", "沒有「zz」這個指令"),
        ("No such option: --zz", "沒有「--zz」這個選項"),
        ("Missing argument 'ID'.", "少了參數 ID"),
        ("Got unexpected extra argument (b)", "多了參數 b"),
        ("Invalid value: --from：允許的是 script", "--from：允許的是 script"),
        ("something else", "用法不正確：something else"),
    ],
)
def test_complaints_about_usage_are_in_both_languages(message, zh):
    assert usage_text(message) == Text(zh, message)

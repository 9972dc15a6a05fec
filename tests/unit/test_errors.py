"""Errors travel as JSON by an allow-list, and speak the language of the process."""

import copy

import pytest

from reelqueue import errors
from reelqueue.wording import Text, speak


def test_an_error_comes_back_from_the_wire_as_its_own_class():
    error = errors.RateLimited("Service", 30)

    back = errors.from_wire(errors.as_wire(error))

    assert type(back) is errors.RateLimited
    assert back.message == error.message
    assert back.retryable


def test_an_unknown_code_never_names_a_class():
    back = errors.from_wire({"code": "os.system", "message": "x"})

    assert type(back) is errors.ReelqueueError


def test_the_message_follows_the_language_of_the_process():
    error = errors.PermanentError(Text("壞了", "broken"))

    assert str(error) == "壞了"
    speak("en")
    try:
        assert str(error) == "broken"
    finally:
        speak("zh-TW")


def test_errors_survive_a_copy():
    error = errors.StageNotReady(3, "render", "assets")

    again = copy.copy(error)

    assert again.needs == "assets"
    assert again.message == error.message


def test_a_tools_endless_words_do_not_travel_whole():
    assert len(errors.as_wire(errors.MediaError("x" * 1_000_000, "y" * 1_000_000))["message"]) == 1_000


def test_a_services_words_can_steer_no_terminal():
    error = errors.PermanentError("no: \x1b[2J\x1b]0;mine\x07 \u202eabc\ud800", Text("\x1b[31m去", "\x1b[31mgo\n"))

    assert error.message == "no: [2J]0;mine abc"
    assert error.hint == "[31m去"


def test_a_failed_project_says_what_its_error_says_to_do():
    with_hint = errors.ProjectFailed(7, "script", {"message": "refused", "hint": "檢查 GEMINI_API_KEY"})
    its_own = errors.ProjectFailed(7, "upload", {"message": "refused", "hint": "之後 reelqueue retry"})
    without = errors.ProjectFailed(7, "upload", {})

    assert with_hint.hint == "檢查 GEMINI_API_KEY；修正後用 reelqueue retry 7 再試"
    assert its_own.hint == "之後 reelqueue retry 7"
    assert without.hint == "修正後用 reelqueue retry 7 再試"


def test_a_stage_is_named_in_chinese_with_the_name_that_commands_take():
    assert errors.ProjectFailed(7, "upload", {"message": "拒絕"}).message == "專案 7 在「發布」（upload）階段失敗：拒絕"
    assert errors.ProjectFailed(7, "of tomorrow", {"message": "拒絕"}).message == "專案 7 在 of tomorrow 階段失敗：拒絕"
    assert errors.StageNotReady(7, "render", "assets").hint == "先執行「素材」（assets）階段"


def test_a_list_that_was_given_is_shown_as_one():
    speak("en")

    assert errors.InvalidBrief("review", Text("清單", "a list"), ("scrip",)).message.endswith("given was ['scrip']")


@pytest.mark.parametrize(
    ("hint", "named"),
    [
        ("raise the cap, or reelqueue retry", "raise the cap, or reelqueue retry 7"),
        ("用 reelqueue retry --from render 重新製作", "用 reelqueue retry 7 --from render 重新製作"),
        (
            "if not, reelqueue retry goes on, if so, reelqueue cancel",
            "if not, reelqueue retry 7 goes on, if so, reelqueue cancel 7",
        ),
        ("reelqueue retry 12 is another's", "reelqueue retry 12 is another's"),
        ("to make one after all: reelqueue retry ID", "to make one after all: reelqueue retry ID"),
        ("reelqueue retrying is a word", "reelqueue retrying is a word"),
    ],
)
def test_a_command_in_a_hint_names_its_project(hint, named):
    assert errors.naming(hint, 7) == named

"""Errors travel as JSON by an allow-list, and speak the language of the process."""

import copy

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

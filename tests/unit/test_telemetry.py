"""Logs: JSON lines with the fields bound, from every library, and never a secret."""

import io
import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import structlog

from reelqueue import telemetry


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    root, level, raising = list(logging.getLogger().handlers), logging.getLogger().level, logging.raiseExceptions
    stream = io.StringIO()
    telemetry.configure(stream=stream, secrets=["hunter2-hunter2"])
    yield stream
    logging.getLogger().handlers[:] = root
    logging.getLogger().setLevel(level)
    logging.captureWarnings(capture=False)
    logging.raiseExceptions = raising
    telemetry._secrets.clear()
    structlog.reset_defaults()


def lines(written: io.StringIO) -> list[dict]:
    return [json.loads(line) for line in written.getvalue().splitlines()]


def test_a_line_is_one_json_object_with_what_is_bound(written):
    with telemetry.bound(project_id=7, stage="render", queue="video_generation"):
        structlog.get_logger("x").info("stage_done", duration_s=1.5)

    (line,) = lines(written)
    assert (line["event"], line["level"], line["project_id"], line["duration_s"]) == ("stage_done", "info", 7, 1.5)
    assert datetime.fromisoformat(line["timestamp"]).tzinfo == UTC


def test_a_librarys_lines_are_the_same(written):
    arq = logging.getLogger("arq.worker")
    arq.addHandler(logging.StreamHandler(io.StringIO()))
    telemetry.configure(stream=written)
    with telemetry.bound(job_id="j"):
        arq.warning("%s failed", "job")

    (line,) = lines(written)
    assert (line["event"], line["level"], line["job_id"]) == ("job failed", "warning", "j")


def test_a_line_that_uvicorn_colours_for_terminals_is_written_plainly_and_once(written):
    logging.getLogger("uvicorn.error").info(
        "Started process [%d]", 7, extra={"color_message": "Started process [\x1b[36m%d\x1b[0m]"}
    )

    (line,) = lines(written)
    assert line["event"] == "Started process [7]"
    assert "\\u001b" not in written.getvalue()


def test_an_exception_is_one_line_with_its_error_named(written):
    try:
        int("broken")
    except ValueError:
        structlog.get_logger().exception("job_failed")

    (line,) = lines(written)
    assert line["error"] == "ValueError: invalid literal for int() with base 10: 'broken'"
    assert "Traceback" in line["exception"]


def test_the_level_is_kept_to(written):
    structlog.get_logger().debug("quiet")
    logging.getLogger("arq").debug("quiet")

    assert lines(written) == []


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        pytest.param("key AIzaSyA1234567890abcdefg used", "key *** used", id="API key"),
        pytest.param("got ya29.a0Af_x-y.z", "got ***", id="access token"),
        pytest.param("Authorization: Bearer abc.def", "Authorization: Bearer ***", id="bearer"),
        pytest.param("redis://me:s3cret@host/0", "redis://me:***@host/0", id="password in a URL"),
        pytest.param("redis://:s3cret@host/0", "redis://:***@host/0", id="password alone in a URL"),
        pytest.param("https://h/x?key=abc&b=1", "https://h/x?key=***&b=1", id="key in a query"),
        pytest.param("it is hunter2-hunter2!", "it is ***!", id="registered"),
        pytest.param("at 12:30 http://host:80/x@y", "at 12:30 http://host:80/x@y", id="no secret"),
    ],
)
def test_secrets_are_not_written(written, text, clean):
    structlog.get_logger().info(text, deep={"list": [text]}, api_key="x")

    (line,) = lines(written)
    assert (line["event"], line["deep"], line["api_key"]) == (clean, {"list": [clean]}, "***")


def test_people_may_read_the_console_format(written):
    telemetry.configure(stream=written, log_format="console")
    structlog.get_logger().info("hello", project_id=3)

    assert "hello" in written.getvalue()
    assert not written.getvalue().startswith("{")


def test_a_token_that_is_known_by_its_form_is_hidden_without_being_remembered(monkeypatch):
    """A channel gets another access token each hour: a worker that runs for weeks would look for all of them in each line."""
    monkeypatch.setattr(telemetry, "_secrets", set())

    telemetry.keep_secret("ya29.a0AfH6SMBx-1234567890", "1//0gAAAAAAAAAAAAAAAAAAAAAAAAA", "a plain password")

    assert telemetry._secrets == {"1//0gAAAAAAAAAAAAAAAAAAAAAAAAA", "a plain password"}
    assert "a0AfH6" not in telemetry.redact("token=ya29.a0AfH6SMBx-1234567890;")

"""What a worker says is passed on: JSON, whole lines, refusals kept."""

import io
import json
import os

import pytest

from reelqueue.relay import LINE_BYTES, Relay


def relayed(said: bytes, *, console: bool = False) -> tuple[Relay, str]:
    out = io.BytesIO()
    relay = Relay("video-2", out, console=console)
    with relay.pipe() as sink, os.fdopen(os.dup(sink), "wb") as worker:
        worker.write(said)
    relay.finish()
    return relay, out.getvalue().decode()


def line(**fields) -> bytes:
    return json.dumps({"timestamp": "2026-01-01T00:00:00Z"} | fields).encode() + b"\n"


def test_a_workers_line_is_passed_on_with_the_workers_name():
    _, out = relayed(line(level="info", event="stage_done", project_id=7))

    assert json.loads(out) == {
        "timestamp": "2026-01-01T00:00:00Z",
        "level": "info",
        "event": "stage_done",
        "project_id": 7,
        "worker": "video-2",
    }


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"Fatal Python error: Segmentation fault\n", id="a crash of C"),
        pytest.param(b"no end of line", id="no end of line"),
        pytest.param(b'"text"\n', id="JSON of another kind"),
        pytest.param(b"[" * 100_000 + b"\n", id="too deep"),
        pytest.param(b"\xff\xfe\x00\n", id="no text"),
    ],
)
def test_what_is_no_json_becomes_json(raw):
    _, out = relayed(raw)

    said = json.loads(out)
    assert (said["level"], said["event"], said["worker"]) == ("warning", "worker_said", "video-2")
    assert said["timestamp"].endswith("Z")
    assert said["text"]


def test_a_secret_in_a_raw_line_is_hidden():
    _, out = relayed(b"cannot connect to redis://me:canary-of-ours@host\n")

    assert "canary" not in out


def test_empty_lines_are_left_out_and_an_endless_one_is_cut():
    _, out = relayed(b"\n \n" + b"x" * (LINE_BYTES + 1) + b"\n")

    assert [len(json.loads(said)["text"]) for said in out.splitlines()] == [LINE_BYTES, 1]


def test_a_refusal_is_kept_and_not_passed_on():
    relay, out = relayed(
        line(level="error", event="refused", error="no Redis answers", hint="start one", code="invalid_settings")
    )

    assert out == ""
    assert relay.refusal is not None
    assert relay.refusal["code"] == "invalid_settings"
    assert relay.last_words() == {"error": "no Redis answers", "hint": "start one"}


def test_the_last_words_are_the_last_error_else_the_last_raw_lines():
    crashed, _ = relayed(line(level="critical", event="crashed", error="ValueError: 7") + line(level="info", event="bye"))
    raw, _ = relayed(b"one\ntwo\nthree\n")
    silent, _ = relayed(b"")

    assert crashed.last_words() == {"error": "ValueError: 7"}
    assert raw.last_words() == {"error": "two three"}
    assert silent.last_words() == {}


def test_for_people_the_lines_are_no_json():
    _, out = relayed(line(level="info", event="stage_done", project_id=7), console=True)

    assert "stage_done" in out
    assert "{" not in out


def test_a_log_that_nobody_reads_any_more_does_not_stop_the_worker():
    source, closed = os.pipe()
    os.close(source)
    with os.fdopen(closed, "wb", buffering=0) as out:
        relay = Relay("video", out, console=False)
        with relay.pipe() as sink, os.fdopen(os.dup(sink), "wb") as worker:
            worker.write(line(level="info", event="on") * 10_000)  # more than a pipe holds
        relay.finish()

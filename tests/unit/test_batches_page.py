"""What `docs/batches.md` gives to copy works as it stands there: the files, and how a webhook is verified."""

import re
import time
from pathlib import Path
from typing import Any, get_args
from zoneinfo import ZoneInfo

import pytest

from jobs.batch.rows import Defaults, read_rows
from reelqueue.models.event import EventType
from reelqueue.signing import keys_of, new_secret, signature

PAGE = (Path(__file__).parents[2] / "docs" / "batches.md").read_text(encoding="utf-8")
MINE = Defaults(folder=Path("/lists"), zone=ZoneInfo("Asia/Taipei"))
BODY = b'{"type": "project.completed", "data": {"project_id": 1}}'


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize(("language", "rows"), [("csv", 2), ("json", 1)])
def test_a_file_that_is_shown_is_taken(language, rows):
    sheet = read_rows(blocks(language)[0].encode(), MINE)

    assert sheet.mistakes == ()
    assert len(sheet.rows) == rows


def event_of(*, headers: dict[str, str], body: bytes, secret: str) -> Any:
    """As the page's own code gives it."""
    names: dict[str, Any] = {}
    exec(compile(blocks("python")[0], "docs/batches.md", "exec"), names)
    return names["event_of"](headers, body, secret)


def signed(secret: str, at: int) -> dict[str, str]:
    return {
        "webhook-id": "rq_1_p1-r1-completed",
        "webhook-timestamp": str(at),
        "webhook-signature": signature(keys_of(secret), "rq_1_p1-r1-completed", at, BODY),
    }


def test_the_receiver_that_is_shown_takes_what_we_sign():
    secret = new_secret()
    headers = signed(secret, int(time.time()))

    assert event_of(headers=headers, body=BODY, secret=secret) == {"type": "project.completed", "data": {"project_id": 1}}


def test_it_takes_either_secret_while_it_is_changed():
    old = new_secret()
    headers = signed(f"{new_secret()},{old}", int(time.time()))

    assert event_of(headers=headers, body=BODY, secret=old) is not None


@pytest.mark.parametrize(
    ("body", "secret", "age_s"),
    [
        pytest.param(BODY + b" ", None, 0, id="another body"),
        pytest.param(BODY, new_secret(), 0, id="another secret"),
        pytest.param(BODY, None, 400, id="kept back and sent again"),
    ],
)
def test_and_nothing_else(body, secret, age_s):
    ours = new_secret()
    headers = signed(ours, int(time.time()) - age_s)

    assert event_of(headers=headers, body=body, secret=secret or ours) is None


def test_every_event_that_is_told_stands_on_the_page():
    assert [name for name in get_args(EventType) if name not in PAGE and name != "webhook.test"] == []

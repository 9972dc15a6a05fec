"""What may be asked for behind the `?`: the parameters of each operation, and what may stand in them."""

from typing import Annotated

from pydantic import BeforeValidator, Field

from reelqueue.models.frozen import Frozen
from reelqueue.models.stage import ProjectStatus, Stage
from reelqueue.wording import Text

MOST_ID = 9_999_999_999_999_999
"""Ids are `^[1-9][0-9]{0,15}$` (contract, section 5)."""
MOST_LISTED, USUALLY_LISTED = 200, 50
MOST_RESULTS = 5_000
MOST_DAYS, USUAL_DAYS = 60, 7
MOST_WORDS = 200


def _whole(given: object) -> object:
    """A whole number as it is usually written; "+5", " 5" and "5_0" are none."""
    if isinstance(given, str) and not (given.isascii() and given.isdigit() and len(given) <= 16):
        raise ValueError("no whole number")
    return given


def _yes_or_no(given: object) -> object:
    if isinstance(given, str) and given.lower() not in {"true", "false", "1", "0"}:
        raise ValueError("neither true nor false")
    return given


Cursor = Annotated[int, Field(ge=1, le=MOST_ID), BeforeValidator(_whole)]
Flag = Annotated[bool, BeforeValidator(_yes_or_no)]
Limit = Annotated[int, Field(ge=1, le=MOST_LISTED), BeforeValidator(_whole)]


class NoQuery(Frozen):
    """Nothing is asked beside the address."""


class ProjectsQuery(Frozen):
    """Which projects; without any of these all, newest first."""

    status: tuple[ProjectStatus, ...] = ()
    batch_id: Cursor | None = None
    channel: str | None = Field(default=None, min_length=1, max_length=40)
    stage: Stage | None = None
    q: str | None = Field(default=None, min_length=1, max_length=MOST_WORDS)
    limit: Limit = USUALLY_LISTED
    after: Cursor | None = None


class PageQuery(Frozen):
    """How many, and from where on."""

    limit: Limit = USUALLY_LISTED
    after: Cursor | None = None


class ResultsQuery(Frozen):
    """How many lines, and behind which place."""

    limit: Annotated[int, Field(ge=1, le=MOST_RESULTS), BeforeValidator(_whole)] = MOST_RESULTS
    after: Annotated[int, Field(ge=0, le=MOST_RESULTS), BeforeValidator(_whole)] = 0


class ContentsQuery(Frozen):
    """How many jobs, and behind which place."""

    limit: Limit = 100
    after: Annotated[int, Field(ge=0, le=MOST_ID), BeforeValidator(_whole)] = 0


class EventsQuery(Frozen):
    """Behind which event, where `Last-Event-ID` can't be sent."""

    after: str | None = None


class CreateQuery(Frozen):
    """An id of the caller's own."""

    project_id: Cursor | None = None


class RetryQuery(Frozen):
    """From which stage on everything is made again; without it what failed."""

    from_stage: Stage | None = None


class DeleteQuery(Frozen):
    """Whether the published video goes, too."""

    video: Flag = False


class EditQuery(Frozen):
    """Whether a script that waits for its review is approved with the edit."""

    approve: Flag = False


class FileQuery(Frozen):
    """Whether the file is to be kept rather than shown."""

    download: Flag = False


class CostsQuery(Frozen):
    """How many of the last days."""

    days: Annotated[int, Field(ge=1, le=MOST_DAYS), BeforeValidator(_whole)] = USUAL_DAYS


_STAGES, _STATUSES = ", ".join(Stage), ", ".join(ProjectStatus)
_FLAG = Text("true 或 false", "true or false")
_ID = Text("從 1 開始的整數編號", "an id, a whole number from 1 on")
_LIMIT = Text(f"1 到 {MOST_LISTED} 的整數", f"a whole number from 1 to {MOST_LISTED}")
ALLOWED: dict[str, Text] = {
    "status": Text(f"{_STATUSES} 其中之一，可重複", f"one of {_STATUSES}; may be repeated"),
    "batch_id": _ID,
    "project_id": _ID,
    "channel": Text("CHANNELS_FILE 裡的頻道名稱", "the name of a channel in CHANNELS_FILE"),
    "stage": Text(f"{_STAGES} 其中之一", f"one of {_STAGES}"),
    "from_stage": Text(f"{_STAGES} 其中之一", f"one of {_STAGES}"),
    "q": Text(
        f"1 到 {MOST_WORDS} 個字元的文字，找標題、標籤與錯誤", f"1 to {MOST_WORDS} characters, sought in titles, tags and errors"
    ),
    "limit": _LIMIT,
    "after": Text("前一頁的 next，原樣傳回", "the `next` of the page before, as it was"),
    "video": _FLAG,
    "approve": _FLAG,
    "download": _FLAG,
    "days": Text(f"1 到 {MOST_DAYS} 的整數", f"a whole number from 1 to {MOST_DAYS}"),
}
"""What may stand in each parameter of a query."""

"""What the API takes and answers, as data.  States, scripts, workers and queues are the models that the Python API has."""

from datetime import date, datetime
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from reelqueue.models.batch import BatchState
from reelqueue.models.fleet import QueuedJob, QueueStanding, WorkerBeat
from reelqueue.models.frozen import Frozen
from reelqueue.models.meter import Standing
from reelqueue.models.project import ProjectState, Usage
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


def _none(value: object) -> bool:
    return value is None


Cursor = Annotated[int, Field(ge=1, le=MOST_ID), BeforeValidator(_whole)]
Flag = Annotated[bool, BeforeValidator(_yes_or_no)]
Limit = Annotated[int, Field(ge=1, le=MOST_LISTED), BeforeValidator(_whole)]


# Queries.


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


# Bodies.


class RetryBody(Frozen):
    """As the query of the same name."""

    from_stage: Stage | None = None


# Answers.


class ProjectPage(Frozen):
    """Projects, newest first; `next` is the `after` of the page behind, null where there is none."""

    items: tuple[ProjectState, ...]
    next: int | None


class BatchPage(Frozen):
    """Batches, newest first."""

    items: tuple[BatchState, ...]
    next: int | None


class BatchResult(Frozen):
    """What became of one project of a batch: its video, or its error; neither while it is on its way."""

    project_id: int
    status: ProjectStatus
    video_id: str | None = Field(default=None, exclude_if=_none)
    error: dict[str, Any] | None = Field(default=None, exclude_if=_none)


class ResultPage(Frozen):
    """A batch's projects in its order; `next` is the place of the last one, null where it is the batch's last."""

    items: tuple[BatchResult, ...]
    next: int | None


class Approved(Frozen):
    """The projects that go on."""

    batch_id: int
    approved: tuple[int, ...]


class ProjectFile(Frozen):
    """A file of a project: `path` below its folder, which is the path below `/files/`, too."""

    path: str
    bytes: int
    content_type: str
    modified_at: datetime
    sha256: str | None = None


class FilePage(Frozen):
    """The files of a project: what it came to first, then by path."""

    items: tuple[ProjectFile, ...]
    next: None = None


class PriceItem(Frozen):
    """One kind of work by one service: how many calls, for how much at most."""

    service: str
    kind: str
    calls: int
    usd: float


class Price(Frozen):
    """What a script would take: how much has to be made, and what of it is paid for (each call at what it may take at most)."""

    changes: bool
    pictures: int
    voice: int
    presenters: int
    items: tuple[PriceItem, ...]
    usd: float


class WorkerPage(Frozen):
    """The workers that live, by queue and name."""

    items: tuple[WorkerBeat, ...]
    next: None = None


class QueuePage(Frozen):
    """The queues."""

    items: tuple[QueueStanding, ...]
    next: None = None


class JobPage(Frozen):
    """What is in a queue, in the order in which it begins; `next` is the place of the last one."""

    items: tuple[QueuedJob, ...]
    next: int | None


class Quotas(Frozen):
    """How each bucket of quota stands; `captions_owed` are the projects whose captions follow when there is quota left."""

    items: tuple[Standing, ...]
    next: None = None
    checked_at: datetime
    captions_owed: tuple[int, ...]


class Spent(Frozen):
    """US dollars: `used_usd` counts what is reserved, too; `cap_usd` is null where there is none."""

    used_usd: float
    reserved_usd: float
    cap_usd: float | None = None
    usage: tuple[Usage, ...]


class SpentDay(Spent):
    """One day of the Pacific time zone, in which services count."""

    day: date


class SpentTotal(Spent):
    """So many days."""

    days: int


class Costs(Frozen):
    """What was paid for: the last days, newest first, together, and by channel where that has a cap of its own."""

    items: tuple[SpentDay, ...]
    next: None = None
    today: Spent
    total: SpentTotal
    channels: dict[str, Spent]
    project_cap_usd: float | None


class ProjectCosts(Spent):
    """What one project took."""

    project_id: int
    status: ProjectStatus


class Problem(Frozen):
    """An error (RFC 9457).  `code` is the one that the Python API's class has, and decides; `detail` and `hint` are for people."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    hint: str
    retryable: bool
    field: str | None = None
    allowed: str | None = None
    given: str | None = None
    needs: str | None = None
    until: datetime | None = None
    errors: tuple[dict[str, Any], ...] = ()

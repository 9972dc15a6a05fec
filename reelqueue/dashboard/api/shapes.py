"""What the API takes and answers, as data.  States, scripts, workers and queues are the models that the Python API has."""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

from pydantic import Field

from reelqueue.models.batch import BatchState
from reelqueue.models.fleet import QueuedJob, QueueStanding, WorkerBeat
from reelqueue.models.frozen import Frozen
from reelqueue.models.meter import Standing
from reelqueue.models.project import ProjectState, StageError, Usage
from reelqueue.models.stage import ProjectStatus, Stage
from storage import Unread


def _none(value: object) -> bool:
    return value is None


def _nothing(value: tuple[object, ...]) -> bool:
    return not value


# Bodies.


class RetryBody(Frozen):
    """As the query of the same name."""

    from_stage: Stage | None = None


# Answers.


class Unreadable(Frozen):
    """One whose state can't be read: why, and what a person can do."""

    id: int
    error: StageError


def unreadable_of(unread: Iterable[Unread]) -> tuple[Unreadable, ...]:
    """Those that a list found."""
    return tuple(Unreadable(id=one.state_id, error=one.error) for one in unread)


class ProjectPage(Frozen):
    """Projects, newest first; `next` is the `after` of the page behind, null where there is none.

    `unreadable` are those of this page whose state can't be read; left out where there is none.
    """

    items: tuple[ProjectState, ...]
    next: int | None
    unreadable: tuple[Unreadable, ...] = Field(default=(), exclude_if=_nothing)


class BatchPage(Frozen):
    """Batches, newest first; `unreadable` are those between them whose state can't be read; left out where there is none."""

    items: tuple[BatchState, ...]
    next: int | None
    unreadable: tuple[Unreadable, ...] = Field(default=(), exclude_if=_nothing)


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

"""A project as one small cell of a grid: a silhouette for each state, so that five hundred are seen at once and read in grey.  Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from reelqueue.dashboard.words import STATUS
from reelqueue.models.stage import ProjectStatus, Stage
from reelqueue.wording import Text
from storage import Outline

KINDS: Mapping[ProjectStatus, str] = {
    ProjectStatus.CREATED: "cr",
    ProjectStatus.QUEUED: "qu",
    ProjectStatus.RUNNING: "ru",
    ProjectStatus.WAITING_REVIEW: "re",
    ProjectStatus.NEEDS_PERSON: "np",
    ProjectStatus.WAITING_QUOTA: "wa",
    ProjectStatus.WAITING_BUDGET: "wa",
    ProjectStatus.WAITING_DISK: "wa",
    ProjectStatus.COMPLETED: "ok",
    ProjectStatus.FAILED: "fa",
    ProjectStatus.CANCELLED: "ca",
}
"""The class of a cell by its state; short, since a page has five hundred of them."""
GONE_KIND, GONE = "go", Text("已刪除", "Deleted")
SHOWN_ORDER = (
    ProjectStatus.COMPLETED,
    ProjectStatus.RUNNING,
    ProjectStatus.QUEUED,
    ProjectStatus.CREATED,
    ProjectStatus.WAITING_QUOTA,
    ProjectStatus.WAITING_BUDGET,
    ProjectStatus.WAITING_DISK,
    ProjectStatus.WAITING_REVIEW,
    ProjectStatus.NEEDS_PERSON,
    ProjectStatus.FAILED,
    ProjectStatus.CANCELLED,
)
"""In which order a legend names the states: what goes by itself, then what waits, then what a person looks at."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One project at its `place` (from 1) in the list.  `kind` is the cell's class, `name` its state in words."""

    place: int
    project_id: int
    kind: str
    name: Text


def cells_of(numbers: Sequence[int], outlines: Mapping[int, Outline | None], *, first: int = 1) -> list[Cell]:
    """A cell for each, in the order given; `first` is the place of the first of them."""
    return [_cell(place, number, outlines.get(number)) for place, number in enumerate(numbers, start=first)]


def _cell(place: int, number: int, known: Outline | None) -> Cell:
    if known is None:
        return Cell(place, number, GONE_KIND, GONE)
    return Cell(place, number, kind_of(known), STATUS[known.status])


def kind_of(known: Outline) -> str:
    """The class of a project's cell; one that runs is filled from below, a fifth for each stage that it is through."""
    kind = KINDS[known.status]
    return f"{kind} l{level(known)}" if known.status is ProjectStatus.RUNNING else kind


def level(known: Outline) -> int:
    """How many of the five stages are behind it."""
    upcoming = known.running or known.next_stage
    return list(Stage).index(upcoming) if upcoming is not None else len(Stage)


def legend(statuses: Iterable[ProjectStatus]) -> list[ProjectStatus]:
    """Those of the states that occur, in the order in which they are named."""
    there = set(statuses)
    return [status for status in SHOWN_ORDER if status in there]

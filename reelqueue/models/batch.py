"""The state of a batch, as it stands in `batch_state.json`."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import Field

from reelqueue.models.forecast import Forecast, Outcome
from reelqueue.models.frozen import Frozen
from reelqueue.models.stage import BatchStatus

BATCH_SCHEMA_VERSION = 1
MOST_PROJECTS = 5_000
"""Of one batch: its list of ids keeps the state under 64 KB."""


class BatchAct(StrEnum):
    """What somebody asked of a whole batch; it is done project by project."""

    PAUSE = "pause"
    RESUME = "resume"
    CANCEL = "cancel"


class Again(StrEnum):
    """Which of a batch's projects begin once more: those that failed, or whatever did not come to its goal."""

    FAILED = "failed"
    UNFINISHED = "unfinished"


def _none(value: object) -> bool:
    return value is None


class BatchState(Frozen):
    """The truth about a batch.

    `run` counts starts and retries; `act` was asked for and is not carried through yet: whoever has the batch in hand next goes
    on with it.  `again` says which of those that ended in an earlier run begin once more; None when all of them have.  `results`
    are a batch's of before 0.4; since then they are a file of their own (`BatchStore.results`).
    `calendar` is the rule by which videos get their moments of publication; `overdue_since` is when it passed its time-out (it
    goes on); `webhook` is an address of its own to tell.  `forecast` was made at the start, `outcome` at the end.
    """

    schema_version: int = BATCH_SCHEMA_VERSION
    batch_id: int
    revision: int = 0
    fence: int = 0
    owner: str | None = None
    write_id: str = ""
    recent: tuple[str, ...] = ()
    status: BatchStatus = BatchStatus.CREATED
    project_ids: tuple[int, ...]
    completed: int = 0
    failed: int = 0
    results: tuple[dict[str, Any], ...] = ()
    run: int = Field(default=1, exclude_if=lambda run: run == 1)  # these, so that a version before 0.4 reads the state
    act: BatchAct | None = Field(default=None, exclude_if=_none)
    again: Again | None = Field(default=None, exclude_if=_none)
    started_at: datetime | None = Field(default=None, exclude_if=_none)
    ended_at: datetime | None = Field(default=None, exclude_if=_none)
    overdue_since: datetime | None = Field(default=None, exclude_if=_none)
    calendar: str | None = Field(default=None, exclude_if=_none)
    webhook: str | None = Field(default=None, exclude_if=_none)
    forecast: Forecast | None = Field(default=None, exclude_if=_none)
    outcome: Outcome | None = Field(default=None, exclude_if=_none)
    created_at: datetime
    updated_at: datetime

    @property
    def has_ended(self) -> bool:
        """Whether nothing more happens by itself; a cancelled one ends with the last of its projects."""
        if self.status is BatchStatus.CANCELLED:
            return self.ended_at is not None
        return self.status in {BatchStatus.COMPLETED, BatchStatus.FAILED}

    @property
    def is_under_way(self) -> bool:
        """Whether its job should be there: it runs, is paused, or is being cancelled."""
        return self.status is not BatchStatus.CREATED and not self.has_ended

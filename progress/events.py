"""What an event of progress is, and where it is kept and sent."""

from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from reelqueue.models.stage import ProjectStatus, Stage

ERROR_STAGE = "error"
KEPT_EVENTS = 1_000
KEPT_SECONDS = 7 * 86_400
SNAPSHOT_SECONDS = 90 * 86_400
"""How long the last event and the count outlive the log; after that an ended project is told from the disk."""

_ENDS = {str(status) for status in ProjectStatus if status.is_final}
_ORDER = {stage.event_name: number for number, stage in enumerate(Stage, start=1)}


class ProgressEvent(BaseModel):
    """One event, as it stands on the wire; `event["stage"]` works like `event.stage`.

    `progress` is 0-100 within the stage, `overall` over the project; `eta_s` is in seconds or None; `seq` rises by one
    per project within an `epoch`; `timestamp` is ISO 8601 in UTC.  Of `project_id` and `batch_id` one is set.
    `error` (`{code, message, retryable, hint, stage}`) is set where `stage` is "error".
    """

    model_config = ConfigDict(frozen=True, extra="ignore")  # a newer publisher may say more

    project_id: int | None = None
    batch_id: int | None = None
    stage: str
    progress: int
    message: str
    timestamp: str
    seq: int
    epoch: str
    overall: int = 0
    eta_s: float | None = None
    status: str
    error: dict[str, Any] | None = None

    def __getitem__(self, name: str) -> Any:
        """The field `name`.  Raises `KeyError` for a name that an event has not."""
        if name not in type(self).model_fields:
            raise KeyError(name)
        return getattr(self, name)

    @property
    def is_end(self) -> bool:
        """Whether nothing follows unless somebody starts the project again."""
        return self.status in _ENDS


@dataclass(frozen=True, slots=True)
class Topic:
    """Whose progress: one project's or one batch's."""

    project_id: int | None = None
    batch_id: int | None = None

    def __post_init__(self) -> None:
        if (self.project_id is None) == (self.batch_id is None):
            raise ValueError("either a project or a batch has progress")

    @property
    def name(self) -> str:
        """`7`, or `batch:7`."""
        return f"batch:{self.batch_id}" if self.project_id is None else str(self.project_id)

    @property
    def channel(self) -> str:
        """The Redis channel that plain subscribers may listen to."""
        return f"progress:{self.name}"

    @property
    def log_key(self) -> str:
        """A stream of the last events, their `seq` as its ids."""
        return f"reelqueue:progress:{self.name}:log"

    @property
    def last_key(self) -> str:
        """A hash: the epoch, the count, the last event, and what the guard has to know."""
        return f"reelqueue:progress:{self.name}:last"

    @property
    def as_json(self) -> dict[str, int]:
        """The id as it stands in an event."""
        return {"batch_id": self.batch_id or 0} if self.project_id is None else {"project_id": self.project_id}


def stage_order(event_stage: str) -> int:
    """The place of a stage among the five, from 1; 0 for what is none of them ("error", "batch")."""
    return _ORDER.get(event_stage, 0)


def parse_event(data: bytes) -> ProgressEvent | None:
    """An event as it was sent; None for what somebody else sent on our channel."""
    try:
        return ProgressEvent.model_validate_json(data)
    except ValidationError:
        return None

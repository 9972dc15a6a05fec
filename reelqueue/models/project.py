"""The state of a project, as it stands in `project_state.json`."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from pydantic import Field

from reelqueue.models.brief import REVIEWS, Brief
from reelqueue.models.frozen import Frozen
from reelqueue.models.stage import ProjectStatus, Stage, StageStatus

SCHEMA_VERSION = 1


class Artifact(Frozen):
    """A file of the project: `path` relative to its folder, its sha256 in hex, its size."""

    path: str
    sha256: str
    bytes: int


class StageError(Frozen):
    """Why a stage failed, as the wire carries it."""

    code: str
    message: str
    hint: str = ""
    retryable: bool = False


class StageState(Frozen):
    """One stage.

    `attempts` counts the starts of this run that count; `fingerprint` is the hash of the inputs that the result was
    made from; `artifacts` are at most three; `result` is what the job returns (script's lies in `script.json`).
    """

    status: StageStatus = StageStatus.PENDING
    attempts: int = 0
    started_at: datetime | None = None
    finished_at: datetime | None = None
    duration_s: float | None = None
    fingerprint: str | None = None
    artifacts: tuple[Artifact, ...] = ()
    warnings: tuple[str, ...] = ()
    error: StageError | None = None
    result: dict[str, Any] | None = None

    @property
    def is_imported(self) -> bool:
        """Whether the result came finished from elsewhere: another system, or a person who edited it."""
        return bool((self.result or {}).get("imported"))


class Wait(Frozen):
    """For what the project waits.  `until` is None where a person has to act."""

    reason: str
    until: datetime | None = None
    what_to_do: str = ""

    @property
    def why(self) -> str:
        """The reason in words; "" where it only names the reviews that the brief asked for."""
        return "" if set(self.reason.split(", ")) <= set(REVIEWS) else self.reason


ELSEWHERE = "elsewhere"
"""The step of an upload that another system made: `{video_url, source}`."""
PUBLISH = "publish"
"""The last of the steps: from then on it is seen, or YouTube knows when."""


class Upload(Frozen):
    """How far the publication is: see the upload protocol in docs/architecture.md."""

    marker: str
    session_no: int = 0
    video_id: str | None = None
    steps: dict[str, Any] = Field(default_factory=dict)

    @property
    def is_elsewhere(self) -> bool:
        """Whether another system published the video: it is not ours to change."""
        return ELSEWHERE in self.steps

    @property
    def is_published(self) -> bool:
        """Whether all steps were done once: what is done later changes a video that is there."""
        return self.steps.get(PUBLISH) is not None


class Usage(Frozen):
    """What was used of a service, summed."""

    service: str
    model: str
    unit: str
    amount: float
    cost_usd: float = 0.0


def summed(before: Iterable[Usage], more: Iterable[Usage]) -> tuple[Usage, ...]:
    """Both, with one entry for each service, model and unit."""
    sums = {(use.service, use.model, use.unit): use for use in before}
    for use in more:
        key = (use.service, use.model, use.unit)
        old = sums.get(key)
        sums[key] = use if old is None else use.replace(amount=old.amount + use.amount, cost_usd=old.cost_usd + use.cost_usd)
    return tuple(sums.values())


class ProjectState(Frozen):
    """The truth about a project.

    `revision` grows with every commit, `fence` with every take-over; `owner` is opaque; `write_id` is fresh for every
    commit and `recent` are the last 16 of them.  `goal` is the last stage asked for; `run` counts starts and retries.
    `approved` are the reviews that a person has approved: stage names, and `final` before upload.
    `crashes` counts the deaths in a row with `crash_piece` in hand, perhaps several pieces; `resume_at` is when a parked project goes on.
    `held`: its batch is paused, nothing of it begins.  `slot` is when its batch's calendar publishes it.  `batch_run` is the run of its
    batch in which that began it last.
    """

    schema_version: int = SCHEMA_VERSION
    project_id: int
    revision: int = 0
    fence: int = 0
    owner: str | None = None
    write_id: str = ""
    recent: tuple[str, ...] = ()
    status: ProjectStatus = ProjectStatus.CREATED
    wait: Wait | None = None
    brief: Brief
    run: int = 0
    goal: Stage = Stage.UPLOAD
    stages: dict[Stage, StageState] = Field(default_factory=lambda: {stage: StageState() for stage in Stage})
    approved: tuple[str, ...] = ()
    upload: Upload | None = None
    usage: tuple[Usage, ...] = ()
    batch_id: int | None = None
    resume_at: datetime | None = None
    crashes: int = 0
    crash_piece: str = ""
    held: bool = Field(default=False, exclude_if=lambda held: not held)  # a version before 0.4 reads a state without it
    slot: datetime | None = Field(default=None, exclude_if=lambda slot: slot is None)
    batch_run: int = Field(default=1, exclude_if=lambda run: run == 1)
    created_at: datetime
    updated_at: datetime

    @property
    def next_stage(self) -> Stage | None:
        """The first stage that is neither done nor skipped, up to the goal; None where all are."""
        for stage in Stage:
            if not self.goal.reaches(stage):
                return None
            if self.stages[stage].status not in {StageStatus.DONE, StageStatus.SKIPPED}:
                return stage
        return None

    def with_stage(self, stage: Stage, **changes: Any) -> "ProjectState":
        """A copy in which `stage` is changed."""
        return self.replace(stages={**self.stages, stage: self.stages[stage].replace(**changes)})

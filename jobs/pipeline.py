"""THE ORDER: which stage is which job, on which queue, how long it may take, what it loads.  Pure data.

The command line, the board and the runner read the same table.
"""

from dataclasses import dataclass
from enum import StrEnum

from reelqueue.models.stage import Stage

VIDEO, BATCH, MAINTENANCE = "video_generation", "batch_processing", "maintenance"
QUEUES = (VIDEO, BATCH, MAINTENANCE)


class Load(StrEnum):
    """What a job loads: our CPU, or somebody else's while we wait."""

    CPU = "cpu"
    WAIT = "wait"


@dataclass(frozen=True, slots=True)
class StageSpec:
    """One stage as a job.

    `timeout_s` is an attempt's time-out at least; it grows with the work (`StageRun.allow`).  `share` is the stage's part
    of the whole progress bar, in percent: measured on a one-minute video.  `needs` are the stages whose results it reads.
    """

    stage: Stage
    job: str
    queue: str
    timeout_s: float
    load: Load
    share: float
    needs: tuple[Stage, ...]


PIPELINE: tuple[StageSpec, ...] = (
    StageSpec(Stage.SCRIPT, "generate_script_task", VIDEO, 60, Load.WAIT, 2, ()),
    StageSpec(Stage.ASSETS, "generate_assets_task", VIDEO, 600, Load.CPU, 38, (Stage.SCRIPT,)),
    StageSpec(Stage.RENDER, "render_video_task", VIDEO, 1_800, Load.CPU, 52, (Stage.SCRIPT, Stage.ASSETS)),
    StageSpec(Stage.THUMBNAIL, "generate_thumbnail_task", VIDEO, 60, Load.CPU, 3, (Stage.SCRIPT, Stage.ASSETS)),
    StageSpec(
        Stage.UPLOAD,
        "upload_to_youtube_task",
        VIDEO,
        3_600,
        Load.WAIT,
        5,
        (Stage.SCRIPT, Stage.ASSETS, Stage.RENDER, Stage.THUMBNAIL),
    ),
)
SPECS: dict[Stage, StageSpec] = {spec.stage: spec for spec in PIPELINE}


@dataclass(frozen=True, slots=True)
class OtherJob:
    """A job that is no stage of a project."""

    job: str
    queue: str
    timeout_s: float


BATCH_JOB = OtherJob("batch_processing_task", BATCH, 5_400)
DEBUG_JOB = OtherJob("debug_task", VIDEO, 10)
OTHER_JOBS: tuple[OtherJob, ...] = (
    BATCH_JOB,
    OtherJob("sync_quotas", MAINTENANCE, 60),
    OtherJob("recover_interrupted", MAINTENANCE, 60),
    OtherJob("cleanup", MAINTENANCE, 600),
    DEBUG_JOB,
)
ROUTES: dict[str, str] = {spec.job: spec.queue for spec in PIPELINE} | {other.job: other.queue for other in OTHER_JOBS}
"""The queue of each job, by the job's name."""
STAGE_OF: dict[str, Stage] = {spec.job: spec.stage for spec in PIPELINE}

PUBLISHED_LOCKS = frozenset({Stage.SCRIPT, Stage.ASSETS, Stage.RENDER})
"""Stages that can't be run again once the project has its one video: a new cut is a new project."""


def cpu_jobs(*, assets: bool) -> tuple[str, ...]:
    """The jobs that load the CPU; `assets`: whether voice or pictures are made here, and not by services."""
    return tuple(spec.job for spec in PIPELINE if spec.load is Load.CPU and (assets or spec.stage is not Stage.ASSETS))


def overall(stage: Stage, percent: float) -> float:
    """How much of the whole is done, 0-100, where `stage` stands at `percent` and all before it are done."""
    before = sum(spec.share for spec in PIPELINE if spec.stage is not stage and stage.reaches(spec.stage))
    return before + SPECS[stage].share * min(100.0, max(0.0, percent)) / 100

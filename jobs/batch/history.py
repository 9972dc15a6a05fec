"""How long the stages take here: learned from projects that were finished on this machine, else as measured on ours.

What loads the CPU is known as work (core-seconds for each second of video), since an hour of two renders side by side is no
measure for one alone.  Everything else is known as the time that it took.
"""

import itertools
import math
import os
import statistics
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from jobs.pipeline import PIPELINE, Load
from reelqueue.errors import NeedsPerson, ProjectNotFound, StorageUnavailable
from reelqueue.models.project import ProjectState
from reelqueue.models.stage import ProjectStatus, Stage, StageStatus
from storage import ProjectStore

LAST_ENDED, LOOKED_AT = 40, 120
"""So many of the newest projects that ended are learned from, found among so many that are not marked as unfinished."""
ALONE_CORES = 1.2
"""How many cores a render, or a voice, keeps busy where it has them: measured, 53 s of CPU in 43 s of a 58-second video."""
BY_LENGTH = frozenset({Stage.ASSETS, Stage.RENDER})
"""Stages whose time grows with the video's."""
LEAST_FAIL_SHARE, MOST_FAIL_SHARE = 0.03, 0.5
LEAST_LENGTH_S = 5.0


@dataclass(frozen=True, slots=True)
class Spread:
    """A mean, how far single ones are from it (as a share of it), and of how many that was learned; 0: never seen here."""

    mean: float
    spread: float
    count: int = 0


MEASURED: Mapping[Stage, Spread] = {
    Stage.SCRIPT: Spread(0.5, 0.5),
    Stage.ASSETS: Spread(0.36, 0.3),
    Stage.RENDER: Spread(0.42, 0.3),
    Stage.THUMBNAIL: Spread(0.7, 0.4),
    Stage.UPLOAD: Spread(1.0, 0.8),
}
"""One whole video made here, 2026-11-29, two cores: core-seconds per second of video for assets and render, else seconds."""
BY_SERVICES: Mapping[Stage, Spread] = {
    Stage.SCRIPT: Spread(20.0, 0.6),
    Stage.ASSETS: Spread(60.0, 0.6),
    Stage.UPLOAD: Spread(45.0, 1.0),
}
"""Seconds where services do it; documented ranges of theirs, 1-3 minutes of video."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast, and how dear, it goes here.

    `fail_share` is how many of those that end have failed; `cores` are this machine's; `usd` is what a second of video took in
    all, None where nothing was paid for yet.
    """

    stages: Mapping[Stage, Spread]
    fail_share: float = LEAST_FAIL_SHARE
    cores: int = 1
    usd: Spread | None = None

    def seconds(self, stage: Stage, video_s: float, *, heavy: bool, beside: int) -> float:
        """How long one takes on average, where `beside` that load the CPU run at once, itself counted."""
        known = self.stages[stage]
        amount = known.mean * (max(LEAST_LENGTH_S, video_s) if heavy and stage in BY_LENGTH else 1.0)
        return amount * max(1 / ALONE_CORES, beside / self.cores) if heavy else amount


def default_pace(heavy: frozenset[Stage], *, local_script: bool, local_upload: bool, cores: int | None = None) -> Pace:
    """What we measured; `heavy` are the stages that load the CPU here."""
    cloud = {
        Stage.SCRIPT: not local_script,
        Stage.ASSETS: Stage.ASSETS not in heavy,
        Stage.UPLOAD: not local_upload,
    }
    stages = {stage: BY_SERVICES[stage] if cloud.get(stage) else MEASURED[stage] for stage in Stage}
    return Pace(stages, cores=cores or os.cpu_count() or 1)


async def learned(projects: ProjectStore, pace: Pace, heavy: frozenset[Stage]) -> Pace:
    """`pace`, with what the newest projects that ended here say better.

    Raises:
        StorageUnavailable: the disk does not answer.
    """
    ended: list[ProjectState] = []
    unfinished = set(await projects.unfinished())  # a batch that was just made is thousands of them
    for number in [number for number in await projects.ids() if number not in unfinished][:LOOKED_AT]:
        if len(ended) == LAST_ENDED:
            break
        try:
            state = await projects.load(number)
        except (ProjectNotFound, NeedsPerson, StorageUnavailable):
            continue
        if state.status in {ProjectStatus.COMPLETED, ProjectStatus.FAILED}:
            ended.append(state)
    return learned_from(ended, pace, heavy)


def learned_from(ended: Sequence[ProjectState], pace: Pace, heavy: frozenset[Stage]) -> Pace:
    """The same, of these states."""
    if not ended:
        return pace
    beside = _beside([span for state in ended for span in _spans(state, heavy)])
    stages = {stage: _spread(_amounts(ended, stage, heavy, beside, pace.cores)) or pace.stages[stage] for stage in Stage}
    failed = sum(state.status is ProjectStatus.FAILED for state in ended)
    share = (failed + 1) / (len(ended) + 1 / LEAST_FAIL_SHARE)  # a few say little
    return Pace(stages, min(MOST_FAIL_SHARE, max(LEAST_FAIL_SHARE, share)), pace.cores, _spread(list(_prices(ended))))


def _prices(states: Iterable[ProjectState]) -> Iterator[float]:
    for state in states:
        length, paid = video_seconds(state), sum(use.cost_usd for use in state.usage)
        if length is not None and paid > 0 and state.status is ProjectStatus.COMPLETED:
            yield paid / length


def video_seconds(state: ProjectState) -> float | None:
    """How long the finished video is; None where there is none yet."""
    info: Any = (state.stages[Stage.RENDER].result or {}).get("video_info") or {}
    length = info.get("duration")
    return float(length) if isinstance(length, int | float) and length > 0 else None


def _amounts(states: Iterable[ProjectState], stage: Stage, heavy: frozenset[Stage], beside: float, cores: int) -> list[float]:
    found = []
    for state in states:
        known, length = state.stages[stage], video_seconds(state)
        if known.status is not StageStatus.DONE or not known.duration_s or known.is_imported:
            continue
        amount = known.duration_s
        if stage in heavy:
            if stage in BY_LENGTH and length is None:
                continue
            amount *= min(ALONE_CORES, cores / beside) / (max(LEAST_LENGTH_S, length or 0.0) if stage in BY_LENGTH else 1.0)
        found.append(amount)
    return found


def _spread(amounts: Sequence[float]) -> Spread | None:
    if not amounts:
        return None
    mean = statistics.fmean(amounts)
    spread = statistics.stdev(amounts) / mean if len(amounts) > 1 and mean else 0.5
    return Spread(mean, min(3.0, max(0.05, spread)), len(amounts))


def _spans(state: ProjectState, heavy: frozenset[Stage]) -> list[tuple[datetime, datetime]]:
    return [
        (known.started_at, known.finished_at)
        for stage in heavy
        if (known := state.stages[stage]).started_at is not None and known.finished_at is not None and known.duration_s
    ]


def _beside(spans: Sequence[tuple[datetime, datetime]]) -> float:
    """How many of these ran at once on average, while any did; 1 where there is none."""
    turns = sorted((moment, change) for began, ended in spans for moment, change in ((began, 1), (ended, -1)))
    running, weighed, busy = 0, 0.0, 0.0
    for (moment, change), (following, _) in itertools.pairwise(turns):
        running += change
        seconds = (following - moment).total_seconds()
        weighed, busy = weighed + running * running * seconds, busy + running * seconds
    return max(1.0, weighed / busy) if busy and math.isfinite(busy) else 1.0


def heavy_stages(*, local_assets: bool) -> frozenset[Stage]:
    """The stages that load the CPU here; see `pipeline.cpu_jobs`."""
    return frozenset(
        spec.stage for spec in PIPELINE if spec.load is Load.CPU and (local_assets or spec.stage is not Stage.ASSETS)
    )

"""The strip of five parts that shows where a project stands, each as wide as its share of the work."""

from dataclasses import dataclass

from jobs.pipeline import PIPELINE
from reelqueue.models.stage import ProjectStatus, Stage, StageStatus
from storage import Outline

WIDTH, GAP, LEAST = 120.0, 2.0, 6.0
"""Of the whole strip, between two parts, of the shortest part: pixels."""
STANDING = {
    ProjectStatus.RUNNING: "run",
    ProjectStatus.WAITING_REVIEW: "review",
    ProjectStatus.NEEDS_PERSON: "review",
    ProjectStatus.WAITING_QUOTA: "wait",
    ProjectStatus.WAITING_BUDGET: "wait",
    ProjectStatus.WAITING_DISK: "wait",
    ProjectStatus.CANCELLED: "mute",
    ProjectStatus.FAILED: "bad",
}
"""How the part looks in which a project stands; where it only waits for its turn, like those after it."""


@dataclass(frozen=True, slots=True)
class Part:
    """One part: its stage, where it begins and how wide it is (pixels), how much of it is filled (percent), how that looks."""

    stage: Stage
    x: float
    width: float
    filled: float
    state: str


def strip_of(outline: Outline, percent: float | None = None) -> list[Part]:
    """The five parts of a project; `percent` (0-100) is of the whole, as its progress tells, and fills the part that runs."""
    standing = STANDING.get(outline.status)
    stands_in = outline.failed or outline.running or outline.next_stage
    statuses = outline.stages or tuple(StageStatus.PENDING for _ in Stage)
    parts, x, before = [], 0.0, 0.0
    for spec, width, status in zip(PIPELINE, _widths(), statuses, strict=True):
        filled, state = 0.0, "run"
        if status is StageStatus.DONE:
            filled, state = 100.0, "done"
        elif spec.stage is stands_in and standing is not None and status is not StageStatus.SKIPPED:
            filled, state = _filled(width, None if percent is None else (percent - before) / spec.share), standing
            filled = 100.0 if state == "bad" else filled
        parts.append(Part(spec.stage, round(x, 1), width, filled, state))
        x += width + GAP
        before += spec.share
    return parts


def _filled(width: float, share: float | None) -> float:
    """At least two pixels: that it stands here is known, even where nobody knows how far."""
    return round(min(100.0, max(200 / width, 100 * (share or 0.0))), 1)


def _widths() -> list[float]:
    room = WIDTH - GAP * (len(PIPELINE) - 1)
    short = [spec for spec in PIPELINE if room * spec.share / 100 < LEAST]
    left = room - LEAST * len(short)
    shares = sum(spec.share for spec in PIPELINE if spec not in short)
    return [LEAST if spec in short else round(left * spec.share / shares, 1) for spec in PIPELINE]

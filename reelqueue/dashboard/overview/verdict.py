"""How things stand, in two sentences and the icon of the worst state.  Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from reelqueue.dashboard.overview.causes import Cause
from reelqueue.models.stage import ProjectStatus
from reelqueue.wording import Text

Icon = str
"""The name of a state: one of `ProjectStatus`, or "paused"."""


@dataclass(frozen=True, slots=True)
class Sight:
    """What is seen: `workers` None where Redis is away and nobody knows; `paused` whether the queue of videos is."""

    redis: bool
    workers: int | None
    running: int
    waiting: int
    parked: int
    paused: bool
    causes: Sequence[Cause]


@dataclass(frozen=True, slots=True)
class Verdict:
    """`moves` says whether anything happens, `needs` what a person has to do; what matters most stands between asterisks."""

    icon: Icon
    moves: Text
    needs: Text


def verdict(sight: Sight) -> Verdict:
    """The verdict."""
    return Verdict(
        _icon(sight), _moves(sight), _needs(sight.causes, sight.parked, stands=not sight.redis or _nobody_works(sight))
    )


def _icon(sight: Sight) -> Icon:
    if not sight.redis or _nobody_works(sight):
        return ProjectStatus.FAILED
    if sight.causes:
        return sight.causes[0].status
    if sight.paused:
        return "paused"
    if sight.running:
        return ProjectStatus.RUNNING
    return ProjectStatus.WAITING_QUOTA if sight.parked else ProjectStatus.COMPLETED


def _nobody_works(sight: Sight) -> bool:
    return sight.workers == 0 and bool(sight.waiting or sight.running)


def _moves(sight: Sight) -> Text:
    if not sight.redis:
        return Text("*Redis 沒有回應*，新的工作無法開始。", "*Redis does not answer*: nothing new can begin.")
    if _nobody_works(sight):
        return Text("*沒有 Worker*，工作都停著。", "*No worker is there*: everything stands still.")
    if sight.paused:
        return Text("佇列已暫停。", "The queue is paused.")
    if sight.running:
        return Text("運作中。", "Moving.")
    if sight.waiting:
        return Text("等待 Worker 接手。", "About to begin.")
    return Text("目前沒有工作。", "At rest.")


def _needs(causes: Sequence[Cause], parked: int, *, stands: bool) -> Text:
    projects = sum(len(cause.projects) for cause in causes)
    stopping = sum(len(cause.projects) for cause in causes if cause.stops_uploads)
    if projects and stopping:
        zh = f"*{projects:,} 件事需要處理*，其中 {stopping:,} 件卡住上傳。"
        things = "1 thing needs a person" if projects == 1 else f"{projects:,} things need a person"
        stop = "1 of them stops uploads" if stopping == 1 else f"{stopping:,} of them stop uploads"
        return Text(zh, f"*{things}*, {stop}.")
    if projects:
        things = "1 thing needs a person" if projects == 1 else f"{projects:,} things need a person"
        return Text(f"*{projects:,} 件事需要處理*。", f"*{things}*.")
    if stands:
        return Text("除此之外沒有需要處理的事。", "Nothing else needs a person.")
    if parked:
        by_itself = (
            "1 project waits and goes on by itself" if parked == 1 else f"{parked:,} projects wait and go on by themselves"
        )
        return Text(f"不需要處理；{parked:,} 個專案等待中，會自動繼續。", f"Nothing needs a person; {by_itself}.")
    return Text("沒有需要處理的事。", "Nothing needs a person.")

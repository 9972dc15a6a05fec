"""What a project does now, in words, and how far it is: from its outline, and from the last event that was heard of it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from jobs.pipeline import overall
from progress import ProgressEvent
from reelqueue.dashboard.words import STAGE
from reelqueue.models.stage import ProjectStatus, Stage, StageStatus
from reelqueue.wording import Text, same
from storage import Outline

ENDED = frozenset({StageStatus.DONE, StageStatus.SKIPPED})
_WEEKDAYS = ("一", "二", "三", "四", "五", "六", "日")
_REVIEWED = {
    "script": Text("腳本可以審閱了", "Script is ready to read"),
    "assets": Text("畫面與語音可以審核了", "Pictures and voice are ready to check"),
    "render": Text("影片可以審核了", "Video is ready to watch"),
    "thumbnail": Text("封面可以審核了", "Thumbnail is ready to check"),
    "final": Text("影片發布前請審核", "Video is ready: check it before it is published"),
}
_PRIVACY = {
    "private": Text("私人", "Private"),
    "unlisted": Text("非公開", "Unlisted"),
    "public": Text("公開", "Public"),
}


@dataclass(frozen=True, slots=True)
class Now:
    """Where a project stands: `percent` of the whole (0-100), `words` for what happens, `worked_s` the seconds of work by now."""

    percent: int
    words: Text
    worked_s: float | None


def now_of(one: Outline, heard: ProgressEvent | None, at: datetime, zone: ZoneInfo) -> Now:
    """Where it stands at the moment `at`; moments in words are told in `zone`."""
    event = heard if heard is not None and is_of(one, heard) else None
    return Now(_percent(one, event), _words(one, event, at, zone), worked_s(one, at))


def is_of(one: Outline, event: ProgressEvent) -> bool:
    """Whether an event tells of the stage that runs by the disk: an older one would tell of what was."""
    return one.running is not None and event.stage == one.running.event_name and event.status == ProjectStatus.RUNNING


def worked_s(one: Outline, at: datetime) -> float | None:
    """Seconds of work by now, without the waits between; None before any."""
    running = max(timedelta(), at - one.running_since).total_seconds() if one.running_since is not None else 0.0
    return one.spent_s + running if one.spent_s or one.running_since is not None else None


def _percent(one: Outline, event: ProgressEvent | None) -> int:
    if one.status is ProjectStatus.COMPLETED:
        return 100
    stage = one.next_stage or one.goal
    done = overall(stage, 0.0)
    return int(max(done, overall(stage, event.progress) if event is not None else done))


def moment(at: datetime, now: datetime, zone: ZoneInfo) -> Text:
    """A moment as short as it can be told: `16:00` on the same day, else with its day."""
    local, today = at.astimezone(zone), now.astimezone(zone).date()
    clock = f"{local:%H:%M}"
    if local.date() == today:
        return same(clock)
    year = "" if local.year == today.year else str(local.year)
    zh = f"{year}年" if year else ""
    zh += f"{local.month}/{local.day}（{_WEEKDAYS[local.weekday()]}）{clock}"
    return Text(zh, f"{local:%a} {local.day} {local:%b}{f' {year}' if year else ''}, {clock}")


def _words(one: Outline, event: ProgressEvent | None, at: datetime, zone: ZoneInfo) -> Text:
    told: dict[ProjectStatus, Callable[[], Text]] = {
        ProjectStatus.CREATED: lambda: Text("尚未開始", "Not started"),
        ProjectStatus.QUEUED: lambda: _queued(one, at, zone),
        ProjectStatus.RUNNING: lambda: _running(one, event),
        ProjectStatus.WAITING_REVIEW: lambda: _review(one),
        ProjectStatus.COMPLETED: lambda: _completed(one, at, zone),
        ProjectStatus.FAILED: lambda: same(one.error.message) if one.error is not None else Text("失敗", "Failed"),
        ProjectStatus.CANCELLED: lambda: _cancelled(one),
    }
    return told.get(one.status, lambda: goes_on(one, at, zone))()


def goes_on(one: Outline, at: datetime, zone: ZoneInfo) -> Text:
    """How a wait ends: by a clock, or by a person."""
    until = one.wait.until if one.wait is not None and one.wait.until is not None else one.resume_at
    if until is not None:
        when = moment(until, at, zone)
        return Text(f"{when.zh} 自動繼續", f"Goes on by itself at {when.en}")
    why = one.wait.why if one.wait is not None else ""
    return same(why) if why else Text("等人處理", "Waits for a person")


def _queued(one: Outline, at: datetime, zone: ZoneInfo) -> Text:
    if one.held:
        return Text("批次已暫停", "Its batch is paused")
    stage = STAGE[one.next_stage or one.goal]
    if one.resume_at is not None and one.resume_at > at:
        when = moment(one.resume_at, at, zone)
        return Text(f"{stage.zh} · {when.zh} 再試", f"{stage.en} · tried again at {when.en}")
    return Text(f"等待{stage.zh}", f"Waits for {stage.en.lower()}")


def _running(one: Outline, event: ProgressEvent | None) -> Text:
    stage = STAGE[one.running or one.next_stage or one.goal]
    return Text(f"{stage.zh} · {event.progress}%", f"{stage.en} · {event.progress}%") if event is not None else stage


def _review(one: Outline) -> Text:
    if one.wait is not None and one.wait.why:
        return same(one.wait.why)
    due = one.wait.reason.rpartition(", ")[2] if one.wait is not None else "script"
    return _REVIEWED.get(due, _REVIEWED["final"])


def _completed(one: Outline, at: datetime, zone: ZoneInfo) -> Text:
    if one.goal is not Stage.UPLOAD:
        stage = STAGE[one.goal]
        return Text(f"做到「{stage.zh}」為止", f"Done up to {stage.en.lower()}")
    if one.publish_at is not None and one.publish_at > at:
        when = moment(one.publish_at, at, zone)
        return Text(f"排程 {when.zh}", f"Publishes {when.en}")
    seen = _PRIVACY["public"] if one.publish_at is not None else _PRIVACY.get(one.privacy, same(one.privacy))
    if not one.warnings:
        return seen
    noun = "warning" if one.warnings == 1 else "warnings"
    return Text(f"{seen.zh} · {one.warnings} 則警告", f"{seen.en} · {one.warnings} {noun}")


def _cancelled(one: Outline) -> Text:
    kept = [stage for stage, status in zip(Stage, one.stages, strict=False) if status in ENDED]
    if not kept:
        return Text("已取消，尚未做出任何成果", "Cancelled before anything was made")
    last = STAGE[kept[-1]]
    return Text(f"已取消，保留到「{last.zh}」", f"Cancelled; kept up to {last.en.lower()}")

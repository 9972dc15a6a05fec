"""How a batch stands, in words: its counts, for what its projects wait, why some failed."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reelqueue.ahead.moments import moment
from reelqueue.cli.projects import STATUS
from reelqueue.cli.widths import spans
from reelqueue.models.batch import BatchState
from reelqueue.models.stage import BatchStatus, ProjectStatus
from reelqueue.wording import Text, same
from storage import Outline

Outlines = Mapping[int, Outline | None]
BATCH_STATUS = {
    BatchStatus.CREATED: Text("已建立", "created"),
    BatchStatus.RUNNING: Text("進行中", "running"),
    BatchStatus.PAUSED: Text("已暫停", "paused"),
    BatchStatus.COMPLETED: Text("完成", "completed"),
    BatchStatus.FAILED: Text("失敗", "failed"),
    BatchStatus.CANCELLED: Text("已取消", "cancelled"),
}
GONE = Text("已刪除", "deleted")
_ORDER = (
    ProjectStatus.COMPLETED,
    ProjectStatus.FAILED,
    ProjectStatus.CANCELLED,
    ProjectStatus.RUNNING,
    ProjectStatus.WAITING_REVIEW,
    ProjectStatus.NEEDS_PERSON,
    ProjectStatus.WAITING_QUOTA,
    ProjectStatus.WAITING_BUDGET,
    ProjectStatus.WAITING_DISK,
    ProjectStatus.QUEUED,
    ProjectStatus.CREATED,
)


def counts_in_words(outlines: Outlines) -> Text:
    """`12 completed, 3 running, 5 waits for quota`, what ended first; who is not started yet is queued to a reader."""
    counts = Counter[str](
        ProjectStatus.QUEUED if known.status is ProjectStatus.CREATED else known.status for known in outlines.values() if known
    )
    gone = sum(known is None for known in outlines.values())
    told = [(STATUS[status], counts[status]) for status in _ORDER if counts[status]]
    told += [(GONE, gone)] if gone else []
    return Text("、".join(f"{count} {name.zh}" for name, count in told), ", ".join(f"{count} {name.en}" for name, count in told))


@dataclass(frozen=True, slots=True)
class Group:
    """Projects that wait for, or failed by, the same thing: which, and what to do."""

    what: Text
    project_ids: tuple[int, ...]
    do: str = ""
    kind: str = ""


def waits(outlines: Outlines) -> list[Group]:
    """For what projects wait, the most first."""
    found: defaultdict[tuple[ProjectStatus, str], list[Outline]] = defaultdict(list)
    for known in outlines.values():
        if known is not None and known.status.is_waiting:
            found[known.status, _do(known)].append(known)
    return [_waiting(status, do, group) for (status, do), group in sorted(found.items(), key=lambda one: -len(one[1]))]


def _do(known: Outline) -> str:
    """What to do, with the project's own id left out: so those that wait for the same stand together."""
    said = known.wait.what_to_do if known.wait is not None else ""
    return said.replace(f" {known.project_id}", " ID")


def _waiting(status: ProjectStatus, do: str, group: Sequence[Outline]) -> Group:
    ids = tuple(known.project_id for known in group)
    until = [known.wait.until for known in group if known.wait is not None and known.wait.until is not None]
    at = moment(min(until)) if until else ""
    later = Text(f"，最晚 {at} 自動繼續", f", goes on by itself by {at}") if until else same("")
    name, why = STATUS[status], {known.wait.why for known in group if known.wait is not None}
    said = why.pop() if len(why) == 1 and status is ProjectStatus.WAITING_REVIEW else ""  # which videos one resembles
    more = Text(f"（{said}）", f" ({said})") if said else same("")
    return Group(Text(f"{name.zh}{more.zh}{later.zh}", f"{name.en}{more.en}{later.en}"), ids, do, f"{status} {do}")


def failures(outlines: Outlines) -> list[Group]:
    """Why projects failed, the most first."""
    found: defaultdict[tuple[str, str, str], list[int]] = defaultdict(list)
    for number, known in outlines.items():
        if known is not None and known.status is ProjectStatus.FAILED:
            error = known.error
            stage = str(known.failed) if known.failed is not None else ""
            message = (error.message if error is not None else "").replace(f" {number} ", " ID ")
            found[stage, message, error.hint if error is not None else ""].append(number)
    ordered = sorted(found.items(), key=lambda one: -len(one[1]))
    return [Group(same(f"{stage}: {message}" if stage else message), tuple(ids), hint) for (stage, message, hint), ids in ordered]


def group_in_words(group: Group, mark: str) -> list[str]:
    """`‖ 12 x waits for quota ...: 3-14`, and what to do."""
    count = len(group.project_ids)
    lines = [f"{mark} {count} x {group.what}: {Text('專案', 'project')} {spans(group.project_ids)}"]
    return [*lines, f"    → {group.do}"] if group.do else lines


def name_of(state: BatchState) -> Text:
    """What a batch is called."""
    return Text(f"批次 {state.batch_id}", f"batch {state.batch_id}")

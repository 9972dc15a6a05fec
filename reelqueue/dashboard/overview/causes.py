"""Projects that stand still until a person acts, grouped by what mends them: one dead token is one cause, however many wait with it."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from zoneinfo import ZoneInfo

from reelqueue import clock
from reelqueue.dashboard.project.now import moment
from reelqueue.dashboard.words import STAGE
from reelqueue.models.channel import DEFAULT_CHANNEL
from reelqueue.models.stage import ProjectStatus, Stage
from reelqueue.wording import Text, same
from storage import Outline

MOST_NOTE_CHARS = 200


class Urgency(IntEnum):
    """What comes first: what holds up every project of a service, then what failed alone, then what only a word is missing for."""

    SERVICE = 0
    FAILED = 1
    DECISION = 2
    REVIEW = 3


@dataclass(frozen=True, slots=True)
class Cause:
    """One reason, and whom it holds up: `projects`, the one that waits longest first.

    `key` names it as a folder's name would; `status` is the state that its icon shows.  `note` says what is kept, or what the error
    said; `act` is what its one button says, and `path` where that leads on the board.
    """

    key: str
    status: ProjectStatus
    urgency: Urgency
    title: Text
    note: Text
    act: Text
    path: str
    projects: tuple[Outline, ...]

    @property
    def since(self) -> datetime:
        """Since when the first of them waits."""
        return _since(self.projects[0])

    @property
    def stops_uploads(self) -> bool:
        """Whether nothing is published on a channel until it is mended."""
        return self.urgency is Urgency.SERVICE and _stage(self.projects[0]) is Stage.UPLOAD


def _since(outline: Outline) -> datetime:
    """When it came to a stand: who failed, when its stage did; an edit of its slot since then is no matter."""
    if outline.status is ProjectStatus.FAILED and outline.ended_at is not None:
        return outline.ended_at
    return outline.updated_at


_BY_THEMSELVES = frozenset(
    {
        ProjectStatus.CREATED,
        ProjectStatus.QUEUED,
        ProjectStatus.RUNNING,
        ProjectStatus.COMPLETED,
        ProjectStatus.CANCELLED,
    }
)
"""They go on, were not begun, or came to their end."""


def needs_person(outline: Outline) -> bool:
    """Whether nothing more happens to a project by itself, and it has not come to its end."""
    status = outline.status
    if status in _BY_THEMSELVES:  # nearly all of ten thousand
        return False
    if status is ProjectStatus.FAILED or status.waits_for_a_person:
        return True
    return status.is_waiting and outline.resume_at is None and (outline.wait is None or outline.wait.until is None)


def count_needing(outlines: Iterable[Outline]) -> int:
    """How many projects need a person."""
    return sum(map(needs_person, outlines))


def causes_of(outlines: Iterable[Outline], zone: ZoneInfo) -> list[Cause]:
    """Why they stand still, the most urgent first; those that do not need a person are passed over.  Moments are told in `zone`."""
    groups: dict[str, list[Outline]] = defaultdict(list)
    for outline in outlines:
        if needs_person(outline):
            groups[_key(outline)].append(outline)
    found = [_cause(key, sorted(group, key=_since), zone) for key, group in groups.items()]
    return sorted(found, key=lambda cause: (cause.urgency, _slot(cause.projects), cause.since))


def failures_of(outlines: Iterable[Outline], zone: ZoneInfo) -> list[Cause]:
    """As `causes_of`, of those that failed alone."""
    return causes_of((one for one in outlines if one.status is ProjectStatus.FAILED), zone)


REFUSED = "content_refused"
_SERVICE_CODES = frozenset({"authentication", "misconfigured"})
"""Errors that fail whoever asks the same service next, until the operator acts."""


def _key(outline: Outline) -> str:
    if outline.is_unreadable:
        return "unreadable"
    stage = _stage(outline)
    channel = f"-{outline.channel or DEFAULT_CHANNEL}" if stage is Stage.UPLOAD else ""
    if outline.status is ProjectStatus.FAILED:
        code = outline.error.code if outline.error is not None else "error"
        return f"failed-{code}-{stage}{channel if code in _SERVICE_CODES else ''}"
    if outline.status is ProjectStatus.WAITING_REVIEW:
        return f"review-{'alike' if _is_alike(outline) else _reviewed(outline)}"
    return f"{outline.status}-{stage}"


def _stage(outline: Outline) -> Stage:
    return outline.failed or outline.next_stage or outline.goal


def _is_alike(outline: Outline) -> bool:
    """Whether it waits because its video looks like another, and not because its brief asked for a review."""
    return outline.wait is not None and bool(outline.wait.why)


def _reviewed(outline: Outline) -> str:
    """What has to be looked at: the last of the reviews that are due."""
    return outline.wait.reason.rpartition(", ")[2] if outline.wait is not None else "script"


def _slot(projects: Sequence[Outline]) -> float:
    """The first moment of publication that waits for one of them."""
    return min((one.publish_at.timestamp() for one in projects if one.publish_at is not None), default=float("inf"))


def _cause(key: str, group: Sequence[Outline], zone: ZoneInfo) -> Cause:
    first, projects = group[0], tuple(group)
    match first.status:
        case ProjectStatus.FAILED:
            urgency, title, note, act = _failed(first, projects)
        case ProjectStatus.WAITING_REVIEW if _is_alike(first):
            title = _counted(
                len(projects), "{n} 支影片與舊片相似", "1 video looks like an older one", "{n} videos look like older ones"
            )
            urgency, note, act = Urgency.REVIEW, _said(first), Text("比對", "Compare")
        case ProjectStatus.WAITING_REVIEW:
            urgency, title, note, act = (
                Urgency.REVIEW,
                _REVIEWS[_reviewed(first)](len(projects)),
                _oldest(group, zone),
                Text("開始審核", "Review"),
            )
        case _:
            urgency, title, note, act = _undecided(first, len(projects))
    return Cause(key, first.status, urgency, title, note, act, _where(projects), projects)


def _where(projects: Sequence[Outline]) -> str:
    """Where the button leads: to the project or its script, or to the list of those that are alike."""
    first = projects[0]
    if first.error is not None:  # how to mend it stands with each of them
        return f"/projects/{first.project_id}{'/script' if first.error.code == REFUSED else ''}"
    if len(projects) > 1:
        return f"/projects?status={first.status}&stage={_stage(first)}"
    return f"/projects/{first.project_id}{'/script' if _reviews_script(first) else ''}"


def _reviews_script(outline: Outline) -> bool:
    return outline.status is ProjectStatus.WAITING_REVIEW and not _is_alike(outline) and _reviewed(outline) == "script"


# In words.

_Told = tuple[Urgency, Text, Text, Text]
_FIX = Text("查看修復方式", "See how to fix")


def _counted(count: int, zh: str, one: str, many: str) -> Text:
    return Text(zh.format(n=f"{count:,}"), (one if count == 1 else many).format(n=f"{count:,}"))


def _reviews(zh: str, one: str, many: str) -> Callable[[int], Text]:
    return lambda count: _counted(count, zh, one, many)


_REVIEWS: dict[str, Callable[[int], Text]] = {
    "script": _reviews("{n} 份腳本待審核", "1 script waits for review", "{n} scripts wait for review"),
    "assets": _reviews("{n} 份素材待審核", "1 set of pictures and voice waits for review", "{n} sets of pictures and voice wait for review"),
    "render": _reviews("{n} 支影片待審核", "1 video waits for review", "{n} videos wait for review"),
    "thumbnail": _reviews("{n} 張封面待審核", "1 thumbnail waits for review", "{n} thumbnails wait for review"),
    "final": _reviews("{n} 支影片待發布前審核", "1 video waits for its last review", "{n} videos wait for their last review"),
}  # fmt: skip


def _failed(first: Outline, projects: Sequence[Outline]) -> _Told:
    code, stage, count = first.error.code if first.error is not None else "error", _stage(first), len(projects)
    channel, name = first.channel or DEFAULT_CHANNEL, STAGE[stage]
    if code == "authentication" and stage is Stage.UPLOAD:
        title = Text(f"YouTube 授權已失效：{channel}", f"YouTube sign-in has expired: {channel}")
        kept = _counted(
            count,
            "{n} 支上傳失敗。影片已保留，不會重複付費。",
            "1 upload failed. The finished video is kept; nothing is paid again.",
            "{n} uploads failed. Finished videos are kept; nothing is paid again.",
        )
        return Urgency.SERVICE, title, kept, _FIX
    if code == "authentication":
        title = _counted(
            count, "{n} 個專案的服務金鑰被拒絕", "A key was refused: 1 project stopped", "A key was refused: {n} projects stopped"
        )
        return Urgency.SERVICE, title, _said(first), _FIX
    if code == "misconfigured":
        title = _counted(
            count, "服務設定有誤：{n} 個專案停下", "A service is set up wrong: 1 project stopped", "A service is set up wrong: {n} projects stopped"
        )  # fmt: skip
        return Urgency.SERVICE, title, _said(first), _FIX
    if code == REFUSED:
        title = _counted(
            count, "{n} 個專案的內容被拒絕", "The content of 1 project was refused", "The content of {n} projects was refused"
        )
        return Urgency.FAILED, title, _said(first), Text("修改內容", "Reword it")
    title = _counted(
        count,
        f"{{n}} 個專案在「{name.zh}」失敗",
        f"1 project failed at its {name.en.lower()}",
        f"{{n}} projects failed at their {name.en.lower()}",
    )
    return Urgency.FAILED, title, _said(first), _FIX


def _undecided(first: Outline, count: int) -> _Told:
    words = {
        ProjectStatus.WAITING_BUDGET: ("{n} 個專案的預算用完", "1 project has used up its budget", "{n} projects have used up their budget"),
        ProjectStatus.WAITING_QUOTA: ("{n} 個專案等待配額", "1 project waits for quota", "{n} projects wait for quota"),
        ProjectStatus.WAITING_DISK: ("{n} 個專案等待磁碟空間", "1 project waits for space on the disk", "{n} projects wait for space on the disk"),
    }  # fmt: skip
    if first.is_unreadable:
        title = _counted(
            count, "{n} 個專案的狀態無法讀取", "The state of 1 project can't be read", "The states of {n} projects can't be read"
        )
        return Urgency.DECISION, title, _said(first), _FIX
    undecided = ("{n} 個專案需人工判斷", "1 project needs a decision", "{n} projects need a decision")
    title = _counted(count, *words.get(first.status, undecided))
    return Urgency.DECISION, title, _said(first), Text("查看並決定", "Decide")


def _said(first: Outline) -> Text:
    """What the error, or the wait, says of the first of them; in the language in which it was written down."""
    if first.error is not None:
        said = first.error.message
    else:
        said = first.wait.why or first.wait.what_to_do if first.wait is not None else ""
    return same(f"#{first.project_id} {said}"[:MOST_NOTE_CHARS])


def _oldest(group: Sequence[Outline], zone: ZoneInfo) -> Text:
    """Which waits longest, or whose moment of publication comes first."""
    first = min(group, key=lambda one: _slot((one,)))
    slot = _slot((first,))
    if slot == float("inf"):
        return Text(f"最久：{group[0].title}", f"Oldest: {group[0].title}")
    at = moment(datetime.fromtimestamp(slot, zone), clock.now(), zone)
    return Text(f"{at.zh} 的時段在等：{first.title}", f"The slot of {at.en} waits for: {first.title}")

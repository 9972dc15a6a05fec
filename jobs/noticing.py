"""Which waits a person has to hear of, and in which words.  Pure.

A kind is what one act of a person mends: one dead token, one empty quota.  However many projects wait with it, it is told once.
"""

import re

from reelqueue.models.channel import DEFAULT_CHANNEL
from reelqueue.models.event import Notice
from reelqueue.models.stage import ProjectStatus, Stage
from reelqueue.wording import Text
from storage.outlines import Outline

_OF_THE_SERVICE = frozenset({"authentication", "misconfigured"})
"""Errors that fail a project, and every other that asks the same service, until the operator acts."""
_TITLES = {
    ProjectStatus.WAITING_REVIEW: Text("有影片等待審核", "a video waits for review"),
    ProjectStatus.WAITING_QUOTA: Text("配額用完了", "a quota is used up"),
    ProjectStatus.WAITING_BUDGET: Text("到達費用上限", "a cost cap is reached"),
    ProjectStatus.WAITING_DISK: Text("磁碟滿了", "the disk is full"),
    ProjectStatus.NEEDS_PERSON: Text("有專案需要人處理", "a project needs a person"),
    ProjectStatus.FAILED: Text("服務拒絕了金鑰、授權或設定", "a service refuses the key, the token or how it is set up"),
}

UNREADABLE = Text("有專案的狀態無法讀取", "the state of a project can't be read")


def kind_of(outline: Outline) -> str | None:
    """The kind of wait that a project is in, as a folder's name; None where nobody has to be told.

    A channel is told apart where its own token or its client's quota is meant; a full disk or a cost cap is one for all.
    """
    if outline.is_unreadable:
        return "unreadable"
    stage = _stage(outline)
    of_channel = f"-{_slug(outline.channel or DEFAULT_CHANNEL)}" if stage is Stage.UPLOAD else ""
    if outline.status is ProjectStatus.FAILED:
        error = outline.error
        return f"{error.code}-{stage}{of_channel}" if error is not None and error.code in _OF_THE_SERVICE else None
    kinds = {
        ProjectStatus.WAITING_QUOTA: f"quota-{stage}{of_channel}",
        ProjectStatus.WAITING_BUDGET: "budget",
        ProjectStatus.WAITING_DISK: "disk",
        ProjectStatus.WAITING_REVIEW: "review",
        ProjectStatus.NEEDS_PERSON: f"needs_person-{stage}",
    }
    return kinds.get(outline.status)


def notice_of(outline: Outline, kind: str) -> Notice:
    """The words for the first project of a kind."""
    failed = outline.status is ProjectStatus.FAILED
    error, wait = outline.error, outline.wait
    why = (error.message if error is not None else "") if failed else _why(outline)
    do = (error.hint if error is not None else "") if failed else (wait.what_to_do if wait is not None else "")
    stage = _stage(outline)
    return Notice(
        kind=kind,
        at=outline.updated_at,
        project_id=outline.project_id,
        batch_id=outline.batch_id,
        status=str(outline.status),
        stage=str(stage),
        channel=(outline.channel or DEFAULT_CHANNEL) if stage is Stage.UPLOAD else None,
        title=str(UNREADABLE if outline.is_unreadable else _TITLES[outline.status]),
        why=why,
        what_to_do=do,
        until=wait.until if wait is not None and not failed else None,
    )


def _why(outline: Outline) -> str:
    """Why it waits; of a review that the brief asked for, what somebody has to look at."""
    wait, number = outline.wait, outline.project_id
    if wait is None or wait.why:
        return wait.why if wait is not None else ""
    return str(Text(f"專案 {number} 的 {wait.reason} 要有人看過", f"somebody has to look at project {number}: {wait.reason}"))


def _stage(outline: Outline) -> Stage:
    return outline.failed or outline.next_stage or outline.goal


def _slug(name: str) -> str:
    """A channel's name as part of a folder's: letters, digits and a few signs stay."""
    return re.sub(r"[^\w.-]", "_", name)[:60]

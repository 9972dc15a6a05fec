"""How a project is deleted, and on request its video.

The video goes first: whoever dies between the two leaves a project that still knows what it published, and is deleted by the
same call once more.  A video that is gone already is no error.
"""

import asyncio
import itertools
import secrets
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import structlog

from jobs import acts
from jobs.retry import RetryIn, decide
from jobs.spending import Caps, Spender
from jobs.video.publication import LOOKING
from reelqueue import clock, failpoints
from reelqueue.errors import Busy, MediaError, QuotaExhausted, ReelqueueError, ServiceUnavailable, TransientError, WrongState
from reelqueue.models.brief import Brief
from reelqueue.models.cost import Cost
from reelqueue.models.project import ProjectState, Upload
from reelqueue.models.stage import ProjectStatus, Stage
from reelqueue.providers.protocols import Choice, Publication, Publisher, SessionGone
from reelqueue.wording import Text
from storage import History, Lease, Ledger, ProjectStore

LET_GO_SECONDS, LET_GO_LOOK_S = 5.0, 0.05
"""How long a worker may take to let go of a project that rests: it stops cancelled work within two seconds."""
LOCAL = "local"
"""The publisher to the library."""
LONGEST_PAUSE_S = 30.0
"""Somebody waits for the answer: a service that asks for a longer pause is asked again by him."""

T = TypeVar("T")
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Channels:
    """What it takes to take videos off their channels: `choice` gives who published them, the same each time.

    `delays`: seconds before each retry of a call.
    """

    choice: Callable[[], Choice]
    ledger: Ledger
    delays: Sequence[float] = (2.0, 5.0, 10.0)


async def delete_project(projects: ProjectStore, number: int, *, channels: Channels | None = None) -> None:
    """Delete a project for good; with `channels` its video first.

    Raises:
        ProjectNotFound.  WrongState: a worker has it in hand, or another system published its video.
        InvalidBrief, InvalidSettings: who published the video is not set up any more.
        QuotaExhausted: a service gives no more before its `until`; the other errors of a service: the project is there still.
        StorageUnavailable: it may be gone or not.
    """
    if channels is None:
        await _once_free(projects, number, lambda: projects.delete(number))
        return
    async with await _once_free(projects, number, lambda: projects.take_over(number, fence_later=True)) as lease:
        await _take_down(lease, channels, History(projects.paths.history))
        await projects.delete(number, lease=lease)


async def _once_free(projects: ProjectStore, number: int, act: Callable[[], Awaitable[T]]) -> T:
    """`act`, as soon as the worker of a project that rests has let go of it."""
    deadline = time.monotonic() + LET_GO_SECONDS
    while True:
        try:
            return await act()
        except Busy:
            resting = (await projects.load(number)).status not in {ProjectStatus.RUNNING, ProjectStatus.QUEUED}
            if not resting or time.monotonic() > deadline:
                raise _in_hand(number) from None
            await asyncio.sleep(LET_GO_LOOK_S)


async def _take_down(lease: Lease, channels: Channels, history: History) -> None:
    """Remove every video that the project published; the channel's next one may look like it."""
    state, upload = lease.state, lease.state.upload
    if upload is None:
        return
    if upload.is_elsewhere:
        raise _not_ours(state)
    spender = Spender(channels.ledger, state.project_id, Caps())
    choice = channels.choice()
    publisher = choice.publisher_of(_as_published(state, upload))
    for video_id in await _published(lease, upload, publisher, spender, channels.delays):
        was_there = await _removed(lease, publisher, video_id, spender, channels.delays)
        log.info("video_removed", project_id=state.project_id, video_id=video_id, was_there=was_there)
    if publisher.name != LOCAL:  # our own library is nobody's channel
        await history.forget(choice.channel_of(state.brief).name, state.project_id)


def _as_published(state: ProjectState, upload: Upload) -> Brief:
    """The brief by which the video went where it is: since then the setting that chooses may have changed."""
    if upload.video_id is None:
        return state.brief
    name = LOCAL if upload.video_id == f"local-{state.project_id}" else "youtube"
    return state.brief.replace(providers={**state.brief.providers, "publisher": name})


async def _published(
    lease: Lease, upload: Upload, publisher: Publisher, spender: Spender, delays: Sequence[float]
) -> tuple[str, ...]:
    """The ids of all videos that came of the project: one, but where it was not known whether a session made one."""
    known = (upload.video_id,) if upload.video_id is not None else ()
    sought = _sought(lease, upload)
    if not known and upload.session_no:
        session, asked = await lease.read_session(), False
        if session is not None:
            try:
                made = await _tried(lambda: publisher.query(sought, session), delays)
                known, asked = (made,) if made is not None else (), True
            except (SessionGone, MediaError):  # not known any more; or the file that it was opened for is gone
                pass
        if asked and upload.session_no == 1:
            return known
    elif upload.session_no <= 1 and LOOKING not in upload.steps:
        return known
    found = await _called("find", lambda: publisher.find(sought), publisher.cost("find", sought), spender, delays)
    if not known and not found:
        _refuse_too_early(lease.state, publisher.listed_within_s)
    return tuple(dict.fromkeys((*known, *found)))


def _sought(lease: Lease, upload: Upload) -> Publication:
    """As much of a publication as it is found by."""
    brief = lease.state.brief
    return Publication(
        project_id=lease.state.project_id, marker=upload.marker, title="", description="", tags=(), language="", privacy=brief.privacy,
        category_id=0, made_for_kids=False, synthetic_media=True, video=str(lease.files.video), thumbnail=str(lease.files.thumbnail),
        captions=None, channel=brief.channel or "default",
    )  # fmt: skip


def _refuse_too_early(state: ProjectState, listed_within_s: float) -> None:
    """A channel's list lags behind: what is not in it yet would be left there for ever."""
    waits_s = listed_within_s - (clock.now() - state.updated_at).total_seconds()
    if waits_s > 0:
        minutes = max(1, round(waits_s / 60 + 0.5))
        raise ServiceUnavailable(
            Text(
                f"還無法得知專案 {state.project_id} 的影片是否已在頻道上：頻道的影片清單會慢幾分鐘",
                f"it can't be known yet whether the video of project {state.project_id} is on the channel: its list lags some minutes",
            ),
            Text(f"{minutes} 分鐘後再執行一次", f"run it again in {minutes} minutes"),
        )


async def _removed(lease: Lease, publisher: Publisher, video_id: str, spender: Spender, delays: Sequence[float]) -> bool:
    async def remove() -> bool:
        await lease.commit(_at_rest)  # the fence: nobody publishes beside us; and nobody goes on with it should we die now
        was_there = await publisher.remove(video_id)
        await failpoints.reach("delete.taken-down")
        return was_there

    return await _called("remove", remove, publisher.cost("remove", None), spender, delays)


def _at_rest(state: ProjectState) -> ProjectState:
    return state if state.status.is_final else acts.cancel(state)


async def _called(name: str, make: Callable[[], Awaitable[T]], cost: Cost, spender: Spender, delays: Sequence[float]) -> T:
    """One call, its quota reserved before each time that it is sent."""

    async def sent() -> T:
        held = await spender.reserve(f"{spender.project_id}.{name}.{secrets.token_hex(4)}", cost)
        try:
            made = await make()
        except ReelqueueError as error:
            await spender.failed(held, error)
            raise
        await spender.settle(held, ())
        return made

    try:
        return await _tried(sent, delays)
    except QuotaExhausted as error:
        raise _no_quota(spender.project_id, error) from error


async def _tried(make: Callable[[], Awaitable[T]], delays: Sequence[float]) -> T:
    for attempt in itertools.count(1):
        try:
            return await make()
        except TransientError as error:
            decision = decide(error, attempt=attempt, delays=delays)
            if not isinstance(decision, RetryIn) or decision.seconds > LONGEST_PAUSE_S:
                raise
            log.warning("retrying", error=error.message, seconds=decision.seconds)
            await asyncio.sleep(decision.seconds)
    raise AssertionError("there is always a next number")


def _no_quota(project_id: int | None, error: QuotaExhausted) -> QuotaExhausted:
    """Nothing goes on by itself here: whoever deletes has to come again."""
    when = "" if error.until is None else f"{error.until.astimezone():%Y-%m-%d %H:%M %Z}"
    return QuotaExhausted(
        Text(f"專案 {project_id} 還沒刪除：{error.text.zh}", f"project {project_id} is not deleted: {error.text.en}"),
        Text(
            f"{when or '重置'}之後再執行一次；或只刪除專案（不加 --video）",
            f"run it again after {when or 'the reset'}; or delete the project alone, without --video",
        ),
        until=error.until,
        closes=error.closes,
    )


def _not_ours(state: ProjectState) -> WrongState:
    where = (state.stages[Stage.UPLOAD].result or {}).get("video_url") or (state.upload.video_id if state.upload else "")
    return WrongState(
        Text(
            f"專案 {state.project_id} 的影片是另一個系統發布的（{where}），這裡不會動它",
            f"the video of project {state.project_id} was published by another system ({where}): it is not ours to remove",
        ),
        Text("在那裡刪除影片；專案本身用 reelqueue delete（不加 --video）", "delete the video there; the project itself by reelqueue delete without --video"),
    )  # fmt: skip


def _in_hand(number: int) -> WrongState:
    return WrongState(
        Text(f"專案 {number} 正在執行", f"project {number} is being worked on"),
        Text(f"先執行 reelqueue cancel {number}", f"run reelqueue cancel {number} first"),
    )


def published_at(state: ProjectState) -> str | None:
    """Where the project's video can be seen, for people; None where nothing of it may be there."""
    if state.upload is None or (state.upload.video_id is None and not state.upload.session_no):
        return None
    url = (state.stages[Stage.UPLOAD].result or {}).get("video_url")
    return str(url or state.upload.video_id or "?")

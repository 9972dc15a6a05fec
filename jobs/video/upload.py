"""The last stage: the video is published, once.

The publisher's steps (the upload protocol: see docs/architecture.md) with a commit between them.  A session is the
service's idempotency key: what has to be fenced is only which session.  Everything goes up unseen and is made
visible last.
"""

import asyncio
import contextlib
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from jobs.context import WorkerContext
from jobs.runner import run_stage
from jobs.stages import HandBack, Postponed, StageInputs, StageOutcome, StageRun, StageWork
from jobs.video.afterwards import first_reserved, several, steps_carried_out
from jobs.video.publication import (
    INTENT,
    LOOKING,
    LOOKING_BY,
    booked,
    intent_of,
    publication_of,
    upload_of,
    video_file,
    with_upload,
)
from jobs.video.variation import look_for_likes, note_published
from reelqueue import clock, failpoints
from reelqueue.errors import AuthenticationFailed, NeedsPerson, PermanentError, TransientError
from reelqueue.models.project import ProjectState, Upload
from reelqueue.models.stage import Stage
from reelqueue.providers.protocols import Publication, SessionGone
from reelqueue.wording import Text
from storage import Owner

MOST_SESSIONS = 5
"""A file that five sessions could not take in one attempt is a person's matter."""
SLOWEST_BYTES_PER_SECOND = 64_000
"""The time-out grows with the file by this (contract, section 2c)."""
SESSION = "session"
"""A step in the state: the sha256 of the video that the session was opened for."""
FIRST_LOOK_S = 10.0
"""The pause before the channel's list is read again; the next ones are as long as all before them."""


async def upload_to_youtube_task(ctx: WorkerContext, project_id: int, chain: bool = True) -> dict[str, Any]:
    """Publish a project's video.

    Reads: the video, its thumbnail and captions, the script's metadata.
    Writes: one video on the channel; the session in a file of mode 0600.
    Costs: the publisher's quota, none locally.
    Repeats: harmless; a project has at most one video, ever.
    """
    return await run_stage(ctx, project_id, Stage.UPLOAD, UPLOAD_WORK, chain=chain)


async def inputs(given: StageInputs) -> Mapping[str, Any]:
    """What is published, and where."""
    brief, publisher = given.brief, given.providers.publisher
    always = {"privacy", "tags", "category_id", "made_for_kids", "synthetic_media"}
    wishes = {name for name in ("channel", "playlist", "publish_at", "localizations") if getattr(brief, name)}
    return {
        "video": given.made(Stage.RENDER),
        "captions": given.made(Stage.RENDER, 1),
        "thumbnail": given.made(Stage.THUMBNAIL),
        "script": given.made(Stage.SCRIPT),
        "publisher": [publisher.name, publisher.version],
        "brief": brief.model_dump(mode="json", include=always | wishes),
    }


async def publish(run: StageRun) -> StageOutcome:
    """Carry the upload from wherever it stands to its end."""
    await run.tell(2, Text("準備發布...", "preparing to publish..."))
    run.allow(video_file(run.project).bytes / SLOWEST_BYTES_PER_SECOND)
    if run.project.upload is None:
        await booked(run)  # whether it will be seen hangs on it
        await look_for_likes(run)
        marker = f"rq-{run.project.project_id}-{secrets.token_hex(8)}"
        intent = await intent_of(run)
        await run.commit(lambda state: state.replace(upload=state.upload or Upload(marker=marker, steps={INTENT: intent})))
        await failpoints.reach("upload.marked")
    publication = await publication_of(run)
    await asyncio.to_thread(run.providers.publisher.check, publication)  # it looks at the files
    async with first_reserved(run, publication) as reserved:
        video_id = await _video(run, publication, reserved)
        await note_published(run, video_id)
        slot = run.project.slot
        if not await booked(run) or run.project.slot != slot:  # it took so long that its moment has come, or was planned anew
            publication = await publication_of(run)
        done = await steps_carried_out(run, publication, video_id, reserved)
    await run.tell(99, Text("影片已發布", "the video is published"))
    answer = {"video_id": video_id, "video_url": done.get("video_url"), "video_status": done.get("video_status")}
    return StageOutcome(result=answer, artifacts=())


async def _video(run: StageRun, publication: Publication, reserved: dict[str, Any]) -> str:
    """U1 to U4: the id of the project's one video."""
    for _ in range(MOST_SESSIONS):
        upload = upload_of(run.project)
        if upload.video_id is not None:
            return upload.video_id
        video_id = await _from_the_session_before(run, publication, upload) if upload.session_no else None
        if video_id is None:
            video_id = await _sent(run, publication, await _open(run, publication, reserved))
        if video_id is not None:
            await failpoints.reach("upload.sent")
            await run.commit(lambda state, video_id=video_id: with_upload(state, video_id=video_id))  # type: ignore[misc]  # mypy infers no lambda with defaults
            await failpoints.reach("upload.known")
            run.progressed()
            return video_id
    raise NeedsPerson(
        Text(f"上傳已重新開始 {MOST_SESSIONS} 次仍未完成", f"the upload was begun {MOST_SESSIONS} times and never ended"),
        Text(
            "請檢查頻道上是否已有這支影片，再執行 reelqueue retry", "see whether the channel has the video, then reelqueue retry"
        ),
    )


async def _from_the_session_before(run: StageRun, publication: Publication, upload: Upload) -> str | None:
    """What came, or comes, of a session that was opened before; None where another has to be opened.

    A session takes one file: one that was opened for an earlier cut, or whose secret is lost, is only asked about.
    """
    session = await run.read_session()
    same_cut = upload.steps.get(SESSION) == video_file(run.project).sha256
    if session is not None and same_cut:
        return await _sent(run, publication, session)
    found = await _found(run, publication)
    if found is not None and not same_cut:
        run.warn(Text("頻道上的是先前剪輯的影片", "the video on the channel is an earlier cut"))
    return found


async def _open(run: StageRun, publication: Publication, reserved: dict[str, Any]) -> str:
    """U1: a session, kept before the first byte is sent."""
    await run.check()
    await run.hold("session")
    publisher = run.providers.publisher
    session = await run.call(
        "session",
        lambda: publisher.open(publication),
        cost=publisher.cost("open", publication),
        held=reserved.pop("open", None),
    )
    await failpoints.reach("upload.opened")
    await run.write_session(session)
    await failpoints.reach("upload.kept")
    cut = video_file(run.project).sha256
    await run.commit(
        lambda state: with_upload(state, session_no=upload_of(state).session_no + 1, steps={**_not_looking(state), SESSION: cut})
    )
    await failpoints.reach("upload.counted")
    return session


def _not_looking(state: Any) -> dict[str, Any]:
    return {name: step for name, step in upload_of(state).steps.items() if name not in {LOOKING, LOOKING_BY}}


@dataclass(slots=True)
class _Reach:
    """How much of the file the service has, 0-1."""

    share: float = 0.0


async def _sent(run: StageRun, publication: Publication, session: str) -> str | None:
    """U2 to U4; None where the session is gone and made no video.

    A large file meets more faults than a small one: as long as it gets on between them, each is a first one.
    """
    reach = _Reach()
    while True:
        before = reach.share
        try:
            return await run.call("upload", lambda: _send(run, publication, session, reach))
        except SessionGone:
            return await _found(run, publication)
        except HandBack:  # the service asked for a pause
            raise
        except TransientError:
            if reach.share <= before:
                raise


async def _found(run: StageRun, publication: Publication) -> str | None:
    """U4: the video that bears the marker; None where there is none, and the session is of no use any more.

    Raises:
        Postponed: the channel's list may lag behind.
        NeedsPerson: it can't be known, or there are several.
    """
    await run.check()
    publisher = run.providers.publisher
    try:
        ids = await run.call("find", lambda: publisher.find(publication), cost=publisher.cost("find", publication))
    except AuthenticationFailed:
        raise
    except PermanentError as error:
        raise _undecidable(error.message) from error
    if len(ids) > 1:
        raise several(ids)
    if ids:
        return ids[0]
    await _look_again_later(run, publisher.listed_within_s)
    await failpoints.reach("upload.gone")
    await run.forget_session()
    await failpoints.reach("upload.forgotten")
    return None


async def _look_again_later(run: StageRun, listed_within_s: float) -> None:
    if listed_within_s <= 0:
        return
    looked_for = _looked_for(upload_of(run.project).steps)
    if looked_for is None:
        looked_for, boot, at_s = 0.0, Owner.here().boot, time.monotonic()
        await run.commit(lambda state: _looking(state, clock.now().isoformat(), boot, at_s))
    if looked_for < listed_within_s:
        pause = min(max(FIRST_LOOK_S, looked_for), listed_within_s - looked_for)
        raise Postponed(Text("等待頻道的影片清單更新", "waiting for the channel's list of videos"), pause)


def _looking(state: ProjectState, now: str, boot: str, at_s: float) -> ProjectState:
    steps = upload_of(state).steps
    since = steps.get(LOOKING, now)
    known = steps.get(LOOKING_BY, {})
    boots = known.get("boots", {}) if known.get("since") == since else {}
    return with_upload(state, steps={**steps, LOOKING: since, LOOKING_BY: {"since": since, "boots": {**boots, boot: at_s}}})


def _looked_for(steps: Mapping[str, Any]) -> float | None:
    """For how many seconds the video was looked for, by this machine's own clock; None where its looking begins.

    A wall clock that is set forward would end it at once, and the next session would make a second video.
    """
    since, by, boot = steps.get(LOOKING), steps.get(LOOKING_BY, {}), Owner.here().boot
    if since is None:
        return None
    if not boot:  # this machine can't tell one of its starts from the next: the wall clock is all there is
        return max(0.0, (clock.now() - datetime.fromisoformat(since)).total_seconds())
    if by.get("since") != since or boot not in by["boots"]:
        return None
    return max(0.0, time.monotonic() - float(by["boots"][boot]))


def _undecidable(why: str) -> NeedsPerson:
    return NeedsPerson(
        Text(f"無法得知影片是否已經上傳：{why}", f"it can't be known whether the video was uploaded: {why}"),
        Text(
            "請到頻道上查看；若影片已在，請先刪除，再執行 reelqueue retry",
            "look at the channel; where the video is there, delete it first, then reelqueue retry",
        ),
    )


async def _send(run: StageRun, publication: Publication, session: str, reach: _Reach) -> str:
    """U2, U3: send what is missing; the service's own count is the truth."""
    publisher = run.providers.publisher
    video_id = await publisher.query(publication, session)
    if video_id is not None:
        return video_id
    await run.check()
    await run.hold("video")
    async with contextlib.aclosing(publisher.send(publication, session)) as sending:
        async for share in sending:
            await failpoints.reach("upload.chunk")
            if share > reach.share:
                reach.share = share
                run.progressed()
                await run.hold(f"video from {share:.4%}")  # who dies now and then gets on in between
            await run.tell(5 + 80 * share, Text("正在上傳影片...", "sending the video..."))
            await run.check()
    video_id = await publisher.query(publication, session)
    if video_id is None:
        raise SessionGone
    return video_id


UPLOAD_WORK = StageWork(inputs=inputs, work=publish)

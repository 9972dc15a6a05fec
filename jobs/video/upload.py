"""The last stage: the video is published, once.

The publisher's steps (the upload protocol: see docs/architecture.md) with a commit between them.  A session is the
service's idempotency key: what has to be fenced is only which session.  Everything goes up unseen and is made
visible last.
"""

import contextlib
import secrets
from collections.abc import Mapping
from typing import Any

from jobs.context import WorkerContext
from jobs.runner import run_stage
from jobs.stages import StageInputs, StageOutcome, StageRun, StageWork
from jobs.video.script import read_script
from reelqueue.errors import NeedsPerson
from reelqueue.models.project import Artifact, ProjectState, Upload
from reelqueue.models.stage import Stage
from reelqueue.providers.protocols import Publication, SessionGone
from reelqueue.wording import Text

DEFAULT_CATEGORY = 27
"""YouTube's "Education"."""
MOST_SESSIONS = 5
"""A file that five sessions could not take in one attempt is a person's matter."""
SLOWEST_BYTES_PER_SECOND = 64_000
"""The time-out grows with the file by this (contract, section 2c)."""
SESSION = "session"
"""The first of the steps in the state: the sha256 of the video that the session was opened for."""


async def upload_to_youtube_task(ctx: WorkerContext, project_id: int, chain: bool = True) -> dict[str, Any]:
    """Publish a project's video.

    Reads: the video, its thumbnail and captions, the script's metadata.
    Writes: one video on the channel; the session in a file of mode 0600.
    Repeats: harmless; a project has at most one video, ever.
    """
    return await run_stage(ctx, project_id, Stage.UPLOAD, UPLOAD_WORK, chain=chain)


async def inputs(given: StageInputs) -> Mapping[str, Any]:
    """What is published, and where."""
    brief, publisher = given.project.brief, given.providers.publisher
    return {
        "video": given.made(Stage.RENDER),
        "captions": given.made(Stage.RENDER, 1),
        "thumbnail": given.made(Stage.THUMBNAIL),
        "script": given.made(Stage.SCRIPT),
        "publisher": [publisher.name, publisher.version],
        "brief": brief.model_dump(mode="json", include={"privacy", "tags", "category_id", "made_for_kids", "synthetic_media"}),
    }


async def publish(run: StageRun) -> StageOutcome:
    """Carry the upload from wherever it stands to its end."""
    await run.tell(2, Text("準備發布...", "preparing to publish..."))
    run.allow(_video_file(run.project).bytes / SLOWEST_BYTES_PER_SECOND)
    if run.project.upload is None:
        marker = f"rq-{run.project.project_id}-{secrets.token_hex(8)}"
        await run.commit(lambda state: state.replace(upload=state.upload or Upload(marker=marker)))
    publication = await _publication(run)
    video_id = await _video(run, publication)
    done = await _steps(run, publication, video_id)
    await run.tell(99, Text("影片已發布", "the video is published"))
    answer = {"video_id": video_id, "video_url": done.get("video_url"), "video_status": done.get("video_status")}
    return StageOutcome(result=answer, artifacts=())


async def _publication(run: StageRun) -> Publication:
    script, brief, state = await read_script(run), run.project.brief, run.project
    video = await run.blobs.fetch(_video_file(state))
    thumbnail = await run.blobs.fetch(state.stages[Stage.THUMBNAIL].artifacts[0])
    captions = [await run.blobs.fetch(file) for file in state.stages[Stage.RENDER].artifacts[1:2]]
    return Publication(
        project_id=state.project_id,
        marker=_upload(state).marker,
        title=script.metadata.title,
        description=script.metadata.description,
        tags=brief.tags or script.metadata.tags,
        language=script.language,
        privacy=brief.privacy,
        category_id=brief.category_id or DEFAULT_CATEGORY,
        made_for_kids=brief.made_for_kids,
        synthetic_media=brief.synthetic_media,
        video=str(video),
        thumbnail=str(thumbnail),
        captions=str(captions[0]) if captions else None,
    )


async def _video(run: StageRun, publication: Publication) -> str:
    """U1 to U4: the id of the project's one video."""
    for _ in range(MOST_SESSIONS):
        upload = _upload(run.project)
        if upload.video_id is not None:
            return upload.video_id
        video_id = await _from_the_session_before(run, publication, upload) if upload.session_no else None
        if video_id is None:
            video_id = await _sent(run, publication, await _open(run, publication))
        if video_id is not None:
            await run.commit(lambda state, video_id=video_id: _with_upload(state, video_id=video_id))  # type: ignore[misc]  # mypy infers no lambda with defaults
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
    same_cut = upload.steps.get(SESSION) == _video_file(run.project).sha256
    if session is not None and same_cut:
        return await _sent(run, publication, session)
    found = await _found(run, publication)
    if found is not None and not same_cut:
        run.warn(Text("頻道上的是先前剪輯的影片", "the video on the channel is an earlier cut"))
    return found


async def _open(run: StageRun, publication: Publication) -> str:
    """U1: a session, kept before the first byte is sent."""
    await run.check()
    session = await run.call("session", lambda: run.providers.publisher.open(publication))
    await run.write_session(session)
    cut = _video_file(run.project).sha256
    await run.commit(
        lambda state: _with_upload(state, session_no=_upload(state).session_no + 1, steps={**_upload(state).steps, SESSION: cut})
    )
    return session


async def _sent(run: StageRun, publication: Publication, session: str) -> str | None:
    """U2 to U4; None where the session is gone and made no video."""
    try:
        return await run.call("upload", lambda: _send(run, publication, session))
    except SessionGone:
        return await _found(run, publication)


async def _found(run: StageRun, publication: Publication) -> str | None:
    """U4: the video that bears the marker.  Where there is none the session is of no use any more."""
    await run.check()
    video_id = await run.call("find", lambda: run.providers.publisher.find(publication))
    if video_id is None:
        await run.forget_session()
    return video_id


async def _send(run: StageRun, publication: Publication, session: str) -> str:
    """U2, U3: send what is missing; the service's own count is the truth."""
    publisher = run.providers.publisher
    video_id = await publisher.query(publication, session)
    if video_id is not None:
        return video_id
    await run.check()
    async with contextlib.aclosing(publisher.send(publication, session)) as sending:
        async for share in sending:
            await run.tell(5 + 80 * share, Text("正在上傳影片...", "sending the video..."))
            await run.check()
    video_id = await publisher.query(publication, session)
    if video_id is None:
        raise SessionGone
    return video_id


async def _steps(run: StageRun, publication: Publication, video_id: str) -> Mapping[str, Any]:
    """U5, U6: each step once, committed by itself; the last makes the video visible."""
    publisher = run.providers.publisher
    names = publisher.steps(publication)
    answer: Mapping[str, Any] = {}
    for place, name in enumerate(names):
        await run.check()
        answer = dict(await run.call(name, lambda name=name: publisher.step(name, publication, video_id)))  # type: ignore[misc]  # mypy infers no lambda with defaults
        await run.commit(lambda state, name=name, answer=answer: _with_step(state, name, answer))  # type: ignore[misc]  # mypy infers no lambda with defaults
        await run.tell(85 + 14 * (place + 1) / len(names), Text("正在設定影片資訊...", "setting the video's details..."))
    return answer


def _video_file(state: ProjectState) -> Artifact:
    return state.stages[Stage.RENDER].artifacts[0]


def _upload(state: ProjectState) -> Upload:
    if state.upload is None:
        raise AssertionError("the marker is committed before anything else")
    return state.upload


def _with_upload(state: ProjectState, **changes: Any) -> ProjectState:
    return state.replace(upload=_upload(state).replace(**changes))


def _with_step(state: ProjectState, name: str, answer: Mapping[str, Any]) -> ProjectState:
    return _with_upload(state, steps={**_upload(state).steps, name: dict(answer)})


UPLOAD_WORK = StageWork(inputs=inputs, work=publish)

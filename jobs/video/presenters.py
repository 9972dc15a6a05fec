"""Somebody who speaks the opening and the close: made elsewhere, or drawn.

A job elsewhere runs for minutes and is paid for when it begins: its id is kept before the first look at it, so that whoever
goes on after a crash looks at that job and begins no other.
"""

import asyncio
import time
from collections.abc import Sequence
from typing import Any

from jobs.stages import StageRun
from jobs.video.pieces import is_the_makers, kept_or_made
from jobs.video.together import together
from reelqueue import failpoints
from reelqueue.errors import (
    AuthenticationFailed,
    MediaError,
    PermanentError,
    ReelqueueError,
    ServiceMisconfigured,
    ServiceUnavailable,
)
from reelqueue.media.part_sound import part_sound, spoken_s
from reelqueue.models.frozen import Frozen
from reelqueue.models.keys import piece_key
from reelqueue.models.manifest import PresentedPiece, SpokenPiece
from reelqueue.models.project import Usage
from reelqueue.models.script import Script
from reelqueue.providers.protocols import Presenter, PresenterRequest
from reelqueue.wording import Text

POLL_S = 3.0
LONGEST_JOB_S = 1_200.0
"""A talk of a minute takes one to two; one that is not ready after so long is taken for lost."""
FETCH_S = 300.0
"""For what follows: a clip is fetched and encoded anew, or a figure is drawn."""


class _Unreadable(ServiceUnavailable):
    """What was fetched is no clip: it was damaged on its way, which costs nothing to find out, or the job made it so."""

    def __init__(self, why: MediaError) -> None:
        super().__init__(why.text, why.hint_text)
        self.why = why


class RemoteJob(Frozen):
    """A job that a service has begun for us, as `avatars/<key>.job.json`; `job_id` is "" where it turned out dead."""

    job_id: str
    usage: tuple[Usage, ...] = ()


async def show_presenters(
    run: StageRun, script: Script, spoken: Sequence[tuple[SpokenPiece, ...]]
) -> list[PresentedPiece | None]:
    """A presenter for the first and the last part; a drawn figure, with a warning, where it fails and is not required."""
    out: list[PresentedPiece | None] = [None] * len(spoken)
    if not run.brief.presenter:
        return out
    asked = (("intro", spoken[0]), ("outro", spoken[-1]))
    shown = await together(run, [_shown(run, script, role, pieces) for role, pieces in asked])
    if len({piece.description.get("kind") for piece in shown}) > 1:  # one of them failed; two presenters in one video are odd
        stand_in = run.providers.stand_in_presenter
        shown = [await _presented(run, stand_in, script, role, pieces) for role, pieces in asked]
    out[0], out[-1] = shown
    return out


async def _shown(run: StageRun, script: Script, role: str, spoken: tuple[SpokenPiece, ...]) -> PresentedPiece:
    maker, stand_in = run.providers.presenter, run.providers.stand_in_presenter
    try:
        return await _presented(run, maker, script, role, spoken)
    except ReelqueueError as error:
        if run.brief.presenter_required or maker is stand_in or not is_the_makers(run, error):
            raise
        run.warn(Text(f"主持人改用繪製的人物：{error.message}", f"a drawn figure stands in for the presenter: {error.message}"))
        return await _presented(run, stand_in, script, role, spoken)


async def _presented(
    run: StageRun, maker: Presenter, script: Script, role: str, spoken: tuple[SpokenPiece, ...]
) -> PresentedPiece:
    request = presenter_request(script, role, spoken)
    key = presenter_key(maker, request, spoken)

    async def holds(piece: PresentedPiece) -> bool:
        return piece.clip is None or await run.blobs.holds(piece.clip)

    async def make() -> PresentedPiece:
        await run.hold(f"presenter {role}")
        job = await _begun(run, maker, request, spoken, key)
        try:
            description = await _fetched(run, maker, job, role)
        except (AuthenticationFailed, ServiceMisconfigured):  # says nothing about the job, which is paid for
            raise
        except PermanentError:  # that job is dead: a retry begins another
            await run.blobs.write(_job_record(key), RemoteJob(job_id="").model_dump_json().encode())
            raise
        if description.get("kind") != "clip":
            return PresentedPiece(key=key, description=description)
        clip = await run.blobs.put(f"avatars/{key}.mp4", run.files.avatars / description["path"])
        described = description | {"path": clip.path}
        return PresentedPiece(key=key, description=described, clip=clip, usage=job.usage)

    return await kept_or_made(run, PresentedPiece, f"avatars/{key}.json", holds=holds, make=make)


def presenter_request(script: Script, role: str, spoken: Sequence[SpokenPiece]) -> PresenterRequest:
    """What the presenter is asked for one part."""
    length = spoken_s([piece.speech for piece in spoken])
    return PresenterRequest(role=role, duration_s=length, language=script.language, seed=script.title_of_pieces)


def presenter_key(maker: Presenter, request: PresenterRequest, spoken: Sequence[SpokenPiece]) -> str:
    """A presented piece's name."""
    sounds = [piece.sound.sha256 for piece in spoken]
    return piece_key({"request": request.model_dump(), "sounds": sounds, "maker": [maker.name, maker.version]})


async def _begun(
    run: StageRun, maker: Presenter, request: PresenterRequest, spoken: tuple[SpokenPiece, ...], key: str
) -> RemoteJob:
    """The job that was begun for this piece before, or a new one, kept before anybody looks at it."""
    kept = await run.blobs.peek(_job_record(key))
    job = RemoteJob.model_validate_json(kept) if kept is not None else RemoteJob(job_id="")
    if job.job_id:
        return job
    sound = run.files.avatars / f"{key}.{run.project.fence}.wav.part"
    try:
        await part_sound([await run.blobs.fetch(p.sound) for p in spoken], [p.speech for p in spoken], sound)
        usage = maker.usage(request)
        job_id = await run.call(
            f"presenter {request.role}",
            lambda: maker.begin(request, sound),
            cost=maker.cost(request),
            billed=lambda _: usage,
        )
    finally:
        await asyncio.to_thread(sound.unlink, missing_ok=True)
    await failpoints.reach("presenter.begun")
    job = RemoteJob(job_id=job_id, usage=usage)
    await run.blobs.write(_job_record(key), job.model_dump_json().encode())
    await failpoints.reach("presenter.kept")
    return job


async def _fetched(run: StageRun, maker: Presenter, job: RemoteJob, role: str) -> dict[str, Any]:
    name, gives_up = f"presenter {role}", time.monotonic() + LONGEST_JOB_S
    while not await run.call(name, lambda: maker.poll(job.job_id)):
        run.allow(gives_up + FETCH_S - run.began)  # else the stage's time ends before a stand-in can be drawn
        if time.monotonic() > gives_up:
            late = _too_late()
            run.given_up.append(late)
            raise late
        await asyncio.sleep(POLL_S)
        await run.check()

    async def fetch() -> dict[str, Any]:
        try:
            return await maker.fetch(job.job_id, run.files.avatars)
        except MediaError as error:
            raise _Unreadable(error) from error

    try:
        return await run.call(name, fetch)
    except _Unreadable as error:
        raise error.why from None


def _too_late() -> ServiceUnavailable:
    return ServiceUnavailable(
        Text(f"主持人影片超過 {LONGEST_JOB_S:g} 秒還沒完成", f"the presenter's clip is not ready after {LONGEST_JOB_S:g} s"),
        Text("用 reelqueue retry 繼續等", "reelqueue retry waits on"),
    )


def _job_record(key: str) -> str:
    return f"avatars/{key}.job.json"

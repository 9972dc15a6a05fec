"""What follows once the video is there: thumbnail, captions, playlist, and at last that it is seen (U5, U6).

Each step is carried out once, kept by itself, and again only where what it hangs on has changed.  Quota for publishing is
reserved before the first byte is sent; captions, which cost four times as much as all else, come from what is left, or are
owed: the project is completed, and `sync_quotas` sends them when there is room.
"""

import contextlib
from collections.abc import AsyncIterator, Mapping
from typing import Any

from jobs.spending import Held, Spender, bucket_of
from jobs.stages import HandBack, StageRun
from jobs.video.publication import LOOKING, inputs_of_step, upload_of, with_step
from reelqueue import failpoints
from reelqueue.errors import (
    AuthenticationFailed,
    NeedsPerson,
    PermanentError,
    QuotaExhausted,
    ReelqueueError,
    StorageUnavailable,
    TransientError,
)
from reelqueue.models.cost import Cost, Need
from reelqueue.providers.protocols import Publication, Publisher
from reelqueue.wording import Text

CAPTIONS = "captions"
OWED = {"owed": True}
"""A step's answer in the state while it is still to come."""
LATER = Text("字幕稍後補上", "captions follow later")
"""The warning while they are owed begins so."""


@contextlib.asynccontextmanager
async def first_reserved(run: StageRun, publication: Publication) -> AsyncIterator[dict[str, Held]]:
    """Quota for the session and for every step but captions, reserved before anything is sent; what is left over is given back.

    Raises:
        QuotaExhausted: there is no room for all of it today; nothing was sent.
    """
    publisher, upload = run.providers.publisher, upload_of(run.project)
    wanted = [name for name in publisher.steps(publication) if name != CAPTIONS and not _kept(run, name, publication)]
    if upload.video_id is None and not upload.session_no:
        wanted.insert(0, "open")
    reserved: dict[str, Held] = {}
    try:
        for name in wanted:
            reserved[name] = await run.reserve(publisher.cost(name, publication))
        yield reserved
    finally:
        for held in reserved.values():
            await run.release(held)


async def steps_carried_out(
    run: StageRun, publication: Publication, video_id: str, reserved: dict[str, Held]
) -> Mapping[str, Any]:
    """Every step that is due, one after the other, each committed; returns the last one's answer, where the video is seen."""
    names = run.providers.publisher.steps(publication)
    answer: Mapping[str, Any] = {}
    for place, name in enumerate(names):
        kept = _kept(run, name, publication)
        if kept is not None:
            answer = kept
            continue
        await run.check()
        if name == names[-1]:
            await _one_video_only(run, publication, video_id)
            await failpoints.reach("upload.unseen")
        answer = await _carried_out(run, name, publication, video_id, reserved)
        await failpoints.reach("upload.step")
        if name == names[-1]:
            await failpoints.reach("upload.seen")
        await run.commit(lambda state, name=name, answer=answer: with_step(state, name, answer))  # type: ignore[misc]  # mypy infers no lambda with defaults
        if name == CAPTIONS and answer != OWED and run.debts is not None:
            await run.debts.clear(run.project.project_id)
        await run.tell(85 + 14 * (place + 1) / len(names), Text("正在設定影片資訊...", "setting the video's details..."))
    return answer


def _kept(run: StageRun, name: str, publication: Publication) -> Mapping[str, Any] | None:
    """The answer of a step that was carried out already, on the same inputs."""
    kept = upload_of(run.project).steps.get(name)
    same = isinstance(kept, dict) and kept.get("of") == inputs_of_step(name, publication, run.project)
    return kept if same else None


async def _carried_out(
    run: StageRun, name: str, publication: Publication, video_id: str, reserved: dict[str, Held]
) -> Mapping[str, Any]:
    publisher, of = run.providers.publisher, inputs_of_step(name, publication, run.project)
    cost = publisher.cost(name, publication)
    if name == CAPTIONS:
        cost = await captions_cost(run, publication)
    await run.hold(name)
    try:
        answer = await run.call(
            name, lambda: publisher.step(name, publication, video_id), cost=cost, held=reserved.pop(name, None)
        )
    except (AuthenticationFailed, StorageUnavailable):
        raise
    except (PermanentError, TransientError, QuotaExhausted) as error:
        if name not in publisher.optional or _goes_on_later(run, error):
            raise
        return await _without(run, name, error, of)
    return {**answer, "of": of}


def _goes_on_later(run: StageRun, error: ReelqueueError) -> bool:
    """Whether the service only asked for a pause, and the stage may still be tried again after it."""
    return isinstance(error, HandBack) and not run.is_last


async def _without(
    run: StageRun, name: str, error: PermanentError | TransientError | QuotaExhausted, of: str
) -> Mapping[str, Any]:
    """The video is published without this step: a warning, and captions for which there is no room now are owed."""
    if name == CAPTIONS and not isinstance(error, PermanentError) and run.debts is not None:
        run.warn(Text(f"{LATER.zh}：{error.message}", f"{LATER.en}: {error.message}"))
        await run.debts.mark(run.project.project_id)
        return OWED
    if isinstance(error, QuotaExhausted):
        raise error
    run.warn(
        Text(f"影片已發布，但「{name}」被拒絕：{error.message}", f"the video is published without its {name}: {error.message}")
    )
    return {"refused": error.message, "of": of}


async def captions_cost(run: StageRun, publication: Publication) -> Cost:
    """What captions may take of what is left once every other project that waits has what it needs to be published."""
    if run.spender is None:
        return run.providers.publisher.cost(CAPTIONS, publication)
    return await spare_cost(run.spender, run.providers.publisher, publication, await run.others())


async def spare_cost(spender: Spender, publisher: Publisher, publication: Publication, others: int) -> Cost:
    """The cost of captions under caps lowered by what `others` need: at most as many as can still be uploaded today."""
    cost = publisher.cost(CAPTIONS, publication)
    needs = [
        need
        for name in ("open", *publisher.steps(publication))
        if name != CAPTIONS
        for need in publisher.cost(name, publication).needs
    ]
    uploads = [need for need in publisher.cost("open", publication).needs if need.amount and need.cap]
    coming = others
    for need in uploads:
        account = await spender.ledger.account(bucket_of(need, spender.now()))
        coming = min(coming, max(0, need.cap - int(account.used)))
    return cost.replace(needs=tuple(_lowered(need, needs, coming) for need in cost.needs), spare=True)


def _lowered(need: Need, others_needs: list[Need], coming: int) -> Need:
    if not need.cap:
        return need
    each = sum(other.amount for other in others_needs if (other.client, other.name) == (need.client, need.name))
    return need.replace(cap=max(1, need.cap - each * coming))


async def _one_video_only(run: StageRun, publication: Publication, video_id: str) -> None:
    """Before it is seen: where more than one session was opened, no second video may bear the marker.

    Who died between opening a session and counting it leaves the search for the one before in the state.
    """
    upload = upload_of(run.project)
    if upload.session_no <= 1 and LOOKING not in upload.steps:
        return
    publisher = run.providers.publisher
    ids = await run.call("find", lambda: publisher.find(publication), cost=publisher.cost("find", publication))
    others = tuple(other for other in ids if other != video_id)
    if others:
        raise several((video_id, *others))


def several(ids: tuple[str, ...]) -> NeedsPerson:
    """More than one video bears the project's marker."""
    names = ", ".join(ids)
    return NeedsPerson(
        Text(
            f"頻道上有 {len(ids)} 支帶有此專案標記的影片：{names}",
            f"{len(ids)} videos on the channel bear this project's marker: {names}",
        ),
        Text("請刪除多餘的，只留一支，再執行 reelqueue retry", "delete all but one of them, then reelqueue retry"),
    )

"""Captions that a published video is still owed: sent when there is quota left that no publication needs.

The marker `owed/<id>` names the project, its state says so itself (`upload.steps.captions`); the state decides.
"""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import structlog

from jobs.context import Service
from jobs.spending import Held, Spender
from jobs.stages import StageInputs, narration_language
from jobs.transitions import Change
from jobs.video.afterwards import CAPTIONS, LATER, OWED, spare_cost
from jobs.video.publication import inputs_of_step, owed_publication, upload_of, with_step
from reelqueue import failpoints
from reelqueue.errors import (
    AuthenticationFailed,
    BudgetExhausted,
    Busy,
    PermanentError,
    ProjectNotFound,
    QuotaExhausted,
    ReelqueueError,
    TransientError,
)
from reelqueue.models.buckets import channel_client
from reelqueue.models.cost import Cost
from reelqueue.models.project import ProjectState
from reelqueue.models.stage import ProjectStatus, Stage
from reelqueue.providers.protocols import Publication, Publisher
from reelqueue.wording import Text
from storage import Debts, Lease

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Paid:
    """What became of the debts, as ids: sent, refused for good, still owed.  `dry` are clients that have no room now, and channels refused."""

    sent: list[int] = field(default_factory=list)
    refused: list[int] = field(default_factory=list)
    left: list[int] = field(default_factory=list)
    dry: set[str] = field(default_factory=set)


class NotNow(Exception):
    """The captions are still owed after this look."""


async def send_owed_captions(service: Service, *, seconds: float) -> Paid:
    """Send what is owed, oldest project first, for at most so many seconds.

    Raises:
        StorageUnavailable: it can't be known who is owed.
    """
    ends, debts, paid = time.monotonic() + seconds, Debts(service.paths.owed), Paid()
    for number in await debts.all():
        left = ends - time.monotonic()
        if left <= 0:
            paid.left.append(number)
            continue
        try:
            async with asyncio.timeout(left):
                await _look(service, number, debts, paid)
        except (NotNow, TimeoutError):
            paid.left.append(number)
        except ReelqueueError as error:
            log.warning("captions_not_sent", project_id=number, error=error.message)
            paid.left.append(number)
    return paid


async def _look(service: Service, number: int, debts: Debts, paid: Paid) -> None:
    try:
        state = await service.projects.load(number)
    except ProjectNotFound:
        await debts.clear(number)
        return
    if not is_owed(state):
        await debts.clear(number)
        return
    if state.status is not ProjectStatus.COMPLETED:  # its own upload stage sees to it
        raise NotNow
    try:
        lease = await service.projects.take_over(number)
    except Busy:
        raise NotNow from None
    async with lease:
        if is_owed(lease.state):
            sent = await _sent(service, lease, paid)
            (paid.sent if sent else paid.refused).append(number)
    await debts.clear(number)


def is_owed(state: ProjectState) -> bool:
    """Whether the project's video is published by us and its captions are not there yet."""
    upload = state.upload
    return upload is not None and upload.video_id is not None and not upload.is_elsewhere and upload.steps.get(CAPTIONS) == OWED


async def _sent(service: Service, lease: Lease, paid: Paid) -> bool:
    """Send one project's captions; False where they were refused for good, or there are none any more."""
    state = lease.state
    given = StageInputs(
        project=state,
        files=lease.files,
        blobs=lease.blobs,
        choice=service.choice,
        tools=service.tools,
        language=narration_language(state.brief, service.rules.language),
    )
    publisher, publication = given.providers.publisher, await owed_publication(given)
    of = inputs_of_step(CAPTIONS, publication, state)
    if CAPTIONS not in publisher.steps(publication):  # it is published another way by now
        await lease.commit(_with_answer({"refused": str(Text("不再需要", "not needed any more")), "of": of}))
        return False
    spender = service.spender(state.project_id, state.brief)
    cost = await spare_cost(spender, publisher, publication, len(await service.projects.unfinished()))
    clients = {need.client for need in cost.needs if need.amount}
    channel = channel_client(publication.channel)
    if {channel, *clients} & paid.dry:
        raise NotNow
    try:
        answer = await _call(lease, spender, cost, publisher, publication)
    except (QuotaExhausted, BudgetExhausted, AuthenticationFailed) as error:
        log.info("captions_wait", project_id=state.project_id, error=error.message)
        paid.dry |= {channel} if isinstance(error, AuthenticationFailed) else clients  # a token is one channel's alone
        raise NotNow from error
    except TransientError as error:
        log.warning("captions_not_sent", project_id=state.project_id, error=error.message)
        raise NotNow from error
    except PermanentError as error:
        log.warning("captions_refused", project_id=state.project_id, error=error.message)
        said = Text(f"影片已發布，但字幕被拒絕：{error.message}", f"the video is published without its captions: {error.message}")
        await lease.commit(_with_answer({"refused": error.message, "of": of}, str(said)))
        return False
    await lease.commit(_with_answer({**answer, "of": of}))
    await failpoints.reach("captions.known")
    return True


async def _call(lease: Lease, spender: Spender, cost: Cost, publisher: Publisher, publication: Publication) -> Mapping[str, Any]:
    held: Held = await spender.reserve(f"{lease.state.project_id}.{lease.fence}.owed", cost)
    try:
        await lease.check()
    except BaseException:  # also where our time is over: nothing was sent
        await spender.release(held)
        raise
    try:
        answer = await publisher.step(CAPTIONS, publication, str(upload_of(lease.state).video_id))
    except ReelqueueError as error:
        await spender.failed(held, error)
        raise
    await failpoints.reach("captions.sent")
    await spender.settle(held, ())
    return answer


def _with_answer(answer: Mapping[str, Any], *warnings: str) -> Change:
    """Keep the answer; that captions follow is no warning any more."""

    def change(state: ProjectState) -> ProjectState:
        before = (said for said in state.stages[Stage.UPLOAD].warnings if not said.startswith((LATER.zh, LATER.en)))
        return with_step(state, CAPTIONS, answer).with_stage(Stage.UPLOAD, warnings=(*before, *warnings))

    return change

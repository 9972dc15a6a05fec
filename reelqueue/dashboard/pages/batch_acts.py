"""What a person does to a whole batch from its page: each a POST, each safe to send twice."""

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from jobs.app import Queue
from reelqueue.dashboard.asked import board_of
from reelqueue.dashboard.batch.words import SAYS
from reelqueue.dashboard.forms import Look, confirm, done, form_of
from reelqueue.dashboard.numbered import numbered
from reelqueue.errors import Busy, ProjectNotFound, WrongState
from reelqueue.models.ids import parse_batch_id
from reelqueue.models.stage import ProjectStatus
from reelqueue.wording import Text

Act = Callable[[Queue, int], Awaitable[object]]
_told = numbered(SAYS)


def _acting(act: Act, said: Text) -> Callable[[Request], Awaitable[Response]]:
    async def acted(request: Request) -> Response:
        """Do it, and say so on the batch's page.

        Raises:
            BatchNotFound.  WrongState: it does not fit the batch any more.  InstallationError: Redis is away.
        """
        await form_of(request)
        number = parse_batch_id(request.path_params["batch_id"])
        await act(board_of(request).link.queue, number)
        return _done(request, f"/batches/{number}", said)

    return acted


async def cancel(request: Request) -> Response:
    """Ask first; then cancel what has not ended.

    Raises:
        as the others.
    """
    form, board = await form_of(request), board_of(request)
    state = await board.batches.load(request.path_params["batch_id"])
    path = f"/batches/{state.batch_id}"
    if not form.has("sure"):
        outlines = await board.projects.outlines(state.project_ids)
        left = sum(one is not None and not one.status.is_final for one in outlines.values())
        completed = sum(one is not None and one.status is ProjectStatus.COMPLETED for one in outlines.values())
        return confirm(
            request,
            title=_with(SAYS["cancel_title"], number=state.batch_id),
            body=[_told("cancel_body", left), *([_told("cancel_kept", completed)] if completed else [])],
            path=f"{path}/cancel",
            label=SAYS["cancel_do"],
            keep=SAYS["keep"],
            back=path,
        )
    await board.link.queue.cancel_batch(state.batch_id)
    return _done(request, path, SAYS["was_cancelled"])


async def approve(request: Request) -> Response:
    """Ask first; then approve whatever waits for a review.

    Raises:
        as the others.
    """
    form, board = await form_of(request), board_of(request)
    state = await board.batches.load(request.path_params["batch_id"])
    path = f"/batches/{state.batch_id}"
    if not form.has("sure"):
        outlines = await board.projects.outlines(state.project_ids)
        waiting = sum(one is not None and one.status is ProjectStatus.WAITING_REVIEW for one in outlines.values())
        return confirm(
            request,
            title=_told("approve_title", waiting),
            body=[SAYS["approve_body"]],
            path=f"{path}/approve",
            label=SAYS["approve_do"],
            keep=SAYS["look_first"],
            back=f"/projects?batch={state.batch_id}&status={ProjectStatus.WAITING_REVIEW}",
            icon="check",
        )
    approved = await board.link.queue.approve_batch(state.batch_id)
    return _done(request, path, _told("were_approved", len(approved)))


async def delete(request: Request) -> Response:
    """Ask first; then delete the record of a batch that is not under way.

    Raises:
        as the others.
    """
    form, board = await form_of(request), board_of(request)
    state = await board.batches.load(request.path_params["batch_id"])
    if not form.has("sure"):
        return confirm(
            request,
            title=_with(SAYS["delete_title"], number=state.batch_id),
            body=[_told("delete_body", len(state.project_ids))],
            path=f"/batches/{state.batch_id}/delete",
            label=SAYS["delete_do"],
            keep=SAYS["keep_it"],
            back=f"/batches/{state.batch_id}",
            icon="trash",
        )
    await board.link.queue.delete_batch(state.batch_id)
    return done(request, "/batches", _with(SAYS["was_deleted"], number=state.batch_id))


async def retry_some(request: Request) -> Response:
    """Try again those that failed for one reason; who was faster, or is gone, is passed over.

    Raises:
        as the others.
    """
    form, board = await form_of(request), board_of(request)
    state = await board.batches.load(request.path_params["batch_id"])
    wanted = {int(text) for text in form.get("projects").split(",") if text.isascii() and text.isdecimal() and len(text) < 19}
    outlines = await board.projects.outlines([number for number in state.project_ids if number in wanted])
    again, queue = 0, board.link.queue
    for number, known in outlines.items():
        if not board.link.is_there:  # each of the others would wait for it in vain; they stay as they are
            break
        if known is None or known.status is not ProjectStatus.FAILED:
            continue
        try:
            await queue.retry(number)
            again += 1
        except (ProjectNotFound, WrongState, Busy):  # since the page was made somebody else did something with it
            continue
    return _done(request, f"/batches/{state.batch_id}", _told("some_again", again), "ok" if again else "mute")


def _done(request: Request, path: str, said: Text, look: Look = "ok") -> Response:
    """As `done`; lists show what became of the batch's projects at once."""
    board_of(request).catalogue.look_anew()
    return done(request, path, said, look)


def _with(text: Text, **parts: object) -> Text:
    return Text(text.zh.format(**parts), text.en.format(**parts))


ROUTES: list[BaseRoute] = [
    Route(
        "/batches/{batch_id}/pause",
        _acting(lambda queue, number: queue.pause_batch(number), SAYS["was_paused"]),
        methods=["POST"],
    ),
    Route(
        "/batches/{batch_id}/resume",
        _acting(lambda queue, number: queue.resume_batch(number), SAYS["goes_on"]),
        methods=["POST"],
    ),
    Route(
        "/batches/{batch_id}/start",
        _acting(lambda queue, number: queue.start_batch(number), SAYS["was_started"]),
        methods=["POST"],
    ),
    Route(
        "/batches/{batch_id}/retry",
        _acting(lambda queue, number: queue.retry_batch(number), SAYS["tries_again"]),
        methods=["POST"],
    ),
    Route("/batches/{batch_id}/retry-some", retry_some, methods=["POST"]),
    Route("/batches/{batch_id}/approve", approve, methods=["POST"]),
    Route("/batches/{batch_id}/cancel", cancel, methods=["POST"]),
    Route("/batches/{batch_id}/delete", delete, methods=["POST"]),
]

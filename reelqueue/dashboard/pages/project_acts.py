"""What is done with one project from its page: each a POST; what costs more than its page says, or ends work, is asked first."""

from collections.abc import Awaitable, Callable
from functools import partial

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from jobs.transitions import refuse_after_publication
from reelqueue.dashboard.asked import board_of
from reelqueue.dashboard.board import Board
from reelqueue.dashboard.forms import Form, confirm, done, form_of
from reelqueue.dashboard.project.prices import in_words, price_of
from reelqueue.dashboard.words import STAGE
from reelqueue.errors import InvalidBrief, WrongState
from reelqueue.models.project import ProjectState
from reelqueue.models.stage import ProjectStatus, Stage, StageStatus
from reelqueue.wording import Text, same

KEEP = Text("先不要", "Not now")


async def act(request: Request, *, do: "_Do") -> Response:
    """Do with the project what the address names.

    Raises:
        ProjectNotFound.  WrongState: it does not fit any more: the page was of an earlier state, or the button pressed twice.
    """
    form, board = await form_of(request), board_of(request)
    state = await board.projects.load(request.path_params["project_id"])
    answer = await do(request, board, state, form)
    board.catalogue.look_anew()
    return answer


async def _start(request: Request, board: Board, state: ProjectState, _form: Form) -> Response:
    await board.link.queue.start(state.project_id)
    return done(request, _page(state), Text("已開始，排入佇列。", "Started: it is in line."), "run")


async def _approve(request: Request, board: Board, state: ProjectState, _form: Form) -> Response:
    await board.link.queue.approve(state.project_id)
    return done(request, _page(state), Text("已核准，專案會繼續。", "Approved: it goes on."), "run")


async def _retry(request: Request, board: Board, state: ProjectState, form: Form) -> Response:
    stage = _stage(form.get("from"))
    if stage is not None and form.get("sure") != "yes":
        return await _ask_retry(request, board, state, stage)
    after = await board.link.queue.retry(state.project_id, from_stage=stage)
    name = STAGE[after.next_stage or after.goal]
    return done(request, _page(state), Text(f"已重試，從{name.zh}開始。", f"Retry started from {name.en.lower()}."), "run")


async def _ask_retry(request: Request, board: Board, state: ProjectState, stage: Stage) -> Response:
    refuse_after_publication(state, stage)
    name, taken = STAGE[stage], in_words(await price_of(board, state, stage))
    again = [one for one in Stage if one.reaches(stage) and state.stages[one].status is StageStatus.DONE]
    zh, en = "、".join(STAGE[one].zh for one in again), ", ".join(STAGE[one].en.lower() for one in again)
    body = [
        Text(f"費用：{taken.zh}。內容沒變的部分會沿用，不再付費。", f"It takes: {taken.en}. Parts that stay the same are reused, not paid for again.")
    ]  # fmt: skip
    if again:
        body.insert(0, Text(f"重新檢查並視需要重做：{zh}。", f"Looked at again, and made anew where needed: {en}."))
    return confirm(
        request,
        title=Text(f"從「{name.zh}」重試 #{state.project_id}？", f"Retry #{state.project_id} from {name.en.lower()}?"),
        body=body,
        path=f"{_page(state)}/retry",
        label=Text("重試", "Retry"),
        keep=KEEP,
        back=_page(state),
        icon="retry",
        fields={"from": str(stage)},
    )


async def _cancel(request: Request, board: Board, state: ProjectState, form: Form) -> Response:
    if form.get("sure") == "yes":
        await board.link.queue.cancel(state.project_id)
        return done(request, _page(state), Text("已取消；做好的部分都保留。", "Cancelled; what was made is kept."))
    if state.status.is_final:
        raise WrongState(
            Text("專案已經結束，不需要取消", "the project has ended: there is nothing to cancel"),
            Text("重新整理頁面看目前的狀態", "load the page again to see how it stands"),
        )
    title = state.brief.headline
    running = state.status is ProjectStatus.RUNNING
    body = [
        Text(
            ("正在做的工作會在 2 秒內停止。" if running else "") + "做好的部分都保留，之後重試不必再付費。",
            ("Work in hand stops within 2 seconds. " if running else "")
            + "What is made is kept: to go on later costs nothing for it.",
        )
    ]
    if state.slot is not None:
        body.append(Text("它在發布行事曆上的時段會空出來。", "Its slot in the publish calendar becomes free."))
    return confirm(
        request,
        title=Text(f"取消「{title}」？", f"Cancel “{title}”?"),
        body=body,
        path=f"{_page(state)}/cancel",
        label=Text("取消專案", "Cancel project"),
        keep=Text("繼續做", "Keep it running") if running else Text("不取消", "Keep it"),
        back=_page(state),
    )


async def _delete(request: Request, board: Board, state: ProjectState, form: Form) -> Response:
    if form.get("sure") == "yes":
        await board.link.queue.delete(state.project_id)
        gone = Text(f"已刪除專案 {state.project_id}", f"Project {state.project_id} is deleted")
        return done(request, "/projects", gone)
    if state.status is ProjectStatus.RUNNING:
        raise WrongState(
            Text("專案正在執行，不能刪除", "the project runs: it can't be deleted"), Text("請先取消", "cancel it first")
        )
    published = state.upload is not None and state.upload.video_id is not None
    body = [
        Text(
            "所有檔案會從磁碟移除，無法復原；編號不會再用。",
            "All of its files leave the disk for good; its number is never used again.",
        )
    ]
    if published:
        body.append(Text("頻道上的影片會留著。", "The video on its channel stays."))
    return confirm(
        request,
        title=Text(f"刪除「{state.brief.headline}」？", f"Delete “{state.brief.headline}”?"),
        body=body,
        path=f"{_page(state)}/delete",
        label=Text("永久刪除", "Delete for good"),
        keep=Text("保留", "Keep it"),
        back=_page(state),
        icon="trash",
    )


def _page(state: ProjectState) -> str:
    return f"/projects/{state.project_id}"


def _stage(given: str) -> Stage | None:
    if not given:
        return None
    try:
        return Stage(given)
    except ValueError:
        raise InvalidBrief("from", same(", ".join(Stage)), given) from None


_Do = Callable[[Request, Board, ProjectState, Form], Awaitable[Response]]
_ACTS: dict[str, _Do] = {"start": _start, "approve": _approve, "retry": _retry, "cancel": _cancel, "delete": _delete}
ROUTES: list[BaseRoute] = [
    Route(f"/projects/{{project_id}}/{name}", partial(act, do=do), methods=["POST"]) for name, do in _ACTS.items()
]

"""`/projects/{project_id}/script`: what is said and shown, part by part; changed here, with the price said before it is kept."""

import re
from collections.abc import Iterator, Mapping
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from jobs.editing.ahead import Ahead
from jobs.editing.editor import ahead_of, edit_of, open_script
from jobs.estimate import Estimate
from reelqueue import clock
from reelqueue.dashboard.asked import board_of, zone_of
from reelqueue.dashboard.board import Board
from reelqueue.dashboard.forms import Form, done, form_of
from reelqueue.dashboard.pages.project_frame import project_page
from reelqueue.dashboard.project.drafts import Draft, draft_in, draft_of
from reelqueue.dashboard.project.prices import usd_of
from reelqueue.dashboard.project.sight import Sight, look_at
from reelqueue.errors import Conflict, InvalidBrief, ReelqueueError, WrongState
from reelqueue.models.project import ProjectState
from reelqueue.models.stage import ProjectStatus, Stage
from reelqueue.wording import Text

_ACT = re.compile(r"(add|drop)\.(\d{1,4})", re.ASCII)
SAYS = {
    "title_of": Text("標題", "Title"),
    "description_of": Text("說明", "Description"),
    "tags_of": Text("標籤（以逗號分隔）", "Tags, with commas between"),
    "intro": Text("第 1 景 · 開場", "Scene 1 · opening"),
    "outro": Text("第 {n} 景 · 結尾", "Scene {n} · close"),
    "segment": Text("第 {n} 景", "Scene {n}"),
    "spoken": Text("旁白", "What is said"),
    "pictured": Text("圖片描述", "What the picture shows"),
    "heading": Text("小標（可省略）", "Heading, if any"),
    "add": Text("在後面加一景", "Add a scene below"),
    "drop": Text("刪除這一景", "Delete this scene"),
    "ask_price": Text("看費用", "See the price"),
    "save": Text("儲存", "Save"),
    "save_paid": Text("儲存，最多 {usd}", "Save, at most {usd}"),
    "and_approve": Text("儲存後核准並繼續", "Approve it, too, and go on"),
    "price_first": Text("只有改到的部分會重做；要花錢時會先說明費用。", "Only what a change touches is made again; where that costs money, the price is said first."),
    "to_make": Text("要重做：{what}。", "To be made: {what}."),
    "nothing_to_make": Text("配音與畫面都不必重做。", "No voice and no picture has to be made again."),
    "free": Text("不花錢。", "Nothing of it is paid for."),
    "at_most": Text("最多 {usd}。再按一次「儲存」就會開始。", "At most {usd}. Press Save once more to go ahead."),
    "not_kept": Text("還沒有儲存。", "Not saved yet."),
    "no_script": Text("還沒有腳本", "No script yet"),
    "no_script_why": Text("專案開始後會先寫腳本。", "It is the first thing that is written once the project starts."),
    "read_only": Text("目前不能修改：{why}", "It can't be changed now: {why}"),
    "picture_of": Text("第 {n} 景的畫面", "Picture of scene {n}"),
    "voice_of": Text("第 {n} 景的配音", "Voice of scene {n}"),
    "drawn": Text("由程式繪製", "drawn here"),
    "length": Text("約 {span}", "about {span}"),
}  # fmt: skip


async def show(request: Request) -> Response:
    """The script, in a form where it may be changed."""
    sight = await _look(request)
    if not _has_script(sight.state):
        return project_page(request, sight, "script", says=SAYS, draft=None)
    opened = await open_script(board_of(request).projects, sight.state.project_id)
    return _form(request, sight, draft_of(opened.script, opened.seen))


async def change(request: Request) -> Response:
    """Add or take away a scene; say what a draft takes; or keep it."""
    form, board = await form_of(request), board_of(request)
    sight = await _look(request)
    draft = draft_in(form)
    shaped = _shaped(draft, form.get("act"))
    if shaped is not None:
        return _form(request, sight, shaped)
    try:
        return await _kept(request, board, sight, draft, form)
    except (InvalidBrief, Conflict, WrongState) as error:
        status = HTTPStatus.UNPROCESSABLE_ENTITY if isinstance(error, InvalidBrief) else HTTPStatus.CONFLICT
        return _form(request, sight, draft, error=error, status=status)


async def _kept(request: Request, board: Board, sight: Sight, draft: Draft, form: Form) -> Response:
    opened = await open_script(board.projects, sight.state.project_id)
    if draft.seen != opened.seen:
        raise Conflict(
            Text("你打開之後，腳本已被別人改過；什麼都沒有儲存", "somebody else changed the script since you opened it; nothing was saved"),
            Text("你寫的還在下面：複製後重新打開頁面", "what you wrote is still below: copy it, then open the page again"),
        )  # fmt: skip
    wanted = await edit_of(board.projects, opened, draft.raw)
    where = f"/projects/{sight.state.project_id}"
    if wanted is opened.script:
        if form.has("approve") and sight.state.status is ProjectStatus.WAITING_REVIEW:
            await board.link.queue.approve(sight.state.project_id)
            return done(request, where, Text("沒有改變；已核准。", "Nothing was changed; it is approved."), "run")
        return done(
            request, f"{where}/script", Text("沒有改變，什麼都沒做。", "Nothing was changed, so nothing was done."), "mute"
        )
    ahead, price = await ahead_of(board.projects, board.shelf, opened.state, wanted)
    if form.get("act") == "price" or (price.items and form.get("priced") != draft.digest):
        return _form(request, sight, draft, ahead=ahead, price=price, approve=form.has("approve"))
    state = await board.link.queue.edit_script(
        sight.state.project_id, dict(draft.raw), seen=draft.seen, approve=form.has("approve")
    )
    board.catalogue.look_anew()
    return done(request, where, _follows(state), "ok")


def _form(
    request: Request,
    sight: Sight,
    draft: Draft,
    *,
    error: ReelqueueError | None = None,
    ahead: Ahead | None = None,
    price: Estimate | None = None,
    approve: bool = False,
    status: int = HTTPStatus.OK,
) -> Response:
    field = _field_of(error.field) if isinstance(error, InvalidBrief) else ""
    return project_page(
        request,
        sight,
        "script",
        says=SAYS,
        status=status,
        draft=draft,
        error=error,
        wrong=field,
        to_make=list(_to_make(ahead)) if ahead is not None else None,
        usd=usd_of(price.usd) if price is not None and price.items else None,
        priced=draft.digest if price is not None else "",
        approve=approve,
        scenes={scene.text: scene for scene in sight.pieces.scenes},
        refusal=_refusal(sight),
    )


def _refusal(sight: Sight) -> Text | None:
    """Why it can't be changed now."""
    if sight.can_edit:
        return None
    if sight.state.status is ProjectStatus.RUNNING:
        return Text("專案正在執行；請先取消，或等它停下來", "the project runs; cancel it first, or wait until it rests")
    return Text("影片已經發布；新的剪輯請建立新專案", "the video is published; make a new project for a new cut")


def _has_script(state: ProjectState) -> bool:
    return bool(state.stages[Stage.SCRIPT].artifacts)


async def _look(request: Request) -> Sight:
    return await look_at(board_of(request), request.path_params["project_id"], clock.now(), zone_of(request))


def _shaped(draft: Draft, act: str) -> Draft | None:
    """The draft with a scene more or less; None where something else is asked for."""
    found = _ACT.fullmatch(act)
    if found is None:
        return None
    place = int(found[2])
    return draft.with_one_more(place - 1) if found[1] == "add" else draft.without(place - 1)


_FIELDS: Mapping[str, str] = {"text": "text", "image_description": "image", "heading": "heading", "picture": "text"}


def _field_of(field: str) -> str:
    """The name in the form of a field of an edit: "segments[2].text" is "text.2"."""
    segment = re.fullmatch(r"segments\[(\d+)\]\.(\w+)", field)
    if segment is not None:
        return f"{_FIELDS.get(segment[2], 'text')}.{segment[1]}"
    return field.removeprefix("metadata.").removesuffix(".text")


def _to_make(ahead: Ahead) -> Iterator[Text]:
    for count, zh, one, many in (
        (len(ahead.pictures), "{n} 個畫面", "1 picture", "{n} pictures"),
        (len(ahead.voice), "{n} 段配音", "1 piece of voice", "{n} pieces of voice"),
        (len(ahead.presenters), "{n} 段主持人", "1 presenter", "{n} presenters"),
    ):
        if count:
            yield Text(zh.format(n=count), (one if count == 1 else many).format(n=count))


def _follows(state: ProjectState) -> Text:
    match state.status:
        case ProjectStatus.WAITING_REVIEW:
            return Text("腳本已儲存；仍在等待核准。", "The script is saved; it still waits for its approval.")
        case ProjectStatus.CREATED:
            return Text("腳本已儲存；按「開始」就會做。", "The script is saved; Start makes it.")
        case ProjectStatus.CANCELLED:
            return Text("腳本已儲存；專案仍是取消的。", "The script is saved; the project stays cancelled.")
    return Text("腳本已儲存，專案會接著做。", "The script is saved, and the project goes on.")


ROUTES: list[BaseRoute] = [
    Route("/projects/{project_id}/script", show, methods=["GET"]),
    Route("/projects/{project_id}/script", change, methods=["POST"]),
]

"""What is done with several projects at once: the price is said first, then each is done by itself, and what did not fit is told."""

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from jobs import Queue
from reelqueue.dashboard.asked import board_of
from reelqueue.dashboard.board import Board
from reelqueue.dashboard.catalogue import MOST_ROWS
from reelqueue.dashboard.forms import Form, Look, confirm, done, form_of
from reelqueue.dashboard.project.prices import Price, in_words, price_of_all
from reelqueue.dashboard.rendering import page
from reelqueue.errors import InvalidBrief, NeedsPerson, ProjectNotFound, ReelqueueError, StorageUnavailable, WrongState
from reelqueue.models.ids import parse_project_id
from reelqueue.models.stage import ProjectStatus
from reelqueue.wording import Text, same
from storage import Outline

PATH = "/projects/bulk"
_BACK = re.compile(r"/projects(?:\?[\x21-\x7e]{0,1500})?")
RETRIED = frozenset(
    {
        ProjectStatus.FAILED,
        ProjectStatus.CANCELLED,
        ProjectStatus.WAITING_QUOTA,
        ProjectStatus.WAITING_BUDGET,
        ProjectStatus.WAITING_DISK,
        ProjectStatus.NEEDS_PERSON,
    }
)
"""What `Queue.retry` takes without a stage."""
SAYS = {
    "price_retry": Text("重試只補缺少的部分：{price}", "Retry only makes what is missing: {price}"),
    "price_approve": Text("核准後：{price}", "After the approval: {price}"),
    "semicolon": Text("；", "; "),
    "price_none": Text("選取的專案都不能重試或核准", "None of those chosen can be tried again or approved"),
}


@dataclass(frozen=True, slots=True)
class Act:
    """Something that is done with each of several projects."""

    fits: Callable[[Outline], bool]
    do: Callable[[Queue, int], Awaitable[Any]]
    asks: Callable[[int], Text]
    label: Text
    keep: Text
    said: Callable[[int], Text]
    icon: str
    costs: bool


def _counted(zh: str, one: str, many: str) -> Callable[[int], Text]:
    return lambda count: Text(zh.format(n=f"{count:,}"), (one if count == 1 else many).format(n=f"{count:,}"))


ACTS: Mapping[str, Act] = {
    "retry": Act(
        fits=lambda one: one.status in RETRIED or (one.held and one.status is ProjectStatus.QUEUED),
        do=lambda queue, number: queue.retry(number),
        asks=_counted("重試 {n} 個專案？", "Retry 1 project?", "Retry {n} projects?"),
        label=Text("重試", "Retry"),
        keep=Text("先不要", "Not now"),
        said=_counted("已重試 {n} 個專案", "1 project is tried again", "{n} projects are tried again"),
        icon="retry",
        costs=True,
    ),
    "approve": Act(
        fits=lambda one: one.status is ProjectStatus.WAITING_REVIEW,
        do=lambda queue, number: queue.approve(number),
        asks=_counted("核准 {n} 個專案？", "Approve 1 project?", "Approve {n} projects?"),
        label=Text("核准並繼續", "Approve and go on"),
        keep=Text("先不要", "Not now"),
        said=_counted("已核准 {n} 個專案", "1 project is approved", "{n} projects are approved"),
        icon="check",
        costs=True,
    ),
    "cancel": Act(
        fits=lambda one: not one.status.is_final,
        do=lambda queue, number: queue.cancel(number),
        asks=_counted("取消 {n} 個專案？", "Cancel 1 project?", "Cancel {n} projects?"),
        label=Text("取消專案", "Cancel them"),
        keep=Text("繼續做", "Keep them"),
        said=_counted("已取消 {n} 個專案", "1 project is cancelled", "{n} projects are cancelled"),
        icon="cancel",
        costs=False,
    ),
}  # fmt: skip


async def act(request: Request) -> Response:
    """Do it, or ask first: what costs without its price having been seen, and what ends work."""
    form, board = await form_of(request), board_of(request)
    wanted, back = ACTS.get(form.get("act")), back_of(form)
    if wanted is None:
        raise InvalidBrief("act", same(", ".join(ACTS)), form.get("act"))
    chosen = await _chosen(board, ids_of([*form.all("id"), *form.get("ids").split(",")]))
    fit = [one for one in chosen if wanted.fits(one)]
    if not fit:
        return done(request, back, _none(wanted, len(chosen)), "bad")
    numbers = ",".join(str(one.project_id) for one in fit)
    if form.get("sure") != "yes" and form.get("seen") != numbers:
        body = [*await _told(board, wanted, fit), *_left_out(len(chosen) - len(fit))]
        fields = {"ids": numbers, "act": form.get("act"), "back": back}
        title, label = wanted.asks(len(fit)), wanted.label
        return confirm(
            request, title=title, body=body, path=PATH, label=label, keep=wanted.keep, back=back, icon=wanted.icon, fields=fields
        )
    said, look = await _done(board, wanted, fit, len(chosen) - len(fit))
    return done(request, back, said, look)


async def price(request: Request) -> Response:
    """What the chosen ones take, for the bar over the list: `?ids=7,8`."""
    board = board_of(request)
    chosen = await _chosen(board, ids_of(request.query_params.get("ids", "").split(",")))
    sums: dict[str, Price] = {}
    seen: dict[str, str] = {}
    for name, wanted in ACTS.items():
        fit = [one for one in chosen if wanted.fits(one)]
        if wanted.costs and fit:
            sums[name] = await _price(board, fit)
            seen[name] = ",".join(str(one.project_id) for one in fit)
    told = {name: in_words(one) for name, one in sums.items()}
    return page(request, "bulk_price.html", says=SAYS, told=told, seen=seen, chosen=len(chosen))


def ids_of(given: Iterable[str]) -> list[int]:
    """The ids, each once, in their order.

    Raises:
        InvalidBrief: one is none, or there are more than a page has.
    """
    found: dict[int, None] = {}
    for text in filter(None, (one.strip() for one in given)):
        try:
            found[parse_project_id(text)] = None
        except ProjectNotFound:
            raise InvalidBrief("id", Text("編號：從 1 開始的整數", "an id: a whole number from 1"), text) from None
    if len(found) > MOST_ROWS:
        raise InvalidBrief("id", Text(f"一次最多 {MOST_ROWS} 個", f"at most {MOST_ROWS} at once"), f"{len(found):,}")
    return list(found)


def back_of(form: Form) -> str:
    """Where to go afterwards: the list as it was asked for, and nowhere else."""
    back = form.get("back")
    return back if _BACK.fullmatch(back) else "/projects"


async def _chosen(board: Board, numbers: Sequence[int]) -> list[Outline]:
    known = await board.catalogue.some(numbers)
    return [known[number] for number in numbers if number in known]


async def _price(board: Board, fit: Sequence[Outline]) -> Price:
    states = []
    for one in fit:
        try:
            states.append(await board.projects.load(one.project_id))
        except (ProjectNotFound, NeedsPerson, StorageUnavailable):  # deleted meanwhile, or unreadable: `_done` says so
            continue
    return await price_of_all(board, states)


async def _told(board: Board, wanted: Act, fit: Sequence[Outline]) -> list[Text]:
    if not wanted.costs:
        return [
            Text(
                "正在做的工作會在 2 秒內停止；做好的部分都保留，之後重試不必再付費。",
                "Work in hand stops within 2 seconds. What is made is kept: to go on later costs nothing for it.",
            )
        ]
    taken = in_words(await _price(board, fit))
    return [Text(f"只補缺少的部分：{taken.zh}。", f"Only what is missing is made: {taken.en}.")]


def _left_out(count: int) -> list[Text]:
    if not count:
        return []
    zh = f"另外 {count:,} 個的狀態不適用，會保持原樣。"
    return [Text(zh, "1 other stays as it is." if count == 1 else f"{count:,} others stay as they are.")]


async def _done(board: Board, wanted: Act, fit: Sequence[Outline], left_out: int) -> tuple[Text, Look]:
    """Each by itself: that one does not fit any more is no matter of the others."""
    refused: list[ReelqueueError] = []
    queue, left = board.link.queue, len(fit)
    for one in fit:
        if not board.link.is_there:  # each of the others would wait for it in vain
            break
        left -= 1
        try:
            await wanted.do(queue, one.project_id)
        except (WrongState, ProjectNotFound, NeedsPerson, StorageUnavailable) as error:
            refused.append(error)
    board.catalogue.look_anew()
    made, rest = len(fit) - left - len(refused), left_out + len(refused)
    if left:
        said = wanted.said(made)
        zh = f"{said.zh}；Redis 沒有回應，其餘 {left:,} 個維持原樣"
        return Text(zh, f"{said.en}; Redis does not answer, the other {left:,} stay as they are"), "bad"
    said = wanted.said(made) if made else _none(wanted, rest)
    if made and rest:
        said = Text(f"{said.zh}；{rest:,} 個不適用，維持原樣", f"{said.en}; {rest:,} did not fit and stay as they are")
    return said, "ok" if made else "bad"


def _none(wanted: Act, chosen: int) -> Text:
    if not chosen:
        return Text("還沒有選取專案", "No project is chosen")
    return Text(
        f"選取的專案都不能「{wanted.label.zh}」，沒有做任何變更",
        f"{wanted.label.en}: none of those chosen can be; nothing was changed",
    )


ROUTES: list[BaseRoute] = [Route(PATH, act, methods=["POST"]), Route(PATH, price, methods=["GET"])]

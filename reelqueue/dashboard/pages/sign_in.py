"""`/sign-in` and `/sign-out`: who knows a password may look, or look and act."""

import math
from http import HTTPStatus
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from reelqueue.dashboard.asked import address, board_of, own_path
from reelqueue.dashboard.door.access import role_by_password, sign_in, sign_out
from reelqueue.dashboard.door.tries import Tries
from reelqueue.dashboard.forms import form_of
from reelqueue.dashboard.rendering import bare
from reelqueue.wording import Text

MOST_CHARACTERS = 1_024
SAYS = {
    "password": Text("密碼", "Password"),
    "why": Text("因為此頁開放給網路，所以需要登入。", "The page asks for a password because it is open to the network."),
    "why_two": Text(
        "有兩組密碼：一組只能檢視，一組可以操作。因為此頁開放給網路，所以需要登入。",
        "Two passwords exist: one only looks, one may also act. The page asks for one because it is open to the network.",
    ),
    "wrong": Text("密碼不正確。", "That is not the password."),
    "left": Text("還可試 {n} 次，之後暫停 1 分鐘。", "{n} tries left, then a pause of 1 minute."),
    "left_one": Text("還可試 1 次，之後暫停 1 分鐘。", "1 try left, then a pause of 1 minute."),
    "pause": Text("試太多次了。", "Too many tries."),
    "wait": Text("{n} 秒後可以再試。", "The next one counts in {n} s."),
}


async def show(request: Request) -> Response:
    """The page; who is known already goes on."""
    if request.state.role is not None:
        return RedirectResponse(
            address(request, own_path(request.query_params.get("next", ""))), status_code=HTTPStatus.SEE_OTHER
        )
    return _page(request, own_path(request.query_params.get("next", "")))


async def enter(request: Request) -> Response:
    """A password."""
    form = await form_of(request)
    onward = own_path(form.get("next"))
    tries: Tries = request.app.state.tries
    client = request.client.host if request.client else ""
    pause = math.ceil(tries.pause_s(client))
    if pause:
        return _paused(request, onward, pause)
    given = "".join(form.values.get("password", ())[-1:])
    role = role_by_password(given, board_of(request).settings) if len(given) <= MOST_CHARACTERS else None
    if role is not None:
        tries.passed(client)
        answer = RedirectResponse(address(request, onward), status_code=HTTPStatus.SEE_OTHER)
        sign_in(request, answer, role)
        return answer
    left = tries.failed(client)
    if left == 0:
        return _paused(request, onward, math.ceil(tries.pause_s(client)))
    more = SAYS["left_one"] if left == 1 else Text(*(sentence.format(n=left) for sentence in SAYS["left"]))
    return _page(request, onward, SAYS["wrong"], more, HTTPStatus.UNAUTHORIZED)


async def leave(request: Request) -> Response:
    """Sign out."""
    await form_of(request)
    answer = RedirectResponse(address(request, "/sign-in"), status_code=HTTPStatus.SEE_OTHER)
    sign_out(request, answer)
    return answer


def _paused(request: Request, onward: str, seconds: int) -> Response:
    more = Text(*(sentence.format(n=seconds) for sentence in SAYS["wait"]))
    answer = _page(request, onward, SAYS["pause"], more, HTTPStatus.TOO_MANY_REQUESTS)
    answer.headers["Retry-After"] = str(seconds)
    return answer


def _page(
    request: Request, onward: str, wrong: Text | None = None, more: Text | None = None, status: HTTPStatus = HTTPStatus.OK
) -> Response:
    has_two = board_of(request).settings.dashboard_viewer_password is not None
    values: dict[str, Any] = {"onward": onward, "wrong": wrong, "more": more, "has_two": has_two}
    return bare(request, "sign_in.html", status=status, says=SAYS, **values)


ROUTES: list[BaseRoute] = [
    Route("/sign-in", show, methods=["GET"]),
    Route("/sign-in", enter, methods=["POST"]),
    Route("/sign-out", leave, methods=["POST"]),
]

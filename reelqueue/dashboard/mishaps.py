"""What went wrong, as a page for people: what happened, what to do, never a stack.  For programs see `problems`."""

from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from reelqueue import clock
from reelqueue.dashboard.asked import board_of, own_path, path_of, prefix_of
from reelqueue.dashboard.problems import UNSURE, Refused, answer, is_api, problem, status_and_code
from reelqueue.dashboard.rendering import bare, page
from reelqueue.errors import InstallationError, ReelqueueError
from reelqueue.wording import Text, same

FAILED = Text("此頁無法顯示", "This page could not be made")
TITLES = {
    400: Text("這個請求看不懂", "That request makes no sense"),
    401: Text("請先登入", "Sign in first"),
    403: Text("沒有權限", "That is not allowed"),
    404: Text("找不到", "There is nothing here"),
    405: Text("不能這樣開啟", "That can’t be opened like this"),
    408: Text("太慢了", "Too slow"),
    409: Text("現在不能這樣做", "That can’t be done now"),
    413: Text("內容太大", "That is too large"),
    415: Text("格式不對", "That is of the wrong kind"),
    416: Text("檔案沒有這一段", "The file has no such part"),
    421: Text("名稱不對", "Not under this name"),
    422: Text("有一個欄位不正確", "One field is not right"),
    429: Text("太頻繁了", "Too often"),
    503: Text("現在做不到", "Not possible now"),
    507: Text("磁碟空間不足", "The disk is full"),
}
GONE = Text("Redis 沒有回應，這一頁現在無法顯示", "Redis does not answer: this page can't be made now")
GONE_HINT = Text("執行中的工作不受影響；稍後重新整理", "running work goes on; load the page again in a moment")
PAGES = {
    404: (Text("這個網址沒有頁面", "there is no page at this address"), same("")),
    405: (Text("這個網址要從頁面上的按鈕送出", "this address is for the buttons of a page"), same("")),
}
"""What people read where programs are told of methods and lists of addresses."""


def told(request: Request, error: Exception) -> Response:
    """Any error that a handler ended with, as its caller reads it."""
    if is_api(request.scope):
        return answer(request, error)
    known = error if isinstance(error, ReelqueueError) else _refused(error)
    if (
        request.state.role is None
    ):  # what is open to all has its errors, too; the rest of a page is not for whoever has not signed in
        return plain(request, known)
    status, _ = status_and_code(known)
    values: dict[str, Any] = {
        "heading": TITLES.get(status, FAILED),
        "error": known,
        "number": request.state.number,
        "back": _back(request),
    }
    response = page(request, "error.html", status=status, **values)
    if isinstance(known, Refused):
        response.headers.update(known.headers)
    return response


def away(request: Request) -> Response:
    """Redis went while a page was made, or while what its button asks for was done: the board may not know yet that it is gone."""
    board_of(request).link.look_now()
    is_look = request.method in {"GET", "HEAD"}
    return told(request, InstallationError(*((GONE, GONE_HINT) if is_look else UNSURE)))


def plain(request: Request, error: ReelqueueError | None) -> Response:
    """At the door, or where the page itself cannot be made (None): needs no board and no role."""
    if is_api(request.scope):
        return answer(request, error) if error is not None else _numbered(request)
    status, _ = status_and_code(error) if error is not None else (HTTPStatus.INTERNAL_SERVER_ERROR, "")
    values: dict[str, Any] = {
        "heading": TITLES.get(status, FAILED),
        "error": error,
        "number": request.state.number,
        "at": f"{clock.now():%Y-%m-%d %H:%M:%S} UTC",
    }
    return bare(request, "trouble.html", status=status, headers=error.headers if isinstance(error, Refused) else None, **values)


def _refused(error: Exception) -> Refused:
    if not isinstance(error, HTTPException):
        raise error
    sentence, hint = PAGES.get(error.status_code, (None, same("")))
    return Refused(error.status_code, sentence, hint, headers=error.headers)


def _numbered(request: Request) -> Response:
    return problem(request, Refused(HTTPStatus.INTERNAL_SERVER_ERROR), req=request.state.number)


def _back(request: Request) -> str:
    """The page of ours that led here."""
    try:
        parts = urlsplit(request.headers.get("referer", ""))
    except ValueError:  # brackets that do not close
        return "/"
    prefix = prefix_of(request.scope)
    ours = parts.netloc == request.headers.get("host") and f"{parts.path}/".startswith(f"{prefix}/")
    path = parts.path.removeprefix(prefix)
    if not ours or not path.startswith("/") or path == path_of(request.scope):
        return "/"
    return own_path(path + (f"?{parts.query}" if parts.query else ""))

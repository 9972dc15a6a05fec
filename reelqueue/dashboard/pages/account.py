"""`/account`: who is signed in, how the board is shown to this browser, and the keys; and what the rail's small forms send."""

from http import HTTPStatus
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from reelqueue.dashboard.asked import UTC_COOKIE, address, board_of, own_path, own_zone
from reelqueue.dashboard.door.access import cookie_path
from reelqueue.dashboard.door.manners import LANGUAGE_COOKIE
from reelqueue.dashboard.forms import form_of
from reelqueue.dashboard.rendering import page
from reelqueue.version import __version__
from reelqueue.wording import Text

YEAR_SECONDS = 365 * 86_400
CHOICES = {
    "theme": ("theme", ("auto", "light", "dark")),
    "lang": (LANGUAGE_COOKIE, ("zh-TW", "en")),
    "utc": (UTC_COOKIE, ("0", "1")),
    "keys": ("keys", ("0", "1")),
}
"""What a browser may choose: the field, its cookie, and what may stand there."""
KEYS = (
    (("/",), Text("尋找", "Find")),
    (("j", "k"), Text("下一列、上一列", "Next, previous")),
    (("Enter",), Text("開啟", "Open")),
    (("x",), Text("選取", "Choose")),
    (("r",), Text("重試", "Retry")),
    (("a",), Text("核准", "Approve")),
    (("p",), Text("暫停更新", "Hold updates")),
    (("g", "o"), Text("前往總覽", "Go to the overview")),
    (("g", "p"), Text("前往專案", "Go to projects")),
    (("g", "b"), Text("前往批次", "Go to batches")),
    (("g", "c"), Text("前往發布與費用", "Go to publishing & costs")),
    (("g", "w"), Text("前往 Worker 與佇列", "Go to workers & queues")),
    (("?",), Text("快速鍵說明", "This list")),
)
SAYS = {
    "signed_in": Text("身分", "Signed in as"),
    "may_act": Text("可以查看，也可以操作", "may look and act"),
    "may_look": Text("只能查看", "may only look"),
    "no_password": Text("沒有設定密碼，只有這台機器連得到", "no password is set; only this machine reaches the board"),
    "theme": Text("主題", "Theme"),
    "auto": Text("跟隨系統", "As the system"),
    "light": Text("淺色", "Light"),
    "dark": Text("深色", "Dark"),
    "language": Text("語言", "Language"),
    "times": Text("時間", "Times"),
    "here": Text("{zone} 時間", "In {zone}"),
    "utc": Text("UTC", "UTC"),
    "keys": Text("快速鍵", "Keys"),
    "on": Text("開", "On"),
    "off": Text("關", "Off"),
    "version": Text("版本", "Version"),
    "api": Text("API 說明", "API reference"),
    "display": Text("顯示", "Display"),
}


async def show(request: Request) -> Response:
    """The page."""
    settings = board_of(request).settings
    has_password = settings.dashboard_password is not None
    keys_on = request.cookies.get("keys", "1") != "0"
    values: dict[str, Any] = {
        "keys": KEYS,
        "has_password": has_password,
        "keys_on": keys_on,
        "own_zone": own_zone(request).key,
        "version": __version__,
    }
    return page(request, "account.html", says=SAYS, **values)


async def prefer(request: Request) -> Response:
    """A choice of how the board is shown, kept in the browser; back to the page that it was made on."""
    form = await form_of(request)
    answer = RedirectResponse(address(request, own_path(form.get("next"))), status_code=HTTPStatus.SEE_OTHER)
    for field, (cookie, allowed) in CHOICES.items():
        if form.get(field) in allowed:
            secure = request.url.scheme == "https"
            answer.set_cookie(
                cookie, form.get(field), max_age=YEAR_SECONDS, path=cookie_path(request.scope), secure=secure, samesite="lax"
            )
    return answer


async def look(request: Request) -> Response:
    """Ask Redis at once instead of in a second; back to the page."""
    form = await form_of(request)
    board_of(request).link.look_now()
    return RedirectResponse(address(request, own_path(form.get("next"))), status_code=HTTPStatus.SEE_OTHER)


ROUTES: list[BaseRoute] = [
    Route("/account", show, methods=["GET"]),
    Route("/preferences", prefer, methods=["POST"]),
    Route("/redis/look", look, methods=["POST"]),
]

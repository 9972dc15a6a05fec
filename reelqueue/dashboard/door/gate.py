"""What each request passes first: its host, its origin, who asks, how much it sends, in which language it is answered."""

import asyncio
import contextlib
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import quote

import structlog
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from reelqueue.bootstrap import Settings
from reelqueue.dashboard.asked import address, path_of, whole_path
from reelqueue.dashboard.door.access import SESSION, Role, cookie_path, has_token, passwords_of, role_by_session
from reelqueue.dashboard.door.headers import secure
from reelqueue.dashboard.door.hosts import is_ours, is_same_origin, listens_to_the_network
from reelqueue.dashboard.door.manners import language_for
from reelqueue.dashboard.mishaps import plain
from reelqueue.dashboard.problems import Refused
from reelqueue.dashboard.surroundings import Around
from reelqueue.wording import Text, speaking

SEED, SEED_CHARACTERS, SEED_SECONDS = "reelqueue_seed", 24, 30 * 86_400
"""The cookie that a browser's forms are made for."""
OPEN_TO_STRANGERS = ("/static/", "/healthz", "/readyz")
"""Asked for by whoever a host's own door knows nothing of."""
OPEN = (*OPEN_TO_STRANGERS, "/sign-in", "/preferences")
"""Asked for by who has not signed in."""
PROBES = {"/healthz", "/readyz"}
LOOKING = {"GET", "HEAD", "OPTIONS"}
OWN_FORMS = {"/preferences", "/sign-in", "/sign-out", "/redis/look"}
"""Changes that a viewer may make: to what it sees itself."""
FORM_BYTES, UPLOAD_BYTES = 1024 * 1024, 33 * 1024 * 1024
"""The largest body of a page's form, and of what takes files; each endpoint of the API has its own below that."""

DRAIN_BYTES, DRAIN_SECONDS = 256 * 1024 * 1024, 10.0
"""How much of a body that is refused is read and thrown away, and for how long."""

NO_BOARD = Refused(
    HTTPStatus.SERVICE_UNAVAILABLE,
    Text("儀表板尚未開啟", "the board is not open"),
    Text(
        "掛載它的應用程式要執行它的 lifespan，見 docs/dashboard.md",
        "the app that mounts it has to run its lifespan: docs/dashboard.md",
    ),
)
UNKNOWN_HOST = Refused(
    HTTPStatus.MISDIRECTED_REQUEST,
    Text("這個名稱不是這個儀表板的", "this board does not answer under that name"),
    Text("若這是你的網域，請加到 DASHBOARD_HOSTS", "if the name is yours, add it to DASHBOARD_HOSTS"),
)
OPEN_TO_ALL = Refused(
    HTTPStatus.FORBIDDEN,
    Text("儀表板對網路開放，但沒有設定密碼", "the board is open to the network and has no password"),
    Text("請設定 DASHBOARD_PASSWORD，或只在 127.0.0.1 提供服務", "set DASHBOARD_PASSWORD, or serve on 127.0.0.1 alone"),
)
FOREIGN = Refused(
    HTTPStatus.FORBIDDEN,
    Text("這個變更不是從儀表板的頁面送出的，沒有做任何變更", "that was not sent by a page of this board; nothing was changed"),
    Text("程式請使用 /api 與 API_TOKEN", "programs use /api with the API_TOKEN"),
)
VIEWER = Refused(
    HTTPStatus.FORBIDDEN,
    Text("你以「檢視」身分登入，只能查看", "you are signed in to look only"),
    Text("需要操作請以操作員登入", "to act, sign in as operator"),
)
NOT_OURS = Refused(
    HTTPStatus.UNAUTHORIZED,
    Text("你還沒有在這個應用程式登入，或者沒有權限", "you have not signed in to this app, or may not see this"),
    Text("程式請帶上 API_TOKEN", "programs send the API_TOKEN"),
    headers={"WWW-Authenticate": "Bearer"},
)
SIGN_IN = Refused(HTTPStatus.UNAUTHORIZED, headers={"WWW-Authenticate": "Bearer"})

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Asker:
    """Whose request it is: the role (None: nobody's), and whether it came with a token instead of a browser's cookie."""

    role: Role | None
    by_token: bool = False


class Gate:
    """ASGI middleware around everything.

    `who`, where a host that mounts the board gives it, tells the role of a request instead of our own passwords: None keeps it out.
    """

    def __init__(self, app: ASGIApp, settings: Settings, who: Callable[[Request], Role | None] | None = None) -> None:
        self._app, self._settings, self._who = app, settings, who
        self._has_password = any(passwords_of(settings))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        state = scope.setdefault("state", {})
        state["prefix"] = str(scope.get("root_path", "")).rstrip("/")
        state["language"] = language_for(request, self._settings.language)
        state["around"], state["cursor"], state["role"], state["number"] = Around(), "", None, _number()
        state["seed"], is_new = _seed(request)
        started = False

        async def answer(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                secure(message, scope, private=self._has_password or self._who is not None)
                if is_new and scope["method"] == "GET" and _wants_page(request):
                    message["headers"].append((b"set-cookie", _seed_cookie(scope, state["seed"])))
            await send(message)

        with speaking(state["language"]), structlog.contextvars.bound_contextvars(req=state["number"]):
            try:
                refused = await self._let_in(request)
                if refused is not None:
                    if scope["method"] not in LOOKING and request.headers.get("expect", "").lower() != "100-continue":
                        await _drain(receive)  # who asks first has sent nothing yet
                    await refused(scope, receive, answer)
                else:
                    await self._app(scope, _at_most(receive, _room(request)), answer)
            except Exception:  # whatever a page stumbles over: the reader gets its number, the log the cause
                log.exception("board_page_failed", path=scope["path"])
                if started:
                    raise  # what was begun can't be taken back: the server cuts it off
                await plain(request, None)(scope, receive, answer)
            finally:
                if "sent" in state:
                    await state["sent"].close()

    async def _let_in(self, request: Request) -> Response | None:
        """What it is answered at the door; None lets it in."""
        refused = self._is_shut(request)
        if refused is not None:
            return plain(request, refused)
        asker = self._asker(request)
        request.state.role = asker.role
        refused = self._refusal(request, asker)
        if refused is not None:
            return plain(request, refused)
        if asker.role is None and self._who is not None and not _is_open(request, OPEN_TO_STRANGERS):
            return plain(request, NOT_OURS)  # the host's sign-in is its own matter: no password of ours lets anybody in there
        if asker.role is None and not _is_open(request):
            if _wants_page(request) and request.method in LOOKING and "part" not in request.query_params:
                onward = quote(whole_path(request), safe="/")
                return RedirectResponse(f"{address(request, '/sign-in')}?next={onward}", status_code=HTTPStatus.SEE_OTHER)
            return plain(request, SIGN_IN)
        if asker.role is not None and _wants_page(request):
            board = request.app.state.board
            request.state.cursor = board.hub.cursor  # before anything is read: what is told meanwhile the page hears
            request.state.around = await request.app.state.surroundings.now()
        return None

    def _is_shut(self, request: Request) -> Refused | None:
        """Whether nobody at all is let in this way."""
        if not hasattr(request.app.state, "board"):
            return NO_BOARD
        if self._who is not None:
            return None  # the host's own names, and its own door
        if path_of(request.scope) in PROBES or has_token(request, self._settings):
            return None  # probes ask by any name and are told nothing; who shows the token is no foreign page
        if not is_ours(request.headers.get("host", ""), self._settings):
            return UNKNOWN_HOST
        if not self._has_password and listens_to_the_network(request.scope.get("server")):
            return OPEN_TO_ALL
        return None

    def _asker(self, request: Request) -> Asker:
        if has_token(request, self._settings):
            return Asker(Role.OPERATOR, by_token=True)
        if self._who is not None:
            return Asker(self._who(request))
        if not self._has_password or self._is_own_monitoring(request):
            return Asker(Role.OPERATOR)
        return Asker(role_by_session(request))

    def _is_own_monitoring(self, request: Request) -> bool:
        """The figures are read without a login on this machine alone: by its own name, over its own address."""
        client = request.client.host if request.client else ""
        return (
            path_of(request.scope) == "/metrics"
            and request.method in LOOKING
            and not listens_to_the_network(request.scope.get("server"))
            and not listens_to_the_network((client,))
            and "x-forwarded-for" not in request.headers
            and "forwarded" not in request.headers
        )

    def _refusal(self, request: Request, asker: Asker) -> Refused | None:
        if request.method in LOOKING:
            return None
        if _length(request) > _room(request):
            return _too_large()
        if asker.by_token:
            return None
        same = is_same_origin(request.headers)
        if same is False or (same is None and (SESSION in request.cookies or self._who is not None)):
            return FOREIGN
        if asker.role is Role.VIEWER and path_of(request.scope) not in OWN_FORMS:
            return VIEWER
        return None


def _too_large() -> Refused:
    return Refused(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        Text("送出的內容太大，沒有做任何變更", "what was sent is too large; nothing was changed"),
        Text("表單最多 1 MB，檔案最多 32 MB", "a form may have 1 MB, a file 32 MB"),
        headers={"Connection": "close"},
    )


def _number() -> str:
    digits = secrets.token_hex(4)
    return f"{digits[:4]}-{digits[4:]}"


def _seed(request: Request) -> tuple[str, bool]:
    known = request.cookies.get(SEED, "")
    return (known, False) if len(known) == SEED_CHARACTERS else (secrets.token_urlsafe(18), True)


def _seed_cookie(scope: Scope, seed: str) -> bytes:
    secure_only = "; Secure" if scope.get("scheme") == "https" else ""
    return f"{SEED}={seed}; Path={cookie_path(scope)}; Max-Age={SEED_SECONDS}; HttpOnly; SameSite=Lax{secure_only}".encode()


def _is_open(request: Request, open_: Sequence[str] = OPEN) -> bool:
    path = path_of(request.scope)
    return any(path == one or (one.endswith("/") and path.startswith(one)) for one in open_)


def _wants_page(request: Request) -> bool:
    path = path_of(request.scope)
    if path.startswith(("/api/", "/static/", "/live", "/metrics", "/healthz", "/readyz")) and not path.startswith("/api/docs"):
        return False
    accepts = request.headers.get("accept", "*/*")
    return "text/html" in accepts or "*/*" in accepts


def _length(request: Request) -> int:
    said = request.headers.get("content-length", "0")
    return int(said) if said.isascii() and said.isdigit() and len(said) < 20 else 0


def _room(request: Request) -> int:
    path = path_of(request.scope)
    return UPLOAD_BYTES if path.startswith(("/api/", "/batches")) else FORM_BYTES


async def _drain(receive: Receive) -> None:
    """Let a client that is refused send the rest, within bounds: one that is cut off in its sending never reads why."""
    came = 0
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(DRAIN_SECONDS):
            while came < DRAIN_BYTES:
                message = await receive()
                came += len(message.get("body", b""))
                if message["type"] != "http.request" or not message.get("more_body"):
                    return


def _at_most(receive: Receive, most: int) -> Receive:
    """`receive`, which raises once more came than there is room for, whatever the header said."""
    came = 0

    async def counted() -> Message:
        nonlocal came
        message = await receive()
        came += len(message.get("body", b""))
        if came > most:
            if message.get("more_body"):
                await _drain(receive)
            raise _too_large()
        return message

    return counted

"""The board's safety, over a real server: who comes in, by which name, from whose page, with how much, and what nobody is told."""

import asyncio
import contextlib
import json
import re
import resource
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import structlog
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.routing import BaseRoute, Mount, Route
from yarl import URL

from reelqueue.dashboard import dashboard, forms
from reelqueue.dashboard.door.access import Role
from reelqueue.dashboard.pages import ROUTES
from reelqueue.settings import Settings
from tests.boards import serving_board

PASSWORD, VIEWER_PASSWORD, TOKEN = "correct horse", "battery staple", "abcdefgh12345678"
FORM = "application/x-www-form-urlencoded"
PAGE = {"Accept": "text/html", "Accept-Language": "en"}
HEADERS = (
    "Content-Security-Policy",
    "X-Content-Type-Options",
    "X-Frame-Options",
    "Referrer-Policy",
    "Cross-Origin-Resource-Policy",
)


@pytest.fixture
def guarded(settings: Settings) -> Settings:
    """The same, with a password for each role and a token."""
    return Settings(
        _env_file=None,
        redis_url=settings.redis_url,
        data_dir=settings.data_dir,
        reelqueue_language="en",
        dashboard_password=PASSWORD,
        dashboard_viewer_password=VIEWER_PASSWORD,
        api_token=TOKEN,
    )


@dataclass(frozen=True)
class Said:
    """An answer, read to its end."""

    status: int
    headers: Mapping[str, str]
    cookies: Mapping[str, Any]
    text: str


class Caller:
    """Somebody who asks the board; follows nothing by itself."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session

    async def get(self, path: str | URL, **how: Any) -> Said:
        return await self._ask("GET", path, how)

    async def post(self, path: str, **how: Any) -> Said:
        return await self._ask("POST", path, how)

    async def delete(self, path: str, **how: Any) -> Said:
        return await self._ask("DELETE", path, how)

    async def ask(self, method: str, path: str | URL, **how: Any) -> Said:
        return await self._ask(method, path, how)

    async def _ask(self, method: str, path: str | URL, how: dict[str, Any]) -> Said:
        async with self._session.request(method, path, allow_redirects=False, **how) as answer:
            return Said(answer.status, answer.headers, answer.cookies, await answer.text())


@contextlib.asynccontextmanager
async def program(address: str, **headers: str) -> AsyncIterator[Caller]:
    """Keeps nothing and says nothing of pages."""
    async with aiohttp.ClientSession(address, cookie_jar=aiohttp.DummyCookieJar(), headers=headers) as session:
        yield Caller(session)


@contextlib.asynccontextmanager
async def browser(address: str) -> AsyncIterator[Caller]:
    """Keeps cookies (of numbers too), and names the origin of its pages."""
    headers = PAGE | {"Origin": address}
    async with aiohttp.ClientSession(address, cookie_jar=aiohttp.CookieJar(unsafe=True), headers=headers) as session:
        yield Caller(session)


async def token_of(caller: Caller, path: str) -> str:
    """What a form of that page has to send."""
    return re.findall(r'name="csrf" value="([0-9a-f]+)"', (await caller.get(path)).text)[0]


async def sign_in(caller: Caller, password: str) -> Said:
    """Through the form."""
    return await caller.post("/sign-in", data={"csrf": await token_of(caller, "/sign-in"), "password": password})


def posts(routes: list[BaseRoute]) -> list[str]:
    """Every address of a page that takes a form, with an id where it has one."""
    taken = [route.path for route in routes if isinstance(route, Route) and "POST" in (route.methods or ())]
    return [re.sub(r"\{[^}]+\}", "1", path) for path in taken]


# --- The door.


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", ""])
async def test_a_name_that_is_not_ours_is_answered_by_nothing_of_ours(settings, host):
    """DNS rebinding: a foreign page's name that leads to this machine."""
    async with serving_board(settings) as address, program(address) as session:
        answers = [await session.get(path, headers=PAGE | {"Host": host}) for path in ("/", "/api/projects", "/static/board.css")]

    assert [answer.status for answer in answers] == [421, 421, 421] if host else all(answer.status >= 400 for answer in answers)


async def test_probes_ask_by_any_name(settings):
    async with serving_board(settings) as address, program(address) as session:
        answers = [await session.get(path, headers={"Host": "10.1.2.3:5555"}) for path in ("/healthz", "/readyz")]

    assert [answer.status for answer in answers] == [200, 200]


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Referer": "https://evil.example/"},
    ],
)
async def test_a_foreign_page_changes_nothing(settings, data_dir, headers):
    async with serving_board(settings) as address, program(address) as session:
        answers = [
            await session.post("/api/projects", json={"topic": "tea"}, headers=headers),
            await session.post("/new", data={"topic": "tea"}, headers=PAGE | headers),
            await session.delete("/api/projects/1", headers=headers),
        ]

    assert [answer.status for answer in answers] == [403, 403, 403]
    assert not list((data_dir / "projects").glob("[0-9]*"))


async def test_every_form_is_refused_without_its_pages_token(settings, data_dir):
    """Each of them: a handler that forgot to ask for its form would be found here."""
    async with serving_board(settings) as address, browser(address) as session:
        await session.get("/")
        answers = {path: await session.post(path, data={"sure": "yes"}) for path in posts(ROUTES)}

    assert answers
    assert {path: answer.status for path, answer in answers.items()} == dict.fromkeys(answers, 403)
    assert not list((data_dir / "projects").glob("[0-9]*"))


async def test_another_browsers_token_is_worth_nothing(settings):
    async with serving_board(settings) as address, browser(address) as mine, browser(address) as theirs:
        token = await token_of(theirs, "/account")
        await mine.get("/account")

        answer = await mine.post("/preferences", data={"csrf": token, "theme": "dark"})

        assert answer.status == 403
        assert "nothing was changed" in answer.text
        assert "theme" not in answer.cookies


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [
        ("application/json", b"{}", 415),
        ("", b"", 415),
        ("multipart/form-data", b"no boundary", 400),
        ("multipart/form-data; boundary=x", b"--x\r\nContent-Disposition: form-data\r\n\r\n", 400),
        ("application/x-www-form-urlencoded", b"%ff%fe=%00&&&==", 403),
        (
            "multipart/form-data; boundary=x; charset=utf-7",
            b"--x\r\nContent-Disposition: form-data; name=csrf\r\n\r\n+2AA-\r\n--x--",
            415,
        ),
        (
            "multipart/form-data; boundary=x; charset=UTF-8",
            b"--x\r\nContent-Disposition: form-data; name=csrf\r\n\r\n+2AA-\r\n--x--",
            403,
        ),
    ],
)
async def test_what_is_no_form_is_told_so(settings, kind, body, status):
    async with serving_board(settings) as address, browser(address) as session:
        answer = await session.post("/preferences", data=body, headers={"Content-Type": kind})

        assert answer.status == status
        assert "<h1>" in answer.text


async def test_a_form_that_never_ends_is_told_so(settings, monkeypatch):
    monkeypatch.setattr(forms, "FORM_SECONDS", 0.2)

    async def without_an_end():
        yield b"theme=dark"
        await asyncio.Event().wait()

    async with serving_board(settings) as address, browser(address) as session:
        answer = await session.post("/preferences", data=without_an_end(), headers={"Content-Type": FORM})

        assert answer.status == 408
        assert "nothing was changed" in answer.text
        assert answer.headers["Connection"] == "close"


async def test_a_form_that_breaks_off_is_no_failure_of_ours(settings):
    with structlog.testing.capture_logs() as logged:
        async with serving_board(settings) as address:
            host, port = URL(address).host, URL(address).port
            _, writer = await asyncio.open_connection(host, port)
            head = f"POST /preferences HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Type: {FORM}\r\nContent-Length: 99\r\n\r\n"
            writer.write(f"{head}theme=dark".encode())
            await writer.drain()
            async with program(address) as session:
                await session.get("/healthz")  # by then the form is being read
            writer.close()
            await writer.wait_closed()

    assert [line for line in logged if line["log_level"] == "error"] == []


# --- Who may do what.


async def test_who_has_not_signed_in_sees_nothing(guarded):
    async with serving_board(guarded) as address, browser(address) as session:
        page = await session.get("/projects?q=tea")
        others = [await session.get(path) for path in ("/api/projects", "/live?topics=all", "/projects?part=rows", "/metrics")]
        forms = [await session.post(path, data={}) for path in posts(ROUTES) if path not in {"/sign-in", "/preferences"}]

    assert page.status == 303
    assert page.headers["Location"] == "/sign-in?next=/projects%3Fq%3Dtea"
    assert [answer.status for answer in others[:3]] == [401, 401, 401]
    assert {answer.status for answer in forms} == {401}


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/sign-in", 403),
        ("PUT", "/sign-in", 405),
        ("POST", "/healthz", 405),
        ("GET", "/static/", 404),
        ("GET", "/static/../../app.py", 404),
    ],
)
async def test_who_has_not_signed_in_is_told_what_went_wrong_with_what_is_open_to_all(guarded, method, path, status):
    """A sign-in form that was left open for long is told to be loaded again."""
    async with serving_board(guarded) as address, browser(address) as session:
        answer = await session.ask(method, URL(address + path, encoded=True), data={"csrf": "old"} if method != "GET" else None)

        assert answer.status == status
        assert "<h1>" in answer.text
        assert "<nav" not in answer.text  # nor anything else of a page


async def test_an_operator_signs_in_comes_back_to_its_page_and_signs_out(guarded):
    async with serving_board(guarded) as address, browser(address) as session:
        entered = await sign_in(session, PASSWORD)
        shown = await session.get("/account")
        left = await session.post("/sign-out", data={"csrf": await token_of(session, "/account")})
        again = await session.get("/account")

        assert entered.status == 303
        assert entered.cookies["reelqueue_session"]["httponly"]
        assert entered.cookies["reelqueue_session"]["samesite"].lower() == "lax"
        assert "operator" in shown.text
        assert shown.headers["Cache-Control"] == "no-store"
    assert (left.status, again.status) == (303, 303)


async def test_a_viewer_sees_everything_and_changes_nothing(guarded, data_dir):
    async with serving_board(guarded) as address, browser(address) as session:
        await sign_in(session, VIEWER_PASSWORD)
        token = await token_of(session, "/account")
        shown = [await session.get(path) for path in ("/account", "/projects", "/api/projects")]
        allowed = {"/preferences", "/sign-in", "/sign-out", "/redis/look"}
        forms = [await session.post(path, data={"csrf": token}) for path in posts(ROUTES) if path not in allowed]
        programs = [await session.post("/api/projects", json={"topic": "tea"}), await session.delete("/api/projects/1")]

        assert [answer.status for answer in shown] == [200, 200, 200]
        assert {answer.status for answer in (*forms, *programs)} == {403}
        assert "look only" in forms[0].text
    assert not list((data_dir / "projects").glob("[0-9]*"))


async def test_wrong_passwords_are_counted_told_and_paused(guarded):
    async with serving_board(guarded) as address, browser(address) as session:
        first = await sign_in(session, "wrong horse")
        for _ in range(3):
            last = await sign_in(session, "wrong horse")
        fifth = await sign_in(session, "wrong horse")
        right = await sign_in(session, PASSWORD)

        assert first.status == 401
        assert "4 tries left, then a pause of 1 minute." in first.text
        assert "1 try left" in last.text
        assert (fifth.status, right.status) == (429, 429)
        assert 0 < int(right.headers["Retry-After"]) <= 60
        assert "reelqueue_session" not in right.cookies


@pytest.mark.parametrize("password", ["", "x" * 1025, "correct horse ", "ｃorrect horse", "\x00", "密碼" * 300])
async def test_only_the_whole_password_is_the_password(guarded, password):
    async with serving_board(guarded) as address, browser(address) as session:
        answer = await sign_in(session, password)

    assert answer.status == 401


async def test_a_session_outlives_the_board_but_no_change_of_the_password(guarded):
    changed = guarded.model_copy(update={"dashboard_password": guarded.api_token})
    async with serving_board(guarded) as address, browser(address) as session:
        entered = await sign_in(session, PASSWORD)
        cookies = {"reelqueue_session": entered.cookies["reelqueue_session"].value}
    async with serving_board(guarded) as address, program(address, **PAGE) as session:
        same = await session.get("/account", cookies=cookies)
    async with serving_board(changed) as address, program(address, **PAGE) as session:
        other = await session.get("/account", cookies=cookies)

    assert (same.status, other.status) == (200, 303)


@pytest.mark.parametrize(
    ("header", "status"),
    [
        (f"Bearer {TOKEN}", 200),
        (f"bearer {TOKEN}", 200),
        (f"Bearer {TOKEN}x", 401),
        ("Bearer ", 401),
        ("Bearer ÿÿ", 401),
        (f"Basic {TOKEN}", 401),
        (TOKEN, 401),
    ],
)
async def test_a_program_shows_the_token_and_no_page(guarded, header, status):
    async with serving_board(guarded) as address, program(address) as session:
        answer = await session.get("/api/projects", headers={"Authorization": header})

        assert answer.status == status
        assert answer.headers["Content-Type"].partition(";")[0] == (
            "application/json" if status == 200 else "application/problem+json"
        )


async def test_who_shows_the_token_may_ask_by_any_name(guarded):
    """Prometheus and apps of a container network know the board by a name that it does not."""
    async with serving_board(guarded) as address, program(address, Host="dashboard:5555") as session:
        with_it = await session.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
        without = await session.get("/metrics")

    assert (with_it.status, without.status) == (200, 421)


async def test_controls_stay_in_a_viewers_sight_off_and_say_why(guarded):
    async with (
        serving_board(guarded) as address,
        program(address, Authorization=f"Bearer {TOKEN}") as operator,
        browser(address) as viewer,
    ):
        made = await operator.post("/api/projects", json={"topic": "tea"})
        await sign_in(viewer, VIEWER_PASSWORD)
        page = await viewer.get("/projects/1")

    main = page.text.partition("<main")[2]
    assert made.status == 201
    assert re.findall(r'<button(?![^>]*(?:type="button"|disabled))', main) == []  # none that would send anything
    assert 'aria-disabled="true"' in main
    assert "To act, sign in as operator." in main


async def test_a_token_needs_no_origin_and_a_cookie_does(guarded):
    async with serving_board(guarded) as address, browser(address) as session:
        entered = await sign_in(session, PASSWORD)
        cookie = {"Cookie": f"reelqueue_session={entered.cookies['reelqueue_session'].value}"}
        async with program(address) as other:
            by_token = await other.post("/api/projects/999/start", headers={"Authorization": f"Bearer {TOKEN}"})
            by_cookie = await other.post("/api/projects/999/start", headers=cookie)

    assert (by_token.status, by_cookie.status) == (404, 403)


# --- What comes back.


async def boom(_request: Request) -> None:
    raise RuntimeError("the secret is s3cret")


def with_a_bug(settings: Settings) -> Starlette:
    """The board, with a page that stumbles."""
    app = dashboard(settings)
    app.router.routes.insert(0, Route("/boom", boom))
    app.router.routes.insert(0, Route("/api/boom", boom))
    return app


async def test_a_bug_is_a_number_to_look_up_and_no_stack(settings, caplog):
    async with serving_board(with_a_bug(settings)) as address, program(address) as session:
        page = await session.get("/boom", headers=PAGE)
        problem = await session.get("/api/boom")
        alive = await session.get("/healthz")
        text, told = page.text, json.loads(problem.text)

    number = re.search(r"[0-9a-f]{4}-[0-9a-f]{4}", text)
    assert (page.status, problem.status, alive.status) == (500, 500, 200)
    assert "This page could not be made" in text
    assert number is not None
    assert re.fullmatch(r"[0-9a-f]{4}-[0-9a-f]{4}", told["req"])
    assert all(word not in f"{text}{told}" for word in ("s3cret", "Traceback", "RuntimeError", "test_board_gate"))


@pytest.mark.parametrize(
    "path", ["/", "/projects", "/nothing", "/boom", "/static/board.css", "/static/nothing", "/api/projects", "/sign-in"]
)
async def test_every_answer_keeps_the_browser_to_itself(settings, path):
    async with serving_board(with_a_bug(settings)) as address, program(address) as session:
        answer = await session.get(path, headers=PAGE)

    assert [name for name in HEADERS if name not in answer.headers] == []
    allowed = dict(part.split(" ", 1) for part in answer.headers["Content-Security-Policy"].split("; "))
    assert allowed.pop("default-src") == "'none'"
    assert (allowed.pop("frame-ancestors"), allowed.pop("base-uri")) == ("'none'", "'none'")
    assert set(allowed.values()) == {"'self'"}
    assert "server" not in answer.headers or "uvicorn" in answer.headers["server"]


@pytest.mark.parametrize(
    "path", ["/", "/projects", "/projects/1", "/batches", "/publishing", "/workers", "/new", "/account", "/nothing"]
)
async def test_no_page_has_style_script_or_handlers_of_its_own_or_of_a_title(settings, path):
    """A title may say anything: it is text."""
    title = '<script>alert(1)</script>"><img src=x onerror=alert(1)>'
    async with serving_board(settings) as address, program(address, **PAGE) as session:
        made = await session.post("/api/projects", json={"topic": title})
        text = (await session.get(path)).text

    inline = r'\s(?:style|on[a-z]+)=["\']|<style|<script(?![^>]* src=)|<img src=x|javascript:|(?:href|src)="(?:https?:)?//|"data:'
    assert made.status == 201
    assert re.findall(inline, text) == []
    assert text.count("<h1") == 1


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/static/../app.py", 404),
        ("/static/%2e%2e/app.py", 404),
        ("/static/..%2fapp.py", 404),
        ("/static//etc/passwd", 404),
        ("/static/%00", 404),
        ("/projects/999", 404),
        ("/projects/0", 404),
        ("/projects/-1", 404),
        ("/projects/99999999999999999999", 404),
        ("/projects/%3Cscript%3E", 404),
        ("/batches/999", 404),
        ("/batches/x", 404),
        ("/batches/01", 404),
        (f"/batches/{'9' * 5_000}", 404),
    ],
)
async def test_an_unknown_address_is_a_page_that_says_so(settings, path, status):
    async with serving_board(settings) as address, program(address) as session:
        answer = await session.get(URL(f"{address}{path}", encoded=True), headers=PAGE)
        text = answer.text

    assert answer.status == status
    assert "<script>" not in text
    assert "Traceback" not in text


@pytest.mark.parametrize(
    ("referer", "back"),
    [
        ("{address}/projects?q=tea", "/projects?q=tea"),
        ("{address}//evil.example/", "/"),
        ("https://evil.example/", "/"),
        ("http://[evil", "/"),
        ("", "/"),
    ],
)
async def test_the_way_back_from_an_error_is_to_a_page_of_ours(settings, referer, back):
    async with serving_board(settings) as address, program(address) as session:
        answer = await session.get("/nothing", headers=PAGE | {"Referer": referer.format(address=address)})

    assert answer.status == 404
    assert f'href="{back}" data-back' in answer.text


async def test_who_asks_before_it_sends_too_much_is_told_at_once(settings):
    async with serving_board(settings) as address:
        host, port = URL(address).host, URL(address).port
        reader, writer = await asyncio.open_connection(host, port)
        head = f"POST /api/projects HTTP/1.1\r\nHost: {host}:{port}\r\nExpect: 100-continue\r\nContent-Length: 200000000\r\n\r\n"
        writer.write(head.encode())
        first = await reader.readline()
        writer.close()

    assert b" 413 " in first


async def test_each_reader_is_answered_in_its_own_language(settings):
    async with serving_board(settings) as address, program(address) as session:
        english = (await session.get("/projects/999", headers=PAGE)).text
        chinese = (await session.get("/projects/999", headers={"Accept-Language": "zh-TW"})).text
        chosen = (await session.get("/projects/999", headers=PAGE | {"Cookie": "lang=zh-TW"})).text

    assert 'lang="en"' in english
    assert "There is nothing here" in english
    assert "找不到" in chinese
    assert "找不到" in chosen


async def test_a_choice_of_theme_and_language_is_kept_and_leads_back(settings):
    async with serving_board(settings) as address, browser(address) as session:
        token = await token_of(session, "/account")

        answer = await session.post("/preferences", data={"csrf": token, "theme": "dark", "next": "/account"})
        again = await session.post("/preferences", data={"csrf": token, "theme": "pink", "next": "//evil"})
        page = (await session.get("/account")).text

    assert (answer.status, answer.headers["Location"]) == (303, "/account")
    assert (again.headers["Location"], dict(again.cookies)) == ("/", {})
    assert 'data-theme="dark"' in page


@pytest.mark.parametrize(
    "cookie", ["zone=Mars/Olympus", "zone=../../etc/passwd", "zone=" + "x" * 500, "zone=%00", "lang=;theme=<b>", "=;=;\xe9"]
)
async def test_cookies_may_hold_anything(settings, cookie):
    async with serving_board(settings) as address, program(address) as session:
        answer = await session.get("/account", headers=PAGE | {"Cookie": cookie})

    assert answer.status == 200


@pytest.mark.parametrize("path", ["/account", "/new", "/projects"])
async def test_pages_travel_packed_to_who_takes_them_so(settings, path):
    async with serving_board(settings) as address, program(address, **PAGE) as session:
        packed = await session.get(path, headers={"Accept-Encoding": "br, gzip"})
        plain = await session.get(path, headers={"Accept-Encoding": "gzip;q=0, identity"})
        (style,) = re.findall(r'stylesheet" href="(/static/board.css[^"]+)"', packed.text)
        kept = await session.get(style, headers={"Accept-Encoding": "gzip"})
        asked_again = await session.get("/static/board.css", headers={"Accept-Encoding": "gzip"})

    assert (packed.headers["Content-Encoding"], plain.headers.get("Content-Encoding")) == ("gzip", None)
    assert int(packed.headers["Content-Length"]) < 12_000
    assert len(plain.text) < 70_000
    assert "immutable" in kept.headers["Cache-Control"]
    assert int(kept.headers["Content-Length"]) < 10_000
    assert asked_again.headers["Cache-Control"] == "no-cache"
    assert asked_again.text == kept.text


# --- How much.


FIELDS, JSON, FILE = "application/x-www-form-urlencoded", "application/json", "multipart/form-data; boundary=x"


async def endless(chunks: int, kind: str) -> AsyncIterator[bytes]:
    yield b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\n' if kind is FILE else b""
    for _ in range(chunks):
        yield b"x" * 1024 * 1024


@pytest.mark.parametrize(
    ("path", "kind", "is_chunked"),
    [
        ("/new", FIELDS, False),
        ("/new", FIELDS, True),
        ("/new", FILE, True),
        ("/projects/1/script", FIELDS, True),
        ("/api/projects", JSON, False),
        ("/api/projects", JSON, True),
        ("/api/batches", JSON, True),
    ],
)
async def test_a_body_of_a_hundred_megabytes_is_refused_and_kept_nowhere(settings, data_dir, path, kind, is_chunked):
    async with serving_board(settings) as address, browser(address) as session:
        await session.get("/account")
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        size = {} if is_chunked else {"Content-Length": str(100 * 1024 * 1024)}

        answer = await session.post(path, data=endless(100, kind), headers=size | {"Content-Type": kind})

        assert answer.status == 413
        assert answer.text != ""
    grown_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert sys.platform != "linux" or grown_kb < 80 * 1024
    assert not list((data_dir / "projects").glob("[0-9]*"))


# --- Mounted in a host.


async def test_a_host_mounts_it_under_its_own_name_and_users(settings):
    board = dashboard(settings, who=lambda request: Role.VIEWER if request.headers.get("x-user") else None)

    @contextlib.asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        async with board.router.lifespan_context(board):
            yield

    host = Starlette(routes=[Mount("/videos", board)], lifespan=lifespan)
    async with serving_board(host) as address, program(address, **PAGE, Host="app.example") as session:
        strangers = [await session.get(path) for path in ("/videos/account", "/videos/sign-in", "/videos/api/projects")]
        viewer = await session.get("/videos/account", headers={"x-user": "7"})
        text = viewer.text
        style = await session.get(re.findall(r'stylesheet" href="([^"]+)"', text)[0])
        act = await session.post(
            "/videos/api/projects", json={"topic": "tea"}, headers={"x-user": "7", "Origin": "http://app.example"}
        )

    assert [stranger.status for stranger in strangers] == [401, 401, 401]
    assert all('type="password"' not in stranger.text for stranger in strangers)  # nobody could be let in by it
    assert (viewer.status, style.status, act.status) == (200, 200, 403)
    assert re.findall(r'(?:href|action|src)="/(?!videos)[^"]*"', text) == []
    assert viewer.cookies["reelqueue_seed"]["path"] == "/videos"


async def test_the_page_about_the_board_mounts_it_as_it_says(settings, monkeypatch):
    """The example of docs/dashboard.md, run as it stands."""
    (example,) = re.findall(
        r"```python\n(.*?)```", (Path(__file__).parents[2] / "docs" / "dashboard.md").read_text(encoding="utf-8"), re.DOTALL
    )
    monkeypatch.setenv("REDIS_URL", settings.redis_url.get_secret_value())
    monkeypatch.setenv("DATA_DIR", str(settings.data_dir))
    names: dict[str, Any] = {}
    exec(example, names)

    async with serving_board(names["app"]) as address, program(address, **PAGE) as session:
        stranger = await session.get("/videos/account")
        staff = await session.get("/videos/account", headers={"x-staff": "yes"})

    assert (stranger.status, staff.status) == (401, 200)


async def test_a_board_whose_lifespan_does_not_run_says_so(settings):
    host = Starlette(routes=[Mount("/videos", dashboard(settings))])
    async with serving_board(host) as address, program(address) as session:
        answer = await session.get("/videos/account", headers=PAGE)
        text = answer.text

    assert answer.status == 503
    assert "lifespan" in text


async def test_mounted_and_open_to_the_network_without_a_password_it_serves_nobody(settings):
    app, sent = dashboard(settings), []
    scope = {
        "type": "http", "method": "GET", "path": "/", "raw_path": b"/", "root_path": "", "query_string": b"", "scheme": "http",
        "server": ("10.0.0.5", 80), "client": ("10.0.0.9", 1234), "http_version": "1.1",
        "headers": [(b"host", b"10.0.0.5"), (b"accept", b"text/html"), (b"accept-language", b"en")],
    }  # fmt: skip

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, object]) -> None:
        sent.append(message)

    async with app.router.lifespan_context(app):
        await app(scope, receive, send)

    assert sent[0]["status"] == 403
    assert b"DASHBOARD_PASSWORD" in sent[1]["body"]


# --- Redis away.


async def test_without_redis_pages_are_shown_from_disk_and_say_so(settings, tmp_path):
    away = settings.model_copy(update={"redis_url": type(settings.redis_url)(f"unix://{tmp_path}/nobody.sock")})
    async with serving_board(away) as address, browser(address) as session:
        page = await session.get("/projects")
        text = page.text
        token = re.findall(r'name="csrf" value="([0-9a-f]+)"', text)[0]
        look = await session.post("/redis/look", data={"csrf": token, "next": "/projects"})

    assert page.status == 200
    assert "Redis does not answer (" in text
    assert "Shown from disk as of" in text
    assert (look.status, look.headers["Location"]) == (303, "/projects")

"""`reelqueue auth youtube` against the sandbox's consent page: by a browser, and by what a person pastes."""

import asyncio
import contextlib
import json
import os
import stat
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit
from zoneinfo import ZoneInfo

import aiohttp
import pytest
from pydantic import SecretStr

from reelqueue.cli.auth import _page
from reelqueue.cli.redirect import returning
from reelqueue.errors import AuthenticationFailed, InvalidBrief
from reelqueue.providers.youtube.consent import SCOPES, Consent, OAuthClient, StrayAnswer, read_client_secrets
from reelqueue.providers.youtube.wire import Wire
from reelqueue.sandbox import Sandbox, open_sandbox
from tests import forks

BROWSER = """
import sys, urllib.request
with urllib.request.urlopen(sys.argv[1], timeout=20) as page:
    print(page.read().decode(), file=open(sys.argv[2], "a"))
"""
"""Follows the consent page back to the command, as a browser does, and keeps what it showed."""


@pytest.fixture
async def sandbox(tmp_path) -> AsyncIterator[Sandbox]:
    async with open_sandbox(tmp_path / "sandbox") as opened:
        opened.add_channel("default")
        opened.oauth.consent = "allow"
        yield opened


class Command:
    """The command in a process of its own."""

    def __init__(self, sandbox: Sandbox, folder: Path, **settings: str) -> None:
        self.folder, self.page = folder, folder / "page.html"
        (folder / "browser.py").write_text(BROWSER)
        keep = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG"}}
        mine = {name: value for name, value in sandbox.settings().items() if name != "YOUTUBE_REFRESH_TOKEN"}
        self.env = keep | mine | {"DATA_DIR": str(folder / "data"), "REELQUEUE_LANGUAGE": "en", "PYTHONUTF8": "1"} | settings
        self.out, self.err, self.code = "", "", -1

    def with_browser(self) -> "Command":
        self.env["BROWSER"] = f"{sys.executable} {self.folder}/browser.py %s {self.page}"
        return self

    async def run(self, *arguments: str, paste: str | None = None, follow: bool = False) -> "Command":
        """`follow`: the consent page is opened elsewhere, and the last address pasted."""
        process = await forks.create_subprocess_exec(
            sys.executable, "-c", "from reelqueue.cli import main; main()", "auth", "youtube", *arguments,
            env=self.env, cwd=self.folder, stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert process.stdin and process.stderr and process.stdout
        async with asyncio.timeout(60):
            if follow:
                url = await printed(process.stderr)
                paste = await last_address(url)
            with contextlib.suppress(ConnectionError):
                if paste is not None:
                    process.stdin.write(f"{paste}\n".encode())
                process.stdin.close()
            out, err = await asyncio.gather(process.stdout.read(), process.stderr.read())
            self.code = await process.wait()
        self.out, self.err = out.decode(), err.decode()
        return self

    def token(self, name: str = "default") -> dict:
        return json.loads((self.folder / "data" / "tokens" / f"{name}.json").read_text())


async def printed(stderr: asyncio.StreamReader) -> str:
    """The address that the command prints."""
    async for line in stderr:
        if line.startswith(b"http"):
            return line.decode().strip()
    raise AssertionError("no address was printed")


async def last_address(url: str) -> str:
    """Where the consent page sends a browser."""
    async with aiohttp.ClientSession() as browser, browser.get(url, allow_redirects=False) as answer:
        return answer.headers["Location"]


async def test_a_browser_brings_the_token_into_a_file_of_ones_own(sandbox, tmp_path):
    command = await Command(sandbox, tmp_path).with_browser().run()

    file = tmp_path / "data" / "tokens" / "default.json"
    told = command.token()
    assert command.code == 0, command.err
    assert command.out == f"YOUTUBE_TOKEN_FILE={file}\n"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert "channel: default" in command.err
    assert "Received: close this tab" in command.page.read_text()
    assert {*told} == {
        "type", "client_id", "client_secret", "refresh_token", "scopes", "granted_at", "channel_id", "channel_title",
    }  # fmt: skip
    assert (told["type"], told["channel_title"], sorted(told["scopes"])) == ("authorized_user", "default", sorted(SCOPES))
    assert told["refresh_token"] in sandbox.oauth.grants
    assert [told[name] for name in ("client_secret", "refresh_token") if told[name] in command.out + command.err] == []


async def test_without_a_browser_the_last_address_is_pasted(sandbox, tmp_path):
    command = await Command(sandbox, tmp_path, CHANNELS_FILE="").run("--no-browser", "--channel", "news", follow=True)

    assert command.code == 0, command.err
    assert command.out == f'[news]\ntoken_file = "{tmp_path}/data/tokens/news.json"\n'
    assert "CHANNELS_FILE" in command.err
    assert command.token("news")["refresh_token"] in sandbox.oauth.grants


async def test_a_consent_screen_in_testing_mode_is_told_with_the_day(sandbox, tmp_path):
    sandbox.oauth.testing = True

    command = await Command(sandbox, tmp_path).with_browser().run()

    ends = datetime.fromisoformat(command.token()["refresh_token_expires_at"])
    assert command.code == 0, command.err
    assert abs(ends - datetime.now(UTC) - timedelta(days=7)) < timedelta(minutes=2)
    assert f"this token ends at {ends.astimezone(ZoneInfo('Asia/Taipei')):%Y-%m-%d %H:%M} (Asia/Taipei)" in command.err
    assert "7 days" in command.err


async def test_an_owner_who_says_no_leaves_no_file(sandbox, tmp_path):
    sandbox.oauth.consent = "deny"

    command = await Command(sandbox, tmp_path).with_browser().run()

    assert command.code == 1
    assert "access_denied" in command.err
    assert "access_denied" in command.page.read_text()
    assert not (tmp_path / "data" / "tokens").exists()


async def test_an_answer_to_another_request_is_told_and_not_taken(sandbox, tmp_path):
    stray = "http://127.0.0.1:1/?state=of-another&code=4/0Astray"

    command = await Command(sandbox, tmp_path).run("--no-browser", paste=stray)

    assert command.code == 1
    assert "state differs" in command.err
    assert sandbox.journal.calls("oauth", "token") == []


async def test_an_api_that_is_off_keeps_the_token_and_says_so(sandbox, tmp_path):
    sandbox.faults.order(service="youtube", call="channels.list", kind="403", reason="accessNotConfigured")

    command = await Command(sandbox, tmp_path).with_browser().run()

    assert command.code == 1
    assert "YouTube Data API v3" in command.err
    assert command.token()["refresh_token"] in sandbox.oauth.grants


async def test_without_a_client_the_settings_are_named(sandbox, tmp_path):
    command = await Command(sandbox, tmp_path, YOUTUBE_CLIENT_ID="").run()

    assert command.code == 1
    assert "YOUTUBE_CLIENT_ID" in command.err
    assert "--client-secrets" in command.err


async def test_a_token_is_given_anew_by_the_client_of_the_one_before(sandbox, tmp_path):
    (tmp_path / "client.json").write_text(
        json.dumps(
            {"installed": {"client_id": sandbox.oauth.client.client_id, "client_secret": sandbox.oauth.client.client_secret}}
        )
    )
    nothing = {"YOUTUBE_CLIENT_ID": "", "YOUTUBE_CLIENT_SECRET": ""}
    first = await Command(sandbox, tmp_path, **nothing).with_browser().run("--client-secrets", "client.json")
    before = first.token()["refresh_token"]

    file = str(tmp_path / "data" / "tokens" / "default.json")
    second = await Command(sandbox, tmp_path, YOUTUBE_TOKEN_FILE=file, **nothing).with_browser().run()

    assert (first.code, second.code, second.out) == (0, 0, ""), second.err
    assert second.token()["refresh_token"] != before


# --- the pieces, without a process ---


@pytest.fixture
def consent(sandbox) -> Consent:
    client = sandbox.oauth.client
    return Consent(OAuthClient(client.client_id, SecretStr(client.client_secret)), "news", "http://127.0.0.1:9/")


@pytest.fixture
async def wire() -> AsyncIterator[Wire]:
    opened = Wire(connect_s=5, answer_s=5, call_s=10)
    yield opened
    await opened.aclose()


async def code_from(sandbox: Sandbox, consent: Consent) -> str:
    return consent.code_of(await last_address(consent.url(f"{sandbox.url}/oauth/auth")))


def test_the_page_is_asked_for_a_lasting_leave_bound_to_us(consent):
    asked = {name: values[0] for name, values in parse_qs(urlsplit(consent.url()).query).items()}

    assert consent.url().startswith("https://accounts.google.com/o/oauth2/v2/auth?")
    assert (asked["access_type"], asked["prompt"], asked["response_type"]) == ("offline", "consent", "code")
    assert (asked["code_challenge_method"], len(asked["code_challenge"])) == ("S256", 43)
    assert asked["state"] == consent.state
    assert asked["scope"].split() == list(SCOPES)
    assert consent.verifier not in consent.url()
    assert consent.verifier not in repr(consent)


@pytest.mark.parametrize("pasted", ["{url}", "  {url}  ", "'{url}'", "{query}", "{code}"])
def test_a_person_may_paste_the_address_its_end_or_the_code(consent, pasted):
    url = f"http://127.0.0.1:9/?state={consent.state}&code=4%2F0Acode&scope=a"

    assert consent.code_of(pasted.format(url=url, query=url.partition("?")[2], code="4%2F0Acode")) == "4/0Acode"


@pytest.mark.parametrize(
    "answer", ["http://127.0.0.1:9/?code=4/0A", "http://127.0.0.1:9/?code=4/0A&state=x", "http://127.0.0.1:9/", "a=b"]
)
def test_what_is_no_answer_of_ours_is_stray(consent, answer):
    with pytest.raises(StrayAnswer):
        consent.code_of(answer)


async def test_what_the_address_says_is_shown_as_text_and_not_as_a_page(consent):
    """Anybody can have a browser open an address of this machine."""
    wrong = urlencode({"error": "<script>alert(1)</script>", "state": consent.state})
    async with (
        returning(lambda answer: _page(consent, answer)) as returned,
        aiohttp.ClientSession() as session,
        session.get(f"{returned.address}?{wrong}") as answer,
    ):
        shown = await answer.text()

    assert "&lt;script&gt;" in shown
    assert "<script>" not in shown


async def test_a_code_is_good_once(sandbox, consent, wire):
    code = await code_from(sandbox, consent)
    await consent.exchanged(code, wire, f"{sandbox.url}/oauth/token")

    with pytest.raises(AuthenticationFailed, match="授權碼無效") as met:
        await consent.exchanged(code, wire, f"{sandbox.url}/oauth/token")

    assert "--channel news" in met.value.hint


async def test_a_code_that_was_stolen_is_of_no_use(sandbox, consent, wire):
    """Another program on the machine caught it, but does not know what it is bound to."""
    code = await code_from(sandbox, consent)
    thief = Consent(consent.client, "news", consent.returns_to)

    with pytest.raises(AuthenticationFailed):
        await thief.exchanged(code, wire, f"{sandbox.url}/oauth/token")


async def test_a_redirect_that_the_client_may_not_make_names_its_type(sandbox, consent, wire):
    code = await code_from(sandbox, consent)
    elsewhere = Consent(consent.client, "news", "http://127.0.0.1:10/", consent.state, consent.verifier)

    with pytest.raises(AuthenticationFailed, match="redirect_uri_mismatch") as met:
        await elsewhere.exchanged(code, wire, f"{sandbox.url}/oauth/token")

    assert "Desktop app" in met.value.hint


async def test_no_refresh_token_is_told_with_the_page_that_mends_it(sandbox, consent, wire):
    code = await code_from(sandbox, consent)
    sandbox.faults.order(service="oauth", call="token", kind="no_refresh_token")

    with pytest.raises(AuthenticationFailed, match="refresh token") as met:
        await consent.exchanged(code, wire, f"{sandbox.url}/oauth/token")

    assert "myaccount.google.com/permissions" in met.value.hint


async def test_too_little_leave_is_told(sandbox, consent, wire):
    body = {"access_token": "ya29.x", "expires_in": 3599, "refresh_token": "1//0x", "scope": SCOPES[0]}
    sandbox.faults.order(service="oauth", call="token", kind="200", body=body)

    with pytest.raises(AuthenticationFailed, match="範圍不足"):
        await consent.exchanged("4/0A", wire, f"{sandbox.url}/oauth/token")


async def test_a_client_that_is_gone_is_named(sandbox, consent, wire):
    sandbox.faults.order(service="oauth", call="token", kind="401", reason="deleted_client")

    with pytest.raises(AuthenticationFailed, match="deleted_client"):
        await consent.exchanged("4/0A", wire, f"{sandbox.url}/oauth/token")


@pytest.mark.parametrize(
    "body",
    [
        "",
        "[]",
        "{}",
        '{"installed": {}}',
        '{"installed": 3}',
        '{"web": {"client_id": "a", "client_secret": "b", "redirect_uris": ["https://example.com/"]}}',
    ],
)
def test_a_file_of_another_client_is_refused(tmp_path, body):
    (tmp_path / "client.json").write_text(body)

    with pytest.raises(InvalidBrief, match="client-secrets"):
        read_client_secrets(tmp_path / "client.json")

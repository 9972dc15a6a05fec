"""The sandbox's OAuth: consent by a page, codes with PKCE, refreshes, and a service account's statement."""

import base64
import hashlib
import html
import json
import re
from datetime import timedelta
from pathlib import Path

import pytest
from google.oauth2 import service_account
from yarl import URL

from reelqueue.sandbox import open_sandbox
from tests.contract.youtube_client import Answer, refresh

REDIRECT = "http://127.0.0.1:9/callback"
VERIFIER = "v" * 64
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")
SCOPES = "https://www.googleapis.com/auth/youtube https://www.googleapis.com/auth/youtube.force-ssl"


def asked(sandbox, **more: str) -> dict[str, str]:
    return {
        "client_id": sandbox.oauth.client.client_id,
        "redirect_uri": REDIRECT,
        "response_type": "code",
        "scope": SCOPES,
        "state": "of-this-login & <no other>",
        "access_type": "offline",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
    } | more


async def consent(sandbox, http, **more: str) -> Answer:
    url = sandbox.settings()["GOOGLE_AUTH_URL"]
    async with http.get(url, params=asked(sandbox, **more), allow_redirects=False) as answer:
        return Answer(answer.status, answer.headers, await answer.text())


async def code(sandbox, http) -> str:
    sandbox.oauth.consent = "allow"
    return URL((await consent(sandbox, http)).headers["Location"]).query["code"]


async def exchange(sandbox, http, code: str, **more: str) -> Answer:
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT, "code_verifier": VERIFIER}
    return await refresh(sandbox, http, **form | more)


async def test_a_refresh_gives_an_access_token_for_an_hour(sandbox, http):
    answer = (await refresh(sandbox, http)).json

    assert (answer["expires_in"], answer["token_type"]) == (3599, "Bearer")
    assert answer["access_token"].startswith("ya29.")
    assert "refresh_token" not in answer
    assert "refresh_token_expires_in" not in answer


async def test_the_page_has_a_link_for_each_channel_and_one_that_says_no(sandbox, http):
    sandbox.add_channel("second <channel>")

    page = await consent(sandbox, http)
    links = [html.unescape(link) for link in re.findall(r'href="([^"]+)"', page.text)]
    async with http.get(URL(sandbox.url + links[1], encoded=True), allow_redirects=False) as yes:
        said_yes = URL(yes.headers["Location"])
    async with http.get(URL(sandbox.url + links[2], encoded=True), allow_redirects=False) as no:
        said_no = URL(no.headers["Location"])

    assert "<channel>" not in page.text
    assert (said_yes.path, said_yes.query["state"]) == ("/callback", "of-this-login & <no other>")
    assert said_no.query["error"] == "access_denied"
    token = (await exchange(sandbox, http, said_yes.query["code"])).json["refresh_token"]
    assert sandbox.oauth.grants[token].channel == "second <channel>"
    assert sandbox.oauth.grants[token].scopes == tuple(SCOPES.split())


async def test_a_code_counts_once(sandbox, http):
    given = await code(sandbox, http)

    first, second = await exchange(sandbox, http, given), await exchange(sandbox, http, given)

    assert first.status == 200
    assert (second.status, second.json["error"]) == (400, "invalid_grant")


@pytest.mark.parametrize(
    ("more", "error"),
    [
        pytest.param({"code_verifier": "w" * 64}, "invalid_grant", id="another verifier"),
        pytest.param({"code_verifier": ""}, "invalid_grant", id="no verifier"),
        pytest.param({"redirect_uri": "http://127.0.0.1:8/"}, "redirect_uri_mismatch", id="another redirect"),
        pytest.param({"code": "4/0Aanother"}, "invalid_grant", id="another code"),
    ],
)
async def test_a_code_that_does_not_fit_gives_no_token(sandbox, http, more, error):
    given = await code(sandbox, http)

    answer = await exchange(sandbox, http, **{"code": given} | more)

    assert (answer.status, answer.json["error"]) == (400, error)


@pytest.mark.parametrize(
    ("more", "status", "says"),
    [
        pytest.param({"client_id": "nobody"}, 401, "invalid_client", id="unknown client"),
        pytest.param({"redirect_uri": "https://example.org/"}, 400, "redirect_uri_mismatch", id="not on this machine"),
        pytest.param({"response_type": "token"}, 400, "invalid_request", id="no code asked for"),
        pytest.param({"code_challenge_method": "MD5"}, 400, "code_challenge_method", id="unknown challenge"),
    ],
)
async def test_a_wrong_request_for_consent_is_told_on_the_page(sandbox, http, more, status, says):
    answer = await consent(sandbox, http, **more)

    assert answer.status == status
    assert says in answer.text


async def test_the_owner_says_no(sandbox, http):
    sandbox.faults.order(service="oauth", call="consent", kind="deny")

    assert URL((await consent(sandbox, http)).headers["Location"]).query["error"] == "access_denied"


@pytest.mark.parametrize(
    ("more", "status", "error"),
    [
        pytest.param({"refresh_token": "1//0nobody"}, 400, "invalid_grant", id="unknown token"),
        pytest.param({"client_secret": "GOCSPX-wrong"}, 401, "invalid_client", id="wrong secret"),
        pytest.param({"client_id": "nobody"}, 401, "invalid_client", id="unknown client"),
        pytest.param({"grant_type": "password"}, 400, "unsupported_grant_type", id="unknown grant"),
    ],
)
async def test_a_refresh_with_wrong_credentials_is_refused(sandbox, http, more, status, error):
    answer = await refresh(sandbox, http, **more)

    assert (answer.status, answer.json["error"]) == (status, error)


async def test_a_revoked_token_is_refused_for_good(sandbox, http, youtube):
    sandbox.faults.order(service="oauth", call="token", kind="revoked")

    refused = [await refresh(sandbox, http) for _ in range(2)]
    called = await youtube.call("GET", "/youtube/v3/channels?part=id&mine=true")

    assert [(answer.status, answer.json["error"]) for answer in refused] == [(400, "invalid_grant")] * 2
    assert (called.status, called.reason) == (401, "authError")


async def test_an_expired_access_token_is_refused(sandbox, youtube):
    sandbox.clock.move(timedelta(seconds=3600))

    answer = await youtube.call("GET", "/youtube/v3/channels?part=id&mine=true")

    assert (answer.status, answer.reason) == (401, "authError")


async def test_a_consent_screen_in_testing_mode_ends_its_tokens_after_a_week(sandbox, http):
    sandbox.oauth.testing = True
    made = (await exchange(sandbox, http, await code(sandbox, http))).json

    sandbox.clock.move(timedelta(days=6))
    later = (await refresh(sandbox, http, made["refresh_token"])).json
    sandbox.clock.move(timedelta(days=1))
    ended = await refresh(sandbox, http, made["refresh_token"])

    assert made["refresh_token_expires_in"] == 604_799
    assert 86_390 <= later["refresh_token_expires_in"] <= 86_400
    assert ended.json["error"] == "invalid_grant"


async def test_an_order_puts_a_grant_into_testing_mode(sandbox, http):
    sandbox.faults.order(service="oauth", call="token", kind="testing")

    assert (await refresh(sandbox, http)).json["refresh_token_expires_in"] == 604_799


async def test_a_rotated_token_ends_the_one_before(sandbox, http):
    sandbox.faults.order(service="oauth", call="token", kind="rotate")

    new = (await refresh(sandbox, http)).json["refresh_token"]

    assert (await refresh(sandbox, http)).json["error"] == "invalid_grant"
    assert (await refresh(sandbox, http, new)).status == 200


@pytest.mark.parametrize(("kind", "missing"), [("no_scope", "scope"), ("no_refresh_token", "refresh_token")])
async def test_an_answer_lacks_a_field_by_order(sandbox, http, kind, missing):
    given = await code(sandbox, http)
    sandbox.faults.order(service="oauth", call="token", kind=kind)

    assert missing not in (await exchange(sandbox, http, given)).json


async def test_a_short_token_ends_soon(sandbox, http):
    sandbox.faults.order(service="oauth", call="token", kind="short", seconds=5)

    assert (await refresh(sandbox, http)).json["expires_in"] == 5
    assert (await refresh(sandbox, http)).json["expires_in"] == 3599


async def statement(sandbox, http, **changed: str) -> Answer:
    settings = sandbox.settings()
    key = json.loads(Path(settings["GOOGLE_SERVICE_ACCOUNT_FILE"]).read_text(encoding="utf-8")) | changed
    scope = ["https://www.googleapis.com/auth/monitoring.read"]
    credentials = service_account.Credentials.from_service_account_info(key, scopes=scope)
    form = {
        "grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer",
        "assertion": credentials._make_authorization_grant_assertion().decode(),
    }
    async with http.post(settings["GOOGLE_TOKEN_URL"], data=form) as answer:
        return Answer(answer.status, answer.headers, await answer.text())


async def test_a_service_account_proves_itself_by_its_key(sandbox, http):
    known, unknown = await statement(sandbox, http), await statement(sandbox, http, client_email="nobody@example.org")

    assert known.json["access_token"].startswith("ya29.")
    assert (unknown.status, unknown.json["error"]) == (400, "invalid_grant")


async def test_the_key_file_is_readable_by_its_owner_alone(sandbox):
    key_file = Path(sandbox.settings()["GOOGLE_SERVICE_ACCOUNT_FILE"])

    assert key_file.stat().st_mode & 0o777 == 0o600


async def test_a_client_gives_its_leave_back(sandbox, http, youtube):
    async with http.post(f"{sandbox.url}/oauth/revoke", data={"token": youtube.token}) as answer:
        assert answer.status == 200

    assert (await refresh(sandbox, http)).json["error"] == "invalid_grant"


async def test_a_restarted_sandbox_knows_its_tokens(tmp_path, http):
    async with open_sandbox(tmp_path) as sandbox:
        second = sandbox.add_channel("second")
        made = (await exchange(sandbox, http, await code(sandbox, http))).json["refresh_token"]
        sandbox.oauth.revoke("second")

    async with open_sandbox(tmp_path) as sandbox:
        assert (await refresh(sandbox, http, made)).status == 200
        assert (await refresh(sandbox, http, second)).json["error"] == "invalid_grant"

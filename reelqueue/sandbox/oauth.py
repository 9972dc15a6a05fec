"""Google's OAuth on this machine: the consent page, the token endpoint, revocation.

Orders of its own, for the call "token": "revoked" (the leave is taken back: `invalid_grant`, for good), "testing"
(the answer says that the refresh token ends in 7 days, and it does), "rotate" (a new refresh token, the old one ends),
"no_scope", "no_refresh_token" (the answer lacks it), "short" (`seconds`: how long the access token lives).
For "consent": "deny".
"""

import base64
import hashlib
from collections.abc import Mapping
from datetime import timedelta
from html import escape
from typing import Any
from urllib.parse import urlencode, urlsplit

from aiohttp import web
from google.auth import jwt
from google.auth.exceptions import GoogleAuthError

from reelqueue.sandbox.accounts import (
    CODE_SECONDS,
    DEFAULT_CHANNEL,
    SERVICE_ACCOUNT,
    TESTING_SECONDS,
    Accounts,
    Client,
    Code,
    Grant,
    canary,
    service_account,
    service_key,
)
from reelqueue.sandbox.faults import Order, ordered, page
from reelqueue.sandbox.files import write_text
from reelqueue.sandbox.middleware import entry_of
from reelqueue.sandbox.world import World

SERVICE = "oauth"
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
GOOGLE_AUDIENCE = "https://oauth2.googleapis.com/token"
"""What google-auth writes into its statement, wherever the token endpoint is."""

JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
CALLS = {"token": "token", "auth": "consent", "allow": "allow", "deny": "deny", "revoke": "revoke"}


def accounts_of(world: World) -> Accounts:
    """Who may do what in this sandbox."""
    found: Accounts = world.services[SERVICE]
    return found


def call_name(request: web.Request) -> str:
    """See `Service.call_name`."""
    return CALLS.get(request.path.rsplit("/", 1)[-1], "other")


def refusal(status: int, order: Order) -> web.Response:
    """The token endpoint's form: `error` and `error_description`."""
    reason = order.details.get("reason", "invalid_request" if status < 500 else "internal_failure")
    return _refused(status, reason, order.details.get("message", "Bad Request"))


def settings(world: World) -> Mapping[str, str]:
    """See `Service.settings`."""
    accounts = accounts_of(world)
    token_url = f"{world.url}/oauth/token"
    key_file = world.folder / SERVICE / "service_account.json"
    write_text(key_file, service_account(accounts.client.project, token_url))
    return {
        "GOOGLE_TOKEN_URL": token_url,
        "GOOGLE_AUTH_URL": f"{world.url}/oauth/auth",
        "GOOGLE_SERVICE_ACCOUNT_FILE": str(key_file.absolute()),
        "YOUTUBE_CLIENT_ID": accounts.client.client_id,
        "YOUTUBE_CLIENT_SECRET": accounts.client.client_secret,
        "YOUTUBE_REFRESH_TOKEN": accounts.add_channel(DEFAULT_CHANNEL),
    }


def state(world: World) -> Mapping[str, Any]:
    """See `Service.state`."""
    accounts = accounts_of(world)
    return {
        "testing": accounts.testing,
        "rotating": accounts.rotating,
        "consent": accounts.consent,
        "grants": [
            {"channel": grant.channel, "client_id": grant.client_id, "revoked": grant.revoked}
            for grant in accounts.grants.values()
        ],
    }


def routes(world: World) -> list[web.RouteDef]:
    """See `Service.routes`."""
    world.services[SERVICE] = Accounts(world.folder / SERVICE, world.clock.now)
    oauth = _OAuth(world)
    return [
        web.get("/oauth/auth", oauth.consent),
        web.get("/oauth/allow", oauth.allow),
        web.get("/oauth/deny", oauth.deny),
        web.post("/oauth/token", oauth.token),
        web.post("/oauth/revoke", oauth.revoke),
    ]


def _refused(status: int, reason: str, description: str) -> web.Response:
    return web.json_response({"error": reason, "error_description": description}, status=status)


class _OAuth:
    def __init__(self, world: World) -> None:
        self._world = world
        self._accounts = accounts_of(world)

    async def consent(self, request: web.Request) -> web.Response:
        """The page that asks the channel's owner."""
        wrong = self._wrong_request(request)
        if wrong is not None:
            return wrong
        if self._accounts.consent == "deny" or ordered(request, "deny"):
            raise self._back(request, {"error": "access_denied"})
        if self._accounts.consent == "allow":
            raise self._allowed(request, request.query.get("channel", DEFAULT_CHANNEL))
        asked = dict(request.query)
        links = "".join(
            f'<li><a href="/oauth/allow?{escape(urlencode(asked | {"channel": name}))}">Allow, as channel {escape(name)}</a></li>'
            for name in self._accounts.channels()
        )
        text = (
            '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>Sandbox consent</title></head><body>'
            f"<h1>May {escape(asked['client_id'])} manage your YouTube channel?</h1>"
            f"<p>This is the sandbox: nobody's account is touched.</p><p>{escape(asked.get('scope', ''))}</p>"
            f'<ul>{links}<li><a href="/oauth/deny?{escape(urlencode(asked))}">Deny</a></li></ul></body></html>'
        )
        return web.Response(text=text, content_type="text/html")

    async def allow(self, request: web.Request) -> web.Response:
        """The link that says yes."""
        wrong = self._wrong_request(request)
        if wrong is not None:
            return wrong
        raise self._allowed(request, request.query.get("channel", DEFAULT_CHANNEL))

    async def deny(self, request: web.Request) -> web.Response:
        """The link that says no."""
        wrong = self._wrong_request(request)
        if wrong is not None:
            return wrong
        raise self._back(request, {"error": "access_denied"})

    def _wrong_request(self, request: web.Request) -> web.Response | None:
        """What Google's page says about a request that it can't answer by a redirect."""
        asked = request.query
        if asked.get("client_id") not in self._accounts.clients:
            return page(401, "Error 401: invalid_client. The OAuth client was not found.")
        parts = urlsplit(asked.get("redirect_uri", ""))
        if parts.scheme != "http" or parts.hostname not in LOOPBACK:
            return page(400, "Error 400: redirect_uri_mismatch")
        if asked.get("response_type") != "code" or not asked.get("scope"):
            return page(400, "Error 400: invalid_request. Required parameter is missing: response_type, scope")
        if asked.get("code_challenge_method", "plain") not in {"plain", "S256"}:
            return page(400, "Error 400: invalid_request. Invalid code_challenge_method")
        return None

    def _allowed(self, request: web.Request, channel: str) -> web.HTTPFound:
        asked = request.query
        scopes = tuple(asked["scope"].split())
        code = Code(
            code=canary("4/0A", asked["client_id"], channel, self._world.clock.now().isoformat()),
            client_id=asked["client_id"],
            redirect_uri=asked["redirect_uri"],
            channel=channel,
            scopes=scopes,
            challenge=asked.get("code_challenge", ""),
            challenge_method=asked.get("code_challenge_method", "plain"),
            ends_at=self._world.clock.now() + timedelta(seconds=CODE_SECONDS),
        )
        self._accounts.codes[code.code] = code
        return self._back(request, {"code": code.code, "scope": " ".join(scopes)})

    def _back(self, request: web.Request, answer: dict[str, str]) -> web.HTTPFound:
        """Back to where the client listens, with its own `state`."""
        asked = request.query
        answer = ({"state": asked["state"]} if "state" in asked else {}) | answer
        return web.HTTPFound(f"{asked['redirect_uri']}?{urlencode(answer)}")

    async def token(self, request: web.Request) -> web.Response:
        """The token endpoint."""
        form = {name: str(value) for name, value in (await request.post()).items()}
        grant_type = form.get("grant_type", "")
        entry_of(request).detail["grant_type"] = grant_type
        if grant_type == JWT_GRANT:
            return self._by_assertion(form)
        if grant_type not in {"refresh_token", "authorization_code"}:
            return _refused(400, "unsupported_grant_type", f"Invalid grant_type: {grant_type}")
        client = self._accounts.clients.get(form.get("client_id", ""))
        if client is None:
            return _refused(401, "invalid_client", "The OAuth client was not found.")
        if form.get("client_secret") != client.client_secret:
            return _refused(401, "invalid_client", "Unauthorized")
        if grant_type == "refresh_token":
            return self._refreshed(request, client, form)
        return self._by_code(request, client, form)

    def _refreshed(self, request: web.Request, client: Client, form: dict[str, str]) -> web.Response:
        grant = self._accounts.live(form.get("refresh_token", ""), client.client_id)
        if grant is not None and ordered(request, "revoked"):
            self._accounts.end(grant)
            grant = None
        if grant is None:
            return _refused(400, "invalid_grant", "Token has been expired or revoked.")
        entry_of(request).detail["channel"] = grant.channel
        if self._accounts.rotating or ordered(request, "rotate"):
            new = self._accounts.grant(client.client_id, grant.channel, grant.scopes)
            self._accounts.end(grant)
            return self._granted(request, new, {"refresh_token": new.refresh_token})
        return self._granted(request, grant, {})

    def _by_code(self, request: web.Request, client: Client, form: dict[str, str]) -> web.Response:
        code = self._accounts.codes.pop(form.get("code", ""), None)
        if code is None or code.client_id != client.client_id or code.ends_at <= self._world.clock.now():
            return _refused(400, "invalid_grant", "Malformed auth code.")
        if code.redirect_uri != form.get("redirect_uri"):
            return _refused(400, "redirect_uri_mismatch", "Bad Request")
        verifier = form.get("code_verifier", "")
        if code.challenge and not verifier:
            return _refused(400, "invalid_grant", "Missing code verifier.")
        if code.challenge and _challenge(verifier, code.challenge_method) != code.challenge:
            return _refused(400, "invalid_grant", "Invalid code verifier.")
        entry_of(request).detail["channel"] = code.channel
        grant = self._accounts.grant(client.client_id, code.channel, code.scopes)
        return self._granted(request, grant, {"refresh_token": grant.refresh_token})

    def _granted(self, request: web.Request, grant: Grant, more: dict[str, str]) -> web.Response:
        now = self._world.clock.now()
        if ordered(request, "testing"):
            grant.ends_at = now + timedelta(seconds=TESTING_SECONDS)
            self._accounts.save()
        short = ordered(request, "short")
        usual = self._accounts.access_seconds
        self._accounts.access_seconds = int(short.details.get("seconds", 1)) if short else usual
        access = self._accounts.open_access(grant, grant.scopes)
        self._accounts.access_seconds = usual
        body: dict[str, Any] = {
            "access_token": access.token,
            "expires_in": int((access.ends_at - now).total_seconds() + 0.5),
            "scope": " ".join(grant.scopes),
            "token_type": "Bearer",
        } | more
        if grant.ends_at is not None:
            body["refresh_token_expires_in"] = int((grant.ends_at - now).total_seconds() + 0.5)
        if ordered(request, "no_scope"):
            del body["scope"]
        if ordered(request, "no_refresh_token"):
            body.pop("refresh_token", None)
        return web.json_response(body)

    def _by_assertion(self, form: dict[str, str]) -> web.Response:
        """A service account proves itself by a signed statement; its times are held against the machine's clock."""
        try:
            claims = jwt.decode(  # type: ignore[no-untyped-call]
                form.get("assertion", ""), certs=service_key()[1], audience=[f"{self._world.url}/oauth/token", GOOGLE_AUDIENCE]
            )
        except (GoogleAuthError, ValueError) as error:
            return _refused(400, "invalid_grant", f"Invalid JWT: {error}")
        if claims.get("iss") != SERVICE_ACCOUNT:
            return _refused(400, "invalid_grant", "Invalid grant: account not found")
        scopes = tuple(str(claims.get("scope", "")).split())
        if not scopes:
            return _refused(400, "invalid_scope", "Empty or missing scope not allowed.")
        access = self._accounts.open_access(None, scopes)
        return web.json_response({"access_token": access.token, "expires_in": 3599, "token_type": "Bearer"})

    async def revoke(self, request: web.Request) -> web.Response:
        """A client gives its leave back."""
        token = str((await request.post()).get("token", request.query.get("token", "")))
        access = self._accounts.access.get(token)
        grant = access.grant if access is not None else self._accounts.grants.get(token)
        if grant is None or grant.revoked:
            return _refused(400, "invalid_token", "Token expired or revoked")
        self._accounts.end(grant)
        return web.json_response({})


def _challenge(verifier: str, method: str) -> str:
    if method == "plain":
        return verifier
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")

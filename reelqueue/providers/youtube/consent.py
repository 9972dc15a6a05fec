"""How a channel's owner gives us leave: Google's consent page, a code, and the refresh token that it is exchanged for.

OAuth 2.0 for installed apps: the code comes back to a port of this machine, bound to us by `state` and by PKCE.
"""

import base64
import hashlib
import json
import secrets
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

from pydantic import SecretStr

from reelqueue import clock
from reelqueue.errors import AuthenticationFailed, InvalidBrief, ReelqueueError
from reelqueue.providers.youtube.credentials import Credentials
from reelqueue.providers.youtube.errors import Asked, auth_command
from reelqueue.providers.youtube.refusal import reason_of
from reelqueue.providers.youtube.token_errors import token_refused
from reelqueue.providers.youtube.tokens import REFRESH_WITHIN_S, TOKEN_URL, hidden
from reelqueue.providers.youtube.wire import Wire
from reelqueue.telemetry import keep_secret, redact
from reelqueue.wording import Text

AUTH_URL = "https://accounts.google.com/o/oauth2/v2/auth"
SCOPE = "https://www.googleapis.com/auth/youtube"
UPLOAD, FORCE_SSL = f"{SCOPE}.upload", f"{SCOPE}.force-ssl"
SCOPES = (UPLOAD, SCOPE, FORCE_SSL)
"""To put videos up; for thumbnails, playlists and privacy; captions want the last one."""
PERMISSIONS = "https://myaccount.google.com/permissions"
DESKTOP = Text("OAuth 用戶端的類型要是「電腦版應用程式」（Desktop app）", "the OAuth client has to be of the type Desktop app")


class StrayAnswer(AuthenticationFailed):
    """What came back is not the answer to what was asked."""


@dataclass(frozen=True, slots=True)
class OAuthClient:
    """The OAuth client of a Google Cloud project."""

    client_id: str
    client_secret: SecretStr


def read_client_secrets(path: Path) -> OAuthClient:
    """The client of a file that Google Cloud's console gives: `{"installed": {"client_id", "client_secret", ...}}`.

    Raises:
        InvalidBrief: it is no such file, or of a client for websites that can't come back to this machine.
    """
    allowed = Text(f"Google Cloud 下載的用戶端 JSON；{DESKTOP.zh}", f"the client's JSON from Google Cloud; {DESKTOP.en}")
    try:
        found = json.loads(path.read_bytes())
        kind, told = next((kind, found[kind]) for kind in ("installed", "web") if kind in found)
        client = OAuthClient(str(told["client_id"]), SecretStr(str(told["client_secret"])))
        returns = [urlsplit(str(uri)).hostname for uri in told.get("redirect_uris", ())]
    except OSError as error:
        raise InvalidBrief("--client-secrets", allowed, f"{path}: {error.strerror}") from None
    except (ValueError, KeyError, TypeError, AttributeError, StopIteration):
        raise InvalidBrief("--client-secrets", allowed, str(path)) from None
    if kind == "web" and "127.0.0.1" not in returns:
        raise InvalidBrief("--client-secrets", allowed, f"{path}: web")
    return client


@dataclass(frozen=True, slots=True)
class Consent:
    """One request for a channel's leave.  `returns_to` is where the browser comes back to, on this machine."""

    client: OAuthClient
    channel: str
    returns_to: str
    state: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(48), repr=False)

    def url(self, auth_url: str | None = None) -> str:
        """The page that the owner opens."""
        challenge = base64.urlsafe_b64encode(hashlib.sha256(self.verifier.encode()).digest()).decode().rstrip("=")
        asked = {
            "client_id": self.client.client_id,
            "redirect_uri": self.returns_to,
            "response_type": "code",
            "scope": " ".join(SCOPES),
            "state": self.state,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
            "access_type": "offline",  # a refresh token
            "prompt": "consent",  # also where leave was given before: else there is no refresh token
        }
        return f"{auth_url or AUTH_URL}?{urlencode(asked)}"

    def code_of(self, answer: str) -> str:
        """The code out of what came back: the address that the browser was sent to, or the code itself.

        Raises:
            StrayAnswer: it is the answer to another request, or none.
            AuthenticationFailed: the owner said no.
        """
        answer = answer.strip().strip("'\"")
        if "=" not in answer and "://" not in answer and answer:
            return unquote(answer)
        said = {
            name: values[0] for name, values in parse_qs(urlsplit(answer).query or answer.partition("?")[2] or answer).items()
        }
        if ("code" in said or "error" in said) and not secrets.compare_digest(
            said.get("state", "").encode(), self.state.encode()
        ):
            raise StrayAnswer(
                Text("這個回覆屬於另一次請求（state 不符）", "this is the answer to another request (its state differs)"),
                Text("請用最新印出的網址重新開始", "begin anew with the address that was printed last"),
            )
        if "error" in said:
            raise self._denied(said["error"], said.get("error_description", ""))
        if not said.get("code"):
            raise StrayAnswer(
                Text("裡面沒有授權碼", "there is no code in it"),
                Text(
                    "貼上瀏覽器最後的整個網址（http://127.0.0.1…）",
                    "paste the whole last address of the browser (http://127.0.0.1...)",
                ),
            )
        return said["code"]

    def _denied(self, error: str, words: str) -> AuthenticationFailed:
        why = redact(f"{error} {words}".strip())[:200]
        if error == "access_denied":
            return AuthenticationFailed(
                Text("授權被拒絕（access_denied）", "leave was denied (access_denied)"),
                Text(
                    f"再執行 {auth_command(self.channel)} 並按「允許」；同意畫面在「測試中」時，帳號要先列為測試使用者",
                    f"run {auth_command(self.channel)} again and allow it; while the consent screen is in testing mode, the account has to be listed as a test user",
                ),
            )
        hint = Text("檢查 Google Cloud 的同意畫面", "check the consent screen in Google Cloud")
        return AuthenticationFailed(Text(f"Google 不給授權（{why}）", f"Google gives no leave ({why})"), hint)

    async def exchanged(self, code: str, wire: Wire, token_url: str | None = None) -> Credentials:
        """The credentials that a code stands for; a code is good once, for some minutes.

        Raises:
            AuthenticationFailed: the code, the client or the redirect is not accepted, or too little leave was given.
            RateLimited, ServiceUnavailable: Google gives none now.
        """
        keep_secret(code, self.verifier, self.client.client_secret.get_secret_value())
        asked = {
            "grant_type": "authorization_code",
            "code": code,
            "code_verifier": self.verifier,
            "client_id": self.client.client_id,
            "client_secret": self.client.client_secret.get_secret_value(),
            "redirect_uri": self.returns_to,
        }
        answer = await wire.exchange("POST", token_url or TOKEN_URL, headers={}, body=asked, within_s=REFRESH_WITHIN_S)
        if answer.status != 200:
            refusal = token_refused(answer, Asked("token", self.channel, clock_skew_s=wire.clock_skew_s))
            raise self._not_exchanged(reason_of(answer)) or refusal
        return self._credentials(hidden(answer))

    def _not_exchanged(self, reason: str) -> ReelqueueError | None:
        again = auth_command(self.channel)
        if reason == "invalid_grant":
            return AuthenticationFailed(
                Text(
                    "授權碼無效：已用過、過期，或不屬於這次請求",
                    "the code is not valid: used before, too old, or of another request",
                ),
                Text(f"再執行一次 {again}", f"run {again} again"),
            )
        if reason == "redirect_uri_mismatch":
            return AuthenticationFailed(
                Text("OAuth 用戶端不接受回到這台機器（redirect_uri_mismatch）", "the OAuth client may not come back to this machine (redirect_uri_mismatch)"),
                DESKTOP,
            )  # fmt: skip
        return None

    def _credentials(self, said: dict[str, Any]) -> Credentials:
        now = clock.now().replace(microsecond=0)
        scopes = tuple(str(said.get("scope") or " ".join(SCOPES)).split())
        again = auth_command(self.channel)
        if not {SCOPE, FORCE_SSL} & set(scopes):
            raise AuthenticationFailed(
                Text("授權的範圍不足：不能上傳或管理影片", "too little leave was given: videos can't be put up and managed"),
                Text(f"再執行 {again}，並勾選所有權限", f"run {again} again and tick every permission"),
            )
        token = said.get("refresh_token")
        if not isinstance(token, str) or not token:
            raise AuthenticationFailed(
                Text("Google 沒有給 refresh token", "Google gave no refresh token"),
                Text(f"到 {PERMISSIONS} 移除這個應用程式的權限，再執行 {again}", f"take the app's access away at {PERMISSIONS}, then run {again}"),
            )  # fmt: skip
        ends_in = said.get("refresh_token_expires_in")
        return Credentials(
            client_id=self.client.client_id,
            client_secret=self.client.client_secret,
            refresh_token=SecretStr(token),
            scopes=scopes,
            granted_at=now,
            refresh_token_expires_at=now + timedelta(seconds=ends_in) if isinstance(ends_in, int | float) else None,
        ).hide()


def lacks_captions(credentials: Credentials) -> bool:
    """Whether captions will be refused."""
    return FORCE_SSL not in credentials.scopes

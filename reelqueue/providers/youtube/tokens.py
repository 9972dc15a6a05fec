"""A channel's access token: in memory only, renewed by aiogoogle, by one caller while the others wait."""

import asyncio
import time
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import structlog
from aiogoogle.client import Aiogoogle
from aiogoogle.models import Request
from pydantic import SecretStr

from reelqueue import clock
from reelqueue.errors import AuthenticationFailed
from reelqueue.providers.youtube.credentials import Credentials, Source
from reelqueue.providers.youtube.errors import Asked, known_to_be, nonsense
from reelqueue.providers.youtube.token_errors import token_refused
from reelqueue.providers.youtube.wire import Answer, Wire
from reelqueue.telemetry import keep_secret, redact

TOKEN_URL = "https://oauth2.googleapis.com/token"  # noqa: S105 - an address
REFRESH_WITHIN_S = 30.0
EARLIER_S = 120.0
"""A token is renewed so long before its end, so that no call meets it."""

log = structlog.get_logger(__name__)


class Access:
    """The way to one channel.  `source` says who we are; it is read anew at each renewal, since another process may write it."""

    def __init__(self, source: Source, wire: Wire, token_url: str | None = None) -> None:
        self.channel = source.channel
        self._source, self._wire = source, wire
        self._token_url = token_url or TOKEN_URL
        self._lock = asyncio.Lock()
        self._token: str | None = None
        self._renew_at = 0.0
        self._unwritten: Credentials | None = None

    async def token(self) -> str:
        """A token that is good for some minutes.

        Raises:
            AuthenticationFailed: the leave has ended, or the OAuth client is gone.
            InvalidSettings: the token file can't be used.
            RateLimited, ServiceUnavailable: Google gives none now.
        """
        if self._token is not None and time.monotonic() < self._renew_at:
            return self._token
        async with self._lock:
            if self._token is None or time.monotonic() >= self._renew_at:
                with known_to_be(sent=False):  # what it was wanted for
                    self._token = await self._renewed()
            return self._token

    async def another(self, than: str) -> str:
        """A token in place of one that was refused.  Raises as `token`."""
        async with self._lock:
            if self._token is None or self._token == than:
                with known_to_be(sent=True):
                    self._token = await self._renewed()
            return self._token

    async def _renewed(self) -> str:
        credentials = self._unwritten
        if credentials is None:
            credentials = await asyncio.to_thread(self._source.read)
        try:
            return await self._asked(credentials)
        except AuthenticationFailed:
            newer = await asyncio.to_thread(self._source.read)
            if newer.refresh_token == credentials.refresh_token:
                raise
            self._unwritten = None
            return await self._asked(newer)  # written meanwhile, by another process or by a person

    async def _asked(self, credentials: Credentials) -> str:
        factory: Any = lambda: self._wire  # noqa: E731 - aiogoogle wants a class, and calls it
        google: Any = Aiogoogle(session_factory=factory)
        google.oauth2.openid_configs = {**google.oauth2.openid_configs, "token_endpoint": self._token_url}
        hearing = _Hearing(self._wire, self.channel, credentials)
        google.oauth2.active_session = hearing
        client = {"client_id": credentials.client_id, "client_secret": credentials.client_secret.get_secret_value()}
        user = {"refresh_token": credentials.refresh_token.get_secret_value()}
        _, renewed = await google.oauth2.refresh(user, client_creds=client)
        lasts_s = float(renewed["expires_in"])
        self._renew_at = time.monotonic() + lasts_s - min(EARLIER_S, lasts_s / 2)
        await self._keep(credentials, hearing.said)
        return str(renewed["access_token"])

    async def _keep(self, before: Credentials, said: Mapping[str, Any]) -> None:
        """A new refresh token ends the old one, and is kept before it is needed; so is when it ends, which nobody knew yet."""
        token = said.get("refresh_token") or before.refresh_token.get_secret_value()
        ends_in = said.get("refresh_token_expires_in")
        ends = clock.now().replace(microsecond=0) + timedelta(seconds=ends_in) if isinstance(ends_in, int | float) else None
        same = token == before.refresh_token.get_secret_value()
        if same and (ends is None or before.refresh_token_expires_at is not None):
            return
        after = before.replace(refresh_token=SecretStr(str(token)), refresh_token_expires_at=ends).hide()
        try:
            await asyncio.to_thread(self._source.keep, after)
        except OSError as error:
            self._unwritten = after
            log.warning("token_not_kept", channel=self.channel, file=str(self._source.file), error=error.strerror)


class _Hearing:
    """aiogoogle's session while it refreshes: errors become ours, and what it would stumble over is mended."""

    def __init__(self, wire: Wire, channel: str, credentials: Credentials) -> None:
        self._wire, self._channel, self._credentials = wire, channel, credentials
        self.said: dict[str, Any] = {}

    async def send(self, request: Request) -> dict[str, Any]:
        response = await self._wire.send(request, timeout=REFRESH_WITHIN_S)
        answer = Answer(response.status_code, response.headers, response.data)
        asked = Asked("token", self._channel, clock_skew_s=self._wire.clock_skew_s)
        if answer.status != 200:
            raise token_refused(answer, asked, ends_at=self._credentials.refresh_token_expires_at)
        self.said = hidden(answer)
        return {"scope": " ".join(self._credentials.scopes)} | self.said  # some answers have none, and aiogoogle fails on it


def hidden(answer: Answer) -> dict[str, Any]:
    """What the token's address said, once no log can repeat it.

    Raises:
        ServiceUnavailable: it is no token.
    """
    said = answer.json
    if not isinstance(said, dict) or not isinstance(said.get("access_token"), str) or not said["access_token"]:
        raise nonsense(answer)
    if not isinstance(said.get("expires_in"), int | float):
        raise nonsense(answer)
    tokens = [said[name] for name in ("access_token", "refresh_token") if isinstance(said.get(name), str)]
    keep_secret(*(token for token in tokens if token in redact(token)))  # the rest is known by its form, and need not be kept
    return said

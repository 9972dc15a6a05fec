"""Posts events to webhooks: signed, once per call, straight to an address that was looked at as the connection was made.

No redirect is followed and no proxy is asked (it would look the name up itself).  What a receiver answers beside its status is
not read.
"""

import json
import time
from collections.abc import Collection
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver

from reelqueue.addresses import webhook_fault
from reelqueue.models.event import Answer, Event
from reelqueue.providers.outward import connector
from reelqueue.signing import signature
from reelqueue.version import __version__
from reelqueue.wording import Text, as_json

PATIENCE = aiohttp.ClientTimeout(total=15, sock_connect=5, sock_read=10)
"""A receiver has fifteen seconds in all (the scheme recommends 15 to 30)."""
MOST_PAUSE_SECONDS = 86_400.0


class WebhookSender:
    """Connections to receivers; `aclose` ends them.  `keys` sign (see `signing.keys_of`), `instance` is whose events they are."""

    def __init__(
        self,
        keys: tuple[bytes, ...],
        private_hosts: Collection[str],
        instance: str,
        *,
        resolver: type[AbstractResolver] = aiohttp.ThreadedResolver,
        ssl: Any = True,
    ) -> None:
        self._keys = keys
        self._private_hosts = private_hosts
        self._instance = instance
        self._resolver = resolver
        self._ssl = ssl
        self._sessions: dict[str, aiohttp.ClientSession] = {}
        self._refused: dict[str, str] = {}

    async def aclose(self) -> None:
        """End the connections."""
        sessions, self._sessions = self._sessions, {}
        for session in sessions.values():
            await session.close()

    async def send(self, url: str, event: Event) -> Answer:
        """Post one event; whatever happens is an answer."""
        if not self._keys:
            return Answer(None, str(Text("沒有設定 WEBHOOK_SECRET", "WEBHOOK_SECRET is not set")))
        fault = webhook_fault(url, self._private_hosts)
        if fault is not None:
            return Answer(None, str(fault.why))
        body = body_of(event)
        message_id, at = f"rq_{self._instance}_{event.event_id}", int(time.time())  # receivers compare with their own clocks
        headers = {
            "Content-Type": "application/json",
            "User-Agent": f"reelqueue/{__version__}",
            "webhook-id": message_id,
            "webhook-timestamp": str(at),
            "webhook-signature": signature(self._keys, message_id, at, body),
        }
        host = urlsplit(url).hostname or ""
        session = self._session(host)
        self._refused.pop(host, None)
        try:
            async with session.post(url, data=body, headers=headers, allow_redirects=False) as answer:
                return Answer(answer.status, _said(answer), _pause(answer.headers.get("Retry-After")))
        except TimeoutError:
            return Answer(None, str(Text("沒有在 15 秒內回應", "no answer within 15 s")))
        except (aiohttp.ClientError, OSError, ValueError) as error:
            private = self._refused.get(host)
            return Answer(None, _why(error) if private is None else _private(private))

    def _session(self, host: str) -> aiohttp.ClientSession:
        """A session of its own for each host."""
        if host not in self._sessions:
            self._sessions[host] = aiohttp.ClientSession(
                connector=connector(
                    host,
                    self._private_hosts,
                    refused=lambda address: self._refused.__setitem__(host, address),
                    resolver=self._resolver,
                    ssl=self._ssl,
                ),
                timeout=PATIENCE,
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=False,
            )
        return self._sessions[host]


def body_of(event: Event) -> bytes:
    """The body by the scheme: `{type, timestamp, data}`; the same bytes at each attempt."""
    said = {"type": event.type, "timestamp": event.at.isoformat(timespec="milliseconds"), "data": event.data}
    return as_json(json.dumps(said, ensure_ascii=False, separators=(",", ":"))).encode()


def _said(answer: aiohttp.ClientResponse) -> str:
    if 200 <= answer.status < 300:
        return ""
    if 300 <= answer.status < 400:
        return str(Text(f"回應 {answer.status}：不跟隨轉址", f"answered {answer.status}: redirects are not followed"))
    return str(Text(f"回應 {answer.status}", f"answered {answer.status}"))


def _pause(wish: str | None) -> float | None:
    """`Retry-After` in seconds: a number, or a moment."""
    if wish is None:
        return None
    try:
        seconds = float(wish) if wish.strip().isdecimal() else (parsedate_to_datetime(wish) - datetime.now(UTC)).total_seconds()
    except (ValueError, TypeError):
        return None
    return min(MOST_PAUSE_SECONDS, max(0.0, seconds))


def _private(address: str) -> str:
    return str(
        Text(
            f"位址 {address} 屬於這台機器或內部網路（見 WEBHOOK_PRIVATE_HOSTS）",
            f"the address {address} belongs to this machine or its own network (see WEBHOOK_PRIVATE_HOSTS)",
        )
    )


def _why(error: BaseException) -> str:
    """Why there was no answer, without the address: what follows the host may be a secret."""
    if isinstance(error, aiohttp.ClientConnectorCertificateError | aiohttp.ClientSSLError):
        return str(Text("憑證不被信任", "its certificate is not trusted"))
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return str(Text("找不到這個主機", "there is no such host"))
    return str(Text("連不上", "no connection")) + f" ({type(error).__name__})"

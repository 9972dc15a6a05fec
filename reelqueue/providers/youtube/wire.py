"""Google's HTTP as we speak it: each request is sent once, goes nowhere else, and is not waited for without end.

It is the session that aiogoogle works with, and that the upload sends its chunks through.  aiogoogle's own would wait for
ever, follow redirects (a chunk would be sent twice), and let aiohttp send GET and PUT anew where a connection broke.
"""

import asyncio
import json
import ssl
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Self, cast

import aiohttp
from aiogoogle.models import Request, Response
from aiogoogle.sessions.abc import AbstractSession
from yarl import URL

from reelqueue.providers.proxy import proxy_for
from reelqueue.providers.youtube.errors import by_a_proxy, unreachable, unsent
from reelqueue.wording import Text

CONNECT_S, ANSWER_S, CALL_S = 10.0, 60.0, 90.0
"""To connect; without a byte going either way; for a whole small call."""
MOST_ANSWER_BYTES = 8 << 20
PIECE_BYTES = 256 * 1024
"""A body goes out in pieces of this, each of which has to leave within `ANSWER_S`."""


class Broken(aiohttp.ClientError):
    """The connection ended before the answer; unlike the errors that it stands for, aiohttp sends nothing anew after it."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: `headers` by names of any case."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)

    @property
    def json(self) -> Any:
        """The body as JSON; None where it is none."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None

    @property
    def is_page(self) -> bool:
        """Whether it is HTML, which Google's APIs do not write but proxies do."""
        return "html" in self.headers.get("Content-Type", "").lower() or self.body.lstrip()[:9].lower().startswith(
            (b"<!doctype", b"<html")
        )


async def _sent_once(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    try:
        return await handler(request)
    except aiohttp.ClientConnectorError:
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise Broken(type(error).__name__) from None


class Wire(AbstractSession):
    """Connections to Google; `aclose` ends them.

    `clock_skew_s` is how far this machine's clock is ahead of Google's, by the last answer's date; None before the first.
    """

    def __init__(self, *, connect_s: float = CONNECT_S, answer_s: float = ANSWER_S, call_s: float = CALL_S) -> None:
        self.clock_skew_s: float | None = None
        self._connect_s, self._answer_s, self._call_s = connect_s, answer_s, call_s
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        """Aiogoogle leaves its sessions; this one lives until `aclose`."""

    async def aclose(self) -> None:
        """End the connections."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def send(self, *requests: Request, timeout: float | None = None, **_: Any) -> Response:  # noqa: ASYNC109 - aiogoogle's signature
        """One of aiogoogle's requests; always its whole response, whatever the status."""
        (request,) = requests
        method, url, headers, body = request.method or "GET", request.url or "", dict(request.headers or {}), request.data
        if request.json is not None:
            body, headers = json.dumps(request.json).encode(), {"Content-Type": "application/json; charset=UTF-8"} | headers
        answer = await self.exchange(method, url, headers=headers, body=body, within_s=timeout or self._call_s)
        return Response(answer.status, headers=answer.headers, url=url, data=answer.body, req=request)

    async def exchange(
        self, method: str, url: str, *, headers: Mapping[str, str], body: bytes | Mapping[str, str] | None, within_s: float | None
    ) -> Answer:
        """Send one request and read its answer.

        Args:
            method: the method.
            url: exactly as Google gave it.
            headers: of the request.
            body: bytes, a form's fields, or None.
            within_s: for all of it; None where only standing still counts.

        Raises:
            ServiceUnavailable: there was no whole answer; nobody knows what became of the request.
        """
        try:
            async with asyncio.timeout(within_s):
                return await self._exchanged(method, url, headers, body)
        except TimeoutError:
            raise unreachable(Text("沒有在時間內回應", "did not answer in time")) from None
        except (aiohttp.ClientSSLError, ssl.SSLError) as error:
            certificate = unreachable(
                Text(
                    f"的安全憑證不被接受（{type(error).__name__}）",
                    f"shows a certificate that is not accepted ({type(error).__name__})",
                ),
                Text("檢查這台機器的時鐘，以及中途的代理伺服器", "check this machine's clock, and the proxy on the way"),
            )
            raise unsent(certificate) from None
        except aiohttp.ClientHttpProxyError as error:
            raise unsent(by_a_proxy(error.status)) from None
        except aiohttp.ClientConnectorError as error:
            raise unsent(unreachable(Text(f"連不上（{error.host}）", f"can't be reached ({error.host})"))) from None
        except (aiohttp.ClientError, OSError) as error:
            raise unreachable(Text(f"的連線中斷（{type(error).__name__}）", f"broke off ({type(error).__name__})")) from None

    async def _exchanged(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | Mapping[str, str] | None
    ) -> Answer:
        async with asyncio.timeout(None) as standing_still:
            sent = dict(headers)
            data: Any = body
            if isinstance(body, bytes):
                data, sent["Content-Length"] = self._in_pieces(body, standing_still), str(len(body))
            elif body is None and method in {"POST", "PUT"}:
                data = b""
            request = self._opened().request(
                method, URL(url, encoded=True), headers=sent, data=data, allow_redirects=False, proxy=proxy_for(url)
            )
            async with request as response:
                standing_still.reschedule(None)
                self._look_at_the_clock(response.headers.get("Date"))
                return Answer(response.status, cast("Mapping[str, str]", response.headers), await _read(response))

    async def _in_pieces(self, body: bytes, standing_still: asyncio.Timeout) -> AsyncIterator[bytes]:
        """The body, watched: a server that takes nothing more must not be waited for."""
        view = memoryview(body)
        for at in range(0, len(view), PIECE_BYTES):
            standing_still.reschedule(asyncio.get_running_loop().time() + self._answer_s)
            yield bytes(view[at : at + PIECE_BYTES])
        standing_still.reschedule(asyncio.get_running_loop().time() + self._answer_s)

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None or self._session.closed:
            limits = aiohttp.ClientTimeout(total=None, sock_connect=self._connect_s, sock_read=self._answer_s)
            self._session = aiohttp.ClientSession(
                timeout=limits, cookie_jar=aiohttp.DummyCookieJar(), middlewares=(_sent_once,), auto_decompress=True
            )
        return self._session

    def _look_at_the_clock(self, date: str | None) -> None:
        if date is None:
            return
        try:
            theirs = parsedate_to_datetime(date)
        except ValueError:
            return
        if theirs.tzinfo is not None:
            self.clock_skew_s = (datetime.fromtimestamp(time.time(), UTC) - theirs).total_seconds()


async def _read(response: aiohttp.ClientResponse) -> bytes:
    """The body, as far as it is read: an endless page of a proxy is cut."""
    body = bytearray()
    async for piece in response.content.iter_chunked(1 << 16):
        body += piece
        if len(body) > MOST_ANSWER_BYTES:
            raise Broken("answer too long")
    return bytes(body)

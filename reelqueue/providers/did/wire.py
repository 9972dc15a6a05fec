"""D-ID's HTTP: each request is sent once, with the key only to D-ID itself, and no answer is waited for without end."""

import asyncio
import contextlib
import errno
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver
from yarl import URL

from reelqueue.addresses import leads_inside
from reelqueue.errors import DiskFull, PermanentError, ReelqueueError
from reelqueue.providers.did.errors import NAME, by_a_proxy, gone, is_page, refused, unavailable
from reelqueue.providers.outward import connector
from reelqueue.providers.proxy import LOOPBACK, proxy_for
from reelqueue.wording import Text

CALL = aiohttp.ClientTimeout(total=60, sock_connect=15, sock_read=45)
UPLOAD = aiohttp.ClientTimeout(total=180, sock_connect=15, sock_read=60)
DOWNLOAD = aiohttp.ClientTimeout(total=600, sock_connect=15, sock_read=30)
MOST_ANSWER_BYTES = 1 << 20
MOST_CLIP_BYTES = 300 << 20
"""Five minutes at 8 Mbit/s."""
CHUNK_BYTES = 1 << 18
EXPIRED = frozenset({400, 403, 404, 410})
"""What a signed address answers when its time is over (400: an S3 token that expired)."""


class Expired(Exception):
    """The address of a result is not valid any more: a fresh one may be."""


class Wire:
    """Connections to D-ID; `close` ends them."""

    def __init__(self, base_url: str, key: str, *, resolver: type[AbstractResolver] = aiohttp.ThreadedResolver) -> None:
        self._resolver = resolver
        self._base = base_url.rstrip("/")
        self._authorization = {"Authorization": f"Basic {key}", "Accept": "application/json"}
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        """End the connections."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def send_sound(self, sound: Path) -> dict[str, Any]:
        """POST /audios: D-ID keeps the file for a day or two.  Nothing is billed for it, whatever becomes of the call."""
        form = aiohttp.FormData()
        body = await asyncio.to_thread(sound.read_bytes)
        form.add_field("audio", body, filename="narration.wav", content_type="audio/wav")
        return await self._asked("POST", "audios", free=True, data=form, timeout=UPLOAD)

    async def create(self, body: dict[str, Any]) -> dict[str, Any]:
        """POST /talks: the call that is paid for."""
        return await self._asked("POST", "talks", free=False, json=body, timeout=CALL)

    async def look(self, job_id: str) -> dict[str, Any]:
        """GET /talks/{id}.  PermanentError where D-ID does not know it any more."""
        return await self._asked("GET", f"talks/{job_id}", free=True, missing=gone(job_id), timeout=CALL)

    async def account(self) -> dict[str, Any]:
        """GET /credits: what is left; costs nothing."""
        return await self._asked("GET", "credits", free=True, timeout=CALL)

    async def download(self, address: str, target: Path) -> None:
        """What lies at an address that D-ID named; without our key, and nowhere else than there.

        Raises:
            Expired: the address is not valid any more.
            PermanentError: it is none that we may ask, or the file is too large.
            ServiceUnavailable: there was no whole answer.
            DiskFull: there is no space.
        """
        url, reach = self._allowed(address)
        elsewhere: list[str] = []
        proxied = proxy_for(str(url)) is not None  # which looks the name up itself, and connects
        guarded = None if proxied else connector(url.host or "", reach, refused=elsewhere.append, resolver=self._resolver)
        try:
            await self._downloaded(url, guarded, target)
        except ReelqueueError:
            if elsewhere:
                raise _not_allowed() from None
            raise

    async def _downloaded(self, url: URL, guarded: aiohttp.TCPConnector | None, target: Path) -> None:
        async with contextlib.AsyncExitStack() as stack:
            session = None
            if guarded is not None:
                session = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar(), connector=guarded)
                await stack.enter_async_context(session)
            answer = await stack.enter_async_context(self._answer("GET", url, free=True, session=session, timeout=DOWNLOAD))
            if answer.status in EXPIRED:
                raise Expired
            if answer.status != 200:
                raise unavailable(Text(f"沒有給影片（{answer.status}）", f"gave no clip ({answer.status})"))
            if (answer.content_length or 0) > MOST_CLIP_BYTES:
                raise _too_large()
            await _keep(answer, target)

    def _allowed(self, address: str) -> tuple[URL, frozenset[str]]:
        """The address, and which hosts of this machine's own network it may be on: only D-ID's own, where that is such a one.

        Only https; http on this machine where D-ID's own address is such a one, as in a sandbox.
        """
        ours = urlsplit(self._base)
        sandboxed = ours.scheme == "http" and ours.hostname in LOOPBACK
        try:
            parts = urlsplit(address)
            url = URL(address, encoded=True)  # as it was signed: not a letter may change
        except ValueError:
            raise _not_allowed() from None
        local = sandboxed and parts.scheme == "http" and parts.hostname in LOOPBACK
        reach = LOOPBACK if sandboxed else frozenset({ours.hostname or ""})
        known = (parts.hostname or "") in reach or not leads_inside(parts.hostname or "")
        if not parts.hostname or not known or parts.username is not None or not (parts.scheme == "https" or local):
            raise _not_allowed()
        return url, reach

    async def _asked(
        self, method: str, path: str, *, free: bool, missing: ReelqueueError | None = None, **request: Any
    ) -> dict[str, Any]:
        """Send one request to D-ID; the JSON object that it answers."""
        async with self._answer(method, URL(f"{self._base}/{path}"), free=free, headers=self._authorization, **request) as answer:
            body = await answer.content.read(MOST_ANSWER_BYTES)
            while not answer.content.at_eof() and len(body) < MOST_ANSWER_BYTES:
                body += await answer.content.read(MOST_ANSWER_BYTES - len(body))
            if is_page(body, answer.headers):
                page = by_a_proxy(answer.status)
                raise _with_usage(page, free=free or page.usage is not None)
            if answer.status == 404 and missing is not None:
                raise missing
            if not 200 <= answer.status < 300:
                raise refused(answer.status, body, answer.headers)
        try:
            said = json.loads(body)
        except ValueError:
            said = None
        if not isinstance(said, dict):  # half an answer, or none at all
            raise _with_usage(unavailable(Text("的回應看不懂", "gave an answer that makes no sense")), free=free)
        return said

    @asynccontextmanager
    async def _answer(
        self, method: str, url: URL, *, free: bool, session: aiohttp.ClientSession | None = None, **request: Any
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        if session is None:
            self._session = self._session or aiohttp.ClientSession(
                cookie_jar=aiohttp.DummyCookieJar(), connector=aiohttp.TCPConnector(limit=8, force_close=True)
            )
            session = self._session
        try:
            async with session.request(method, url, allow_redirects=False, proxy=proxy_for(str(url)), **request) as answer:
                yield answer
        except (
            aiohttp.ClientConnectorError,
            aiohttp.ConnectionTimeoutError,
            aiohttp.ClientHttpProxyError,
        ) as error:  # nothing was sent
            raise _with_usage(unavailable(Text("連不上", "can't be reached")), free=True) from error
        except (TimeoutError, aiohttp.ClientError) as error:
            raise _with_usage(unavailable(Text("沒有完整回應", "gave no whole answer")), free=free) from error


async def _keep(answer: aiohttp.ClientResponse, target: Path) -> None:
    got = 0
    file: BinaryIO = await _on_disk(target.open, "wb")
    try:
        async for chunk in answer.content.iter_chunked(CHUNK_BYTES):
            got += len(chunk)
            if got > MOST_CLIP_BYTES:
                raise _too_large()
            await _on_disk(file.write, chunk)
    finally:
        await asyncio.to_thread(file.close)
    if got == 0:
        raise unavailable(Text("給了空的影片", "gave an empty clip"))


async def _on_disk(act: Callable[..., Any], *arguments: Any) -> Any:
    """Do it in a thread; a full disk is named."""
    try:
        return await asyncio.to_thread(act, *arguments)
    except OSError as error:
        if error.errno not in {errno.ENOSPC, errno.EDQUOT}:
            raise
        raise DiskFull(
            Text("磁碟已滿", "the disk is full"), Text("清出空間後會自動繼續", "make room: the project goes on by itself")
        ) from error


def _with_usage(error: ReelqueueError, *, free: bool) -> ReelqueueError:
    """Say that nothing was billed, or that nobody knows."""
    error.usage = () if free else None
    return error


def _too_large() -> PermanentError:
    size = f"{MOST_CLIP_BYTES >> 20} MB"
    return PermanentError(Text(f"{NAME} 的主持人影片超過 {size}", f"{NAME}'s presenter clip is larger than {size}"))


def _not_allowed() -> PermanentError:
    return PermanentError(
        Text(
            f"{NAME} 給的影片位址不是公開的 https:// 網址", f"the address that {NAME} gave for its clip is no public https:// one"
        ),
        Text("檢查 DID_BASE_URL", "check DID_BASE_URL"),
    )

"""Asks Cloud Monitoring how much of YouTube's quota a Google Cloud project has used.  Reads only; nothing is billed."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from reelqueue.errors import AuthenticationFailed, PermanentError, ReelqueueError, ServiceUnavailable
from reelqueue.models.meter import Told
from reelqueue.providers.monitoring.account import ServiceAccount
from reelqueue.providers.monitoring.series import LIMIT, USED, add_limits, add_used, wanted
from reelqueue.providers.proxy import proxy_for
from reelqueue.wording import Text

BASE_URL = "https://monitoring.googleapis.com"
CALL = aiohttp.ClientTimeout(total=15, sock_connect=5, sock_read=10)
MOST_PAGES = 20
MOST_ANSWER_BYTES = 8 << 20
JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
NAME = "Cloud Monitoring"


class Client:
    """See `Monitoring`."""

    def __init__(self, session: aiohttp.ClientSession, base_url: str, token: str) -> None:
        self._session = session
        self._base = base_url.rstrip("/")
        self._authorization = {"Authorization": f"Bearer {token}"}

    async def told(self, project: str, since: datetime, until: datetime) -> Told:
        """See `Monitoring`."""
        used: dict[str, int] = {}
        limits: dict[str, int] = {}
        await self._listed(project, USED, since, until, lambda page: add_used(page, used))
        await self._listed(project, LIMIT, since, until, lambda page: add_limits(page, limits))
        return Told(used=used, limits=limits)

    async def _listed(
        self, project: str, metric: str, since: datetime, until: datetime, add: Callable[[Mapping[str, Any]], None]
    ) -> None:
        asked = {
            "filter": wanted(metric),
            "interval.startTime": since.isoformat(),
            "interval.endTime": until.isoformat(),
        }
        for _ in range(MOST_PAGES):
            url = f"{self._base}/v3/projects/{project}/timeSeries"
            page = await _asked(self._session, "GET", url, params=asked, headers=self._authorization)
            try:
                add(page)
            except ValueError as error:
                raise _unavailable(Text("的回應看不懂", "gave an answer that makes no sense")) from error
            following = page.get("nextPageToken")
            if not following:
                return
            asked["pageToken"] = str(following)
        raise PermanentError(Text(f"{NAME} 的結果沒完沒了", f"{NAME} gave pages without end"))


@contextlib.asynccontextmanager
async def opened(key_file: Path, base_url: str | None) -> AsyncIterator[Client]:
    """See `open_monitoring`."""
    account = await asyncio.to_thread(ServiceAccount, key_file)
    async with aiohttp.ClientSession(timeout=CALL, cookie_jar=aiohttp.DummyCookieJar()) as session:
        statement = await asyncio.to_thread(account.statement)
        answer = await _asked(session, "POST", account.token_url, data={"grant_type": JWT_GRANT, "assertion": statement})
        token = answer.get("access_token")
        if not isinstance(token, str):
            raise _unavailable(Text("沒有給存取權杖", "gave no access token"))
        yield Client(session, base_url or BASE_URL, token)


async def _asked(session: aiohttp.ClientSession, method: str, url: str, **request: Any) -> dict[str, Any]:
    """One request; the JSON object that it answers."""
    try:
        async with session.request(method, url, allow_redirects=False, proxy=proxy_for(url), **request) as answer:
            body = await answer.content.read(MOST_ANSWER_BYTES)
            while not answer.content.at_eof() and len(body) < MOST_ANSWER_BYTES:
                body += await answer.content.read(MOST_ANSWER_BYTES - len(body))
            if "html" in answer.content_type or body.lstrip().startswith(b"<"):
                raise _by_a_proxy(answer.status)
            if answer.status != 200:
                raise _refused(answer.status, body)
    except (TimeoutError, aiohttp.ClientError) as error:
        host = urlsplit(url).hostname
        raise _unavailable(Text(f"（{host}）沒有完整回應", f"({host}) gave no whole answer")) from error
    try:
        said = json.loads(body)
    except ValueError:
        said = None
    if not isinstance(said, dict):
        raise _unavailable(Text("的回應看不懂", "gave an answer that makes no sense"))
    return said


def _refused(status: int, body: bytes) -> ReelqueueError:
    why = _reason(body)
    if status == 429 or status >= 500:
        return _unavailable(Text(f"沒有回答（{status}）", f"did not answer ({status})"))
    if status in {401, 403} or why == "invalid_grant":
        return AuthenticationFailed(
            Text(f"{NAME} 拒絕這個服務帳戶（{status} {why}）", f"{NAME} refuses the service account ({status} {why})"),
            Text(
                "請給它專案的 monitoring.viewer 角色、啟用 Monitoring API，並檢查這台機器的時鐘",
                "give it the role monitoring.viewer in the project, switch the Monitoring API on, and look at this machine's clock",
            ),
        )
    return PermanentError(Text(f"{NAME} 拒絕了請求（{status} {why}）", f"{NAME} refused the request ({status} {why})"))


def _by_a_proxy(status: int) -> ServiceUnavailable:
    return ServiceUnavailable(
        Text(f"{NAME} 給的是網頁（{status}），中途可能有代理伺服器", f"a web page came instead of {NAME}'s answer ({status})"),
        Text(
            "檢查 HTTPS_PROXY 與 GOOGLE_MONITORING_BASE_URL；網路可能要求登入",
            "check HTTPS_PROXY and GOOGLE_MONITORING_BASE_URL: the network may want a sign-in",
        ),
    )


def _reason(body: bytes) -> str:
    """The word that the answer gives as its reason; "" where there is none.  Its sentences may repeat what was sent."""
    try:
        error = json.loads(body)["error"]
    except (ValueError, KeyError, TypeError):
        return ""
    return str(error.get("status", ""))[:60] if isinstance(error, dict) else str(error)[:60]


def _unavailable(why: Text) -> ServiceUnavailable:
    return ServiceUnavailable(Text(f"{NAME} {why.zh}", f"{NAME} {why.en}"), Text("會自動重試", "it is tried again by itself"))

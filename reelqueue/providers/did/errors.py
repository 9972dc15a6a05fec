"""What D-ID's refusals mean to us: status and body -> one of our errors.

An answer with a refusal was given before any work (`usage` is empty), but for a gateway that gave up waiting: then nobody
knows.  D-ID's own words are shown without addresses: they may be signed.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from reelqueue.errors import (
    AuthenticationFailed,
    ContentRefused,
    PermanentError,
    RateLimited,
    ReelqueueError,
    ServiceMisconfigured,
    ServiceUnavailable,
)
from reelqueue.wording import Text

NAME = "D-ID"
LONGEST_PAUSE_S = 3_600.0
_ADDRESS = re.compile(r"\b[a-z][a-z0-9+.-]*://\S+", re.IGNORECASE)
_AGAIN = Text("會自動重試", "it is tried again by itself")
_KEY_HINT = Text(
    "檢查 DID_API_KEY：到 D-ID Studio 的 API 頁面複製完整的金鑰（「帳號:密碼」的形式）",
    "check DID_API_KEY: copy the whole key (of the form name:secret) from the API page of D-ID's studio",
)
_CREDITS_HINT = Text(
    "到 D-ID Studio 購買點數後用 reelqueue retry 再試；或設定 PRESENTER_PROVIDER=local 使用繪製的主持人",
    "buy credits in D-ID's studio, then reelqueue retry; or set PRESENTER_PROVIDER=local for the drawn presenter",
)
_CONTENT_HINT = Text("換一張照片（DID_SOURCE_URL）或修改文字", "give another photograph (DID_SOURCE_URL) or change the text")
_PROXY_HINT = Text(
    "檢查 DID_BASE_URL 與這台機器的代理伺服器設定：可能需要登入網路",
    "check DID_BASE_URL and this machine's proxy: the network may want a sign-in",
)
_ADDRESS_HINT = Text("檢查 DID_BASE_URL 與代理伺服器", "check DID_BASE_URL and the proxy")
_SOURCE_HINT = Text(
    "檢查 DID_SOURCE_URL：要是任何人都能下載的 .jpg 或 .png 照片，臉要清楚",
    "check DID_SOURCE_URL: a .jpg or .png photograph with a clear face that anybody can download",
)


def refused(status: int, body: bytes, headers: Mapping[str, str]) -> ReelqueueError:
    """The error of an answer that is no success."""
    error = _meant(status, said(body), headers)
    error.usage = None if status == 504 else ()
    return error


_REFUSALS: dict[int, tuple[type[PermanentError], Text, Text]] = {
    401: (AuthenticationFailed, Text("拒絕了金鑰", "refused the key"), _KEY_HINT),
    402: (PermanentError, Text("的點數用完了", "has no credits left"), _CREDITS_HINT),
    403: (AuthenticationFailed, Text("拒絕了金鑰", "refused the key"), _KEY_HINT),
    451: (ContentRefused, Text("不願製作這段主持人影片", "will not make this presenter's clip"), _CONTENT_HINT),
}


def _meant(status: int, words: str, headers: Mapping[str, str]) -> ReelqueueError:
    why = f"{status} {words}".strip()
    if status == 429:
        return RateLimited(NAME, _pause(headers))
    if status == 408 or status >= 500:
        return ServiceUnavailable(Text(f"{NAME} 暫時無法使用（{why}）", f"{NAME} is not available ({why})"), _AGAIN)
    kind, what, hint = _REFUSALS.get(status, (PermanentError, Text("不接受請求", "does not take the request"), _SOURCE_HINT))
    if 300 <= status < 400 or (status == 403 and "Missing Authentication Token" in words):  # the gateway's 404
        kind, what, hint = ServiceMisconfigured, Text("的位址不對", "is not at this address"), _ADDRESS_HINT
    return kind(Text(f"{NAME} {what.zh}（{why}）", f"{NAME} {what.en} ({why})"), hint)


def is_page(body: bytes, headers: Mapping[str, str]) -> bool:
    """Whether it is HTML, which D-ID does not write but proxies do."""
    return "html" in headers.get("Content-Type", "").lower() or body.lstrip()[:9].lower().startswith((b"<!doctype", b"<html"))


def by_a_proxy(status: int) -> ReelqueueError:
    """The error of a web page in place of an answer: it says nothing about what was asked."""
    what = Text(
        f"收到的是網頁（{status}），不是 {NAME} 的回應：中間可能有代理伺服器",
        f"a web page ({status}) came instead of {NAME}'s answer: there may be a proxy on the way",
    )
    passing = status < 300 or status in {408, 429} or status >= 500
    error = ServiceUnavailable(what, _PROXY_HINT) if passing else ServiceMisconfigured(what, _PROXY_HINT)
    error.usage = None if passing else ()
    return error


def gone(job_id: str) -> PermanentError:
    """The error of a job that D-ID does not know any more."""
    return PermanentError(
        Text(f"{NAME} 已經沒有這段主持人影片（{job_id}）", f"{NAME} has this presenter's clip no more ({job_id})"),
        Text("用 reelqueue retry 重新製作", "reelqueue retry makes it anew"),
    )


def failed(status: str, words: str) -> PermanentError:
    """The error of a job that ended as "error" or "rejected"."""
    more = f": {words}" if words else ""
    kind = ContentRefused if status == "rejected" else PermanentError
    return kind(
        Text(f"{NAME} 沒有做出主持人影片（{status}{more}）", f"{NAME} made no presenter's clip ({status}{more})"), _SOURCE_HINT
    )


def unavailable(what: Text) -> ServiceUnavailable:
    """The error of no answer, or of one that makes no sense."""
    return ServiceUnavailable(Text(f"{NAME} {what.zh}", f"{NAME} {what.en}"), _AGAIN)


def said(body: bytes | Mapping[str, Any]) -> str:
    """D-ID's own words: at most 200 characters, without addresses; "" where there are none that we know."""
    if isinstance(body, bytes):
        try:
            body = json.loads(body)
        except ValueError:
            return ""
    if not isinstance(body, Mapping):
        return ""
    parts = [body.get("kind"), body.get("description") or body.get("message") or body.get("Message")]
    words = " ".join(part for part in parts if isinstance(part, str))
    return _ADDRESS.sub("…", " ".join(words.split()))[:200]


def _pause(headers: Mapping[str, str]) -> float | None:
    """`Retry-After` in seconds; None where it is missing, or a date."""
    try:
        return min(LONGEST_PAUSE_S, max(0.0, float(headers.get("Retry-After", ""))))
    except ValueError:
        return None

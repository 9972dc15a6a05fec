"""What Gemini's refusals mean to us: an exception of the library or of the transport -> one of our errors.

An answer that refuses was given before any work: its `usage` is empty.  Where an answer was lost, or somebody else answered,
nobody knows whether the call was paid.  Gemini's own words are shown without addresses, and never the key.
"""

import json

from reelqueue import clock
from reelqueue.errors import (
    AuthenticationFailed,
    PermanentError,
    QuotaExhausted,
    RateLimited,
    ReelqueueError,
    ServiceMisconfigured,
    ServiceUnavailable,
    TransientError,
)
from reelqueue.providers.gemini.model import NAME, Model
from reelqueue.providers.gemini.refusal import Refusal, without_addresses
from reelqueue.wording import Text
from storage.ledger import pacific_midnight_after

_KEY_REASONS = frozenset({"API_KEY_INVALID", "API_KEY_EXPIRED"})
_GATEWAY = frozenset({502, 504})
"""Somebody between us and the work gave up waiting: it may be done, and billed."""
AGAIN = Text("會自動重試", "it is tried again by itself")
_KEY_HINT = Text(
    "檢查 GEMINI_API_KEY：到 Google AI Studio 的 API keys 頁面確認金鑰有效、沒有限制用途，再複製一次",
    "check GEMINI_API_KEY: see on the API keys page of Google AI Studio that it is valid and not restricted, and copy it again",
)
_PROXY_HINT = Text(
    "檢查 GEMINI_BASE_URL 與這台機器的代理伺服器（HTTPS_PROXY）設定：可能需要登入網路",
    "check GEMINI_BASE_URL and this machine's proxy (HTTPS_PROXY): the network may want a sign-in",
)


def translate(error: Exception, model: Model, *, timeout_s: float, secret: str) -> ReelqueueError:
    """The error of ours for one that the library or the transport raised; `secret` is blotted out of its words."""
    from google.genai import errors  # noqa: PLC0415 - loaded already: one of its calls failed
    from httpx2 import ConnectError, ConnectTimeout, PoolTimeout, ProxyError, TimeoutException, UnsupportedProtocol  # noqa: PLC0415

    if isinstance(error, errors.APIError):
        return refused(Refusal(error, secret), model)
    if isinstance(error, ConnectError | ConnectTimeout | PoolTimeout | ProxyError | UnsupportedProtocol):
        return _unbilled(
            ServiceUnavailable(
                Text(f"連不上 {NAME}", f"{NAME} can't be reached"),
                Text(
                    "會自動重試；若一再發生，請檢查網路、代理伺服器與 GEMINI_BASE_URL",
                    "it is tried again by itself; if it stays so, check the network, the proxy and GEMINI_BASE_URL",
                ),
            )
        )
    if isinstance(error, TimeoutError | TimeoutException):
        return ServiceUnavailable(
            Text(f"{NAME} 在 {timeout_s:g} 秒內沒有回應", f"{NAME} gave no answer within {timeout_s:g} s"), AGAIN
        )
    return ServiceUnavailable(
        Text(f"與 {NAME} 的連線中斷，沒有收到完整回應", f"the connection to {NAME} broke: no whole answer"), AGAIN
    )


def misread(error: Exception) -> ReelqueueError:
    """The error of a success that is none of Gemini's answers: a page of a proxy on the way, half a JSON text, another form."""
    if isinstance(error, json.JSONDecodeError) and error.doc.lstrip().startswith("<"):
        return ServiceUnavailable(_page(200), _PROXY_HINT)
    return ServiceUnavailable(Text(f"{NAME} 的回應不完整或看不懂", f"{NAME}'s answer is cut, or makes no sense"), AGAIN)


def unusable_key() -> ReelqueueError:
    """The error of a key that can't be sent."""
    return _unbilled(
        AuthenticationFailed(
            Text("GEMINI_API_KEY 是空的，或含有金鑰不會有的字元", "GEMINI_API_KEY is empty, or has characters that no key has"),
            _KEY_HINT,
        )
    )


def not_set_up(error: Exception) -> ReelqueueError:
    """The error of a connection that can't even be prepared: the environment names something that is not there."""
    why = without_addresses(str(error))
    return _unbilled(
        ServiceMisconfigured(
            Text(f"無法準備與 {NAME} 的連線：{why}", f"a connection to {NAME} can't be set up: {why}"),
            Text(
                "檢查環境變數 HTTPS_PROXY、HTTP_PROXY、ALL_PROXY、SSL_CERT_FILE 與 GOOGLE_GENAI_HTTP_CLIENT",
                "check HTTPS_PROXY, HTTP_PROXY, ALL_PROXY, SSL_CERT_FILE and GOOGLE_GENAI_HTTP_CLIENT in the environment",
            ),
        )
    )


def refused(refusal: Refusal, model: Model) -> ReelqueueError:
    """The error of an answer that refuses."""
    error = _meant(refusal, model)
    unknown = refusal.code in _GATEWAY or (refusal.is_page and refusal.code >= 500)
    error.usage = None if unknown else ()
    return error


def _meant(refusal: Refusal, model: Model) -> ReelqueueError:
    if refusal.code == 429:
        return _throttled(refusal, model)
    if refusal.code == 408 or refusal.code >= 500:
        return _down(refusal)
    if refusal.is_page or refusal.code < 400:
        return ServiceMisconfigured(_page(refusal.code), _PROXY_HINT)
    return _denied(refusal) or _wrong(refusal, model)


def _denied(refusal: Refusal) -> ReelqueueError | None:
    """The error where it is the key, or what it may do."""
    why = refusal.why
    if "SERVICE_DISABLED" in refusal.reasons:
        return ServiceMisconfigured(
            Text(
                f"金鑰的 Google Cloud 專案沒有啟用 Gemini API（{why}）",
                f"the key's Google Cloud project has not switched the Gemini API on ({why})",
            ),
            Text("在該專案啟用 Generative Language API", "switch the Generative Language API on in that project"),
        )
    if refusal.code in {401, 403} or refusal.reasons & _KEY_REASONS or "api key" in refusal.words.lower():
        return AuthenticationFailed(Text(f"{NAME} 拒絕了金鑰（{why}）", f"{NAME} refused the key ({why})"), _KEY_HINT)
    return None


def _wrong(refusal: Refusal, model: Model) -> ReelqueueError:
    """The error where it is what was asked, or of whom."""
    why = refusal.why
    if refusal.code == 404:
        return ServiceMisconfigured(
            Text(
                f"{NAME} 沒有模型 {model.name}，可能已停用（{why}）",
                f"{NAME} has no model {model.name}, it may be retired ({why})",
            ),
            Text(f"把 {model.setting} 改成目前提供的模型", f"set {model.setting} to a model that is served now"),
        )
    if refusal.status == "FAILED_PRECONDITION":
        return ServiceMisconfigured(
            Text(f"{NAME} 不為這個帳號或地區服務（{why}）", f"{NAME} does not serve this account or region ({why})"),
            Text("檢查該地區是否支援，以及專案是否已啟用計費", "see whether the region is served and the project has billing on"),
        )
    return PermanentError(
        Text(f"{NAME} 不接受這個請求（{why}）", f"{NAME} does not take this request ({why})"),
        Text(f"檢查 {model.setting}（{model.name}）是否支援這項工作", f"see whether {model.setting} ({model.name}) can do this"),
    )


def _throttled(refusal: Refusal, model: Model) -> ReelqueueError:
    if refusal.has_no_quota:
        return ServiceMisconfigured(
            Text(
                f"這把金鑰的方案沒有模型 {model.name} 的配額（{refusal.why}）",
                f"the key's plan has no quota for the model {model.name} ({refusal.why})",
            ),
            Text(
                f"在 Google AI Studio 啟用計費，或把 {model.setting} 改成方案內的模型",
                f"switch billing on in Google AI Studio, or set {model.setting} to a model of the plan",
            ),
        )
    if refusal.is_spent:
        return QuotaExhausted(
            Text(
                f"{NAME} 的預付額度或每月花費上限已用完（{refusal.why}）",
                f"{NAME}'s credit or monthly spending cap is used up ({refusal.why})",
            ),
            Text(
                "在 Google AI Studio 儲值或調高花費上限，再執行 reelqueue retry",
                "add credit or raise the spending cap in Google AI Studio, then reelqueue retry",
            ),
        )
    if any("perday" in quota.lower() for quota in refusal.quotas):
        return QuotaExhausted(
            Text(f"{NAME} 模型 {model.name} 今天的配額已用完", f"today's quota of {NAME}'s model {model.name} is used up"),
            Text("太平洋時間午夜重置後會自動繼續", "it goes on by itself after the reset at midnight Pacific time"),
            until=pacific_midnight_after(clock.now()),
            closes=model.bucket,
        )
    return RateLimited(NAME, refusal.pause)


def _down(refusal: Refusal) -> TransientError:
    if refusal.is_page:
        return ServiceUnavailable(_page(refusal.code), _PROXY_HINT)
    error = ServiceUnavailable(Text(f"{NAME} 目前無法服務（{refusal.why}）", f"{NAME} can't serve now ({refusal.why})"), AGAIN)
    error.retry_after = refusal.pause
    return error


def _page(code: int) -> Text:
    return Text(
        f"收到的是網頁或轉址（{code}），不是 {NAME} 的回應：中間可能有代理伺服器",
        f"a web page or a redirection ({code}) came instead of {NAME}'s answer: there may be a proxy on the way",
    )


def _unbilled(error: ReelqueueError) -> ReelqueueError:
    error.usage = ()
    return error

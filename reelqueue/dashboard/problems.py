"""What went wrong, as an answer for programs: problem+json (RFC 9457) with our `code`.  Pages for people: see the app."""

import math
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Scope

from reelqueue import clock
from reelqueue.dashboard.asked import address, language_of, path_of
from reelqueue.errors import InstallationError, InvalidBrief, Parked, ReelqueueError, StageNotReady, TransientError
from reelqueue.wording import Text, same

MEDIA = "application/problem+json"
STATUS_OF_CODE = {
    "invalid_brief": HTTPStatus.UNPROCESSABLE_ENTITY,
    "not_found": HTTPStatus.NOT_FOUND,
    "conflict": HTTPStatus.CONFLICT,
    "wrong_state": HTTPStatus.CONFLICT,
    "stage_not_ready": HTTPStatus.CONFLICT,
    "failed": HTTPStatus.CONFLICT,
    "cancelled": HTTPStatus.CONFLICT,
    "waiting": HTTPStatus.CONFLICT,
    "busy": HTTPStatus.CONFLICT,
    "fenced": HTTPStatus.CONFLICT,
    "needs_person": HTTPStatus.CONFLICT,
    "invalid_settings": HTTPStatus.SERVICE_UNAVAILABLE,
    "storage_unavailable": HTTPStatus.SERVICE_UNAVAILABLE,
    "transient": HTTPStatus.SERVICE_UNAVAILABLE,
    "rate_limited": HTTPStatus.SERVICE_UNAVAILABLE,
    "unavailable": HTTPStatus.SERVICE_UNAVAILABLE,
    "timed_out": HTTPStatus.GATEWAY_TIMEOUT,
    "quota": HTTPStatus.SERVICE_UNAVAILABLE,
    "budget": HTTPStatus.SERVICE_UNAVAILABLE,
    "disk": HTTPStatus.INSUFFICIENT_STORAGE,
    "permanent": HTTPStatus.BAD_GATEWAY,
    "authentication": HTTPStatus.BAD_GATEWAY,
    "content_refused": HTTPStatus.BAD_GATEWAY,
    "misconfigured": HTTPStatus.BAD_GATEWAY,
    "media": HTTPStatus.INTERNAL_SERVER_ERROR,
}
"""Of our errors; what a service refused us is 502: the caller did nothing wrong."""
CODE_OF_STATUS = {
    400: "bad_request",
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    408: "timed_out",
    409: "conflict",
    412: "conflict",
    413: "too_large",
    415: "unsupported_media_type",
    416: "range_not_satisfiable",
    421: "unknown_host",
    429: "rate_limited",
    431: "too_large",
    500: "internal",
    503: "unavailable",
}
"""Of what HTTP itself has a word for."""
_SENTENCES = {
    400: Text("這個請求看不懂", "the request makes no sense"),
    401: Text("要先登入，或帶上 API_TOKEN", "sign in first, or send the API_TOKEN"),
    403: Text("沒有權限這樣做", "that is not yours to do"),
    404: Text("沒有這個網址", "there is nothing at this address"),
    405: Text("這個網址不接受這個方法", "this address does not take this method"),
    413: Text("內容太大", "the body is too large"),
    415: Text("內容要是 JSON（Content-Type: application/json）", "the body has to be JSON (Content-Type: application/json)"),
    429: Text("太頻繁了，請稍後再試", "too often: try again later"),
    500: Text("這裡發生了錯誤，已寫入紀錄", "something went wrong here; it is in the log"),
}
_HINTS = {
    401: Text("Authorization: Bearer <API_TOKEN>", "Authorization: Bearer <API_TOKEN>"),
    404: Text("所有的網址都在 /api/docs", "/api/docs lists all addresses"),
    405: Text("允許的方法在 Allow 標頭", "the Allow header lists those it takes"),
}
UNSURE = (
    Text("Redis 沒有回應，不知道是否已經完成", "Redis does not answer: it is not known whether that was done"),
    Text("先看目前的狀態；Redis 恢復後可以再試一次", "look at the state first; when Redis is back it may be tried again"),
)
"""Where Redis went while something was done."""
AWAY_RETRY_S, WRITE_RETRY_S = 5, 2
"""After how long a Redis that is away, or a disk that did not answer, is worth another try; chosen."""


class Refused(ReelqueueError):
    """What HTTP itself has a word for: `status`, and headers that go with it."""

    def __init__(
        self, status: int, message: Text | None = None, hint: Text | None = None, *, headers: Mapping[str, str] | None = None
    ) -> None:
        self.status = HTTPStatus(status)
        self.headers = dict(headers or {})
        phrase = self.status.phrase
        super().__init__(message or _SENTENCES.get(status, same(phrase)), hint or _HINTS.get(status, same("")))


class SeveralInvalid(InvalidBrief):
    """Several fields are wrong: told as the first one, with `all` of them beside it."""

    def __init__(self, found: Sequence[InvalidBrief]) -> None:
        first = found[0]
        self.all = tuple(found)
        self.field, self.allowed, self.given = first.field, first.allowed, first.given
        ReelqueueError.__init__(self, first.text, first.hint_text)


def is_api(scope: Scope) -> bool:
    """Whether a program asks: its errors are problems, not pages."""
    return f"{path_of(scope)}/".startswith("/api/")


def answer(request: Request, error: Exception) -> Response:
    """Any error, as a program is told of it; one that is none of ours is told as such, and nothing of it."""
    if isinstance(error, ReelqueueError):
        return problem(request, error)
    if isinstance(error, HTTPException):
        return problem(request, Refused(error.status_code, headers=error.headers))
    return problem(request, Refused(HTTPStatus.INTERNAL_SERVER_ERROR))


def refusal(
    request: Request,
    status: int,
    message: Text | None = None,
    hint: Text | None = None,
    *,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """A status of HTTP, as a program is told of it."""
    return problem(request, Refused(status, message, hint, headers=headers))


def problem(request: Request, error: ReelqueueError, **more: Any) -> Response:
    """An error of ours; `more` are members beside the usual ones."""
    status, code = status_and_code(error)
    language = language_of(request)
    body = {
        "type": f"{address(request, '/api/docs')}#problem-{code}",
        "title": status.phrase,
        "status": int(status),
        "code": code,
        "detail": error.text.in_language(language),
        "hint": error.hint_text.in_language(language),
        "retryable": error.retryable or status in {HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS},
        **_facts(error, language),
    }
    headers = dict(error.headers) if isinstance(error, Refused) else {}
    wait = _retry_after(error, status)
    if wait is not None:
        headers.setdefault("Retry-After", str(wait))
    return JSONResponse(body | more, status_code=status, headers=headers, media_type=MEDIA)


def status_and_code(error: ReelqueueError) -> tuple[HTTPStatus, str]:
    """How an error is told over HTTP."""
    if isinstance(error, Refused):
        return error.status, CODE_OF_STATUS.get(error.status, "bad_request" if error.status < 500 else "internal")
    return STATUS_OF_CODE.get(error.code, HTTPStatus.INTERNAL_SERVER_ERROR), error.code


def _facts(error: ReelqueueError, language: str) -> dict[str, Any]:
    """What an error knows beside its sentence."""
    if isinstance(error, InvalidBrief) and hasattr(error, "field"):  # a copy from the wire knows its sentence alone
        told = {"field": error.field, "allowed": error.allowed.in_language(language), "given": error.given}
        several = error.all if isinstance(error, SeveralInvalid) else ()
        return told | (
            {"errors": [{"field": one.field, "detail": one.text.in_language(language)} for one in several]} if several else {}
        )
    if isinstance(error, Parked):
        return {"until": error.until.isoformat() if error.until is not None else None}
    if isinstance(error, StageNotReady):
        return {"needs": error.needs}
    return {}


def _retry_after(error: ReelqueueError, status: HTTPStatus) -> int | None:
    """Seconds, as the header has them; None where there is nothing to wait for."""
    if isinstance(error, Parked):
        left = (error.until - clock.now()).total_seconds() if error.until is not None else None
        return max(1, math.ceil(left)) if left is not None else None
    if isinstance(error, TransientError):
        return max(1, math.ceil(error.retry_after)) if error.retry_after is not None else WRITE_RETRY_S
    return AWAY_RETRY_S if isinstance(error, InstallationError) and status is HTTPStatus.SERVICE_UNAVAILABLE else None

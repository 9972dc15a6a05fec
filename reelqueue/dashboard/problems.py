"""What went wrong, as an answer: a page for people, problem+json (RFC 9457) with our `code` for programs."""

from http import HTTPStatus
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from reelqueue.dashboard.asked import language_of
from reelqueue.errors import ReelqueueError

STATUS_OF_CODE = {
    "invalid_brief": HTTPStatus.UNPROCESSABLE_ENTITY,
    "not_found": HTTPStatus.NOT_FOUND,
    "conflict": HTTPStatus.CONFLICT,
    "wrong_state": HTTPStatus.CONFLICT,
    "stage_not_ready": HTTPStatus.CONFLICT,
    "busy": HTTPStatus.CONFLICT,
    "invalid_settings": HTTPStatus.SERVICE_UNAVAILABLE,
    "storage_unavailable": HTTPStatus.SERVICE_UNAVAILABLE,
    "disk": HTTPStatus.INSUFFICIENT_STORAGE,
    "needs_person": HTTPStatus.CONFLICT,
}


def problem(request: Request, error: ReelqueueError, **more: Any) -> Response:
    """The answer for a program."""
    status = STATUS_OF_CODE.get(error.code, HTTPStatus.INTERNAL_SERVER_ERROR)
    language = language_of(request)
    body = {
        "type": f"about:blank#{error.code}",
        "title": status.phrase,
        "status": int(status),
        "code": error.code,
        "detail": error.text.in_language(language),
        "hint": error.hint_text.in_language(language),
    }
    return JSONResponse(body | more, status_code=status, media_type="application/problem+json")

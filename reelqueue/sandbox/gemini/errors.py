"""Errors as Gemini writes them: `{"error": {code, message, status, details}}`, the details as google.rpc types."""

from typing import Any, Literal

from aiohttp import web

from reelqueue.sandbox.faults import Order

Quota = Literal["day", "minute", "plain"]

STATUSES = {
    400: ("INVALID_ARGUMENT", "Request contains an invalid argument."),
    401: ("UNAUTHENTICATED", "Request had invalid authentication credentials."),
    403: ("PERMISSION_DENIED", "The caller does not have permission."),
    404: ("NOT_FOUND", "Requested entity was not found."),
    408: ("DEADLINE_EXCEEDED", "Request timed out."),
    429: ("RESOURCE_EXHAUSTED", "Resource has been exhausted (e.g. check quota)."),
    500: ("INTERNAL", "An internal error has occurred. Please retry or report the problem."),
    502: ("UNAVAILABLE", "Bad gateway."),
    503: ("UNAVAILABLE", "The model is overloaded. Please try again later."),
    504: ("DEADLINE_EXCEEDED", "Deadline expired before operation could complete."),
}
"""The canonical status and a message for each code."""

_TYPE = "type.googleapis.com/google.rpc."
_SERVICE = "generativelanguage.googleapis.com"
_PER = {"day": "PerDay", "minute": "PerMinute"}


def error(
    code: int, message: str | None = None, *, status: str | None = None, details: list[dict[str, Any]] | None = None
) -> web.Response:
    """An error answer; message and status are the usual ones of the code where they are not given."""
    usual_status, usual_message = STATUSES.get(code, ("UNKNOWN", "Unknown error."))
    body: dict[str, Any] = {"code": code, "message": message or usual_message, "status": status or usual_status}
    if details:
        body["details"] = details
    return web.json_response({"error": body}, status=code)


def error_info(reason: str) -> dict[str, Any]:
    """The machine's reason for a refusal: "API_KEY_INVALID", "SERVICE_DISABLED"."""
    return {"@type": f"{_TYPE}ErrorInfo", "reason": reason, "domain": "googleapis.com", "metadata": {"service": _SERVICE}}


def retry_info(seconds: float) -> dict[str, Any]:
    """After how long another try makes sense, as a duration in text: "17s"."""
    return {"@type": f"{_TYPE}RetryInfo", "retryDelay": f"{seconds:g}s"}


def bad_key() -> web.Response:
    """A key that is not known: 400, not 401."""
    return error(400, "API key not valid. Please pass a valid API key.", details=[error_info("API_KEY_INVALID")])


def no_key() -> web.Response:
    """A request without a key."""
    return error(403, "Method doesn't allow unregistered callers. Please use an API key or another form of identity.")


def quota(kind: Quota, model: str, limit: int, retry_s: float | None) -> web.Response:
    """429: by the day, by the minute, or with no details at all, as the service sometimes sends it."""
    if kind == "plain":
        return error(429)
    name = f"GenerateRequests{_PER[kind]}PerProjectPerModel"
    violation = {
        "quotaMetric": f"{_SERVICE}/generate_requests_per_model{'_per_day' if kind == 'day' else ''}",
        "quotaId": name,
        "quotaDimensions": {"location": "global", "model": model},
        "quotaValue": str(limit),
    }
    details: list[dict[str, Any]] = [
        {"@type": f"{_TYPE}QuotaFailure", "violations": [violation]},
        {
            "@type": f"{_TYPE}Help",
            "links": [
                {"description": "Learn more about Gemini API quotas", "url": "https://ai.google.dev/gemini-api/docs/rate-limits"}
            ],
        },
    ]
    if retry_s is not None:
        details.append(retry_info(retry_s))
    return error(
        429,
        f"You exceeded your current quota, please check your plan and billing details. Limit: {limit}, model: {model}",
        details=details,
    )


def refusal(status: int, order: Order) -> web.StreamResponse:
    """What an order for this status says; details: message, status, reason (ErrorInfo), quota ("day", "minute"), retry_delay (s).

    `retry_after` also goes into RetryInfo; `retry_delay` goes there alone, without a header, as the service does.
    """
    wanted = order.details
    pause = wanted.get("retry_delay", wanted.get("retry_after"))
    if wanted.get("reason") == "API_KEY_INVALID":
        return bad_key()
    if "quota" in wanted:
        return quota(wanted["quota"], str(wanted.get("model", "gemini-3.8-flash")), int(wanted.get("limit", 250)), pause)
    details = [error_info(str(wanted["reason"]))] if "reason" in wanted else []
    details += [retry_info(float(pause))] if pause is not None else []
    return error(status, wanted.get("message"), status=wanted.get("status"), details=details)

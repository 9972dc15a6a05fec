"""Errors as Google's APIs write them, with the words that the real ones use for their reasons."""

from typing import Any

from aiohttp import web

from reelqueue.sandbox.faults import Order

STATUS_NAMES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ALREADY_EXISTS",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    501: "UNIMPLEMENTED",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}


def error(
    status: int, message: str, *, reason: str, domain: str = "global", name: str | None = None, **more: Any
) -> web.Response:
    """`{"error": {code, message, errors: [{domain, reason, message, ...more}], status?}}`; `name` is `status`."""
    body: dict[str, Any] = {"code": status, "message": message}
    body["errors"] = [{"message": message, "domain": domain, "reason": reason} | more]
    if name is not None:
        body["status"] = name
    return web.json_response({"error": body}, status=status)


def simple(status: int, message: str, *, name: str | None = None, details: list[Any] | None = None) -> web.Response:
    """`{"error": {code, message, status, details?}}`: the newer APIs' form, without reasons."""
    body: dict[str, Any] = {"code": status, "message": message, "status": name or STATUS_NAMES.get(status, "UNKNOWN")}
    if details:
        body["details"] = details
    return web.json_response({"error": body}, status=status)


def simple_refusal(status: int, order: Order) -> web.Response:
    """The newer form of what an order asks for: `message`, `status`, `details`."""
    asked = order.details
    return simple(
        status, asked.get("message", f"Ordered refusal {status}"), name=asked.get("status"), details=asked.get("details")
    )

"""Errors as D-ID writes them: `{kind, description, details}`, and those of the gateway and the storage before it."""

from typing import Any

from aiohttp import web

from reelqueue.sandbox.faults import Order

KINDS = {
    400: ("ValidationError", "validation error"),
    401: ("AuthorizationError", "user unauthenticated"),
    402: ("InsufficientCreditsError", "not enough credits"),
    403: ("PermissionError", "user has no permission to perform this action"),
    404: ("NotFoundError", "resource not found"),
    429: ("TooManyRequestsError", "too many requests"),
    451: ("ModerationError", "the content was refused by moderation"),
    500: ("InternalServerError", "internal server error"),
}
"""A kind and a description for each status; those of the gateway have a message alone."""


def error(
    status: int, description: str | None = None, *, kind: str | None = None, details: dict[str, Any] | None = None
) -> web.Response:
    """An error answer."""
    if status in {502, 503, 504} and kind is None:
        return web.json_response(
            {"message": description or ("Endpoint request timed out" if status == 504 else "Service Unavailable")}, status=status
        )
    usual_kind, usual = KINDS.get(status, ("UnknownError", "unknown error"))
    body: dict[str, Any] = {"kind": kind or usual_kind, "description": description or usual}
    return web.json_response(body | ({"details": details} if details else {}), status=status)


def invalid(field: str, problem: str) -> web.Response:
    """400: one field of the request is not as it must be."""
    return error(400, details={field: {"message": problem}})


def denied(code: str, message: str, status: int = 403) -> web.Response:
    """A refusal of the storage behind a result's address: XML."""
    body = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code><Message>{message}</Message></Error>'
    return web.Response(status=status, text=body, content_type="application/xml")


def refusal(status: int, order: Order) -> web.StreamResponse:
    """What an order for this status says; details: kind (as `reason`), message, details."""
    return error(status, order.details.get("message"), kind=order.details.get("reason"), details=order.details.get("details"))

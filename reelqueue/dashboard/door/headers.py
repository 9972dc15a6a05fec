"""What every answer tells a browser: take nothing from elsewhere, be shown nowhere else, guess no types."""

from starlette.datastructures import MutableHeaders
from starlette.types import Message, Scope

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; media-src 'self'; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
ALWAYS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
YEAR_SECONDS = 31_536_000


def secure(message: Message, scope: Scope, *, private: bool) -> None:
    """Add them to the start of an answer, where it has no own; `private`: who signed out must not see it in the browser's memory."""
    headers = MutableHeaders(scope=message)
    for name, value in ALWAYS.items():
        headers.setdefault(name, value)
    headers.setdefault("Cache-Control", "no-store" if private else "no-cache")
    if scope.get("scheme") == "https":
        headers.setdefault("Strict-Transport-Security", f"max-age={YEAR_SECONDS}")

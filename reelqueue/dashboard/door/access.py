"""Who may do what: roles, and how a request shows its own."""

import hmac
from enum import StrEnum

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Scope

from reelqueue.bootstrap import Settings
from reelqueue.dashboard.asked import prefix_of, seal_of

SESSION, SESSION_SECONDS = "reelqueue_session", 14 * 86_400
"""The cookie of who signed in, and how long it holds: two weeks, chosen; a changed password ends it at once."""
TOKEN_PREFIX = "bearer "  # noqa: S105 - the scheme's name, no token


class Role(StrEnum):
    """What somebody may do: look, or look and act."""

    VIEWER = "viewer"
    OPERATOR = "operator"


def role_of(request: Request) -> Role:
    """Whose request it is, as the gate found."""
    return Role(request.state.role)


def passwords_of(settings: Settings) -> tuple[str, str]:
    """The operator's and the viewer's; "" stands for none."""
    operator, viewer = settings.dashboard_password, settings.dashboard_viewer_password
    return (operator.get_secret_value() if operator else "", viewer.get_secret_value() if viewer else "")


def role_by_password(given: str, settings: Settings) -> Role | None:
    """Whose password it is; both are compared whole, so that the time tells nothing."""
    operator, viewer = (known != "" and _same(given, known) for known in passwords_of(settings))
    return Role.OPERATOR if operator else Role.VIEWER if viewer else None


def has_token(request: Request, settings: Settings) -> bool:
    """Whether a program shows the API's token."""
    given = request.headers.get("authorization", "")
    if settings.api_token is None or not given.lower().startswith(TOKEN_PREFIX):
        return False
    return _same(given[len(TOKEN_PREFIX) :].strip(), settings.api_token.get_secret_value())


def role_by_session(request: Request) -> Role | None:
    """Who signed in with this browser."""
    found = seal_of(request).take(SESSION, request.cookies.get(SESSION), SESSION_SECONDS)
    return Role(found) if found in {Role.OPERATOR, Role.VIEWER} else None


def sign_in(request: Request, answer: Response, role: Role) -> None:
    """Let a browser be known by its next requests."""
    answer.set_cookie(
        SESSION,
        seal_of(request).put(SESSION, role.value),
        max_age=SESSION_SECONDS,
        path=cookie_path(request.scope),
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="lax",
    )


def sign_out(request: Request, answer: Response) -> None:
    """Forget who it was."""
    answer.delete_cookie(SESSION, path=cookie_path(request.scope))


def cookie_path(scope: Scope) -> str:
    """Where our cookies hold: below what we are mounted under, nowhere else of the host."""
    return prefix_of(scope) or "/"


def _same(given: str, known: str) -> bool:
    return hmac.compare_digest(given.encode(), known.encode())

"""Who may do what: roles, and how a request shows its own."""

from enum import StrEnum

from starlette.requests import Request

from reelqueue.settings import Settings


class Role(StrEnum):
    """What somebody may do: look, or look and act."""

    VIEWER = "viewer"
    OPERATOR = "operator"


def role_of(request: Request) -> Role:
    """Whose request it is, as the gate found."""
    return Role(request.state.role)


def passwords_of(settings: Settings) -> tuple[str, ...]:
    """Those that are set, the operator's first; "" stands for none."""
    both = (settings.dashboard_password, settings.dashboard_viewer_password)
    return tuple("" if one is None else one.get_secret_value() for one in both)

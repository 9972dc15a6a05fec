"""Who may do what: roles, and how a request shows its own."""

from enum import StrEnum

from starlette.requests import Request


class Role(StrEnum):
    """What somebody may do: look, or look and act."""

    VIEWER = "viewer"
    OPERATOR = "operator"


def role_of(request: Request) -> Role:
    """Whose request it is, as the gate found."""
    return Role(request.state.role)

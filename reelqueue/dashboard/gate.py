"""What each request passes first: its host, its origin, who asks, in which language."""

import secrets

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from reelqueue.bootstrap import Settings
from reelqueue.dashboard.access import Role
from reelqueue.wording import speaking


class Gate:
    """ASGI middleware around everything."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app, self._settings = app, settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        state = scope.setdefault("state", {})
        request = Request(scope)
        state["seed"] = request.cookies.get("reelqueue_seed") or secrets.token_urlsafe(18)
        state["around"] = await scope["app"].state.surroundings.now()
        state["prefix"] = str(scope.get("root_path", "")).rstrip("/")
        state["role"], state["language"] = Role.OPERATOR, self._settings.language
        with speaking(state["language"]):
            await self._app(scope, receive, send)

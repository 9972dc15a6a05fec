"""What a stream's reader is sent without a turn of its own: bytes straight into its connection.

Through `send` an event costs each reader a task's turn, two timers and h11's state: 42 us, and a thousand readers wait in one row.  Our
own server offers `write` beside `send`, as an extension of the scope; under another one streams go through `send` alone.
"""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

from starlette.types import Receive, Scope, Send
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle
from uvicorn.server import ServerState

EXTENSION = "reelqueue.write"

Write = Callable[[bytes], bool]
"""Sends a part of a body that was begun, now.  Says False, and sends nothing, where that has to go through `send`: nothing was begun, it is
over, or the reader takes less than it is given."""


def writer_of(scope: Scope) -> Write | None:
    """The request's; None under a server that offers none."""
    write: Write | None = scope.get("extensions", {}).get(EXTENSION)
    return write


class Direct(H11Protocol):
    """A connection of our server."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._answer = self.app
        self.app = self._with_write

    async def _with_write(self, scope: Scope, receive: Receive, send: Send) -> None:
        if (
            scope["type"] == "http" and scope["http_version"] == "1.1" and scope["method"] == "GET"
        ):  # else its body is not in chunks
            scope["extensions"] = {**scope.get("extensions", {}), EXTENSION: partial(self._write, self.cycle)}
        await self._answer(scope, receive, send)

    def _write(self, cycle: RequestResponseCycle, body: bytes) -> bool:
        is_open = cycle.response_started and not (cycle.response_complete or cycle.disconnected or self.transport.is_closing())
        if not is_open or self.flow.write_paused or not body:  # an empty chunk would be the last
            return False
        self.transport.write(b"%x\r\n%b\r\n" % (len(body), body))
        return True

"""Server-sent events as an answer that goes on: see `lines` for how one is written."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator

import structlog
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from reelqueue.dashboard.board import Board
from reelqueue.dashboard.problems import Refused
from reelqueue.wording import Text

MOST_READERS = 5_000
"""Streams of one process.  Chosen: five times what was measured."""
SEND_SECONDS = 30.0
"""Who takes nothing for so long is gone, or as good as gone."""
RETRY_MS = 1_000
"""After how long a browser whose stream broke comes back."""
HEADERS = {
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-store, no-transform",
    "x-accel-buffering": "no",  # nginx would keep a stream back until it is large enough
}

log = structlog.get_logger(__name__)


def check_room(board: Board) -> None:
    """Whether one more may read.  Raises Refused: too many do."""
    if board.hub.size >= MOST_READERS:
        raise Refused(
            503,
            Text(f"同時最多 {MOST_READERS} 個讀者", f"at most {MOST_READERS} may listen at once"),
            headers={"Retry-After": "10"},
        )


class EventStream(Response):
    """Sends lines as they come; ends with them, or when the reader goes or takes nothing any more."""

    def __init__(self, lines: AsyncGenerator[bytes]) -> None:
        super().__init__(headers=HEADERS)
        del self.headers["content-length"]
        self._lines = lines

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One reader, from its first line to its last."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        if scope["method"] == "HEAD":
            await self._lines.aclose()
            await send({"type": "http.response.body", "body": b""})
            return
        gone = asyncio.create_task(_gone(receive))
        sending = asyncio.create_task(self._send(send))
        try:
            await asyncio.wait({gone, sending}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (gone, sending):
                task.cancel()
            await asyncio.wait({gone, sending})
        if not sending.cancelled() and (error := sending.exception()) is not None:
            raise error

    async def _send(self, send: Send) -> None:
        await _part(send, f"retry: {RETRY_MS}\n\n".encode())
        try:
            async with contextlib.aclosing(self._lines):
                async for line in self._lines:
                    await _part(send, line)
        except TimeoutError:
            log.info("reader_is_gone", after_s=SEND_SECONDS)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(SEND_SECONDS):
                await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _part(send: Send, line: bytes) -> None:
    async with asyncio.timeout(SEND_SECONDS):
        await send({"type": "http.response.body", "body": line, "more_body": True})


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass

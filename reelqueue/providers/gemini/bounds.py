"""How large an answer may be: one that has no end, or grows a thousandfold when it is unpacked, must not take a worker along.

A hook of the client and no transport of ours: httpx2 reads the environment's proxies only where the transport is its own.
"""

from collections.abc import AsyncIterator

import httpx2

MOST_ANSWER_BYTES = 64 << 20
"""Two pictures of 2K, or five minutes of sound, written as base64, are a third of it."""
PLAIN = {"Accept-Encoding": "identity"}
"""What is asked for: pictures and sound can't be packed any more, and what is not packed is no larger than it came."""


async def bounded(response: httpx2.Response) -> None:
    """Let no more be read of an answer than it may have.

    Raises:
        httpx2.RemoteProtocolError: it is packed all the same.
    """
    packed = response.headers.get("content-encoding", "identity").lower()
    if packed != "identity":
        raise httpx2.RemoteProtocolError(f"packed by {packed}")
    if isinstance(response.stream, httpx2.AsyncByteStream):
        response.stream = _Bounded(response.stream)


class _Bounded(httpx2.AsyncByteStream):
    """A stream that breaks where it gets too long."""

    def __init__(self, whole: httpx2.AsyncByteStream) -> None:
        self._whole = whole

    async def __aiter__(self) -> AsyncIterator[bytes]:
        got = 0
        async for piece in self._whole:
            got += len(piece)
            if got > MOST_ANSWER_BYTES:
                raise httpx2.RemoteProtocolError("answer too long")
            yield piece

    async def aclose(self) -> None:
        await self._whole.aclose()

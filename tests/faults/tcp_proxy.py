"""A TCP proxy in the test's process: it passes, delays, swallows or resets what flows between a worker and its server."""

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator

RESET_AT_CLOSE = struct.pack("ii", 1, 0)
"""SO_LINGER of 0 s: the peer sees RST, not FIN."""


class Link:
    """One connection through the proxy, both ways."""

    def __init__(self, proxy: "TcpProxy", client: asyncio.StreamWriter) -> None:
        self.proxy = proxy
        self.client = client
        self.has_lost = False
        self.is_deaf = False

    async def carry(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        """Carry bytes one way until either end closes."""
        while data := await source.read(65_536):
            if self.proxy.delay_s:
                await asyncio.sleep(self.proxy.delay_s)
            if self.proxy.swallows or self.is_deaf:
                self.has_lost = True
                continue
            target.write(data)
            await target.drain()

    def reset(self) -> None:
        """End it as a broken network does."""
        raw: socket.socket | None = self.client.get_extra_info("socket")
        if raw is not None:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_AT_CLOSE)
        self.client.transport.abort()


class TcpProxy:
    """Listens on a port of loopback for a server on another."""

    def __init__(self, target: int) -> None:
        self.target = target
        self.port = 0
        self.delay_s = 0.0
        self.swallows = False
        self.accepted = 0
        self.links: set[Link] = set()

    @contextlib.asynccontextmanager
    async def black_hole(self) -> AsyncIterator[None]:
        """Connections stay and new ones are accepted, but nothing comes through; afterwards those that lost bytes are reset."""
        self.swallows = True
        yield
        self.swallows = False
        for link in [link for link in self.links if link.has_lost]:
            link.reset()

    @contextlib.asynccontextmanager
    async def deaf_links(self) -> AsyncIterator[None]:
        """Nothing comes through the connections that are there; new ones work.  As where a router forgot them."""
        for link in self.links:
            link.is_deaf = True
        yield

    @contextlib.asynccontextmanager
    async def slow(self, seconds: float = 0.3) -> AsyncIterator[None]:
        """Everything comes through late."""
        self.delay_s = seconds
        yield
        self.delay_s = 0.0

    @contextlib.asynccontextmanager
    async def storm(self, every_s: float = 0.05) -> AsyncIterator[None]:
        """All connections are reset, again and again."""

        async def for_ever() -> None:
            while True:
                self.reset_all()
                await asyncio.sleep(every_s)

        raging = asyncio.create_task(for_ever())
        yield
        raging.cancel()
        await asyncio.wait({raging})

    def reset_all(self) -> None:
        """Reset every connection that is there."""
        for link in list(self.links):
            link.reset()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, from its accept to its end."""
        self.accepted += 1
        link = Link(self, writer)
        self.links.add(link)
        ends = [writer]
        try:
            while self.swallows:  # the handshake is the kernel's; what comes then is lost
                if not await reader.read(65_536):
                    return
                link.has_lost = True
            server_reader, server_writer = await asyncio.open_connection("127.0.0.1", self.target)
            ends.append(server_writer)
            ways = [
                asyncio.ensure_future(link.carry(reader, server_writer)),
                asyncio.ensure_future(link.carry(server_reader, writer)),
            ]
            try:
                await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for way in ways:
                    way.cancel()
                await asyncio.gather(*ways, return_exceptions=True)
        except OSError:
            link.reset()  # the server is away: who connects to it is refused
        finally:
            self.links.discard(link)
            for end in ends:
                end.close()
                with contextlib.suppress(OSError):
                    await end.wait_closed()


@contextlib.asynccontextmanager
async def before(target: int) -> AsyncIterator[TcpProxy]:
    """A proxy before the server on port `target`, as long as the block lasts."""
    proxy = TcpProxy(target)
    listening = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    proxy.port = listening.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        listening.close()
        proxy.reset_all()
        await listening.wait_closed()
        async with asyncio.timeout(30):
            while proxy.links:
                await asyncio.sleep(0.001)

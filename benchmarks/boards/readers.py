"""Many readers of one stream, in a process of their own: `python -m benchmarks.boards.readers HOST PORT PATH COUNT`.

Says `open SECONDS` when all of them have their first bytes.  Each line on its input asks for a report: how late the events came that
arrived since the last one, as JSON.  An event says when it was told, in nanoseconds of the machine's monotonic clock.
"""

import asyncio
import json
import sys
import time

from benchmarks.figures import quantile

MARK = b"told at "


class Reader(asyncio.Protocol):
    """One connection."""

    def __init__(self, request: bytes, late_s: list[float], opened: asyncio.Queue[None]) -> None:
        self._request, self._late_s, self._opened = request, late_s, opened
        self._rest = b""
        self._is_open = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask."""
        assert isinstance(transport, asyncio.Transport)
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        """Note how late each event is."""
        now = time.monotonic_ns()
        if not self._is_open:
            self._is_open = True
            self._opened.put_nowait(None)
        pending, *told = (self._rest + data).split(MARK)
        self._rest = pending[-len(MARK) :]  # the mark itself may be cut
        for part in told:
            stamp, end, rest = part.partition(b" ")
            if end:
                self._late_s.append((now - int(stamp)) / 1e9)
            self._rest = rest[-len(MARK) :] if end else MARK + part


async def read(host: str, port: int, path: str, count: int) -> None:
    """Open them, then report until the input ends."""
    loop = asyncio.get_running_loop()
    late_s: list[float] = []
    opened: asyncio.Queue[None] = asyncio.Queue()
    request = f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nAccept: text/event-stream\r\n\r\n".encode()
    began = time.monotonic()
    kept = [await loop.create_connection(lambda: Reader(request, late_s, opened), host, port) for _ in range(count)]
    for _ in kept:
        await opened.get()
    print(f"open {time.monotonic() - began:.3f}", flush=True)
    while await asyncio.to_thread(sys.stdin.readline):
        found, late_s[:] = list(late_s), []
        shares = {"p50_ms": 0.5, "p95_ms": 0.95, "p99_ms": 0.99, "most_ms": 1.0}
        report = {name: round(1000 * quantile(found, share), 2) for name, share in shares.items()} if found else {}
        print(json.dumps({"deliveries": len(found)} | report), flush=True)


if __name__ == "__main__":
    _, host, port, path, count = sys.argv
    asyncio.run(read(host, int(port), path, int(count)))

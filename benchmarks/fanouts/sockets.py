"""Readers of streams over HTTP, in a process of their own: `python -m benchmarks.fanouts.sockets PORT COUNT PATH…`.

The paths are asked for in turn.  Says `open SECONDS` when all have their first bytes; each line on its input asks for a report, as JSON.
Two figures are kept of each event: when its bytes were in the reader's socket, by the kernel's own stamp, which is what the board is
answerable for; and when this process had read them, one reader after the other.  Linux only.
"""

import json
import selectors
import socket
import struct
import sys
import time
from dataclasses import dataclass, field

from benchmarks.fanouts.publisher import MARK
from benchmarks.figures import quantile

SO_TIMESTAMPNS = 35
STAMP = struct.Struct("qq")
SHARES = {"p50_ms": 0.5, "p95_ms": 0.95, "p99_ms": 0.99, "most_ms": 1.0}


@dataclass(slots=True)
class Reader:
    """One connection."""

    link: socket.socket
    rest: bytes = b""
    is_open: bool = False


@dataclass(slots=True)
class Crowd:
    """All of them."""

    readers: list[Reader] = field(default_factory=list)
    there_ns: list[int] = field(default_factory=list)
    read_ns: list[int] = field(default_factory=list)
    opened: int = 0

    def take(self, reader: Reader) -> None:
        """What has come to one of them.

        Raises:
            ConnectionError: it was cut off.
        """
        data, said, _, _ = reader.link.recvmsg(262_144, 64)
        now = time.time_ns()
        if not data:
            raise ConnectionError("the board ended a stream")
        if not reader.is_open:
            reader.is_open = True
            self.opened += 1
        there = now
        for _, kind, stamp in said:
            if kind == SO_TIMESTAMPNS:
                seconds, rest = STAMP.unpack(stamp)
                there = seconds * 10**9 + rest
        pending, *told = (reader.rest + data).split(MARK)
        reader.rest = pending[-len(MARK) :]  # the mark itself may be cut
        for part in told:
            at, end, rest = part.partition(b" ")
            if end:
                self.there_ns.append(there - int(at))
                self.read_ns.append(now - int(at))
            reader.rest = rest[-len(MARK) :] if end else MARK + part

    def report(self) -> dict[str, object]:
        """Of what came since the last one."""
        found: dict[str, object] = {"deliveries": len(self.read_ns)}
        for name, late in (("there", sorted(self.there_ns)), ("read", sorted(self.read_ns))):
            found[name] = {key: round(quantile(late, share) / 1e6, 2) for key, share in SHARES.items() if late}
        self.there_ns, self.read_ns = [], []
        return found


def main(port: int, count: int, paths: list[str]) -> None:
    """Open them, then report until the input ends."""
    crowd, chosen, began = Crowd(), selectors.DefaultSelector(), time.monotonic()
    for turn in range(count):
        link = socket.create_connection(("127.0.0.1", port))
        link.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        link.sendall(f"GET {paths[turn % len(paths)]} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode())
        link.setblocking(False)
        chosen.register(link, selectors.EVENT_READ, Reader(link))
    chosen.register(sys.stdin, selectors.EVENT_READ)
    has_said = False
    while True:
        for key, _ in chosen.select():
            if key.data is not None:
                crowd.take(key.data)
            elif not sys.stdin.readline():
                return
            else:
                print(json.dumps(crowd.report()), flush=True)
        if crowd.opened == count and not has_said:
            has_said = True
            print(f"open {time.monotonic() - began:.3f}", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])

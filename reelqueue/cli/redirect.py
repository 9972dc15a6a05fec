"""Where a consent page's answer arrives: at a port of this machine, or pasted into the terminal."""

import asyncio
import contextlib
import html
import os
import sys
import threading
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import TextIO

from reelqueue.wording import Text

LONGEST_REQUEST_BYTES = 64 * 1024
READ_WITHIN_S = 10.0
_PAGE = (
    '<!DOCTYPE html><html lang="{lang}"><head><meta charset="utf-8"><meta name="referrer" content="no-referrer">'
    "<title>reelqueue</title><style>body{{font:18px system-ui,sans-serif;margin:20vh auto;max-width:32em;padding:0 1em}}</style>"
    "</head><body><p>{text}</p></body></html>"
)


@dataclass(slots=True)
class Returned:
    """What came back, in its order: addresses, or lines that a person pasted; None where nothing more can be pasted.

    `judge` is asked at once by the page; what it answers is what the page shows.
    """

    address: str
    judge: Callable[[str], Text]
    answers: asyncio.Queue[str | None] = field(default_factory=asyncio.Queue)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request of a browser."""
        with contextlib.suppress(OSError, TimeoutError, asyncio.LimitOverrunError, asyncio.IncompleteReadError):
            async with asyncio.timeout(READ_WITHIN_S):
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                method, target, *_ = [*head.split("\r\n", 1)[0].split(" "), "", ""]
                path, _, query = target.partition("?")
                ours = method == "GET" and path == "/" and query
                text = self.judge(f"{self.address}?{query}") if ours else None
                writer.write(_response(text))
                await writer.drain()
            if ours:
                self.answers.put_nowait(f"{self.address}?{query}")
        writer.close()

    def listen_to(self, terminal: TextIO) -> None:
        """Take lines from a terminal, or from what stands in for one, until it ends."""
        loop = asyncio.get_running_loop()

        def hear(line: str | None) -> None:
            with contextlib.suppress(RuntimeError):  # the command has ended
                loop.call_soon_threadsafe(self.answers.put_nowait, line)

        # Not through Python's buffer: at exit the interpreter would wait for the lock of a line that never comes.
        threading.Thread(target=_read_lines, args=(terminal.fileno(), hear), daemon=True).start()


@contextlib.asynccontextmanager
async def returning(judge: Callable[[str], Text]) -> AsyncIterator[Returned]:
    """A port of this machine that listens while the block runs.  Raises OSError: there is none."""
    returned = Returned("", judge)
    server = await asyncio.start_server(returned.serve, "127.0.0.1", 0, limit=LONGEST_REQUEST_BYTES)
    returned.address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    try:
        yield returned
    finally:
        server.close()


def has_browser() -> bool:
    """Whether a browser can be opened that does not take the terminal over."""
    seen = ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY", "WSL_DISTRO_NAME")
    return sys.platform == "darwin" or any(os.environ.get(name) for name in seen)


def _response(text: Text | None) -> bytes:
    status = "200 OK" if text is not None else "404 Not Found"
    shown = text or Text("這裡只等待 Google 的回覆", "nothing but Google's answer is waited for here")
    lang = "zh-Hant-TW" if str(shown) == shown.zh else "en"
    body = _PAGE.format(lang=lang, text=html.escape(str(shown))).encode()  # some of its words came in the address
    head = f"HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {len(body)}\r\n"
    return (head + "Cache-Control: no-store\r\nConnection: close\r\n\r\n").encode() + body


def _read_lines(descriptor: int, hear: Callable[[str | None], None]) -> None:
    rest = b""
    with contextlib.suppress(OSError):
        while piece := os.read(descriptor, 4096):
            *lines, rest = (rest + piece).split(b"\n")
            for line in lines:
                hear(line.decode(errors="replace"))
    if rest.strip():
        hear(rest.decode(errors="replace"))
    hear(None)

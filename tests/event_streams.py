"""A reader of server-sent events, as a browser reads them."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import aiohttp

SOON_SECONDS = 60.0
"""How long anything may take on a busy machine."""


@dataclass(frozen=True)
class Heard:
    """One event: its name ("message" where it has none), its data, its id."""

    name: str
    data: Any
    number: str


class Stream:
    """One open stream."""

    def __init__(self, answer: aiohttp.ClientResponse) -> None:
        self.answer = answer
        self.heard: list[Heard] = []
        self.comments = 0

    async def next(self, name: str | None = None, seconds: float = SOON_SECONDS) -> Heard:
        """The next event, or the next of this name.  Raises StopAsyncIteration: the stream has ended."""
        async with asyncio.timeout(seconds):
            while True:
                found = await self._one()
                if name in {None, found.name}:
                    return found

    async def until(self, wanted: Callable[[Heard], bool], seconds: float = SOON_SECONDS) -> Heard:
        """The first event from here on that is `wanted`."""
        async with asyncio.timeout(seconds):
            while not wanted(found := await self._one()):
                pass
            return found

    async def rest(self, seconds: float = SOON_SECONDS) -> list[Heard]:
        """All events to the end."""
        found = []
        async with asyncio.timeout(seconds):
            with contextlib.suppress(StopAsyncIteration):
                while True:
                    found.append(await self._one())
        return found

    async def _one(self) -> Heard:
        name, data, number = "message", [], ""
        async for raw in self.answer.content:
            line = raw.decode().removesuffix("\n")
            field, _, value = line.partition(": ")
            match field:
                case "id":
                    number = value
                case "event":
                    name = value
                case "data":
                    data.append(value)
                case ":":
                    self.comments += 1
            if not line and data:
                self.heard.append(Heard(name, json.loads("\n".join(data)), number))
                return self.heard[-1]
        raise StopAsyncIteration


@contextlib.asynccontextmanager
async def open_stream(
    session: aiohttp.ClientSession, url: str, *, after: str = "", headers: dict[str, str] | None = None
) -> AsyncIterator[Stream]:
    """A stream that has answered 200; `after` is the last id that is known."""
    sent = {"Accept": "text/event-stream", **({"Last-Event-ID": after} if after else {}), **(headers or {})}
    async with session.get(url, headers=sent, timeout=aiohttp.ClientTimeout(total=None)) as answer:
        assert answer.status == 200, await answer.text()
        assert answer.headers["Content-Type"] == "text/event-stream; charset=utf-8"
        yield Stream(answer)

"""Orders for things to go wrong, before a request takes effect or after it, and what carries them out.

An order waits for the request that it names and is used up by it.  The kinds here fit every service; a kind that is
not here belongs to the service itself, which finds its order by `ordered(request)`.

| kind | what happens | effect |
| --- | --- | --- |
| a number: "503" | an error answer of the service (`reason`, `message`, `retry_after`, `html`, `body`, `headers`) | by `when` |
| "hang" | no answer, until the client leaves or `seconds` are over | by `when` |
| "slow" | the right answer, `seconds` later (1) | yes |
| "reset", "close" | the connection ends by RST, by FIN, without an answer | by `when` |
| "reset_in_body", "truncate" | half the answer, then RST, FIN | yes |
| "drip" | the answer, a byte each `interval_s` (0.1) | yes |
| "broken_json", "empty" | 200 with half a JSON text, with nothing | yes |
"""

import asyncio
import contextlib
import html
import itertools
import os
import random
import socket
import struct
from dataclasses import dataclass, field
from typing import Any, Literal

from aiohttp import web

When = Literal["before", "after"]

IN_ANSWER = frozenset({"slow", "reset_in_body", "truncate", "drip", "broken_json", "empty"})
"""Kinds that need the answer to spoil it."""

CONNECTION = frozenset({"hang", "reset", "close"})
LOOK_SECONDS = 0.02
HANG_SECONDS = 3600.0


@dataclass
class Order:
    """One order.  `left` requests will still get it, after `skip` that pass unharmed; of those that fit, a `share` by chance.

    `match` is a text that the request must contain: in its path with the query, its Content-Range or its JSON body.
    An order for "after" waits for a request that succeeds, and with `details["answer"]` for this very status.
    """

    number: int
    service: str
    call: str
    kind: str
    when: When
    left: int
    skip: int = 0
    match: str = ""
    share: float = 1.0
    details: dict[str, Any] = field(default_factory=dict)

    @property
    def status(self) -> int | None:
        """The status of a refusal; None for all other kinds."""
        return int(self.kind) if self.kind.isdecimal() else None

    @property
    def generic(self) -> bool:
        """Whether the kind fits every service."""
        return self.kind in IN_ANSWER | CONNECTION or self.kind.isdecimal()

    def fits(self, answer: web.StreamResponse) -> bool:
        """Whether an "after" order is for this answer."""
        wanted = self.details.get("answer")
        return answer.status < 400 if wanted is None else answer.status == int(wanted)


class Faults:
    """The orders that still wait, oldest first.  `chance` decides where an order is for a share of the requests."""

    def __init__(self) -> None:
        self._orders: list[Order] = []
        self._numbers = itertools.count(1)
        self.chance = random.Random()  # noqa: S311 - no secret

    def order(
        self,
        *,
        service: str,
        call: str,
        kind: str,
        times: int = 1,
        when: When | None = None,
        skip: int = 0,
        match: str = "",
        share: float = 1.0,
        **details: Any,
    ) -> Order:
        """Let the next `times` requests that fit go wrong, after `skip` that pass.

        Args:
            service: "gemini", "youtube", "oauth", "monitoring", "did".
            call: as the journal names it ("upload.chunk"); "*" is every call of the service.
            kind: see the module, and the service's own kinds.
            times: how often.
            when: before or after the request takes effect; None: what the kind suggests (answers are spoiled after it).
            skip: so many fitting requests pass first.
            match: a text that the request contains.
            share: 0.05 is for every twentieth request that fits, by chance; the others meet the orders behind it.
            details: what the kind needs: `reason`, `message`, `retry_after`, `seconds` ...

        Raises:
            ValueError: an unknown `when`, a number of times below one, or no share.
        """
        chosen = when or ("after" if kind in IN_ANSWER else "before")
        if chosen not in {"before", "after"} or times < 1 or skip < 0:
            raise ValueError('when is "before" or "after", times at least 1, skip at least 0')
        if not 0 < share <= 1:
            raise ValueError("share is above 0 and at most 1")
        made = Order(next(self._numbers), service, call, kind, chosen, times, skip, match, share, details)
        self._orders.append(made)
        return made

    def waiting(self) -> list[Order]:
        """The orders that are not used up."""
        return list(self._orders)

    def clear(self) -> None:
        """Forget all orders."""
        self._orders.clear()

    def take(self, service: str, call: str, subject: str) -> Order | None:
        """The oldest order for this request, used up by it; counts those that let it pass."""
        for order in self._orders:
            if order.service == service and order.call in {"*", call} and order.match in subject:
                if order.share < 1 and self.chance.random() >= order.share:
                    continue
                if order.skip > 0:
                    order.skip -= 1
                    continue
                order.left -= 1
                if order.left < 1:
                    self._orders.remove(order)
                return order
        return None

    def give_back(self, order: Order) -> None:
        """The order was not for this request after all: its answer was another."""
        order.left += 1
        if order not in self._orders:
            self._orders.append(order)
            self._orders.sort(key=lambda one: one.number)


ORDER = web.RequestKey("order", Order)
UNFIT = web.RequestKey("unfit", bool)
"""The order was not for this request after all, says the handler: it waits on."""

CUT = web.RequestKey("cut", bool)
"""The handler has cut the connection: there was no answer."""


def ordered(request: web.Request, *kinds: str) -> Order | None:
    """The order of a service's own kind for this request, if it is one of `kinds`.

    A handler that finds the order does not fit what was asked says so by `request[UNFIT] = True`: it waits on.
    """
    order: Order | None = request.get(ORDER)
    return order if order is not None and order.kind in kinds else None


def page(status: int, text: str) -> web.Response:
    """An error as a proxy on the way writes it: HTML."""
    body = f"<!DOCTYPE html><html><head><title>{status}</title></head><body><h1>{html.escape(text)}</h1></body></html>"
    return web.Response(status=status, text=body, content_type="text/html")


def verbatim(status: int, order: Order) -> web.Response | None:
    """The answer that the order itself spells out (`html` or `body`); None where the service's own form is wanted."""
    if order.details.get("html"):
        return page(status, str(order.details.get("message", "Bad Gateway")))
    body = order.details.get("body")
    if isinstance(body, str):
        return web.Response(status=status, text=body, content_type=order.details.get("content_type", "text/plain"))
    return None if body is None else web.json_response(body, status=status)


def dress(answer: web.StreamResponse, order: Order) -> web.StreamResponse:
    """The headers that an order adds to its refusal."""
    if "retry_after" in order.details:
        answer.headers["Retry-After"] = str(order.details["retry_after"])
    for name, value in order.details.get("headers", {}).items():
        answer.headers[name] = str(value)
    return answer


async def broken_off(request: web.Request, order: Order, closing: asyncio.Event) -> web.StreamResponse:
    """End the connection without an answer: at once, or ("hang") when the client leaves."""
    if order.kind == "hang":
        await until_gone(request, closing, float(order.details.get("seconds", HANG_SECONDS)))
        cut(request, reset=False)
    else:
        cut(request, reset=order.kind == "reset")
    return web.Response()  # nobody reads it: the connection is gone


async def spoiled(request: web.Request, order: Order, answer: web.StreamResponse, closing: asyncio.Event) -> web.StreamResponse:
    """The answer as the order spoils it."""
    if order.kind == "slow":
        await until_gone(request, closing, float(order.details.get("seconds", 1.0)))
        return answer
    if order.kind == "empty":
        return web.Response(status=200)
    whole = answer.body if isinstance(answer, web.Response) and isinstance(answer.body, bytes) else b'{"kind": "sandbox"}'
    if order.kind == "broken_json":
        return web.Response(body=whole[: max(1, len(whole) // 2)], content_type="application/json")
    sent = web.StreamResponse(status=answer.status, headers={"Content-Type": answer.content_type})
    sent.content_length = len(whole)
    with contextlib.suppress(ConnectionError):
        await sent.prepare(request)
        if order.kind == "drip":
            await _drip(sent, whole, float(order.details.get("interval_s", 0.1)), closing)
        else:
            await sent.write(whole[: len(whole) // 2])
            await asyncio.sleep(LOOK_SECONDS)  # the half is on its way before the RST, which would overtake it
            cut(request, reset=order.kind == "reset_in_body")
    return sent


async def _drip(sent: web.StreamResponse, whole: bytes, interval_s: float, closing: asyncio.Event) -> None:
    for at in range(len(whole)):
        if closing.is_set():
            return
        await sent.write(whole[at : at + 1])
        await asyncio.sleep(interval_s)
    await sent.write_eof()


async def until_gone(request: web.Request, closing: asyncio.Event, seconds: float) -> None:
    """Wait until the client has left, the sandbox ends, or the time is over."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while _connected(request) and not closing.is_set():  # noqa: ASYNC110 - aiohttp has no event for it
                await asyncio.sleep(LOOK_SECONDS)


def _connected(request: web.Request) -> bool:
    return request.transport is not None and not request.transport.is_closing()


def cut(request: web.Request, *, reset: bool) -> None:
    """End the connection: by RST, or by FIN."""
    transport = request.transport
    if transport is None:
        return
    if not reset:
        transport.close()
        return
    descriptor = transport.get_extra_info("socket").fileno()
    with contextlib.closing(socket.socket(fileno=os.dup(descriptor))) as ours:  # uvloop's own object sets no options
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()

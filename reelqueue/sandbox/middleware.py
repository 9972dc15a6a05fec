"""What every request goes through: it is noted in the journal, and gets the fault that was ordered for it."""

import contextlib
import time
from collections.abc import Awaitable, Callable, Mapping
from email.utils import format_datetime

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from reelqueue.sandbox.faults import CONNECTION, CUT, ORDER, UNFIT, Order, broken_off, dress, spoiled, verbatim
from reelqueue.sandbox.journal import Entry
from reelqueue.sandbox.world import Service, World

SUBJECT_BYTES = 1 << 20
"""Bodies up to here are looked at for an order's `match`."""


ENTRY = web.RequestKey("entry", Entry)


def entry_of(request: web.Request) -> Entry:
    """The journal's entry of this request."""
    found: Entry = request[ENTRY]
    return found


def through(world: World, services: Mapping[str, Service]) -> Middleware:
    """The middleware of a sandbox with these services, by the first part of their paths."""

    @web.middleware
    async def pass_through(request: web.Request, handler: Handler) -> web.StreamResponse:
        service = services.get(request.path.split("/")[1])
        if service is None:
            return await handler(request)
        call = service.call_name(request)
        entry = Entry(world.clock.now(), time.monotonic(), service.SERVICE, call, request.method, request.path_qs)
        entry.bytes = request.content_length or 0
        request[ENTRY] = world.journal.note(entry)
        order = world.faults.take(service.SERVICE, call, await _subject(request))
        status: int | None = None
        try:
            answer, answered = await _with_order(world, service, request, handler, order)
            status = answer.status if answered else None
        finally:
            world.journal.end(entry, status)
        return answer

    return pass_through


async def _with_order(
    world: World, service: Service, request: web.Request, handler: Handler, order: Order | None
) -> tuple[web.StreamResponse, bool]:
    """The answer, and whether the client gets one."""
    if order is None:
        answer = await _handled(request, handler)
        return answer, not request.get(CUT, False)
    if not order.generic:
        request[ORDER] = order
        answer = await _handled(request, handler)
        if request.get(UNFIT, False):
            world.faults.give_back(order)
        else:
            request[ENTRY].fault = order.kind
        return answer, not request.get(CUT, False)
    if order.when == "after":
        answer = await _handled(request, handler)
        if not order.fits(answer):
            world.faults.give_back(order)
            return answer, True
    else:
        answer = web.json_response({"kind": "sandbox", "filler": "-" * 200})
    request[ENTRY].fault = order.kind
    if order.kind in CONNECTION:
        return await broken_off(request, order, world.closing), False
    if order.status is not None:
        if order.when == "before":
            await _read_away(request)
        return dress(verbatim(order.status, order) or service.refusal(order.status, order), order), True
    return await spoiled(request, order, answer, world.closing), True


async def _handled(request: web.Request, handler: Handler) -> web.StreamResponse:
    """The handler's answer, a raised one too (which aiohttp does not want to be returned as it is)."""
    try:
        return await handler(request)
    except web.HTTPException as raised:
        return web.Response(status=raised.status, headers=raised.headers, body=raised.body)


async def _subject(request: web.Request) -> str:
    """What an order's `match` is looked for in."""
    parts = [f"{request.method} {request.path_qs}", request.headers.get("Content-Range", "")]
    if request.content_type == "application/json" and (request.content_length or SUBJECT_BYTES + 1) <= SUBJECT_BYTES:
        parts.append((await request.read()).decode(errors="replace"))
    return "\n".join(parts)


async def _read_away(request: web.Request) -> None:
    """Take the body off the wire: an answer given amid it would reach the client as a reset."""
    with contextlib.suppress(ConnectionError, web.HTTPException):
        async for _ in request.content.iter_chunked(1 << 16):
            pass


def dated(world: World) -> Callable[[web.Request, web.StreamResponse], Awaitable[None]]:
    """Each answer bears the date of the sandbox's clock, as a server's would."""

    async def date(_request: web.Request, answer: web.StreamResponse) -> None:
        answer.headers["Date"] = format_datetime(world.clock.now(), usegmt=True)

    return date

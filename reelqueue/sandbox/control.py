"""The sandbox's own API below `/_sandbox`: order faults, move the clock, read the journal and what happened."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from aiohttp import web

from reelqueue.sandbox.faults import Order
from reelqueue.sandbox.world import Service, World


def routes(world: World, services: Mapping[str, Service]) -> list[web.RouteDef]:
    """The routes of the control API."""
    control = _Control(world, services)
    return [
        web.get("/", control.about),
        web.get("/_sandbox/faults", control.waiting),
        web.post("/_sandbox/faults", control.order),
        web.delete("/_sandbox/faults", control.forget),
        web.get("/_sandbox/journal", control.journal),
        web.delete("/_sandbox/journal", control.clear),
        web.get("/_sandbox/clock", control.clock),
        web.post("/_sandbox/clock", control.move),
        web.get("/_sandbox/state", control.state),
    ]


class _Control:
    def __init__(self, world: World, services: Mapping[str, Service]) -> None:
        self._world = world
        self._services = services

    async def about(self, _request: web.Request) -> web.Response:
        return web.json_response({"sandbox": self._world.url, "services": sorted(self._services)})

    async def waiting(self, _request: web.Request) -> web.Response:
        return web.json_response([asdict(order) for order in self._world.faults.waiting()])

    async def order(self, request: web.Request) -> web.Response:
        wanted = await body_of(request)
        if wanted.get("service") not in self._services:
            raise bad(f"service is one of {', '.join(sorted(self._services))}")
        try:
            made: Order = self._world.faults.order(**wanted)
        except (TypeError, ValueError) as error:
            raise bad(str(error)) from error
        return web.json_response(asdict(made))

    async def forget(self, _request: web.Request) -> web.Response:
        self._world.faults.clear()
        return web.json_response([])

    async def journal(self, request: web.Request) -> web.Response:
        entries = self._world.journal.calls(request.query.get("service"), request.query.get("call"))
        return web.json_response([entry.as_json() for entry in entries])

    async def clear(self, _request: web.Request) -> web.Response:
        self._world.journal.clear()
        return web.json_response([])

    async def clock(self, _request: web.Request) -> web.Response:
        return web.json_response(self._time())

    async def move(self, request: web.Request) -> web.Response:
        wanted = await body_of(request)
        try:
            if wanted.get("to") == "next_day":
                self._world.clock.move(self._world.clock.next_day() - self._world.clock.now())
            elif "to" in wanted:
                self._world.clock.move(datetime.fromisoformat(wanted["to"]) - self._world.clock.now())
            else:
                self._world.clock.move(timedelta(seconds=float(wanted["move_s"])))
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise bad('{"move_s": seconds}, {"to": "2026-12-01T08:00:00Z"} or {"to": "next_day"}') from error
        return web.json_response(self._time())

    async def state(self, _request: web.Request) -> web.Response:
        return web.json_response(
            self._time() | {name: dict(service.state(self._world)) for name, service in self._services.items()}
        )

    def _time(self) -> dict[str, str]:
        clock = self._world.clock
        return {
            "now": clock.now().isoformat(),
            "pacific_day": clock.pacific_day(),
            "next_day": clock.next_day().isoformat(),
        }


async def body_of(request: web.Request) -> dict[str, Any]:
    """The request's JSON object.

    Raises:
        web.HTTPBadRequest: it is none.
    """
    try:
        found = await request.json()
    except ValueError as error:
        raise bad("the body is no JSON") from error
    if not isinstance(found, dict):
        raise bad("the body is no JSON object")
    return found


def bad(message: str) -> web.HTTPBadRequest:
    """A request of the control API that makes no sense."""
    return web.HTTPBadRequest(text=f"{message}\n")

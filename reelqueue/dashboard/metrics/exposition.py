"""`/metrics`: what Prometheus asks for, in its own text or in OpenMetrics.  It goes on while Redis is away, from the copy on disk."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

import structlog
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.openmetrics import exposition as openmetrics
from redis.exceptions import RedisError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from jobs.maintenance.clearing import free_bytes
from jobs.spending import money_bucket
from jobs.standing import standings
from reelqueue import clock
from reelqueue.bootstrap import read_watched
from reelqueue.dashboard.asked import board_of
from reelqueue.dashboard.board import Board
from reelqueue.dashboard.metrics.families import Collected, Facts, Fleet, Money, families
from reelqueue.errors import ReelqueueError
from reelqueue.models.meter import Standing
from storage.ledger import pacific_day

FLEET_SECONDS = 3.0
"""How long Redis may take for a scrape; Prometheus itself waits ten seconds."""
OPENMETRICS = "application/openmetrics-text"
T = TypeVar("T")

log = structlog.get_logger(__name__)


async def metrics(request: Request) -> Response:
    """Every metric that is known now, in OpenMetrics where the asker takes it."""
    collected = Collected(list(families(await facts_of(board_of(request)))))
    if OPENMETRICS in request.headers.get("accept", ""):
        body, kind = openmetrics.generate_latest(collected), openmetrics.CONTENT_TYPE_LATEST  # type: ignore[no-untyped-call]
    else:
        body, kind = generate_latest(collected), CONTENT_TYPE_PLAIN_0_0_4
    return Response(body, headers={"Content-Type": kind, "Cache-Control": "no-store"})


async def facts_of(board: Board) -> Facts:
    """What the metrics are made of; what can't be known is left out, and told in the log."""
    totals, fleet, stand, money, free = await asyncio.gather(
        board.numbers.totals(),
        _tried("fleet", _fleet(board)),
        _tried("quotas", _standings(board)),
        _tried("money", _money(board)),
        _tried("disk", asyncio.to_thread(free_bytes, board.paths.root)),
    )
    return Facts(
        totals=totals,
        fleet=fleet,
        standings=stand,
        money=money,
        disk_free_bytes=free,
        disk_low_water_bytes=round(board.settings.disk_low_water_gb * 1e9),
    )


async def _fleet(board: Board) -> Fleet:
    async with asyncio.timeout(FLEET_SECONDS):
        return Fleet(await board.link.fleet.workers(), await board.link.fleet.queues())


async def _standings(board: Board) -> list[Standing]:
    watched = await asyncio.to_thread(read_watched, board.settings)
    return await standings(board.ledger, watched.meters, clock.now())


async def _money(board: Board) -> Money:
    account, cap = await board.ledger.account(money_bucket(pacific_day(clock.now()))), board.settings.daily_cost_cap_usd
    return Money(float(account.used - account.unsettled), float(account.unsettled), float(cap) or None)


async def _tried(what: str, found: Awaitable[T]) -> T | None:
    try:
        return await found
    except (RedisError, OSError, TimeoutError, ReelqueueError) as error:
        log.debug("metrics_not_known", what=what, error=str(error))
        return None


ROUTES = [Route("/metrics", metrics)]

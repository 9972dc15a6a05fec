"""`/`: do today's videos get out, and what needs a person?"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any

from markupsafe import Markup, escape
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from jobs.pipeline import QUEUES
from reelqueue.dashboard import charts
from reelqueue.dashboard.asked import address, board_of, parts_of, zone_of
from reelqueue.dashboard.overview import glance, today
from reelqueue.dashboard.overview.glance import MOST_CAUSES, MOST_PUBLISHED, MOST_SLOTS, SPANS, Glance, Span
from reelqueue.dashboard.overview.room import room_of
from reelqueue.dashboard.pages.overview_words import SAYS, SPAN_WORDS, about
from reelqueue.dashboard.project import now
from reelqueue.dashboard.project.happenings import look_of
from reelqueue.dashboard.publishing import quotas
from reelqueue.dashboard.rendering import page
from reelqueue.errors import ReelqueueError
from reelqueue.models.numbers import StageNumbers
from storage import Outline

MOST_EVENTS, MOST_BUCKETS = 16, 5

Values = Mapping[str, Any]


async def show(request: Request) -> Response:
    """The page, or with `?part=` the piece of it that is asked for: only what that needs is looked up."""
    board, span = board_of(request), _span(request)
    seen = await glance.look(board, zone_of(request))
    if not seen.outlines and "part" not in request.query_params and not await board.batches.list(limit=1):
        return RedirectResponse(address(request, "/new"))
    parts = parts_of(request)
    wanted = {part: PARTS[part] for part in parts if part in PARTS} if parts else PARTS
    found = await asyncio.gather(*(load(seen, span) for load in wanted.values()))
    return page(request, "overview.html", says=SAYS, **_tools(seen), glance=seen, span=span, **_merged(found))


def _span(request: Request) -> Span:
    asked = request.query_params.get("span")
    return next((span for span in SPANS if span == asked), "24h")


def _merged(found: list[Values]) -> dict[str, Any]:
    return {name: value for values in found for name, value in values.items()}


def _tools(seen: Glance) -> dict[str, Any]:
    """What the template calls."""
    return {
        "about": about,
        "strong": strong,
        "spans": tuple(SPAN_WORDS.items()),
        "now_of": lambda outline, event: now.now_of(outline, event, seen.now, seen.zone),
        "moment": lambda moment: now.moment(moment, seen.now, seen.zone),
        "change_of": change_of,
        "is_uploaded": today.is_uploaded,
        "out_at": today.out_at,
    }


def strong(sentence: str) -> Markup:
    """A sentence of ours in which what matters most stands between asterisks."""
    plain = sentence.split("*")
    return Markup("").join(Markup("<b>{}</b>").format(piece) if place % 2 else escape(piece) for place, piece in enumerate(plain))


def change_of(one: StageNumbers) -> int | None:
    """By how many percent its mean is above that of the week before; None where either is not known."""
    if one.mean_s is None or not one.before_mean_s:
        return None
    return round(100 * (one.mean_s / one.before_mean_s - 1))


# The pieces, each with what it needs.


async def _verdict(_seen: Glance, _span: Span) -> Values:
    return {}


async def _figures(seen: Glance, span: Span) -> Values:
    return {"figures": await glance.figures(seen, span)}


async def _needs(seen: Glance, _span: Span) -> Values:
    causes = seen.causes
    return {
        "causes": causes[:MOST_CAUSES],
        "more_causes": max(0, len(causes) - MOST_CAUSES),
        "needing": sum(len(cause.projects) for cause in causes),
        "slots": _slots(seen),
    }


def _slots(seen: Glance) -> list[Outline]:
    return today.next_slots(seen.outlines, seen.now, most=MOST_SLOTS)


async def _running(seen: Glance, _span: Span) -> Values:
    queued, _ = today.waiting_on_disk(seen.outlines, seen.now)
    return {"running": await glance.running(seen), "waiting": seen.video.waiting if seen.video is not None else queued}


async def _stages(seen: Glance, span: Span) -> Values:
    return {"stages": await glance.stages(seen.board, span), "span_words": SPAN_WORDS[span]}


async def _batches(seen: Glance, _span: Span) -> Values:
    return {"batches": await glance.batches(seen)}


async def _quota(seen: Glance, _span: Span) -> Values:
    try:
        rows = await quotas.rows(seen.board, await seen.board.forecasts.site())
    except ReelqueueError as error:  # a setting is wrong, or an account can't be read: that is said in its place
        return {"room": None, "quota_unknown": error}
    return {"room": room_of(rows, seen.outlines, most=MOST_BUCKETS), "quota_unknown": None}


async def _queues(seen: Glance, _span: Span) -> Values:
    depths = await glance.depths(seen.board, QUEUES)
    return {"depths": depths, "depth_top": charts.top_of(*depths.values())}


async def _workers(_seen: Glance, _span: Span) -> Values:
    return {}


async def _events(seen: Glance, _span: Span) -> Values:
    events = seen.board.hub.recent(most=MOST_EVENTS)
    return {"events": [(datetime.fromisoformat(event.timestamp), event, look_of(event)) for event in events]}


async def _throughput(seen: Glance, _span: Span) -> Values:
    return {"throughput": await glance.throughput(seen.board)}


async def _heat(seen: Glance, _span: Span) -> Values:
    return {"heat": await glance.heat(seen.board)}


async def _published(seen: Glance, _span: Span) -> Values:
    return {"published": today.last_published(seen.outlines, seen.now, most=MOST_PUBLISHED)}


async def _slots_part(seen: Glance, _span: Span) -> Values:
    return {"slots": _slots(seen)}


Load = Callable[[Glance, Span], Awaitable[Values]]
PARTS: Mapping[str, Load] = {
    "verdict": _verdict,
    "figures": _figures,
    "needs": _needs,
    "running": _running,
    "stages": _stages,
    "batches": _batches,
    "quota": _quota,
    "queues": _queues,
    "workers": _workers,
    "events": _events,
    "throughput": _throughput,
    "heat": _heat,
    "published": _published,
    "slots": _slots_part,
}

ROUTES: list[BaseRoute] = [Route("/", show)]

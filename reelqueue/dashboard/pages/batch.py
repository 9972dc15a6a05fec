"""`/batches/{batch_id}`: one batch, five hundred projects at a look; what holds it up, and when it will be done."""

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from jobs.batch.asked import again_of
from jobs.batch.ground import evenly
from jobs.batch.running import AGAIN
from reelqueue import clock
from reelqueue.dashboard.asked import address, board_of, parts_of, zone_of
from reelqueue.dashboard.batch.band import band_of
from reelqueue.dashboard.batch.cells import KINDS, Cell, cells_of, legend
from reelqueue.dashboard.batch.openings import openings
from reelqueue.dashboard.batch.standing import figures_of
from reelqueue.dashboard.batch.words import LEVER, LIMIT, SAYS, STATUS, a_day, brief_moment, expected_end, is_late
from reelqueue.dashboard.board import Board
from reelqueue.dashboard.brief.channels import ChannelNames
from reelqueue.dashboard.numbered import numbered
from reelqueue.dashboard.overview.causes import failures_of
from reelqueue.dashboard.project.now import Now, moment, now_of
from reelqueue.dashboard.project.prices import price_of_all
from reelqueue.dashboard.publishing.week import DAYS, LEGEND, bounds, week_of
from reelqueue.dashboard.publishing.week_asked import week_asked
from reelqueue.dashboard.publishing.words import SAYS as PLAN_SAYS
from reelqueue.dashboard.publishing.words import day_at_length, day_in_words, week_in_words
from reelqueue.dashboard.rendering import page
from reelqueue.errors import NeedsPerson, ProjectNotFound
from reelqueue.models.batch import BatchState
from reelqueue.models.stage import BatchStatus, ProjectStatus
from reelqueue.wording import Text
from storage import Outline

Outlines = Mapping[int, Outline | None]
VIEWS = ("grid", "table", "calendar")
CELLS, ROWS = 500, 100
"""So many projects on one page of the grid, and of the table."""
PRICED = 20
"""So many of those that failed are looked at to say what trying again takes."""
_LOOKED_AT_FIRST = (
    ProjectStatus.FAILED,
    ProjectStatus.NEEDS_PERSON,
    ProjectStatus.WAITING_REVIEW,
    ProjectStatus.RUNNING,
    ProjectStatus.WAITING_QUOTA,
    ProjectStatus.WAITING_BUDGET,
    ProjectStatus.WAITING_DISK,
)
"""Which project the line below the grid tells of before anybody chose one."""


@dataclass(frozen=True, slots=True)
class Span:
    """The places (from 1) that one page shows."""

    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Line:
    """What is told of one project: its cell, its outline (None: it is gone), and what it does now."""

    cell: Cell
    outline: Outline | None
    now: Now | None


@dataclass(frozen=True, slots=True)
class Look:
    """What one request sees."""

    board: Board
    state: BatchState
    outlines: Outlines
    now: datetime
    zone: ZoneInfo


async def show(request: Request) -> Response:
    """The page.

    Raises:
        BatchNotFound: there is none of that id.  StorageUnavailable: the disk does not answer.
    """
    board, zone, now = board_of(request), zone_of(request), clock.now()
    state = await board.batches.load(request.path_params["batch_id"])
    outlines = await board.projects.outlines(state.project_ids)
    look = Look(board, state, outlines, now, zone)
    figures = figures_of(state, outlines, now, zone)
    forecast = await board.forecasts.of(state, outlines)
    told = forecast or (state.forecast if not state.has_ended else None)
    view = _one_of(request.query_params.get("view", ""), VIEWS)
    spans = _spans(len(state.project_ids), CELLS if view == "grid" else ROWS)
    span = _span_asked(request, spans)
    return page(
        request,
        "batch.html",
        says={**PLAN_SAYS, **SAYS},
        numbered=numbered(SAYS),
        state=state,
        status_word=STATUS[state.status],
        figures=figures,
        counts=[(status, figures.counts[status]) for status in legend(figures.counts)],
        forecast=told,
        is_fresh=forecast is not None,
        end=expected_end(told, now, zone) if told is not None else None,
        is_late=told is not None and is_late(figures, told),
        a_day=a_day(told) if told is not None else None,
        limit_word=LIMIT[told.limit] if told is not None else None,
        lever=LEVER[told.limit] if told is not None else None,
        band=band_of(state, outlines, told, now),
        reviews=figures.counts[ProjectStatus.WAITING_REVIEW],
        failures=failures_of((one for one in outlines.values() if one is not None), zone),
        view=view,
        spans=spans,
        span=span,
        cells=_cells(state, outlines, span) if view == "grid" else (),
        lines=await _lines(look, _shown(state, span), span.first) if view == "table" else (),
        line=await _line(look, request.query_params.get("item", "")),
        again=sum(figures.counts[status] for status in AGAIN[again_of(state)]) if _may_retry(state) else 0,
        retry_word=SAYS["retry_all" if state.status is BatchStatus.CANCELLED else "retry_failed"],
        price=await _price(look) if _may_retry(state) and not parts_of(request) else None,
        projects_from_here=address(request, "/projects/"),
        KINDS=KINDS,
        brief=lambda at: brief_moment(at, now, zone),
        **(await _calendar(request, look) if view == "calendar" else {}),
        moment=lambda at: moment(at, now, zone),
        now=now,
    )


def _one_of(given: str, known: Sequence[str]) -> str:
    """What was asked for where there is such a thing, else the first."""
    return given if given in known else known[0]


def _spans(total: int, each: int) -> list[Span]:
    return [Span(first, min(total, first + each - 1)) for first in range(1, max(1, total) + 1, each)]


def _span_asked(request: Request, spans: Sequence[Span]) -> Span:
    place = _number(request.query_params.get("from", ""))
    return next((span for span in spans if place is not None and span.first <= place <= span.last), spans[0])


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= len("5000") else None


def _shown(state: BatchState, span: Span) -> Sequence[int]:
    return state.project_ids[span.first - 1 : span.last]


def _cells(state: BatchState, outlines: Outlines, span: Span) -> list[Cell]:
    return cells_of(_shown(state, span), outlines, first=span.first)


async def _lines(look: Look, numbers: Sequence[int], first: int) -> list[Line]:
    running = [number for number in numbers if (one := look.outlines.get(number)) is not None and one.running is not None]
    heard = await look.board.hub.last_of(running) if running else {}
    lines = []
    for cell in cells_of(numbers, look.outlines, first=first):
        known = look.outlines.get(cell.project_id)
        now = now_of(known, heard.get(cell.project_id), look.now, look.zone) if known is not None else None
        lines.append(Line(cell, known, now))
    return lines


async def _line(look: Look, asked: str) -> Line | None:
    """The one that the line below the grid tells of: whichever was asked for, else whichever should be looked at first."""
    place, numbers = _number(asked), look.state.project_ids
    if place is None or not 1 <= place <= len(numbers):
        place = _first_to_look_at(look)
    return (await _lines(look, numbers[place - 1 : place], place))[0] if place is not None else None


def _first_to_look_at(look: Look) -> int | None:
    places: dict[ProjectStatus, int] = {}
    for place, number in enumerate(look.state.project_ids, start=1):
        if (known := look.outlines.get(number)) is not None:
            places.setdefault(known.status, place)
    otherwise = 1 if look.state.project_ids else None
    return next((places[status] for status in _LOOKED_AT_FIRST if status in places), otherwise)


async def _calendar(request: Request, look: Look) -> dict[str, Any]:
    """A week of this batch's publications."""
    board, today = look.board, look.now.astimezone(look.zone).date()
    asked, names = week_asked(request, today), ChannelNames(look.board.shelf)
    mine = [one for one in look.outlines.values() if one is not None]
    channels = {one.project_id: names.of(one.channel) for one in mine}
    shown = [name for name in board.shelf.channels if name in channels.values()]
    begins, ends = bounds(asked.first, look.zone)
    everyone = await board.catalogue.all()  # another batch's moment is not free
    whose = {one.project_id: names.of(one.channel) for one in everyone}
    free = await openings(board, everyone, whose, max(begins, look.now), ends, [look.state]) if ends > look.now else {}
    return {
        "asked": asked,
        "near": asked.near,
        "days": asked.days,
        "today": today,
        "week": week_in_words(asked.first, DAYS),
        "day_words": day_in_words,
        "day_at_length": day_at_length,
        "weeks": week_of(asked.first, mine, free, shown, names.of, look.now, look.zone),
        "legend": LEGEND,
        "week_before": asked.first - timedelta(days=DAYS),
        "week_after": asked.first + timedelta(days=DAYS),
    }


def _may_retry(state: BatchState) -> bool:
    """Whether what ended without its goal may begin once more; `asked.retry` judges it again."""
    return state.has_ended or state.status is BatchStatus.RUNNING


async def _price(look: Look) -> Text | None:
    """What it takes at most to try again what failed; None where nothing did.  Of many some are looked at, and stand for the rest."""
    meant = AGAIN[again_of(look.state)]
    again = [number for number, one in look.outlines.items() if one is not None and one.status in meant]
    states = []
    for number in evenly(again, PRICED):
        with contextlib.suppress(ProjectNotFound, NeedsPerson):  # it was deleted since, or can't be read
            states.append(await look.board.projects.load(number))
    if not states:
        return None
    price, each = await price_of_all(look.board, states), len(again) / len(states)
    if price.unknown:
        return None
    if price.is_free:
        return SAYS["price_free"]
    name = SAYS["price_quota" if price.uploads else "price"]
    most = f"{float(price.usd.most) * each:,.2f}"
    parts = {"most": most, "uploads": f"{price.uploads * each:,.0f}", "units": f"{price.units * each:,.0f}"}
    return Text(name.zh.format(**parts), name.en.format(**parts))


ROUTES: list[BaseRoute] = [Route("/batches/{batch_id}", show)]

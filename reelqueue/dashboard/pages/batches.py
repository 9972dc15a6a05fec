"""`/batches`: all of them, the newest first."""

from collections import defaultdict
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from reelqueue import clock
from reelqueue.dashboard.asked import board_of, zone_of
from reelqueue.dashboard.batch.standing import BatchFigures, figures_of
from reelqueue.dashboard.batch.words import SAYS, STATUS, expected_end
from reelqueue.dashboard.pages import batch, batch_acts, new_batch
from reelqueue.dashboard.project.now import moment
from reelqueue.dashboard.rendering import page
from reelqueue.models.batch import BatchState
from reelqueue.wording import Text
from storage import Outline

ROWS = 50


@dataclass(frozen=True, slots=True)
class Row:
    """One batch of the list; `until` is when it ended, or is expected to."""

    state: BatchState
    figures: BatchFigures
    until: Text | None


async def show(request: Request) -> Response:
    """The page.

    Raises:
        StorageUnavailable: the disk does not answer.
    """
    board, zone, now = board_of(request), zone_of(request), clock.now()
    after = request.query_params.get("after", "")
    seen = int(after) if after.isascii() and after.isdecimal() and len(after) < 19 else None
    found = await board.batches.listing(limit=ROWS + 1, after=seen)
    states = found.states
    members: defaultdict[int, dict[int, Outline | None]] = defaultdict(dict)
    for one in await board.catalogue.all():
        if one.batch_id is not None:
            members[one.batch_id][one.project_id] = one
    rows = []
    for state in states[:ROWS]:
        outlines = members[state.batch_id]
        forecast = await board.forecasts.of(state, outlines) or state.forecast
        end = expected_end(forecast, now, zone)[0] if forecast is not None else None
        until = moment(state.ended_at, now, zone) if state.ended_at is not None else end
        rows.append(Row(state, figures_of(state, outlines, now, zone), until))
    return page(
        request,
        "batches.html",
        says=SAYS,
        rows=rows,
        words=STATUS,
        unread=found.unread,
        after=rows[-1].state.batch_id if len(states) > ROWS else None,
        is_first=seen is None,
        moment=lambda at: moment(at, now, zone),
    )


ROUTES: list[BaseRoute] = [Route("/batches", show), *new_batch.ROUTES, *batch.ROUTES, *batch_acts.ROUTES]

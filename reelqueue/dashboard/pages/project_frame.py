"""What every tab of a project's page is made with: its head, its tabs, what its templates call by name."""

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from reelqueue import clock
from reelqueue.dashboard.asked import zone_of
from reelqueue.dashboard.pages.project_words import EVENTS, ICONS, KINDS, LEGEND, SAYS, STAGE_ICONS, STAGE_LOOKS, TABS
from reelqueue.dashboard.project.now import moment
from reelqueue.dashboard.project.prices import in_words
from reelqueue.dashboard.project.sight import Sight
from reelqueue.dashboard.rendering import page
from reelqueue.wording import Text


def project_page(
    request: Request, sight: Sight, tab: str, *, says: Mapping[str, Text] | None = None, status: int = 200, **values: Any
) -> Response:
    """The page of one of its tabs ("" for the first)."""
    zone, now = zone_of(request), clock.now()
    return page(
        request,
        f"project_{tab}.html" if tab else "project.html",
        status=status,
        says=SAYS | dict(says or {}),
        sight=sight,
        state=sight.state,
        one=sight.outline,
        tab=tab,
        tabs=TABS,
        kinds=KINDS,
        icons=ICONS,
        legend=LEGEND,
        told_events=EVENTS,
        stage_icons=STAGE_ICONS,
        stage_looks=STAGE_LOOKS,
        price=in_words(sight.price) if sight.price is not None else None,
        day=lambda at: moment(at, now, zone),
        base=f"/projects/{sight.state.project_id}",
        **values,
    )

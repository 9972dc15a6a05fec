"""`/projects/{project_id}`: one project, whatever state it is in, and its files, events and brief."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from reelqueue import clock
from reelqueue.dashboard.asked import board_of, zone_of
from reelqueue.dashboard.pages import project_acts, project_pictures, project_script
from reelqueue.dashboard.pages.project_frame import project_page
from reelqueue.dashboard.pages.project_words import FIELDS
from reelqueue.dashboard.project.files import listed, type_of, written_at
from reelqueue.dashboard.project.happenings import lines_of
from reelqueue.dashboard.project.sight import Sight, look_at

EVENTS_HERE, MOST_EVENTS, MOST_FILES = 12, 150, 90
"""Of a page; the API gives all."""


async def show(request: Request) -> Response:
    """How it stands."""
    sight = await _look(request)
    lines, is_log = await lines_of(board_of(request), sight.state, EVENTS_HERE)
    return project_page(request, sight, "", lines=lines, is_log=is_log)


async def files(request: Request) -> Response:
    """What lies in its folder."""
    board, sight = board_of(request), await _look(request)
    found = await listed(board.paths, sight.state)
    rows = [(name, status.st_size, written_at(status), type_of(name)) for name, status, _ in found[:MOST_FILES]]
    return project_page(request, sight, "files", files=rows, is_cut=len(found) > MOST_FILES, most=MOST_FILES)


async def events(request: Request) -> Response:
    """What happened."""
    sight = await _look(request)
    lines, is_log = await lines_of(board_of(request), sight.state, MOST_EVENTS)
    return project_page(request, sight, "events", lines=lines, is_log=is_log)


async def brief(request: Request) -> Response:
    """What it was asked to be."""
    sight = await _look(request)
    given = sight.state.brief.model_dump(mode="json", exclude_defaults=True)
    return project_page(request, sight, "brief", given=given, fields=FIELDS)


async def _look(request: Request) -> Sight:
    return await look_at(board_of(request), request.path_params["project_id"], clock.now(), zone_of(request))


ROUTES: list[BaseRoute] = [
    *project_acts.ROUTES,
    *project_pictures.ROUTES,
    *project_script.ROUTES,
    Route("/projects/{project_id}/files", files),
    Route("/projects/{project_id}/events", events),
    Route("/projects/{project_id}/brief", brief),
    Route("/projects/{project_id}", show),
]

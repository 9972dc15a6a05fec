"""`/projects/{project_id}/small/…`: small pictures for lists and film strips."""

import hashlib

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from reelqueue.dashboard.asked import board_of

KEPT_SECONDS = 7 * 86_400


async def show(request: Request) -> Response:
    """One of them: 404 where the project has none of that name."""
    board = board_of(request)
    files = board.paths.project(request.path_params["project_id"])
    small = await board.miniatures.of(files, request.path_params["name"])
    if small is None:
        raise HTTPException(404)
    # Pieces are named by their hash; of a thumbnail the address has a version: neither changes under its address.
    is_named = "v" in request.query_params or request.path_params["name"].startswith("images/")
    kept = f"private, max-age={KEPT_SECONDS}, immutable" if is_named else "private, no-cache"
    tag = f'"{hashlib.sha256(small).hexdigest()[:32]}"'
    headers = {"cache-control": kept, "etag": tag}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    return Response(small, media_type="image/jpeg", headers=headers)


ROUTES: list[BaseRoute] = [Route("/projects/{project_id}/small/{name:path}", show)]

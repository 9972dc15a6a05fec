"""`/healthz` says that the board lives, `/readyz` whether it can act.  Neither says anything else: both may be open to everybody."""

import asyncio
import os

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from reelqueue.dashboard.asked import board_of
from storage import Paths

DISK_SECONDS = 2.0
"""How long the disk may take to answer."""


async def healthz(_request: Request) -> Response:
    """The process answers.  What it stands on is no matter of a restart."""
    return _answer({"status": "ok"}, ok=True)


async def readyz(request: Request) -> Response:
    """200 where a disk that can be written and Redis are there; 503 names what is not.  Without either the pages still show what can be
    read.
    """
    board = board_of(request)
    try:
        async with asyncio.timeout(DISK_SECONDS):
            disk = await asyncio.to_thread(_can_be_used, board.paths)
    except (OSError, TimeoutError):
        disk = False
    there = {"disk": disk, "redis": board.link.is_there}
    ok = all(there.values())
    checks = {name: "ok" if good else "away" for name, good in there.items()}
    return _answer({"status": "ok" if ok else "degraded", "checks": checks}, ok=ok)


def _can_be_used(paths: Paths) -> bool:
    """Whether the installation is there and its folder may be written to: also as root, whom a read-only disk refuses."""
    return paths.instance_file.is_file() and os.access(paths.root, os.W_OK)


def _answer(body: dict[str, object], *, ok: bool) -> Response:
    return JSONResponse(body, status_code=200 if ok else 503, headers={"Cache-Control": "no-store"})


ROUTES = [Route("/healthz", healthz), Route("/readyz", readyz)]

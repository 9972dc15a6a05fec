"""What a handler finds with its request: the board, the language, the zone, the address that it is mounted under."""

from urllib.parse import unquote
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from starlette.requests import Request
from starlette.types import Scope

from reelqueue.dashboard.board import Board
from reelqueue.dashboard.door.seal import Seal
from reelqueue.wording import Language

MOST_PATH_CHARACTERS = 2_000
MOST_PARTS = 32
UTC_COOKIE, ZONE_COOKIE = "utc", "zone"
"""Whether the reader wants UTC, and where its clock is; the first by a switch, the second told by its browser."""


def board_of(request: Request) -> Board:
    """The board of this process."""
    board: Board = request.app.state.board
    return board


def seal_of(request: Request) -> Seal:
    """What this board signs with."""
    seal: Seal = request.app.state.seal
    return seal


def zone_of(request: Request) -> ZoneInfo:
    """The zone of the answer's clock times: UTC where the reader switched to it, else its own, else `TIMEZONE`."""
    return ZoneInfo("UTC") if request.cookies.get(UTC_COOKIE) == "1" else own_zone(request)


def own_zone(request: Request) -> ZoneInfo:
    """Where the reader's clock is, as its browser told; `TIMEZONE` until it has."""
    name = unquote(request.cookies.get(ZONE_COOKIE, ""))
    try:
        return ZoneInfo(name) if 0 < len(name) <= 64 else board_of(request).zone
    except (ZoneInfoNotFoundError, ValueError, OSError):  # a cookie holds whatever somebody put there
        return board_of(request).zone


def own_path(given: str) -> str:
    """`given` where it is a path of this board that can be gone back to, else "/": never an address of somebody else's."""
    is_path = given.startswith("/") and not given.startswith("//") and "\\" not in given and given.isprintable()
    return given if is_path and len(given) <= MOST_PATH_CHARACTERS else "/"


def language_of(request: Request) -> Language:
    """The language of the answer."""
    language: Language = request.state.language
    return language


def parts_of(request: Request) -> list[str]:
    """Which pieces of a page are asked for (`?part=NAME`, once for each); none where it is the whole page."""
    return request.query_params.getlist("part")[:MOST_PARTS]


def prefix_of(scope: Scope) -> str:
    """What the board is mounted under ("" where it stands alone), as the gate found it: a mount of our own moves `root_path`."""
    return str(scope.get("state", {}).get("prefix", scope.get("root_path", ""))).rstrip("/")


def path_of(scope: Scope) -> str:
    """Which of our paths is asked for ("/projects/7"), wherever the board is mounted."""
    return str(scope["path"]).removeprefix(prefix_of(scope)) or "/"


def whole_path(request: Request) -> str:
    """The path of ours with its query, as `address` takes it."""
    query = request.scope["query_string"].decode("latin-1")
    return path_of(request.scope) + (f"?{query}" if query else "")


def address(request: Request, path: str) -> str:
    """`path` ("/projects/7") as this request's browser has to ask for it, wherever the board is mounted."""
    return prefix_of(request.scope) + path

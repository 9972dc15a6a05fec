"""What a handler finds with its request: the board, the language, the address that it is mounted under."""

from starlette.requests import Request
from starlette.types import Scope

from reelqueue.dashboard.board import Board
from reelqueue.wording import Language


def board_of(request: Request) -> Board:
    """The board of this process."""
    board: Board = request.app.state.board
    return board


def language_of(request: Request) -> Language:
    """The language of the answer."""
    language: Language = request.state.language
    return language


def prefix_of(scope: Scope) -> str:
    """What the board is mounted under ("" where it stands alone), as the gate found it: a mount of our own moves `root_path`."""
    return str(scope.get("state", {}).get("prefix", scope.get("root_path", ""))).rstrip("/")


def path_of(scope: Scope) -> str:
    """Which of our paths is asked for ("/projects/7"), wherever the board is mounted."""
    return str(scope["path"]).removeprefix(prefix_of(scope)) or "/"


def address(request: Request, path: str) -> str:
    """`path` ("/projects/7") as this request's browser has to ask for it, wherever the board is mounted."""
    return prefix_of(request.scope) + path

"""What a handler finds with its request: the board, the language, the address that it is mounted under."""

from starlette.requests import Request

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


def address(request: Request, path: str) -> str:
    """`path` ("/projects/7") as this request's browser has to ask for it, wherever the board is mounted."""
    return str(request.scope.get("root_path", "")).rstrip("/") + path

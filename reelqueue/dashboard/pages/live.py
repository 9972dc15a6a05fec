"""`/live`: the one stream of an open page: the topics that it shows, and of all others each change of status.

`topics` are ids of projects and `batch:ID`s, or `all`; `after` is the cursor that the page was made at.  What comes is an array of
events (`event: progress`), `changed`, `beat` and, where something was missed, `snapshot`: then the page asks for its parts again.
"""

import re
from collections.abc import AsyncGenerator

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from progress.bundle import Bundle, Told
from progress.hub import Ended, Gap, Hub, Item
from reelqueue.dashboard.asked import board_of
from reelqueue.dashboard.board import Board
from reelqueue.dashboard.problems import Refused
from reelqueue.dashboard.streams.direct import Write, writer_of
from reelqueue.dashboard.streams.lines import ALIVE, said, written
from reelqueue.dashboard.streams.streaming import EventStream, check_room
from reelqueue.wording import Text

MOST_TOPICS = 200
KEEP_ALIVE_SECONDS = 15.0
_TOPIC = re.compile(r"(batch:)?[1-9][0-9]{0,15}")
_CURSOR = re.compile(r"[0-9a-f]{1,16}-[0-9]{1,15}")


async def listen(request: Request) -> Response:
    """The stream."""
    board = board_of(request)
    topics = _topics_of(request.query_params.get("topics", ""))
    cursor = request.headers.get("last-event-id") or request.query_params.get("after", "")
    if cursor and not _CURSOR.fullmatch(cursor):
        raise Refused(400, Text("Last-Event-ID 不是這裡給的", "this Last-Event-ID is none that was given here"))
    check_room(board)
    return EventStream(_lines(board, topics, cursor, writer_of(request.scope)))


def _topics_of(given: str) -> frozenset[str] | None:
    if given == "all":
        return None
    names = [name for name in given.split(",") if name]
    if len(names) > MOST_TOPICS or not all(_TOPIC.fullmatch(name) for name in names):
        raise Refused(
            400,
            Text(
                f"topics 要是 all，或最多 {MOST_TOPICS} 個編號（批次寫成 batch:42）",
                f"topics has to be all, or at most {MOST_TOPICS} ids (a batch as batch:42)",
            ),
        )
    return frozenset(names)


async def _lines(board: Board, topics: frozenset[str] | None, cursor: str, write: Write | None) -> AsyncGenerator[bytes]:
    hub = board.hub
    push = None if write is None else lambda item: write(_line(hub, item))
    with hub.page(topics, push) as box:
        missed = hub.since(cursor)
        yield board.pulse.beat()
        if missed is None:
            yield _snapshot(hub)
        for bundle in missed or ():
            if topics is None or bundle.is_news or bundle.topic.name in topics:
                yield _events_of(hub, bundle)
        while (taken := await box.take(KEEP_ALIVE_SECONDS)) is not None:
            items, has_lost = taken
            lines = [_snapshot(hub)] if has_lost else []
            lines += [_line(hub, item) for item in items]
            yield b"".join(lines) or ALIVE


def _line(hub: Hub, item: Item) -> bytes:
    match item:
        case Bundle():
            return _events_of(hub, item)
        case Gap():
            return _snapshot(hub)
        case Ended():
            return written(b"[" + Told.saying(item.end).line + b"]", name="progress")
        case bytes():
            return item
    return b""


def _snapshot(hub: Hub) -> bytes:
    return said("snapshot", {}, number=hub.cursor)


def _events_of(hub: Hub, bundle: Bundle) -> bytes:
    return bundle.written("page", lambda one: _written(hub, one))


def _written(hub: Hub, bundle: Bundle) -> bytes:
    lines = b"[" + b",".join(told.line for told in bundle.told) + b"]"
    return written(lines, name="progress", number=hub.cursor_of(bundle))


ROUTES: list[BaseRoute] = [Route("/live", listen)]

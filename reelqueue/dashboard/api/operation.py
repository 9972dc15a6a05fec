"""One row of the API's table: what is asked by which method where, what it takes and answers; routes and OpenAPI are made of it."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel
from redis.exceptions import RedisError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from jobs.app import Queue
from jobs.fleet import Fleet
from reelqueue.dashboard.api import queries
from reelqueue.dashboard.api.reading import body_of, json_of, key_of, query_of
from reelqueue.dashboard.asked import address, board_of
from reelqueue.dashboard.board import Board
from reelqueue.dashboard.door.access import Role, role_of
from reelqueue.dashboard.problems import UNSURE, Refused
from reelqueue.dashboard.words import WORDS
from reelqueue.errors import InstallationError
from reelqueue.models.frozen import Frozen
from reelqueue.wording import Text

READS = frozenset({"GET", "HEAD"})
ACT_BYTES = 64_000
"""Of the body of what takes none, or three words."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request, read: `ids` of its path, `query` and `body` as the operation's row says, the caller's idempotency key."""

    request: Request
    board: Board
    ids: Mapping[str, str]
    query: Any
    body: Any
    key: str | None

    @property
    def queue(self) -> Queue:
        """What changes something.  Raises InstallationError: Redis does not answer."""
        return self.board.link.queue

    @property
    def fleet(self) -> Fleet:
        """Workers and queues.  Raises InstallationError: Redis does not answer."""
        return self.board.link.fleet

    def address(self, path: str) -> str:
        """`path` below `/api`, as this caller has to ask for it."""
        return address(self.request, f"/api{path}")


@dataclass(frozen=True, slots=True)
class Answer:
    """What is answered beside the row's usual: another status, headers."""

    body: BaseModel | None
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


Act = Callable[[Asked], Awaitable[BaseModel | Answer | Response | None]]


@dataclass(frozen=True, slots=True)
class Operation:
    """One row.

    `path` is below `/api`.  `answers` is the model of the body, None where there is none; `media` another type than JSON.  `takes` is
    a schema's name or a model of the body, of at most `most` bytes; `optional`: it may be left out.  `key`: `Idempotency-Key` is
    honoured.  `problems` are the statuses of errors that it may answer beside those that all may, `also`
    those of other good ends.
    """

    method: str
    path: str
    name: str
    about: Text
    act: Act
    answers: type[BaseModel] | None = None
    status: int = 200
    media: str = "application/json"
    query: type[Frozen] = queries.NoQuery
    takes: str | type[BaseModel] | None = None
    most: int = ACT_BYTES
    optional: bool = False
    key: bool = False
    problems: tuple[int, ...] = ()
    also: tuple[int, ...] = ()

    @property
    def tag(self) -> str:
        """What it is about: `projects`, `batches`, ..."""
        return self.path.split("/")[1]

    async def respond(self, request: Request) -> Response:
        """Read what was asked, do it, say what came of it.

        Raises:
            ReelqueueError: it was refused, or went wrong; whoever routes here makes a problem of it.
        """
        if self.method not in READS and role_of(request) is Role.VIEWER:
            raise Refused(HTTPStatus.FORBIDDEN, WORDS["viewer_only"])
        board = board_of(request)
        asked = Asked(
            request=request,
            board=board,
            ids=request.path_params,
            query=query_of(request, self.query, queries.ALLOWED),
            body=await self._body(request),
            key=key_of(request) if self.key else None,
        )
        try:
            made = await self.act(asked)
        except (RedisError, ConnectionError, TimeoutError) as error:
            board.link.look_now()
            raise InstallationError(*UNSURE) from error
        finally:
            if self.method not in READS:
                board.catalogue.look_anew()
        if isinstance(made, Response):
            return made
        answer = made if isinstance(made, Answer) else Answer(made)
        content = None if answer.body is None else answer.body.model_dump_json().encode()
        headers = {"Cache-Control": "no-store"} | dict(answer.headers)
        media = self.media if content is not None else None
        return Response(content, status_code=answer.status or self.status, headers=headers, media_type=media)

    async def _body(self, request: Request) -> Any:
        if self.method in READS:
            return None
        if self.takes is None:
            await body_of(request, ACT_BYTES)
            return None
        return await json_of(request, self.most, optional=self.optional)


def routes_of(operations: Iterable[Operation]) -> list[Route]:
    """A route for each address, for all of its methods: one that it does not take is told with those that it takes."""
    paths: dict[str, dict[str, Operation]] = {}
    for one in operations:
        paths.setdefault(one.path, {})[one.method] = one
    return [Route(path, _respond(by_method), methods=list(by_method)) for path, by_method in paths.items()]


def _respond(by_method: Mapping[str, Operation]) -> Callable[[Request], Awaitable[Response]]:
    async def respond(request: Request) -> Response:
        return await by_method["GET" if request.method == "HEAD" else request.method].respond(request)

    return respond

"""`/api/projects/{id}/events` and `/api/batches/{id}/events`: progress as server-sent events, complete and in order.

`id` is `<epoch>-<seq>`; who comes back with it as `Last-Event-ID` (or `?after=`) hears what it missed.  Plain events are those of
the contract.  `event: snapshot` is the last one alone, where the reader fell behind or the log reaches less far; `event: redis`
says `{"away_since": …}` when Redis goes, then null when it is back.
"""

import contextlib
import re
from collections.abc import AsyncGenerator

from starlette.requests import Request
from starlette.responses import Response

from jobs.pipeline import overall
from progress.bundle import Bundle, Told
from progress.ending import DISK_EPOCH, StateOnDisk
from progress.events import ProgressEvent, Topic
from progress.following import Following, Part, Snapshot
from progress.hub import Link
from reelqueue.dashboard.asked import board_of
from reelqueue.dashboard.problems import Refused
from reelqueue.dashboard.streams.direct import writer_of
from reelqueue.dashboard.streams.lines import ALIVE, said, written
from reelqueue.dashboard.streams.streaming import EventStream, check_room
from reelqueue.models.batch import BatchState
from reelqueue.models.ids import parse_batch_id, parse_project_id
from reelqueue.models.project import ProjectState
from reelqueue.wording import Text

_PLACE = re.compile(r"([A-Za-z0-9]{1,32})-([0-9]{1,12})")


async def project_events(request: Request) -> Response:
    """A project's."""
    return await _events(request, Topic(project_id=parse_project_id(request.path_params["project_id"])))


async def batch_events(request: Request) -> Response:
    """A batch's."""
    return await _events(request, Topic(batch_id=parse_batch_id(request.path_params["batch_id"])))


async def _events(request: Request, topic: Topic) -> Response:
    board = board_of(request)
    check_room(board)
    epoch, seq = _place_of(request)
    source = OnDisk(topic, board.projects, board.batches)
    await source.end()  # an unknown one is refused before the answer begins
    write = writer_of(request.scope)
    push = None if write is None else lambda bundle: write(_line(bundle))
    lines = _lines(Following(board.hub, topic, source, epoch, seq, push=push))
    first = await anext(lines, None)
    if first is None:  # all was said before: a browser that comes back after the end is told to stop
        return Response(status_code=204)
    return EventStream(_with_first(first, lines))


def _place_of(request: Request) -> tuple[str | None, int]:
    given = request.headers.get("last-event-id") or request.query_params.get("after") or ""
    if not given:
        return None, 0
    found = _PLACE.fullmatch(given)
    if found is None:
        raise Refused(
            400,
            Text("Last-Event-ID 要像 k3f9-7（epoch-seq）", "Last-Event-ID has to look like k3f9-7 (epoch-seq)"),
            Text("拿掉它就從頭開始", "leave it out to begin at the start"),
        )
    return found[1], int(found[2])


async def _with_first(first: bytes, lines: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
    async with contextlib.aclosing(lines):
        yield first
        async for line in lines:
            yield line


async def _lines(following: Following) -> AsyncGenerator[bytes]:
    async with contextlib.aclosing(following.parts()) as parts:
        async for part in parts:
            yield _line(part)


def _line(part: Part) -> bytes:
    match part:
        case Bundle():
            return part.written("events", lambda bundle: _events_of(bundle.told))
        case tuple():
            return _events_of(part)
        case Snapshot():
            return written(part.told.line, name="snapshot", number=_number(part.told))
        case Link():
            return said("redis", {"away_since": part.away_since.isoformat() if part.away_since is not None else None})
    return ALIVE


def _events_of(told: tuple[Told, ...]) -> bytes:
    return b"".join(written(one.line, number=_number(one)) for one in told)


def _number(told: Told) -> str:
    return f"{told.event.epoch}-{told.event.seq}"


class OnDisk(StateOnDisk):
    """See `progress.following.Source`."""

    async def standing(self) -> ProgressEvent:
        """See `Source`."""
        if self.topic.project_id is not None:
            return _project_standing(await self.projects.load(self.topic.project_id))
        return _batch_standing(await self.batches.load(self.topic.batch_id or 0))


def _project_standing(state: ProjectState) -> ProgressEvent:
    stage = state.next_stage or state.goal
    done = 100 if state.next_stage is None else 0
    return ProgressEvent(
        project_id=state.project_id,
        stage=stage.event_name,
        progress=done,
        overall=round(overall(stage, done)),
        message=str(_ON_DISK),
        timestamp=f"{state.updated_at:%Y-%m-%dT%H:%M:%SZ}",
        seq=0,
        epoch=DISK_EPOCH,
        status=str(state.status),
    )


def _batch_standing(state: BatchState) -> ProgressEvent:
    percent = 100 * (state.completed + state.failed) // max(1, len(state.project_ids))
    return ProgressEvent(
        batch_id=state.batch_id,
        stage="batch",
        progress=percent,
        overall=percent,
        message=str(_ON_DISK),
        timestamp=f"{state.updated_at:%Y-%m-%dT%H:%M:%SZ}",
        seq=0,
        epoch=DISK_EPOCH,
        status=str(state.status),
    )


_ON_DISK = Text("磁碟上的狀態", "as it stands on disk")

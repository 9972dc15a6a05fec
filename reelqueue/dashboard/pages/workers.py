"""`/workers`: what waits, who works on what, and three things to ask of them: pause, resume, drain."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from jobs.pipeline import BATCH, MAINTENANCE, QUEUES, VIDEO
from reelqueue import clock
from reelqueue.dashboard import charts, crew
from reelqueue.dashboard.asked import board_of, parts_of
from reelqueue.dashboard.crew import SPANS, Span
from reelqueue.dashboard.forms import confirm, done, form_of
from reelqueue.dashboard.pages import workers_words as words
from reelqueue.dashboard.pages.overview_words import about
from reelqueue.dashboard.rendering import page
from reelqueue.errors import WorkerNotFound
from reelqueue.models.fleet import QueueStanding, WorkerBeat

PATH = "/workers"
MOST_AFTER = 10**9

Values = Mapping[str, Any]


async def show(request: Request) -> Response:
    """The page, or with `?part=` the piece of it that is asked for: only what that needs is looked up.

    Raises:
        StorageUnavailable: the disk does not answer.
    """
    parts = parts_of(request)
    wanted = {part: PARTS[part] for part in parts if part in PARTS} if parts else PARTS
    found = await asyncio.gather(*(load(request) for load in wanted.values()))
    asked: dict[str, Any] = {"span": _span(request), "queue": _queue(request), "after": _after(request)}
    merged = {name: value for values in found for name, value in values.items()}
    return page(
        request,
        "workers.html",
        says=words.SAYS,
        spans=tuple(words.SPAN_WORDS.items()),
        about=about,
        lasting=words.lasting,
        seen_at=clock.by_the_machine(clock.now()),
        query=lambda **changes: _query(request, **changes),
        queues_of=QUEUES,
        rows_a_page=crew.ROWS,
        **asked,
        **merged,
    )


def _span(request: Request) -> Span:
    asked = request.query_params.get("span")
    return next((span for span in SPANS if span == asked), "6h")


def _queue(request: Request) -> str:
    asked = request.query_params.get("queue")
    return asked if asked in QUEUES else VIDEO


def _after(request: Request) -> int:
    asked = request.query_params.get("after", "")
    return min(int(asked), MOST_AFTER) if asked.isascii() and asked.isdecimal() and len(asked) < 12 else 0


def _query(request: Request, **changes: object) -> str:
    """This page with `changes`, as a query; what is as it usually is stands not in it."""
    known: dict[str, object] = {"span": _span(request), "queue": _queue(request), "after": _after(request)}
    usual: dict[str, object] = {"span": "6h", "queue": VIDEO, "after": 0}
    kept = {name: value for name, value in (known | changes).items() if value != usual[name]}
    return f"?{urlencode(kept)}" if kept else ""


# The pieces, each with what it needs.


async def _verdict(request: Request) -> Values:
    board = board_of(request)
    stands = await crew.seen(board, lambda fleet: fleet.queues())
    beats = await crew.seen(board, lambda fleet: fleet.workers())
    return {"stands": stands, "beats": beats, "video": next((one for one in stands or () if one.name == VIDEO), None)}


async def _queues(request: Request) -> Values:
    board = board_of(request)
    stands, courses, runs, batches = await asyncio.gather(
        crew.seen(board, lambda fleet: fleet.queues()),
        crew.courses(board, _span(request)),
        crew.seen(board, lambda fleet: fleet.clock()),
        crew.under_way(board),
    )
    known = {one.name: one for one in stands or ()}
    return {
        "known": known,
        "lanes": [(name, known.get(name), courses[name]) for name in QUEUES],
        "depth_top": charts.round_top(max(1.0, charts.top_of(*(course.depth for course in courses.values())))),
        "age_top": max(crew.ALARM_SECONDS * 1.05, charts.top_of(*(course.age for course in courses.values()))),
        "alarm_s": crew.ALARM_SECONDS,
        "runs": runs or (),
        "batches": batches,
        "kinds": {"video": VIDEO, "batch": BATCH, "maintenance": MAINTENANCE},
    }


async def _workers(request: Request) -> Values:
    board = board_of(request)
    beats = await crew.seen(board, lambda fleet: fleet.workers())
    rows = await crew.rows(board, beats) if beats is not None else None
    return {"rows": rows, "memory_top": max((row.beat.memory_bytes for row in rows or ()), default=0)}


async def _contents(request: Request) -> Values:
    board, queue = board_of(request), _queue(request)
    listed, stands = await asyncio.gather(
        crew.listed(board, queue, _after(request)), crew.seen(board, lambda fleet: fleet.queues())
    )
    stand = next((one for one in stands or () if one.name == queue), None)
    return {
        "listed": None if listed is None else listed[: crew.ROWS],
        "goes_on": listed is not None and len(listed) > crew.ROWS,
        "whole": None if stand is None else stand.waiting + stand.running + stand.parked,
    }


Load = Callable[[Request], Awaitable[Values]]
PARTS: Mapping[str, Load] = {"verdict": _verdict, "queues": _queues, "workers": _workers, "contents": _contents}


# What may be asked.


async def pause(request: Request) -> Response:
    """Let no job of a queue begin.

    Raises:
        QueueNotFound: there is none of this name.  InstallationError: Redis does not answer.
    """
    await form_of(request)
    stands = await board_of(request).link.fleet.pause(request.path_params["queue"])
    said = words.PAUSED if stands.running else words.PAUSED_NOW
    return done(request, PATH, words.filled(said, queue=stands.name, n=stands.running))


async def resume(request: Request) -> Response:
    """Let a paused queue go on.

    Raises:
        QueueNotFound: there is none of this name.  InstallationError: Redis does not answer.
    """
    await form_of(request)
    stands: QueueStanding = await board_of(request).link.fleet.resume(request.path_params["queue"])
    return done(request, PATH, words.filled(words.RESUMED, queue=stands.name, n=stands.waiting))


async def drain(request: Request) -> Response:
    """Let a worker take nothing more, once somebody said that he is sure.

    Raises:
        WorkerNotFound: none of this name lives.  InstallationError: Redis does not answer.
    """
    form = await form_of(request)
    name, fleet = form.get("name"), board_of(request).link.fleet
    if not name:
        raise HTTPException(HTTPStatus.BAD_REQUEST)
    if form.get("sure") != "yes":
        return _ask(request, name, await fleet.workers())
    worker = await fleet.drain(name)
    said = words.DRAINS if worker.jobs else words.DRAINS_NOW
    return done(request, PATH, words.filled(said, name=worker.label or worker.name, n=len(worker.jobs)), "run")


def _ask(request: Request, name: str, beats: list[WorkerBeat]) -> Response:
    worker = next((one for one in beats if one.name == name), None)
    if worker is None:
        raise WorkerNotFound(name)
    others = [one for one in beats if one.queue == worker.queue and one.name != name and one.state == "running"]
    last = () if others else (words.filled(words.ASK_LAST, queue=worker.queue),)
    called = f"{worker.label or worker.name} ({worker.host}, {worker.pid})"
    return confirm(
        request,
        title=words.filled(words.ASK_TITLE, name=called),
        body=(*last, words.filled(words.ASK_BODY[0], n=len(worker.jobs)), words.ASK_BODY[1]),
        path=f"{PATH}/drain",
        label=words.DRAIN,
        keep=words.KEEP,
        back=PATH,
        icon="funnel",
        fields={"name": name},
    )


ROUTES: list[BaseRoute] = [
    Route(PATH, show),
    Route(f"{PATH}/drain", drain, methods=["POST"]),
    Route(f"{PATH}/queues/{{queue}}/pause", pause, methods=["POST"]),
    Route(f"{PATH}/queues/{{queue}}/resume", resume, methods=["POST"]),
]

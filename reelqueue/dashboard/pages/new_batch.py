"""`/batches/new`: a file becomes a batch; what it would take is said first."""

from http import HTTPStatus
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from jobs.batch.rows import Mistake
from reelqueue import clock
from reelqueue.ahead.batch_file import Mistaken, TopicFile
from reelqueue.ahead.batch_offer import BatchOffer, makers_in_words, offer_in_words, usd
from reelqueue.ahead.batch_prepared import Ground, Prepared, Wish, prepared
from reelqueue.ahead.offer import unagreed
from reelqueue.dashboard.asked import board_of, zone_of
from reelqueue.dashboard.batch.words import LEVER, LIMIT, brief_moment
from reelqueue.dashboard.board import Board
from reelqueue.dashboard.brief.files import contained
from reelqueue.dashboard.brief.form import PRIVACY, REVIEWED
from reelqueue.dashboard.forms import Form, done, form_of
from reelqueue.dashboard.numbered import numbered
from reelqueue.dashboard.pages.new_batch_words import SAYS
from reelqueue.dashboard.project.now import moment
from reelqueue.dashboard.rendering import page
from reelqueue.errors import InvalidBrief
from reelqueue.models.batch import BatchState
from reelqueue.models.brief import Brief
from reelqueue.wording import Text
from storage import Agreements

FIELDS = ("pasted", "calendar", "channel", "privacy", "priority", "deadline")
MOST_BYTES = 32_000_000
SHOWN_ROWS, SHOWN_MISTAKES, SHOWN_DAYS = 20, 50, 14
NOWHERE = Path("/dev/null/no-folder-of-files")
"""Where relative paths begin as long as no folder is set: nothing lies below it."""


async def show(request: Request) -> Response:
    """The form."""
    return _form_page(request, dict.fromkeys(FIELDS, ""), [])


async def send(request: Request) -> Response:
    """Look at a file, or make the batch that was looked at.

    The same file is the same batch: sent twice it is made once.
    """
    form, board = await form_of(request), board_of(request)
    values, reviews = {name: form.get(name) for name in FIELDS}, form.all("review")
    file = await _file(form, board)
    if isinstance(file, Text):
        return _form_page(request, values, reviews, wrong={"file": file})
    try:
        ready = await prepared(file, _wish(values, reviews), _ground(board))
        if form.has("make") and ready.past.rows:
            return await _make(request, board, ready, form, values, reviews, file)
        return await _plan_page(request, ready, file, values, reviews)
    except Mistaken as error:
        return _form_page(request, values, reviews, mistakes=error.found)
    except InvalidBrief as error:
        return _form_page(request, values, reviews, wrong={_FIELD_OF.get(error.field, "file"): error.text})


_FIELD_OF = {name: name for name in FIELDS} | {"slots": "calendar", "every": "calendar", "review": "review"}
"""Where in the form what is wrong with a wish is said."""


async def _file(form: Form, board: Board) -> TopicFile | Text:
    """What was sent, was pasted, or is held since it was looked at; else what is missing."""
    base = board.settings.brief_files_dir or NOWHERE
    uploaded = form.files.get("file")
    if uploaded is not None:
        body = await uploaded.read(MOST_BYTES + 1)
        if len(body) > MOST_BYTES:
            return SAYS["too_large"]
        return TopicFile(Path(uploaded.filename or "file").name[:200] or "file", body, base)
    if form.has("held"):
        return board.sheets.find(form.get("held")) or SAYS["gone"]
    if form.has("pasted"):
        return TopicFile("", form.get("pasted").encode(errors="surrogatepass"), base)
    return SAYS["no_file"]


def _wish(values: dict[str, str], reviews: list[str]) -> Wish:
    calendar = values["calendar"] or None
    is_span = calendar is not None and calendar[:1].isdigit() and ":" not in calendar
    fields: dict[str, Any] = {name: values[name] or None for name in ("channel", "privacy", "deadline")}
    fields |= {"priority": _number(values["priority"]), "review": tuple(reviews) or None}
    return Wish(fields, every=calendar if is_span else None, slots=None if is_span else calendar)


def _number(text: str) -> int | str | None:
    """A whole number where it is one; else the text, which the brief refuses by name."""
    try:
        return int(text) if text else None
    except ValueError:
        return text


def _ground(board: Board) -> Ground:
    async def held_to_their_folder(brief: Brief) -> None:
        await contained(brief, board.settings.brief_files_dir)

    return Ground(board.settings, board.shelf, board.forecasts.site, held_to_their_folder)


async def _make(
    request: Request, board: Board, ready: Prepared, form: Form, values: dict[str, str], reviews: list[str], file: TopicFile
) -> Response:
    new = await unagreed(ready.offer.terms, Agreements(board.paths)) if ready.offer is not None else ()
    if new and form.get("agreed") != "|".join(new):
        return await _plan_page(request, ready, file, values, reviews, said=SAYS["not_agreed"])
    queue = board.link.queue
    if new:
        await Agreements(board.paths).add(new)

    async def make() -> BatchState:
        state = await queue.create_batch(
            [row.brief for row in ready.past.rows],
            idempotency_key=ready.past.key,
            keys=[row.key for row in ready.past.rows],
            calendar=ready.calendar,
        )
        if not state.is_under_way and not state.has_ended:
            await queue.start_batch(state.batch_id)
        return state

    was_there = ready.past.batch is not None and bool(ready.past.batch.project_ids)
    state = await board.sheets.made(ready.past.key, make())
    board.catalogue.look_anew()
    if state is None:
        return done(request, "/batches", SAYS["being_made"], "run")
    return done(request, f"/batches/{state.batch_id}", SAYS["is_there" if was_there else "began"], "run")


def _form_page(
    request: Request,
    values: dict[str, str],
    reviews: list[str],
    *,
    wrong: dict[str, Text] | None = None,
    mistakes: tuple[Mistake, ...] = (),
) -> Response:
    board = board_of(request)
    return page(
        request,
        "new_batch.html",
        status=HTTPStatus.UNPROCESSABLE_ENTITY if wrong or mistakes else HTTPStatus.OK,
        says=SAYS,
        numbered=numbered(SAYS),
        form=values,
        reviews=reviews,
        wrong=wrong or {},
        mistakes=mistakes[:SHOWN_MISTAKES],
        mistake_count=len(mistakes),
        channels=sorted(board.shelf.channels),
        privacies=PRIVACY,
        reviewed=REVIEWED,
        columns=[name for name in Brief.model_fields if name not in _PATHS or board.settings.brief_files_dir is not None],
        schedule_zone=board.settings.timezone,
        plan=None,
    )


_PATHS = frozenset({"images", "images_dir", "music", "logo"})


async def _plan_page(
    request: Request, ready: Prepared, file: TopicFile, values: dict[str, str], reviews: list[str], *, said: Text | None = None
) -> Response:
    board, zone, now = board_of(request), zone_of(request), clock.now()
    new = await unagreed(ready.offer.terms, Agreements(board.paths)) if ready.offer is not None else ()
    forecast = ready.forecast
    return page(
        request,
        "new_batch.html",
        says=SAYS,
        numbered=numbered(SAYS),
        form=values,
        reviews=reviews,
        plan=ready,
        held=board.sheets.keep(file),
        file_name=file.name or str(SAYS["or_paste"]),
        rows=[(row, ready.moments[place] if ready.moments else None) for place, row in enumerate(ready.past.rows[:SHOWN_ROWS])],
        privacies=PRIVACY,
        lines=_offer_lines(ready.offer),
        terms="|".join(new),
        refused=said,
        end=brief_moment(forecast.least + (forecast.most - forecast.least) / 2, now, zone) if forecast is not None else None,
        limit_word=LIMIT[forecast.limit] if forecast is not None else None,
        lever=LEVER[forecast.limit] if forecast is not None else None,
        usd_range=usd(forecast.usd) if forecast is not None and forecast.usd[1] else None,
        plan_days=[day for day in forecast.days if day.uploads or day.units or day.usd] if forecast is not None else [],
        shown_days=SHOWN_DAYS,
        moment=lambda at: moment(at, now, zone),
    )


def _offer_lines(offer: BatchOffer | None) -> list[Text]:
    return [makers_in_words(offer), *offer_in_words(offer)] if offer is not None else []


ROUTES: list[BaseRoute] = [
    Route("/batches/new", show, methods=["GET"]),
    Route("/batches/new", send, methods=["POST"]),
]

"""`/new`: one topic becomes a video; and what this machine still lacks for it."""

import hashlib
import secrets
from http import HTTPStatus
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from reelqueue.ahead.offer import Offer, in_words, offer_of, unagreed
from reelqueue.dashboard.api.briefs import brief_of, refuse_brief
from reelqueue.dashboard.asked import board_of, language_of, zone_of
from reelqueue.dashboard.board import Board
from reelqueue.dashboard.brief import form as brief_form
from reelqueue.dashboard.brief.form import Filled
from reelqueue.dashboard.forms import Form, done, form_of
from reelqueue.dashboard.pages.first_run_words import SAYS, begun, lengths_of
from reelqueue.dashboard.problems import SeveralInvalid
from reelqueue.dashboard.rendering import page
from reelqueue.errors import InvalidBrief, ReelqueueError
from reelqueue.models.brief import MAX_TOPIC_CHARS, PROVIDERS, Brief
from reelqueue.wording import Text
from storage import Agreements

FIELDS = (
    "topic", "content", "language", "duration_s", "aspect", "channel", "privacy", "publish_at", "tags", "playlist", "voice",
    "presenter", "subtitle_style", "image_style", "negative_prompt", "priority", "images_dir", "music", "logo",
    *(f"maker_{kind}" for kind in PROVIDERS),
)  # fmt: skip
KEY_CHARS = 32


async def show(request: Request) -> Response:
    """The form, empty but for a topic that another page sends along."""
    topic = request.query_params.get("topic", "")[:MAX_TOPIC_CHARS]
    return await _page(request, brief_form.fresh(language_of(request), topic=topic), key=secrets.token_hex(KEY_CHARS // 2))


async def send(request: Request) -> Response:
    """Look what the form asks for; say what it takes (`look`), or make it.

    Sent twice it makes one project: `key` was made with the form.
    """
    form, board = await form_of(request), board_of(request)
    values = Filled({name: form.get(name) for name in FIELDS}, review=form.all("review"))
    key = form.get("key") if len(form.get("key")) == KEY_CHARS else secrets.token_hex(KEY_CHARS // 2)
    try:
        brief = await brief_of(board, brief_form.brief_data(values, zone_of(request)))
        await refuse_brief(board, brief)
        offer = await offer_of(brief, board.settings, board.shelf)
        if form.has("look"):
            return await _page(request, values, key=key, offer=offer)
        new = await unagreed(offer.terms, Agreements(board.paths))
        if new and form.get("agreed") != _terms(new):
            return await _page(request, values, key=key, offer=offer, terms=_terms(new))
        return await _made(request, board, brief, form, new, key)
    except ReelqueueError as error:
        return await _page(request, values, key=key, error=error)


async def _made(request: Request, board: Board, brief: Brief, form: Form, terms: tuple[str, ...], key: str) -> Response:
    queue = board.link.queue
    if terms:
        await Agreements(board.paths).add(terms)
    project = await queue.create_project(brief, idempotency_key=_key_of(key, brief))
    board.catalogue.look_anew()
    if form.has("later"):
        return done(request, f"/projects/{project.project_id}", Text("已建立，尚未開始。", "Made; it is not begun yet."))
    await queue.start(project.project_id)
    return done(request, f"/projects/{project.project_id}", begun(brief), "run")


def _key_of(form_key: str, brief: Brief) -> str:
    """The same form with the same in it is the same wish; one that was gone back to and changed is another."""
    return f"form-{hashlib.sha256(f'{form_key} {brief.model_dump_json()}'.encode()).hexdigest()[:32]}"


def _terms(terms: tuple[str, ...]) -> str:
    """What somebody agrees to by the button, in one field."""
    return "|".join(terms)


async def _page(
    request: Request,
    values: Filled,
    *,
    key: str,
    offer: Offer | None = None,
    terms: str = "",
    error: ReelqueueError | None = None,
) -> Response:
    board = board_of(request)
    wrong = error.all if isinstance(error, SeveralInvalid) else (error,) if error is not None else ()
    has_files = board.settings.brief_files_dir is not None
    fields = {one.field: one for one in wrong if isinstance(one, InvalidBrief) and _is_shown(one.field, has_files=has_files)}
    others = [one for one in wrong if not isinstance(one, InvalidBrief) or one.field not in fields]
    return page(
        request,
        "first_run.html",
        status=_status(error),
        says=SAYS,
        form=values,
        key=key,
        errors={_SHOWN[name]: one for name, one in fields.items()},
        others=others,
        offer=offer,
        lines=list(in_words(offer, zone_of(request))) if offer is not None else (),
        terms=terms,
        is_first=not await board.projects.ids(),
        is_local=_is_local(board),
        opened=_is_opened(values) or any(name not in _ABOVE for name in fields),
        needs=await board.readiness.needs(),
        choices=_choices(board, values),
        has_files=has_files,
        asks_channel=_asks_channel(board),
    )


def _is_shown(field: str, *, has_files: bool) -> bool:
    return field in _SHOWN and (has_files or _SHOWN[field] not in brief_form.FILES)


def _status(error: ReelqueueError | None) -> int:
    if error is None:
        return HTTPStatus.OK
    return HTTPStatus.UNPROCESSABLE_ENTITY if isinstance(error, InvalidBrief) else HTTPStatus.SERVICE_UNAVAILABLE


_SHOWN = {name: name for name in FIELDS if not name.startswith("maker_")} | {
    "images": "images_dir",
    "providers": "providers",
    "review": "review",
}
"""Where in the form what is wrong with a field of a brief is said."""
_ABOVE = frozenset({"topic", "language", "duration_s", "aspect", "channel"})
"""Fields that are seen without opening anything."""


def _is_opened(values: Filled) -> bool:
    usual = brief_form.fresh(values["language"])
    return any(values[name] and values[name] != usual[name] for name in FIELDS if name not in _ABOVE)


def _is_local(board: Board) -> bool:
    return all(board.shelf.name_of(kind, {}) == "local" for kind in PROVIDERS)


def _choices(board: Board, values: Filled) -> dict[str, Any]:
    """What each list of the form offers."""
    return {
        "languages": brief_form.LANGUAGES,
        "lengths": lengths_of(values["duration_s"]),
        "aspects": brief_form.ASPECTS,
        "privacy": brief_form.PRIVACY,
        "subtitles": brief_form.SUBTITLES,
        "reviews": brief_form.REVIEWED,
        "makers": {kind: (brief_form.MAKERS[kind], [name for name in names if _is_there(board, name)]) for kind, names in PROVIDERS.items()},
        "channels": sorted(board.shelf.channels),
    }  # fmt: skip


def _asks_channel(board: Board) -> bool:
    """Whether nobody can tell for the reader where a video goes."""
    settings = board.settings
    return settings.has_key("youtube") and not settings.has_default_channel and len(board.shelf.channels) > 1


def _is_there(board: Board, name: str) -> bool:
    return name in {"auto", "local"} or board.settings.has_key(name)


ROUTES: list[BaseRoute] = [Route("/new", show), Route("/new", send, methods=["POST"])]

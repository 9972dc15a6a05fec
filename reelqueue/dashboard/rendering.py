"""Pages made of templates, in the reader's language and theme."""

import re
import socket
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from jinja2 import DictLoader, Environment, StrictUndefined, Template, select_autoescape
from markupsafe import Markup, escape
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from reelqueue import clock
from reelqueue.dashboard import charts, figures
from reelqueue.dashboard.asked import address, board_of, language_of, parts_of, path_of, prefix_of, seal_of, whole_path, zone_of
from reelqueue.dashboard.assets import HERE, address_of
from reelqueue.dashboard.door.access import Role, role_of
from reelqueue.dashboard.door.packing import packed
from reelqueue.dashboard.project.strip import strip_of
from reelqueue.dashboard.words import LOOKS, STAGE, STATUS, WORDS
from reelqueue.wording import Text

SAID, SAID_SECONDS = "reelqueue_said", 120
"""The cookie with the line after an action, and how long it may wait for its page."""


def templates_in(folder: Path) -> Environment:
    """A folder's templates as they are now: one that an upgrade replaces under a running board does not fit the code in memory."""
    return Environment(
        loader=DictLoader({path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.html")}),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


_pages = templates_in(HERE / "templates")
_pages.filters.update(span=figures.span, percent=figures.percent, usd=figures.usd, count=figures.count, size=figures.size)
_pages.filters["utc"] = lambda at: f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
_pages.globals.update(charts=charts, LOOKS=LOOKS, STATUS=STATUS, STAGE=STAGE, strip_of=strip_of)


def page(
    request: Request, template: str, *, status: int = 200, says: Mapping[str, Text] | None = None, **values: Any
) -> Response:
    """A page; with `?part=NAME` only its block `part_NAME`, for a page that is open already; with several, each in a `<template>`.

    Beside `values` templates have `board`, `role`, `lang`, `theme`, `here` (the path, without what the board is mounted under),
    `url(path)`, `static(name)`, `say(text or name)`, `told` (the same, with markup in its parts), `sentence(text)` (of an error: with
    its capital and its full stop), `when(at)`, `now`, `zone`, `off(queue)` (why an action is off, None while it is on), `m`, the
    macros, and `c`, the charts.  `says` are the page's own sentences, by name.
    """
    board, zone = board_of(request), zone_of(request)

    def off(queue: bool = True) -> Text | None:
        if role_of(request) is Role.VIEWER:
            return WORDS["viewer_off"]
        return WORDS["redis_off"] if queue and not board.link.is_there else None

    found = _pages.get_template(template)
    names: dict[str, Any] = {
        **_names(request, zone, says or {}),
        "board": board,
        "role": role_of(request),
        "place": place_of(),
        "off": off,
        "around": request.state.around,
        "cursor": request.state.cursor,
        "said": None,
        **values,
    }
    names["m"] = _pages.get_template("macros.html").make_module(names)
    names["c"] = _pages.get_template("charts.html").make_module(names)
    if parts := parts_of(request):
        return packed(_parts(found, parts, names, status), request.headers)
    names["said"] = said = _said(request)
    answer = HTMLResponse(found.render(names), status_code=status)
    if said is not None:
        answer.delete_cookie(SAID, path=prefix_of(request.scope) or "/")
    return packed(answer, request.headers)


def _parts(found: Template, parts: Sequence[str], names: dict[str, Any], status: int) -> HTMLResponse:
    """Blocks of a template or of what it extends, those that there are; 404 where there is none."""
    context = found.new_context(names)
    next(iter(found.root_render_func(context)), None)  # runs what stands before the blocks: imports, `set`, `extends`
    made = {part: "".join(context.blocks[f"part_{part}"][0](context)) for part in parts if f"part_{part}" in context.blocks}
    if not made:
        return HTMLResponse(status_code=404)
    if len(parts) > 1:
        made = {part: f'<template data-part="{escape(part)}">{block}</template>' for part, block in made.items()}
    return HTMLResponse("".join(made.values()), status_code=status)


def bare(
    request: Request,
    template: str,
    *,
    status: int,
    says: Mapping[str, Text] | None = None,
    headers: Mapping[str, str] | None = None,
    **values: Any,
) -> HTMLResponse:
    """A page that needs neither a role nor an open board: `page` has more for its template."""
    zone = zone_of(request) if hasattr(request.app.state, "board") else ZoneInfo("UTC")
    names = {**_names(request, zone, says or {}), **values}
    names["m"] = _pages.get_template("macros.html").make_module(names)
    return HTMLResponse(_pages.get_template(template).render(names), status_code=status, headers=dict(headers or {}))


def _names(request: Request, zone: ZoneInfo, says: Mapping[str, Text]) -> dict[str, Any]:
    """What every template has."""
    known, language = {**WORDS, **says}, language_of(request)

    def say(text: Text | str, **parts: Any) -> str:
        """A sentence in the reader's language: a `Text`, or the name of one."""
        sentence = (text if isinstance(text, Text) else known[text]).in_language(language)
        return sentence.format(**parts) if parts else sentence

    def word(name: str, **parts: Any) -> str:
        """As `say`, of the board's own words: a page's sentence of the same name does not come between."""
        return say(WORDS[name], **parts)

    def told(text: Text | str, **parts: Any) -> Markup:
        """As `say`, where a part is markup: a clock time, a link."""
        return escape(say(text)).format(**parts)

    def whole_sentence(text: Text, *, capital: bool = True) -> str:
        """An error's words as a sentence of a page: they are kept without capital and full stop, for the command line."""
        words = text.in_language(language).strip()
        capital = capital and not words.startswith("reelqueue ")  # a command is written as it is typed
        ends = words.endswith((".", "!", "?", "…", "。", "！", "？"))
        if language == "en":
            return f"{words[:1].upper() if capital else words[:1]}{words[1:]}{'' if ends else '.'}"
        return f"{words}{'' if ends else '。'}"

    def when(at: datetime | None, form: str = "%H:%M") -> str:
        return "–" if at is None else at.astimezone(zone).strftime(form)

    has_seal = hasattr(request.app.state, "seal")
    return {
        "request": request,
        "lang": language,
        "theme": theme_of(request),
        "here": path_of(request.scope),
        "whole": whole_path(request),
        "now": clock.now(),
        "zone": zone,
        "url": lambda path: address(request, path),
        "static": lambda name: address(request, address_of(name)),
        "say": say,
        "word": word,
        "WORDS": WORDS,
        "told": told,
        "sentence": whole_sentence,
        "when": when,
        "clock_time": when,
        "token": seal_of(request).token(request.state.seed) if has_seal else "",
        "off": lambda queue=True: None,  # noqa: ARG005 - as `page` has it
    }


def place_of() -> str:
    """Which machine this is, for who keeps several boards open; nothing where it is only a container's number."""
    name = socket.gethostname().partition(".")[0]
    return "" if re.fullmatch(r"[0-9a-f]{12,}", name) else name


def theme_of(request: Request) -> str:
    """What the reader chose: "light", "dark", or "auto" as its system has it."""
    theme = request.cookies.get("theme", "auto")
    return theme if theme in {"light", "dark"} else "auto"


def _said(request: Request) -> dict[str, Text | str] | None:
    """The line after an action, for the page that it is meant for.

    Script that reads a page (a dialog's answer, a fresh `main`) does not use it up: the reader has not seen it then.
    """
    if request.headers.get("sec-fetch-mode", "navigate") != "navigate":
        return None
    line = seal_of(request).take(SAID, request.cookies.get(SAID), SAID_SECONDS)
    if not isinstance(line, dict) or line.get("path") != path_of(request.scope):
        return None
    return {"text": Text(line["zh"], line["en"]), "look": line["look"]}

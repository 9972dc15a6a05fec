"""Pages made of templates, in the reader's language and theme."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from starlette.requests import Request
from starlette.responses import HTMLResponse

from reelqueue.dashboard import charts, figures
from reelqueue.dashboard.access import role_of
from reelqueue.dashboard.asked import address, board_of, language_of
from reelqueue.dashboard.words import WORDS
from reelqueue.wording import Text

HERE = Path(__file__).parent
_pages = Environment(
    loader=FileSystemLoader(HERE / "templates"),
    autoescape=select_autoescape(default=True, default_for_string=True),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_pages.filters.update(span=figures.span, percent=figures.percent, usd=figures.usd, count=figures.count, size=figures.size)
_pages.globals.update(charts=charts)


def page(
    request: Request, template: str, *, status: int = 200, says: Mapping[str, Text] | None = None, **values: Any
) -> HTMLResponse:
    """A page; with `?part=NAME` only its block `part_NAME`, for a page that is open already.

    Beside `values` templates have `board`, `role`, `lang`, `theme`, `here`, `url(path)`, `say(text or name)`, `when(at)`.  `says` are
    the page's own sentences, by name.
    """
    board = board_of(request)
    known = {**WORDS, **(says or {})}

    def say(text: Text | str, **parts: Any) -> str:
        """A sentence in the reader's language: a `Text`, or the name of one."""
        sentence = (text if isinstance(text, Text) else known[text]).in_language(language_of(request))
        return sentence.format(**parts) if parts else sentence

    def when(at: datetime | None, form: str = "%H:%M") -> str:
        return "–" if at is None else at.astimezone(board.zone).strftime(form)

    found = _pages.get_template(template)
    names = {
        "board": board,
        "role": role_of(request),
        "lang": language_of(request),
        "theme": request.cookies.get("theme", "auto"),
        "here": request.url.path.removeprefix(str(request.scope.get("root_path", ""))),
        "url": lambda path: address(request, path),
        "say": say,
        "when": when,
        "request": request,
        **values,
    }
    part = request.query_params.get("part")
    block = found.blocks.get(f"part_{part}") if part else None
    if block is not None:
        return HTMLResponse("".join(block(found.new_context(names))), status_code=status)
    return HTMLResponse(found.render(names), status_code=status)

"""Forms of pages: what one sent, the line after it, the page that asks before what cannot be taken back."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Literal

from python_multipart.multipart import parse_options_header
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import RedirectResponse, Response

from reelqueue.dashboard.asked import address, prefix_of, seal_of
from reelqueue.dashboard.problems import Refused
from reelqueue.dashboard.rendering import SAID, SAID_SECONDS, page
from reelqueue.wording import Text

TOKEN_FIELD = "csrf"  # noqa: S105 - the field's name, no token
MOST_FIELDS, MOST_FILES = 2_000, 4
FIELD_BYTES = 256 * 1024
FORM_SECONDS = 120.0
"""How long a form may take to come: a file of 32 MB at 2 Mbit/s."""
_CHARSETS = frozenset({b"utf-8", b"utf8", b"us-ascii"})
SLOW = Text("內容送得太慢，沒有做任何變更", "that came too slowly; nothing was changed")
BROKE_OFF = Text("內容沒有送完，沒有做任何變更", "the form broke off; nothing was changed")
STALE = Text("這個頁面太舊了，沒有做任何變更", "this page is too old; nothing was changed")
STALE_HINT = Text("重新整理頁面後再試一次", "load the page again, then try again")

Look = Literal["ok", "run", "bad", "quota", "mute"]


@dataclass(frozen=True, slots=True)
class Form:
    """What a form sent: fields as text, files as they are uploaded."""

    values: Mapping[str, Sequence[str]] = field(default_factory=dict)
    files: Mapping[str, UploadFile] = field(default_factory=dict)

    def get(self, name: str, otherwise: str = "") -> str:
        """A field's text without blanks at its ends, its lines divided as Unix has it."""
        found = self.values.get(name, ())
        return found[-1].replace("\r\n", "\n").strip() if found else otherwise

    def all(self, name: str) -> list[str]:
        """Every value of a field that may stand more than once."""
        return [one.strip() for one in self.values.get(name, ())]

    def __contains__(self, name: object) -> bool:
        """Whether the form had that field, be it empty."""
        return name in self.values

    def has(self, name: str) -> bool:
        """Whether a box was ticked or a field was filled."""
        return bool(self.get(name))


async def form_of(request: Request) -> Form:
    """What a form sent, once it is known that our own page sent it.

    Raises:
        Refused: 403 the page is too old or not ours; 413 a field is too long; 400 it is no form, or broke off; 408 it took too long;
            415 it is something else.
    """
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    is_form = kind in {b"application/x-www-form-urlencoded", b"multipart/form-data"}
    if not is_form or options.get(b"charset", b"utf-8").lower() not in _CHARSETS:  # python knows charsets that make no text
        raise Refused(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            Text("這裡只接受表單", "only a form can be sent here"),
            Text("程式請使用 /api，見 /api/docs", "programs use /api, see /api/docs"),
        )
    try:
        async with asyncio.timeout(FORM_SECONDS):
            sent = await request.form(max_files=MOST_FILES, max_fields=MOST_FIELDS, max_part_size=FIELD_BYTES)
    except TimeoutError:
        raise Refused(HTTPStatus.REQUEST_TIMEOUT, SLOW, headers={"Connection": "close"}) from None
    except ClientDisconnect:
        raise Refused(HTTPStatus.BAD_REQUEST, BROKE_OFF) from None
    except HTTPException as error:
        is_large = any(word in error.detail for word in ("exceeded", "Too many"))
        raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE if is_large else HTTPStatus.BAD_REQUEST) from error
    request.state.sent = sent  # the gate closes its files, once the answer is given
    form = _form(sent)
    if not seal_of(request).is_token(form.get(TOKEN_FIELD), request.state.seed):
        raise Refused(HTTPStatus.FORBIDDEN, STALE, STALE_HINT)
    return form


def _form(sent: FormData) -> Form:
    values: dict[str, list[str]] = {}
    files: dict[str, UploadFile] = {}
    for name, value in sent.multi_items():
        if isinstance(value, UploadFile):
            if value.filename or value.size:
                files[name] = value
        else:
            if len(value) > FIELD_BYTES:
                raise Refused(
                    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                    Text(f"欄位「{name[:40]}」太長", f"the field {name[:40]!r} is too long"),
                )
            values.setdefault(name, []).append(value)
    return Form(values, files)


def done(request: Request, path: str, said: Text, look: Look = "ok") -> Response:
    """Back to a page, which says `said` once, under its title.

    `look` is the line's icon: what was done ("ok"), is under way ("run"), could not be done ("bad").
    """
    answer = RedirectResponse(address(request, path), status_code=HTTPStatus.SEE_OTHER)
    line = {"zh": said.zh[:400], "en": said.en[:400], "look": look, "path": path.partition("?")[0].partition("#")[0]}
    answer.set_cookie(
        SAID,
        seal_of(request).put(SAID, line),
        max_age=SAID_SECONDS,
        path=prefix_of(request.scope) or "/",
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )
    return answer


def confirm(
    request: Request,
    *,
    title: Text,
    body: Sequence[Text],
    path: str,
    label: Text,
    keep: Text,
    back: str,
    icon: str = "cancel",
    fields: Mapping[str, str] | None = None,
) -> Response:
    """The page that asks before what cannot be taken back; with script it is a dialog over the page it came from.

    `title` is what would be done ("Cancel …?"), `body` what comes of it, a paragraph each.  `label` does it (a POST to `path` with
    `fields`), `keep` leads `back` and has the focus.
    """
    return page(
        request,
        "confirm.html",
        title=title,
        body=body,
        path=path,
        label=label,
        keep=keep,
        back=back,
        icon=icon,
        fields={"sure": "yes", **(fields or {})},
    )

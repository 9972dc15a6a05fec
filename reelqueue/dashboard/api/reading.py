"""What a program sends: its body as JSON, its query, its key; refused before anything is done with it."""

import asyncio
import json
import re
import time
from collections.abc import Mapping
from typing import Any, TypeVar, get_args, get_origin

from pydantic import ValidationError
from starlette.requests import ClientDisconnect, Request

from reelqueue.dashboard.problems import Refused
from reelqueue.errors import InvalidBrief
from reelqueue.models.frozen import Frozen
from reelqueue.wording import Text, same

MOST_DRAINED_BYTES, MOST_DRAINED_S = 256_000_000, 20.0
"""How much of a body that is too large is still taken, and for how long: who sends reads the answer only when he has sent it."""
BODY_SECONDS = 120.0
"""How long a body may take to come: 32 MB at 2 Mbit/s."""
MOST_KEY_CHARS = 255
_HALF = re.compile(rb"\\u[dD][89a-fA-F]")
"""Half a character, escaped: JSON allows it, no text holds it."""

Query = TypeVar("Query", bound=Frozen)


async def body_of(request: Request, most: int) -> bytes:
    """The body, of at most so many bytes.

    Raises:
        Refused: 413, when the rest was taken and thrown away; 400, where it broke off; 408, where it takes too long.
    """
    told = request.headers.get("content-length", "")
    if told.isascii() and told.isdigit() and int(told[:20]) > most:
        if request.headers.get("expect", "").lower() != "100-continue":  # who asks first has sent nothing yet
            await _drain(request, most)
        raise _too_large(most)
    parts, taken = list[bytes](), 0
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for part in request.stream():
                taken += len(part)
                if taken > most:
                    break
                parts.append(part)
    except TimeoutError:
        raise Refused(408, Text("內容送得太慢", "the body came too slowly"), headers={"Connection": "close"}) from None
    except ClientDisconnect:
        raise Refused(400, Text("內容沒有送完", "the body broke off")) from None
    if taken > most:
        parts.clear()
        await _drain(request, most)
        raise _too_large(most)
    return b"".join(parts)


async def _drain(request: Request, most: int) -> None:
    until, taken = time.monotonic() + MOST_DRAINED_S, most
    try:
        async with asyncio.timeout(MOST_DRAINED_S):
            while taken < MOST_DRAINED_BYTES and time.monotonic() < until:
                message = await request.receive()
                taken += len(message.get("body", b""))
                if message["type"] == "http.disconnect" or not message.get("more_body", False):
                    return
    except TimeoutError:
        return


def _too_large(most: int) -> Refused:
    size = f"{most // 1_000_000} MB" if most >= 1_000_000 else f"{most // 1_000} kB"
    return Refused(413, Text(f"內容太大：最多 {size}", f"the body is too large: {size} at most"))


async def json_of(request: Request, most: int, *, optional: bool = False) -> Any:
    """The body as JSON data; None where it is `optional` and there is none.

    Raises:
        Refused: 413 too large, 415 of another type, 400 no JSON.
    """
    kind = request.headers.get("content-type", "")
    if not optional and not _is_json(kind):
        await body_of(request, most)  # it is taken all the same: see `_drain`
        raise Refused(415, headers={"Accept": "application/json"})
    body = await body_of(request, most)
    if optional and not body.strip():
        return None
    if not _is_json(kind):
        raise Refused(415, headers={"Accept": "application/json"})
    return parsed(body) if len(body) < 100_000 else await asyncio.to_thread(parsed, body)


def _is_json(kind: str) -> bool:
    media, _, rest = kind.partition(";")
    name = media.strip().lower()
    charset = re.search(r"charset\s*=\s*\"?([^\s;\"]+)", rest, re.IGNORECASE)
    if charset is not None and charset[1].lower() not in {"utf-8", "utf8", "us-ascii"}:
        return False
    return name == "application/json" or (name.startswith("application/") and name.endswith("+json"))


def parsed(body: bytes) -> Any:
    """JSON data of UTF-8 text; each name once in its object, every number finite, every character whole.

    Raises:
        Refused: 400, says where it ends to be JSON.
    """
    try:
        data = json.loads(body.decode("utf-8-sig"), object_pairs_hook=_once_each, parse_constant=_no_number)
        if _HALF.search(body):
            json.dumps(data, ensure_ascii=False).encode()
    except UnicodeError:  # raised before ValueError, which it is, too
        raise Refused(400, Text("內容不是 UTF-8 文字", "the body is not UTF-8 text")) from None
    except json.JSONDecodeError as error:
        where = Text(f"第 {error.lineno} 行第 {error.colno} 個字元", f"line {error.lineno}, character {error.colno}")
        raise Refused(400, Text(f"內容不是 JSON（{where.zh}）", f"the body is not JSON ({where.en})")) from None
    except _Odd as error:
        raise Refused(400, error.why) from None
    except (ValueError, RecursionError):  # a number of thousands of digits, thousands of brackets
        raise Refused(400, Text("內容不是合理的 JSON", "the body is not JSON of a sensible kind")) from None
    return data


class _Odd(ValueError):
    """JSON that Python reads and nobody means."""

    def __init__(self, why: Text) -> None:
        super().__init__(why.en)
        self.why = why


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        seen = set[str]()
        for name, _ in pairs:
            if name in seen:
                raise _Odd(Text(f"「{name[:60]}」在同一個物件裡出現兩次", f"{name[:60]!r} stands twice in one object"))
            seen.add(name)
    return found


def _no_number(name: str) -> float:
    raise _Odd(Text(f"JSON 沒有 {name} 這個值", f"{name} is no value of JSON"))


def query_of(request: Request, model: type[Query], allowed: Mapping[str, Text]) -> Query:
    """The query as `model` has it; `allowed` says of each name what may stand there.

    Raises:
        InvalidBrief: names the parameter that is unknown, given twice, or wrong.
    """
    given: dict[str, Any] = {}
    for name in request.query_params:
        values = request.query_params.getlist(name)
        known = model.model_fields.get(name)
        if known is None:
            names = ", ".join(model.model_fields) or "-"
            raise InvalidBrief(name[:80], Text(f"這些參數：{names}", f"one of the parameters {names}"), name)
        if _is_list(known.annotation):
            given[name] = values
        elif len(values) > 1:
            raise InvalidBrief(name, Text("只出現一次", "to stand there once"), values)
        else:
            given[name] = values[0]
    try:
        return model.model_validate(given)
    except ValidationError as error:
        name = str(error.errors()[0]["loc"][0])
        raise InvalidBrief(name, allowed.get(name, same(name)), given.get(name)) from None


def _is_list(annotation: Any) -> bool:
    return get_origin(annotation) in {tuple, list} or any(get_origin(one) in {tuple, list} for one in get_args(annotation))


def key_of(request: Request) -> str | None:
    """The `Idempotency-Key`, as it stands or as a quoted string; None where there is none.

    Raises:
        InvalidBrief: it is empty, too long, or no printable text.
    """
    values = request.headers.getlist("idempotency-key")
    if not values:
        return None
    key = values[0].strip()
    if len(key) > 1 and key[0] == key[-1] == '"':
        key = key[1:-1]
    if len(values) > 1 or not 1 <= len(key) <= MOST_KEY_CHARS or not key.isascii() or not key.isprintable() or not key.strip():
        allowed = Text(
            f"一個 1 到 {MOST_KEY_CHARS} 個可列印 ASCII 字元的鍵", f"one key of 1 to {MOST_KEY_CHARS} printable ASCII characters"
        )
        raise InvalidBrief("Idempotency-Key", allowed, key)
    return key

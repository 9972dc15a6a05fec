"""`/api/docs`: the API for people to read, made of the same table as `/api/openapi.json`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from reelqueue.dashboard.api.openapi import PHRASES, document
from reelqueue.dashboard.api.table import OPERATIONS
from reelqueue.dashboard.asked import address, language_of, prefix_of
from reelqueue.dashboard.problems import CODE_OF_STATUS, STATUS_OF_CODE
from reelqueue.dashboard.rendering import page
from reelqueue.wording import Text

SAYS = {
    "title": Text("HTTP API", "HTTP API"),
    "lead": Text(
        "任何語言的程式都能用它操作 reelqueue：狀態、錯誤與編號和 Python API 相同。",
        "Any program can drive reelqueue by it: states, errors and ids are those of the Python API.",
    ),
    "openapi": Text("OpenAPI 3.1 檔案", "The OpenAPI 3.1 file"),
    "first": Text("從這裡開始", "Begin here"),
    "rules": Text("共通的規則", "What holds everywhere"),
    "rule_list": Text(
        "清單是 {items, next}：把 next 當作 after 傳回就是下一頁；null 表示沒有了。",
        "Lists come as {items, next}: send next back as after for the page behind; null is the end.",
    ),
    "rule_key": Text(
        "POST 可以帶 Idempotency-Key：沒收到回應就原樣再送一次，不會做兩次。",
        "A POST takes an Idempotency-Key: who heard no answer sends it again as it was, and it is not done twice.",
    ),
    "rule_token": Text(
        "設了 DASHBOARD_PASSWORD 之後，每個請求都要帶 Authorization: Bearer <API_TOKEN>。",
        "With a DASHBOARD_PASSWORD set, each request has to bear Authorization: Bearer <API_TOKEN>.",
    ),
    "rule_language": Text(
        "錯誤訊息的語言依 Accept-Language；程式請看 code。",
        "Messages come in the language of Accept-Language; programs go by code.",
    ),
    "parameter": Text("參數", "Parameter"),
    "place": Text("位置", "Where"),
    "meaning": Text("內容", "What"),
    "answer": Text("回應", "Answer"),
    "body": Text("內容（JSON）", "Body (JSON)"),
    "field": Text("欄位", "Field"),
    "problems": Text("錯誤", "Problems"),
    "problems_lead": Text(
        "錯誤是 application/problem+json（RFC 9457）；code 決定該怎麼辦，detail 與 hint 給人看。",
        "Errors are application/problem+json (RFC 9457); code decides what to do, detail and hint are for people.",
    ),
    "schemas": Text("資料的形狀", "Shapes of data"),
    "one_of": Text("其中之一", "one of"),
    "optional": Text("可省略", "may be left out"),
}


def _codes() -> dict[str, list[int]]:
    """Every code, and the statuses that it comes with."""
    found: dict[str, set[int]] = {}
    for code, status in (*STATUS_OF_CODE.items(), *((code, status) for status, code in CODE_OF_STATUS.items())):
        found.setdefault(code, set()).add(int(status))
    return {code: sorted(found[code]) for code in sorted(found, key=lambda code: (min(found[code]), code))}


CODES = _codes()


@dataclass(frozen=True, slots=True)
class Row:
    """One field of a schema, or one parameter, in words."""

    name: str
    kind: str
    about: str
    needed: bool = False
    place: str = ""


async def openapi(request: Request) -> Response:
    """The file."""
    return JSONResponse(document(OPERATIONS, language_of(request), prefix_of(request.scope)))


async def docs(request: Request) -> Response:
    """The page."""
    whole = document(OPERATIONS, language_of(request), prefix_of(request.scope))
    return page(
        request,
        "api_docs.html",
        says=SAYS,
        api=whole,
        groups=_groups(whole),
        codes=CODES,
        phrase=PHRASES,
        base=f"{request.url.scheme}://{request.url.netloc}{address(request, '/api')}",
    )


async def shapes(request: Request) -> Response:
    """What is taken and answered, by its name."""
    whole = document(OPERATIONS, language_of(request), prefix_of(request.scope))
    told = [(name, _fields(schema), schema) for name, schema in whole["components"]["schemas"].items()]
    return page(request, "api_shapes.html", says=SAYS, shapes=told)


async def root(request: Request) -> Response:
    """Who asks for the API itself reads what it can do."""
    return RedirectResponse(address(request, "/api/docs"))


def _groups(whole: Mapping[str, Any]) -> list[tuple[Mapping[str, Any], list[dict[str, Any]]]]:
    """Operations by what they are about, each with its parameters and its body in words."""
    found: dict[str, list[dict[str, Any]]] = {tag["name"]: [] for tag in whole["tags"]}
    for path, methods in whole["paths"].items():
        for method, one in methods.items():
            rows = [
                Row(told["name"], _kind(told["schema"]), told["description"], told["required"], told["in"])
                for told in one["parameters"]
            ]
            content = one.get("requestBody", {}).get("content", {}).get("application/json", {})
            answer = next(iter(one["responses"].items()))
            found[one["tags"][0]].append(
                {
                    **one,
                    "path": path,
                    "method": method.upper(),
                    "rows": rows,
                    "takes": _name(content.get("schema", {})),
                    "status": answer[0],
                    "answers": _name(next(iter(answer[1].get("content", {"": {}}).values())).get("schema", {})),
                    "refused": [status for status in one["responses"] if int(status) >= 400],
                }
            )
    return [(tag, found[tag["name"]]) for tag in whole["tags"]]


def _fields(schema: Mapping[str, Any]) -> list[Row]:
    needed = set(schema.get("required", ()))
    return [
        Row(name, _kind(one), str(one.get("description", "")), name in needed)
        for name, one in schema.get("properties", {}).items()
    ]


def _kind(schema: Mapping[str, Any]) -> str:
    """A schema in a few words, such as `string ≤ 200` or `[Stage]`."""
    if "$ref" in schema:
        return _name(schema)
    if "anyOf" in schema:
        return " | ".join(dict.fromkeys(_kind(one) for one in schema["anyOf"]))
    if "enum" in schema:
        return " | ".join(str(one) for one in schema["enum"])
    if "const" in schema:
        return str(schema["const"])
    kind = schema.get("type", "any")
    kind = " | ".join(kind) if isinstance(kind, list) else str(kind)
    if kind == "array":
        items = schema.get("items", {})
        return f"[{_kind(items)}]"
    return kind + _bounds(schema)


def _bounds(schema: Mapping[str, Any]) -> str:
    least = schema.get("minimum", schema.get("minLength"))
    most = schema.get("maximum", schema.get("maxLength"))
    if least is not None and most is not None:
        return f" {least:,}–{most:,}"
    return f" ≤ {most:,}" if most is not None else f" ({schema['format']})" if "format" in schema else ""


def _name(schema: Mapping[str, Any]) -> str:
    return str(schema.get("$ref", "")).rpartition("/")[2]


ROUTES = [Route("/openapi.json", openapi), Route("/docs", docs), Route("/docs/shapes", shapes), Route("/", root)]

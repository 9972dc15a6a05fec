"""`/api/openapi.json`: OpenAPI 3.1, made of the table of operations and of the models that they take and answer."""

import functools
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel

from reelqueue.dashboard.api import queries
from reelqueue.dashboard.api.operation import READS, Operation
from reelqueue.dashboard.api.reading import MOST_KEY_CHARS
from reelqueue.dashboard.api.schemas import REF, schemas_of
from reelqueue.dashboard.problems import MEDIA
from reelqueue.version import __version__
from reelqueue.wording import Language, Text

TAGS = {
    "projects": Text("專案：從需求到影片", "Projects: from a brief to a video"),
    "batches": Text("批次：一次許多專案", "Batches: many projects at once"),
    "workers": Text("誰在工作", "Who works"),
    "queues": Text("什麼在等", "What waits"),
    "quotas": Text("還剩多少配額", "What is left of each quota"),
    "costs": Text("花了多少錢", "What was paid"),
}
_ABOUT = Text(
    "reelqueue 的 HTTP API：狀態、錯誤與編號和 Python API 相同。清單是 {items, next}，把 next 當作 after 傳回就是下一頁。"
    "錯誤是 problem+json，code 決定該怎麼辦。設了密碼之後要帶 Authorization: Bearer <API_TOKEN>。",
    "The HTTP API of reelqueue: states, errors and ids are those of the Python API. Lists come as {items, next}; `next` is the "
    "`after` of the page behind. Errors are problem+json, and their `code` decides what to do. Once a password is set, send "
    "Authorization: Bearer <API_TOKEN>.",
)
PHRASES = {
    200: Text("做好了", "Done"),
    201: Text("已建立；Location 是它的網址", "Made; Location is its address"),
    202: Text("已放進佇列", "Queued"),
    204: Text("做好了，沒有內容", "Done; there is nothing to say"),
    206: Text("檔案的一部分", "A part of the file"),
    304: Text("沒有變", "It has not changed"),
    400: Text("內容不是 JSON，或請求看不懂", "The body is no JSON, or the request makes no sense"),
    401: Text("缺少或錯誤的 API_TOKEN", "No API_TOKEN, or a wrong one"),
    403: Text("只能查看，或來自別的網站", "Who may only look, or comes from another site"),
    404: Text("沒有這個編號，或格式不對", "Unknown or malformed id"),
    408: Text("內容送得太慢", "The body came too slowly"),
    409: Text("與目前的狀態不合，或鍵已用於別的內容", "It does not fit the state, or the key stands for something else"),
    412: Text("If-Match 的腳本已被別人改過", "Somebody else changed what If-Match names"),
    413: Text("內容太大", "The body is too large"),
    415: Text("內容不是 JSON", "The body is not JSON"),
    416: Text("範圍在檔案之外", "The range lies outside the file"),
    422: Text("某個欄位或參數不正確；field 指出是哪個", "A field or parameter is wrong; `field` names it"),
    429: Text("太頻繁；Retry-After 說等多久", "Too often; Retry-After says how long to wait"),
    502: Text("外部服務拒絕了", "A service outside refused"),
    503: Text("Redis、磁碟或外部服務沒有回應", "Redis, the disk or a service does not answer"),
    507: Text("磁碟滿了", "The disk is full"),
}
ALWAYS = (401, 403, 503)
"""What any of them may answer; what takes a body 400, 408, 413, 415 and 429, too."""


@functools.lru_cache(maxsize=16)
def document(operations: tuple[Operation, ...], language: Language, prefix: str) -> dict[str, Any]:
    """The whole of it, in one language; `prefix` is what the board is mounted under."""
    schemas, answers = schemas_of(operations, language)
    paths: dict[str, dict[str, Any]] = {}
    for one in operations:
        paths.setdefault(one.path.replace(":path}", "}"), {})[one.method.lower()] = _operation(one, language, answers)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "reelqueue",
            "version": __version__,
            "description": _ABOUT.in_language(language),
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": f"{prefix}/api"}],
        "security": [{}, {"token": []}],
        "tags": [{"name": name, "description": about.in_language(language)} for name, about in TAGS.items()],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer", "description": "API_TOKEN"}},
        },
    }


def _operation(one: Operation, language: Language, answers: dict[type[BaseModel], dict[str, Any]]) -> dict[str, Any]:
    told: dict[str, Any] = {
        "operationId": one.name,
        "tags": [one.tag],
        "summary": one.about.in_language(language),
        "parameters": _parameters(one, language),
        "responses": _responses(one, language, answers),
    }
    if one.takes is not None:
        schema = {"$ref": REF.format(model=one.takes if isinstance(one.takes, str) else one.takes.__name__)}
        told["requestBody"] = {"required": not one.optional, "content": {"application/json": {"schema": schema}}}
    return told


def _parameters(one: Operation, language: Language) -> list[dict[str, Any]]:
    found = [_in_path(part[1:-1], language) for part in one.path.split("/") if part.startswith("{")]
    properties = one.query.model_json_schema(ref_template=REF).get("properties", {})
    for name in one.query.model_fields:
        schema = _plain(properties[name])
        about = queries.ALLOWED[name].in_language(language)
        found.append({"name": name, "in": "query", "required": False, "description": about, "schema": schema})
    if one.key:
        once = Text("同一個鍵只做一次", "What is asked for under one key is done once").in_language(language)
        schema = {"type": "string", "minLength": 1, "maxLength": MOST_KEY_CHARS, "pattern": r"^[!#-~]([ -~]*[!#-~])?$"}
        found.append({"name": "Idempotency-Key", "in": "header", "required": False, "description": once, "schema": schema})
    for name, what, example in _HEADERS.get(one.name, ()):
        found.append(
            {
                "name": name,
                "in": "header",
                "required": False,
                "description": what.in_language(language),
                "schema": {"type": "string"},
                "example": example,
            }
        )
    return found


_HEADERS = {
    "put_script": (("If-Match", Text("讀取時的 ETag", "the ETag that it was read under"), '"9f86d081884c7d65"'),),
    "project_events": (("Last-Event-ID", Text("最後收到的事件", "the event that was heard last"), "k3f9-7"),),
    "batch_events": (("Last-Event-ID", Text("最後收到的事件", "the event that was heard last"), "k3f9-7"),),
    "get_file": (("Range", Text("要檔案的哪一部分", "which part of the file is wanted"), "bytes=0-1048575"),),
}


def _in_path(name: str, language: Language) -> dict[str, Any]:
    name = name.removesuffix(":path")
    if name in {"project_id", "batch_id"}:
        about, schema = queries.ALLOWED[name].in_language(language), {"type": "integer", "minimum": 1, "maximum": queries.MOST_ID}
    elif name == "path":
        about = Text("檔案的 path，例如 output/final_video.mp4", "a file's path, such as output/final_video.mp4").in_language(
            language
        )
        schema = {"type": "string", "minLength": 1}
    else:
        about, schema = Text("名稱", "its name").in_language(language), {"type": "string", "minLength": 1}
    return {"name": name, "in": "path", "required": True, "description": about, "schema": schema}


def _plain(schema: dict[str, Any]) -> dict[str, Any]:
    """A parameter's schema without what pydantic says of its default, and without null: a query has none."""
    if "anyOf" in schema:
        kinds = [kind for kind in schema["anyOf"] if kind.get("type") != "null"]
        schema = kinds[0] if len(kinds) == 1 else {"anyOf": kinds}
    return {name: value for name, value in schema.items() if name != "title" and not (name == "default" and value in (None, []))}


def _responses(one: Operation, language: Language, answers: dict[type[BaseModel], dict[str, Any]]) -> dict[str, Any]:
    told: dict[str, Any] = {}
    for status in (one.status, *one.also):
        about = {"description": PHRASES[status].in_language(language)}
        if one.answers is not None and status < HTTPStatus.NO_CONTENT:
            about |= {"content": {one.media: {"schema": answers[one.answers]}}}  # type: ignore[dict-item]  # OpenAPI nests
        elif one.answers is None and status in {200, 206}:
            about |= {"content": {one.media: {}}}  # type: ignore[dict-item]  # likewise
        told[str(status)] = about
    taken = () if one.method in READS else (400, 408, 413, 429) if one.takes is None else (400, 408, 413, 415, 429)
    problem = {MEDIA: {"schema": {"$ref": REF.format(model="Problem")}}}
    refused = {422, *one.problems, *ALWAYS, *taken}  # 422: a parameter that there is not
    for status in sorted(refused):
        told[str(status)] = {"description": PHRASES[status].in_language(language), "content": problem}
    return told

"""The schemas of OpenAPI: of the models as they are, and of what is taken by rules that no model states."""

from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from jobs.batch.calendar_words import MOST_CHARS
from reelqueue.dashboard.api import shapes
from reelqueue.dashboard.api.operation import Operation
from reelqueue.models.batch import MOST_PROJECTS
from reelqueue.models.brief import (
    ALLOWED,
    LOCAL_LANGUAGES,
    MAX_CONTENT_CHARS,
    MAX_TOPIC_CHARS,
    MIN_CONTENT_CHARS,
    MOST_DESCRIPTION_BYTES,
    MOST_TITLE_CHARS,
    PROVIDERS,
    REVIEWS,
    Brief,
)
from reelqueue.wording import Language, Text

REF = "#/components/schemas/{model}"
_SEEN = r"\S"
"""There is something to see in it."""
Schema = dict[str, Any]


def schemas_of(operations: Iterable[Operation], language: Language) -> tuple[Schema, dict[type[BaseModel], Schema]]:
    """Every schema by its name; and for each model that is answered the reference to its own."""
    rows = tuple(operations)
    answered: list[type[BaseModel]] = []
    for one in rows:
        if one.answers is not None and one.answers not in answered:
            answered.append(one.answers)
    taken = list(dict.fromkeys(one.takes for one in rows if isinstance(one.takes, type)))
    told: list[type[BaseModel]] = [*answered, shapes.Problem]
    wanted: list[tuple[type[BaseModel], JsonSchemaMode]] = [(model, "serialization") for model in told]
    wanted += [(model, "validation") for model in taken]
    found, defined = models_json_schema(wanted, ref_template=REF)
    ours = {"NewBrief": _brief(language), "ScriptEdit": _edit(), "NewBatch": _batch(language)}
    return {**defined["$defs"], **ours}, {model: found[model, "serialization"] for model in answered}


def _brief(language: Language) -> Schema:
    """A brief as it is taken: the model's fields, and the rules that its validators have."""
    schema = Brief.model_json_schema()
    fields: dict[str, Schema] = schema["properties"]
    for name, field in fields.items():
        field.pop("title", None)
        field["description"] = ALLOWED[name].in_language(language)
    text = {"type": "string", "minLength": 1, "pattern": _SEEN}
    fields["topic"] |= {"anyOf": [text | {"maxLength": MAX_TOPIC_CHARS}, {"type": "null"}]}
    fields["content"] |= {"anyOf": [text | {"maxLength": MAX_CONTENT_CHARS}, {"type": "null"}]}
    fields["language"] |= {"anyOf": [{"enum": list(LOCAL_LANGUAGES)}, {"type": "null"}]}
    for name in ("publish_at", "deadline"):
        fields[name] |= {"anyOf": [{"type": "string", "format": "date-time"}, {"type": "null"}]}
    fields["review"] |= {"items": {"enum": list(REVIEWS)}}
    makers = {kind: {"enum": list(names)} for kind, names in PROVIDERS.items()}
    fields["providers"] |= {"properties": makers, "additionalProperties": False}
    about = Text(
        f"topic 或 content 至少要有一個；沒有 topic 時 content 至少 {MIN_CONTENT_CHARS} 個字元。",
        f"A topic or a content, at least one of them; where there is no topic, a content of {MIN_CONTENT_CHARS} characters or more.",
    )
    ends = [
        {"required": ["topic"], "properties": {"topic": {"type": "string"}}},
        {"required": ["content"], "properties": {"content": {"type": "string", "minLength": MIN_CONTENT_CHARS}}},
    ]
    return schema | {"title": "NewBrief", "description": about.in_language(language), "anyOf": ends}


def _batch(language: Language) -> Schema:
    """A new batch."""
    brief = {"$ref": REF.format(model="NewBrief")}
    words = {
        "keys": Text(
            "每個 brief 一個鍵或 null；同一個鍵的專案只建立一次", "a key or null for each brief; what bears one key is made once"
        ),
        "calendar": Text(
            "何時公開，例如 Mon-Fri 09:00,18:00 Asia/Taipei 或 6h",
            'when they become public, such as "Mon-Fri 09:00,18:00 Asia/Taipei" or "6h"',
        ),
        "webhook": Text("完成時通知的網址", "an address to tell when something of it ends"),
    }
    told = {name: about.in_language(language) for name, about in words.items()}
    text: list[Schema] = [{"type": "string"}, {"type": "null"}]
    return {
        "type": "object",
        "title": "NewBatch",
        "additionalProperties": False,
        "required": ["briefs"],
        "properties": {
            "briefs": {"type": "array", "minItems": 1, "maxItems": MOST_PROJECTS, "items": brief},
            "keys": {"anyOf": [{"type": "array", "items": {"anyOf": text}}, {"type": "null"}], "description": told["keys"]},
            "calendar": {"anyOf": [text[0] | {"maxLength": MOST_CHARS}, text[1]], "description": told["calendar"]},
            "webhook": {"anyOf": text, "description": told["webhook"]},
        },
    }


def _edit() -> Schema:
    """A script as it may be sent: what is computed (`index`, `duration`, ...) may stand there and is not read."""
    text, number = {"type": "string", "minLength": 1, "pattern": _SEEN}, {"type": "number"}
    part = _object({"text": text, "duration": number}, needs=["text"])
    segment = {
        "text": text,
        "image_description": {"type": "string", "maxLength": 2_000},
        "heading": {"anyOf": [text | {"maxLength": 100}, {"type": "null"}]},
        "picture": {"type": ["string", "null"]},
        "index": {"type": "integer"},
        "duration": number,
    }
    metadata = {
        "title": text | {"maxLength": MOST_TITLE_CHARS},
        "description": {"type": "string", "maxLength": MOST_DESCRIPTION_BYTES},
        "tags": {"type": "array", "items": {"type": "string"}},
    }
    whole = {
        "intro": part,
        "segments": {"type": "array", "minItems": 1, "items": _object(segment, needs=["text"])},
        "outro": part,
        "metadata": _object(metadata, needs=[]),
        "language": {"type": "string"},
        "total_duration": number,
        "first_title": {"type": ["string", "null"]},
        "look": {"type": ["object", "null"]},
    }
    return _object(whole, needs=["intro", "segments", "outro"]) | {"title": "ScriptEdit"}


def _object(properties: Schema, needs: list[str]) -> Schema:
    return {"type": "object", "additionalProperties": False, "required": needs, "properties": properties}

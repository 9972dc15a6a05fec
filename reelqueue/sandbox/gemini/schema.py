"""Shaping an answer to the schema that a request sent, in Gemini's dialect (`OBJECT`, `minItems`) or as JSON Schema; pure.

A model under a response schema returns what the schema says, whatever the prompt was.  So does this: it takes from the
story what bears the asked name, and makes up the rest.
"""

from collections.abc import Mapping, Sequence
from typing import Any

_UNIONS = ("anyOf", "oneOf", "any_of", "allOf")
_TEXT_KEYS = ("text", "narration", "content", "title", "value")


def option(source: Mapping[str, Any], name: str) -> Any:
    """A field by its name in JSON; the SDK sends some fields in snake case, and the service reads both."""
    snake = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)
    return source.get(name, source.get(snake))


def shaped(schema: Mapping[str, Any], value: Any, spare: str) -> Any:
    """`value` as far as the schema knows it, all that is required made up where it is missing.

    Args:
        schema: of the request; `$ref` into its own `$defs` is followed.
        value: plain data to take from, None where there is none.
        spare: a sentence for texts that nothing is known of.
    """
    return _shaped(schema, value, spare, schema.get("$defs") or schema.get("defs") or {})


def _shaped(schema: Mapping[str, Any], value: Any, spare: str, defs: Mapping[str, Any]) -> Any:
    if "$ref" in schema:
        return _shaped(defs.get(schema["$ref"].rsplit("/", 1)[-1], {}), value, spare, defs)
    if choices := [schema["const"]] if "const" in schema else schema.get("enum"):
        return value if value in choices else choices[0]
    if options := next((schema[union] for union in _UNIONS if schema.get(union)), None):
        return _of_union(options, value, spare, defs)
    kinds = _kinds(schema)
    if value is None and ("null" in kinds or schema.get("nullable")):
        return None
    return _of_kind(next((one for one in kinds if one != "null"), "string"), schema, value, spare, defs)


def _kinds(schema: Mapping[str, Any]) -> list[str]:
    kind = schema.get("type") or ("object" if "properties" in schema else [])
    return [str(one).lower() for one in (kind if isinstance(kind, list) else [kind])]


def _of_kind(kind: str, schema: Mapping[str, Any], value: Any, spare: str, defs: Mapping[str, Any]) -> Any:
    match kind:
        case "object":
            return _an_object(schema, value, spare, defs)
        case "array":
            return _an_array(schema, value, spare, defs)
        case "integer" | "number":
            return _a_number(schema, value, whole=kind == "integer")
        case "boolean":
            return bool(value)
        case _:
            return _a_text(schema, value, spare)


def _of_union(options: Sequence[Mapping[str, Any]], value: Any, spare: str, defs: Mapping[str, Any]) -> Any:
    if value is None and any(str(one.get("type", "")).lower() == "null" for one in options):
        return None
    real = [one for one in options if str(one.get("type", "")).lower() != "null"]
    return _shaped(real[0] if real else {}, value, spare, defs)


def _an_object(schema: Mapping[str, Any], value: Any, spare: str, defs: Mapping[str, Any]) -> Any:
    properties: Mapping[str, Any] = schema.get("properties") or {}
    if not properties:
        return value if isinstance(value, dict) else {}
    known: Mapping[str, Any] = value if isinstance(value, dict) else dict.fromkeys(_TEXT_KEYS, value)
    order = option(schema, "propertyOrdering") or list(properties)
    return {name: _shaped(properties[name], _known(known, name), spare, defs) for name in order if name in properties}


def _known(known: Mapping[str, Any], name: str) -> Any:
    """What bears this name, in whatever case it is written."""
    plain = name.replace("_", "").lower()
    return next((value for key, value in known.items() if key.replace("_", "").lower() == plain), None)


def _an_array(schema: Mapping[str, Any], value: Any, spare: str, defs: Mapping[str, Any]) -> list[Any]:
    items: Mapping[str, Any] = schema.get("items") or {}
    most = option(schema, "maxItems")
    least = int(option(schema, "minItems") or 0)
    given = list(value) if isinstance(value, list | tuple) else [] if value is None else [value]
    given = given[: int(most)] if most is not None else given
    return [_shaped(items, one, spare, defs) for one in [*given, *[None] * (least - len(given))]]


def _a_number(schema: Mapping[str, Any], value: Any, *, whole: bool) -> float | int:
    number = float(value) if isinstance(value, int | float) and not isinstance(value, bool) else 1.0
    least, most = schema.get("minimum"), schema.get("maximum")
    number = number if least is None else max(number, float(least))
    number = number if most is None else min(number, float(most))
    return round(number) if whole else number


def _a_text(schema: Mapping[str, Any], value: Any, spare: str) -> str:
    if isinstance(value, dict):
        value = next((value[key] for key in _TEXT_KEYS if key in value), None)
    text = value if isinstance(value, str) else spare if value is None else str(value)
    most = option(schema, "maxLength")
    least = int(option(schema, "minLength") or 0)
    if text and len(text) < least:
        text = (text + " ") * (least // (len(text) + 1) + 1)
    return text if most is None else text[: int(most)]

"""Shaping the sandbox's answers to whatever response schema a request sent."""

from typing import Any

import pytest

from reelqueue.sandbox.gemini.schema import option, shaped

STORY = {
    "intro": {"text": "Hello.", "duration": 3.0},
    "segments": [{"index": 1, "text": "One."}, {"index": 2, "text": "Two."}],
    "total_duration": 9,
}


@pytest.mark.parametrize(
    ("schema", "made"),
    [
        pytest.param(
            {"type": "OBJECT", "properties": {"intro": {"type": "STRING"}}}, {"intro": "Hello."}, id="an object as a text"
        ),
        pytest.param(
            {"type": "object", "properties": {"intro": {"type": "object", "properties": {"narration": {"type": "string"}}}}},
            {"intro": {"narration": "spare"}},
            id="an unknown name",
        ),
        pytest.param(
            {"type": "OBJECT", "properties": {"totalDuration": {"type": "INTEGER"}}},
            {"totalDuration": 9},
            id="a name in camel case",
        ),
        pytest.param(
            {
                "type": "OBJECT",
                "properties": {
                    "segments": {"type": "ARRAY", "max_items": 1, "items": {"type": "OBJECT", "properties": {"text": {}}}}
                },
            },
            {"segments": [{"text": "One."}]},
            id="at most one",
        ),
        pytest.param(
            {"type": "object", "properties": {"tags": {"type": "array", "minItems": 2, "items": {"type": "string"}}}},
            {"tags": ["spare", "spare"]},
            id="at least two",
        ),
        pytest.param(
            {
                "$defs": {"Part": {"type": "object", "properties": {"duration": {"type": "integer"}}}},
                "properties": {"intro": {"$ref": "#/$defs/Part"}},
            },
            {"intro": {"duration": 3}},
            id="a reference",
        ),
        pytest.param(
            {"properties": {"note": {"anyOf": [{"type": "string"}, {"type": "null"}]}}}, {"note": None}, id="null where it may be"
        ),
        pytest.param({"properties": {"mood": {"type": "string", "enum": ["calm", "wild"]}}}, {"mood": "calm"}, id="a choice"),
        pytest.param({"properties": {"kind": {"const": "script"}}}, {"kind": "script"}, id="a constant"),
        pytest.param(
            {"properties": {"score": {"type": "number", "minimum": 5}, "ok": {"type": "boolean"}}},
            {"score": 5, "ok": False},
            id="made up",
        ),
        pytest.param(
            {"properties": {"intro": {"type": ["string", "null"], "maxLength": 3}}}, {"intro": "Hel"}, id="cut to its length"
        ),
    ],
)
def test_an_answer_has_the_shape_asked_for(schema: dict[str, Any], made: dict[str, Any]) -> None:
    assert shaped(schema, STORY, "spare") == made


def test_properties_come_in_the_order_asked_for() -> None:
    schema = {"type": "OBJECT", "propertyOrdering": ["b", "a"], "properties": {"a": {"type": "STRING"}, "b": {"type": "STRING"}}}

    assert list(shaped(schema, {}, "x")) == ["b", "a"]


def test_a_field_is_found_in_either_case() -> None:
    assert option({"voice_name": "Kore"}, "voiceName") == option({"voiceName": "Kore"}, "voiceName") == "Kore"

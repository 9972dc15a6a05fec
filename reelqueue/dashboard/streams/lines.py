"""How a server-sent event is written."""

import json
from collections.abc import Mapping
from typing import Any

ALIVE = b": \n\n"
"""A comment: nothing happened, but somebody on the way may want to see a byte."""


def written(data: bytes, *, name: str = "", number: str = "") -> bytes:
    """One event; `data` has to be on one line, and `name` "" is a plain message."""
    head = f"id: {number}\n" if number else ""
    head += f"event: {name}\n" if name else ""
    return head.encode() + b"data: " + data + b"\n\n"


def said(name: str, data: Mapping[str, Any], *, number: str = "") -> bytes:
    """An event of our own."""
    return written(json.dumps(data, ensure_ascii=False).encode(), name=name, number=number)

"""Answers that took long to find, told again for a while."""

import time
from collections.abc import Hashable
from typing import Generic, TypeVar

Value = TypeVar("Value")


class Kept(Generic[Value]):
    """At most `most` answers, each for `seconds`; the oldest go first."""

    def __init__(self, *, seconds: float, most: int) -> None:
        self._seconds, self._most = seconds, most
        self._found: dict[Hashable, tuple[float, Value]] = {}

    def get(self, key: Hashable) -> Value | None:
        """The answer, while it may still be told."""
        until, value = self._found.get(key, (float("-inf"), None))
        return value if time.monotonic() < until else None

    def put(self, key: Hashable, value: Value) -> Value:
        """Keep an answer, and give it back."""
        self._found.pop(key, None)
        while len(self._found) >= self._most:
            del self._found[next(iter(self._found))]
        self._found[key] = (time.monotonic() + self._seconds, value)
        return value

"""Every request that reached the sandbox, with its time: a test can say exactly how many tries were made, and when."""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

LONGEST = 100_000
"""Entries that are kept; the oldest go first, so that a sandbox may run for weeks."""


@dataclass
class Entry:
    """One request: noted when its headers are here, completed when its answer is given.

    `at` is the sandbox's clock; `monotonic_s` and `ended_s` are the machine's monotonic clock, for measuring pauses.
    `status` is None as long as no answer was given: for ever, where an order cut the connection before one.
    `bytes` counts the request's body as it was announced or, where a service counts, as it arrived.
    `fault` is the kind of the order that was applied, "" where none was.  `detail` is the service's own.
    """

    at: datetime
    monotonic_s: float
    service: str
    call: str
    method: str
    path: str
    bytes: int = 0
    status: int | None = None
    ended_s: float | None = None
    fault: str = ""
    detail: dict[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """The entry for `GET /_sandbox/journal`."""
        return asdict(self) | {"at": self.at.isoformat()}


class Journal:
    """The entries, oldest first.  `listeners` hear of each once it is complete."""

    def __init__(self) -> None:
        self.listeners: list[Callable[[Entry], None]] = []
        self._entries: deque[Entry] = deque(maxlen=LONGEST)

    def note(self, entry: Entry) -> Entry:
        """Keep an entry that has just begun."""
        self._entries.append(entry)
        return entry

    def end(self, entry: Entry, status: int | None) -> None:
        """Complete an entry: its answer was given, or the connection cut (None)."""
        entry.status = status
        entry.ended_s = time.monotonic()
        for hear in self.listeners:
            hear(entry)

    def calls(self, service: str | None = None, call: str | None = None) -> list[Entry]:
        """The entries of a service, or of one of its calls; of all where None."""
        return [e for e in self._entries if service in {None, e.service} and call in {None, e.call}]

    def clear(self) -> None:
        """Forget what was."""
        self._entries.clear()

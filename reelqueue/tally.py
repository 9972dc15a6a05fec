"""What this process counted and has not handed over yet.  Memory only: to count costs a microsecond, takes no call and never fails.

Whoever does a thing counts it, at whichever layer; `jobs/counting.py` hands it over.  What is handed over is a numbered batch that
stays as it is until it is known to have arrived: so whoever takes it can tell a second time from a new one.
"""

import threading
from collections.abc import Callable, Mapping
from math import isfinite
from typing import NamedTuple

from reelqueue import clock

HIGHEST = "max:"
"""What begins so keeps the highest value that was seen; all else is summed."""
TAKEOVERS, FENCED = "reelqueue_lease_takeovers_total", "reelqueue_fenced_writes_total"
GAPS, LOST_EVENTS = "reelqueue_progress_gaps_total", "reelqueue_progress_lost_total"
"""What the lower layers count."""
MOST_MINUTES, MOST_RUNS = 7 * 1440, 1_000
"""What is kept for a server that is away: a week, and so many of the last attempts."""


class Batch(NamedTuple):
    """What was counted: since ever by name and labels; by the minute (Unix time / 60) and field; `runs` are attempts that ended, as
    (ms of their end, JSON).
    """

    totals: Mapping[str, float]
    minutes: Mapping[int, Mapping[str, float]]
    runs: tuple[tuple[int, str], ...]

    @property
    def is_empty(self) -> bool:
        """Whether nothing was counted."""
        return not (self.totals or self.minutes or self.runs)


class Tally:
    """Counts of one process.  Safe to use from threads.  `listeners` are called where something is worth handing over at once."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._totals: dict[str, float] = {}
        self._minutes: dict[int, dict[str, float]] = {}
        self._runs: list[tuple[int, str]] = []
        self._number, self._batch = 0, Batch({}, {}, ())
        self.listeners: list[Callable[[], None]] = []

    def count(self, name: str, amount: float = 1.0, /, **labels: str) -> None:
        """Count `amount` more of the counter `name` with these labels.  Labels are of a few values each, never ids."""
        with self._turn:
            merge(self._totals, {labelled(name, **labels): amount})

    def note(self, fields: Mapping[str, float], *, minute: int | None = None) -> None:
        """Count in the present minute, or in `minute`."""
        at = int(clock.now().timestamp() // 60) if minute is None else minute
        with self._turn:
            merge(self._minutes.setdefault(at, {}), fields)
            while len(self._minutes) > MOST_MINUTES:
                del self._minutes[min(self._minutes)]

    def record(self, ended_ms: int, run: str) -> None:
        """Keep an attempt that ended, as JSON."""
        with self._turn:
            self._runs.append((ended_ms, run))
            del self._runs[:-MOST_RUNS]

    def hurry(self) -> None:
        """What was counted just now is worth a call of its own."""
        for listener in list(self.listeners):
            listener()

    def pending(self) -> tuple[int, Batch]:
        """What is to be handed over, and its number: the same until it has arrived.  Numbers grow from 1."""
        with self._turn:
            if self._batch.is_empty:
                self._number += 1
                self._batch = Batch(self._totals, self._minutes, tuple(self._runs))
                self._totals, self._minutes, self._runs = {}, {}, []
            return self._number, self._batch

    def arrived(self, number: int) -> None:
        """The batch of this number is where it belongs."""
        with self._turn:
            if number == self._number:
                self._batch = Batch({}, {}, ())

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to hand over."""
        with self._turn:
            return self._batch.is_empty and not (self._totals or self._minutes or self._runs)


def merge(into: dict[str, float], fields: Mapping[str, float]) -> None:
    """Add `fields` to those that are there: the highest of what `HIGHEST` names, the sum of all others.

    What is no number is left out: a batch that can't travel would hold up all that comes after it.
    """
    for field, amount in fields.items():
        if not isfinite(amount):
            continue
        known = into.get(field)
        if known is None:
            into[field] = amount
        else:
            into[field] = max(known, amount) if field.startswith(HIGHEST) else known + amount


def labelled(name: str, **labels: str) -> str:
    """A counter's name with its labels, as Prometheus writes them; labels in the order of the alphabet."""
    if not labels:
        return name
    inner = ",".join(f'{key}="{_escaped(value)}"' for key, value in sorted(labels.items()))
    return f"{name}{{{inner}}}"


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


TALLY = Tally()
"""This process's."""

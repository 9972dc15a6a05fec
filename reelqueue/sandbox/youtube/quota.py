"""The quota of an OAuth client's project: three buckets that fill through a Pacific day.

Costs are the documented ones.  A call is refused when it would go over the limit; one that makes no sense costs 1.
"""

from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from reelqueue.sandbox.clock import Clock

UPLOADS, SEARCH, UNITS = "uploads", "search", "units"
DEFAULT_CAPS = {UPLOADS: 100, SEARCH: 100, UNITS: 10_000}
LONGEST = 200_000

COSTS: dict[str, tuple[str, int]] = {
    "upload.open": (UPLOADS, 1),
    "search.list": (SEARCH, 1),
    "videos.list": (UNITS, 1),
    "videos.update": (UNITS, 50),
    "videos.delete": (UNITS, 50),
    "channels.list": (UNITS, 1),
    "playlists.list": (UNITS, 1),
    "playlists.insert": (UNITS, 50),
    "playlists.delete": (UNITS, 50),
    "playlistItems.list": (UNITS, 1),
    "playlistItems.insert": (UNITS, 50),
    "playlistItems.delete": (UNITS, 50),
    "thumbnails.set": (UNITS, 50),
    "captions.insert": (UNITS, 400),
    "captions.list": (UNITS, 50),
    "captions.delete": (UNITS, 50),
}
"""Call -> bucket and cost."""


@dataclass(frozen=True)
class Spent:
    """One call's cost.  `project` is the number of the Google Cloud project that pays it."""

    at: datetime
    day: str
    project: str
    bucket: str
    call: str
    amount: int


class Quota:
    """What was spent, by project, Pacific day and bucket.  `caps` are the limits of a day, for every project."""

    def __init__(self, clock: Clock, changed: Callable[[], None]) -> None:
        self._clock = clock
        self._changed = changed
        self._used: Counter[tuple[str, str, str]] = Counter()
        self._held: Counter[tuple[str, str]] = Counter()
        self.spent: deque[Spent] = deque(maxlen=LONGEST)
        self.caps = dict(DEFAULT_CAPS)

    def used(self, project: str, day: str | None = None) -> dict[str, int]:
        """What the project has used of each bucket on this day (`YYYY-MM-DD`, Pacific; today where None)."""
        chosen = day or self._clock.pacific_day()
        return {bucket: self._used[project, chosen, bucket] for bucket in self.caps}

    def has(self, project: str, call: str) -> bool:
        """Whether the call still fits into today's bucket."""
        bucket, cost = COSTS[call]
        return self.used(project)[bucket] + self._held[project, bucket] + cost <= self.caps[bucket]

    @contextmanager
    def held(self, project: str, call: str) -> Iterator[None]:
        """Keep the call's cost free while it is at work: two at once must not both get the last of it."""
        bucket, cost = COSTS[call]
        self._held[project, bucket] += cost
        try:
            yield
        finally:
            self._held[project, bucket] -= cost

    def spend(self, project: str, call: str, amount: int | None = None) -> None:
        """Count a call: its cost, or `amount`."""
        bucket, cost = COSTS[call]
        self.use(project, bucket, cost if amount is None else amount, call)

    def use(self, project: str, bucket: str, amount: int, call: str = "elsewhere") -> None:
        """Count what somebody used of a bucket, another program of the same project for example."""
        day = self._clock.pacific_day()
        self._used[project, day, bucket] += amount
        self.spent.append(Spent(self._clock.now(), day, project, bucket, call, amount))
        self._changed()

    def as_json(self) -> list[list[Any]]:
        """The days, for disk."""
        return [[*key, amount] for key, amount in sorted(self._used.items())]

    def load(self, kept: list[list[Any]]) -> None:
        """The days again."""
        self._used.update({(project, day, bucket): amount for project, day, bucket, amount in kept})

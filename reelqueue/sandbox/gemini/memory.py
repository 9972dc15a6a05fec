"""What Gemini remembers: what was paid, what was spoken, and its limits."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from reelqueue.sandbox.clock import PACIFIC
from reelqueue.sandbox.gemini.errors import Quota
from reelqueue.sandbox.gemini.models import RETIRED
from reelqueue.sandbox.gemini.voice import WordTime


@dataclass(frozen=True, slots=True)
class Paid:
    """One call that a real account would be billed for, answered well or not.  `usage` is the answer's usageMetadata."""

    call: str
    model: str
    prompt: str
    at: datetime
    usage: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class SpokenText:
    """What one voice call spoke, with the true times of its words, in seconds of all its parts in a row."""

    text: str
    voice: str
    words: tuple[WordTime, ...]
    seconds: float


@dataclass
class Cap:
    """A model's limits; None is none."""

    per_minute: int | None = None
    per_day: int | None = None


@dataclass
class Memory:
    """What Gemini remembers, for tests to look at and to set.

    `caps` limits a model (or "*", each model), the day being the Pacific one of the sandbox's clock; `retired` are names
    that answer 404; `enforce_min_deadline` refuses an `X-Server-Timeout` below 10 s, as the service does.
    """

    paid: list[Paid] = field(default_factory=list)
    spoken: list[SpokenText] = field(default_factory=list)
    caps: dict[str, Cap] = field(default_factory=dict)
    retired: set[str] = field(default_factory=lambda: set(RETIRED))
    enforce_min_deadline: bool = True
    _recent: dict[str, deque[datetime]] = field(default_factory=dict)

    def quota_left(self, model: str, now: datetime) -> tuple[Quota, int, float] | None:
        """Count a request of `model`; where a cap is reached: which one, its limit, and after how many seconds to come back."""
        cap = self.caps.get(model) or self.caps.get("*") or Cap()
        recent = self._recent.setdefault(model, deque())
        today = now.astimezone(PACIFIC).date()
        while recent and recent[0].astimezone(PACIFIC).date() != today:
            recent.popleft()
        if cap.per_day is not None and len(recent) >= cap.per_day:
            return "day", cap.per_day, 43.0  # the service names seconds here too, which say nothing about the day
        minute = [at for at in recent if now - at < timedelta(minutes=1)]
        if cap.per_minute is not None and len(minute) >= cap.per_minute:
            return "minute", cap.per_minute, round(60 - (now - minute[0]).total_seconds(), 3)
        recent.append(now)
        return None

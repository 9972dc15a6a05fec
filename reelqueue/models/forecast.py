"""When a batch will end and what limits it, told before and held against what came."""

from datetime import date, datetime
from decimal import Decimal
from typing import Literal

from pydantic import Field

from reelqueue.models.frozen import Frozen

Limit = Literal["cpu", "uploads", "units", "money", "slots", "person"]
"""What a batch waits for most: this machine, uploads a day, YouTube's units a day, a cost cap, its publish calendar, a person."""


def _none(value: object) -> bool:
    return value is None


class DayForecast(Frozen):
    """One Pacific day: uploads, YouTube's units that they take, captions still owed at its end, US dollars."""

    day: date
    uploads: int = 0
    units: int = 0
    captions_owed: int = 0
    usd: Decimal = Decimal(0)


class Forecast(Frozen):
    """What is expected of so many `projects`: their end lies between `least` and `most`.

    `limit` is what decides the end; `days` are what is expected of each until `most`, at most 100 of them.  `usd` are the least
    and the most.  `published_by` is the last moment of publication that a calendar gives.  Where `limit` is "person" somebody has
    to approve or mend some of them first: the range is that of a person who never keeps one waiting.
    """

    made_at: datetime
    projects: int
    least: datetime
    most: datetime
    limit: Limit
    days: tuple[DayForecast, ...] = ()
    usd: tuple[Decimal, Decimal] = (Decimal(0), Decimal(0))
    published_by: datetime | None = Field(default=None, exclude_if=_none)


class Outcome(Frozen):
    """What came of it: when it ended, whether that lay within the range, what each day really saw."""

    ended_at: datetime
    within: bool
    days: tuple[DayForecast, ...] = ()
    usd: Decimal = Decimal(0)

"""How a list of projects will go, by the rules that hold here: places, buckets of each Pacific day, cost caps.  Pure.

Plays the queue through, event by event, with given times for each stage: a later stage before an earlier one, what does not fit
into its day's bucket waits for the next midnight in Los Angeles, captions come from what no publication needs.  Times are
seconds from the beginning.
"""

import heapq
import math
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from storage.ledger import pacific_midnight_after

MOST_DAYS = 400
"""Of a course; what is not through by then never is."""
_TINY = 1e-9


class Key(NamedTuple):
    """A bucket of each Pacific day: whose, and which ("uploads", "units", "usd")."""

    client: str
    name: str


@dataclass(frozen=True, slots=True)
class Stock:
    """What a bucket holds: `cap` a day (0: no limit), and what is used of it today.  `closed_s`: nothing before that."""

    cap: float
    used: float = 0.0
    closed_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Draw:
    """What a step takes of a bucket; `divisible`: bit by bit, over several days where it has to be (many small calls)."""

    key: Key
    amount: float
    divisible: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """One stage that is still to run: how long it takes, which place, what it draws."""

    seconds: float
    heavy: bool
    draws: tuple[Draw, ...] = ()


@dataclass(frozen=True, slots=True)
class Work:
    """What is left of one project.

    `rank` orders those that want a place: the smallest first, then who is nearest its end, then as listed.  `publishes`: its last
    step does; `captions` are drawn with it if nobody else needs them.  `ours`: it is one that is asked about, and not one that
    only takes places and quota away.
    """

    steps: tuple[Step, ...]
    rank: tuple[float, ...] = ()
    not_before_s: float = 0.0
    publishes: bool = True
    captions: tuple[Draw, ...] = ()
    ours: bool = True


@dataclass(frozen=True, slots=True)
class Rules:
    """What holds for all: places for stages that load the CPU and for those that wait, the buckets, when days end.

    `wake_s` is how long after midnight what waits goes on.
    """

    heavy_places: int
    wait_places: int
    stocks: Mapping[Key, Stock] = field(default_factory=dict)
    wake_s: float = 0.0


@dataclass(slots=True)
class Day:
    """What our projects take on one Pacific day; `owed` are captions still to come at its end."""

    drawn: dict[Key, float] = field(default_factory=lambda: defaultdict(float))
    published: int = 0
    owed: int = 0


@dataclass(frozen=True, slots=True)
class Course:
    """How it went: when each work ended (infinite: never), in the order given, and our days from today on."""

    ends: tuple[float, ...]
    days: tuple[Day, ...]

    @property
    def last_s(self) -> float:
        """When the last of ours ended; 0 where there was none."""
        return max(self.ends, default=0.0)


def midnights(now: datetime, count: int = MOST_DAYS) -> list[float]:
    """The next midnights in Los Angeles, in seconds from `now`."""
    found, moment = [], now
    for _ in range(count):
        moment = pacific_midnight_after(moment)
        found.append((moment - now) / timedelta(seconds=1))
    return found


def played(works: Sequence[Work], rules: Rules, nights: Sequence[float]) -> Course:
    """Play it through."""
    return _Play(works, rules, nights).to_its_end()


class _Play:
    """The state of a course on its way."""

    def __init__(self, works: Sequence[Work], rules: Rules, nights: Sequence[float]) -> None:
        self._works, self._rules, self._nights = works, rules, nights
        self._used: dict[tuple[Key, int], float] = {(key, 0): stock.used for key, stock in rules.stocks.items()}
        self._at = [0] * len(works)  # which step is next
        self._left: list[dict[Key, float]] = [{} for _ in works]  # what a divisible draw still wants
        self._ends = [math.inf] * len(works)
        self._free = {True: rules.heavy_places, False: rules.wait_places}
        self._wanting: dict[bool, list[tuple[tuple[float, ...], int]]] = {True: [], False: []}
        self._parked: dict[Key, list[tuple[tuple[float, ...], int]]] = defaultdict(list)
        self._events: list[tuple[float, int, int]] = []  # when, work (or -1: a midnight), 1: its step is done
        self._days = [Day()]
        self._unfinished = len(works)
        self._owed: list[int] = []

    def to_its_end(self) -> Course:
        """Event by event."""
        for number, work in enumerate(self._works):
            if work.steps:
                heapq.heappush(self._events, (work.not_before_s, number, 0))
            else:
                self._ended(number, work.not_before_s)
        night = 0
        while self._unfinished and (self._events or any(self._parked.values())):
            next_s = self._events[0][0] if self._events else math.inf
            if night < len(self._nights) and self._nights[night] <= next_s:
                self._midnight(night)
                night += 1
                continue
            if not self._events:
                break
            while self._events and self._events[0][0] <= next_s:
                _, number, done = heapq.heappop(self._events)
                self._arrived(number, done=bool(done), now=next_s)
            self._begin(next_s)
        self._pay_owed(len(self._days) - 1)
        ours = tuple(end for end, work in zip(self._ends, self._works, strict=True) if work.ours)
        return Course(ours, tuple(self._days))

    def _day(self, now: float) -> int:
        return bisect_right(self._nights, now)

    def _tally(self, day: int) -> Day:
        while len(self._days) <= day:
            self._days.append(Day(owed=self._days[-1].owed))
        return self._days[day]

    def _midnight(self, night: int) -> None:
        """As many of the parked as may have room go on."""
        self._pay_owed(night)
        self._tally(night + 1)
        for key, parked in self._parked.items():
            room = self._rules.stocks[key].cap
            while parked and room > -_TINY:
                _, number = heapq.heappop(parked)
                room -= self._wants(number, key)
                heapq.heappush(self._events, (self._nights[night] + self._rules.wake_s, number, 0))

    def _wants(self, number: int, key: Key) -> float:
        amounts = [draw.amount for draw in self._works[number].steps[self._at[number]].draws if draw.key == key]
        return self._left[number].get(key, sum(amounts))

    def _arrived(self, number: int, *, done: bool, now: float) -> None:
        work = self._works[number]
        if done:
            self._free[work.steps[self._at[number]].heavy] += 1
            self._at[number] += 1
        if self._at[number] == len(work.steps):
            self._ended(number, now)
            return
        step = work.steps[self._at[number]]
        heapq.heappush(self._wanting[step.heavy], (self._rank(number), number))

    def _rank(self, number: int) -> tuple[float, ...]:
        work = self._works[number]
        return (*work.rank, len(work.steps) - self._at[number])  # what is nearly done comes first

    def _ended(self, number: int, now: float) -> None:
        self._ends[number] = now
        self._unfinished -= 1

    def _begin(self, now: float) -> None:
        """Give the free places."""
        for heavy, wanting in self._wanting.items():
            while wanting and self._free[heavy]:
                _, number = heapq.heappop(wanting)
                step = self._works[number].steps[self._at[number]]
                short = self._short_of(number, step, now)
                if short is not None:
                    self._park(number, short, now)
                    continue
                self._draw(number, step, now)
                self._free[heavy] -= 1
                heapq.heappush(self._events, (now + step.seconds, number, 1))

    def _park(self, number: int, key: Key, now: float) -> None:
        stock = self._rules.stocks[key]
        if stock.closed_s > now:
            heapq.heappush(self._events, (stock.closed_s, number, 0))
        else:
            heapq.heappush(self._parked[key], (self._rank(number), number))

    def _short_of(self, number: int, step: Step, now: float) -> Key | None:
        """The bucket that has no room for a step now; what a divisible draw finds there it takes."""
        day, left = self._day(now), self._left[number]
        for draw in step.draws:
            stock = self._rules.stocks.get(draw.key)
            if stock is None:
                continue
            if stock.closed_s > now:
                return draw.key
            if not stock.cap:
                continue
            used = self._used.get((draw.key, day), 0.0)
            wanted = left.get(draw.key, draw.amount)
            if used + wanted <= stock.cap + _TINY:
                continue
            if draw.divisible and used < stock.cap:
                self._take(number, draw.key, stock.cap - used, day)
                left[draw.key] = wanted - (stock.cap - used)
            return draw.key
        return None

    def _draw(self, number: int, step: Step, now: float) -> None:
        day, left = self._day(now), self._left[number]
        for draw in step.draws:
            self._take(number, draw.key, left.pop(draw.key, draw.amount), day)
        work = self._works[number]
        if work.publishes and self._at[number] == len(work.steps) - 1:
            self._tally(day).published += work.ours
            if work.captions:
                self._caption(number, day)

    def _take(self, number: int, key: Key, amount: float, day: int) -> None:
        self._used[key, day] = self._used.get((key, day), 0.0) + amount
        if self._works[number].ours:
            self._tally(day).drawn[key] += amount

    def _caption(self, number: int, day: int) -> None:
        tally = self._tally(day)
        if self._may_caption(number, day):
            for draw in self._works[number].captions:
                self._take(number, draw.key, draw.amount, day)
        else:
            self._owed.append(number)
            tally.owed += self._works[number].ours

    def _may_caption(self, number: int, day: int) -> bool:
        """Whether captions fit into what is left once every other publication of the day has what it needs."""
        work = self._works[number]
        last = work.steps[-1].draws
        others = self._unfinished - 1
        for draw in last:
            stock = self._rules.stocks.get(draw.key)
            if stock is not None and stock.cap and draw.key.name == "uploads":
                others = min(others, max(0, int(stock.cap - self._used.get((draw.key, day), 0.0))))
        for draw in work.captions:
            stock = self._rules.stocks.get(draw.key)
            if stock is None or not stock.cap:
                continue
            each = sum(other.amount for other in last if other.key == draw.key)
            if self._used.get((draw.key, day), 0.0) + draw.amount > max(1.0, stock.cap - each * max(0, others)) + _TINY:
                return False
        return True

    def _pay_owed(self, day: int) -> None:
        """At a day's end: captions that are owed, from what its publications left."""
        tally = self._tally(day)
        while self._owed and self._may_caption(self._owed[0], day):
            number = self._owed.pop(0)
            for draw in self._works[number].captions:
                self._take(number, draw.key, draw.amount, day)
            tally.owed -= self._works[number].ours

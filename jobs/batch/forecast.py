"""When so many projects will be through, as a range that holds, and what decides it.  Pure.

The queue is played through (`course.py`) three times: quickly, as usual, slowly.  How far these lie apart follows from what is
known of each stage: many projects on known ground are told closely, a first one on a new machine widely.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal

from jobs.batch.capacity import ALL_MONEY, Places, key_of
from jobs.batch.course import Course, Draw, Key, Rules, Step, Stock, Work, midnights, played
from jobs.batch.history import Pace
from reelqueue.models.buckets import UNITS, UPLOADS
from reelqueue.models.cost import Need
from reelqueue.models.forecast import DayForecast, Forecast, Limit
from reelqueue.models.stage import Stage
from storage.ledger import pacific_day

SURE = 1.64
"""Standard deviations on either side: nine of ten ends lie between (chosen)."""
DRIFT, UNKNOWN_LEAST, UNKNOWN_MOST = 0.15, 0.5, 2.5
"""How far a machine's pace moves by itself, as a share; how far ours may be from one that we never saw."""
REPEATED_SHARE = 0.06
"""Uploads that are begun again after an error, and count once more, in the slow course."""
FIRST_S, WAKE_S, END_S = 2.0, 120.0, 35.0
"""Slow course: what begins each stage, until what waits at midnight goes on, until the batch's end is noticed."""
LEAST_PRICES, PRICE_DRIFT = 3, 0.1
"""From so many paid projects on experience counts; how far prices move by themselves, as a share."""
MOST_DAYS_TOLD = 100
MANY = 1_000_000


@dataclass(frozen=True, slots=True)
class Item:
    """One project that is still to be made.

    `left` are the stages to run; `video_s` how long its video will be; `usd` what each stage may cost, least and most.
    `channel` names where it goes in `Ground.outlets`.  `awaits` a person before it can go on.
    """

    left: tuple[Stage, ...]
    video_s: float
    channel: str = ""
    usd: Mapping[Stage, tuple[float, float]] = field(default_factory=dict)
    priority: int = 0
    single: bool = False
    not_before_s: float = 0.0
    awaits: bool = False
    ours: bool = True


@dataclass(frozen=True, slots=True)
class Outlet:
    """Where videos go: what one publication takes of quota, what its captions take, whose money is counted beside the day's."""

    needs: tuple[Need, ...] = ()
    captions: tuple[Need, ...] = ()
    purse: Key | None = None


@dataclass(frozen=True, slots=True)
class Ground:
    """What all of them share: places, pace, buckets, outlets by channel; `heavy` are the stages that load the CPU."""

    places: Places
    pace: Pace
    heavy: frozenset[Stage]
    stocks: Mapping[Key, Stock] = field(default_factory=dict)
    outlets: Mapping[str, Outlet] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Way:
    """How the course is played: how many times as long each stage takes, and where in its range what is paid lies (0-1)."""

    times: Mapping[Stage, float]
    dear: float
    first_s: float = 0.0
    wake_s: float = 0.0


def forecast(items: Sequence[Item], ground: Ground, now: datetime, *, published_by: datetime | None = None) -> Forecast:
    """The forecast of these projects; those that are not `ours` only stand in the way."""
    items = _by_experience(items, ground.pace)
    ours = [item for item in items if item.ours]
    nights = midnights(now)
    usual = _course(items, ground, _usual(), nights)
    quick, slow = (
        _course(_some(items, ground, least=least), ground, _way(ours, ground, least=least), nights) for least in (True, False)
    )
    least_s = min(_known(quick, nights), _known(usual, nights))
    most_s = max(_known(slow, nights) + _tail(ours, ground), _known(usual, nights)) + END_S
    most = now + timedelta(seconds=most_s)
    limit = _limit(items, ground, nights, most, published_by)
    return Forecast(
        made_at=now,
        projects=len(ours),
        least=now + timedelta(seconds=least_s),
        most=most,
        limit=limit,
        days=_days(usual, now, most),
        usd=(_usd(ours, 0), _usd(ours, 1)),
        published_by=published_by,
    )


def ready_times(items: Sequence[Item], ground: Ground, now: datetime) -> list[datetime | None]:
    """When each of `items` is expected to be on its channel, in their order; None: never, as things are."""
    nights = midnights(now)
    everyone = [replace(item, ours=True) for item in items]
    slowly = replace(_usual(), times=_way(everyone, ground, least=False).times)
    ends = _course(everyone, ground, slowly, nights).ends
    return [now + timedelta(seconds=end) if math.isfinite(end) else None for end in ends]


def _by_experience(items: Sequence[Item], pace: Pace) -> list[Item]:
    """What was paid here for each second of video says more than what calls may cost at most, from a few on."""
    known = pace.usd
    if known is None or known.count < LEAST_PRICES:
        return list(items)
    off = SURE * math.sqrt(known.spread**2 / known.count + known.spread**2 / max(1, len(items)) + PRICE_DRIFT**2)
    alike: dict[tuple[int, float], Mapping[Stage, tuple[float, float]]] = {}
    for item in items:
        key = (id(item.usd), item.video_s)
        if key not in alike:
            alike[key] = _as_paid(item, known.mean * item.video_s, off)
    return [replace(item, usd=alike[id(item.usd), item.video_s]) for item in items]


def _as_paid(item: Item, usual: float, off: float) -> dict[Stage, tuple[float, float]]:
    """`usual` dollars, spread over the stages as their calls would be; never more than these may cost."""
    whole = sum(most for _, most in item.usd.values())
    return {
        stage: (min(most, max(0.0, usual * (1 - off)) * most / whole), min(most, usual * (1 + off) * most / whole))
        for stage, (_, most) in item.usd.items()
        if whole
    }


# Courses.


def _course(items: Sequence[Item], ground: Ground, way: _Way, nights: Sequence[float], *, alone: Limit | None = None) -> Course:
    """Play it through; `alone` is the one thing that is not taken to be without end."""
    beside = min(ground.places.heavy, max(1, len(items)))
    alike: dict[object, tuple[Step, ...]] = {}  # most of a long list are: what was not looked at closely is as usual
    works = []
    for item in items:
        key = (item.left, item.video_s, item.channel, id(item.usd))
        if key not in alike:
            alike[key] = _steps(item, ground, way, beside)
        works.append(_work(item, ground, alike[key]))
    stocks = {key: stock for key, stock in ground.stocks.items() if alone in {None, _kind(key)}}
    places = ground.places if alone in {None, "cpu"} else Places(MANY, MANY)
    return played(works, Rules(places.heavy, places.wait, stocks, wake_s=way.wake_s), nights)


def _kind(key: Key) -> Limit:
    kinds: dict[str, Limit] = {UPLOADS: "uploads", UNITS: "units"}
    return kinds.get(key.name, "money")


def _steps(item: Item, ground: Ground, way: _Way, beside: int) -> tuple[Step, ...]:
    outlet = ground.outlets.get(item.channel, Outlet())
    return tuple(
        Step(
            seconds=way.first_s
            + way.times[stage] * ground.pace.seconds(stage, item.video_s, heavy=stage in ground.heavy, beside=beside),
            heavy=stage in ground.heavy,
            draws=(*_money(item, stage, outlet, way), *(_quota(outlet) if stage is Stage.UPLOAD else ())),
        )
        for stage in item.left
    )


def _work(item: Item, ground: Ground, steps: tuple[Step, ...]) -> Work:
    captions = ground.outlets.get(item.channel, Outlet()).captions
    return Work(
        steps=steps,
        rank=(0.0 if item.single else 1.0, -float(item.priority)),
        not_before_s=item.not_before_s,
        publishes=Stage.UPLOAD in item.left,
        captions=tuple(Draw(key_of(need), float(need.amount)) for need in captions),
        ours=item.ours,
    )


def _money(item: Item, stage: Stage, outlet: Outlet, way: _Way) -> tuple[Draw, ...]:
    least, most = item.usd.get(stage, (0.0, 0.0))
    amount = least + way.dear * (most - least)
    keys = (ALL_MONEY,) if outlet.purse is None else (ALL_MONEY, outlet.purse)
    return tuple(Draw(key, amount, divisible=True) for key in keys) if amount else ()


def _quota(outlet: Outlet) -> tuple[Draw, ...]:
    sums: Counter[Key] = Counter()
    for need in outlet.needs:
        sums[key_of(need)] += need.amount
    return tuple(Draw(key, float(amount)) for key, amount in sums.items())


# Ways.


def _usual() -> _Way:
    return _Way(dict.fromkeys(Stage, 1.0), 0.5)


def _way(items: Sequence[Item], ground: Ground, *, least: bool) -> _Way:
    counts = Counter(stage for item in items for stage in item.left)
    times = {stage: _times(ground.pace, stage, counts[stage], least=least) for stage in Stage}
    return _Way(times, 0.0) if least else _Way(times, 1.0, FIRST_S, WAKE_S)


def _times(pace: Pace, stage: Stage, how_many: int, *, least: bool) -> float:
    """How many times as long as on average so many of a stage may take, at least or at most."""
    known = pace.stages[stage]
    if not known.count:
        return UNKNOWN_LEAST if least else UNKNOWN_MOST
    by_chance = known.spread**2 / max(1, how_many)
    by_learning = known.spread**2 / known.count
    off = SURE * math.sqrt(by_chance + by_learning + DRIFT**2)
    return max(0.3, 1 - off) if least else 1 + off


def _tail(ours: Sequence[Item], ground: Ground) -> float:
    """The last one may be a slow one: what one project may take longer than others, in seconds."""
    slowest = max(ours, key=lambda item: (len(item.left), item.video_s), default=None)
    if slowest is None:
        return 0.0
    squares = [
        (ground.pace.seconds(stage, slowest.video_s, heavy=stage in ground.heavy, beside=ground.places.heavy) * spread) ** 2
        for stage in slowest.left
        if (spread := ground.pace.stages[stage].spread)
    ]
    return SURE * math.sqrt(sum(squares))


def _some(items: Sequence[Item], ground: Ground, *, least: bool) -> list[Item]:
    """The quick course: as many fail on the way as usually do, and no other batch goes first; the slow one: all are made, some sent twice."""
    ours = [item for item in items if item.ours]
    if not least:
        again = math.ceil(len(ours) * REPEATED_SHARE) if len(ours) > 1 else 0
        sent_twice = [
            replace(item, left=(Stage.UPLOAD,), usd={}, ours=False) for item in ours[:again] if Stage.UPLOAD in item.left
        ]
        return [*items, *sent_twice]
    through = len(ours) - math.floor(len(ours) * ground.pace.fail_share * 2)
    return ours[: max(1, through)] + [item for item in items if not item.ours and item.single]


def _known(course: Course, nights: Sequence[float]) -> float:
    """The end, or the last day that is looked at where there is none."""
    return course.last_s if math.isfinite(course.last_s) else nights[-1]


# What is told.


def _limit(
    items: Sequence[Item],
    ground: Ground,
    nights: Sequence[float],
    most: datetime,
    published_by: datetime | None,
) -> Limit:
    """What would bring the end latest, were all else without end."""
    if any(item.awaits and item.ours for item in items):
        return "person"
    if published_by is not None and published_by > most:
        return "slots"
    kinds: list[Limit] = ["cpu", *dict.fromkeys(_kind(key) for key, stock in ground.stocks.items() if stock.cap)]
    alone = {kind: _known(_course(items, ground, _usual(), nights, alone=kind), nights) for kind in kinds}
    return max(kinds, key=lambda kind: alone[kind])


def _days(course: Course, now: datetime, most: datetime) -> tuple[DayForecast, ...]:
    count = min(MOST_DAYS_TOLD, (pacific_day(most) - pacific_day(now)).days + 1)
    told = []
    for number in range(count):
        day = course.days[number] if number < len(course.days) else None
        owed = day.owed if day is not None else course.days[-1].owed
        drawn = day.drawn if day is not None else {}
        told.append(
            DayForecast(
                day=pacific_day(now) + timedelta(days=number),
                uploads=day.published if day is not None else 0,
                units=round(sum(amount for key, amount in drawn.items() if key.name == UNITS)),
                captions_owed=owed,
                usd=_rounded(drawn.get(ALL_MONEY, 0.0)),
            )
        )
    return tuple(told)


def _usd(items: Sequence[Item], end: int) -> Decimal:
    return _rounded(sum(amounts[end] for item in items for stage, amounts in item.usd.items() if stage in item.left))


def _rounded(amount: float) -> Decimal:
    return Decimal(str(round(amount, 4)))

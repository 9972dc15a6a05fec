"""Units into segments of 5-20 s: the cheapest way to cut, by dynamic programming; pure."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import inf

from reelqueue.providers.narration.rate import SENTENCE_PAUSE_S
from reelqueue.providers.narration.units import Unit

SHORTEST_S, LONGEST_S = 5.0, 20.0
"""Of a segment (contract, section 6)."""
BEST_S = 9.5
"""A scene stands about so long: long enough to be read, short enough not to tire."""
PART_PAUSE_S = 0.6
"""Between parts: the gap that the timeline puts there, counted to the part before it."""
MOST_ITEMS = 4
"""Of a list, seen at once."""
_WINDOW = 60
_WHOLE_LIST, _INSIDE_ITEM, _NEXT_ITEM, _FIRST_ALONE = 18.0, 14.0, 8.0, 4.0
"""What it costs to cut a list that fits into one segment; an item of a longer list; a longer list between two items; and
there, behind its first item, which alone makes no rows.

So a list stands in as few segments as 20 s each allow: its rows are best seen together.
"""
_COUNTS = re.compile(
    r"第[一二三四五六七八九十\d]{1,2}[個點件項步]?[，、：,:]|(?:First|Second|Third|Fourth)(?:ly)?[,:] |(?:One|Two|Three|Four)[,:] "
)
_FIRST = re.compile(r"第[一1][個點件項步]?[，、：,:]|首先[，、]?|(?:First(?:ly)?|One)[,:] ")
_COUNTS_ON = re.compile(rf"(?:{_COUNTS.pattern})|其次|再來|最後，|(?:Finally|Last(?:ly)?)[,:] ")
"""A list told in sentences, which is best seen at once."""


def duration_of(units: Sequence[Unit]) -> float:
    """What one part takes, with the gaps in it and behind it."""
    gaps = sum(not unit.inside for unit in units[1:])
    return sum(unit.seconds for unit in units) + SENTENCE_PAUSE_S * gaps + PART_PAUSE_S


def cut_segments(units: Sequence[Unit]) -> list[tuple[Unit, ...]]:
    """The units in groups of 5-20 s each, cut where the text itself pauses; shorter only where all of it is."""
    parting = [0.0, *(_cut_cost(before, after) for before, after in pairwise(units))]
    for told in _lists(units):
        _hold_together(units, told, parting)
    best: list[tuple[float, int]] = [(0.0, 0)]
    for end in range(1, len(units) + 1):
        ways = []
        for start in range(end - 1, max(-1, end - _WINDOW), -1):
            cost = _cost(units[start:end])
            if cost == inf and start < end - 1:
                break
            ways.append((best[start][0] + cost + parting[start], start))
        best.append(min(ways))
    out: list[tuple[Unit, ...]] = []
    end = len(units)
    while end:
        start = best[end][1]
        out.append(tuple(units[start:end]))
        end = start
    return out[::-1]


@dataclass(frozen=True, slots=True)
class _List:
    """A list's first unit, what leads to it included; the first unit of each item; the place behind it."""

    first: int
    items: tuple[int, ...]
    behind: int


def _lists(units: Sequence[Unit]) -> Iterator[_List]:
    """The lists: bullets, or sentences that are counted.  A counted item takes the rest of its paragraph with it."""
    at = 0
    while at < len(units):
        bullets = units[at].kind == "item"
        if not bullets and not (units[at].kind == "paragraph" and _FIRST.match(units[at].text)):
            at += 1
            continue
        items, end = [at], at + 1
        while end < len(units) and units[end].kind == units[at].kind:
            begins = units[end].opens if bullets else bool(_COUNTS_ON.match(units[end].text))
            if units[end].opens and not begins:
                break
            items += [end] if begins else []
            end += 1
        leads = at > 0 and (units[at - 1].leads or units[at - 1].kind == "heading" or units[at - 1].text[-1] in "：:")
        if len(items) > 1:
            yield _List(at - leads, tuple(items), end)
        at = end


def _hold_together(units: Sequence[Unit], told: _List, parting: list[float]) -> None:
    """Make a cut inside a list dear; where the list is too long for one segment, one between two items is cheap."""
    whole = duration_of(units[told.first : told.behind]) <= LONGEST_S and len(told.items) <= MOST_ITEMS
    for at in range(told.first + 1, told.behind):
        if whole:
            parting[at] = _WHOLE_LIST
        elif at not in told.items[1:]:
            parting[at] = _INSIDE_ITEM
        else:
            parting[at] = _NEXT_ITEM + (_FIRST_ALONE if at == told.items[1] and len(told.items) > 2 else 0.0)


def _cost(units: Sequence[Unit]) -> float:
    seconds = duration_of(units)
    if seconds > LONGEST_S and len(units) > 1:
        return inf
    short = 40 + 30 * (SHORTEST_S - seconds) if seconds < SHORTEST_S else 0.0
    uneven = ((seconds - BEST_S) / 4) ** 2
    crossed = sum(_crossing(before, after) for before, after in pairwise(units))
    crowded = 8.0 if sum(unit.kind == "item" and unit.opens for unit in units) > MOST_ITEMS else 0.0
    return short + uneven + crossed + crowded


def _crossing(before: Unit, after: Unit) -> float:
    """What it costs to tell two neighbours in one segment."""
    if after.kind == "heading":
        return 8.0
    if before.kind == "item" and after.kind != "item":
        return 3.0
    return 0.6 if after.opens and after.kind != "item" else 0.0


def _cut_cost(before: Unit, after: Unit) -> float:
    """What it costs to part two neighbours."""
    if after.inside:
        return 5.0
    if before.kind == "heading":
        return 9.0
    if after.kind == "heading":
        return 0.0
    if before.leads and after.kind == "item":
        return 6.0
    return 0.3 if after.opens else 1.0

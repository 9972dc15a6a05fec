"""Units into segments of 5-20 s: the cheapest way to cut, by dynamic programming; pure."""

import re
from collections.abc import Sequence
from math import inf

from reelqueue.providers.local.script_rate import SENTENCE_PAUSE_S
from reelqueue.providers.local.script_units import Unit

SHORTEST_S, LONGEST_S = 5.0, 20.0
"""Of a segment (contract, section 6)."""
BEST_S = 9.5
"""A scene stands about so long: long enough to be read, short enough not to tire."""
PART_PAUSE_S = 0.6
"""Between parts: the gap that the timeline puts there, counted to the part before it."""
MOST_ITEMS = 4
"""Of a list, seen at once."""
_WINDOW = 60
_COUNTS_ON = re.compile(r"第[二三四2-4][，、,]|其次|再來|最後，|(?:Second|Third|Fourth|Final)(?:ly)?\b")
"""A list told in sentences, which is best seen at once."""


def duration_of(units: Sequence[Unit]) -> float:
    """What one part takes, with the gaps in it and behind it."""
    gaps = sum(not unit.inside for unit in units[1:])
    return sum(unit.seconds for unit in units) + SENTENCE_PAUSE_S * gaps + PART_PAUSE_S


def cut_segments(units: Sequence[Unit]) -> list[tuple[Unit, ...]]:
    """The units in groups of 5-20 s each, cut where the text itself pauses; shorter only where all of it is."""
    best: list[tuple[float, int]] = [(0.0, 0)]
    for end in range(1, len(units) + 1):
        ways = []
        for start in range(end - 1, max(-1, end - _WINDOW), -1):
            cost = _cost(units[start:end])
            if cost == inf and start < end - 1:
                break
            ways.append((best[start][0] + cost + (_cut_cost(units[start - 1], units[start]) if start else 0.0), start))
        best.append(min(ways))
    out: list[tuple[Unit, ...]] = []
    end = len(units)
    while end:
        start = best[end][1]
        out.append(tuple(units[start:end]))
        end = start
    return out[::-1]


def _cost(units: Sequence[Unit]) -> float:
    seconds = duration_of(units)
    if seconds > LONGEST_S and len(units) > 1:
        return inf
    short = 40 + 30 * (SHORTEST_S - seconds) if seconds < SHORTEST_S else 0.0
    uneven = ((seconds - BEST_S) / 4) ** 2
    crossed = sum(8.0 if unit.kind == "heading" else 0.6 if unit.opens and unit.kind != "item" else 0.0 for unit in units[1:])
    crowded = 8.0 if sum(unit.kind == "item" for unit in units) > MOST_ITEMS else 0.0
    return short + uneven + crossed + crowded


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
    if before.kind == after.kind == "item" or _COUNTS_ON.match(after.text):
        return 4.5
    return 0.3 if after.opens else 1.0

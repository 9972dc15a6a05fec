"""The one line breaker: for titles, body, subtitles and thumbnails; pure.

A text is set in the way that costs least.  Rules that a passing setting keeps: words and Latin names whole, no mark
where it may not stand, the last line at least 34 % of the longest, the others 50 %, no line of one character.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from math import comb, inf

from reelqueue.art.words import DEAR, NO_END, NO_START, Bound, bounds_of, is_han

Span = tuple[int, int]
WidthOf = Callable[[int, int], float]

LAST_SHARE, OTHER_SHARE = 0.34, 0.50
_ENOUGH = 3000  # settings that are tried one by one: about 10 ms; beyond, dynamic programming
_RAGGED, _PER_LINE = 8.0, 1.0


@dataclass(frozen=True, slots=True)
class Setting:
    """One way to break a text.  `longest` is its widest line's width."""

    lines: tuple[Span, ...]
    longest: float
    cost: float


def break_lines(text: str, measure: Callable[[str], float], max_width: float, max_lines: int, language: str) -> tuple[Span, ...]:
    """The lines of `text` as ranges of characters, without the spaces at their ends.

    Always answers with at most `max_lines` lines: where no setting passes, the shares are given up first, then words are
    cut, and at last lines are wider than `max_width`, as even as can be.  An empty text has no lines.

    Args:
        text: what is set; any space or line end is a place to break.
        measure: the width of a piece of it, in any unit.
        max_width: in the same unit.
        max_lines: at least 1.
        language: BCP 47; "zh…" keeps Latin words together as names.
    """
    seen: dict[Span, float] = {}

    def width_of(start: int, end: int) -> float:
        if (start, end) not in seen:
            seen[start, end] = measure(text[start:end])
        return seen[start, end]

    return best_setting(text, width_of, max_width, max_lines, language).lines


def best_setting(text: str, width_of: WidthOf, max_width: float, max_lines: int, language: str) -> Setting:
    """Like `break_lines`, with the width of a range of characters, and what it costs."""
    passing = passing_setting(text, width_of, max_width, max_lines, language)
    return passing or loose_setting(text, width_of, max_width, max_lines, language)


def passing_setting(text: str, width_of: WidthOf, max_width: float, max_lines: int, language: str) -> Setting | None:
    """The cheapest setting that keeps all rules and fits; None where there is none."""
    bounds = _finite(bounds_of(text, language))
    whole = _whole(text)
    if _few(len(bounds), max_lines):
        fitting = [s for s in every_setting(text, width_of, max_lines, language) if s.longest <= max_width]
        return min(fitting, key=lambda s: s.cost, default=None)
    for narrower in (1.0, 0.94, 0.88, 0.82, 0.76):  # a narrower measure evens the lines out
        found = _programmed(whole, bounds, width_of, max_width * narrower, max_lines)
        if found is not None and _passes(text, found.lines, [width_of(*line) for line in found.lines]):
            return found
    return None


def every_setting(text: str, width_of: WidthOf, max_lines: int, language: str) -> tuple[Setting, ...]:
    """Every setting that keeps all rules, whatever its width.  Empty for a text too long to try them all."""
    bounds = _finite(bounds_of(text, language))
    whole = _whole(text)
    if whole[0] == whole[1] or not _few(len(bounds), max_lines):
        return ()
    out = []
    for count in range(min(max_lines, len(bounds) + 1)):
        for chosen in combinations(bounds, count):
            lines = _lines(whole, chosen)
            widths = [width_of(*line) for line in lines]
            if _passes(text, lines, widths):
                out.append(_setting(lines, widths, chosen))
    return tuple(out)


def loose_setting(text: str, width_of: WidthOf, max_width: float, max_lines: int, language: str, *, cut: bool = True) -> Setting:
    """The least bad setting where none passes: see `break_lines` for what is given up; words only where `cut`."""
    whole = _whole(text)
    if whole[0] == whole[1]:
        return Setting((), 0.0, 0.0)
    words = bounds_of(text, language)
    ways = [_finite(words), tuple(_affordable(words))]
    if cut:
        ways.append(_anywhere(text, words, width_of, max_width))
    for bounds in ways:
        found = _programmed(whole, bounds, width_of, max_width, max_lines)
        if found is not None:
            return found
    bounds = tuple(_affordable(words))
    low, high = 0.0, width_of(*whole)
    best = Setting((whole,), high, inf)
    for _ in range(20):
        half = (low + high) / 2
        found = _programmed(whole, bounds, width_of, half, max_lines)
        if found is None:
            low = half
        else:
            best, high = found, half
    return best


def _finite(bounds: Sequence[Bound]) -> tuple[Bound, ...]:
    return tuple(b for b in bounds if b.cost < inf)


def _affordable(bounds: Sequence[Bound]) -> list[Bound]:
    return [b if b.cost < inf else Bound(b.end, b.start, 3 * DEAR) for b in bounds]


def _anywhere(text: str, words: Sequence[Bound], width_of: WidthOf, max_width: float) -> tuple[Bound, ...]:
    """Between any two Chinese characters, and in a Latin word that is wider than a line; the marks keep their rules."""
    first, last = _whole(text)
    known = _affordable(words)
    starts, ends = [first, *(b.start for b in known)], [*(b.end for b in known), last]
    out = []
    for number, (start, end) in enumerate(zip(starts, ends, strict=True)):
        wide = width_of(start, end) > max_width
        for at in range(start + 1, end):
            between = is_han(text[at - 1]) or is_han(text[at])
            if (wide or between) and text[at] not in NO_START and text[at - 1] not in NO_END:
                out.append(Bound(at, at, 6 * DEAR))
        out += known[number : number + 1]
    return tuple(out)


def _few(bounds: int, max_lines: int) -> bool:
    return sum(comb(bounds, k) for k in range(min(max_lines, bounds + 1))) <= _ENOUGH


def _whole(text: str) -> Span:
    return len(text) - len(text.lstrip()), max(len(text.rstrip()), len(text) - len(text.lstrip()))


def _lines(whole: Span, chosen: Sequence[Bound]) -> tuple[Span, ...]:
    starts = [whole[0], *(b.start for b in chosen)]
    ends = [*(b.end for b in chosen), whole[1]]
    return tuple(zip(starts, ends, strict=True))


def _passes(text: str, lines: Sequence[Span], widths: Sequence[float]) -> bool:
    if len(lines) == 1:
        return True
    longest = max(widths)
    if widths[-1] < LAST_SHARE * longest or min(widths[:-1]) < OTHER_SHARE * longest:
        return False
    return all(sum(c.isalnum() for c in text[a:b]) > 1 for a, b in lines)


def _setting(lines: tuple[Span, ...], widths: Sequence[float], chosen: Sequence[Bound]) -> Setting:
    longest = max(widths)
    ragged = sum(((longest - w) / longest) ** 2 for w in widths) if longest else 0.0
    cost = _RAGGED * ragged + _PER_LINE * len(lines) + sum(b.cost for b in chosen)
    return Setting(lines, longest, cost)


def _programmed(whole: Span, bounds: Sequence[Bound], width_of: WidthOf, max_width: float, max_lines: int) -> Setting | None:
    """The cheapest of all settings by dynamic programming, without the shares; None: not within `max_lines`."""
    starts = [whole[0], *(b.start for b in bounds)]
    ends = [*(b.end for b in bounds), whole[1]]
    costs = [*(b.cost for b in bounds), 0.0]
    count = len(ends)
    best: list[dict[int, tuple[float, int]]] = [{-1: (0.0, -1)}]
    for _ in range(max_lines):
        row: dict[int, tuple[float, int]] = {}
        for before, (paid, _) in best[-1].items():
            for last in range(before + 1, count):
                width = width_of(starts[before + 1], ends[last])
                if width > max_width:
                    break
                slack = (max_width - width) / max_width
                cost = paid + _PER_LINE + costs[last] + _RAGGED * slack**2 * (0.25 if last == count - 1 else 1.0)
                if last not in row or cost < row[last][0]:
                    row[last] = (cost, before)
        best.append(row)
    finals = [(row[count - 1][0], number) for number, row in enumerate(best) if count - 1 in row]
    if not finals:
        return None
    number, last, cuts = min(finals)[1], count - 1, []
    while number:
        cuts.append(last)
        last = best[number][last][1]
        number -= 1
    cuts = [-1, *reversed(cuts)]
    lines = tuple((starts[a + 1], ends[b]) for a, b in pairwise(cuts))
    return _setting(lines, [width_of(*line) for line in lines], [bounds[c] for c in cuts[1:-1]])

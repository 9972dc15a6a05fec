"""Two rows of frames laid on each other: dynamic time warping, one anti-diagonal at a time.  Pure numpy.

A compiled library would be faster, but this takes a hundredth of the time that speaking takes; `docs/benchmarks.md`
says which were looked at.
"""

import numpy as np
from numpy.typing import NDArray

from reelqueue.providers.local.voice.model import Floats

BAND, MOST_BAND = 300, 1_500
"""Least and most half width of the band around the straight line, in frames of 10 ms: what memory it takes has an end."""
BAND_SHARE = 0.15
"""Half width as a share of the longer side: a voice may hurry here and dwell there."""
STEP_COST = 0.1
"""What standing still on one side costs more than going on on both; distances are 0 to 2."""

Ints = NDArray[np.int64]


def path(left: Floats, right: Floats) -> tuple[Ints, Ints]:
    """The cheapest way through two rows of unit vectors, by cosine distance: the frames of both sides, step by step.

    It begins at both beginnings and ends at both ends.  Memory: a byte for each cell of the band.
    """
    n, m = len(left), len(right)
    half = min(max(BAND, int(BAND_SHARE * max(n, m))), MOST_BAND)
    backwards = np.ascontiguousarray(right[::-1])
    lows, choices = [], []
    before_low, before = 0, np.zeros(0, dtype=np.float32)
    last_low, last = 0, np.zeros(0, dtype=np.float32)
    for diagonal in range(n + m - 1):
        low, high = _inside(diagonal, n, m, half)
        first = m - 1 - diagonal + low
        cost = 1.0 - np.einsum("ij,ij->i", left[low:high], backwards[first : first + high - low])
        on = _seen(before_low, before, low - 1, high - 1)
        down = _seen(last_low, last, low - 1, high - 1) + STEP_COST
        across = _seen(last_low, last, low, high) + STEP_COST
        if diagonal == 0:
            on = np.zeros(1, dtype=np.float32)
        best = np.minimum(on, np.minimum(down, across))
        choices.append(np.where(best == on, 0, np.where(best == down, 1, 2)).astype(np.int8))
        lows.append(low)
        before_low, before = last_low, last
        last_low, last = low, (best + cost).astype(np.float32)
    return _back(n, m, lows, choices)


def _inside(diagonal: int, n: int, m: int, half: int) -> tuple[int, int]:
    """The frames of the left side, from and to, that an anti-diagonal has inside the band."""
    low, high = max(0, diagonal - m + 1), min(n, diagonal + 1)
    middle = diagonal * (n - 1) / max(1, n + m - 2)
    low_band, high_band = int(np.ceil(middle - half)), int(middle + half) + 1
    return min(max(low, low_band), high - 1), max(min(high, high_band), low + 1)


def _seen(low: int, values: Floats, first: int, last: int) -> Floats:
    """Values `first` to `last` of an earlier anti-diagonal; endless outside of what it has."""
    found = np.full(last - first, np.inf, dtype=np.float32)
    begin, end = max(first, low), min(last, low + len(values))
    if begin < end:
        found[begin - first : end - first] = values[begin - low : end - low]
    return found


def _back(n: int, m: int, lows: list[int], choices: list[NDArray[np.int8]]) -> tuple[Ints, Ints]:
    i, j = n - 1, m - 1
    steps = [(i, j)]
    while i or j:
        choice = choices[i + j][i - lows[i + j]]
        i, j = i - (choice != 2), j - (choice != 1)
        steps.append((i, j))
    found = np.array(steps[::-1], dtype=np.int64)
    return found[:, 0], found[:, 1]

"""When each moment of one sound is heard in another that says the same.  Pure; sounds are float32 at 24 kHz."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reelqueue.providers.alignment.features import FRAMES_PER_S, Bools, cepstra, frames, quiet
from reelqueue.providers.alignment.warp import Ints, path
from reelqueue.providers.local.voice import waves
from reelqueue.providers.local.voice.model import Floats

KEPT_FRAMES = 10
"""A longer silence is cut to this many frames on both sides before they are compared: pauses are each voice's own."""
EDGE_S = 0.02
"""A silence may begin and end so much nearer: the window of 25 ms that holds its edge is heard."""
BESIDE_S = 0.03
"""A word that begins or ends in a silence does so this close to what is heard."""


@dataclass(frozen=True, slots=True)
class Side:
    """A sound's frames: which are compared, and by what; its long silences, first and last frame each; how long it is heard."""

    vectors: Floats
    kept: Ints
    silences: Ints
    spoken_s: float


def side(sound: Floats) -> Side:
    """The frames of a sound without most of its silences."""
    windows = frames(sound)
    silent = quiet(windows, waves.level(sound))
    silences = _silences(silent)
    kept = np.ones(len(silent), dtype=np.bool_)
    for first, last in silences:
        kept[first + KEPT_FRAMES // 2 : last - KEPT_FRAMES // 2] = False
    places = np.flatnonzero(kept)
    return Side(cepstra(windows, silent)[places], places, silences, float((~silent).sum()) / FRAMES_PER_S)


def _silences(silent: Bools) -> Ints:
    """Where more than `KEPT_FRAMES` are silent: rows of first frame, and last one + 1."""
    edges = np.flatnonzero(np.diff(np.concatenate(([0], silent.astype(np.int8), [0])))).reshape(-1, 2)
    return edges[edges[:, 1] - edges[:, 0] > KEPT_FRAMES]


class Match:
    """Two sounds laid on each other: times of the known one as times of the other, in seconds.

    `distance` is how unlike they are, 0 to 2, on the average.
    """

    def __init__(self, known: Side, other: Side) -> None:
        left, right = path(known.vectors, other.vectors)
        self.distance = float((1.0 - np.einsum("ij,ij->i", known.vectors[left], other.vectors[right])).mean())
        places = np.arange(len(known.kept))
        first, last = (right[np.searchsorted(left, places, side="left")], right[np.searchsorted(left, places, side="right") - 1])
        self._known_s: NDArray[np.float64] = known.kept / FRAMES_PER_S
        self._other_s: NDArray[np.float64] = (other.kept[first] + other.kept[last]) / 2 / FRAMES_PER_S
        self._known_silences, self._other_silences = _spans(known.silences), _spans(other.silences)

    def start(self, moment: float) -> float:
        """When something begins; in a silence of either sound, just before what is heard next."""
        around = _around(self._known_silences, moment + EDGE_S)
        found = self._there(moment) if around is None else self._there(around[1]) - min(max(around[1] - moment, 0.0), BESIDE_S)
        pause = _around(self._other_silences, found + EDGE_S)
        return found if pause is None else max(found, pause[1] - BESIDE_S)

    def end(self, moment: float) -> float:
        """When something ends; in a silence of either sound, just after what was heard last."""
        around = _around(self._known_silences, moment - EDGE_S)
        found = self._there(moment) if around is None else self._there(around[0]) + min(max(moment - around[0], 0.0), BESIDE_S)
        pause = _around(self._other_silences, found - EDGE_S)
        return found if pause is None else min(found, pause[0] + BESIDE_S)

    def _there(self, moment: float) -> float:
        return float(np.interp(moment, self._known_s, self._other_s))


def _spans(silences: Ints) -> list[tuple[float, float]]:
    return [(float(begin), float(end)) for begin, end in silences / FRAMES_PER_S]


def _around(silences: Sequence[tuple[float, float]], moment: float) -> tuple[float, float] | None:
    """The silence that a moment lies in."""
    return next(((begin, end) for begin, end in silences if begin <= moment <= end), None)

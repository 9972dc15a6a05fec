"""When each moment of one sound is heard in another that says the same.  Pure; sounds are float32 at 24 kHz."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reelqueue.providers.alignment.features import FRAMES_PER_S, Bools, cepstra, frames, quiet
from reelqueue.providers.alignment.warp import Ints, path
from reelqueue.providers.local.voice import waves
from reelqueue.providers.local.voice.model import Floats

KEPT_FRAMES = 10
"""A longer silence is cut to this many frames on both sides before they are compared: pauses are each voice's own."""
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
    """Two sounds laid on each other: times of the known one as times of the other, in seconds."""

    def __init__(self, known: Side, other: Side) -> None:
        left, right = path(known.vectors, other.vectors)
        places = np.arange(len(known.kept))
        first, last = (right[np.searchsorted(left, places, side="left")], right[np.searchsorted(left, places, side="right") - 1])
        self._known_s: NDArray[np.float64] = known.kept / FRAMES_PER_S
        self._other_s: NDArray[np.float64] = (other.kept[first] + other.kept[last]) / 2 / FRAMES_PER_S
        self._silences = [(float(begin), float(end)) for begin, end in known.silences / FRAMES_PER_S]

    def start(self, moment: float) -> float:
        """When something begins; in a silence, just before what is heard next."""
        for begin, end in self._silences:
            if begin <= moment < end:
                return max(self._there(begin), self._there(end) - min(end - moment, BESIDE_S))
        return self._there(moment)

    def end(self, moment: float) -> float:
        """When something ends; in a silence, just after what was heard last."""
        for begin, end in self._silences:
            if begin < moment <= end:
                return min(self._there(end), self._there(begin) + min(moment - begin, BESIDE_S))
        return self._there(moment)

    def _there(self, moment: float) -> float:
        return float(np.interp(moment, self._known_s, self._other_s))

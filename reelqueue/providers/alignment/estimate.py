"""Word times without a reference: clauses laid on the stretches between pauses, words by their length.  Pure.

For what the local voice can't speak: another language, nothing that is said, weights that are damaged.
"""

import re
from collections.abc import Sequence
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from reelqueue.models.language import HAN
from reelqueue.providers.alignment.features import FRAMES_PER_S, Bools, frames, quiet
from reelqueue.providers.local.voice import waves
from reelqueue.providers.local.voice.model import Floats, Token
from reelqueue.providers.local.voice.takes import Take
from reelqueue.providers.local.voice.unit import Sound

PAUSE_FRAMES = 12
"""A silence of 120 ms may be a pause between clauses; a shorter one is a consonant's."""
SYMBOL_S = 0.07
"""How long one symbol of the model's vocabulary is heard, about (measured in both languages: 0.06-0.08)."""
Doubles = NDArray[np.float64]
_MISSED_S = 0.5
"""A pause this far from where a clause should end is another one."""
_UNHEARD = frozenset("ˈˌː→↗↓↘ ")
_WORD = re.compile(rf"[{HAN}\u3041-\u30ff\uac00-\ud7af]|[^\W_]+(?:['’-][^\W_]+)*|[^\w\s]")
_WIDE = re.compile(rf"[{HAN}\u3041-\u30ff\uac00-\ud7af]")


def plain(text: str) -> tuple[Sound, ...]:
    """The words of a text by their letters alone, with vowels in place of phonemes; marks are pauses."""
    return tuple(_plain(match) for match in _WORD.finditer(text))


def _plain(match: re.Match[str]) -> Sound:
    start, end = match.span()
    if not match[0][0].isalnum():
        return Sound(start, end, ",", "pause")
    symbols = 3 if _WIDE.match(match[0]) else sum(3 if char.isdigit() else 1 for char in match[0])
    return Sound(start, end, "ə" * symbols, "en")


def symbols(sounds: Sequence[Sound]) -> int:
    """How many symbols of these take time."""
    return sum(_weight(sound) for sound in sounds if sound.language != "pause")


def _weight(sound: Sound) -> int:
    return max(1, sum(symbol not in _UNHEARD for symbol in sound.phonemes))


def estimated(sounds: Sequence[Sound], sound: Floats) -> Take:
    """The sounds with the times at which they are heard in `sound`, about."""
    silent = quiet(frames(sound), waves.level(sound))
    clauses = [list(group) for is_pause, group in groupby(sounds, key=lambda one: one.language == "pause") if not is_pause]
    if not clauses or silent.all():
        return Take(sound, (), ())
    weights = np.array([symbols(clause) for clause in clauses], dtype=np.float64)
    lasting = np.cumsum(~silent) / FRAMES_PER_S  # seconds of speech up to each frame
    ends = _clause_ends(np.cumsum(weights) / weights.sum() * lasting[-1], _pauses(silent, lasting))
    heard: list[tuple[Sound, float, float]] = []
    for clause, first, last in zip(clauses, [0.0, *ends[:-1]], ends, strict=True):
        edges = first + np.concatenate(([0], np.cumsum([_weight(one) for one in clause]))) / symbols(clause) * (last - first)
        starts = np.searchsorted(lasting, edges[:-1] + 1e-9) / FRAMES_PER_S
        stops = np.searchsorted(lasting, edges[1:] - 1e-9) / FRAMES_PER_S
        heard += [(one, float(start), float(stop)) for one, start, stop in zip(clause, starts, stops, strict=True)]
    return Take(sound, tuple(_tokens(heard)), tuple(heard))


def _pauses(silent: Bools, lasting: Doubles) -> list[float]:
    """Where there is a pause, in seconds of speech."""
    edges = np.flatnonzero(np.diff(np.concatenate(([0], silent.astype(np.int8), [0]))))
    return [float(lasting[first]) for first, last in zip(edges[::2], edges[1::2], strict=True) if last - first >= PAUSE_FRAMES]


def _clause_ends(expected: Doubles, pauses: Sequence[float]) -> list[float]:
    """The end of each clause in seconds of speech: at a pause near to where it should be, or there; in order."""
    ends: list[float] = []
    for place in expected[:-1]:
        moved = place + (ends[-1] - expected[len(ends) - 1] if ends else 0.0)
        near = min(pauses, key=lambda pause: abs(pause - moved), default=moved)
        end = near if abs(near - moved) <= _MISSED_S else float(place)
        ends.append(max(end, ends[-1] if ends else 0.0))
    return [*ends, float(expected[-1])]


def _tokens(heard: Sequence[tuple[Sound, float, float]]) -> list[Token]:
    """Each symbol of a word for an equal part of it, and a pause between words that are apart."""
    tokens: list[Token] = []
    for sound, start, end in heard:
        if tokens and start > tokens[-1].end_s:
            tokens.append(Token(" ", tokens[-1].end_s, start))
        spoken = [symbol for symbol in sound.phonemes if symbol not in _UNHEARD]
        step = (end - start) / max(1, len(spoken))
        tokens += [Token(symbol, start + i * step, start + (i + 1) * step) for i, symbol in enumerate(spoken)]
    return tokens

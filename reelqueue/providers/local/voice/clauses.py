"""Cutting the sounds of a sentence that is too long for the model.  Pure."""

from collections.abc import Sequence

from reelqueue.providers.local.voice.unit import Sound

MAX_SYMBOLS = 330
"""About 70 Chinese characters.  The model takes 509, but errs more the longer it speaks (464: 3.5-4.9 % wrong syllables)."""
_SOFT = frozenset(",;:—….!?")


def clauses(sounds: Sequence[Sound]) -> tuple[tuple[Sound, ...], ...]:
    """The sounds in parts of at most `MAX_SYMBOLS`: cut at the mark nearest to the middle, else between two words."""
    if symbols(sounds) <= MAX_SYMBOLS or len(sounds) < 2:
        return (tuple(sounds),)
    cuts = _marks(sounds) or list(range(1, len(sounds)))
    cut = min(cuts, key=lambda place: abs(symbols(sounds[:place]) - symbols(sounds) / 2))
    return (*clauses(sounds[:cut]), *clauses(sounds[cut:]))


def symbols(sounds: Sequence[Sound]) -> int:
    """How many symbols these are, spaces included."""
    return sum(len(sound.phonemes) + 1 for sound in sounds)


def _marks(sounds: Sequence[Sound]) -> list[int]:
    """The places after a mark, that leave words on both sides."""
    return [
        place
        for place in range(1, len(sounds))
        if sounds[place - 1].phonemes in _SOFT
        and any(sound.language != "pause" for sound in sounds[:place])
        and any(sound.language != "pause" for sound in sounds[place:])
    ]

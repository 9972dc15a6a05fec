"""What stands between written and heard: stretches of the written text, each with how it is said."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Kind = Literal["zh", "en", "letters", "pinyin", "phonemes", "pause"]
"""How `Unit.spoken` is to be read.

zh: Chinese in characters.  en: English words.  letters: Latin letters said one by one.  pinyin: syllables such as
"chong2 shi4".  phonemes: symbols of the model's vocabulary, said by the English voice.  pause: one mark of punctuation.
"""
Said = tuple[tuple[Kind, str], ...]
"""How one stretch is said, in its order: an abbreviation with a number is half English, half Chinese."""
Reader = Callable[[re.Match[str]], Said]
"""How what a pattern found is said."""


@dataclass(frozen=True, slots=True)
class Unit:
    """A stretch of the written text and how it is said.  `fixed`: it is one word, however many are heard."""

    start: int
    end: int
    kind: Kind
    spoken: str
    fixed: bool = True


@dataclass(frozen=True, slots=True)
class Sound:
    """A word's phonemes, or a pause's mark.  `start` and `end` are characters of the written text."""

    start: int
    end: int
    phonemes: str
    language: Literal["zh", "en", "pause"]

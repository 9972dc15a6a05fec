"""How long a text takes to be read aloud, in seconds; pure.

Fitted by least squares to 13 sentences of the local voice (2-8 s each, 2026-11-24: Kokoro-82M, its two default voices), the
worst of which is off by 0.6 s.  Tried on a whole script with many English terms: 72.4 s estimated, 75.8 s spoken.  Another
voice's length is its own: a duration in a script is an estimate.
"""

import re

from reelqueue.models.language import HAN

ZH_SYLLABLE_S = 0.182
"""One Chinese character: 5.5 a second."""
EN_SYLLABLE_S = 0.21
EN_IN_ZH_SYLLABLE_S = 0.28
"""English inside Chinese is spoken word by word."""
CLAUSE_PAUSE_S = {"zh": 0.2, "en": 0.3}
"""At a comma, a colon or a dash inside a sentence."""
SENTENCE_PAUSE_S = 0.35
"""Between sentences: the gap that the timeline puts there."""

_TOKEN = re.compile(
    rf"(?P<han>[{HAN}])|(?P<number>\d+(?:[.,:]\d+)*)|(?P<word>[A-Za-zÀ-ɏ]+(?:['’][A-Za-z]+)?)|(?P<sign>[%％‰℃°$€£¥&+=@#/])"
)
_CLAUSE = re.compile(r"[，、；：—…,;:](?=\s*\S)|——")
_VOWELS = re.compile(r"[aeiouyà-ü]+", re.IGNORECASE)
_SIGN_SYLLABLES = 2.0
_NARROW = {code: code - 0xFEE0 for code in (*range(0xFF10, 0xFF1A), *range(0xFF21, 0xFF3B), *range(0xFF41, 0xFF5B))}
"""Full-width digits and letters."""


def seconds_of(text: str, language: str) -> float:
    """The estimate for one sentence, or several told in one breath; punctuation alone takes none."""
    chinese = language.startswith("zh")
    own = ZH_SYLLABLE_S if chinese else EN_SYLLABLE_S
    total = 0.0
    for token in _TOKEN.finditer(text.translate(_NARROW)):
        if token["han"]:
            total += ZH_SYLLABLE_S
        elif token["number"]:
            total += number_syllables(token["number"], chinese=chinese) * own
        elif token["word"]:
            total += word_syllables(token["word"]) * (EN_IN_ZH_SYLLABLE_S if chinese else EN_SYLLABLE_S)
        else:
            total += _SIGN_SYLLABLES * own
    return total + CLAUSE_PAUSE_S["zh" if chinese else "en"] * len(_CLAUSE.findall(text))


def number_syllables(number: str, *, chinese: bool) -> float:
    """Syllables of a figure: each digit that is not a trailing zero has its place, a digit behind the point has none."""
    whole, _, fraction = number.replace(",", "").partition(".")
    digits = whole.replace(":", "")
    behind = len(fraction) + 1 if fraction else 0
    significant = len(digits.rstrip("0")) or 1
    if chinese:
        year = len(digits) == 4 and significant > 2
        return (4 if year else max(1, 2 * significant - (0 if len(digits) > significant else 1))) + behind
    if len(digits) <= 2:
        return (1 if len(digits) == 1 else 3) + behind
    return (5 if len(digits) == 4 and significant > 2 else 3 * significant) + behind


def word_syllables(word: str) -> float:
    """Syllables of an English word by its groups of vowels; capitals are spelled."""
    if word.isupper() and 1 < len(word) <= 5:
        return len(word) * 1.1
    groups = len(_VOWELS.findall(word))
    silent = word.lower().endswith("e") and not word.lower().endswith(("le", "ee")) and groups > 1
    return max(1.0, groups - (1 if silent else 0))

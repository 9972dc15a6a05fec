"""Which sounds a text is made of: Chinese by pinyin, English by its pronunciation, both as targets for the sandbox's voice.

Vowels are places of three formants in Hz (the usual textbook averages, rounded), consonants are noise, silence or a
murmur.  It is babble with the right syllables in the right order, enough to look for word times in.
"""

import functools
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from reelqueue.models.language import HAN


@dataclass(frozen=True, slots=True)
class Sound:
    """One target.  `weight` is its share of the syllable's length; `voiced` and `noise` are gains, `band` the noise's centre in Hz."""

    weight: float
    voiced: float = 0.0
    noise: float = 0.0
    formants: tuple[float, float, float] = (500, 1500, 2500)
    band: float = 4000.0


@dataclass(frozen=True, slots=True)
class Spoken:
    """One word (of Chinese: one character) and its sounds.

    `syllables` counts for its length, `tone` is Mandarin's 1-5 and 0 for English; `pause` is the silence behind it in seconds.
    """

    text: str
    sounds: tuple[Sound, ...]
    syllables: int
    tone: int = 0
    pause: float = 0.0


def _vowel(f1: float, f2: float, f3: float = 2500, weight: float = 1.0) -> Sound:
    return Sound(weight, voiced=1.0, formants=(f1, f2, f3))


def _murmur(f1: float, f2: float, f3: float = 2400) -> Sound:
    return Sound(0.45, voiced=0.35, formants=(f1, f2, f3))


def _hiss(band: float, weight: float = 0.6, noise: float = 0.35, voiced: float = 0.0) -> Sound:
    return Sound(weight, voiced=voiced, noise=noise, formants=(300, 1500, 2500), band=band)


_GAP = Sound(0.22)
"""A closed mouth."""


def _burst(band: float, breath: float) -> tuple[Sound, ...]:
    return (_GAP, _hiss(band, 0.1, 0.5), *([_hiss(band, breath, 0.22)] if breath else []))


VOWELS: dict[str, Sound] = {
    "a": _vowel(800, 1250), "o": _vowel(520, 900), "e": _vowel(500, 1150), "i": _vowel(300, 2300, 3000), "u": _vowel(330, 720),
    "v": _vowel(300, 1950, 2400), "E": _vowel(550, 1900), "R": _vowel(500, 1350, 1700), "z": _vowel(360, 1400, 2600), "Z": _vowel(360, 1650, 2000),
    "æ": _vowel(680, 1750), "ɑ": _vowel(750, 1150), "ɔ": _vowel(600, 900), "ʌ": _vowel(640, 1200), "ə": _vowel(500, 1400, 2500, 0.7),
    "ɪ": _vowel(400, 2000), "ʊ": _vowel(440, 1020), "ɛ": _vowel(560, 1850), "ɜ": _vowel(490, 1350, 1700),
    "N": Sound(0.5, voiced=0.45, formants=(280, 1700, 2500)), "G": Sound(0.5, voiced=0.45, formants=(280, 1100, 2300)),
}  # fmt: skip
"""By one letter each: pinyin's own, IPA's; "R" is er, "z" and "Z" the buzz after s and sh, "N" and "G" the final nasals."""

CONSONANTS: dict[str, tuple[Sound, ...]] = {
    "b": _burst(900, 0), "p": _burst(900, 0.3), "d": _burst(3800, 0), "t": _burst(3800, 0.3), "g": _burst(1900, 0), "k": _burst(1900, 0.35),
    "m": (_murmur(260, 1000),), "n": (_murmur(280, 1700),), "ŋ": (_murmur(280, 1100),), "l": (_murmur(380, 1200),), "r": (_murmur(400, 1300, 1650),),
    "w": (_murmur(330, 700),), "j": (_murmur(290, 2250),), "f": (_hiss(6500, 0.5, 0.16),), "v": (_hiss(6000, 0.4, 0.1, 0.3),),
    "s": (_hiss(7500, 0.6, 0.4),), "z": (_hiss(7000, 0.5, 0.25, 0.3),), "ʃ": (_hiss(3600, 0.6, 0.4),), "ʒ": (_hiss(3400, 0.5, 0.25, 0.3),),
    "h": (_hiss(1600, 0.45, 0.2),), "θ": (_hiss(6800, 0.45, 0.12),), "ð": (_hiss(5000, 0.3, 0.06, 0.35),), "ɾ": (_murmur(350, 1700),),
    "ʧ": (_GAP, _hiss(3700, 0.5, 0.4)), "ʤ": (_GAP, _hiss(3500, 0.35, 0.3, 0.2)), "ɕ": (_hiss(5200, 0.6, 0.38),),
    "ʨ": (_GAP, _hiss(5200, 0.3, 0.35)), "ʨh": (_GAP, _hiss(5200, 0.6, 0.38)), "ʦ": (_GAP, _hiss(7500, 0.3, 0.35)), "ʦh": (_GAP, _hiss(7500, 0.6, 0.38)),
}  # fmt: skip

_INITIALS = {
    "j": "ʨ", "q": "ʨh", "x": "ɕ", "zh": "ʤ", "ch": "ʧ", "sh": "ʃ", "z": "ʦ", "c": "ʦh", "h": "h",
}  # fmt: skip
_FINALS = {
    "ai": "ai", "ei": "Ei", "ao": "au", "ou": "ou", "an": "aN", "en": "eN", "ang": "aG", "eng": "eG", "ong": "oG", "er": "R",
    "ia": "ia", "ie": "iE", "iao": "iau", "iou": "iou", "ian": "iEN", "in": "iN", "iang": "iaG", "ing": "iG", "iong": "voG",
    "ua": "ua", "uo": "uo", "uai": "uai", "uei": "uEi", "uan": "uaN", "uen": "ueN", "uang": "uaG", "ueng": "ueG",
    "ve": "vE", "van": "vaN", "vn": "vN", "io": "io",
}  # fmt: skip
_DIPHTHONGS = {
    "A": "ɛɪ",
    "I": "aɪ",
    "W": "aʊ",
    "Y": "ɔɪ",
    "O": "ɔʊ",
    "Q": "əʊ",
    "ɐ": "ə",
    "ɚ": "ɜ",
    "ᵊ": "ə",
    "ᵻ": "ɪ",
    "ɒ": "ɔ",
    "ɡ": "g",
    "ɹ": "r",
}
_DIGITS = dict(zip("0123456789", "零一二三四五六七八九", strict=True))

_TOKEN = re.compile(
    rf"(?P<han>[{HAN}])|(?P<number>\d+)|(?P<word>[A-Za-zÀ-ɏ]+(?:['’][A-Za-z]+)*)|(?P<stop>[。！？!?.…\n])|(?P<comma>[，、；：,;:—])|(?P<other>[^\W\d_])"
)
COMMA_PAUSE_S = 0.2
STOP_PAUSE_S = 0.4


def sounds_of(text: str) -> tuple[Spoken, ...]:
    """The words of a text in their order; empty where there is nothing to be spoken."""
    words: list[Spoken] = []
    chinese = bool(re.search(f"[{HAN}]", text))
    for token in _TOKEN.finditer(text):
        if token["stop"] or token["comma"]:
            if words:
                pause = STOP_PAUSE_S if token["stop"] else COMMA_PAUSE_S
                words[-1] = _with_pause(words[-1], max(words[-1].pause, pause))
        elif token["han"] or (token["number"] and chinese):
            words += [
                _syllable(char)
                for char in ("".join(_DIGITS[digit] for digit in token["number"]) if token["number"] else token["han"])
            ]
        elif token["other"]:
            words.append(Spoken(token[0], (VOWELS["aeiou"[ord(token[0]) % 5]],), 1))  # a letter of another script
        else:
            words.append(_english(token[0]))
    return tuple(words)


def _with_pause(word: Spoken, pause: float) -> Spoken:
    return Spoken(word.text, word.sounds, word.syllables, word.tone, pause)


@functools.cache
def _syllable(char: str) -> Spoken:
    from pypinyin import Style, lazy_pinyin  # noqa: PLC0415  # loads its tables: only where Chinese is spoken
    from pypinyin.contrib.tone_convert import to_finals, to_initials  # noqa: PLC0415

    pinyin = lazy_pinyin(char, style=Style.TONE3, neutral_tone_with_five=True)[0]
    if not re.fullmatch(r"[a-zü]+[1-5]", pinyin):
        pinyin = "e5"
    initial, final = to_initials(pinyin, strict=True), to_finals(pinyin, strict=True)
    if final == "i" and initial in {"z", "c", "s"}:
        vowels = "z"
    elif final == "i" and initial in {"zh", "ch", "sh", "r"}:
        vowels = "Z"
    else:
        vowels = _FINALS.get(final, "".join(letter for letter in final if letter in VOWELS) or "e")
    onset = CONSONANTS.get(_INITIALS.get(initial, initial), ()) if initial else ()
    return Spoken(char, (*onset, *(VOWELS[letter] for letter in vowels)), 1, int(pinyin[-1]))


@functools.cache
def _english(word: str) -> Spoken:
    sounds: list[Sound] = []
    syllables = 0
    for symbol in _symbols(_pronounce()(word)):
        if symbol in VOWELS:
            sounds.append(VOWELS[symbol])
            syllables += 1
        else:
            sounds += CONSONANTS.get(symbol, ())
    if not syllables:
        sounds.append(VOWELS["ə"])
    return Spoken(word, tuple(sounds), max(1, syllables))


def _symbols(phonemes: str) -> Iterator[str]:
    for symbol in phonemes:
        yield from _DIPHTHONGS.get(symbol, symbol)


@functools.cache
def _pronounce() -> Callable[[str], str]:
    from hibari.g2p import G2P  # noqa: PLC0415  # 0.4 s: only where English is spoken

    g2p: Any = G2P()
    return lambda word: str(g2p(word))

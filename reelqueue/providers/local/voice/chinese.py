"""Chinese text to the phonemes of the model: simplified, cut into words, read in pinyin with Taiwan's corrections, then IPA."""

from collections.abc import Iterator
from functools import cache
from typing import Any

import rjieba
from opencc import OpenCC
from pinyin_to_ipa import pinyin_to_ipa
from pypinyin import Style, lazy_pinyin

from reelqueue.providers.local.voice.tables import WHOLE, readings
from reelqueue.providers.local.voice.unit import Sound

_SYMBOLS = (
    ("˧˩˧", "↓"), ("˧˥", "↗"), ("˥˩", "↘"), ("˥", "→"), ("ɻ̩", "ɨ"), ("ɹ̩", "ɨ"), ("̯", ""), ("ts", "ʦ"), ("tɕ", "ʨ"), ("ʈʂ", "ꭧ"),
)  # fmt: skip
"""IPA to the symbols that the model was trained with: tones are arrows, affricates one letter (from misaki 0.9.4)."""

_FIGURES = "零〇一二三四五六七八九十百千萬億點月號樓"


@cache
def _converter() -> Any:
    return OpenCC("tw2s")


@cache
def _cutter() -> Any:
    """The dictionary's words and the table's own, so that 再|重開機 is not cut 再重|開機."""
    cutter = rjieba.Jieba()
    for word in readings():
        if len(word) > 1 and not word.startswith(WHOLE):
            cutter.add_word(simplified(word), None, None)
    return cutter


def simplified(text: str) -> str:
    """The same text in simplified characters, one for one."""
    whole: str = _converter().convert(text)
    return whole if len(whole) == len(text) else "".join((_converter().convert(char) or char)[0] for char in text)


def words(text: str) -> Iterator[tuple[int, int, tuple[str, ...]]]:
    """Each word of a run of Chinese characters: its start, its end, the pinyin of its characters."""
    cut: list[str] = _cutter().cut(simplified(text))
    spans, start = [], 0
    for word in cut:
        spans.append((start, start + len(word)))
        start += len(word)
    syllables = [syllable for word in cut for syllable in _syllables(word)]
    _correct(text, spans, syllables)
    _bend(text, {span[0] for span in spans}, syllables)
    for start, end in spans:
        yield start, end, tuple(syllables[start:end])


def _syllables(word: str) -> list[str]:
    said: list[str] = lazy_pinyin(word, style=Style.TONE3, neutral_tone_with_five=True)
    if len(said) != len(word):
        said = [lazy_pinyin(char, style=Style.TONE3, neutral_tone_with_five=True)[0] for char in word]
    return said


def _correct(text: str, spans: list[tuple[int, int]], syllables: list[str]) -> None:
    """Put the table's readings in, the longest first.

    An entry of several characters counts inside a word, or where it is whole words: 重試 is not in 嚴重|試圖.
    """
    table = readings()
    longest = max(map(len, table))
    inside = {place: span for span in spans for place in range(*span)}
    ends = {end for _, end in spans}
    place = 0
    while place < len(text):
        first, last = inside[place]
        for length in range(min(longest, len(text) - place), 0, -1):
            stretch = text[place : place + length]
            said = table.get(stretch)
            if (first, last) == (place, place + length):
                said = table.get(WHOLE + stretch, said)
            if said and (place + length <= last or (place == first and place + length in ends)):
                syllables[place : place + length] = said
                place += length
                break
        else:
            place += 1


def _bend(text: str, starts: set[int], syllables: list[str]) -> None:
    """Change the tone of 一 and 不 before the next syllable, as everybody says them; ordinals and figures keep theirs."""
    for place in range(len(text) - 1):
        tone = syllables[place + 1][-1]
        if text[place] == "不" and syllables[place] == "bu4" and tone == "4":
            syllables[place] = "bu2"
        if text[place] != "一":
            continue
        ordinal = place > 0 and text[place - 1] in "第初"
        figure = text[place + 1] in _FIGURES or (place > 0 and text[place - 1] in _FIGURES)
        if ordinal:
            syllables[place] = "yi1"
        elif syllables[place] == "yi1" and place in starts and not figure:
            syllables[place] = "yi2" if tone == "4" else "yi4" if tone in "123" else "yi1"


@cache
def phonemes(syllable: str) -> str:
    """A syllable of pinyin with its tone, such as "zhong1"; an empty string where it is none."""
    try:
        said = "".join(pinyin_to_ipa(syllable)[0])
    except (ValueError, IndexError):
        return ""
    for ipa, symbol in _SYMBOLS:
        said = said.replace(ipa, symbol)
    return said


def sounds(start: int, end: int, text: str, *, fixed: bool) -> Iterator[Sound]:
    """What is heard of a run of Chinese: a sound for each word, or one for all where it is `fixed`."""
    said = [(first, last, "".join(map(phonemes, pinyin))) for first, last, pinyin in words(text)]
    if fixed:
        yield Sound(start, end, " ".join(word for *_, word in said if word), "zh")
    else:
        yield from (Sound(start + first, start + last, word, "zh") for first, last, word in said if word)


def spelled(start: int, end: int, pinyin: str) -> Sound:
    """What is heard of syllables that somebody wrote: "chong2 shi4"."""
    return Sound(start, end, "".join(map(phonemes, pinyin.replace("ü", "v").split())), "zh")

"""Which language a text is written in, by the share of its scripts; pure."""

import re

HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff〇"
"""Chinese characters, for a character class of `re`."""

_HAN = re.compile(f"[{HAN}]")
_KANA = re.compile(r"[\u3041-\u30ff]")
_HANGUL = re.compile(r"[\uac00-\ud7af]")
_LATIN_WORD = re.compile(r"[A-Za-zÀ-ɏ]+(?:['’-][A-Za-zÀ-ɏ]+)*")
_NOT_PROSE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]*`|https?://\S+|\]\([^)\s]*\)", re.DOTALL)
HAN_SHARE = 0.25
"""A character of Chinese weighs as much as a word of Latin letters: from this share on the text is Chinese.  A Chinese
text full of English terms stays above it, an English one that quotes a few names below."""


def detect_language(text: str, default: str) -> str:
    """The BCP 47 tag of what `text` is written in: "zh-TW", "en", "ja" or "ko"; `default` where no letters say it.

    Code, addresses and the targets of links don't count.  Which languages can be spoken is the voice's matter.
    """
    prose = _NOT_PROSE.sub(" ", text)
    han, kana, hangul = (len(pattern.findall(prose)) for pattern in (_HAN, _KANA, _HANGUL))
    latin = len(_LATIN_WORD.findall(prose))
    if kana > 0.1 * (han + latin + kana):
        return "ja"
    if hangul > 0.25 * (han + latin + hangul):
        return "ko"
    if han and han >= HAN_SHARE * (han + latin):
        return "zh-TW"
    letters = sum(character.isalpha() for character in prose)
    ascii_letters = sum(len(word) for word in _LATIN_WORD.findall(prose))
    if latin and ascii_letters >= 0.5 * letters:
        return "en"
    return default

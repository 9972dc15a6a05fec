"""How fast the sandbox's voice speaks; pure."""

import re

from reelqueue.models.language import HAN

ZH_SYLLABLES_PER_S = 4.2
EN_WORDS_PER_S = 2.6
"""Pauses included."""

_WORD = re.compile(rf"[{HAN}]|[A-Za-z0-9À-ɏ]+(?:['’.][A-Za-z0-9]+)*")
_HAN = re.compile(f"[{HAN}]")


def seconds_of(text: str) -> float:
    """How long it takes for `text`."""
    words: list[str] = _WORD.findall(text)
    han = len([word for word in words if _HAN.match(word)])
    return han / ZH_SYLLABLES_PER_S + (len(words) - han) / EN_WORDS_PER_S

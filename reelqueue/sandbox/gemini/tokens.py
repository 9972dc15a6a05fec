"""Counting tokens as Gemini bills them, near enough: and the usage that stands in an answer; pure."""

import math
import re
from typing import Any

from reelqueue.models.language import HAN

AUDIO_TOKENS_PER_S = 25
_HAN = re.compile(f"[{HAN}]")
_WORD = re.compile(r"[A-Za-z0-9À-ɏ]+|[^\sA-Za-z0-9À-ɏ]")


def tokens_in(text: str) -> int:
    """One token for a Chinese character or a mark, one for each four letters begun of a word."""
    return sum(1 if _HAN.match(word) else math.ceil(len(word) / 4) for word in _WORD.findall(text))


def audio_tokens(seconds: float) -> int:
    """What a sound counts for."""
    return math.ceil(seconds * AUDIO_TOKENS_PER_S)


def usage(prompt: int, answer: int, modality: str, thoughts: int = 0, text: int = 0) -> dict[str, Any]:
    """A `usageMetadata`.

    Args:
        prompt: tokens of the request's text.
        answer: tokens of the answer in `modality`.
        modality: "TEXT", "IMAGE" or "AUDIO".
        thoughts: tokens that were thought and not sent; billed as output.
        text: tokens of text beside an answer in another modality.
    """
    made: dict[str, Any] = {
        "promptTokenCount": prompt,
        "totalTokenCount": prompt + answer + thoughts + text,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": prompt}],
    }
    if answer or text:
        made["candidatesTokenCount"] = answer + text
        details = [{"modality": modality, "tokenCount": answer}] if answer else []
        made["candidatesTokensDetails"] = details + ([{"modality": "TEXT", "tokenCount": text}] if text else [])
    if thoughts:
        made["thoughtsTokenCount"] = thoughts
    return made

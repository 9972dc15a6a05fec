"""The marks that end a sentence or a clause, open and close a quote, in Chinese and English; pure."""

import re
from collections.abc import Sequence

from reelqueue.models.language import HAN

SENTENCE_ENDS = "。！？!?．｡"
"""A mark after which a sentence is over, whatever follows; the full stop and the ellipsis depend on what follows."""
CLOSERS = "」』）】》〉〕］｝”’)]}\"'»›"
OPENERS = "「『（【《〈〔［｛“‘([{«‹"
CLAUSE_ENDS = "，、；：—,;:"

_ENDED = re.compile(rf"[{re.escape(SENTENCE_ENDS)}.…；;][^\w，、：,:—]*\Z")
_CHINESE = re.compile(f"[{HAN}\u3001-\u303f\uff01-\uff65]")
_NEITHER = re.compile(r"[^\w\u3001-\u303f\uff01-\uff65]+\Z")
"""Marks that both languages write, and emoji: what stands before them decides."""
_HAN_ONLY = re.compile(f"[{HAN}]")


def is_han(character: str) -> bool:
    """Whether a character is a Chinese one, marks not among them."""
    return bool(_HAN_ONLY.match(character))


def is_chinese(character: str) -> bool:
    """Whether a character, or mark, is set as in Chinese: nothing stands between it and its neighbours."""
    return bool(_CHINESE.match(character))


def ends_sentence(text: str) -> bool:
    """Whether the text ends with a mark that closes a sentence; closing quotes and emoji behind it don't count."""
    return bool(_ENDED.search(text))


def joined(pieces: Sequence[str]) -> str:
    """Sentences one after the other: a space between, but none after a Chinese mark or character."""
    out = ""
    for piece in pieces:
        core = _NEITHER.sub("", out)
        gap = "" if not out or (core and is_chinese(core[-1])) else " "
        out += gap + piece
    return out


def word_set(words: str) -> frozenset[str]:
    """The words of a list that is written as a line of text."""
    return frozenset(words.split())

"""Cutting a part's text into sentences, one call of the voice each.  Pure."""

import re

_CLOSING = '」』）)"”’》〉】]'
_END = re.compile(rf"(?:[。！？!?…]+|\.(?=[{re.escape(_CLOSING)}]*(?:\s|$)))[{re.escape(_CLOSING)}]*|\n+")
_ABBREVIATION = re.compile(
    r"(?:\b(?:Mr|Mrs|Ms|Dr|Prof|St|No|vs|e\.g|i\.e|etc|approx|Fig|Inc|Ltd|Co|Jr|Sr|U\.S|a\.m|p\.m)|\b[A-Z])\.$"
)
MIN_CHARS = 4
"""Shorter sentences are spoken together with the one after: alone the model says them badly."""


def sentences(text: str) -> tuple[str, ...]:
    """The sentences in their order; joined they hold every character of `text` but white space between them."""
    pieces: list[str] = []
    start = 0
    for match in _END.finditer(text):
        if _goes_on(text, match):
            continue
        pieces.append(text[start : match.end()])
        start = match.end()
    pieces.append(text[start:])
    return tuple(_long_enough([piece.strip() for piece in pieces if piece.strip()]))


def _goes_on(text: str, match: re.Match[str]) -> bool:
    """Whether a full stop ends an abbreviation, or an ellipsis stands inside a sentence."""
    before, after = text[: match.end()], text[match.end() :].lstrip()
    if match[0].startswith("."):
        return bool(_ABBREVIATION.search(before.rstrip(_CLOSING))) and bool(after)
    return match[0].startswith("…") and bool(after) and not text[match.end()].isspace()


def _long_enough(pieces: list[str]) -> list[str]:
    kept: list[str] = []
    waiting = ""
    for piece in pieces:
        whole = f"{waiting}{'' if not waiting or not waiting[-1].isascii() else ' '}{piece}"
        if sum(char.isalnum() for char in whole) < MIN_CHARS:
            waiting = whole
        else:
            kept.append(whole)
            waiting = ""
    if waiting and kept:
        kept[-1] += ("" if not kept[-1][-1].isascii() else " ") + waiting
    elif waiting:
        kept.append(waiting)
    return kept

"""The few words of a thumbnail: eight Chinese characters or four English words, taken from what the video says; pure."""

import re
from collections.abc import Sequence

from reelqueue.art.words import is_han, words_of

MOST_CHARACTERS, MOST_WORDS = 8, 4
LEAST_TOLD, LEAST_COUNTED = 4, 2
_WHY = re.compile("為什麼|為何")
_CLAUSES = re.compile(r"[，。、；：！？!?,;:|｜—–…「」『』()（）《》\n]+|\s-\s|\.\s")
_VERSUS = re.compile(r"^(.{1,14}?)\s*(?:vs\.?|versus|對決|對上|還是|\bor\b)\s*(.{1,14})$", re.IGNORECASE)
_LOOSE_ENDS = {
    "the",
    "a",
    "an",
    "of",
    "to",
    "in",
    "on",
    "and",
    "or",
    "for",
    "with",
    "is",
    "are",
    "at",
    "by",
    "from",
    "that",
    "as",
    "be",
    "was",
    "your",
    "our",
    "its",
}
_LEADS = {"why", "how", "what", "when", "where", "the", "a", "an", "is", "are", "do", "does", "can"}
_NEGATIONS = re.compile(r"[不沒無非未別莫]|\b(?:not|no|never|without|nor|none)\b|n't", re.IGNORECASE)
_LOOSE_HAN = "的了著過與和及在把被是有而但就又也才還"


def headline(titles: Sequence[str], *, without: str = "") -> str:
    """The best short piece of `titles`, best first, that does not say `without` again.

    A whole clause where one is short enough, without its question word where that makes it so; else a part of one that
    leaves out no negation; else a clause that is too long: what is said must stay true.
    """
    clauses = [[p.strip() for p in _CLAUSES.split(title) if p.strip() and (not without or without not in p)] for title in titles]
    for pieces in clauses:
        short = [p for piece in pieces for p in (_told(piece), _without_lead(piece)) if is_short(p) and _weight(p) >= 3]
        if short:
            return _capital(max(short, key=_weight))
    for pieces in clauses:
        parts = [
            part
            for piece in map(_told, reversed(pieces))
            for part in (_end(piece), _beginning(piece))
            if _is_true_to(part, piece)
        ]
        if parts:
            return _capital(parts[0])
    pieces = [piece for some in clauses for piece in some]
    return _capital(min(pieces, key=_weight, default=""))


def versus(titles: Sequence[str]) -> tuple[str, str] | None:
    """The two sides of a title that sets one thing against another."""
    for title in titles:
        for piece in (title, *_CLAUSES.split(title)):
            match = _VERSUS.match(piece.strip())
            if match and all(_is_side(side) for side in match.groups()):
                return match.group(1).strip(), match.group(2).strip()
    return None


def _is_side(side: str) -> bool:
    """Whether it may be one of two things: short, and no phrase that leans on something else ("for better")."""
    return _weight(side) <= (5 if _han(side) else 12) and side.split(maxsplit=1)[0].lower() not in _LOOSE_ENDS


def is_short(piece: str) -> bool:
    """Whether a piece may stand on a thumbnail whole."""
    if _han(piece):
        return _weight(piece) <= MOST_CHARACTERS
    return len(piece.split()) <= MOST_WORDS and len(piece) <= 34


def is_counted(piece: str) -> bool:
    """Whether a piece names what a figure counts: short, and whole ("of reefs hit" is, "of the" and "more than" are not)."""
    words = piece.split()
    if not is_short(piece) or _CLAUSES.search(piece):
        return False
    if _han(piece):
        return _weight(piece) >= LEAST_COUNTED and piece[0] not in _LOOSE_HAN and piece[-1] not in _LOOSE_HAN
    least = 3 if words and words[0].lower() in _LOOSE_ENDS else 2
    return len(words) >= least and words[-1].lower() not in _LOOSE_ENDS


def _han(piece: str) -> bool:
    return any(is_han(c) for c in piece)


def _weight(piece: str) -> float:
    """Its length in Chinese characters, a Latin word counting for two at most; of a piece without any, in letters."""
    if not _han(piece):
        return float(len(piece))
    latin = re.findall(r"[A-Za-z0-9.%+-]+", piece)
    return sum(is_han(c) for c in piece) + sum(min(2.0, len(word) * 0.55) for word in latin)


def _is_true_to(part: str, piece: str) -> bool:
    """Whether what was left out of `piece` denies nothing."""
    return bool(part) and not _NEGATIONS.search(piece.replace(part, "", 1))


def _told(piece: str) -> str:
    """A Chinese clause that asks why, as what it takes for true: 高樓為什麼不怕颱風 -> 高樓不怕颱風."""
    told = _WHY.sub("", piece, count=1).strip()
    return told if _han(piece) and _weight(told) >= LEAST_TOLD else piece


def _capital(piece: str) -> str:
    """With a capital at its front, where its first word has none of its own (iPhone)."""
    first = piece.split(maxsplit=1)[0] if piece else ""
    return piece[:1].upper() + piece[1:] if first.islower() else piece


def _without_lead(piece: str) -> str:
    """An English clause without the small words that it begins with."""
    words = piece.split()
    while len(words) > 2 and words[0].lower() in _LEADS:
        words.pop(0)
    return " ".join(words)


def _end(piece: str) -> str:
    """The last whole words of a Chinese clause, as many as fit: its head stands at the end."""
    if not _han(piece):
        return ""
    for start, _ in words_of(piece):
        rest = piece[start:]
        if start and _weight(rest) <= MOST_CHARACTERS and rest[0] not in _LOOSE_HAN:
            return rest if _weight(rest) >= 4 else ""
    return ""


def _beginning(piece: str) -> str:
    """Whole words from its beginning, as many as fit, without a particle at the end."""
    if not _han(piece):
        words = piece.split()[:MOST_WORDS]
        while len(words) > 1 and words[-1].lower() in _LOOSE_ENDS:
            words.pop()
        return " ".join(words)[:34]
    kept = ""
    for start, end in words_of(piece):
        if _weight(piece[:end]) > MOST_CHARACTERS:
            break
        kept = piece[: max(end, start)]
    kept = kept or piece[:MOST_CHARACTERS]
    return kept.rstrip(_LOOSE_HAN) or kept

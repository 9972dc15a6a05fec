"""The few words of a thumbnail: eight Chinese characters or four English words, taken from what the video says; pure."""

import re
from collections.abc import Sequence

from reelqueue.art.words import is_han, words_of

MOST_CHARACTERS, MOST_WORDS = 8, 4
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
_LOOSE_HAN = "的了著過與和及在把被是有而但就又也才還"


def headline(titles: Sequence[str]) -> str:
    """The best short piece of `titles`, best first: a whole title, else a clause of one, else the beginning of one."""
    whole = [title.strip() for title in titles if title.strip()]
    for title in whole:
        pieces = [piece.strip() for piece in _CLAUSES.split(title) if piece.strip()]
        fitting = [piece for piece in pieces if is_short(piece) and _weight(piece) >= 3]
        if len(pieces) == 1 and fitting:
            return fitting[0]
        if fitting:
            return max(fitting, key=_weight)
    return _beginning(_CLAUSES.split(whole[0])[0].strip() or whole[0]) if whole else ""


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


def _han(piece: str) -> bool:
    return any(is_han(c) for c in piece)


def _weight(piece: str) -> float:
    """Its length in Chinese characters, a Latin word counting for two at most; of a piece without any, in letters."""
    if not _han(piece):
        return float(len(piece))
    latin = re.findall(r"[A-Za-z0-9.%+-]+", piece)
    return sum(is_han(c) for c in piece) + sum(min(2.0, len(word) * 0.55) for word in latin)


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

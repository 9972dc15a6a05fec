"""A text of mixed scripts -> placed glyphs, in em; pure but for the font files.

Chinese and Latin are shaped in their own cuts on one baseline.  0.16 em stands between Chinese and Latin, nothing
beside punctuation; two full-width marks in a row share their blank.  What no font can draw is left out and named.
"""

import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby

import uharfbuzz as hb

from reelqueue.art.fonts import Cut, Face, cut_for, has_glyph, opened
from reelqueue.art.words import is_han

MIXED_GAP = 0.16
_MIDDLE = frozenset("，。、；：！？")
_OPENING = frozenset("（「『【《〈〔［｛")
_CLOSING = frozenset("）」』】》〉〕］｝")
_EITHER = frozenset("…—“”‘’·")
"""Marks that both scripts use: they take the cut of their neighbour."""
_LATIN_BESIDE = frozenset("%‰°+$€£¥&#@§™®")
"""Signs beside which the gap stands as beside a Latin letter."""


@dataclass(frozen=True, slots=True)
class Glyph:
    """A glyph with its place from the text's beginning, in em; `char` is the character that it draws."""

    cut: Cut
    number: int
    x: float
    y: float
    char: int


@dataclass(frozen=True, slots=True)
class Shaped:
    """A text on one endless line, in em.  Character i reaches from `left[i]` to `right[i]`."""

    text: str
    glyphs: tuple[Glyph, ...]
    left: tuple[float, ...]
    right: tuple[float, ...]
    dropped: str
    has_han: bool

    def width(self, start: int, end: int) -> float:
        """The width of characters start to end as a line of their own: marks at its ends are trimmed."""
        if start >= end:
            return 0.0
        return self.right[end - 1] - self.left[start] - end_trim(self.text[end - 1]) - start_trim(self.text[start])


def end_trim(character: str) -> float:
    """How much of a line's last character is blank and may hang out, in em: Taiwan's ，。 sit in the middle."""
    if character in "！？":  # wider than a comma: less of it is blank
        return 0.24
    return 0.32 if character in _MIDDLE else 0.5 if character in _CLOSING else 0.0


def start_trim(character: str) -> float:
    """How much of a line's first character is blank, in em."""
    return 0.5 if character in _OPENING else 0.0


@lru_cache(maxsize=512)
def shape(text: str, face: Face, tabular: bool = False) -> Shaped:
    """Shape a text in a face; the plain face serves for all of it where that one lacks fewer glyphs.

    `tabular` gives all figures one width, so that a number that counts does not dance.
    """
    kinds = _kinds(text)
    cuts = _cuts(text, kinds, face)
    if face.plain is not None and _lacks(text, cuts, face):
        plain = _cuts(text, kinds, face.plain)
        if _lacks(text, plain, face.plain) < _lacks(text, cuts, face):
            cuts = plain
    advance, glyphs = _advances(text, cuts, tabular=tabular)
    left, right = _placed(text, kinds, cuts, advance)
    placed = tuple(Glyph(g.cut, g.number, left[g.char] + g.x, g.y, g.char) for g in glyphs)
    return Shaped(
        text=text,
        glyphs=placed,
        left=tuple(left),
        right=tuple(right),
        dropped="".join(c for c, cut in zip(text, cuts, strict=True) if cut is None and not _silent(c)),
        has_han="H" in kinds,
    )


def _kinds(text: str) -> str:
    """For each character: H is set as Chinese, L as Latin, S is a space."""
    kinds = []
    for at, c in enumerate(text):
        if c.isspace():
            kinds.append("S")
        elif c in _EITHER:
            kinds.append("H" if _neighbour_is_han(text, at) else "L")
        else:
            kinds.append("H" if is_han(c) or unicodedata.east_asian_width(c) in "WF" else "L")
    return "".join(kinds)


def _neighbour_is_han(text: str, at: int) -> bool:
    """An opening quote belongs to what follows, all else to what goes before."""
    before = next((c for c in reversed(text[:at]) if c not in _EITHER and not c.isspace()), "")
    after = next((c for c in text[at + 1 :] if c not in _EITHER and not c.isspace()), "")
    first, second = (after, before) if text[at] in "“‘" else (before, after)
    c = first or second
    return bool(c) and (is_han(c) or unicodedata.east_asian_width(c) in "WF")


def _silent(c: str) -> bool:
    """Joiners, selectors and controls draw nothing by design; a space has no glyph of its own here."""
    return c.isspace() or unicodedata.category(c) in ("Cf", "Cc", "Mn", "Me") or "\ufe00" <= c <= "\ufe0f"


def _cuts(text: str, kinds: str, face: Face) -> list[Cut | None]:
    out: list[Cut | None] = []
    for c, kind in zip(text, kinds, strict=True):
        first = face.han if kind == "H" else face.latin
        if kind == "S":
            out.append(None)
        elif has_glyph(first, c):
            out.append(first)
        else:
            out.append(None if unicodedata.category(c) in ("Cf", "Cc") else cut_for(c, first))
    return out


def _lacks(text: str, cuts: list[Cut | None], face: Face) -> int:
    """How many letters another face has to lend.  An arrow or a tick from elsewhere disturbs nobody."""
    return sum(c.isalnum() and cut is not None and cut not in (face.han, face.latin) for c, cut in zip(text, cuts, strict=True))


def _advances(text: str, cuts: list[Cut | None], *, tabular: bool) -> tuple[list[float], list[Glyph]]:
    """Each character's own advance, and the glyphs with x from their character's left edge."""
    advance, glyphs = [0.0] * len(text), []
    keys = [cut if cut is not None else (_last_cut(cuts, at) if text[at].isspace() else None) for at, cut in enumerate(cuts)]
    for cut, group in groupby(range(len(text)), key=lambda at: keys[at]):
        where = list(group)
        if cut is None:
            continue
        run = "".join(" " if text[at].isspace() else text[at] for at in where)
        clusters = _clusters(cut, run, tabular)
        for number, (cluster, glyph, width, dx, dy, pen) in enumerate(clusters):
            following = next((c[0] for c in clusters[number + 1 :] if c[0] > cluster), len(run))
            for at in range(cluster, following):  # a ligature is shared out among its characters
                advance[where[0] + at] += width / (following - cluster)
            if run[cluster] != " ":
                glyphs.append(Glyph(cut, glyph, pen + dx, dy, where[0] + cluster))
    return advance, glyphs


def _last_cut(cuts: list[Cut | None], at: int) -> Cut | None:
    """A space takes part in the run before it (kerning across a space), and has that cut's width."""
    return next((cut for cut in reversed(cuts[:at]) if cut is not None), None)


@lru_cache(maxsize=2048)
def _clusters(cut: Cut, run: str, tabular: bool) -> tuple[tuple[int, int, float, float, float, float], ...]:
    """(character, glyph, advance, dx, dy, pen within the character), in em, left to right."""
    font = opened(cut)
    em = font.face.upem
    buffer = hb.Buffer()
    buffer.add_str(run)
    buffer.direction = "ltr"
    buffer.guess_segment_properties()
    hb.shape(font, buffer, {"kern": True, "liga": True, "tnum": tabular})
    out, pen, last = [], 0.0, -1
    for info, at in zip(buffer.glyph_infos, buffer.glyph_positions, strict=True):
        pen = pen if info.cluster == last else 0.0
        last = info.cluster
        width = at.x_advance / em
        out.append((info.cluster, info.codepoint, width, at.x_offset / em, at.y_offset / em, pen))
        pen += width
    return tuple(out)


def _placed(text: str, kinds: str, cuts: list[Cut | None], advance: list[float]) -> tuple[list[float], list[float]]:
    left, right = [], []
    pen, before = 0.0, -1  # `before` is the last character that shows, or a space that counts
    for at, width in enumerate(advance):
        shown = cuts[at] is not None
        if kinds[at] == "S":
            width = _space(text, kinds, cuts, at)  # noqa: PLW2901 - a space's width is decided here
        elif shown and before >= 0 and kinds[before] != "S":
            pen += _between(text[before], text[at], kinds[before], kinds[at])
        left.append(pen)
        pen += width
        right.append(pen)
        if shown or width:
            before = at
    return left, right


def _space(text: str, kinds: str, cuts: list[Cut | None], at: int) -> float:
    """0.16 em between Chinese and Latin, none beside a full-width mark or another space, else a word space."""
    before = next((n for n in range(at - 1, -1, -1) if cuts[n] is not None or kinds[n] == "S"), -1)
    after = next((n for n in range(at + 1, len(text)) if cuts[n] is not None), -1)
    if before < 0 or after < 0 or kinds[before] == "S":
        return 0.0
    if any(text[n] in _MIDDLE | _OPENING | _CLOSING for n in (before, after)):
        return 0.0
    if kinds[before] != kinds[after]:
        return MIXED_GAP
    return 0.25 if kinds[before] == "H" else _word_space(cuts[before])


def _word_space(cut: Cut | None) -> float:
    return 0.25 if cut is None else _clusters(cut, " ", False)[0][2]


def _between(left: str, right: str, left_kind: str, right_kind: str) -> float:
    if left_kind != right_kind:
        latin = left if left_kind == "L" else right
        han = right if left_kind == "L" else left
        return MIXED_GAP if is_han(han) and (latin.isalnum() or latin in _LATIN_BESIDE) else 0.0
    if left in _CLOSING and (right in _MIDDLE or right in _CLOSING or right in _OPENING):
        return -0.5
    if right in _OPENING and (left in _MIDDLE or left in _OPENING):
        return -0.5 if left in _OPENING else -0.32
    if left in _MIDDLE and right in _CLOSING:
        return -0.2
    return 0.0

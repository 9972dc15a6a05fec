"""Text -> outlines: lines of type as SVG paths, with the place of every word; pure but for the font files.

No `<text>`, no system font: the same text gives the same picture on every machine.  Sizes and places are px,
y downwards, from the top left of the block.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from math import log
from typing import Literal

from reelqueue.art.breaks import Setting, best_setting, every_setting, loose_setting, passing_setting
from reelqueue.art.fonts import Cut, Face, outline
from reelqueue.art.shape import Glyph, Shaped, shape, start_trim
from reelqueue.art.words import words_of

Align = Literal["left", "center", "right"]
ColourSpan = tuple[int, int, str]
"""From this character, to that one, in this colour."""

_DISPLAY = frozenset({"title", "numeral"})
_MANY_LINES = 40
_SIZE_COUNTS = 12.0
"""How much size weighs against the cost of breaks: 8 % of the size for a unit, 40 % for a particle cut off (by eye)."""


class Unfit(ValueError):
    """The text does not fit its place at any allowed size."""


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in the block; `line` is the number of the line that it lies on."""

    x: float
    y: float
    width: float
    height: float
    line: int


@dataclass(frozen=True, slots=True)
class Line:
    """One line.  `words` are (start_char, end_char, x, width), offsets into the whole text."""

    text: str
    start_char: int
    end_char: int
    x: float
    y: float
    width: float
    baseline: float
    words: tuple[tuple[int, int, float, float], ...]
    edges: tuple[tuple[float, float], ...]
    svg: str

    def span(self, start_char: int, end_char: int) -> tuple[float, float]:
        """From where to where (x) some of its characters reach."""
        chosen = self.edges[max(0, start_char - self.start_char) : max(0, end_char - self.start_char)]
        return (chosen[0][0], chosen[-1][1]) if chosen else (self.x, self.x)


@dataclass(frozen=True, slots=True)
class TextBlock:
    """Set text.  `svg` is a `<g>`; each line's own part is in its `svg`, in the same coordinates.

    `ink` is (x0, y0, x1, y1) of what is drawn.  `dropped` are the characters that no font of ours can draw (emoji).
    """

    svg: str
    width: float
    height: float
    size: float
    lines: tuple[Line, ...]
    ink: tuple[float, float, float, float]
    dropped: str

    def boxes(self, start_char: int, end_char: int) -> tuple[Box, ...]:
        """Where a range of characters lies: one box for each line that it touches, as high as the type's size."""
        out = []
        for number, line in enumerate(self.lines):
            start, end = max(start_char, line.start_char), min(end_char, line.end_char)
            if start < end:
                x0, x1 = line.span(start, end)
                out.append(Box(x0, line.y, x1 - x0, self.size, number))
        return tuple(out)


@dataclass(frozen=True, slots=True)
class _Look:
    """All that is asked of a block beside its breaks."""

    face: Face
    fill: str
    leading: float
    align: Align
    spans: tuple[ColourSpan, ...]
    stroke: str | None
    stroke_width: float


def measure(text: str, face: Face, size: float, *, tabular: bool = False) -> float:
    """The width of a text on one line, px, marks at its ends trimmed."""
    shaped = shape(text, face, tabular)
    start, end = len(text) - len(text.lstrip()), len(text.rstrip())
    return shaped.width(start, end) * size


def leading_for(face: Face, *, han: bool) -> float:
    """The distance of two baselines, in sizes: Chinese titles 1.20, Latin ones 1.10; text 1.45 and 1.40."""
    if face.role in _DISPLAY:
        return 1.20 if han else 1.10
    return 1.45 if han else 1.40


def set_text(
    text: str,
    *,
    face: Face,
    size: float,
    fill: str,
    max_width: float,
    leading: float | None = None,
    max_lines: int | None = None,
    align: Align = "left",
    spans: Sequence[ColourSpan] = (),
    language: str | None = None,
    tabular: bool = False,
    stroke: str | None = None,
    stroke_width: float = 0.0,
    lines: Sequence[tuple[int, int]] | None = None,
) -> TextBlock:
    """Set a text at one size.

    Args:
        text: what is set; its spaces and line ends are all places to break.
        face: what in, of `fonts.faces(pair)`.
        size: px to the em.
        fill: the colour of what no span covers.
        max_width: px; a mark at a line's end may hang out of it by its blank part.
        leading: between baselines in sizes; None: by face and script.
        max_lines: None: as many as it takes.
        align: of the lines within the block, which is as wide as its widest line.
        spans: parts in other colours; a later one wins.
        language: BCP 47; None: Chinese where a Chinese character is in it.
        tabular: all figures of one width.
        stroke: the colour of a line around the letters, below their fill.
        stroke_width: px, half of it shows.
        lines: ranges of characters to be kept as lines, instead of breaking here.

    Raises:
        Unfit: it needs more lines or a wider place.
    """
    shaped = shape(text, face, tabular)
    if lines is None:
        room = max_width / size
        found = best_setting(text, shaped.width, room, max_lines or _MANY_LINES, _language(shaped, language))
        if found.longest > room + 1e-9:
            raise Unfit(f"{text!r} is wider than {max_width:g} px at {size:g} px")
        lines = found.lines
    look = _Look(face, fill, leading or leading_for(face, han=shaped.has_han), align, tuple(spans), stroke, stroke_width)
    return _drawn(shaped, lines, size, look)


def fit_text(
    text: str,
    *,
    face: Face,
    sizes: tuple[float, float],
    fill: str,
    max_width: float,
    max_lines: int,
    max_height: float | None = None,
    leading: float | None = None,
    align: Align = "left",
    spans: Sequence[ColourSpan] = (),
    language: str | None = None,
    tabular: bool = False,
    stroke: str | None = None,
    stroke_width: float = 0.0,
) -> TextBlock:
    """Set a text at the largest whole size from `sizes` (least, most) whose lines all pass; the rest as `set_text`.

    Some size is given up for much better breaks: two lines that end with their clauses win over three larger ones that
    do not.  Where no setting passes, the lines may be uneven, and then words may be cut.

    Raises:
        Unfit: not even so.
    """
    shaped = shape(text, face, tabular)
    spacing = leading or leading_for(face, han=shaped.has_han)
    room = _Room(sizes, max_width, max_lines, max_height, spacing)
    found = _fitted(shaped, room, _language(shaped, language))
    if found is None:
        raise Unfit(f"{text!r} does not fit {max_width:g} px at {sizes[0]:g} px")
    setting, size = found
    return _drawn(shaped, setting.lines, size, _Look(face, fill, spacing, align, tuple(spans), stroke, stroke_width))


@dataclass(frozen=True, slots=True)
class _Room:
    sizes: tuple[float, float]
    max_width: float
    max_lines: int
    max_height: float | None
    leading: float

    def size_of(self, setting: Setting) -> float:
        """The largest whole size at which a setting fits; it may lie below the least allowed."""
        size = min(self.sizes[1], self.max_width / setting.longest) if setting.longest else self.sizes[1]
        if self.max_height is not None:
            size = min(size, self.max_height / (1 + (len(setting.lines) - 1) * self.leading))
        return float(size if size == self.sizes[1] else int(size + 1e-6))

    def lines_at(self, size: float) -> int:
        """How many lines its height holds."""
        if self.max_height is None:
            return self.max_lines
        return min(self.max_lines, int((self.max_height / size - 1) / self.leading + 1 + 1e-6))

    def steps(self, length: float) -> Iterator[float]:
        """Sizes from the most to the least, 3 % apart, at which `length` em might fit."""
        size = self.sizes[1]
        while size > self.sizes[0]:
            if self._may_hold(length, size):
                yield size
            size = float(min(int(size * 0.97), int(size - 1)))
        if self._may_hold(length, self.sizes[0]):
            yield self.sizes[0]

    def _may_hold(self, length: float, size: float) -> bool:
        lines = self.lines_at(size)
        return length <= lines * (self.max_width / size + 1)  # a line gains less than 1 em where it is trimmed


def _fitted(shaped: Shaped, room: _Room, language: str) -> tuple[Setting, float] | None:
    text = shaped.text
    tried = [(s, room.size_of(s)) for s in every_setting(text, shaped.width, room.max_lines, language)]
    tried = [(s, size) for s, size in tried if size >= room.sizes[0]]
    if tried:
        return max(tried, key=lambda pair: _SIZE_COUNTS * log(pair[1]) - pair[0].cost)
    sizes = tuple(room.steps(shaped.width(0, len(text))))
    for size in sizes:
        if found := passing_setting(text, shaped.width, room.max_width / size, room.lines_at(size), language):
            return found, size
    for cut in (False, True):
        for size in sizes:
            found = loose_setting(text, shaped.width, room.max_width / size, room.lines_at(size), language, cut=cut)
            if found and found.longest <= room.max_width / size + 1e-9:
                return found, size
    return None


def _language(shaped: Shaped, language: str | None) -> str:
    return language or ("zh" if shaped.has_han else "en")


def _drawn(shaped: Shaped, lines: Sequence[tuple[int, int]], size: float, look: _Look) -> TextBlock:
    ascent = 0.88 if shaped.has_han else 0.78  # Noto's em box; Latin ascenders with a little air
    widths = [shaped.width(*line) * size for line in lines]
    widest = max(widths, default=0.0)
    set_lines, inks = [], []
    for number, ((start, end), width) in enumerate(zip(lines, widths, strict=True)):
        slack = widest - width
        x = {"left": 0.0, "center": slack / 2, "right": slack}[look.align]
        y = number * look.leading * size
        line, ink = _line(shaped, (start, end), (x, y), width, ascent, size, look)
        set_lines.append(line)
        inks += ink
    height = size * (1 + (len(lines) - 1) * look.leading) if lines else 0.0
    return TextBlock(
        svg="<g>" + "".join(line.svg for line in set_lines) + "</g>",
        width=widest,
        height=height,
        size=size,
        lines=tuple(set_lines),
        ink=_around(inks),
        dropped=shaped.dropped,
    )


def _around(boxes: Sequence[tuple[float, float, float, float]]) -> tuple[float, float, float, float]:
    if not boxes:
        return 0.0, 0.0, 0.0, 0.0
    return min(b[0] for b in boxes), min(b[1] for b in boxes), max(b[2] for b in boxes), max(b[3] for b in boxes)


def _line(
    shaped: Shaped,
    span: tuple[int, int],
    at: tuple[float, float],
    width: float,
    ascent: float,
    size: float,
    look: _Look,
) -> tuple[Line, list[tuple[float, float, float, float]]]:
    start, end = span
    glyphs = [g for g in shaped.glyphs if start <= g.char < end]
    origin = at[0] - (shaped.left[start] + start_trim(shaped.text[start]) + _overhang(glyphs, look)) * size
    baseline = at[1] + ascent * size
    paths, inks = [], []
    for (fill, bolder), group in groupby(
        glyphs, key=lambda g: (_fill_of(g.char, look), look.face.bolder > 0 and g.cut == look.face.han)
    ):
        d = []
        for g in group:
            x, y = origin + g.x * size, baseline - g.y * size
            d.append(f"M{x:.2f} {y:.2f}{_relative(g.cut, g.number, size)}")
            box = outline(g.cut, g.number).box
            if box is not None:
                inks.append((x + box[0] * size, y - box[3] * size, x + box[2] * size, y - box[1] * size))
        paths.append(f'<path fill="{fill}"{_stroke(look) or _bolder(look, fill, size, bolder=bolder)} d="{"".join(d)}"/>')
    edges = tuple((origin + shaped.left[i] * size, origin + shaped.right[i] * size) for i in range(start, end))
    words = tuple(
        (a, b, edges[a - start][0], edges[b - 1 - start][1] - edges[a - start][0])
        for a, b in ((max(a, start), min(b, end)) for a, b in words_of(shaped.text))
        if a < b
    )
    line = Line(shaped.text[start:end], start, end, at[0], at[1], width, baseline, words, edges, "".join(paths))
    return line, inks


def _overhang(glyphs: Sequence[Glyph], look: _Look) -> float:
    """A large Latin letter stands as near to the edge as a Chinese one does: 0.03 em."""
    if look.align != "left" or look.face.role not in _DISPLAY or not glyphs or glyphs[0].cut.weight is not None:
        return 0.0
    box = outline(glyphs[0].cut, glyphs[0].number).box
    return max(0.0, box[0] - 0.03) if box is not None and glyphs[0].cut == look.face.latin else 0.0


def _fill_of(char: int, look: _Look) -> str:
    return next((colour for start, end, colour in reversed(look.spans) if start <= char < end), look.fill)


def _stroke(look: _Look) -> str:
    if look.stroke is None or not look.stroke_width:
        return ""
    return f' stroke="{look.stroke}" stroke-width="{look.stroke_width:g}" stroke-linejoin="round" paint-order="stroke"'


def _bolder(look: _Look, fill: str, size: float, *, bolder: bool) -> str:
    if not bolder:
        return ""
    return f' stroke="{fill}" stroke-width="{look.face.bolder * size:.2f}" stroke-linejoin="round"'


@lru_cache(maxsize=8192)
def _relative(cut: Cut, glyph: int, size: float) -> str:
    """A glyph's outline at a size, as path data in relative steps from its origin, to 0.01 px."""
    out = []
    px = py = sx = sy = 0  # where the pen is and where the contour began, in hundredths
    for kind, points in outline(cut, glyph).commands:
        if kind == "Z":
            out.append("z")
            px, py = sx, sy
            continue
        at = [round(v * size * (-100 if number % 2 else 100)) for number, v in enumerate(points)]
        steps = " ".join(f"{(v - (py if number % 2 else px)) / 100:g}" for number, v in enumerate(at))
        out.append(f"{kind.lower()}{steps}")
        px, py = at[-2], at[-1]
        if kind == "M":
            sx, sy = px, py
    return "".join(out)

"""Subtitles as layers: a box for each line, and each word by itself, so that the spoken one can change its colour.

A word is two small pictures instead of a new picture of the whole cue for each word: a tenth of the drawing.
"""

import re
from collections.abc import Sequence
from typing import Literal

from reelqueue.art.draw import scaled_layer
from reelqueue.art.fonts import faces
from reelqueue.art.layers import Layer, Show
from reelqueue.art.layouts.frame import Frame, frame_for
from reelqueue.art.layouts.scene import layer
from reelqueue.art.motifs.base import Box, n
from reelqueue.art.palette import TEXT_CONTRAST, Palette, contrast, mix, shifted
from reelqueue.art.style import Style
from reelqueue.art.text import TextBlock, measure, set_text
from reelqueue.models.cue import Cue

Variant = Literal["box", "outline"]

SIZE_PX = {"wide": (54, 50), "tall": (64, 56), "square": (46, 42)}
"""Chinese and Latin size of each shape; look.md 7 (square: chosen, so that 18 characters fit)."""
SMALLEST_PX = 28
PADDING_PX, RADIUS_PX, GAP_PX = 26, 12, 4
LINE_SHARE = 1.42
"""Height of a line's box in sizes."""
BOX_OPACITY = 0.9
STROKE_SHARE = 0.16
_UNPAINTED = re.compile(r'<path fill="none"[^>]*/>')


def subtitle_room(width: int, height: int, language: str) -> tuple[float, float]:
    """The size of the type and the widest line that fits at it, px of the frame's own size: for who breaks the lines."""
    frame = frame_for(width, height)
    return float(_size(frame, language)), frame.subtitles.width - 2 * PADDING_PX


def subtitle_layers(cues: Sequence[Cue], style: Style, size: tuple[int, int], variant: Variant = "box") -> tuple[Layer, ...]:
    """All subtitles of a scene; times are the scene's.  A line too wide is set smaller, down to 28 px."""
    frame = frame_for(*size)
    made: list[Layer] = []
    for number, cue in enumerate(cues):
        if cue.text.strip() and cue.end_s > cue.start_s:
            made += _cue_layers(f"cue{number}", cue, style, frame, variant)
    if size == (frame.width, frame.height):
        return tuple(made)
    sx, sy = size[0] / frame.width, size[1] / frame.height
    return tuple(scaled_layer(item, sx, sy) for item in made)


def highlight(palette: Palette) -> str:
    """The colour of the spoken word: spark, else pop, whichever has 4.5 on the box as it is."""
    dark = box_colour(palette)
    bright = next((c for c in (palette.spark, palette.pop) if contrast(c, dark) >= TEXT_CONTRAST), None)
    return bright or shifted(palette.pop, dark, TEXT_CONTRAST) or light_colour(palette)


def box_colour(palette: Palette) -> str:
    """The darker of ink and paper, darker still."""
    return mix(palette.paper if palette.dark else palette.ink, "#000000", 0.35)


def light_colour(palette: Palette) -> str:
    """The lighter of ink and paper."""
    return palette.ink if palette.dark else palette.paper


def _size(frame: Frame, language: str) -> int:
    return SIZE_PX[frame.shape][0 if language.lower().startswith("zh") else 1]


def _cue_layers(name: str, cue: Cue, style: Style, frame: Frame, variant: Variant) -> list[Layer]:
    p = style.colours
    face = faces(style.pair).strong
    lines = [span for span in (cue.lines or ((0, len(cue.text)),)) if cue.text[span[0] : span[1]].strip()]
    size = _fitting(cue, lines, style, frame)
    height = size * LINE_SHARE
    base, bright = light_colour(p), highlight(p)
    if variant == "outline":  # no box lies between it and the ground, which may have its very colour
        bright = mix(bright, "#ffffff", 0.35)
    covered = [(word.start_char, word.end_char) for word in cue.words]
    always: list[str] = []
    words: list[Layer] = []
    edges: list[Box] = []
    for row, (start, end) in enumerate(lines):
        text = cue.text[start:end]
        block = set_text(
            text, face=face, size=size, fill=base, max_width=9_999, max_lines=1, lines=((0, len(text)),), language=style.language
        )
        box = Box(
            frame.subtitles.cx - block.width / 2 - PADDING_PX,
            frame.subtitles.bottom - 8 - (len(lines) - row) * height - (len(lines) - row - 1) * GAP_PX,
            block.width + 2 * PADDING_PX,
            height,
        )
        at = (box.x + PADDING_PX, box.y + (height - size) / 2)
        edges.append(box.inset(-8))
        always.append(_plate(text, size, at, box, style, variant, frame))
        mine = [(a - start, b - start) for a, b in covered if start <= a < b <= end]
        always.append(_painted(text, size, at, style, base, [(0, len(text))], holes=mine))
        for k, word in enumerate(cue.words):
            if start <= word.start_char < word.end_char <= end:
                a, b = word.start_char - start, word.end_char - start
                svgs = [_painted(text, size, at, style, colour, [(a, b)]) for colour in (base, bright)]
                words.append(layer(f"{name}.w{k}", _word_box(block, a, b, at, size), *svgs, shows=_shows(cue, k)))
    whole = Box(
        min(e.x for e in edges),
        min(e.y for e in edges),
        max(e.width for e in edges),
        max(e.bottom for e in edges) - min(e.y for e in edges),
    )
    plate = layer(name, whole, "".join(always), shows=(Show(cue.start_s, 0), Show(cue.end_s, None)))
    return [plate, *words]


def _fitting(cue: Cue, lines: Sequence[tuple[int, int]], style: Style, frame: Frame) -> float:
    size, room = float(_size(frame, style.language)), frame.subtitles.width - 2 * PADDING_PX
    widest = max(measure(cue.text[a:b], faces(style.pair).strong, size) for a, b in lines)
    return size if widest <= room else max(float(SMALLEST_PX), float(int(size * room / widest)))


def _plate(text: str, size: float, at: tuple[float, float], box: Box, style: Style, variant: Variant, frame: Frame) -> str:
    """What lies below a line: its box, or the stroke around its letters."""
    if variant == "box":
        x, width = max(box.x, 8.0), min(box.width, frame.width - 16.0)
        fill = box_colour(style.colours)
        return f'<rect x="{n(x)}" y="{n(box.y)}" width="{n(width)}" height="{n(box.height)}" rx="{RADIUS_PX}" fill="{fill}" fill-opacity="{BOX_OPACITY}"/>'
    black = "#0a0a0a"
    block = set_text(
        text, face=faces(style.pair).strong, size=size, fill=black, max_width=9_999, max_lines=1, lines=((0, len(text)),),
        language=style.language, stroke=black, stroke_width=STROKE_SHARE * size,
    )  # fmt: skip
    return f'<g transform="translate({n(at[0])} {n(at[1])})">{block.svg}</g>'


def _painted(
    text: str,
    size: float,
    at: tuple[float, float],
    style: Style,
    colour: str,
    spans: Sequence[tuple[int, int]],
    *,
    holes: Sequence[tuple[int, int]] = (),
) -> str:
    """A part of a line, in its place; the rest is left out of the document."""
    painted = [(a, b, colour) for a, b in spans] + [(a, b, "none") for a, b in holes]
    block = set_text(
        text, face=faces(style.pair).strong, size=size, fill="none", max_width=9_999, max_lines=1, lines=((0, len(text)),),
        spans=painted, language=style.language,
    )  # fmt: skip
    return f'<g transform="translate({n(at[0])} {n(at[1])})">{_UNPAINTED.sub("", block.svg)}</g>'


def _word_box(block: TextBlock, start: int, end: int, at: tuple[float, float], size: float) -> Box:
    x0, x1 = block.lines[0].span(start, end)
    return Box(at[0] + x0 - 0.12 * size, at[1] - 0.1 * size, x1 - x0 + 0.24 * size, 1.3 * size)


def _shows(cue: Cue, number: int) -> tuple[Show, ...]:
    """Bright from its own beginning to the next word's."""
    word = cue.words[number]
    after = cue.words[number + 1].start_s if number + 1 < len(cue.words) else cue.end_s
    start = max(cue.start_s, word.start_s)
    end = min(max(after, start), cue.end_s)
    shows = [Show(cue.start_s, 0), Show(start, 1), Show(end, 0), Show(cue.end_s, None)]
    if start <= cue.start_s:
        shows = shows[1:]
    return tuple(show for i, show in enumerate(shows) if i + 1 == len(shows) or shows[i + 1].at_s > show.at_s)


def readable(palette: Palette) -> float:
    """The least contrast of the words on the box, both colours."""
    return min(contrast(light_colour(palette), box_colour(palette)), contrast(highlight(palette), box_colour(palette)))

"""One figure, very large: it counts up with a ring or a dial when it is spoken; its sentence goes on around it."""

import math
import re
from dataclasses import dataclass

from reelqueue.art.fonts import Face
from reelqueue.art.layers import Layer, Move, Show, Sway
from reelqueue.art.layouts.frame import Frame
from reelqueue.art.layouts.furniture import object_layer, texture
from reelqueue.art.layouts.lettering import block_box, entering, fitted, placed
from reelqueue.art.layouts.scene import Drawing, Scene, layer
from reelqueue.art.motifs.base import Box, Tones, n
from reelqueue.art.motifs.halftone import dots
from reelqueue.art.palette import mix
from reelqueue.art.text import TextBlock, measure, set_text
from reelqueue.art.units import around, short_unit

COUNT_S = 0.9
"""look.md: count-up and ring together, 900 ms, ending on the spoken figure."""
STEPS = 26
"""Pictures of the count: one a frame at 30 fps would be 27."""
UNIT_SHARE = 0.38
LONG_UNIT = 0.45
"""A unit that is wider than so much of its figure, and would make it smaller, has a line of its own."""
UNDER = 34.0
WAYS = ((72.0, True), (60.0, True), (60.0, False), (52.0, False))
"""How the type is tried, the first that is not too high: the labels' size, and whether a long unit has its own line."""
LABEL_BY_S = 2.0
"""Where the figure is spoken later, what it counts is seen before it."""


def draw(scene: Scene, drawing: Drawing) -> None:
    """Kicker, figure, what it counts; beside it the ring, with the object in its middle."""
    figure = scene.spec.figure
    assert figure is not None
    start = min(max(0.35, (scene.heard_at(figure.start_char) or 0.6) - 0.05), max(0.35, scene.duration_s - 1.6))
    box, dial = _places(scene.frame, mirrored=scene.arranged.mirrored)
    if scene.frame.shape == "tall":
        texture(scene, drawing, opacity=0.09)
    _dial(scene, drawing, dial, start)
    _texts(scene, drawing, box, start)


def _places(frame: Frame, *, mirrored: bool) -> tuple[Box, Box]:
    if frame.shape == "wide":
        return (Box(1000 if mirrored else 120, 130, 800, 690), Box(130 if mirrored else 1010, 72, 760, 760))
    if frame.shape == "tall":
        return (Box(60, 640, 860, 510), Box(290, 236, 400, 400))
    return (Box(64, 430, 952, 350), Box(640 if not mirrored else 64, 64, 376, 376))


def _texts(scene: Scene, drawing: Drawing, box: Box, start: float) -> None:
    """From above: kicker, what precedes the figure in its clause, the figure, what follows it, the note."""
    column = next((c for c in (_column(scene, box, *way) for way in WAYS) if c.height <= box.height), None)
    column = column or _column(scene, box, *WAYS[-1])
    number, unit = column.number, column.unit
    y = box.y + max(0.0, box.height - column.height) * (0.5 if scene.frame.shape == "wide" else 1.0)
    early = 0.6 if start >= LABEL_BY_S else start + 0.25
    for name, block, space, at in (("kicker", column.kicker, 36, 0.2), ("label-above", column.above, 26, min(early, 0.35))):
        if block:
            drawing.add(entering(name, block, (box.x, y), at))
            y += block.height + space
    if start >= LABEL_BY_S:
        _add_trace(scene, drawing, number, unit, (box.x, y))
    _add_number(drawing, number.counts, (box.x, y), start)
    if unit is not None:
        drawing.add(entering("unit", unit, (box.x + number.unit_at[0], y + number.unit_at[1]), start))
    y += number.height + UNDER
    if column.label:
        drawing.add(entering("label", column.label, (box.x, y), early))
        y += column.label.height + 24
    if column.note:
        told = scene.spoken_at(scene.spec.note)  # the clause before the figure's, or a source that is not spoken
        at = start + 0.7 if told is None else min(start + 0.7, max(0.8, told - 0.08))
        drawing.add(entering("source", column.note, (box.x, y), at))


@dataclass(frozen=True, slots=True)
class _Column:
    """All the type of the scene, and how high it stands."""

    kicker: TextBlock | None
    above: TextBlock | None
    number: "_Number"
    unit: TextBlock | None
    label: TextBlock | None
    note: TextBlock | None
    height: float


def _column(scene: Scene, box: Box, largest: float, unit_below: bool) -> _Column:
    """The type with labels of at most `largest` px of the wide frame; a long unit on its own line where that is asked for."""
    spec, wide = scene.spec, scene.frame.shape == "wide"
    assert spec.figure is not None
    lead, rest = around(spec.title, spec.figure)
    sizes = (46, largest) if wide else (44, largest - 6)
    kicker = _line(scene, spec.kicker, scene.faces.strong, (38, 42), box, scene.accent)
    above = _line(scene, lead, scene.faces.strong, sizes, box, scene.ground.text, lines=2)
    label = _line(scene, rest, scene.faces.strong, sizes, box, scene.ground.text, lines=3)
    note = _line(scene, spec.note, scene.faces.text, (36, 42), box, scene.ground.muted, lines=2) if wide else None
    number, unit = _numeral(scene, box, unit_below=unit_below)
    gap = UNDER if label or note else 0.0
    spaces = ((kicker, 36.0), (above, 26.0), (label, 0.0), (note, 24.0))
    height = number.height + gap + sum(block.height + space for block, space in spaces if block)
    return _Column(kicker, above, number, unit, label, note, height)


def _line(
    scene: Scene, text: str, face: Face, sizes: tuple[float, float], box: Box, fill: str, *, lines: int = 1
) -> TextBlock | None:
    """A text beside the figure; None where there is none."""
    if not text:
        return None
    return fitted(text, face=face, sizes=sizes, fill=fill, width=box.width, lines=lines, language=scene.spec.language)


@dataclass(frozen=True, slots=True)
class _Number:
    """The pictures of the count; how high they stand with the unit; where the unit stands, from their upper left corner."""

    counts: list[TextBlock]
    height: float
    unit_at: tuple[float, float]


def _numeral(scene: Scene, box: Box, *, unit_below: bool) -> tuple[_Number, TextBlock | None]:
    """The figure with its unit beside it at the size at which both fit, or below it where it would be too small for that."""
    figure = scene.spec.figure
    assert figure is not None
    face = scene.faces.numeral
    value, written = figure.value.strip(), short_unit(figure.unit)
    most = {"wide": 330.0, "tall": 280.0, "square": 230.0}[scene.frame.shape]
    alone = measure(value, face, most, tabular=True)
    width = measure(written, face, most * UNIT_SHARE) if written else 0.0
    beside = alone + width + (0.05 * most if written else 0)
    below = unit_below and width > LONG_UNIT * alone and beside > box.width and scene.frame.shape != "square"
    size = float(int(most * min(1.0, box.width / (alone if below else beside))))
    texts = [count(value, ease(i / (STEPS - 1))) for i in range(STEPS)]
    texts = [text for i, text in enumerate(texts) if i == 0 or text != texts[i - 1]]
    if texts[-1] != value:
        texts.append(value)
    blocks = [
        set_text(text, face=face, size=size, fill=scene.ground.text, max_width=9_999, max_lines=1, tabular=True) for text in texts
    ]
    last, height = blocks[-1], size * 0.86
    if not written:
        return _Number(blocks, height, (0.0, 0.0)), None
    unit_size = min(size * UNIT_SHARE, size * UNIT_SHARE * box.width / max(1.0, measure(written, face, size * UNIT_SHARE)))
    unit = set_text(written, face=face, size=unit_size, fill=scene.ground.pop_shape, max_width=9_999, max_lines=1)
    if below:
        return _Number(blocks, height + 20 + unit.height, (0.0, height + 20)), unit
    drop = last.lines[0].baseline - unit.lines[0].baseline
    return _Number(blocks, height, (last.width + 0.05 * size, drop)), unit


def _add_number(drawing: Drawing, blocks: list[TextBlock], at: tuple[float, float], start: float) -> None:
    """The count as one layer, all its pictures as large as the last."""
    last = blocks[-1]
    lift = 0.02 * last.size
    at = (at[0], at[1] - lift)
    box = block_box(last, at)
    box = Box(box.x - 4, box.y - 6, max(last.width, box.width) + 12, box.height + 12)
    svgs = [placed(block.svg, at) for block in blocks]
    shows = tuple(Show(start + COUNT_S * i / max(1, len(blocks) - 1), i) for i in range(len(blocks)))
    drawing.add(layer("figure", box, *svgs, shows=shows, enter=Move("fade", start, 0.15)))


def _add_trace(scene: Scene, drawing: Drawing, number: _Number, unit: TextBlock | None, at: tuple[float, float]) -> None:
    """Where a figure that is spoken late will stand: faint, so that its place is not empty until then."""
    figure = scene.spec.figure
    assert figure is not None
    faint = mix(scene.ground.fill, scene.ground.text, 0.10)
    face, size = scene.faces.numeral, number.counts[-1].size
    block = set_text(figure.value.strip(), face=face, size=size, fill=faint, max_width=9_999, max_lines=1, tabular=True)
    drawing.ground.append(placed(block.svg, (at[0], at[1] - 0.02 * size)))
    if unit is not None:
        beside = set_text(short_unit(figure.unit), face=face, size=unit.size, fill=faint, max_width=9_999, max_lines=1)
        drawing.ground.append(placed(beside.svg, (at[0] + number.unit_at[0], at[1] + number.unit_at[1])))


def ease(share: float) -> float:
    """Out, cubic: fast, then slow."""
    return 1.0 - (1.0 - share) ** 3


def count(value: str, share: float) -> str:
    """`share` of a number, written as `value` is: with its commas and its decimals; a text without digits stays whole."""
    match = re.search(r"\d[\d,]*(?:\.\d+)?", value)
    if match is None or share >= 1:
        return value
    written = match.group()
    decimals = len(written.partition(".")[2])
    amount = float(written.replace(",", "")) * share
    text = f"{amount:,.{decimals}f}" if "," in written else f"{amount:.{decimals}f}"
    return value[: match.start()] + text + value[match.end() :]


def _dial(scene: Scene, drawing: Drawing, box: Box, start: float) -> None:
    figure = scene.spec.figure
    assert figure is not None
    tones = scene.tones
    share = _share(figure.value, figure.unit)
    for i, extra in enumerate((0.62, 0.52)):
        ring = mix(tones.ground, tones.text, 0.05 + 0.03 * i)
        width = box.width * 0.075
        drawing.ground.append(
            f'<circle cx="{n(box.cx)}" cy="{n(box.cy)}" r="{n(box.width * extra)}" fill="none" stroke="{ring}" stroke-width="{n(width)}"/>'
        )
    if share is None:
        _ticks(drawing, box, tones.pop, mix(tones.ground, tones.text, 0.22), start)
    else:
        _ring(drawing, box, share, tones.pop, mix(tones.ground, tones.text, 0.18), tones.text, start)
    _moon(drawing, box, tones)
    side = box.width * 0.42
    thing = object_layer(scene, Box(box.cx - side / 2, box.cy - side / 2, side, side))
    if thing is None:
        middle = Box(box.cx - side / 2, box.cy - side / 2, side, side)
        disc = f'<clipPath id="middle"><circle cx="{n(box.cx)}" cy="{n(box.cy)}" r="{n(side / 2)}"/></clipPath>'
        drawing.ground.append(
            f'{disc}<g clip-path="url(#middle)">{dots(middle, tones.pop, opacity=0.55, pitch=22, corner=(0.5, 0.5), reach=0.42)}</g>'
        )
    drawing.add(thing)


def _moon(drawing: Drawing, box: Box, tones: Tones) -> None:
    """A small disc that goes round on the outer ring: the picture lives also where no object is."""
    r, path = box.width * 0.018, box.width * 0.52
    svg = f'<circle cx="{n(box.cx)}" cy="{n(box.cy)}" r="{n(r)}" fill="{tones.spark}"/>'
    around = Box(box.cx - r - 2, box.cy - r - 2, 2 * r + 4, 2 * r + 4)
    drawing.add(layer("moon", around, svg, enter=Move("fade", 0.2, 0.4), sway=Sway(path, path, 30, 0.62)))


def _share(value: str, unit: str) -> float | None:
    """What part of a whole a percentage is."""
    if unit.strip() not in {"%", "％", "percent", "趴"}:
        return None
    try:
        return min(1.0, max(0.0, float(value.replace(",", "")) / 100))
    except ValueError:
        return None


def _ring(drawing: Drawing, box: Box, share: float, colour: str, track: str, dot: str, start: float) -> None:
    """A thick ring that fills: small pieces that appear one after the other, so that each picture is drawn once."""
    radius, thick = box.width * 0.36, box.width * 0.082
    drawing.ground.append(
        f'<circle cx="{n(box.cx)}" cy="{n(box.cy)}" r="{n(radius)}" fill="none" stroke="{track}" stroke-width="{n(thick)}"/>'
    )
    pieces = max(1, round(STEPS * share))
    for i in range(pieces):
        a0, a1 = 360 * share * i / pieces, 360 * share * (i + 1) / pieces
        at = start + COUNT_S * (1 - (1 - (i + 0.5) / pieces) ** (1 / 3))
        drawing.add(_arc(f"ring{i}", box, radius, thick, (a0 - 0.6 if i else a0, a1), colour, at))
    x, y = _polar(box, radius, 360 * share)
    r = thick * 0.22
    svg = f'<circle cx="{n(x)}" cy="{n(y)}" r="{n(r)}" fill="{dot}"/>'
    drawing.add(layer("ring-end", Box(x - r - 2, y - r - 2, 2 * r + 4, 2 * r + 4), svg, enter=Move("fade", start + COUNT_S, 0.2)))


def _arc(name: str, box: Box, radius: float, thick: float, angles: tuple[float, float], colour: str, at: float) -> Layer:
    """One piece of the ring, round at its ends."""
    (x0, y0), (x1, y1) = _polar(box, radius, angles[0]), _polar(box, radius, angles[1])
    svg = f'<path fill="none" stroke="{colour}" stroke-width="{n(thick)}" stroke-linecap="round" d="M{x0:.2f} {y0:.2f}A{n(radius)} {n(radius)} 0 0 1 {x1:.2f} {y1:.2f}"/>'
    half = thick / 2 + 3
    edge = Box(min(x0, x1) - half, min(y0, y1) - half, abs(x1 - x0) + 2 * half, abs(y1 - y0) + 2 * half)
    return layer(name, edge, svg, shows=(Show(at, 0),))


def _ticks(drawing: Drawing, box: Box, colour: str, dim: str, start: float) -> None:
    """A dial of 60 ticks that light up one after the other."""
    outer = box.width * 0.47
    for i in range(60):
        long = i % 5 == 0
        inner = outer - box.width * (0.085 if long else 0.055)
        (x0, y0), (x1, y1) = _polar(box, outer, 6 * i), _polar(box, inner, 6 * i)
        width = box.width * (0.016 if long else 0.0095)
        path = f'd="M{n(x0)} {n(y0)}L{n(x1)} {n(y1)}" stroke-width="{n(width)}" stroke-linecap="round"'
        drawing.ground.append(f'<path stroke="{dim}" {path}/>')
        at = start + COUNT_S * (1 - (1 - (i + 0.5) / 60) ** (1 / 3))
        half = width / 2 + 2
        edge = Box(min(x0, x1) - half, min(y0, y1) - half, abs(x1 - x0) + 2 * half, abs(y1 - y0) + 2 * half)
        drawing.add(layer(f"tick{i}", edge, f'<path stroke="{colour}" {path}/>', shows=(Show(at, 0),)))


def _polar(box: Box, radius: float, degrees: float) -> tuple[float, float]:
    """The place on a circle about the middle of `box`, clockwise from above."""
    a = math.radians(degrees)
    return box.cx + radius * math.sin(a), box.cy - radius * math.cos(a)

"""One figure, very large: it counts up with a ring or a dial when it is spoken."""

import math
import re

from reelqueue.art.layers import Layer, Move, Show, Sway
from reelqueue.art.layouts.frame import Frame
from reelqueue.art.layouts.furniture import object_layer, texture
from reelqueue.art.layouts.lettering import block_box, entering, fitted, placed
from reelqueue.art.layouts.scene import Drawing, Scene, layer
from reelqueue.art.motifs.base import Box, Tones, n
from reelqueue.art.motifs.halftone import dots
from reelqueue.art.palette import mix
from reelqueue.art.text import TextBlock, measure, set_text
from reelqueue.models.scene import Figure

COUNT_S = 0.9
"""look.md: count-up and ring together, 900 ms, ending on the spoken figure."""
STEPS = 26
"""Pictures of the count: one a frame at 30 fps would be 27."""
UNIT_SHARE = 0.38
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
        return (Box(940 if mirrored else 120, 130, 860, 690), Box(130 if mirrored else 1010, 72, 760, 760))
    if frame.shape == "tall":
        return (Box(60, 640, 860, 510), Box(240, 226, 500, 500))
    return (Box(64, 430, 952, 350), Box(640 if not mirrored else 64, 64, 376, 376))


def _texts(scene: Scene, drawing: Drawing, box: Box, start: float) -> None:
    spec, ground, frame = scene.spec, scene.ground, scene.frame
    wide = frame.shape == "wide"
    figure = spec.figure
    assert figure is not None
    number, unit_gap, unit = _numeral(scene, box, 330 if wide else 280 if frame.shape == "tall" else 230)
    label_sizes = (46, 60) if wide else (44, 58)
    label = fitted(
        _label(spec.title, figure),
        face=scene.faces.strong,
        sizes=label_sizes,
        fill=ground.text,
        width=box.width,
        lines=3,
        height=None,
        language=spec.language,
    )
    kicker = note = None
    if spec.kicker:
        kicker = fitted(
            spec.kicker,
            face=scene.faces.strong,
            sizes=(34, 36),
            fill=scene.accent if ground.spark == ground.text else ground.spark,
            width=box.width,
            lines=1,
            language=spec.language,
        )
    if spec.note and wide:
        note = fitted(
            spec.note, face=scene.faces.text, sizes=(28, 32), fill=ground.muted, width=box.width, lines=1, language=spec.language
        )
    tall_number = number[-1].size * 0.86
    height = tall_number + 34 + label.height + (kicker.height + 36 if kicker else 0) + (note.height + 24 if note else 0)
    y = box.y + max(0.0, box.height - height) * (0.5 if wide else 1.0)
    if kicker:
        drawing.add(entering("kicker", kicker, (box.x, y), 0.2))
        y += kicker.height + 36
    if start >= LABEL_BY_S:
        _add_trace(scene, drawing, number[-1], unit_gap, unit, (box.x, y))
    _add_number(drawing, number, (box.x, y), start)
    if unit is not None:
        last = number[-1]
        baseline = y + last.lines[0].baseline - unit.lines[0].baseline
        drawing.add(entering("unit", unit, (box.x + last.width + unit_gap, baseline), start))
    y += tall_number + 34
    drawing.add(entering("label", label, (box.x, y), start + 0.25 if start < LABEL_BY_S else 0.6))
    if note:
        drawing.add(entering("source", note, (box.x, y + label.height + 24), start + 0.7))


def _label(title: str, figure: Figure) -> str:
    """What the figure counts, without the figure where the title begins with it."""
    said = re.match(rf"{re.escape(figure.value)}\s*{re.escape(figure.unit)}[\s，,：:、]*", title)
    rest = title[said.end() :] if said else title
    return rest if len(rest) > 2 else title


def _numeral(scene: Scene, box: Box, size: float) -> tuple[list[TextBlock], float, TextBlock | None]:
    """The pictures of the count, the gap to the unit, the unit; all at a size at which the line fits."""
    figure = scene.spec.figure
    assert figure is not None
    face = scene.faces.numeral
    value = figure.value.strip()
    total = measure(value, face, size, tabular=True) + (
        measure(figure.unit, face, size * UNIT_SHARE) + 0.05 * size if figure.unit.strip() else 0
    )
    size = float(int(size * min(1.0, box.width / total)))
    texts = [count(value, ease(i / (STEPS - 1))) for i in range(STEPS)]
    texts = [text for i, text in enumerate(texts) if i == 0 or text != texts[i - 1]]
    if texts[-1] != value:
        texts.append(value)
    blocks = [
        set_text(text, face=face, size=size, fill=scene.ground.text, max_width=9_999, max_lines=1, tabular=True) for text in texts
    ]
    unit = None
    if figure.unit.strip():
        unit = set_text(figure.unit, face=face, size=size * UNIT_SHARE, fill=scene.ground.pop_shape, max_width=9_999, max_lines=1)
    return blocks, 0.05 * size, unit


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


def _add_trace(
    scene: Scene, drawing: Drawing, number: TextBlock, unit_gap: float, unit: TextBlock | None, at: tuple[float, float]
) -> None:
    """Where a figure that is spoken late will stand: faint, so that its place is not empty until then."""
    figure = scene.spec.figure
    assert figure is not None
    faint = mix(scene.ground.fill, scene.ground.text, 0.10)
    face = scene.faces.numeral
    block = set_text(figure.value.strip(), face=face, size=number.size, fill=faint, max_width=9_999, max_lines=1, tabular=True)
    drawing.ground.append(placed(block.svg, (at[0], at[1] - 0.02 * number.size)))
    if unit is not None:
        beside = set_text(figure.unit, face=face, size=unit.size, fill=faint, max_width=9_999, max_lines=1)
        y = at[1] + number.lines[0].baseline - beside.lines[0].baseline
        drawing.ground.append(placed(beside.svg, (at[0] + number.width + unit_gap, y)))


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

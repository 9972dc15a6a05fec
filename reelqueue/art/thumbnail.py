"""The thumbnail, 1280x720: a number, two sides, an object or a face beside a few words that can be read at 120 px."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from reelqueue.art import figures
from reelqueue.art.fonts import faces
from reelqueue.art.headline import headline, is_counted, versus
from reelqueue.art.icons import Icon, find_icon
from reelqueue.art.layouts.lettering import fitted, placed
from reelqueue.art.motifs.base import Box, n
from reelqueue.art.motifs.halftone import dots
from reelqueue.art.palette import Ground, GroundName, contrast, mix, text_on
from reelqueue.art.style import Style, pick
from reelqueue.art.text import TextBlock, measure, set_text
from reelqueue.art.units import around, short_unit
from reelqueue.models.scene import Figure, SceneSpec
from reelqueue.models.script import Script

WIDTH, HEIGHT, MARGIN = 1280, 720, 50
DURATION_BOX = Box(1060, 620, 220, 100)
"""YouTube writes the duration here."""
TITLE_PX = {"zh": (150, 214), "en": (110, 168)}
Kind = Literal["number", "split", "object", "face"]


@dataclass(frozen=True, slots=True)
class _Cover:
    """What is known of the video when its thumbnail is drawn."""

    style: Style
    language: str
    titles: tuple[str, ...]
    scenes: tuple[SceneSpec, ...]

    @property
    def sizes(self) -> tuple[int, int]:
        """The least and the most the words are set in."""
        return TITLE_PX["zh" if self.language.lower().startswith("zh") else "en"]

    @property
    def shadow(self) -> str:
        """The darker of ink and paper."""
        p = self.style.colours
        return p.paper if p.dark else p.ink


def draw_thumbnail(script: Script, style: Style, scenes: Sequence[SceneSpec], *, presenter: bool = False) -> str:
    """The thumbnail as an SVG document of 1280x720 px.

    By what the video has: two sides where a title sets one thing against another, else its first short figure,
    else an object, else the presenter (also where none is on: a face is better than no picture).
    """
    opening = scenes[0].title if scenes else ""
    titles = tuple(t for t in (opening, script.metadata.title, *(s.title for s in scenes[1:])) if t.strip())
    cover = _Cover(style, script.language, titles, tuple(scenes))
    kind = kind_of(cover.titles, cover.scenes, script.language)
    if kind == "object" and presenter and pick(f"{style.seed}/cover", (True, False, False)):
        kind = "face"
    body = {"number": _number, "split": _split, "object": _object, "face": _face}[kind](cover)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}">{body}</svg>'
    )


def kind_of(titles: Sequence[str], scenes: Sequence[SceneSpec], language: str) -> Kind:
    """Which of the four the content asks for."""
    sides = versus(titles[:2])
    if sides and all(find_icon((side,), language) for side in sides):
        return "split"
    if _figure(scenes, titles):
        return "number"
    return "object" if _icon(scenes, language) else "face"


def _figure(scenes: Sequence[SceneSpec], titles: Sequence[str]) -> tuple[Figure, SceneSpec, str] | None:
    """A figure that is short enough to be very large, its scene, and the few words that stand with it.

    First one that the title tells too: the topic's own, with the title's words.  Else one that its own scene says in
    few words what it counts: under a number stands nothing else, or the thumbnail tells an untruth.
    """
    short = [(s.figure, s) for s in scenes if s.figure and len(s.figure.value) <= 6 and len(short_unit(s.figure.unit)) <= 7]
    for figure, scene in short:
        whole = re.compile(rf"(?<![\d.,]){re.escape(figure.value)}(?![\d.,]*\d)")
        if any(whole.search(title) for title in titles[:2]) and (words := headline(titles[:2], without=figure.value)):
            return figure, scene, words
    for figure, scene in short:
        before, after = around(scene.title, figure)
        words = after if before == "" or is_counted(after) else ""
        if is_counted(words):
            return figure, scene, words
    return None


def _icon(scenes: Sequence[SceneSpec], language: str) -> Icon | None:
    return next((icon for s in scenes if s.subject and (icon := find_icon(s.subject, language)) is not None), None)


def _object(cover: _Cover) -> str:
    ground = _ground(cover, ("pop", "spark", "ink"))
    icon = _icon(cover.scenes, cover.language)
    assert icon is not None
    words = headline(cover.titles[:2])
    narrow = _is_narrow(words, cover, 730)
    side = 330.0 if narrow else 420.0
    return (
        _filled(ground)
        + dots(Box(420, 0, 860, 720), ground.text, opacity=0.13, pitch=26, reach=0.9)
        + _lifted(icon, cover, ground, Box(1246 - side, 176, side, side), tilt=-5)
        + _words(cover, ground, words, Box(MARGIN + 16, MARGIN, 880 if narrow else 730, 620))
    )


def _face(cover: _Cover) -> str:
    ground = _ground(cover, ("ink", "paper") if not cover.style.colours.dark else ("paper",))
    p = cover.style.colours
    order = (p.pop, p.spark) if cover.style.presenter == "mei" else (p.spark, p.pop)
    look = figures.looks(cover.style.presenter, clothes=order[0], trim=order[1], ink=cover.shadow)
    who = cover.style.presenter
    drawn = (
        figures.head(who, look)
        + figures.body(who, look)
        + figures.eyes(who, look, closed=0)
        + figures.brows(who, look, raised=10)
        + figures.mouth("l", look)
    )
    words = headline(cover.titles[:2])
    narrow = _is_narrow(words, cover, 640)
    return (
        _filled(ground)
        + dots(Box(300, 0, 980, 720), ground.text, opacity=0.13, pitch=26, reach=0.9)
        + f'<g transform="translate({765 if narrow else 585} -76) scale(0.82)">{drawn}</g>'
        + _words(cover, ground, words, Box(MARGIN + 16, MARGIN, 880 if narrow else 640, 620))
    )


def _number(cover: _Cover) -> str:
    found = _figure(cover.scenes, cover.titles)
    assert found is not None
    figure, scene, words = found
    written = short_unit(figure.unit)
    ground = _ground(cover, ("ink",) if not cover.style.colours.dark else ("paper", "card"))
    ring = Box(730, 90, 500, 500)
    numeral = faces(cover.style.pair).numeral
    room = 660.0
    width = measure(figure.value, numeral, 300) + measure(written, numeral, 138) + (12 if written else 0)
    size = float(int(min(330.0, 300 * room / width)))
    value = set_text(figure.value, face=numeral, size=size, fill=ground.text, max_width=9_999, max_lines=1)
    unit = (
        set_text(written, face=numeral, size=size * 0.46, fill=ground.pop_shape, max_width=9_999, max_lines=1)
        if written
        else None
    )
    block = fitted(
        words,
        face=faces(cover.style.pair).title,
        sizes=(100, 150),
        fill=ground.text,
        width=room,
        lines=2,
        language=cover.language,
    )
    y = max(MARGIN, (HEIGHT - value.height * 0.9 - block.height - 26) / 2) - value.size * 0.04
    x = MARGIN + 12.0
    parts = [
        _filled(ground),
        dots(Box(420, 0, 860, 720), ground.text, opacity=0.06, pitch=26, reach=0.9),
        placed(value.svg, (x, y)),
    ]
    if unit:
        parts.append(placed(unit.svg, (x + value.width + 12, y + value.lines[0].baseline - unit.lines[0].baseline)))
    parts.append(placed(block.svg, (x, y + value.height * 0.9 + 26)))
    parts.append(_dial(ring, figure, ground))
    icon = _icon((scene, *cover.scenes), cover.language)
    if icon is not None:
        parts.append(_lifted(icon, cover, ground, Box(ring.cx - 115, ring.cy - 115, 230, 230)))
    return "".join(parts)


def _dial(box: Box, figure: Figure, ground: Ground) -> str:
    """A ring filled as far as the percentage says, whole for any other figure."""
    share = 1.0
    if figure.unit.strip() in {"%", "％"}:
        try:
            share = min(1.0, max(0.02, float(figure.value.replace(",", "")) / 100))
        except ValueError:
            share = 1.0
    r, turn = box.width / 2 - 30, 2 * math.pi * min(share, 0.9999)
    x, y = box.cx + r * math.sin(turn), box.cy - r * math.cos(turn)
    track = f'<circle cx="{n(box.cx)}" cy="{n(box.cy)}" r="{n(r)}" fill="none" stroke="{mix(ground.fill, ground.text, 0.2)}" stroke-width="58"/>'
    arc = f"M{n(box.cx)} {n(box.cy - r)}A{n(r)} {n(r)} 0 {int(share > 0.5)} 1 {x:.2f} {y:.2f}"
    return f'{track}<path d="{arc}" fill="none" stroke="{ground.pop_shape}" stroke-width="58" stroke-linecap="round"/>'


def _split(cover: _Cover) -> str:
    sides = versus(cover.titles[:2])
    assert sides is not None
    p = cover.style.colours
    left, right = p.ground("paper"), p.ground(pick(f"{cover.style.seed}/split", ("pop", "spark")))
    edge = "M700 -10L560 730"
    parts = [
        _filled(left),
        f'<path fill="{right.fill}" d="M700 0H1280V720H562Z"/>',
        "".join(f'<path d="{edge}" stroke="{cover.shadow}" stroke-opacity="0.05" stroke-width="{w}"/>' for w in (6, 14, 24)),
    ]
    for ground, side, cx in ((left, sides[0], 310.0), (right, sides[1], 960.0)):
        icon = find_icon((side,), cover.language)
        assert icon is not None
        parts.append(_lifted(icon, cover, ground, Box(cx - 170, 66, 340, 340), tilt=-6 if cx < 640 else 5))
        face = faces(cover.style.pair).title
        words = side[:1].upper() + side[1:]
        block = fitted(words, face=face, sizes=(110, 170), fill=ground.text, width=500, lines=1, language=cover.language)
        parts.append(placed(block.svg, (cx - block.width / 2, 440)))
    return "".join(parts)


def _ground(cover: _Cover, names: tuple[GroundName, ...]) -> Ground:
    """One of these grounds on which words have 4.5."""
    grounds = [cover.style.colours.ground(name) for name in names]
    readable = [ground for ground in grounds if contrast(ground.text, ground.fill) >= 4.5]
    return pick(f"{cover.style.seed}/thumbnail", readable or grounds)


def _filled(ground: Ground) -> str:
    return f'<rect width="{WIDTH}" height="{HEIGHT}" fill="{ground.fill}"/>'


def _lifted(icon: Icon, cover: _Cover, ground: Ground, box: Box, *, tilt: float = 0) -> str:
    """An object with its paper shadow."""
    name = f"lift{int(box.x)}"
    return (
        f'<filter id="{name}" x="-15%" y="-15%" width="130%" height="135%"><feDropShadow dx="0" dy="16" stdDeviation="10" flood-color="{cover.shadow}" flood-opacity="0.32"/></filter>'
        f'<g filter="url(#{name})" transform="rotate({tilt} {n(box.cx)} {n(box.cy)}) translate({n(box.x)} {n(box.y)})">{icon.svg(cover.style.colours, ground, box.width)}</g>'
    )


def _words(cover: _Cover, ground: Ground, words: str, box: Box) -> str:
    """The words as large as they can be, the last line marked by a slab behind it."""
    least, most = cover.sizes
    face = faces(cover.style.pair).title
    block = _largest(words, cover, box, (least, most), ground.text)
    slab = _slab_colour(cover, ground)
    last = block.lines[-1] if block.lines else None
    if last is not None and len(block.lines) > 1:
        spans = [(last.start_char, last.end_char, text_on(slab, cover.style.colours))]
        ranges = [(line.start_char, line.end_char) for line in block.lines]
        block = set_text(
            words,
            face=face,
            size=block.size,
            fill=ground.text,
            max_width=9_999,
            spans=spans,
            lines=ranges,
            leading=_leading(cover),
        )
        last = block.lines[-1]
    y = box.y + max(0.0, (box.height - block.height) / 2)
    at = (box.x, y)
    if last is None or len(block.lines) == 1:
        return placed(block.svg, at)
    pad = 0.12 * block.size
    slab_svg = (
        f'<rect x="{n(at[0] + last.x - pad * 1.1)}" y="{n(at[1] + last.y - pad * 0.6)}" width="{n(last.width + 2.2 * pad)}" height="{n(block.size + 1.5 * pad)}"'
        f' rx="10" fill="{slab}"/>'
    )
    return slab_svg + placed(block.svg, at)


def _is_narrow(words: str, cover: _Cover, width: float) -> bool:
    """Whether a single word is wider than `width` at the least size: the picture then makes room."""
    face = faces(cover.style.pair).title
    return any(measure(word, face, cover.sizes[0]) > width for word in words.split())


def _leading(cover: _Cover) -> float:
    return 1.22 if cover.language.lower().startswith("zh") else 1.16


def _largest(words: str, cover: _Cover, box: Box, sizes: tuple[int, int], fill: str) -> TextBlock:
    """At the largest size of one, two or three lines; under the least size only where a single word is too long."""
    face = faces(cover.style.pair).title
    return fitted(
        words, face=face, sizes=sizes, fill=fill, width=box.width, lines=3, height=box.height, language=cover.language, worth=0.97
    )


def _slab_colour(cover: _Cover, ground: Ground) -> str:
    """What the marked line lies on: it differs from the ground, and type on it has 4.5."""
    p = cover.style.colours
    order = (
        (p.pop, p.spark, p.paper, p.ink)
        if ground.name in {"ink", "paper", "card"}
        else (p.paper if not p.dark else p.ink, p.ink, p.paper)
    )
    return next(c for c in order if contrast(c, ground.fill) >= 1.6 and contrast(text_on(c, p), c) >= 4.5)

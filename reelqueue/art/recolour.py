"""A drawn object in a palette's colours; pure.

Warm hues become pop, the others spark, greys a ramp from ink to paper.  What was lighter stays lighter.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from reelqueue.art.palette import MOST_SHIFT, SHAPE_CONTRAST, Ground, Lab, Palette, contrast, from_lab, mix, shifted, to_lab

Greys = Literal["full", "deep"]
"""full: the whole ramp from ink to paper.  deep: its light end is darker, for what would run into a light ground."""

_COLOUR = re.compile(r'"#(?:[0-9a-fA-F]{6}|[0-9a-fA-F]{3})"')
GREY_CHROMA = 0.045
"""OKLab chroma below which a colour counts as grey (chosen on the objects: paper, steel, slate lie below)."""
SEEN = 1.7
"""Contrast at which a flat shape stands out from its ground without an outline (chosen by eye on all 40 grounds)."""
_WARM_TO, _WARM_FROM = 112.0, 325.0
_DEPTH = 0.2  # OKLab lightness below the base at which a shade begins to turn to ink
_LIGHT_SPAN = 0.22


@dataclass(frozen=True, slots=True)
class Dyes:
    """What warm and cool parts become on a ground; None: a grey, where their accent is the ground itself."""

    pop: str | None
    spark: str | None
    greys: Greys
    light: bool  # whether that grey is a light one
    palette: Palette


def dyes_on(ground: Ground, palette: Palette, greys: Greys) -> Dyes:
    """The dyes for a ground.  An accent too near to it is moved as far as `palette.shifted` may, never given up."""
    _, light = _ends(palette)
    return Dyes(
        pop=None if ground.name == "pop" else _seen(palette.pop, ground),
        spark=None if ground.name == "spark" else _seen(palette.spark, ground),
        greys=greys,
        light=contrast(light, ground.fill) >= SEEN,
        palette=palette,
    )


def recolour(body: str, dyes: Dyes) -> str:
    """An SVG fragment with every colour replaced; the same arguments give the same bytes."""
    labs = {text: to_lab(text.strip('"')) for text in set(_COLOUR.findall(body))}
    warm_mid = _middle(lab.l for lab in labs.values() if _is_warm(lab))
    cool_mid = _middle(lab.l for lab in labs.values() if not _is_warm(lab) and lab.chroma >= GREY_CHROMA)

    def one(match: re.Match[str]) -> str:
        lab = labs[match.group()]
        if lab.chroma < GREY_CHROMA:
            return f'"{_grey(round(lab.l, 3), dyes.palette, dyes.greys)}"'
        base, middle = (dyes.pop, warm_mid) if _is_warm(lab) else (dyes.spark, cool_mid)
        step = round(lab.l - middle, 3)
        if base is None:
            return f'"{_grey(round((0.93 if dyes.light else 0.36) + step * 0.8, 3), dyes.palette, "full")}"'
        return f'"{_shade(base, step, dyes.palette)}"'

    return _COLOUR.sub(one, body)


def sign(body: str, ground: Ground, palette: Palette) -> str:
    """A duotone sign: its lines in the ground's text colour, its surface in the accent that stands out most."""
    lines = ground.text
    wishes = (palette.pop, palette.spark, palette.card, palette.paper, palette.ink)
    fitting = [c for c in wishes if contrast(c, ground.fill) >= 1.35 and contrast(c, lines) >= 1.8]
    surface = fitting[0] if fitting else mix(ground.fill, lines, 0.3)
    filled = body.replace('opacity="0.2"', f'fill="{surface}"')
    return f'<g fill="{lines}">{filled}</g>'


def _seen(colour: str, ground: Ground) -> str:
    for minimum in (SHAPE_CONTRAST, SEEN):
        found = shifted(colour, ground.fill, minimum)
        if found:
            return found
    lab = to_lab(colour)
    return from_lab(lab._replace(l=lab.l + (MOST_SHIFT if ground.dark else -MOST_SHIFT)))


def _is_warm(lab: Lab) -> bool:
    return lab.chroma >= GREY_CHROMA and (lab.hue < _WARM_TO or lab.hue > _WARM_FROM)


def _middle(values: Iterable[float]) -> float:
    ordered = sorted(values)
    return ordered[len(ordered) // 2] if ordered else 0.6


def _ends(palette: Palette) -> tuple[str, str]:
    """The darker and the lighter of ink and paper."""
    return (palette.paper, palette.ink) if palette.dark else (palette.ink, palette.paper)


@lru_cache(maxsize=4096)
def _grey(lightness: float, palette: Palette, greys: Greys) -> str:
    dark, light = _ends(palette)
    share = min(1.0, max(0.0, (lightness - 0.2) / 0.78))
    if greys == "deep":
        share *= 0.72
    return mix(dark, light, share)


@lru_cache(maxsize=4096)
def _shade(base: str, step: float, palette: Palette) -> str:
    """`base`, lighter or darker by `step`; beyond 0.2 below it turns to ink, far above to paper."""
    dark, light = _ends(palette)
    lab = to_lab(base)
    if step < -_DEPTH:
        return mix(from_lab(lab._replace(l=lab.l - _DEPTH)), dark, min(0.8, (-step - _DEPTH) * 2.2))
    if step > 0:
        room = max(0.02, min(_LIGHT_SPAN, 0.95 - lab.l))
        lifted = from_lab(lab._replace(l=lab.l + min(step, room) * 0.8))
        return mix(lifted, light, min(0.75, step * 1.6))
    return from_lab(lab._replace(l=lab.l + step))

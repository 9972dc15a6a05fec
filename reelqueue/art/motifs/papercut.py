"""Paper-cut: sheets of paper with holes, lying on each other, each with its soft shadow."""

import numpy as np

from reelqueue.art.layers import Sway
from reelqueue.art.motifs.base import Box, Field, MotifArt, Patch, Tones, level_paths, n, rng, smooth_noise
from reelqueue.art.palette import luminance, mix

SMALLEST_ISLAND = 0.006
"""Of the frame's area: a smaller island looks like a mistake."""
SHEETS = 5
WHOLE = 0.54
"""The part of the frame where the paper stays whole."""
SHADOW_WIDTHS = (10, 18, 27, 37, 48, 60)
SHADOW_DROP = 8


def papercut(box: Box, tones: Tones, seed: str, *, shadow_colour: str, fade_left: bool = True, whole: float = WHOLE) -> MotifArt:
    """A hole of five depths in the paper, and bubbles that rise in it.

    With `fade_left` the paper stays `whole` (0-1) at the left, where the title stands; else above.
    """
    random_ = rng(seed)
    shape = (max(30, round(box.height / 4)), max(30, round(box.width / 4)))
    columns, rows = max(2, round(box.width / 480)), max(2, round(box.height / 420))
    field: Field = smooth_noise(random_, columns, rows, shape) + 0.2 * smooth_noise(random_, columns * 2, rows * 2, shape)
    along = np.linspace(0, 1, shape[1])[None, :] if fade_left else np.linspace(0, 1, shape[0])[:, None]
    slope = np.where(along < whole, -0.42 - 8 * (whole - along), -0.42 + (along - whole) * 0.98 / (1 - whole))
    field = field + slope
    low, high = 0.55, float(field.max())
    smallest = SMALLEST_ISLAND * 1920 * 1080
    parts: list[str] = []
    dark = luminance(tones.ground) < 0.2
    deep = mix(tones.spark, tones.text, 0.12) if dark else mix(tones.spark, shadow_colour, 0.25)
    for i in range(SHEETS):
        level = low + (high - low) * (i / SHEETS) * 0.82
        paths = "".join(level_paths(field, level, box.inset(-40), minimum_area=smallest))
        if not paths:
            break
        colour = mix(tones.ground, deep, (0.16, 0.36, 0.62, 0.84, 1.0)[i])
        parts.append(_hole(f"{i}", paths, colour, shadow_colour))
    bubbles = tuple(_bubble(i, box, tones, random_.random(), random_.random()) for i in range(4))
    return MotifArt("".join(parts), bubbles)


def _hole(name: str, paths: str, colour: str, ink: str) -> str:
    """A hole with `colour` at its ground and the shadow of the edge upon it.

    The shadow is a stack of clipped strokes: a blur of the whole frame for each sheet cost 3 s, this 0.3.
    """
    strokes = "".join(f'<path stroke-width="{width}" d="{paths}"/>' for width in SHADOW_WIDTHS)
    return (
        f'<clipPath id="hole{name}"><path clip-rule="evenodd" d="{paths}"/></clipPath>'
        f'<path fill-rule="evenodd" fill="{colour}" d="{paths}"/>'
        f'<g clip-path="url(#hole{name})"><g fill="none" stroke="{ink}" stroke-opacity="0.055" transform="translate(0 {SHADOW_DROP})">{strokes}</g></g>'
    )


def _bubble(i: int, box: Box, tones: Tones, u: float, v: float) -> Patch:
    radius = (16, 26, 11, 20)[i]
    cx = box.x + box.width * (0.62 + 0.32 * u)
    cy = box.y + box.height * (0.2 + 0.6 * v)
    colour = (tones.pop, tones.ground, tones.ground, tones.pop)[i]
    svg = f'<circle cx="{n(cx)}" cy="{n(cy)}" r="{radius}" fill="{colour}"/>'
    edge = Box(cx - radius - 2, cy - radius - 2, 2 * radius + 4, 2 * radius + 4)
    return Patch(f"bubble{i}", edge, svg, sway=Sway(4, 14, 6 + i, i / 4))

"""Contours: the lines of equal height of an invented land, with a sun above it."""

from reelqueue.art.layers import Sway
from reelqueue.art.motifs.base import Box, MotifArt, Patch, Tones, level_paths, n, rng, smooth_noise
from reelqueue.art.palette import mix


def contour_lines(box: Box, colour: str, seed: str, *, levels: int, width: float, opacity: float = 1.0, cell: float = 330) -> str:
    """Lines of equal height over `box`; every fourth is heavier."""
    random_ = rng(seed)
    shape = (max(24, round(box.height / 5)), max(24, round(box.width / 5)))
    columns, rows = max(2, round(box.width / cell)), max(2, round(box.height / cell))
    field = smooth_noise(random_, columns, rows, shape) + 0.45 * smooth_noise(random_, columns * 2, rows * 2, shape)
    low, high = float(field.min()), float(field.max())
    parts = []
    for i in range(1, levels):
        paths = level_paths(field, low + (high - low) * i / levels, box.inset(-30), minimum_area=2400)
        weight = width * (1.6 if i % 4 == 0 else 1)
        parts.append(f'<path stroke-width="{n(weight)}" d="{"".join(paths)}"/>')
    return f'<g fill="none" stroke="{colour}" opacity="{opacity}" stroke-linejoin="round">{"".join(parts)}</g>'


def contours(box: Box, tones: Tones, seed: str) -> MotifArt:
    """Land in lines, and a sun that floats."""
    lines = contour_lines(box, mix(tones.spark, tones.ground, 0.25), seed, levels=15, width=2.6)
    random_ = rng(seed + "/sun")
    radius = min(box.width, box.height) * 0.17
    cx = box.x + box.width * (0.52 + 0.14 * random_.random())
    cy = box.y + box.height * (0.34 + 0.1 * random_.random())
    sun = f'<circle cx="{n(cx)}" cy="{n(cy)}" r="{n(radius)}" fill="{tones.pop}"/>'
    edge = Box(cx - radius - 2, cy - radius - 2, 2 * radius + 4, 2 * radius + 4)
    return MotifArt("", (Patch("land", box, lines, grows=True), Patch("sun", edge, sun, sway=Sway(8, 12, 9))))

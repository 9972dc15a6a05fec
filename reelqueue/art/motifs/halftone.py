"""Halftone: dots that grow towards a corner, and a disc behind them."""

import math

from reelqueue.art.layers import Sway
from reelqueue.art.motifs.base import Box, MotifArt, Patch, Tones, n


def dots(
    box: Box, colour: str, *, opacity: float, pitch: float = 30, corner: tuple[float, float] = (1.0, 1.0), reach: float = 0.95
) -> str:
    """A turned grid of dots, largest at `corner` (fractions of `box`), gone at `reach` of its diagonal."""
    cx, cy = box.x + box.width * corner[0], box.y + box.height * corner[1]
    far = math.hypot(box.width, box.height) * reach
    cos, sin = math.cos(0.32), math.sin(0.32)
    steps = int(math.hypot(box.width, box.height) / pitch) + 2
    circles: list[str] = []
    for i in range(-steps, steps):
        for j in range(-steps, steps):
            x, y = cx + (i * cos - j * sin) * pitch, cy + (i * sin + j * cos) * pitch
            if not (box.x - pitch < x < box.right + pitch and box.y - pitch < y < box.bottom + pitch):
                continue
            radius = pitch * 0.56 * (1 - math.hypot(x - cx, y - cy) / far)
            if radius > 0.9:
                circles.append(
                    f"M{n(x - radius)} {n(y)}a{n(radius)} {n(radius)} 0 1 0 {n(2 * radius)} 0a{n(radius)} {n(radius)} 0 1 0 {n(-2 * radius)} 0"
                )
    return f'<path fill="{colour}" opacity="{opacity}" d="{"".join(circles)}"/>'


def halftone(box: Box, tones: Tones, seed: str, *, disc_in: Box | None = None) -> MotifArt:  # noqa: ARG001 - every motif is drawn by the same call
    """A great disc that floats, and dots of the other accent that grow over it.

    The disc fills `disc_in`; without one it is large and stands in the upper part of `box`.
    """
    radius = min(box.width, box.height) * 0.36
    cx, cy = box.x + box.width * 0.50, box.y + box.height * 0.42
    if disc_in is not None:
        radius, cx, cy = min(disc_in.width, disc_in.height) / 2, disc_in.cx, disc_in.cy
    disc = f'<circle cx="{n(cx)}" cy="{n(cy)}" r="{n(radius)}" fill="{tones.pop}"/>'
    edge = Box(cx - radius - 2, cy - radius - 2, 2 * radius + 4, 2 * radius + 4)
    grain = dots(box, tones.spark, opacity=0.92, pitch=max(22, box.height / 40), reach=0.86)
    return MotifArt("", (Patch("disc", edge, disc, grows=True), Patch("dots", box, grain, grows=True), *_motes(box, tones)))


def _motes(box: Box, tones: Tones) -> tuple[Patch, ...]:
    """Three small discs that float: the great one stands still, it would cost 4 ms a frame."""
    motes = []
    for i, (x, y, r) in enumerate(((0.16, 0.26, 20), (0.88, 0.2, 30), (0.1, 0.7, 12))):
        cx, cy = box.x + box.width * x, box.y + box.height * y
        svg = f'<circle cx="{n(cx)}" cy="{n(cy)}" r="{r}" fill="{(tones.spark, tones.pop, tones.pop)[i]}"/>'
        motes.append(Patch(f"mote{i}", Box(cx - r - 2, cy - r - 2, 2 * r + 4, 2 * r + 4), svg, sway=Sway(8, 12, 7 + i, i / 3)))
    return tuple(motes)

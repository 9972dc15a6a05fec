"""Isometric blocks: a field of boxes in greys, a few in the accents, and small cubes that hover."""

import random

from reelqueue.art.layers import Sway
from reelqueue.art.motifs.base import Box, MotifArt, Patch, Point, Tones, n, rng
from reelqueue.art.palette import mix

SLOPE = 0.577
"""Of the tiles' edges: 30°."""


def _cube(at: Point, half: float, height: float, colour: str, ink: str, *, mark: bool) -> str:
    """A box whose top's lower corner... is at `at` + height: `at` is the middle of its floor, `half` half its width."""
    x, y = at
    dy = half * SLOPE
    top = y - height
    left, right = mix(colour, ink, 0.38), mix(colour, ink, 0.62)
    faces = (
        f'<path fill="{left}" d="M{n(x - half)} {n(top)}L{n(x)} {n(top + dy)}V{n(y + dy)}L{n(x - half)} {n(y)}Z"/>'
        f'<path fill="{right}" d="M{n(x + half)} {n(top)}L{n(x)} {n(top + dy)}V{n(y + dy)}L{n(x + half)} {n(y)}Z"/>'
        f'<path fill="{colour}" d="M{n(x)} {n(top - dy)}L{n(x + half)} {n(top)}L{n(x)} {n(top + dy)}L{n(x - half)} {n(top)}Z"/>'
    )
    if mark:
        q, r = half * 0.38, dy * 0.38
        faces += f'<path fill="{mix(colour, "#ffffff", 0.35)}" d="M{n(x)} {n(top - r)}l{n(q)} {n(r)}l{n(-q)} {n(r)}l{n(-q)} {n(-r)}Z"/>'
    return faces


def _greys(tones: Tones) -> tuple[str, ...]:
    base = mix(tones.ground, tones.text, 0.22)
    return (base, mix(tones.ground, tones.text, 0.30), mix(tones.ground, tones.text, 0.38), mix(base, tones.soft, 0.5))


def blocks(box: Box, tones: Tones, seed: str, *, ink: str, quiet: bool = False, lean: float = 0.66) -> MotifArt:
    """A field of blocks in `box`; `quiet` leaves one block in pop, for a scene where a sentence is the matter; `lean` is where its middle lies."""
    random_ = rng(seed)
    half = max(52.0, min(box.width, box.height) / 13)
    count = int(min(box.width / (2 * half), box.height / (2 * half * SLOPE) * 0.86) * 1.4)
    tallest = half * 2.1
    rows: list[list[str]] = []
    hovering: list[Patch] = []
    greys = _greys(tones)
    centre = (box.x + box.width * lean, box.y + box.height * 0.5 + tallest * 0.3 - count * half * SLOPE)
    lucky = {(random_.randrange(1, count - 1), random_.randrange(1, count - 1)) for _ in range(1 if quiet else count)}
    for depth in range(2 * count - 1):
        for i in range(max(0, depth - count + 1), min(count, depth + 1)):
            j = depth - i
            accent = (i, j) in lucky
            colour, height, mark = _choice(random_, tones, greys, tallest, accent=accent)
            at = (centre[0] + (i - j) * half, centre[1] + depth * half * SLOPE + half)
            gone = random_.random() < (0.25 if i in (0, count - 1) or j in (0, count - 1) else 0.03)
            if gone and not accent:
                continue
            rows.append([_cube(at, half * 0.965, height, colour, ink, mark=mark)])
            if accent and len(hovering) < 4:
                hovering.append(_hover(len(hovering), (at[0], at[1] - height - half * 0.7), half * 0.3, tones, ink))
    return MotifArt("", (Patch("blocks", box.inset(-140), "".join("".join(r) for r in rows), grows=True), *hovering))


def _choice(
    random_: random.Random, tones: Tones, greys: tuple[str, ...], tallest: float, *, accent: bool
) -> tuple[str, float, bool]:
    share = random_.random()
    if accent:
        return (tones.pop if share < 0.7 else tones.spark), tallest * (0.42 + 0.4 * random_.random()), True
    height = tallest * (0.12 + 0.75 * share * share)
    return greys[random_.randrange(len(greys))], height, random_.random() < 0.12


def _hover(i: int, at: Point, half: float, tones: Tones, ink: str) -> Patch:
    colour = (tones.spark, tones.text, tones.spark, tones.text)[i]
    svg = _cube(at, half, half, colour, ink, mark=False)
    edge = Box(at[0] - half - 2, at[1] - half * 2 - 2, 2 * half + 4, half * 3 + 4)
    return Patch(f"cube{i}", edge, svg, sway=Sway(0, 9, 4.4 + 0.7 * i, i * 0.27))

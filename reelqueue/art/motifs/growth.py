"""Growth: branching trees or corals, thinner from fork to fork."""

import math
from dataclasses import dataclass

from reelqueue.art.layers import Sway
from reelqueue.art.motifs.base import Box, MotifArt, Patch, Point, Tones, n, polyline, rng
from reelqueue.art.palette import luminance, mix

SPREAD = 0.45
"""Half the angle of a fork, radians."""


@dataclass(frozen=True, slots=True)
class _Branch:
    points: tuple[Point, Point]
    width: float


def tree(seed: str, *, foot: Point, height: float, colour: str, depth: int = 7) -> tuple[str, Box]:
    """One tree that stands on `foot`, about `height` px high; the fragment and its box."""
    random_ = rng(seed)
    branches: list[_Branch] = []

    def grow(at: Point, angle: float, length: float, width: float, left: int) -> None:
        end = (at[0] + math.sin(angle) * length, at[1] - math.cos(angle) * length)
        branches.append(_Branch((at, end), width))
        if left == 0:
            return
        turn = SPREAD * (0.72 + 0.5 * random_.random())
        lean = (random_.random() - 0.5) * 0.24
        for side in (-1, 1):
            shrink = 0.72 + 0.15 * random_.random()
            grow(
                end,
                max(-1.75, min(1.75, angle + lean + side * turn)),
                length * shrink,
                max(width * 0.70, 9.5 * height / 900),
                left - 1,
            )

    grow(foot, (random_.random() - 0.5) * 0.16, height * 0.235, height * 0.094, depth)
    widths: dict[str, list[str]] = {}
    for branch in branches:
        widths.setdefault(n(branch.width), []).append(polyline(branch.points))
    lines = "".join(f'<path stroke-width="{width}" d="{"".join(paths)}"/>' for width, paths in widths.items())
    xs = [p[0] for b in branches for p in b.points]
    ys = [p[1] for b in branches for p in b.points]
    margin = height * 0.05
    box = Box(min(xs) - margin, min(ys) - margin, max(xs) - min(xs) + 2 * margin, foot[1] - min(ys) + margin)
    return f'<g fill="none" stroke="{colour}" stroke-linecap="round">{lines}</g>', box


def growth(box: Box, tones: Tones, seed: str, *, free: str = "") -> MotifArt:
    """Three trees from the lower edge of `box`; the one in front sways.

    At the side `free` ("left" or "right"), where a title stands, no twig leaves the box.
    """
    size = min(box.height * 1.02, box.width * 1.05)
    pale = mix(tones.pop, tones.ground, 0.45)
    plan = (
        ("behind", 0.90, 0.74, pale),
        ("low", 0.24, 0.60, tones.spark),
        ("front", 0.58, 0.98, tones.pop),
    )
    patches = []
    for name, share, scale, colour in plan:
        x = box.x + box.width * (1 - share if free == "right" else share)
        _, edges = tree(f"{seed}/{name}", foot=(x, box.bottom + 24), height=size * scale, colour=colour)
        x += max(0.0, box.x - edges.x) if free == "left" else min(0.0, box.right - edges.right) if free == "right" else 0.0
        svg, edges = tree(f"{seed}/{name}", foot=(x, box.bottom + 24), height=size * scale, colour=colour)
        sway = Sway(dx=8 if name == "front" else 0, dy=3, period_s=9) if name != "behind" else None
        patches.append(Patch(f"tree-{name}", edges, svg, grows=True, sway=sway))
    return MotifArt("", tuple(patches))


def forest(box: Box, tones: Tones, seed: str) -> MotifArt:
    """A whole picture: rays of light, rows of trees that fade into the distance, three in front."""
    random_ = rng(seed)
    rays = "".join(
        f'<polygon points="{n(x + 260)},{n(box.y)} {n(x + 420)},{n(box.y)} {n(x + 420 - box.height * 0.42)},{n(box.bottom)} {n(x + 260 - box.height * 0.42)},{n(box.bottom)}" fill="url(#ray)"/>'
        for x in [box.x + i * box.width / 5 + random_.random() * 80 for i in range(6)]
    )
    far = []
    for row, (count, scale, share) in enumerate(((6, 0.50, 0.62), (5, 0.62, 0.40))):
        colour = mix(tones.spark, tones.ground, share)
        for i in range(count):
            x = box.x + (i + 0.5 + 0.4 * (random_.random() - 0.5)) * box.width / count
            far.append(
                tree(
                    f"{seed}/{row}/{i}",
                    foot=(x, box.bottom + 10),
                    height=min(box.height, 1180) * scale * (0.85 + 0.3 * random_.random()),
                    colour=colour,
                    depth=6,
                )[0]
            )
    still = (
        f'<defs><linearGradient id="ray" x1="0" y1="0" x2="0" y2="1"><stop offset="0" stop-color="#ffffff" stop-opacity="{0.16 if luminance(tones.ground) < 0.3 else 0.5}"/>'
        f'<stop offset="0.75" stop-color="#ffffff" stop-opacity="0"/></linearGradient></defs>{rays}{"".join(far)}'
    )
    patches = []
    tall = min(box.height, box.width * 0.9)
    for name, share, scale, colour, sway in (
        ("pale", 0.17, 0.56, tones.text if luminance(tones.ground) < 0.3 else mix(tones.spark, tones.text, 0.45), Sway(8, 2, 8)),
        ("small", 0.60, 0.46, mix(tones.pop, tones.ground, 0.4), None),
        ("front", 0.84, 0.92, tones.pop, Sway(20, 3, 11, 0.3)),
    ):
        svg, edges = tree(f"{seed}/{name}", foot=(box.x + box.width * share, box.bottom + 24), height=tall * scale, colour=colour)
        patches.append(Patch(f"tree-{name}", edges, svg, grows=True, sway=sway))
    return MotifArt(still, tuple(patches))

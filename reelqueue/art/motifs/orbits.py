"""Orbits: circles around a sun, and planets that really travel on them, each with a fading trail."""

from reelqueue.art.layers import Sway
from reelqueue.art.motifs.base import Box, MotifArt, Patch, Tones, n, rng
from reelqueue.art.palette import mix

TRAIL = 3
"""Dots behind a planet."""


def orbits(box: Box, tones: Tones, seed: str, *, sun: bool = True) -> MotifArt:
    """Six circles about the middle of `box`, three planets; without `sun` the middle is free for an object."""
    random_ = rng(seed)
    cx, cy = box.x + box.width * 0.52, box.y + box.height * 0.5
    largest = min(box.width * 0.62, box.height * 0.52)
    radii = [largest * share for share in (0.34, 0.5, 0.63, 0.76, 1.0, 1.22)]
    rings = "".join(
        f'<circle cx="{n(cx)}" cy="{n(cy)}" r="{n(r)}" stroke="{mix(tones.ground, tones.text, 0.34 - 0.035 * i)}" stroke-width="2.2"/>'
        for i, r in enumerate(radii)
    )
    edge = Box(cx - radii[-1] - 4, cy - radii[-1] - 4, 2 * radii[-1] + 8, 2 * radii[-1] + 8)
    patches = [Patch("rings", edge, f'<g fill="none">{rings}</g>', grows=True)]
    if sun:
        r = largest * 0.17
        patches.append(
            Patch(
                "sun",
                Box(cx - r - 2, cy - r - 2, 2 * r + 4, 2 * r + 4),
                f'<circle cx="{n(cx)}" cy="{n(cy)}" r="{n(r)}" fill="{tones.pop}"/>',
            )
        )
    for i, (ring, size, colour) in enumerate(
        ((0, 0.045, tones.text), (1, 0.032, tones.spark), (2, 0.038, tones.pop), (3, 0.028, tones.spark))
    ):
        patches += _planet(i, (cx, cy), radii[ring], largest * size, colour, random_.random(), 30 + 14 * ring)
    return MotifArt("", tuple(patches))


def _planet(
    i: int, centre: tuple[float, float], radius: float, size: float, colour: str, phase: float, period: float
) -> list[Patch]:
    """A planet and its trail.  A `Sway` with equal axes is an orbit."""
    made = []
    for k in range(TRAIL, -1, -1):
        r = size if k == 0 else size * 0.34 * (1 - k / (TRAIL + 2))
        opacity = 1.0 if k == 0 else 0.75 * (1 - k / (TRAIL + 1))
        svg = f'<circle cx="{n(centre[0])}" cy="{n(centre[1])}" r="{n(r)}" fill="{colour}" opacity="{opacity:.2f}"/>'
        box = Box(centre[0] - r - 2, centre[1] - r - 2, 2 * r + 4, 2 * r + 4)
        lag = (k and size * 0.55 + k * size * 0.8) / (6.283 * radius)
        made.append(Patch(f"planet{i}.{k}", box, svg, sway=Sway(radius, radius, period, (phase - lag) % 1.0)))
    return made

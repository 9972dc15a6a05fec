"""Flow field: strokes that follow an invented current, and sparks that drift in it."""

import math

import numpy as np

from reelqueue.art.layers import Sway
from reelqueue.art.motifs.base import Box, Field, MotifArt, Patch, Tones, n, polyline, rng, smooth_noise
from reelqueue.art.palette import mix

STEP = 11.0
"""px between two points of a stroke."""
SPIRAL = 0.22
"""radians off the line of equal height: closed loops become spirals."""


def flow(box: Box, tones: Tones, seed: str) -> MotifArt:
    """Strokes all over `box`, none nearer than 15 px to another one's start."""
    random_ = rng(seed)
    shape = (max(12, round(box.height / 10)), max(12, round(box.width / 10)))
    columns, rows = max(1, round(box.width / 430)), max(1, round(box.height / 430))
    hills = smooth_noise(random_, columns, rows, shape) + 0.18 * smooth_noise(random_, columns * 3, rows * 3, shape)
    down, across = np.gradient(hills)
    angle = np.arctan2(down, across) + math.pi / 2 + SPIRAL
    starts = _starts(box, f"{seed}/starts", 23.0)
    lines = _follow(starts, angle, box, steps=44)
    fills = (
        tones.spark,
        tones.pop,
        tones.text,
        mix(tones.spark, tones.ground, 0.55),
        mix(tones.spark, tones.ground, 0.78),
        mix(tones.ground, tones.text, 0.12),
    )
    weights = (0.24, 0.14, 0.12, 0.24, 0.18, 0.08)
    groups: dict[tuple[int, float], list[str]] = {}
    taken: set[tuple[int, int]] = set()
    for stroke in lines:
        line = _until_taken(stroke, taken)
        if len(line) < 8:
            continue
        colour = random_.choices(range(6), weights)[0]
        groups.setdefault((colour, (4.0, 6.0, 8.0)[random_.randrange(3)]), []).append(polyline(line))
    strokes = "".join(
        f'<path stroke="{fills[c]}" stroke-width="{w}" d="{"".join(paths)}"/>'
        for (c, w), paths in sorted(groups.items(), reverse=True)
    )
    svg = f'<g fill="none" stroke-linecap="round" stroke-linejoin="round">{strokes}</g>'
    return MotifArt("", (Patch("current", box, svg, grows=True), *_sparks(box, tones, seed)))


def _starts(box: Box, seed: str, gap: float) -> Field:
    """A shuffled grid of points with jitter."""
    random_ = rng(seed)
    points = [
        (x + (random_.random() - 0.5) * gap, y + (random_.random() - 0.5) * gap)
        for x in np.arange(box.x, box.right, gap) for y in np.arange(box.y, box.bottom, gap)
    ]  # fmt: skip
    random_.shuffle(points)
    return np.array(points)


def _follow(starts: Field, angle: Field, box: Box, *, steps: int) -> list[list[list[float]]]:
    """All strokes at once, step by step."""
    rows, columns = angle.shape
    points, trail = starts.copy(), [starts]
    for _ in range(steps):
        ix = np.clip(((points[:, 0] - box.x) / box.width * (columns - 1)).round().astype(int), 0, columns - 1)
        iy = np.clip(((points[:, 1] - box.y) / box.height * (rows - 1)).round().astype(int), 0, rows - 1)
        turn = angle[iy, ix]
        points = points + np.column_stack((np.cos(turn), np.sin(turn))) * STEP
        trail.append(points)
    lines: list[list[list[float]]] = np.stack(trail, axis=1).tolist()
    return lines


def _until_taken(line: list[list[float]], taken: set[tuple[int, int]]) -> list[list[float]]:
    """The stroke up to where another one runs; its cells are taken from now on."""
    cell, kept, mine = 17.0, [], set()
    for point in line:
        key = (int(point[0] // cell), int(point[1] // cell))
        if key in taken:
            break
        mine.add(key)
        kept.append(point)
    if len(kept) >= 8:
        taken |= mine
    return kept


def _sparks(box: Box, tones: Tones, seed: str) -> list[Patch]:
    random_ = rng(f"{seed}/sparks")
    sparks = []
    for i in range(6):
        r = 7 + 9 * random_.random()
        cx, cy = box.x + box.width * (0.3 + 0.6 * random_.random()), box.y + box.height * (0.12 + 0.76 * random_.random())
        svg = f'<circle cx="{n(cx)}" cy="{n(cy)}" r="{n(r)}" fill="{(tones.pop, tones.text)[i % 2]}"/>'
        sway = Sway(10 + 14 * random_.random(), 10 + 10 * random_.random(), 6 + 5 * random_.random(), random_.random())
        sparks.append(Patch(f"spark{i}", Box(cx - r - 2, cy - r - 2, 2 * r + 4, 2 * r + 4), svg, sway=sway))
    return sparks

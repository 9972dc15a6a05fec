"""What every motif is made of: where, in which colours, and what of it stands still and what moves."""

import hashlib
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from reelqueue.art.layers import Sway

Field = NDArray[np.float64]
Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in px of the frame."""

    x: float
    y: float
    width: float
    height: float

    @property
    def right(self) -> float:
        """The x of the right edge."""
        return self.x + self.width

    @property
    def bottom(self) -> float:
        """The y of the lower edge."""
        return self.y + self.height

    @property
    def cx(self) -> float:
        """The x of the centre."""
        return self.x + self.width / 2

    @property
    def cy(self) -> float:
        """The y of the centre."""
        return self.y + self.height / 2

    def inset(self, by: float) -> "Box":
        """The same box, smaller by `by` px at each side; larger where `by` is negative."""
        return Box(self.x + by, self.y + by, self.width - 2 * by, self.height - 2 * by)


@dataclass(frozen=True, slots=True)
class Tones:
    """The colours of one scene, "#rrggbb": its ground, and what stands out from it.

    `soft` lies near the ground; `pop` and `spark` are seen on it at 3.0 or more.
    """

    ground: str
    text: str
    soft: str
    pop: str
    spark: str


@dataclass(frozen=True, slots=True)
class Patch:
    """A part of a motif that comes in or moves by itself: an SVG fragment in px of the frame, inside `box`."""

    name: str
    box: Box
    svg: str
    grows: bool = False
    sway: Sway | None = None


@dataclass(frozen=True, slots=True)
class MotifArt:
    """A drawn motif: `still` is baked into the ground, `patches` become layers, later ones above."""

    still: str
    patches: tuple[Patch, ...] = ()


def rng(seed: str) -> random.Random:
    """A stream of numbers that is the same everywhere for the same `seed`."""
    return random.Random(int.from_bytes(hashlib.sha256(seed.encode()).digest()[:8], "big"))  # noqa: S311 - art, not secrets


def n(value: float) -> str:
    """A number as SVG wants it: a tenth of a px is enough and keeps documents short."""
    text = f"{value:.1f}"
    return text.removesuffix(".0")


def polyline(points: Iterable[Sequence[float]], *, closed: bool = False) -> str:
    """Path data through `points`."""
    body = "L".join(f"{n(p[0])} {n(p[1])}" for p in points)
    return f"M{body}Z" if closed else f"M{body}"


def smooth_noise(random_: random.Random, columns: int, rows: int, shape: tuple[int, int]) -> Field:
    """Hills and hollows of 0-1, about `columns` x `rows` of them, as an array of `shape` (height, width).

    A sum of round hills: noise on a lattice shows its axes.
    """
    height, width = shape
    radius = 0.62 * (height / rows + width / columns) / 2
    ys, xs = np.arange(height, dtype=float), np.arange(width, dtype=float)
    field = np.zeros(shape)
    for row in range(-1, rows + 1):
        for column in range(-1, columns + 1):
            cx = (column + 0.5 + 0.9 * (random_.random() - 0.5)) * width / columns
            cy = (row + 0.5 + 0.9 * (random_.random() - 0.5)) * height / rows
            r = radius * (0.7 + 0.6 * random_.random())
            field += random_.uniform(-1, 1) * np.outer(np.exp(-(((ys - cy) / r) ** 2)), np.exp(-(((xs - cx) / r) ** 2)))
    low, high = float(field.min()), float(field.max())
    evened: Field = (field - low) / (high - low)
    return evened


def level_paths(field: Field, level: float, box: Box, *, minimum_area: float = 0.0) -> list[str]:
    """The lines of equal height of `field` (spread over `box`) as smooth closed paths.

    Islands and holes under `minimum_area` px² are left out.  Where the height runs out of the field the path
    follows the field's edge: let the field reach beyond what is seen.
    """
    mask = (np.pad(field, 1, constant_values=-1e9) > level).astype(np.uint8)
    contours: Any = cv2.findContours(mask, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)[0]
    sx, sy = box.width / (field.shape[1] - 1), box.height / (field.shape[0] - 1)
    paths: list[tuple[float, str]] = []
    for contour in contours:
        points = contour[:, 0, :].astype(float) - 1
        if len(points) < 16 or abs(_area(points)) * sx * sy < minimum_area:
            continue
        points = _smoothed(points)[::3]
        placed = np.column_stack((box.x + points[:, 0] * sx, box.y + points[:, 1] * sy))
        paths.append((float(placed[:, 0].min()), curve(placed.tolist())))
    return [path for _, path in sorted(paths)]


def _area(points: Field) -> float:
    x, y = points[:, 0], points[:, 1]
    return float(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2


def _smoothed(points: Field) -> Field:
    """The closed line without the steps of its grid: a running mean of 9 points, twice."""
    for _ in range(2):
        stretched = np.concatenate((points[-4:], points, points[:4]))
        total = np.cumsum(np.concatenate((np.zeros((1, 2)), stretched)), axis=0)
        points = (total[9:] - total[:-9]) / 9
    return points


def curve(points: Sequence[Sequence[float]]) -> str:
    """A smooth closed path whose corners are the middles between `points`."""
    count = len(points)
    middles = [
        ((points[i][0] + points[(i + 1) % count][0]) / 2, (points[i][1] + points[(i + 1) % count][1]) / 2) for i in range(count)
    ]
    parts = [f"M{n(middles[-1][0])} {n(middles[-1][1])}"]
    parts += [f"Q{n(p[0])} {n(p[1])} {n(m[0])} {n(m[1])}" for p, m in zip(points, middles, strict=True)]
    return "".join(parts) + "Z"


def shadow(name: str, *, blur: float, dy: float, colour: str, opacity: float) -> str:
    """A `<filter>`: a soft paper shadow of `colour` (ink, never black), `blur` px wide (about two sigmas)."""
    return (
        f'<filter id="{name}" x="-20%" y="-20%" width="140%" height="140%" color-interpolation-filters="sRGB">'
        f'<feDropShadow dx="0" dy="{n(dy)}" stdDeviation="{n(blur / 2)}" flood-color="{colour}" flood-opacity="{opacity}"/></filter>'
    )

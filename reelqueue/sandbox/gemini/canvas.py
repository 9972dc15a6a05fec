"""What the sandbox's pictures are painted with: moods of colour, skies, ridges, glows; arrays of height x width x 3, 0-1."""

import colorsys
import random
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Paint = npt.NDArray[np.float32]
Colour = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Mood:
    """The colours of an hour: the sky from its top to the horizon, what shines, and what is near."""

    top: Colour
    middle: Colour
    horizon: Colour
    light: Colour
    near: Colour
    dark: bool


def _mood(top: str, middle: str, horizon: str, light: str, near: str, *, dark: bool = False) -> Mood:
    return Mood(_rgb(top), _rgb(middle), _rgb(horizon), _rgb(light), _rgb(near), dark=dark)


def _rgb(code: str) -> Colour:
    return (int(code[:2], 16) / 255, int(code[2:4], 16) / 255, int(code[4:], 16) / 255)


MOODS = (
    _mood("3b5b92", "e8a87c", "ffd9a0", "fff1c9", "2b2d42"),
    _mood("4a90c2", "8cc4dd", "e9f2ea", "ffffff", "1f4d3a"),
    _mood("1a1446", "5b2a86", "f2668b", "ffc75f", "150f2d", dark=True),
    _mood("0b1d3a", "16385c", "3f6f8f", "f4f1de", "07121f", dark=True),
    _mood("7fb7be", "c9dfd0", "fbeedb", "fffaf0", "3d5a4c"),
    _mood("54457f", "c17c9f", "f6c9a0", "ffe8c2", "31263e"),
)


def turned(mood: Mood, by: float) -> Mood:
    """The mood with all its hues turned by a part of the circle."""

    def turn(colour: Colour) -> Colour:
        hue, light, strength = colorsys.rgb_to_hls(*colour)
        return colorsys.hls_to_rgb((hue + by) % 1.0, light, strength)

    return Mood(turn(mood.top), turn(mood.middle), turn(mood.horizon), turn(mood.light), turn(mood.near), mood.dark)


def mixed(one: Colour, other: Colour, share: float) -> Colour:
    """`one` with a `share` of `other`."""
    return (one[0] + (other[0] - one[0]) * share, one[1] + (other[1] - one[1]) * share, one[2] + (other[2] - one[2]) * share)


def sky(width: int, height: int, mood: Mood, horizon: float) -> Paint:
    """A sky that ends at `horizon` (a part of the height); below it goes on in the horizon's colour."""
    rows = np.linspace(0, 1, height) / max(horizon, 0.05)
    columns = [
        np.interp(rows, (0, 0.55, 1), [stop[channel] for stop in (mood.top, mood.middle, mood.horizon)]) for channel in range(3)
    ]
    return np.repeat(np.stack(columns, axis=1)[:, None, :], width, axis=1).astype(np.float32)


def wavy(width: int, dice: random.Random, roughness: float) -> Paint:
    """A line of hills, -1 to 1: waves upon waves, each half as high as the one before."""
    x = np.linspace(0, 1, width)
    line = np.zeros(width)
    height, often = 1.0, dice.uniform(0.7, 1.8)
    for _ in range(7):
        line += height * np.sin(2 * np.pi * (often * x + dice.random()))
        height *= roughness
        often *= dice.uniform(1.8, 2.3)
    shape: Paint = (line / np.abs(line).max()).astype(np.float32)
    return shape


def fill_below(paint: Paint, line: Paint, colour: Colour, *, haze: Colour | None = None, depth: float = 0.25) -> None:
    """Fill below a line (in pixels from the top), with a soft edge; `haze` comes up from below within `depth` of the height."""
    height = len(paint)
    top = max(0, int(line.min()) - 2)
    rows = np.arange(top, height, dtype=np.float32)[:, None]
    cover = np.clip(rows - line[None, :] + 0.5, 0, 1)[:, :, None]
    fill = np.array(colour, np.float32)
    if haze is not None:
        share = np.clip((rows - line[None, :]) / (depth * height), 0, 1)[:, :, None] * 0.55
        fill = fill + (np.array(haze, np.float32) - fill) * share
    paint[top:] += (fill - paint[top:]) * cover


def glow(paint: Paint, x: float, y: float, radius: float, colour: Colour, *, halo: float) -> None:
    """A disc with a halo: `x`, `y`, `radius` in pixels."""
    rows, columns = np.ogrid[: paint.shape[0], : paint.shape[1]]
    distance = np.hypot(columns - x, rows - y).astype(np.float32)
    cover = np.clip(radius - distance + 0.5, 0, 1) + halo * np.exp(-((distance / (radius * 3.2)) ** 2))
    paint += (np.array(colour, np.float32) - paint) * np.minimum(cover, 1)[:, :, None]


def clouds(paint: Paint, dice: random.Random, colour: Colour, horizon: int) -> None:
    """Flat clouds above the horizon: the same noise at several sizes, drawn out sideways."""
    height, width = horizon, paint.shape[1]
    noise: Paint = np.zeros((height, width), np.float32)
    rng = np.random.default_rng(dice.getrandbits(32))
    for cells, weight in ((3, 1.0), (6, 0.5), (12, 0.25), (24, 0.12)):
        grid = rng.random((cells * 2 + 1, cells + 1)).astype(np.float32)
        rows, columns = np.linspace(0, cells * 2 - 1e-3, height), np.linspace(0, cells - 1e-3, width)
        r, c = rows.astype(int), columns.astype(int)
        fr, fc = _eased(rows - r)[:, None], _eased(columns - c)[None, :]
        upper = grid[r][:, c] * (1 - fc) + grid[r][:, c + 1] * fc
        lower = grid[r + 1][:, c] * (1 - fc) + grid[r + 1][:, c + 1] * fc
        noise += weight * (upper * (1 - fr) + lower * fr)
    cover = np.clip((noise / 1.87 - 0.52) * 4, 0, 1) * np.linspace(0.75, 0.15, height, dtype=np.float32)[:, None]
    paint[:height] += (np.array(colour, np.float32) - paint[:height]) * cover[:, :, None]


def _eased(part: npt.NDArray[np.float64]) -> Paint:
    return (part * part * (3 - 2 * part)).astype(np.float32)

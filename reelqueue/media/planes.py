"""Pictures as the encoder's planes: Y'CbCr of bt709, limited range, 4:2:0 with chroma sited left as H.264 means it.

A chroma sample lies on the even luma columns and between two luma rows, so it is a [1 2 1] mean across and a [1 1]
mean down.  Patches are premultiplied: `frame = patch + frame * keep / 255`.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from reelqueue.art.layers import Sprite
from reelqueue.art.raster import rasterise

Plane = NDArray[Any]
"""uint8, two dimensions (OpenCV's stubs know no element types)."""
Floats = NDArray[Any]
"""float32."""

MARGIN = 2
"""Transparent px left of and above a patch, twice that right and below: what the chroma filter and a shift of less
than 2 px reach."""
GRAIN_LEVELS = 2.0
"""Still noise of this many levels of luma either way; without it dark gradients band after x264 (look.md 3)."""

_STRIPE = 128
"""Rows converted at a time; even."""

# bt709: luma weights of R, G, B; limited range scales luma by 219/255 and chroma by 224/255.
_KR, _KB = 0.2126, 0.0722
_KG = 1 - _KR - _KB
_LUMA = np.array([_KB, _KG, _KR]) * 219 / 255
_BLUE = np.array([0.5, -_KG / (2 * (1 - _KB)), -_KR / (2 * (1 - _KB))]) * 224 / 255
_RED = np.array([-_KB / (2 * (1 - _KR)), -_KG / (2 * (1 - _KR)), 0.5]) * 224 / 255
_OPAQUE = np.array([[*_LUMA, 16], [*_BLUE, 128], [*_RED, 128]], np.float32)
"""B, G, R of 0-255 -> Y, Cb, Cr; the last column is added."""
_PREMULTIPLIED = np.array(
    [[*_LUMA, 16 / 255], [*_BLUE, 128 / 255], [*_RED, 128 / 255], [0, 0, 0, 1]], np.float32
)  # fmt: skip
"""B, G, R, A, premultiplied -> Y, Cb, Cr, A, premultiplied."""


class Planes(NamedTuple):
    """A whole frame: luma of (height, width), chroma of half of both.  Even sizes only."""

    y: Plane
    u: Plane
    v: Plane


class Rect(NamedTuple):
    """A part of the frame in luma px; all four are even."""

    x0: int
    y0: int
    x1: int
    y1: int

    @property
    def area(self) -> int:
        """Px of luma; 0 where it is empty."""
        return max(0, self.x1 - self.x0) * max(0, self.y1 - self.y0)

    def common(self, other: "Rect") -> "Rect":
        """What lies in both; may be empty."""
        return Rect(max(self.x0, other.x0), max(self.y0, other.y0), min(self.x1, other.x1), min(self.y1, other.y1))

    def around(self, other: "Rect") -> "Rect":
        """The least that holds both."""
        return Rect(min(self.x0, other.x0), min(self.y0, other.y0), max(self.x1, other.x1), max(self.y1, other.y1))


@dataclass(frozen=True, slots=True)
class Patch:
    """A premultiplied picture whose first pixel lies at the even place `x`, `y` of the frame.

    `keep` and `keep_c` are what remains of what lies below, 0-255, for luma and chroma.
    """

    x: int
    y: int
    luma: Plane
    u: Plane
    v: Plane
    keep: Plane
    keep_c: Plane

    @property
    def rect(self) -> Rect:
        """Where it lies."""
        height, width = self.luma.shape
        return Rect(self.x, self.y, self.x + width, self.y + height)

    @property
    def bytes(self) -> int:
        """How much memory it takes."""
        return self.luma.nbytes * 2 + self.u.nbytes * 3


def even_up(value: int) -> int:
    """The least even number that is not below `value`."""
    return value + value % 2


def padded(size: tuple[int, int]) -> tuple[int, int]:
    """Width and height as the encoder takes them: even."""
    return even_up(size[0]), even_up(size[1])


def empty_planes(width: int, height: int) -> Planes:
    """Planes of an even size, not yet drawn."""
    return Planes(
        np.empty((height, width), np.uint8),
        np.empty((height // 2, width // 2), np.uint8),
        np.empty((height // 2, width // 2), np.uint8),
    )


def ground_planes(sprite: Sprite, *, grain: bool, seed: int) -> Planes:
    """An opaque sprite as a whole frame; odd sizes are padded by repeating the last column or row."""
    straight = rasterise(sprite.svg, sprite.width, sprite.height)
    width, height = padded((sprite.width, sprite.height))
    picture = cv2.copyMakeBorder(straight[:, :, 2::-1], 0, height - sprite.height, 0, width - sprite.width, cv2.BORDER_REPLICATE)
    return picture_planes(picture, noise=GRAIN_LEVELS if grain else 0.0, seed=seed)


def picture_planes(bgr: Plane, *, noise: float = 0.0, seed: int = 0) -> Planes:
    """An opaque picture of even size as planes, with still noise of `noise` levels either way on the luma."""
    height, width = bgr.shape[:2]
    planes = empty_planes(width, height)
    grains = np.random.default_rng(seed)
    for top in range(0, height, _STRIPE):  # in floats a whole enlarged picture would take 90 MB
        floats = cv2.transform(bgr[top : top + _STRIPE].astype(np.float32), _OPAQUE)
        luma = floats[:, :, 0]
        if noise:
            luma = luma + grains.uniform(-noise, noise, luma.shape).astype(np.float32)
        planes.y[top : top + _STRIPE] = _rounded(luma)
        half = np.s_[top // 2 : (top + _STRIPE) // 2]
        planes.u[half], planes.v[half] = (_rounded(_halved(floats[:, :, channel])) for channel in (1, 2))
    return planes


def patch_of(sprite: Sprite, x: int, y: int) -> Patch | None:
    """A sprite whose first pixel lies at `x`, `y` of the frame, cut to what can be seen of it; None for nothing."""
    straight = rasterise(sprite.svg, sprite.width, sprite.height)
    box = cv2.boundingRect(np.ascontiguousarray(straight[:, :, 3]))
    left, top, width, height = (int(number) for number in box)
    if width == 0 or height == 0:
        return None
    straight = straight[top : top + height, left : left + width]
    x, y = x + left, y + top
    x0, y0 = (x - MARGIN) // 2 * 2, (y - MARGIN) // 2 * 2
    across, down = even_up(x - x0 + width + 2 * MARGIN), even_up(y - y0 + height + 2 * MARGIN)
    canvas = np.zeros((down, across, 4), np.float32)
    alpha = straight[:, :, 3:].astype(np.float32)
    into = canvas[y - y0 : y - y0 + height, x - x0 : x - x0 + width]
    into[:, :, :3] = straight[:, :, 2::-1] * (alpha / 255)
    into[:, :, 3:] = alpha
    floats = cv2.transform(canvas, _PREMULTIPLIED)
    luma, u, v, a = (floats[:, :, channel] for channel in range(4))
    return Patch(
        x0, y0, _rounded(luma), _rounded(_halved(u)), _rounded(_halved(v)), _rounded(255 - a), _rounded(255 - _halved(a))
    )  # fmt: skip


def _halved(plane: Floats) -> Floats:
    """Half the size in both directions, each sample on an even column and between two rows."""
    rows = (plane[0::2] + plane[1::2]) * np.float32(0.5)
    before = np.concatenate([rows[:, :1], rows[:, 1:-1:2]], axis=1)  # the column left of each even one
    out: Floats = rows[:, 0::2] * np.float32(0.5) + (before + rows[:, 1::2]) * np.float32(0.25)
    return out


def _rounded(plane: Floats) -> Plane:
    out: Plane = np.clip(np.rint(plane), 0, 255).astype(np.uint8)
    return out


def blend(frame: Planes, patch: Patch, within: Rect) -> None:
    """Lay a patch on the frame, inside `within`."""
    part = patch.rect.common(within)
    if not part.area:
        return
    _blend(frame.y, patch.luma, patch.keep, part, patch, 1)
    _blend(frame.u, patch.u, patch.keep_c, part, patch, 2)
    _blend(frame.v, patch.v, patch.keep_c, part, patch, 2)


def _blend(plane: Plane, over: Plane, keep: Plane, part: Rect, patch: Patch, step: int) -> None:
    there = plane[part.y0 // step : part.y1 // step, part.x0 // step : part.x1 // step]
    here = np.s_[
        (part.y0 - patch.y) // step : (part.y1 - patch.y) // step, (part.x0 - patch.x) // step : (part.x1 - patch.x) // step
    ]
    below = cv2.multiply(there, keep[here], scale=1 / 255)
    there[:] = cv2.add(below, over[here])


def restore(frame: Planes, ground: Planes, rect: Rect) -> None:
    """Put the ground back inside `rect`."""
    for plane, source, step in ((frame.y, ground.y, 1), (frame.u, ground.u, 2), (frame.v, ground.v, 2)):
        part = np.s_[rect.y0 // step : rect.y1 // step, rect.x0 // step : rect.x1 // step]
        plane[part] = source[part]


def mix(first: Planes, second: Planes, share: float, out: Planes) -> None:
    """A crossfade: `share` (0-1) of the second picture."""
    for a, b, to in zip(first, second, out, strict=True):
        to[:] = cv2.addWeighted(a, 1 - share, b, share, 0)

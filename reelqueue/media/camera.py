"""A slow move over a picture at the encoder's floor: one bilinear resize a frame, right to 0.06 px.

Once per picture it is low-passed to what the frame can show at the tightest window, enlarged 1.51 times (bilinear
on pixels that dense is as sharp as cubic on the picture's own) and sharpened a little.  Each frame a whole-pixel
window is scaled to a whole size and cut: `cv2.resize` takes a third of `warpAffine`'s time.  Start and length of
the window are searched so that both scales are nearly whole.  Figures: spec/render.md, table 2.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from reelqueue.art.layers import Camera, Sprite
from reelqueue.art.layouts.pictures import FORMATS
from reelqueue.art.raster import rasterise
from reelqueue.errors import MediaError
from reelqueue.media.motion import ease_both
from reelqueue.media.planes import Plane, Planes, even_up, picture_planes
from reelqueue.wording import Text

PAD = 96
"""px of repeated edge around each plane, so that the search has room (without: up to 0.8 px off)."""
CANDIDATES = 96
LARGEST_ERROR_PX = 0.06
"""of the source; above it `warpAffine` draws the plane."""
GOOD_ENOUGH_PX = 0.025
"""of each of the two errors that are summed."""
ENLARGED = 1.51
"""Not 1.5: a scale of exactly 1/2 leaves the search no choice."""
SHARPENED = 0.2
WIDEST_PX = 6000
"""The enlarged picture is never wider; it bounds memory at about 35 MB a picture."""


class Span(NamedTuple):
    """One direction of a plane: `samples` of them, the first at `start`, each `step` further, in the source's px.

    Sample i covers the source from start + i * step to start + (i + 1) * step.
    """

    start: float
    step: float
    samples: int


class Cut(NamedTuple):
    """A whole-pixel stretch [`start`, `start + length`) scaled to `scaled` px, of which those from `skip` on are used."""

    start: int
    length: int
    scaled: int
    skip: int
    error: float


@dataclass(frozen=True, slots=True)
class Film:
    """A picture's padded planes, and the move over it.  `width`, `height`: of the enlarged picture, in px."""

    camera: Camera
    planes: Planes
    width: int
    height: int
    size: tuple[int, int]

    @classmethod
    def load(cls, camera: Camera, size: tuple[int, int], ground: Sprite) -> "Film":
        """Read and prepare the picture.  `size` is the frame's.

        Raises:
            MediaError: the picture can't be read.
        """
        picture = _opaque(_read(camera.picture), ground)
        shape = size[0] / size[1]
        cover = min(1.0, picture.height * shape / picture.width)  # of the picture's width: what a window of 1 spans
        tightest = min(camera.start.width, camera.end.width) * cover
        needed = size[0] / tightest
        base = min(float(picture.width), needed, WIDEST_PX / ENLARGED)
        enlarged = min(float(WIDEST_PX), max(base * ENLARGED, needed))
        tall = picture.height / picture.width
        if base < picture.width:
            picture = picture.resize((round(base), max(1, round(base * tall))), Image.Resampling.LANCZOS)
        width, height = even_up(round(enlarged)), even_up(max(2, round(enlarged * tall)))
        bgr = cv2.resize(np.asarray(picture)[:, :, ::-1], (width, height), interpolation=cv2.INTER_CUBIC)
        soft = cv2.GaussianBlur(bgr, (0, 0), ENLARGED)
        bgr = cv2.addWeighted(bgr, 1 + SHARPENED, soft, -SHARPENED, 0)
        y, u, v = (cv2.copyMakeBorder(p, PAD, PAD, PAD, PAD, cv2.BORDER_REPLICATE) for p in picture_planes(bgr))
        return cls(camera, Planes(y, u, v), width, height, size)

    @property
    def moves(self) -> bool:
        """Whether the window changes at all."""
        return self.camera.start != self.camera.end

    def window_at(self, share: float) -> tuple[float, float, float]:
        """Left, top and width of the window in px of the enlarged picture, at `share` (0-1) of the scene."""
        eased, first, last = ease_both(share), self.camera.start, self.camera.end
        shape = self.size[0] / self.size[1]
        cover = min(float(self.width), self.height * shape)
        width = min(cover, cover * (first.width + (last.width - first.width) * eased))
        height = width / shape
        cx = self.width * (first.cx + (last.cx - first.cx) * eased)
        cy = self.height * (first.cy + (last.cy - first.cy) * eased)
        left = min(max(0.0, cx - width / 2), self.width - width)
        top = min(max(0.0, cy - height / 2), self.height - height)
        return left, top, width

    def draw(self, window: tuple[float, float, float], out: Planes) -> None:
        """Draw the window into whole planes."""
        left, top, width = window
        step = width / self.size[0]
        across, down = Span(left, step, self.size[0]), Span(top, step, self.size[1])
        _draw(across, down, ((self.planes.y, out.y),))
        # Chroma sample 0 lies on column 0 of the source as of the frame (left-sited), and a halved window would have it
        # half a pixel further right in both, which is not the same distance: they differ by the scale.
        left_c = (left + step / 2 - 0.5) / 2 + 0.5 - step / 2
        across, down = Span(left_c, step, self.size[0] // 2), Span(top / 2, step, self.size[1] // 2)
        _draw(across, down, ((self.planes.u, out.u), (self.planes.v, out.v)))


def _draw(across: Span, down: Span, planes: Sequence[tuple[Plane, Plane]]) -> None:
    """Draw the same window of planes of one size."""
    height, width = planes[0][0].shape
    x, y = find_cut(across, width), find_cut(down, height)
    if x is None or y is None or max(x.error, y.error) > LARGEST_ERROR_PX:
        _warp(across, down, planes)
        return
    for source, out in planes:
        part = source[y.start : y.start + y.length, x.start : x.start + x.length]
        scaled = cv2.resize(part, (x.scaled, y.scaled), interpolation=cv2.INTER_LINEAR)
        out[:] = scaled[y.skip : y.skip + down.samples, x.skip : x.skip + across.samples]


def _warp(across: Span, down: Span, planes: Sequence[tuple[Plane, Plane]]) -> None:
    """Exact at any place, and three times slower."""
    shift_x, shift_y = (PAD + span.start + span.step / 2 - 0.5 for span in (across, down))
    place = np.array([[across.step, 0, shift_x], [0, down.step, shift_y]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    for source, out in planes:
        out[:] = cv2.warpAffine(
            source, place, (across.samples, down.samples), flags=flags, borderMode=cv2.BORDER_REPLICATE
        )  # fmt: skip


_TRIED: NDArray[np.float64] = np.arange(CANDIDATES, dtype=np.float64)


def find_cut(span: Span, limit: int) -> Cut | None:
    """The whole-pixel stretch of a padded plane of `limit` px that draws `span` with the least error.

    None where no candidate lies inside the plane.
    """
    starts = PAD + span.start - _TRIED * span.step  # where the stretch begins if so many scaled px are cut off
    whole = np.rint(starts)
    off = np.where(whole >= 0, np.abs(starts - whole), np.inf)
    skip = _first_below(off)
    start = int(whole[skip])
    scaled = span.samples + skip + _TRIED
    lengths = np.rint(scaled * span.step)
    drift = np.where(start + lengths <= limit, np.abs(lengths / scaled - span.step) * (span.samples + skip), np.inf)
    best = _first_below(drift)
    error = float(off[skip] + drift[best])
    if not np.isfinite(error):
        return None
    return Cut(start, int(lengths[best]), int(scaled[best]), skip, error)


def _first_below(errors: NDArray[np.float64]) -> int:
    """The first candidate that is good enough, for each further one draws more that is cut off; else the best."""
    good = errors <= GOOD_ENOUGH_PX
    return int(np.argmax(good)) if good.any() else int(np.argmin(errors))


def _read(path: Path) -> Image.Image:
    try:
        with Image.open(path, formats=FORMATS) as picture:
            picture.load()
            return picture
    except (OSError, UnidentifiedImageError, Image.DecompressionBombError) as error:
        raise MediaError(
            Text(f"讀不到圖片 {path.name}", f"the picture {path.name} can't be read"),
            Text("換一張圖片後再試", "give another picture and try again"),
        ) from error


def _opaque(picture: Image.Image, ground: Sprite) -> Image.Image:
    """The picture as RGB; the ground shows where it is transparent."""
    if not picture.has_transparency_data:
        return picture.convert("RGB")
    pixels = rasterise(ground.svg, ground.width, ground.height)[:, :, :3]
    below = Image.fromarray(np.ascontiguousarray(pixels)).resize(picture.size)
    below.paste(picture, mask=picture.convert("RGBA").getchannel("A"))
    return below

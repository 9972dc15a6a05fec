"""Where things may stand in a frame, for each of the three shapes.  px of 1920x1080, 1080x1920, 1080x1080."""

from dataclasses import dataclass
from typing import Literal

from reelqueue.art.motifs.base import Box

Shape = Literal["wide", "tall", "square"]


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame's safe areas.

    `content` holds text and what must be seen; `subtitles` stays free of text; `circle` is the small presenter's.
    In the tall frame `content` is the union of what Shorts, Reels and TikTok leave free.
    """

    shape: Shape
    width: int
    height: int
    content: Box
    subtitles: Box
    circle: Box

    @property
    def whole(self) -> Box:
        """The whole frame."""
        return Box(0, 0, self.width, self.height)

    @property
    def gap(self) -> Box:
        """Between an opening's title and the subtitles, in the frames that are not wide: the middle of what is looked at."""
        if self.shape == "tall":
            return Box(0, 748, self.width, 412)
        return Box(0, 400, self.width, 390) if self.shape == "square" else Box(0, 0, 0, 0)

    def text_box(self, *, mirrored: bool, share: float = 0.52) -> Box:
        """Where a title stands: beside the art in the wide frame, above it in the others."""
        c = self.content
        if self.shape == "wide":
            width = c.width * share
            return Box(c.right - width if mirrored else c.x, c.y, width, c.height)
        return Box(c.x, c.y, c.width, c.height * share)

    def art_box(self, *, mirrored: bool, share: float = 0.53) -> Box:
        """Where the motif stands: up to the frame's edges, the art may bleed."""
        if self.shape == "wide":
            width = self.width * share
            return Box(0 if mirrored else self.width - width, 0, width, self.height)
        height = self.height * 0.52
        return Box(0, self.height - height, self.width, height)


WIDE = Frame("wide", 1920, 1080, Box(120, 96, 1680, 756), Box(360, 856, 1200, 164), Box(1646, 812, 236, 236))
TALL = Frame("tall", 1080, 1920, Box(60, 250, 860, 900), Box(60, 1180, 880, 210), Box(350, 1490, 300, 300))
SQUARE = Frame("square", 1080, 1080, Box(64, 64, 952, 716), Box(64, 810, 820, 190), Box(900, 898, 152, 152))


def frame_for(width: int, height: int) -> Frame:
    """The frame of this shape.  Other sizes of a shape are scaled by `draw`."""
    if width > height * 1.2:
        return WIDE
    return TALL if height > width * 1.2 else SQUARE

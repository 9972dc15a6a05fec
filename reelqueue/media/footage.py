"""A clip of our own making, as planes: which of its pictures is due when, and that picture inside a layer's mask.

Decoded on one thread (the cores are the encoder's), forwards; a step back, or far ahead, goes by way of a key frame.
"""

from bisect import bisect_right
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np

from reelqueue.art.layers import Clip, Layer, Shot
from reelqueue.errors import MediaError
from reelqueue.media.opening import Unknown, opened
from reelqueue.media.planes import Patch, Plane, Planes
from reelqueue.wording import Text

LEAP = 100
"""Pictures ahead from which on a key frame is sought instead of decoding all that lies between."""


class Footage:
    """A shot's pictures, by their number."""

    def __init__(self, shot: Shot) -> None:
        """Open the clip.  Raises MediaError where it can't be read."""
        self._shot, self._path = shot, shot.clip.path
        try:
            self._container = opened(self._path)
            self._stream = self._container.streams.video[0]
            self._pts = sorted(packet.pts for packet in self._container.demux(self._stream) if packet.pts is not None)
            step = float(self._stream.time_base or 0)
        except (av.FFmpegError, OSError, IndexError, Unknown) as error:
            raise _unreadable(self._path) from error
        if not self._pts or not step:
            raise _unreadable(self._path)
        self._stream.thread_type, self._stream.thread_count = "NONE", 1
        self._times = [pts * step for pts in self._pts]
        self._decoded: Iterator[Any] = iter(())
        self._number = -LEAP - 1
        self._picture: Planes | None = None

    def number_at(self, seconds: float) -> int:
        """The picture that is due at a time of the scene."""
        return max(0, bisect_right(self._times, seconds - self._shot.clip.start_s) - 1)

    def behind(self, mask: Patch, layer: Layer, number: int) -> Patch:
        """The picture, seen through the mask that is the layer's sprite at its place."""
        sprite = layer.sprites[0]
        window = self._scaled(self._planes(number), sprite.width, sprite.height)
        x, y = round(layer.x) - mask.x, round(layer.y) - mask.y
        alpha, alpha_c = cv2.bitwise_not(mask.keep), cv2.bitwise_not(mask.keep_c)
        luma = _masked(window.y, x, y, alpha)
        u, v = (_masked(plane, x // 2, y // 2, alpha_c) for plane in (window.u, window.v))
        return Patch(mask.x, mask.y, luma, u, v, mask.keep, mask.keep_c)

    def _planes(self, number: int) -> Planes:
        if number == self._number and self._picture is not None:
            return self._picture
        try:
            frame = self._frame(number)
        except (av.FFmpegError, OSError) as error:
            raise _unreadable(self._path) from error
        self._picture, self._number = Planes(*(_plane(plane) for plane in frame.planes)), number
        return self._picture

    def _frame(self, number: int) -> Any:
        if not self._number < number <= self._number + LEAP:
            self._container.seek(self._pts[number], stream=self._stream, backward=True)
            self._decoded = self._container.decode(self._stream)
        wanted = self._pts[number]
        for frame in self._decoded:
            if frame.pts is not None and frame.pts >= wanted:
                return frame
        raise _unreadable(self._path)

    def _scaled(self, planes: Planes, width: int, height: int) -> Planes:
        """The shot's window in the layer's size; it begins on a chroma sample."""
        tall, wide = planes.y.shape
        window = self._shot.window
        across = min(float(wide), window.width * wide)
        down = min(float(tall), across * height / width)
        x0 = round(min(max(0.0, window.cx * wide - across / 2), wide - across) / 2) * 2
        y0 = round(min(max(0.0, window.cy * tall - down / 2), tall - down) / 2) * 2
        x1, y1 = min(wide, x0 + round(across / 2) * 2), min(tall, y0 + round(down / 2) * 2)
        how = cv2.INTER_AREA if across > width * 1.2 else cv2.INTER_LINEAR if across > width * 0.9 else cv2.INTER_CUBIC
        luma = cv2.resize(planes.y[y0:y1, x0:x1], (width, height), interpolation=how)
        half = (width + 1) // 2, (height + 1) // 2
        u, v = (
            cv2.resize(plane[y0 // 2 : y1 // 2, x0 // 2 : x1 // 2], half, interpolation=cv2.INTER_LINEAR)
            for plane in (planes.u, planes.v)
        )
        return Planes(luma, u, v)


def clip_at(path: Path, start_s: float) -> Clip:
    """A clip's size, read from its file.  Raises MediaError where it can't be read."""
    try:
        with opened(path) as container:
            context = container.streams.video[0].codec_context
            return Clip(path, context.width, context.height, start_s)
    except (av.FFmpegError, OSError, IndexError, Unknown) as error:
        raise _unreadable(path) from error


def _plane(plane: Any) -> Plane:
    return np.frombuffer(plane, np.uint8).reshape(plane.height, plane.line_size)[:, : plane.width]


def _masked(picture: Plane, x: int, y: int, alpha: Plane) -> Plane:
    """The picture laid at `x`, `y` of the mask, multiplied by it; nothing beside the picture."""
    tall, wide = alpha.shape
    rows, columns = min(tall, y + picture.shape[0]), min(wide, x + picture.shape[1])
    out = np.zeros_like(alpha)
    top, left = max(0, y), max(0, x)
    there = np.s_[top:rows, left:columns]
    out[there] = cv2.multiply(picture[top - y : rows - y, left - x : columns - x], alpha[there], scale=1 / 255)
    return out


def _unreadable(path: Path) -> MediaError:
    return MediaError(
        Text(f"主持人影片 {path.name} 損壞或不見了", f"the presenter's clip {path.name} is damaged or gone"),
        Text("用 reelqueue retry --from assets 重新製作", "make it anew from the assets stage"),
    )

"""The child that decodes a clip from outside: nothing of such a file is decoded in a worker's own process.

Run as `python -m reelqueue.media.clip_child` below limits of memory and time.  Only an MP4 is taken for one, and only
the file itself is read: no other file, no address.  What is written is ours: H.264 without sound, bt709, limited range,
its first frame at 0, never larger than a frame of ours shows it, and quick to decode.
"""

import contextlib
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc, Interpolation

from reelqueue.media.opening import opened
from reelqueue.process import serve

MOST_FILE_BYTES = 512 * 1024 * 1024
LEAST_SIDE, MOST_SIDE = 64, 4096
MOST_SECONDS = 600.0
"""Twice what a service makes at most; what follows is left out."""
SHORT_SIDE = 768
"""px: the largest place of a presenter in a frame of ours is 756 px high."""
MOST_FPS = 60
CLOCK_HZ = 90_000
HD_LINES = 720
"""An untagged picture of so many lines is taken for bt709, a smaller one for bt601, as players do."""
CRF, KEYFRAME_EVERY = 16, 50
TELLS_PER_SECOND = 2


class Refused(Exception):
    """The file is no clip that we take.  `code` is one of the parent's reasons."""

    def __init__(self, code: str, detail: str = "") -> None:
        self.code, self.detail = code, detail
        super().__init__(code)


def handle(request: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Re-encode `source` into `target`: yields `{"seconds": ...}`, then `{"clip": ...}` or `{"refused": code, "detail": ...}`."""
    try:
        yield from convert(Path(request["source"]), Path(request["target"]))
    except Refused as refusal:
        yield {"refused": refusal.code, "detail": refusal.detail}


def convert(source: Path, target: Path) -> Iterator[dict[str, Any]]:
    """Re-encode a clip.

    Raises:
        Refused: what lies at `target` is not to be used.
    """
    _is_a_file(source)
    told = time.monotonic()
    try:
        with _opened(source) as container, av.open(str(target), "w", format="mp4") as out:
            writer = None
            for at, frame in _frames(container):
                writer = writer or _Writer.on(out, *_size(frame, container.streams.video[0]))
                writer.write(at, frame)
                if time.monotonic() - told >= 1 / TELLS_PER_SECOND:
                    told = time.monotonic()
                    yield {"seconds": at}
            if writer is None:
                raise Refused("not_a_clip")
            writer.close()
    except (av.FFmpegError, EOFError, ValueError, IndexError) as error:
        if isinstance(error, OSError) and not isinstance(error, av.InvalidDataError):
            raise  # the disk's, not the clip's
        raise Refused("broken", str(error)) from error
    yield {"clip": {"width": writer.width, "height": writer.height, "frames": writer.frames}}


def _is_a_file(path: Path) -> None:
    """A pipe or a device is never waited for, and nothing is read that is too large."""
    try:
        found = path.stat()
    except FileNotFoundError as error:
        raise Refused("missing") from error
    if not stat.S_ISREG(found.st_mode):
        raise Refused("not_a_clip")
    if found.st_size == 0:
        raise Refused("empty")
    if found.st_size > MOST_FILE_BYTES:
        raise Refused("too_large", f"{found.st_size:,} bytes")


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[Any]:
    try:
        container = opened(path)
    except (av.FFmpegError, EOFError, ValueError) as error:
        raise Refused("not_a_clip", str(error)) from error
    with container:
        if not container.streams.video:
            raise Refused("not_a_clip")
        context = container.streams.video[0].codec_context
        if not LEAST_SIDE <= min(context.width, context.height) <= max(context.width, context.height) <= MOST_SIDE:
            raise Refused("wrong_size", f"{context.width} x {context.height}")
        yield container


def _frames(container: Any) -> Iterator[tuple[float, Any]]:
    """The pictures with their times on the clip's own clock, on which its sound begins too; `MOST_FPS` a second at most."""
    stream = container.streams.video[0]
    stream.thread_type, stream.thread_count = "FRAME", 2
    start = (container.start_time or 0) / 1_000_000
    last = -1.0
    for packet in container.demux(stream):
        if packet.is_corrupt:
            raise Refused("broken", "a damaged packet")
        for frame in packet.decode():
            if frame.is_corrupt or frame.time is None:
                raise Refused("broken", "a damaged frame")
            at = max(0.0, float(frame.time) - start)
            if at > MOST_SECONDS:
                return
            if at - last > 0.9 / MOST_FPS:
                last = at
                yield at, frame


def _size(frame: Any, stream: Any) -> tuple[int, int]:
    """Even width and height with square px, the short side `SHORT_SIDE` at most."""
    wide = float(stream.sample_aspect_ratio or 1) or 1.0
    width, height = frame.width * (wide if 1 / 4 <= wide <= 4 else 1.0), float(frame.height)
    share = min(1.0, SHORT_SIDE / min(width, height))
    return max(2, round(width * share / 2) * 2), max(2, round(height * share / 2) * 2)


@dataclass(slots=True)
class _Writer:
    out: Any
    stream: Any
    width: int
    height: int
    frames: int = 0

    @classmethod
    def on(cls, out: Any, width: int, height: int) -> "_Writer":
        stream = out.add_stream("libx264", rate=30)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        context = stream.codec_context
        context.time_base = Fraction(1, CLOCK_HZ)
        context.thread_type, context.thread_count = "FRAME", 2
        context.gop_size, context.max_b_frames = KEYFRAME_EVERY, 0
        context.colorspace, context.color_range = Colorspace.ITU709, ColorRange.MPEG
        context.color_primaries, context.color_trc = ColorPrimaries.BT709, ColorTrc.BT709
        context.options = {"preset": "veryfast", "tune": "fastdecode", "crf": str(CRF)}
        return cls(out, stream, width, height)

    def write(self, at: float, frame: Any) -> None:
        plain = frame.reformat(
            self.width,
            self.height,
            "yuv420p",
            src_colorspace=_matrix(frame),
            dst_colorspace=Colorspace.ITU709,
            src_color_range=ColorRange.JPEG if _is_full(frame) else ColorRange.MPEG,
            dst_color_range=ColorRange.MPEG,
            interpolation=Interpolation.LANCZOS | Interpolation.ACCURATE_RND,
        )
        plain.pts, plain.time_base = round(at * CLOCK_HZ), Fraction(1, CLOCK_HZ)
        self.out.mux(self.stream.encode(plain))
        self.frames += 1

    def close(self) -> None:
        self.out.mux(self.stream.encode(None))


def _matrix(frame: Any) -> int:
    """By the frame's tag, else by its size."""
    tag = int(frame.colorspace)
    if tag in {1, 7, 9}:  # bt709, smpte240m, bt2020: FFmpeg's scaler counts them alike
        return tag
    untagged = tag in {0, 2}
    return int(Colorspace.ITU709 if untagged and frame.height >= HD_LINES else Colorspace.ITU601)


def _is_full(frame: Any) -> bool:
    return bool(frame.format.name.startswith("yuvj") or int(frame.color_range) == int(ColorRange.JPEG))


if __name__ == "__main__":
    serve(handle)

"""A file -> MediaInfo: the gate no file passes unchecked."""

import asyncio
import contextlib
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc

from reelqueue.errors import MediaError, TransientError
from reelqueue.media.opening import opened
from reelqueue.media.refusal import answers, refusal
from reelqueue.models.media import MediaInfo
from reelqueue.process import Limits, python_child, serve
from reelqueue.wording import Text

BT709 = "bt709/limited"
AAC_FRAME_SAMPLES = 1024
LIMITS = Limits(memory_bytes=2 * 1024**3, cpu_seconds=120, file_bytes=0)
STALL_S = 120.0


def read_info(path: Path, *, decode: bool = False) -> MediaInfo:
    """What a media file is; blocks (about 5 ms; with `decode` as long as decoding all of it takes).

    Streams' durations are counted from their packets, not believed from the header.

    Raises:
        MediaError: it is missing, no media file, damaged or cut short (with `decode`, anywhere in it).
    """
    with _damage_named(path), opened(path) as container:
        facts: dict[str, Any] = {
            "container": container.format.name.split(",")[0],
            "bytes": path.stat().st_size,
            "duration_s": (container.duration or 0) / 1_000_000,
            "faststart": is_faststart(path),
        }
        if container.streams.video:
            facts |= _video_facts(container.streams.video[0])
        if container.streams.audio:
            facts |= _audio_facts(container.streams.audio[0])
        if not container.streams.video and not container.streams.audio:
            raise MediaError(Text(f"{path.name} 不是影音檔", f"{path.name} is no media file"))
        facts |= _counted(container, decode=decode)
    return MediaInfo(**facts)


async def probe(path: Path, *, decode: bool = False) -> MediaInfo:
    """As `read_info`, in a thread: for files that we made ourselves."""
    return await asyncio.to_thread(read_info, path, decode=decode)


async def probe_apart(path: Path) -> MediaInfo:
    """As `read_info`, in a child below limits: for a file that somebody else made.

    Raises:
        MediaError: as `read_info`; or the child crashed over it, stalled, or took more than it may.
    """
    try:
        async with python_child("reelqueue.media.probe", limits=LIMITS) as child:
            found = [answer async for answer in answers(child, {"path": str(path)}, stall_s=STALL_S)]
    except TransientError as error:  # a crash of the child is what this file does to whoever reads it
        raise _damaged(path, error.message) from error
    return MediaInfo.model_validate(found[-1])


def check_video(
    info: MediaInfo, *, size: tuple[int, int], fps: int, duration_s: float, audio: bool, name: str = "final_video.mp4"
) -> None:
    """Refuse a video that is not what was asked for.

    Lengths may differ by one video frame or one AAC frame, whichever is longer.

    Raises:
        MediaError: names the first thing that differs, what it should be and what it is.
    """
    leeway = max(1 / fps, AAC_FRAME_SAMPLES / (info.sample_rate or 48_000)) + 1e-3
    wanted: list[tuple[Text, object, object, bool]] = [
        (Text("影片編碼", "the video codec"), "h264", info.video_codec, info.video_codec == "h264"),
        (Text("畫面大小", "the size"), size, (info.width, info.height), (info.width, info.height) == size),
        (Text("每秒畫格", "the frame rate"), fps, info.fps, abs(info.fps - fps) < 1e-3),
        (Text("編碼設定檔", "the profile"), "High", info.video_profile, info.video_profile == "High"),
        (Text("像素格式", "the pixel format"), "yuv420p", info.pixel_format, info.pixel_format == "yuv420p"),
        (Text("色彩標記", "the colour tags"), BT709, info.color, info.color == BT709),
        (Text("畫面長度", "the picture's length"), duration_s, info.video_duration_s, _near(info.video_duration_s, duration_s, leeway)),
        (Text("聲音", "the sound"), "aac" if audio else "", info.audio_codec, info.audio_codec == ("aac" if audio else "")),
    ]  # fmt: skip
    if audio:
        near = _near(info.audio_duration_s, duration_s, leeway)
        wanted.append((Text("聲音長度", "the sound's length"), duration_s, info.audio_duration_s, near))
    for what, should, found, holds in wanted:
        if not holds:
            raise MediaError(
                Text(
                    f"{name} 的{what.zh}不對：應為 {should}，實際是 {found}",
                    f"{name}: {what.en} should be {should} and is {found}",
                ),
                Text("重試會重新製作這支影片", "a retry makes it anew"),
            )


def check_unit(info: MediaInfo, *, size: tuple[int, int], fps: int, frames: int, name: str = "unit.mp4") -> None:
    """Refuse a unit that is not what was asked for, to the frame.

    Raises:
        MediaError: as `check_video`.
    """
    check_video(info, size=size, fps=fps, duration_s=frames / fps, audio=False, name=name)
    found = round(info.video_duration_s * fps)
    if found != frames:
        raise MediaError(Text(f"{name} 有 {found} 格，不是 {frames} 格", f"{name} has {found} frames, not {frames}"))


def check_sound(info: MediaInfo, *, rate_hz: int, duration_s: float, name: str) -> None:
    """Refuse a video's sound that is not what was asked for: stereo AAC, as long as it should be to two frames of AAC.

    Raises:
        MediaError: says what it is instead.
    """
    leeway = 2 * AAC_FRAME_SAMPLES / rate_hz
    found = (info.audio_codec, info.sample_rate, info.channels, info.video_codec)
    if found != ("aac", rate_hz, 2, "") or not _near(info.audio_duration_s, duration_s, leeway):
        is_ = (
            f"{info.audio_codec} {info.sample_rate} Hz x {info.channels}, {info.audio_duration_s:g} s {info.video_codec}".strip()
        )
        raise MediaError(
            Text(
                f"{name} 的聲音不對：應為 aac {rate_hz} Hz x 2，{duration_s:g} 秒，實際是 {is_}",
                f"{name}: the sound should be aac {rate_hz} Hz x 2, {duration_s:g} s and is {is_}",
            ),
            Text("重試會重新製作它", "a retry makes it anew"),
        )


def is_faststart(path: Path) -> bool:
    """Whether an MP4 file's `moov` box comes before its `mdat`: it plays before it is whole."""
    for kind in _boxes(path):
        if kind in {b"moov", b"mdat"}:
            return kind == b"moov"
    return False


def _boxes(path: Path) -> Iterator[bytes]:
    """The kinds of a file's outermost MP4 boxes, in their order, as far as they can be read."""
    size, place = path.stat().st_size, 0
    with path.open("rb") as file:
        while place + 8 <= size:
            file.seek(place)
            head = file.read(16)
            length = int.from_bytes(head[:4], "big")
            if length == 1:
                length = int.from_bytes(head[8:16], "big")
            yield head[4:8]
            if length < 8:
                return
            place += length


def _near(found: float, should: float, leeway: float) -> bool:
    return abs(found - should) <= leeway


def _video_facts(stream: Any) -> dict[str, Any]:
    context = stream.codec_context
    return {
        "width": context.width,
        "height": context.height,
        "fps": float(stream.average_rate or 0),
        "video_codec": context.name,
        "video_profile": context.profile or "",
        "pixel_format": context.pix_fmt or "",
        "color": _color(context),
    }


def _color(context: Any) -> str:
    tags = (context.colorspace, context.color_primaries, context.color_trc)
    if tags == (Colorspace.ITU709, ColorPrimaries.BT709, ColorTrc.BT709):
        return "bt709/" + {ColorRange.MPEG: "limited", ColorRange.JPEG: "full"}.get(context.color_range, "untagged")
    return "/".join(str(int(tag)) for tag in (*tags, context.color_range))


def _audio_facts(stream: Any) -> dict[str, Any]:
    context = stream.codec_context
    return {"audio_codec": context.name, "sample_rate": context.sample_rate, "channels": context.channels}


def _counted(container: Any, *, decode: bool) -> dict[str, float]:
    """How long each first stream is, by its packets (and, with `decode`, that each of them decodes)."""
    spans: dict[str, tuple[Fraction, Fraction]] = {}
    wanted = [*container.streams.video[:1], *container.streams.audio[:1]]
    for packet in container.demux(wanted):
        if packet.pts is not None:
            if packet.is_corrupt:
                raise ValueError("a damaged packet")
            start = packet.pts * packet.time_base
            first, last = spans.get(packet.stream.type, (start, start))
            spans[packet.stream.type] = min(first, start), max(last, start + (packet.duration or 0) * packet.time_base)
        if decode:
            for frame in packet.decode():
                if frame.is_corrupt:
                    raise ValueError("a damaged frame")
    if len(spans) < len(wanted):
        raise ValueError("a stream without packets")
    return {f"{kind}_duration_s": float(last - max(first, Fraction(0))) for kind, (first, last) in spans.items()}


@contextlib.contextmanager
def _damage_named(path: Path) -> Iterator[None]:
    try:
        yield
    except (av.FFmpegError, OSError, ValueError, EOFError, IndexError) as error:
        raise _damaged(path, str(error)) from error


def _damaged(path: Path, why: str) -> MediaError:
    return MediaError(
        Text(f"{path.name} 損壞或不是影音檔（{why}）", f"{path.name} is damaged or no media file ({why})"),
        Text("重新製作這個檔案，或換一個", "make it anew, or give another"),
    )


def _handle(request: dict[str, Any]) -> Iterator[dict[str, Any]]:
    try:
        yield read_info(Path(request["path"])).model_dump(mode="json")
    except MediaError as error:
        yield refusal(error)


if __name__ == "__main__":
    serve(_handle)

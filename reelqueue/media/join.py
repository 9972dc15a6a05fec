"""Units and sound -> the video, by packet copy: nothing is decoded or encoded again.

A unit's packets are moved by the whole frames before it.  The sound's packets keep their negative start (AAC's
priming), which the file's edit list hides: what is heard begins at 0.
"""

import contextlib
import heapq
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import count
from pathlib import Path
from typing import Any

import av

from reelqueue.errors import MediaError
from reelqueue.media.opening import Unknown, opened
from reelqueue.media.refusal import answers, refusal
from reelqueue.media.unit import part_of
from reelqueue.process import Limits, python_child, serve
from reelqueue.wording import Text

_MODULE = "reelqueue.media.join"
_LIMITS = Limits(memory_bytes=4 * 1024**3)
STALL_S = 300.0


async def join(units: Sequence[Path], sound: Path | None, out: Path) -> int:
    """Join units of one video and its sound into `out` (MP4, `moov` first), whole or not at all.

    Returns:
        How many frames it has.

    Raises:
        MediaError: a unit is damaged or was made with other settings; or there is no unit.
        DiskFull: there was no space.
        TransientError: the child died.
    """
    request = {"units": [str(unit) for unit in units], "sound": str(sound) if sound else None, "out": str(out)}
    frames = 0
    try:
        async with python_child(_MODULE, limits=_LIMITS) as child:
            async for answer in answers(child, request, stall_s=STALL_S):
                frames = answer["frames"]
    finally:
        part_of(out).unlink(missing_ok=True)  # a killed child leaves it behind
    return frames


def join_now(units: Sequence[Path], sound: Path | None, out: Path) -> int:
    """As `join`, here and now.  Raises OSError where it can't write."""
    if not units:
        raise MediaError(Text("沒有可以合併的片段", "there are no units to join"))
    part = part_of(out)
    try:
        with av.open(str(part), "w", format="mp4", options={"movflags": "+faststart"}) as target:
            frames = _copy(units, sound, target)
        part.replace(out)
    finally:
        part.unlink(missing_ok=True)
    return frames


def _copy(units: Sequence[Path], sound: Path | None, target: Any) -> int:
    """Copy all packets in the order of their times."""
    with _opened(units[0]) as first:
        stream = _picture(units[0], first)
        rate, time_base = stream.average_rate, stream.time_base
        video = target.add_stream_from_template(stream)
        video.time_base = time_base
    film = _Film(units, rate, time_base, video)
    if sound is None:
        for packet in film:
            target.mux(packet)
        return film.frames
    with _opened(sound) as source:
        if not source.streams.audio:
            raise MediaError(Text(f"{sound.name} 沒有聲音", f"{sound.name} has no sound"))
        audio = target.add_stream_from_template(source.streams.audio[0])
        for packet in _by_time(film, _sound(source, audio)):
            target.mux(packet)
    return film.frames


class _Film:
    """The packets of all units on one clock; `frames` counts those given out."""

    def __init__(self, units: Sequence[Path], rate: Fraction, time_base: Fraction, stream: Any) -> None:
        self.units, self.stream, self.rate, self.time_base = units, stream, rate, time_base
        self.frames = 0

    def __iter__(self) -> Iterator[Any]:
        setup: bytes | None = None
        for unit in self.units:
            with _opened(unit) as source:
                stream = _picture(unit, source)
                setup = setup if setup is not None else stream.codec_context.extradata
                same = (stream.codec_context.extradata, stream.average_rate, stream.time_base)
                if same != (setup, self.rate, self.time_base):
                    raise _differs(unit)
                yield from self._moved(unit, source, stream)

    def _moved(self, unit: Path, source: Any, stream: Any) -> Iterator[Any]:
        offset = int(self.frames / self.rate / self.time_base)
        shown: list[int] = []
        for packet in source.demux(stream):
            if packet.dts is None:  # the end
                continue
            if packet.is_corrupt or (not shown and not packet.is_keyframe):
                raise _damaged(unit)
            shown.append(packet.pts)
            packet.pts += offset
            packet.dts += offset
            packet.stream = self.stream
            yield packet
        step = 1 / self.rate / self.time_base
        if sorted(shown) != [int(number * step) for number in range(len(shown))] or len(shown) != stream.frames:
            raise _damaged(unit)
        self.frames += len(shown)


def _sound(source: Any, stream: Any) -> Iterator[Any]:
    for packet in source.demux(source.streams.audio[0]):
        if packet.dts is not None:
            packet.stream = stream
            yield packet


def _by_time(*sources: Any) -> Iterator[Any]:
    """Packets of several streams in the order of their decoding times."""
    ties = count()
    return (
        packet
        for _, _, packet in heapq.merge(*(((packet.dts * packet.time_base, next(ties), packet) for packet in s) for s in sources))
    )


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """A file to read from; what FFmpeg finds wrong with it is said by its name."""
    try:
        with opened(path) as container:
            yield container
    except (av.InvalidDataError, av.EOFError, FileNotFoundError, Unknown) as error:
        raise _damaged(path) from error


def _picture(path: Path, container: Any) -> Any:
    if not container.streams.video:
        raise _damaged(path)
    return container.streams.video[0]


def _damaged(path: Path) -> MediaError:
    return MediaError(
        Text(f"片段 {path.name} 損壞或不完整", f"the unit {path.name} is damaged or not whole"),
        Text("重試會重新製作它", "a retry makes it anew"),
    )


def _differs(path: Path) -> MediaError:
    return MediaError(
        Text(
            f"片段 {path.name} 的編碼設定與其他片段不同", f"the unit {path.name} was encoded with other settings than the others"
        ),
        Text("刪除舊片段後重試", "remove the old units and try again"),
    )


def _handle(request: dict[str, Any]) -> Iterator[dict[str, Any]]:
    sound = request["sound"]
    try:
        frames = join_now([Path(unit) for unit in request["units"]], Path(sound) if sound else None, Path(request["out"]))
    except MediaError as error:
        yield refusal(error)
        return
    yield {"frames": frames}


if __name__ == "__main__":
    serve(_handle)

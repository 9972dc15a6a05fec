"""Voice and music -> the video's sound: AAC 192 kbit/s, -14 LUFS, true peak below -1 dBTP on the *encoded* file.

The gain is sought with a cheap limiter at 1x; limiter at 4x and AAC run once, or again where the encoded file
measures outside (AAC overshoots; a filter's promise is not a measurement).
"""

import asyncio
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from reelqueue.errors import InvalidBrief, MediaError
from reelqueue.media import graph
from reelqueue.media.ffmpeg import Ffmpeg, meaning, once_more, run_ffmpeg
from reelqueue.media.probe import check_sound, probe
from reelqueue.models.media import Loudness
from reelqueue.process import ChildFailed, Limits, python_child
from reelqueue.wording import Text

TARGET_LUFS = -14.0
"""What the platform normalises to; louder is turned down, softer stays soft."""
TOLERANCE_LU = 0.3
CEILING_DBTP = -1.0
FIRST_LIMIT_DB = -1.6
MOST_MUSIC_BYTES = 4 * 1024**3
"""Hours of it as WAV."""
SOUND_VERSION = 1
"""Part of the sound's key: raised when the mix changes."""
_LIMITS = Limits(memory_bytes=8 * 1024**3)


@dataclass(frozen=True, slots=True)
class Placed:
    """A voice piece (WAV, mono, 16-bit) and where it begins, in samples at 48 kHz."""

    path: Path
    offset: int


async def mix(
    pieces: Sequence[Placed],
    *,
    total_samples: int,
    music: Path | int | None,
    out: Path,
    ffmpeg: Ffmpeg,
    on_share: Callable[[float], None] | None = None,
) -> Loudness:
    """Lay voice and music, bring them to -14 LUFS, write `out` (.m4a, whole or not at all).

    `music` is a prepared WAV file (`prepare_music`), a seed for our own bed, or None.  `on_share` hears 0-1.

    Raises:
        TransientError: a tool died, or made what it should not: what it was given is ours, so it is worth one more try.  DiskFull.
    """
    total_s = total_samples / graph.SAMPLE_RATE_HZ
    track, part = out.with_suffix(".mix.part"), out.with_suffix(".aac.part")
    report = on_share or (lambda _share: None)
    try:
        await _lay(pieces, total_samples, music, track)
        report(0.4)
        gain = await _find_gain(ffmpeg, track, total_s)
        report(0.6)
        found = await _master(ffmpeg, track, part, gain, total_s)
        check_sound(
            await probe(part), rate_hz=graph.SAMPLE_RATE_HZ, duration_s=total_s, name=out.name
        )  # kept, it would spoil each try
        part.replace(out)
    except MediaError as error:
        raise once_more(error) from error
    else:
        report(1.0)
        return found
    finally:
        for left in (track, part):
            left.unlink(missing_ok=True)


async def _lay(pieces: Sequence[Placed], total: int, music: Path | int | None, out: Path) -> None:
    bed = None if music is None else {"seed": music} if isinstance(music, int) else {"path": str(music)}
    request = {
        "pieces": [{"path": str(p.path), "offset": p.offset} for p in pieces],
        "total": total,
        "music": bed,
        "out": str(out),
    }
    try:
        async with python_child("reelqueue.media.soundtrack", limits=_LIMITS) as child:
            await child.ask_one(request, stall_s=600)
    except ChildFailed as failure:
        raise meaning(failure) from failure


async def _find_gain(ffmpeg: Ffmpeg, track: Path, total_s: float) -> float:
    """The gain in dB at which the limited track reaches the target: the limiter eats some, so two or three looks."""
    plain = await loudness(ffmpeg, track, total_s, mixed=True)
    gain = TARGET_LUFS - plain.integrated_lufs
    for _ in range(4):
        said = await run_ffmpeg(
            ffmpeg, graph.seek_gain(track.name, gain, FIRST_LIMIT_DB), folder=track.parent, timeout_s=_patience(total_s)
        )
        error = TARGET_LUFS - _integrated(said.stderr_tail)
        gain += error
        if abs(error) < 0.05:
            break
    return gain


async def _master(ffmpeg: Ffmpeg, track: Path, part: Path, gain: float, total_s: float) -> Loudness:
    limit = FIRST_LIMIT_DB
    found = Loudness(integrated_lufs=0, true_peak_dbtp=0)
    for _ in range(4):
        await run_ffmpeg(
            ffmpeg, graph.master(track.name, part.name, gain, limit), folder=part.parent, timeout_s=_patience(total_s)
        )
        found = await loudness(ffmpeg, part, total_s)
        over = found.true_peak_dbtp - CEILING_DBTP
        off = TARGET_LUFS - found.integrated_lufs
        if over <= 0 and abs(off) <= TOLERANCE_LU:
            return found
        limit -= over + 0.15 if over > 0 else 0.0
        gain += off
    raise MediaError(
        Text(f"聲音無法調整到 {TARGET_LUFS} LUFS（{found}）", f"the sound can't be brought to {TARGET_LUFS} LUFS ({found})"),
        Text("檢查配樂檔是否異常", "check the music file"),
    )


async def loudness(ffmpeg: Ffmpeg, path: Path, total_s: float = 1_800.0, *, mixed: bool = False) -> Loudness:
    """EBU R 128 figures of an MP4's sound, or (`mixed`) of a WAV's.  Raises MediaError where there is none."""
    said = await run_ffmpeg(ffmpeg, graph.measure(path.name, mixed=mixed), folder=path.parent, timeout_s=_patience(total_s))
    peak = re.findall(r"Peak:\s+(-?[\d.]+|-inf) dBFS", said.stderr_tail)
    if not peak:
        raise MediaError(Text(f"{path.name} 沒有聲音", f"{path.name} has no sound"))
    return Loudness(integrated_lufs=_integrated(said.stderr_tail), true_peak_dbtp=max(-120.0, float(peak[-1])))


async def prepare_music(ffmpeg: Ffmpeg, source: Path, out: Path, *, longest_s: float) -> None:
    """Somebody's music file as 48 kHz stereo float WAV.

    Raises:
        InvalidBrief: `music` names no file, none of a kind that we read, or one that is too large.
        TransientError: a tool died, or what it made is cut short: worth one more try.  DiskFull.
    """
    demuxer = graph.DEMUXERS.get(source.suffix.lower())
    kinds = ", ".join(sorted(graph.DEMUXERS))
    most = f"{MOST_MUSIC_BYTES // 1024**3} GB"
    allowed = Text(f"存在的音樂檔（{kinds}，最多 {most}）或 none", f"an existing music file ({kinds}, at most {most}) or none")
    if demuxer is None or not await asyncio.to_thread(_is_taken, source):
        raise InvalidBrief("music", allowed, str(source))
    part = out.with_suffix(".decoded.part")
    resolved = await asyncio.to_thread(source.resolve)
    arguments = graph.decode_music(str(resolved), demuxer, part.name, longest_s)
    try:
        await run_ffmpeg(ffmpeg, arguments, folder=out.parent, timeout_s=_patience(longest_s))
        if not await asyncio.to_thread(is_whole_float, part):
            raise once_more(MediaError(Text(f"{out.name} 不完整", f"{out.name} is not whole")))
        part.replace(out)
    except MediaError:
        raise InvalidBrief("music", allowed, str(source)) from None
    finally:
        part.unlink(missing_ok=True)


def is_whole_float(path: Path) -> bool:
    """Whether a 32-bit float stereo WAV file at our rate holds as many samples as its head says, and any at all."""
    try:
        with path.open("rb") as file:
            head = file.read(4096)
    except OSError:
        return False
    kind, data = head.find(b"fmt "), head.find(b"data")
    if not (head.startswith(b"RIFF") and head[8:12] == b"WAVE" and 0 < kind < data):
        return False
    channels, rate = int.from_bytes(head[kind + 10 : kind + 12], "little"), int.from_bytes(head[kind + 12 : kind + 16], "little")
    bits, size = int.from_bytes(head[kind + 22 : kind + 24], "little"), int.from_bytes(head[data + 4 : data + 8], "little")
    return (channels, rate, bits) == (2, graph.SAMPLE_RATE_HZ, 32) and 0 < size == path.stat().st_size - data - 8


def _is_taken(source: Path) -> bool:
    return source.is_file() and source.stat().st_size <= MOST_MUSIC_BYTES


def _integrated(said: str) -> float:
    found = re.findall(r"I:\s+(-?[\d.]+|-inf) LUFS", said)
    if not found or found[-1] == "-inf":
        raise MediaError(Text("量不到聲音的響度", "the sound's loudness can't be measured"))
    return float(found[-1])


def _patience(total_s: float) -> float:
    return 120 + 2 * total_s

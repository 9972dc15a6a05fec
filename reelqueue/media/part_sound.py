"""One part's voice as one file, laid as the timeline lays it: what a presenter elsewhere is given to speak."""

import asyncio
import wave
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from reelqueue.errors import MediaError
from reelqueue.media.soundtrack import Sound, read_mono
from reelqueue.media.timeline import SAMPLE_RATE_HZ, laid
from reelqueue.models.voice import Speech
from reelqueue.wording import Text

RATE_HZ = 24_000
"""48 kB a second: lips need no more, and two minutes stay under 6 MB."""


def spoken_s(speeches: Sequence[Speech]) -> float:
    """How long one part's voice is, the gaps between its pieces included; 0 for none."""
    places = laid(speeches)
    return sum(places[-1]) / SAMPLE_RATE_HZ if places else 0.0


async def part_sound(sounds: Sequence[Path], speeches: Sequence[Speech], target: Path) -> float:
    """Write the pieces of one part into `target` (WAV, mono, 16-bit, 24 kHz), whole or not at all.

    Its first sample is the first of the part's voice, so a picture made to it is in step from there on.  The same
    pieces give the same bytes.

    Args:
        sounds: the pieces' own files, WAV, mono, 16-bit of any rate, in the order of `speeches`.
        speeches: what is known of them.
        target: where it is written, by way of a `.part` beside it.

    Returns:
        Its length in seconds.

    Raises:
        MediaError: a piece is no such file.
        OSError: it could not be written (ENOSPC: the disk is full).
        ValueError: there is no piece, or not one sound for each speech.
    """
    return await asyncio.to_thread(_write, sounds, speeches, target)


def _write(sounds: Sequence[Path], speeches: Sequence[Speech], target: Path) -> float:
    places = laid(speeches)
    if not places:
        raise ValueError("a part without a voice has no sound")
    scale = RATE_HZ / SAMPLE_RATE_HZ
    track = np.zeros(round(sum(places[-1]) * scale), np.int16)
    for path, (after, length) in zip(sounds, places, strict=True):
        start, end = round(after * scale), min(round((after + length) * scale), len(track))
        samples = _read(path)[: end - start]
        track[start : start + len(samples)] = np.clip(np.rint(samples * 32768), -32768, 32767)
    part = target.with_name(target.name + ".part")
    try:
        with part.open("wb") as file, wave.open(file) as out:
            out.setnchannels(1)
            out.setsampwidth(2)
            out.setframerate(RATE_HZ)
            out.writeframes(track.tobytes())
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    return len(track) / RATE_HZ


def _read(path: Path) -> Sound:
    try:
        return read_mono(path, RATE_HZ)
    except (OSError, wave.Error, EOFError, ValueError) as error:
        raise MediaError(
            Text(f"聲音檔 {path.name} 損壞或不完整", f"the sound {path.name} is damaged or not whole"),
            Text("重試會重新製作它", "a retry makes it anew"),
        ) from error

"""The child that lays voice and music on one track; `audio.py` asks it.

Voice pieces are brought to one loudness and placed; the bed is looped under them and ducked by their times.
"""

import wave
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from reelqueue.media.music import SAMPLE_RATE_HZ, compose_loop
from reelqueue.process import serve

UNDER_SPEECH_DB, IN_GAPS_DB = -18.0, -10.0
"""The bed against the voice: -32 and -24 LUFS where the voice is brought to -14."""
GAP_S = 0.8
"""Only in a gap longer than this the bed comes up."""
ATTACK_S, RELEASE_S = 0.150, 0.600
MOST_PIECE_GAIN_DB = 6.0
"""A piece is brought towards the mean by at most this: a whisper stays softer than a shout."""
FADE_IN_S, FADE_OUT_S = 0.8, 1.8
_CONTROL_HZ = 200
Sound = NDArray[np.float32]


def read_mono(path: Path, rate_hz: int = SAMPLE_RATE_HZ) -> Sound:
    """A WAV file, mono and 16-bit of any rate, as floats at `rate_hz`."""
    with wave.open(str(path), "rb") as file:
        rate, data = file.getframerate(), np.frombuffer(file.readframes(file.getnframes()), np.int16)
    if rate == rate_hz:
        return (data / 32768).astype(np.float32)
    resampler = av.AudioResampler(format="fltp", layout="mono", rate=rate_hz)
    frame = av.AudioFrame.from_ndarray(data[None, :], format="s16", layout="mono")
    frame.sample_rate = rate
    parts = [out.to_ndarray()[0] for given in (frame, None) for out in resampler.resample(given)]
    sound: Sound = np.concatenate(parts).astype(np.float32)
    return sound


def speech_level(sound: Sound) -> float:
    """RMS in dB of the parts that sound: windows of 50 ms within 25 dB of the loudest."""
    size = SAMPLE_RATE_HZ // 20
    count = max(1, len(sound) // size)
    power = np.array([float(np.mean(chunk.astype(np.float64) ** 2)) for chunk in np.array_split(sound, count)]) + 1e-12
    loud = power[power > power.max() * 10**-2.5]
    return float(10 * np.log10(loud.mean()))


def lay_voice(pieces: Sequence[tuple[Sound, int]], total: int) -> Sound:
    """All pieces on one track, each at its offset (samples), brought towards their common level."""
    track = np.zeros(total, np.float32)
    levels = [speech_level(sound) for sound, _ in pieces]
    mean = float(np.mean(levels)) if levels else 0.0
    for (sound, offset), level in zip(pieces, levels, strict=True):
        gain = 10 ** (float(np.clip(mean - level, -MOST_PIECE_GAIN_DB, MOST_PIECE_GAIN_DB)) / 20)
        end = min(total, offset + len(sound))
        track[offset:end] += sound[: end - offset] * gain
    return track


def duck(spans: Sequence[tuple[int, int]], total: int) -> NDArray[np.float64]:
    """The bed's level against the voice in dB at `_CONTROL_HZ`, from the spans (samples) in which somebody speaks."""
    steps = max(2, total * _CONTROL_HZ // SAMPLE_RATE_HZ + 1)
    target = np.full(steps, IN_GAPS_DB)
    closed: list[list[int]] = []
    for start, end in sorted(spans):
        if closed and start - closed[-1][1] <= GAP_S * SAMPLE_RATE_HZ:
            closed[-1][1] = max(end, closed[-1][1])
        else:
            closed.append([start, end])
    for start, end in closed:  # down in time for the first word
        target[max(0, int((start / SAMPLE_RATE_HZ - ATTACK_S) * _CONTROL_HZ)) : int(end / SAMPLE_RATE_HZ * _CONTROL_HZ) + 1] = (
            UNDER_SPEECH_DB
        )
    down, up = np.exp(-1 / (ATTACK_S / 3 * _CONTROL_HZ)), np.exp(-1 / (RELEASE_S / 3 * _CONTROL_HZ))
    smooth = np.empty(steps)
    level = target[0]
    for i, wanted in enumerate(target):
        keep = down if wanted < level else up
        level = wanted + (level - wanted) * keep
        smooth[i] = level
    return smooth


def bed_gain(curve: NDArray[np.float64], start: int, stop: int, total: int) -> Sound:
    """The bed's gain (linear) for the samples `start` to `stop` of `total`, faded at both ends of the whole."""
    at = np.arange(start, stop)
    level = np.interp(at / SAMPLE_RATE_HZ, np.arange(len(curve)) / _CONTROL_HZ, curve)
    fade = np.minimum(1, at / (FADE_IN_S * SAMPLE_RATE_HZ)) * np.minimum(1, (total - at) / (FADE_OUT_S * SAMPLE_RATE_HZ))
    gain: Sound = (10 ** (level / 20) * fade).astype(np.float32)
    return gain


def _lay_bed(track: Sound, bed: Sound, curve: NDArray[np.float64], level_db: float) -> None:
    """Add the looped bed; in pieces of one loop, so that half an hour needs no more memory than its own samples."""
    total, level = len(track), np.float32(10 ** (level_db / 20))
    for start in range(0, total, len(bed)):
        stop = min(total, start + len(bed))
        track[start:stop] += bed[: stop - start] * (bed_gain(curve, start, stop, total) * level)[:, None]


def _loudness_db(sound: Sound) -> float:
    """RMS in dB of a stereo bed: steady sound, for which RMS and loudness run together."""
    return float(10 * np.log10(np.mean(sound.astype(np.float64) ** 2) * 2 + 1e-12))


def _bed(music: dict[str, Any]) -> Sound:
    if "seed" in music:
        return compose_loop(int(music["seed"]))
    return read_float(Path(music["path"]))


def read_float(path: Path) -> Sound:
    """A 32-bit float stereo WAV file, as FFmpeg writes it (`wave` knows only integers): samples [n, 2]."""
    raw = path.read_bytes()
    start = raw.index(b"data") + 8
    usable = (len(raw) - start) // 8 * 8
    return np.frombuffer(raw[start : start + usable], np.float32).reshape(-1, 2)


def write_float(path: Path, sound: Sound, *, gain: float = 1.0) -> None:
    """A 32-bit float stereo WAV file at 48 kHz, each sample times `gain`; needs no more memory than a second of it."""
    rate, channels = SAMPLE_RATE_HZ, 2
    size = len(sound) * channels * 4
    head = b"RIFF" + (36 + size).to_bytes(4, "little") + b"WAVEfmt " + (16).to_bytes(4, "little")
    head += (3).to_bytes(2, "little") + channels.to_bytes(2, "little") + rate.to_bytes(4, "little")
    head += (rate * channels * 4).to_bytes(4, "little") + (channels * 4).to_bytes(2, "little") + (32).to_bytes(2, "little")
    with path.open("wb") as file:
        file.write(head + b"data" + size.to_bytes(4, "little"))
        for start in range(0, len(sound), rate):
            file.write((sound[start : start + rate] * np.float32(gain)).astype(np.float32).tobytes())


def lay(request: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """One request: `pieces` [{path, offset}], `total` samples, `music` {seed} or {path} or null, `out`."""
    total = int(request["total"])
    pieces = [(read_mono(Path(piece["path"])), int(piece["offset"])) for piece in request["pieces"]]
    spans = [(offset, offset + len(sound)) for sound, offset in pieces]
    voice = lay_voice(pieces, total)
    pieces.clear()  # half an hour of samples is 0.35 GB, in stereo twice that: no more copies than needed at once
    level = speech_level(voice) if request["music"] is not None else 0.0
    track = np.empty((total, 2), np.float32)
    np.multiply(voice[:, None], np.float32(np.sqrt(0.5)), out=track)
    del voice
    yield {"laid": len(spans)}
    if request["music"] is not None:
        bed = _bed(request["music"])
        _lay_bed(track, bed, duck(spans, total), level - _loudness_db(bed))
    peak = max(1e-6, float(track.max(initial=0.0)), -float(track.min(initial=0.0)))
    write_float(Path(request["out"]), track, gain=min(1.0, 0.98 / peak))
    yield {"seconds": total / SAMPLE_RATE_HZ, "peak": peak}


if __name__ == "__main__":
    serve(lay)

"""Work on samples: trimming, level, cutting where it is quiet, WAV.  Pure; sounds are float32 at 24 kHz."""

import io
import wave

import numpy as np

from reelqueue.providers.local.voice.model import SAMPLE_RATE, Floats

SILENCE = 0.01
"""Amplitude below which a sound is silent (measured: the model leaves 0.2-1.0 s of it at the ends)."""
KEPT_S = 0.03
TARGET_RMS = 0.07
"""Level of speech where it is not silent, -23 dBFS: low enough that the Chinese blend, whose peaks are 23 dB above it, keeps it.
The model's own level differs by 7 dB from sentence to sentence."""
PEAK = 0.95
"""The model's peaks reach 1.25 of full scale; nothing is clipped, the whole is made softer."""
_FADE_S = 0.005


def heard(sound: Floats, kept_s: float = KEPT_S) -> tuple[int, int]:
    """First and last sample to keep, so that at most `kept_s` of silence stays at each end; (0, 0) for silence."""
    loud = np.flatnonzero(np.abs(sound) > SILENCE)
    if not len(loud):
        return 0, 0
    kept = round(kept_s * SAMPLE_RATE)
    return max(0, int(loud[0]) - kept), min(len(sound), int(loud[-1]) + 1 + kept)


def level(sound: Floats) -> float:
    """RMS of the samples in windows of 20 ms that are not silent; 0 for silence."""
    size = SAMPLE_RATE // 50
    windows = sound[: len(sound) // size * size].reshape(-1, size).astype(np.float64)
    powers = (windows**2).mean(axis=1)
    loud = powers[powers > SILENCE**2]
    return float(np.sqrt(loud.mean())) if len(loud) else 0.0


def settle(sound: Floats) -> Floats:
    """The sound at the common level, its peak below full scale."""
    now, peak = level(sound), float(np.abs(sound).max(initial=0.0))
    if not now or not peak:
        return sound
    return sound * np.float32(min(TARGET_RMS / now, PEAK / peak))


def quietest(sound: Floats, earliest_s: float, latest_s: float) -> int:
    """The sample in the middle of the quietest 10 ms between two times."""
    size = SAMPLE_RATE // 100
    first = min(max(0, round(earliest_s * SAMPLE_RATE)), len(sound))
    last = min(len(sound), max(first, round(latest_s * SAMPLE_RATE)))
    part = sound[first:last].astype(np.float64)
    if len(part) <= size:
        return (first + last) // 2
    power = np.convolve(part**2, np.ones(size), mode="valid")
    return first + int(power.argmin()) + size // 2


def faded(sound: Floats) -> Floats:
    """The sound with 5 ms ramps at both ends, so that a cut makes no click."""
    size = min(round(_FADE_S * SAMPLE_RATE), len(sound) // 2)
    if not size:
        return sound
    ramp = np.linspace(0.0, 1.0, size, dtype=np.float32)
    result = sound.copy()
    result[:size] *= ramp
    result[-size:] *= ramp[::-1]
    return result


def wav(sound: Floats) -> bytes:
    """A WAV file: mono, 16-bit, 24 kHz."""
    samples = np.clip(np.rint(sound * 32_767.0), -32_768, 32_767).astype("<i2")
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes(samples.tobytes())
    return buffer.getvalue()

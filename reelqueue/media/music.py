"""The music bed: our own synthesis, no download, one seamless loop per seed; pure.

Additive pad, sine bass, pentatonic pluck, noise reverb, after look.md section 10 of the specification this
was built from: D major, 76 bpm, I-vi-IV-V, eight bars (25.3 s).
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

SAMPLE_RATE_HZ = 48_000
BPM = 76.0
BARS = 8
BEAT_S = 60.0 / BPM
LOOP_S = BARS * 4 * BEAT_S
TAIL_S = 2.6
LOWEST_HZ = 70.0
"""Below this a phone plays nothing and a voice has nothing to fear: cut."""
_D4 = 293.665
_CHORDS = ((0, 4, 7), (9, 12, 16), (5, 9, 12), (7, 11, 14))  # D, Bm, G, A: semitones above D
_PENTATONIC = (0, 2, 4, 7, 9, 12, 14, 16)
_PLUCK_DENSITY = (0.30, 0.55)
"""Share of the eighths on which the pluck plays."""

Sound = NDArray[np.float64]


def compose_loop(seed: int) -> NDArray[np.float32]:
    """One loop, stereo [samples, 2], peak 0.5; the tail of its reverb is wrapped to its beginning.

    The seed moves the key by -3 to +3 semitones, the order of the chords, the pluck's notes and its density.
    About 2 CPU seconds.
    """
    chance = np.random.default_rng(seed)
    root = _D4 * 2 ** (int(chance.integers(-3, 4)) / 12)
    order = np.roll(np.arange(4), -int(chance.integers(0, 4)))
    chords = [_CHORDS[i] for i in order] * (BARS // 4)
    length, tail = round(LOOP_S * SAMPLE_RATE_HZ), round(TAIL_S * SAMPLE_RATE_HZ)
    dry = np.zeros((length + tail, 2))
    for bar, chord in enumerate(chords):
        start = bar * 4 * BEAT_S
        _add(dry, start, _pad(root / 2, chord, chance))
        _add(dry, start, _bass(root / 4 * 2 ** (chord[0] / 12 - (chord[0] > 7)), 4 * BEAT_S))
    _pluck(dry, root, chords, chance)
    wet = dry + 0.35 * _reverb(dry, chance)
    loop = wet[:length]
    loop[:tail] += wet[length : length + tail]
    loop = _high_pass(loop)
    out: NDArray[np.float32] = (loop / np.abs(loop).max() * 0.5).astype(np.float32)
    return out


def _add(into: Sound, start_s: float, sound: Sound) -> None:
    start = round(start_s * SAMPLE_RATE_HZ)
    end = min(len(into), start + len(sound))
    into[start:end] += sound[: end - start]


def _time(seconds: float) -> Sound:
    return np.arange(round(seconds * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ


def _pad(root: float, chord: tuple[int, ...], chance: np.random.Generator) -> Sound:
    """Six harmonics, three detuned voices a note, attack 1.6 s; spread over the stereo picture."""
    length = 4 * BEAT_S + 1.2
    t = _time(length)
    envelope = np.minimum(1, t / 1.6) * np.minimum(1, (length - t) / 1.2)
    out = np.zeros((len(t), 2))
    for note in chord:
        for voice, cents in enumerate((-6.0, 0.0, 6.0)):
            frequency = root * 2 ** (note / 12 + cents / 1200)
            phase = chance.uniform(0, 2 * np.pi, 6)
            tone = sum(np.sin(2 * np.pi * frequency * h * t + phase[h - 1]) / h**1.9 for h in range(1, 7))
            pan = (voice + 0.5) / 3
            out += 0.05 * np.outer(tone * envelope, (np.cos(pan * np.pi / 2), np.sin(pan * np.pi / 2)))
    return out


def _bass(frequency: float, seconds: float) -> Sound:
    t = _time(seconds)
    envelope = np.minimum(1, t / 0.06) * np.minimum(1, (seconds - t) / 0.25) * np.exp(-t / 4)
    tone = np.sin(2 * np.pi * frequency * t) + 0.2 * np.sin(4 * np.pi * frequency * t)
    return np.repeat(0.16 * (tone * envelope)[:, None], 2, axis=1)


def _pluck(into: Sound, root: float, chords: Sequence[tuple[int, ...]], chance: np.random.Generator) -> None:
    density = chance.uniform(*_PLUCK_DENSITY)
    t = _time(1.4)
    place = int(chance.integers(0, len(_PENTATONIC)))
    for eighth in range(BARS * 8):
        place = int(np.clip(place + chance.integers(-2, 3), 0, len(_PENTATONIC) - 1))
        if chance.random() > density:
            continue
        chord = chords[eighth // 8]
        note = _PENTATONIC[place] if eighth % 2 else 12 + chord[int(chance.integers(0, 3))] % 12
        frequency = root * 2 ** (note / 12)
        tone = np.sin(2 * np.pi * frequency * t) * np.exp(-t / 0.28) + 0.3 * np.sin(4 * np.pi * frequency * t) * np.exp(-t / 0.12)
        tone *= np.minimum(1, t / 0.004) * np.minimum(1, (1.4 - t) / 0.2) * chance.uniform(0.6, 1.0)
        pan = chance.uniform(0.3, 0.7)
        _add(into, eighth * BEAT_S / 2, 0.07 * np.outer(tone, (np.cos(pan * np.pi / 2), np.sin(pan * np.pi / 2))))


def _reverb(dry: Sound, chance: np.random.Generator) -> Sound:
    """Convolution with 2.6 s of decaying noise, another for each ear."""
    t = _time(TAIL_S)
    size = 1 << (len(dry) + len(t) - 1).bit_length()
    out = np.empty_like(dry)
    for ear in range(2):
        noise = chance.standard_normal(len(t)) * np.exp(-t / (TAIL_S / 4.5))
        noise = np.convolve(noise, np.ones(8) / 8, mode="same")  # darker: nothing to hiss beside a voice
        noise /= np.sqrt((noise**2).sum())
        out[:, ear] = np.fft.irfft(np.fft.rfft(dry[:, ear], size) * np.fft.rfft(noise, size), size)[: len(dry)]
    return out


def _high_pass(loop: Sound) -> Sound:
    """Cut below `LOWEST_HZ`, round the loop, so that its seam stays a seam of nothing."""
    spectrum = np.fft.rfft(loop, axis=0)
    frequency = np.fft.rfftfreq(len(loop), 1 / SAMPLE_RATE_HZ)
    spectrum *= (1 / np.sqrt(1 + (LOWEST_HZ / np.maximum(frequency, 1e-6)) ** 8))[:, None]
    return np.fft.irfft(spectrum, len(loop), axis=0)

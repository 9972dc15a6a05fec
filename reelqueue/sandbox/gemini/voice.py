"""The sandbox's voice: pulses and noise through moving formants, in numpy; the same text gives the same samples everywhere.

It says nothing that anybody understands, but it has what a program looks for: syllables with onsets, pitch, pauses at
punctuation, a loudness near -20 LUFS and a length that follows from the text.
"""

import io
import random
import wave
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from reelqueue.sandbox.gemini.pace import seconds_of
from reelqueue.sandbox.gemini.phones import Spoken, sounds_of
from reelqueue.sandbox.gemini.prompt import seed_of

RATE = 24_000
HOP = 120
"""Samples of one frame: 5 ms."""
WINDOW = 480
FFT = 1024
LEAD_S = 0.12
"""Silence before the first word; behind the last one there is a pause as after a sentence."""
LOUD_RMS = 0.115
"""Of the voiced frames, full scale being 1: about -20 LUFS, measured by ffmpeg's ebur128."""
PEAK = 0.85
LONGEST_PHRASE_S = 12.0

Floats = npt.NDArray[np.float64]

_TONES: dict[int, tuple[float, ...]] = {
    0: (1.05, 1.0, 0.95), 1: (1.15, 1.15, 1.15), 2: (0.92, 1.0, 1.2), 3: (0.9, 0.74, 0.92), 4: (1.25, 1.05, 0.78), 5: (0.95, 0.92, 0.9),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class WordTime:
    """When a word (of Chinese: a character) is really spoken, in seconds of the sound."""

    text: str
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class Utterance:
    """A spoken text: 16-bit samples, mono, at `RATE`; and the truth about its words."""

    samples: bytes
    words: tuple[WordTime, ...]

    @property
    def seconds(self) -> float:
        """Its length."""
        return len(self.samples) / 2 / RATE


def speak(text: str, voice: str, longest_s: float = 655.0) -> Utterance:
    """Speak `text`; empty where there is nothing to be spoken, cut where it is longer than `longest_s`."""
    words = sounds_of(text)
    if not words:
        return Utterance(b"", ())
    voice_seed = seed_of(voice.lower())
    base_f0 = (105.0, 120.0, 185.0, 205.0)[voice_seed % 4]
    size = 1.0 if base_f0 < 150 else 1.12  # a smaller head, higher formants
    dice = random.Random(seed_of(text))  # noqa: S311  # the same text, the same sound
    lengths = _lengths(words, seconds_of(text), dice)
    pieces: list[npt.NDArray[np.float32]] = [np.zeros(round(LEAD_S * RATE), np.float32)]
    times: list[WordTime] = []
    at = len(pieces[0])
    for first, last in _phrases(words, lengths):
        phrase, marks = _phrase(words[first:last], lengths[first:last], base_f0, size, seed_of(f"{text}{first}"))
        times += [
            WordTime(word.text, (at + start) / RATE, (at + end) / RATE)
            for word, (start, end) in zip(words[first:last], marks, strict=True)
        ]
        silence = np.zeros(round(words[last - 1].pause * RATE), np.float32)
        pieces += [phrase.astype(np.float32), silence]
        at += len(phrase) + len(silence)
        if at > longest_s * RATE:
            break
    sound = np.concatenate(pieces)[: round(longest_s * RATE)]
    return Utterance(_loud(sound).tobytes(), tuple(times))


def as_wav(samples: bytes, channels: int = 1) -> bytes:
    """A complete WAV file of 16-bit samples, mono as a rule."""
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(channels)
        out.setsampwidth(2)
        out.setframerate(RATE)
        out.writeframes(samples)
    return file.getvalue()


def _lengths(words: tuple[Spoken, ...], total_s: float, dice: random.Random) -> list[float]:
    """Seconds of each word, so that all with their pauses take the time that the text should."""
    rough = [word.syllables * dice.uniform(0.85, 1.15) * (0.85 if word.tone == 5 else 1.0) for word in words]
    left = max(total_s - LEAD_S - sum(word.pause for word in words), 0.6 * total_s)
    scale = left / sum(rough)
    return [max(0.11, one * scale) for one in rough]


def _phrases(words: tuple[Spoken, ...], lengths: list[float]) -> list[tuple[int, int]]:
    """Runs of words up to a pause; a run without one is cut, so that a long text takes no more memory than a short one."""
    runs: list[tuple[int, int]] = []
    first, spent = 0, 0.0
    for place, word in enumerate(words):
        spent += lengths[place]
        if word.pause or spent > LONGEST_PHRASE_S or place == len(words) - 1:
            runs.append((first, place + 1))
            first, spent = place + 1, 0.0
    return runs


def _phrase(
    words: tuple[Spoken, ...], lengths: list[float], base_f0: float, size: float, seed: int
) -> tuple[Floats, list[tuple[int, int]]]:
    """The sound of words that follow each other without a pause, and where each begins and ends, in samples."""
    rows: list[tuple[float, ...]] = []  # f0, three formants, voiced, noise, band; one a frame
    marks: list[tuple[int, int]] = []
    frames_in_all = max(1, round(sum(lengths) * RATE / HOP))
    for word, seconds in zip(words, lengths, strict=True):
        begun = len(rows)
        count = max(6, round(seconds * RATE / HOP))
        ends = np.cumsum([sound.weight for sound in word.sounds])
        which = np.minimum(np.searchsorted(ends / ends[-1], (np.arange(count) + 0.5) / count), len(word.sounds) - 1)
        for step, choice in enumerate(which):
            sound = word.sounds[choice]
            part = step / count
            f0 = base_f0 * float(np.interp(part, (0, 0.5, 1), _TONES[word.tone])) * (1.06 - 0.14 * (begun + step) / frames_in_all)
            swell = min(1.0, 0.3 + step / 5, 0.25 + (count - step) / 8)  # a dip between words: an onset that can be found
            rows.append((f0, *(size * f for f in sound.formants), swell * sound.voiced, swell * sound.noise, sound.band))
        marks.append((begun * HOP, len(rows) * HOP))
    rows += [(*rows[-1][:4], 0.0, 0.0, rows[-1][6])] * 4
    return _synthesized(np.array(rows), seed), marks


def _synthesized(rows: Floats, seed: int) -> Floats:
    f0, voiced, noise, band = rows[:, 0], _smooth(rows[:, 4], 3), _smooth(rows[:, 5], 3), rows[:, 6]
    formants = np.stack([_smooth(rows[:, place], 9) for place in (1, 2, 3)], axis=1)
    count = len(rows) * HOP
    phase = np.cumsum(np.repeat(f0, HOP) / RATE)
    pulses = np.diff(np.floor(phase), prepend=0.0) * np.sqrt(RATE / np.repeat(f0, HOP))
    breath = np.random.default_rng(seed).standard_normal(count)
    frequencies: Floats = np.fft.rfftfreq(FFT, 1 / RATE).astype(np.float64)
    envelope = _resonances(frequencies, formants) * voiced[:, None]
    hiss = np.exp(-(((frequencies[None, :] - band[:, None]) / (0.35 * band[:, None] + 300)) ** 2)) * noise[:, None]
    spectrum = np.fft.rfft(_framed(pulses), FFT) * envelope + np.fft.rfft(_framed(breath), FFT) * hiss
    return _overlapped(np.fft.irfft(spectrum, FFT), count)


def _resonances(frequencies: Floats, formants: Floats) -> Floats:
    """How a throat with these formants passes each frequency; falls with the frequency as a voice does."""
    f = frequencies[None, :]
    passed: Floats = np.ones((len(formants), len(frequencies)))
    places = [*(formants[:, place][:, None] for place in range(3)), np.full((len(formants), 1), 3700.0)]
    for place, width in zip(places, (80.0, 100.0, 140.0, 220.0), strict=True):
        passed = passed * place**2 / np.sqrt((place**2 - f**2) ** 2 + (f * width) ** 2)
    tilt = (f / 100) / (1 + (f / 100) ** 2) * 2
    return passed * tilt


def _framed(signal: Floats) -> Floats:
    """Windows over the signal, one a hop, centred on it; put into the middle of an FFT, so that nothing wraps around."""
    padded = np.pad(signal, (WINDOW // 2, WINDOW))
    windows = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[: len(signal) : HOP] * np.hanning(WINDOW + 1)[:-1]
    framed: Floats = np.zeros((len(windows), FFT))
    framed[:, (FFT - WINDOW) // 2 : (FFT + WINDOW) // 2] = windows
    return framed


def _overlapped(frames: Floats, count: int) -> Floats:
    """The frames added up where they belong."""
    sound: Floats = np.zeros(len(frames) * HOP + FFT)
    for place, frame in enumerate(frames):
        sound[place * HOP : place * HOP + FFT] += frame
    cut: Floats = sound[FFT // 2 : FFT // 2 + count]
    return cut


def _smooth(values: Floats, width: int) -> Floats:
    padded = np.pad(values, width // 2, mode="edge")
    smoothed: Floats = np.convolve(padded, np.ones(width) / width, mode="valid")[: len(values)]
    return smoothed


def _loud(sound: npt.NDArray[np.float32]) -> npt.NDArray[np.int16]:
    """16-bit samples of speaking loudness; peaks are bent, never clipped."""
    blocks = sound[: len(sound) // HOP * HOP].reshape(-1, HOP)
    power = (blocks**2).mean(axis=1)
    spoken = power > 1e-3 * power.max(initial=1e-12)
    scaled = sound * (LOUD_RMS / np.sqrt(power[spoken].mean() if spoken.any() else 1.0))
    bent = PEAK * np.tanh(scaled / PEAK)
    samples: npt.NDArray[np.int16] = np.round(bent * 32767).astype("<i2")
    return samples

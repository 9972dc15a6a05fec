"""A service's sound by the rules of ours: mono, 24 kHz, at the common level, without silence at its ends."""

from pathlib import Path

import numpy as np

from reelqueue.errors import MediaError
from reelqueue.providers.alignment.sound import Pcm, parsed
from reelqueue.providers.local.voice import waves
from reelqueue.providers.local.voice.model import SAMPLE_RATE, Floats
from reelqueue.wording import Text

SILENT_RMS = 0.003
"""-50 dBFS in the loudest 20 ms: no voice is that soft; what services send lies 20 to 30 dB above it."""


def take_in(sound: Path) -> Floats:
    """The samples of a WAV file as they go on: peak below full scale, at most 30 ms of silence at each end.

    Raises:
        MediaError: it is no WAV file, empty, or silent.
        ServiceUnavailable: it ends too early.
        OSError: it can't be read.
    """
    pcm = parsed(sound.read_bytes())
    heard = _mono(pcm)
    if not len(heard):
        raise _silent(Text("語音服務傳回的聲音是空的", "the voice service sent an empty sound"))
    heard -= heard.mean()  # a direct current would look like sound
    if _loudest(heard, pcm.rate) < SILENT_RMS:
        raise _silent(Text("語音服務傳回的聲音是無聲的", "the voice is silent: the service sent a sound without speech"))
    heard = _resampled(heard, pcm.rate)
    settled = waves.settle(heard * np.float32(waves.PEAK / np.abs(heard).max()))
    first, last = waves.heard(settled)
    return waves.faded(settled[first:last])


def samples(taken_in: Path) -> Floats:
    """What `take_in` gave and somebody wrote by `waves.wav`, read again."""
    return _mono(parsed(taken_in.read_bytes()))


def _mono(pcm: Pcm) -> Floats:
    whole = len(pcm.samples) // (2 * pcm.channels)
    numbers = np.frombuffer(pcm.samples, dtype="<i2", count=whole * pcm.channels).astype(np.float32) / 32_768
    return np.asarray(numbers.reshape(-1, pcm.channels).mean(axis=1), dtype=np.float32)


def _loudest(heard: Floats, rate: int) -> float:
    """RMS of the loudest 20 ms."""
    size = min(len(heard), rate // 50)
    windows = heard[: len(heard) // size * size].reshape(-1, size)
    return float(np.sqrt((windows.astype(np.float64) ** 2).mean(axis=1).max()))


def _resampled(heard: Floats, rate: int) -> Floats:
    if rate == SAMPLE_RATE:
        return heard
    import av  # noqa: PLC0415 - heavy, and a service that sends another rate is rare

    resampler = av.AudioResampler(format="flt", layout="mono", rate=SAMPLE_RATE)
    frame = av.AudioFrame.from_ndarray(heard[None, :], format="flt", layout="mono")
    frame.sample_rate = rate
    pieces = [piece.to_ndarray()[0] for given in (frame, None) for piece in resampler.resample(given)]
    return np.concatenate(pieces).astype(np.float32, copy=False)


def _silent(what: Text) -> MediaError:
    return MediaError(
        what,
        Text(
            "請換一個聲音或語音型號，或改寫這一段後再試",
            "choose another voice or voice model, or rewrite this part, and try again",
        ),
    )

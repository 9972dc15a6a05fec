"""The sandbox's talking films: a face whose mouth follows a sound's loudness, as MP4 with the sound in it."""

import io
import math
import random
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt

from reelqueue.sandbox.did.face import MARGIN, MOUTHS, SIZE, Pixels, face
from reelqueue.sandbox.gemini.prompt import seed_of

FPS = 25
RATE = 48_000
QUIET_DB, LOUD_DB = -42.0, -14.0
"""Loudness of a frame, dB below full scale, at which the mouth is closed, and at which it is wide open."""

Samples = npt.NDArray[np.float32]


def heard(sound: bytes) -> Samples:
    """The samples of a sound file, mono, at `RATE`.

    Raises:
        ValueError: it is no sound that can be read.
    """
    blocks: list[Samples] = []
    try:
        with av.open(io.BytesIO(sound), "r") as container:
            resampler = av.AudioResampler(format="fltp", layout="mono", rate=RATE)
            for frame in container.decode(audio=0):
                blocks += [part.to_ndarray()[0] for part in resampler.resample(frame)]
            blocks += [part.to_ndarray()[0] for part in resampler.resample(None)]
    except (av.FFmpegError, IndexError, ValueError) as error:
        raise ValueError("not a sound that can be read") from error
    if not sum(map(len, blocks)):
        raise ValueError("a sound without samples")
    return np.concatenate(blocks)


def film(source: str, samples: Samples, target: Path) -> None:
    """Film the face of `source` while it says `samples`; `target` is written whole or not at all.

    H.264 in yuv420p, 512 x 512 at 25 frames a second, AAC; as long as the sound, to the frame above.  Takes about 0.1 s of
    CPU a second of film.
    """
    part = target.with_suffix(".part")
    with av.open(part, "w", format="mp4", options={"movflags": "faststart"}) as out:
        picture = out.add_stream("libx264", rate=FPS, options={"preset": "veryfast", "crf": "23", "threads": "1"})
        picture.width = picture.height = SIZE
        picture.pix_fmt = "yuv420p"
        voice = out.add_stream("aac", rate=RATE, options={"b": "96k"})
        voice.layout = "mono"
        for place, pixels in enumerate(_frames(source, samples)):
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame.pts = place
            frame.time_base = Fraction(1, FPS)
            out.mux(picture.encode(frame))
        out.mux(picture.encode())
        for at in range(0, len(samples), 1024):
            sound = av.AudioFrame.from_ndarray(samples[None, at : at + 1024], format="fltp", layout="mono")
            sound.sample_rate = RATE
            sound.pts = at
            sound.time_base = Fraction(1, RATE)
            out.mux(voice.encode(sound))
        out.mux(voice.encode())
    part.replace(target)


def _frames(source: str, samples: Samples) -> Iterator[Pixels]:
    dice = random.Random(seed_of(source))  # noqa: S311
    step = RATE // FPS
    openings = _openings(samples, step)
    next_blink = dice.randint(20, 60)
    for place, opening in enumerate(openings):
        if place > next_blink + 3:
            next_blink = place + dice.randint(50, 120)
        whole = face(source, opening, blink=place >= next_blink)
        x = MARGIN + round(5 * math.sin(place / 31))
        y = MARGIN + round(3 * math.sin(place / 19))
        yield np.ascontiguousarray(whole[y : y + SIZE, x : x + SIZE])


def _openings(samples: Samples, step: int) -> list[int]:
    """How wide the mouth is in each frame."""
    count = math.ceil(len(samples) / step)
    padded = np.pad(samples, (0, count * step - len(samples)))
    loudness = 10 * np.log10((padded.reshape(count, step) ** 2).mean(axis=1) + 1e-9)
    share = np.clip((loudness - QUIET_DB) / (LOUD_DB - QUIET_DB), 0, 1)
    return [int(opening) for opening in np.round(share * (MOUTHS - 1))]

"""Stands in for ONNX Runtime in the children that speak: no weights are loaded, and each sound is a hum of 50 ms, about as long as it is spoken.

For videos whose voice is not what a test looks at: loading the model and speaking by it are half of such a video's CPU.  All
around it is what always runs: texts, readings, children, lengths, captions, the film.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

FRAME, FRAMES = 600, 2
LENGTH = FRAME * FRAMES
"""Samples that a symbol lasts; the first and the last are silence."""
PITCH_HZ, SAMPLE_RATE = 140, 24_000


class SessionOptions:
    """Takes whatever is set."""


class InferenceSession:
    """Kokoro's inputs and outputs, and those of the reader of unknown words."""

    def __init__(self, model: bytes | str, options: SessionOptions, providers: Sequence[str]) -> None:
        assert model
        assert isinstance(options, SessionOptions)
        assert providers == ["CPUExecutionProvider"]

    def run(self, wanted: Sequence[str] | None, given: Mapping[str, NDArray[Any]]) -> tuple[NDArray[Any], ...]:
        """A hum as long as the symbols ask for, and how many frames each of them lasts; or two sounds by turns for letters."""
        if "chars" in given:
            return (1 + np.arange(given["chars"].shape[1])[None, :] % 2,)
        assert wanted == ["audio", "duration"]
        count = given["tokens"].shape[1]
        at = np.arange(count * LENGTH)
        voice = sum(np.sin(2 * np.pi * PITCH_HZ * number * at / SAMPLE_RATE) / number for number in range(1, 8))
        loud = 0.6 + 0.4 * np.sin(np.pi * at / LENGTH) ** 2  # each symbol a wave of its own
        sound = (0.1 * voice * loud).astype(np.float32)
        sound[:LENGTH] = sound[-LENGTH:] = 0.0
        return sound, np.full(count, FRAMES, dtype=np.int64)

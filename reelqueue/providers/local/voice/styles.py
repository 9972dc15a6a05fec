"""The voices by name, and which style speaks which language.

A style is one voice file or a blend of several, chosen by recognition error in both languages (`spec/voice.md`).
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np

from reelqueue.providers.local.voice.model import Floats
from reelqueue.providers.local.voice.tables import FOLDER

Blend = Mapping[str, float]
"""Voice file -> its share; the shares sum to 1."""


@dataclass(frozen=True, slots=True)
class Style:
    """How one voice speaks Chinese and English; the other language's words inside a text are spoken by its own blend."""

    chinese: Blend
    english: Blend


STYLES: dict[str, Style] = {
    "yunyang": Style({"zm_yunyang": 0.5, "am_michael": 0.5}, {"am_michael": 1.0}),
    "xiaoxiao": Style({"zf_xiaoxiao": 1.0}, {"af_heart": 1.0}),
    "heart": Style({"zf_xiaoxiao": 0.5, "af_heart": 0.5}, {"af_heart": 1.0}),
    "michael": Style({"zm_yunyang": 0.5, "am_michael": 0.5}, {"am_michael": 1.0}),
}
"""yunyang: a man's voice, the best for Chinese with English terms.  xiaoxiao: a woman's, for Chinese without many of them.
heart: a woman's, American English.  michael: a man's, American English."""
NAMES = {"zm_yunyang": "yunyang", "zf_xiaoxiao": "xiaoxiao", "af_heart": "heart", "am_michael": "michael"}
"""Upstream's names of the voices work too."""
DEFAULTS = {"zh": "yunyang", "en": "heart"}
SHA256 = {
    "af_heart": "d583ccff3cdca2f7fae535cb998ac07e9fcb90f09737b9a41fa2734ec44a8f0b",
    "am_michael": "1d1f21dd8da39c30705cd4c75d039d265e9bc4a2a93ed09bc9e1b1225eb95ba1",
    "zf_xiaoxiao": "03adb5d5e3ddd88b047954e974e651cb0a4b524c985057e5d872e962c7be1169",
    "zm_yunyang": "261e2c89470534dbbcb8fd98b8fdc495ec94063d9bb6c8277f7be43cccba3f42",
}
"""Of the four files in `data/voices`, as upstream publishes them."""


def find_style(voice: str | None, language: str) -> Style:
    """The style of a voice's name, the language's default for None; KeyError for an unknown name."""
    name = voice or DEFAULTS["en" if language.startswith("en") else "zh"]
    return STYLES[NAMES.get(name, name)]


@cache
def _voice(name: str) -> Floats:
    data = (FOLDER / f"{name}.bin").read_bytes()
    if hashlib.sha256(data).hexdigest() != SHA256[name]:
        raise ValueError(f"the voice file {name}.bin does not match its sha256")
    return np.frombuffer(data, dtype="<f4").reshape(510, 256)


def table(blend: Blend) -> Floats:
    """A blend's table for the model, float32 [510, 256]."""
    first, *rest = blend.items()
    total = _voice(first[0]) * np.float32(first[1])
    for name, share in rest:
        total = total + _voice(name) * np.float32(share)
    return total

"""One of the models that Gemini is asked for: its name, the setting that chose it, its bucket of quota."""

import re
from dataclasses import dataclass

from reelqueue.models.buckets import GEMINI, model_bucket
from reelqueue.models.cost import Need

NAME = "Gemini"
"""As people read it."""
AT_ONCE = 4
"""Calls of one kind side by side (contract, section 6: pictures)."""


@dataclass(frozen=True, slots=True)
class Model:
    """A model and the setting that names it: an error says which one to change."""

    name: str
    setting: str

    @property
    def bucket(self) -> str:
        """The name under which its daily quota is counted."""
        return model_bucket(self.name)

    @property
    def need(self) -> Need:
        """The quota of one call; only Gemini knows how many a day has."""
        return Need(client=GEMINI, name=self.bucket)

    @property
    def number(self) -> tuple[int, int]:
        """Its version, "gemini-3.8-flash" being (3, 8); (0, 0) where the name has none."""
        found = re.match(r"gemini-(\d+)(?:\.(\d+))?\b", self.name)
        return (int(found[1]), int(found[2] or 0)) if found else (0, 0)


def script_model(name: str) -> Model:
    """The model that writes."""
    return Model(name, "GEMINI_TEXT_MODEL")


def image_model(name: str) -> Model:
    """The model that draws."""
    return Model(name, "GEMINI_IMAGE_MODEL")


def voice_model(name: str) -> Model:
    """The model that speaks."""
    return Model(name, "GEMINI_TTS_MODEL")

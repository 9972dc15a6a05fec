"""Which models the sandbox's Gemini has, and what each is for: what `models/{model}` answers."""

from dataclasses import dataclass
from typing import Any, Literal

Family = Literal["script", "image", "voice"]
"""Named as the calls are: a text model, one that draws, one that speaks."""


@dataclass(frozen=True, slots=True)
class Model:
    """One model.  Token limits as the documentation states them; `wav` says whether a voice sends a whole file or bare samples."""

    name: str
    family: Family
    input_tokens: int
    output_tokens: int
    wav: bool = True
    sampling: bool = True
    """Whether temperature, top_p and top_k are accepted."""

    def as_json(self) -> dict[str, Any]:
        """The model's resource."""
        return {
            "name": f"models/{self.name}",
            "version": "sandbox-1",
            "displayName": self.name.replace("-", " ").title(),
            "description": "A stand-in of the sandbox; its answers follow from the prompt.",
            "inputTokenLimit": self.input_tokens,
            "outputTokenLimit": self.output_tokens,
            "supportedGenerationMethods": ["generateContent", "countTokens"],
            "thinking": self.family == "script",
        } | ({"temperature": 1, "topP": 0.95, "topK": 64, "maxTemperature": 2} if self.sampling else {})


MODELS: dict[str, Model] = {
    model.name: model
    for model in (
        Model("gemini-3.8-flash", "script", 1_048_576, 65_536),
        Model("gemini-3.8-flash-lite", "script", 1_048_576, 65_536),
        Model("gemini-3.8-pro", "script", 1_048_576, 65_536),
        Model("gemini-3.1-flash-image", "image", 131_072, 32_768),
        Model("gemini-3.1-flash-lite-image", "image", 65_536, 32_768),
        Model("gemini-3-pro-image", "image", 65_536, 32_768),
        Model("gemini-3.8-flash-tts", "voice", 8_192, 16_384, sampling=False),
        Model("gemini-3.8-flash-lite-tts", "voice", 8_192, 16_384, sampling=False),
        Model("gemini-3.1-flash-tts-preview", "voice", 8_192, 16_384, wav=False),
    )
}

RETIRED = frozenset(
    {
        "gemini-1.5-flash",
        "gemini-2.0-flash",
        "gemini-2.5-flash",
        "gemini-2.5-flash-image",
        "gemini-2.5-flash-preview-tts",
        "gemini-2.5-pro",
        "gemini-3-flash-preview",
        "imagen-4.0-generate-001",
    }
)
"""Names that were served once: each answers 404 with "is no longer available"."""

VOICES = frozenset(
    (
        "Achernar Achird Algenib Algieba Alnilam Aoede Autonoe Callirrhoe Charon Despina Enceladus Erinome Fenrir Gacrux Iapetus "
        "Kore Laomedeia Leda Orus Puck Pulcherrima Rasalgethi Sadachbia Sadaltager Schedar Sulafat Umbriel Vindemiatrix Zephyr "
        "Zubenelgenubi"
    )
    .lower()
    .split()
)
"""The prebuilt voices, in small letters."""


def family_of(model: str) -> Family:
    """What a model is for, by its name alone."""
    if "tts" in model:
        return "voice"
    return "image" if "image" in model else "script"

"""The prebuilt voices of Gemini's speech models, as its documentation lists them."""

VOICES = (
    "Achernar", "Achird", "Algenib", "Algieba", "Alnilam", "Aoede", "Autonoe", "Callirrhoe", "Charon", "Despina", "Enceladus", "Erinome",
    "Fenrir", "Gacrux", "Iapetus", "Kore", "Laomedeia", "Leda", "Orus", "Puck", "Pulcherrima", "Rasalgethi", "Sadachbia", "Sadaltager",
    "Schedar", "Sulafat", "Umbriel", "Vindemiatrix", "Zephyr", "Zubenelgenubi",
)  # fmt: skip
USUAL = "Kore"
"""The voice of a brief that names none."""
_BY_NAME = {voice.lower(): voice for voice in VOICES}


def voice_named(name: str | None) -> str | None:
    """The voice of this name, in whatever case it is written; None where there is none."""
    return USUAL if name is None else _BY_NAME.get(name.strip().lower())

"""What a `generateContent` request asks of a model, and whether the model takes it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from reelqueue.sandbox.gemini.models import VOICES, Model
from reelqueue.sandbox.gemini.picture import SCALES, SIZES_1K
from reelqueue.sandbox.gemini.schema import option
from reelqueue.sandbox.gemini.tokens import tokens_in

_MODALITY = {"script": "TEXT", "image": "IMAGE", "voice": "AUDIO"}
DEFAULT_VOICE = "Kore"


class RefusedError(Exception):
    """The request makes no sense to the model: 400 with this message."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One request, read.  `prompt` is all text of the last turn; `schema` None where none was sent."""

    prompt: str
    instruction: str
    tokens: int
    json: bool
    schema: Mapping[str, Any] | None
    most_tokens: int
    aspect: str
    size: str
    mime: str | None
    voice: str


def read_request(body: Mapping[str, Any], model: Model) -> Asked:
    """Read a request.

    Raises:
        RefusedError: it is none, or the model does not do what it asks.
    """
    contents = body.get("contents")
    if not isinstance(contents, list) or not contents:
        raise RefusedError("contents is not specified")
    config = _object(option(body, "generationConfig"))
    _check_modalities(option(config, "responseModalities"), model)
    if not model.sampling:
        for name in ("temperature", "topP", "topK"):
            if option(config, name) is not None:
                raise RefusedError(f"{name} is not supported by models/{model.name}.")
    prompt, instruction = _text(contents[-1]), _text(option(body, "systemInstruction"))
    everything = "\n".join([*map(_text, contents), *map(_styles, contents), instruction])
    if not prompt.strip():
        raise RefusedError("contents.parts must not be empty.")
    tokens = tokens_in(everything)
    if tokens > model.input_tokens:
        raise RefusedError(
            f"The input token count ({tokens}) exceeds the maximum number of tokens allowed ({model.input_tokens})."
        )
    schema = option(config, "responseSchema") or option(config, "responseJsonSchema")
    image = _object(option(config, "imageConfig"))
    return Asked(
        prompt=prompt,
        instruction=instruction,
        tokens=tokens,
        json=option(config, "responseMimeType") == "application/json",
        schema=schema if isinstance(schema, dict) else None,
        most_tokens=int(option(config, "maxOutputTokens") or model.output_tokens),
        aspect=_one_of(option(image, "aspectRatio") or "1:1", SIZES_1K, "aspect_ratio"),
        size=_one_of(option(image, "imageSize") or "1K", SCALES, "image_size"),
        mime=option(image, "outputMimeType") or option(_object(option(image, "imageOutputOptions")), "mimeType"),
        voice=_voice(_object(option(config, "speechConfig"))),
    )


def _check_modalities(wanted: Any, model: Model) -> None:
    own = _MODALITY[model.family]
    given = [str(one).upper() for one in wanted or []]
    if not given:
        if model.family == "voice":
            raise RefusedError("The requested combination of response modalities (TEXT) is not supported by the model.")
        return
    if own not in given or any(one not in {own, "TEXT"} for one in given) or (model.family == "voice" and len(given) > 1):
        raise RefusedError(
            f"The requested combination of response modalities ({', '.join(given)}) is not supported by the model."
        )


def _voice(speech: Mapping[str, Any]) -> str:
    voice = _object(option(speech, "voiceConfig"))
    name = option(voice, "voice") or option(_object(option(voice, "prebuiltVoiceConfig")), "voiceName") or DEFAULT_VOICE
    if str(name).lower() not in VOICES:
        raise RefusedError(f"Voice name {name} is not supported.")
    return str(name)


def _one_of(value: Any, allowed: Mapping[str, Any], name: str) -> str:
    if value not in allowed:
        raise RefusedError(f"Invalid value for {name}: {value}. Allowed values: {', '.join(allowed)}.")
    return str(value)


def _text(content: Any) -> str:
    parts = _object(content).get("parts")
    return (
        "\n".join(str(part["text"]) for part in parts if isinstance(part, dict) and part.get("text"))
        if isinstance(parts, list)
        else ""
    )


def _styles(content: Any) -> str:
    """How the text is to sound: read by the voice, not spoken, and counted."""
    parts = _object(content).get("parts")
    metadata = [_object(option(_object(part), "speechMetadata")) for part in parts] if isinstance(parts, list) else []
    return "\n".join(str(one["style"]) for one in metadata if one.get("style"))


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}

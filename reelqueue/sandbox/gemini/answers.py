"""What the models answer: a script, a picture or a voice as `generateContent` sends it, whole or spoiled as ordered; pure."""

import base64
import functools
import json
import random
from dataclasses import dataclass
from typing import Any

import numpy as np
import opencc

from reelqueue.sandbox.gemini.models import Model
from reelqueue.sandbox.gemini.picture import picture, tokens_of
from reelqueue.sandbox.gemini.prompt import read_wish, seed_of
from reelqueue.sandbox.gemini.request import Asked
from reelqueue.sandbox.gemini.schema import shaped
from reelqueue.sandbox.gemini.story import write_story
from reelqueue.sandbox.gemini.tokens import audio_tokens, tokens_in, usage
from reelqueue.sandbox.gemini.voice import RATE, Utterance, as_wav, speak

SPOILED = {
    "script": ("max_tokens", "continuation", "wrong_shape", "fenced", "simplified"),
    "image": ("no_image", "not_an_image", "text_only", "small"),
    "voice": ("silence", "no_audio", "short", "stereo"),
}
"""The kinds of spoiled answers that one family has; those of `BLOCKED` and "no_usage" fit all."""
BLOCKED = ("safety", "candidate_safety")
_BLOCK_REASONS = {"script": "SAFETY", "image": "IMAGE_SAFETY", "voice": "SAFETY"}


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer's JSON, and what was really spoken where it is a voice."""

    body: dict[str, Any]
    spoken: Utterance | None = None


def answer(model: Model, asked: Asked, spoil: str = "", reason: str | None = None) -> Answer:
    """What `model` answers; takes up to half a second of CPU.

    Args:
        model: one of the sandbox's.
        asked: the request.
        spoil: a kind of `SPOILED` or `BLOCKED`, "no_usage", or "".
        reason: for a blocked or missing answer, the reason that it gives.
    """
    if spoil == "safety":
        feedback = {"blockReason": reason or "PROHIBITED_CONTENT", "safetyRatings": _ratings(blocked=True)}
        return Answer(_framed(model, asked, {"promptFeedback": feedback}, usage(asked.tokens, 0, "TEXT")))
    if spoil == "candidate_safety":
        return _nothing(model, asked, reason or _BLOCK_REASONS[model.family])
    match model.family:
        case "script":
            made = _script(model, asked, spoil)
        case "image":
            made = _image(model, asked, spoil, reason)
        case _:
            made = _voice(model, asked, spoil, reason)
    if spoil == "no_usage":
        made.body.pop("usageMetadata")
    return made


def _script(model: Model, asked: Asked, spoil: str) -> Answer:
    dice = random.Random(seed_of(asked.prompt))  # noqa: S311
    wish = read_wish(asked.prompt, asked.instruction)
    story = write_story(wish)
    if spoil == "wrong_shape":
        text = json.dumps(
            {"answer": {"story": [segment["text"] for segment in story["segments"]], "title": story["metadata"]["title"]}},
            ensure_ascii=False,
        )
    elif asked.json:
        whole = story if asked.schema is None else shaped(asked.schema, story, story["intro"]["text"])
        text = json.dumps(whole, ensure_ascii=False, indent=dice.choice((None, 2)))
    else:
        text = "\n\n".join([story["intro"]["text"], *(segment["text"] for segment in story["segments"]), story["outro"]["text"]])
    if spoil == "simplified":
        text = _simplified(text)
    elif spoil == "fenced":
        text = f"```json\n{text}\n```"
    finish = "STOP"
    thoughts = dice.randint(180, 900)
    if spoil in {"max_tokens", "continuation"}:
        text, finish = text[: len(text) * 3 // 5], spoil.upper()
    elif tokens_in(text) + thoughts > asked.most_tokens:  # what is thought counts as well
        share = max(0.0, (asked.most_tokens - thoughts) / tokens_in(text))
        text, finish = text[: int(len(text) * share)], "MAX_TOKENS"
    halves = [text[: len(text) // 2], text[len(text) // 2 :]] if dice.random() < 0.25 else [text]
    parts: list[dict[str, Any]] = [{"text": part} for part in halves if part]
    if parts:
        parts[-1]["thoughtSignature"] = base64.b64encode(dice.randbytes(48)).decode()
    return Answer(_framed(model, asked, _candidate(parts, finish), usage(asked.tokens, tokens_in(text), "TEXT", thoughts)))


def _image(model: Model, asked: Asked, spoil: str, reason: str | None) -> Answer:
    if spoil == "no_image":
        return _nothing(model, asked, reason or "NO_IMAGE")
    seed = seed_of(asked.prompt)
    mime = asked.mime or ("image/png" if seed % 4 == 0 else "image/jpeg")
    if spoil == "not_an_image":
        data, mime = b"This is not a picture.\n" * 40, "image/png"
    else:
        data = picture(asked.prompt, asked.aspect, "512" if spoil == "small" else asked.size, mime)
    said = "Here is the picture you asked for." if seed % 3 == 0 or spoil == "text_only" else ""
    parts = [*([{"text": said}] if said else []), _inline(mime, data)]
    if spoil == "text_only":
        return Answer(_framed(model, asked, _candidate(parts[:1], "STOP"), usage(asked.tokens, tokens_in(said), "TEXT")))
    counted = usage(asked.tokens, tokens_of(model.name, asked.size), "IMAGE", text=tokens_in(said))
    return Answer(_framed(model, asked, _candidate(parts, "STOP"), counted))


def _voice(model: Model, asked: Asked, spoil: str, reason: str | None) -> Answer:
    if spoil == "no_audio":
        return _nothing(model, asked, reason or "OTHER")
    spoken = speak(asked.prompt, asked.voice)
    samples = spoken.samples
    if not samples:
        return _nothing(model, asked, "OTHER")
    if spoil == "silence":
        samples, spoken = bytes(len(samples)), Utterance(bytes(len(samples)), ())
    elif spoil == "short":
        samples = samples[: len(samples) // 12 * 2]
        spoken = Utterance(samples, ())
    cut = _quiet_place(spoken) if seed_of(asked.prompt) % 3 == 0 else 0
    pieces = [piece for piece in (samples[:cut], samples[cut:]) if piece]
    if spoil == "stereo":
        parts = [_inline("audio/wav", as_wav(_twice_beside_itself(piece), channels=2)) for piece in pieces]
    elif model.wav:
        parts = [_inline("audio/wav", as_wav(piece)) for piece in pieces]
    else:
        parts = [_inline(f"audio/L16;codec=pcm;rate={RATE}", piece) for piece in pieces]
    finish = "MAX_TOKENS" if audio_tokens(spoken.seconds) >= model.output_tokens - 25 else "STOP"
    return Answer(
        _framed(model, asked, _candidate(parts, finish), usage(asked.tokens, audio_tokens(spoken.seconds), "AUDIO")), spoken
    )


def _twice_beside_itself(samples: bytes) -> bytes:
    """The same sound on two channels."""
    return np.repeat(np.frombuffer(samples, "<i2"), 2).tobytes()


@functools.cache
def _simplifier() -> opencc.OpenCC:
    return opencc.OpenCC("t2s")


def _simplified(text: str) -> str:
    """As a model answers that doesn't mind in which characters it was asked."""
    return str(_simplifier().convert(text))


def _quiet_place(spoken: Utterance) -> int:
    """A byte between two words near the middle, where a sound may come in two parts."""
    middle = spoken.words[len(spoken.words) // 2].start_s if len(spoken.words) > 1 else 0.0
    return round(middle * RATE) * 2


def _nothing(model: Model, asked: Asked, reason: str) -> Answer:
    """A candidate that ended without content."""
    candidate: dict[str, Any] = {"finishReason": reason, "index": 0}
    if "SAFETY" in reason:
        candidate["safetyRatings"] = _ratings(blocked=True)
    return Answer(_framed(model, asked, {"candidates": [candidate]}, usage(asked.tokens, 0, "TEXT")))


def _candidate(parts: list[dict[str, Any]], finish: str) -> dict[str, Any]:
    return {"candidates": [{"content": {"role": "model", "parts": parts}, "finishReason": finish, "index": 0}]}


def _framed(model: Model, asked: Asked, body: dict[str, Any], counted: dict[str, Any]) -> dict[str, Any]:
    response_id = base64.urlsafe_b64encode(seed_of(asked.prompt + model.name).to_bytes(8)).decode().rstrip("=")
    return body | {"usageMetadata": counted, "modelVersion": model.name, "responseId": response_id}


def _inline(mime: str, data: bytes) -> dict[str, Any]:
    return {"inlineData": {"mimeType": mime, "data": base64.b64encode(data).decode()}}


def _ratings(*, blocked: bool) -> list[dict[str, Any]]:
    return [{"category": "HARM_CATEGORY_DANGEROUS_CONTENT", "probability": "HIGH", "blocked": blocked}]

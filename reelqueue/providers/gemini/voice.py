"""Voices by Gemini: one call for each part; its sound is brought to the house's rules, its words are timed here."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import TYPE_CHECKING

from reelqueue.errors import InvalidBrief, PermanentError
from reelqueue.models.cost import Cost
from reelqueue.models.prices import PriceTable
from reelqueue.providers.alignment.aligner import Aligner
from reelqueue.providers.alignment.sound import joined
from reelqueue.providers.gemini.answer import blobs_of
from reelqueue.providers.gemini.client import GeminiClient
from reelqueue.providers.gemini.model import AT_ONCE, NAME, voice_model
from reelqueue.providers.gemini.room import room_for
from reelqueue.providers.gemini.speech_text import pieces_of, spoken_text
from reelqueue.providers.gemini.tariff import AUDIO, INPUT, Tariff, paid, tokens_from_above
from reelqueue.providers.gemini.voices import USUAL, VOICES, voice_named
from reelqueue.providers.narration.rate import seconds_of
from reelqueue.providers.protocols import Speaker, SpeechRequest, Spoken
from reelqueue.wording import Text

if TYPE_CHECKING:
    from google.genai import types

CALL_S = 120.0
LANGUAGES = ("zh-TW", "en")
"""Those whose words can be timed: the local voice's reading of the same text is the ruler."""
AUDIO_TOKENS_A_SECOND, SLOWEST, AUDIO_TOKENS = 25, 1.8, 100
"""Of sound; how much longer than by our estimate a voice may take; and of silence around it."""
STYLE_VERSION = 1
"""Part of the voice's version: raise it when the same text would be spoken otherwise."""
STYLES = {
    "zh-TW": "a calm and clear documentary narrator with a Taiwanese Mandarin accent, warm, unhurried, natural",
    "en": "a calm and clear documentary narrator, warm, unhurried, natural",
}
STYLED_SINCE = (3, 8)
"""From this version on a style stands beside the text; older models would read it out."""


class GeminiVoice:
    """See `Voice`."""

    name = "gemini"
    at_once = AT_ONCE

    def __init__(self, client: GeminiClient, model: str, prices: PriceTable) -> None:
        self._client = client
        self._tariff = Tariff(voice_model(model), prices, own=AUDIO)
        self._turns = asyncio.Semaphore(AT_ONCE)
        self.version = f"{model}/style-{STYLE_VERSION}/{USUAL}"

    def turn(self) -> AbstractAsyncContextManager[object]:
        """See `TakesTurns`: four at once."""
        return self._turns

    def cost(self, request: SpeechRequest) -> Cost:
        """See `Voice`."""
        return self._tariff.cost(_most(request))

    def pieces(self, text: str, language: str) -> tuple[str, ...]:
        """See `Voice`: the whole part, where one call can hold it."""
        return pieces_of(text, language)

    def check(self, language: str, voice: str | None) -> None:
        """See `Voice`."""
        if language not in LANGUAGES:
            names = ", ".join(LANGUAGES)
            raise InvalidBrief("language", Text(f"{NAME} 語音目前有 {names}", f"{names} ({NAME}'s voices)"), language)
        if voice_named(voice) is None:
            names = ", ".join(VOICES)
            raise InvalidBrief("voice", Text(f"{NAME} 的語音：{names}", f"one of {NAME}'s voices: {names}"), voice)

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[Speaker]:
        """See `Voice`."""
        async with Aligner() as aligner:
            yield _GeminiSpeaker(self._client, self._tariff, aligner)


class _GeminiSpeaker:
    """See `Speaker`."""

    def __init__(self, client: GeminiClient, tariff: Tariff, aligner: Aligner) -> None:
        self._client = client
        self._tariff = tariff
        self._aligner = aligner

    async def speak(self, request: SpeechRequest, target: Path) -> Spoken:
        """See `Speaker`."""
        await self._client.load()
        from google.genai import types  # noqa: PLC0415 - only what is chosen is loaded

        chosen = voice_named(request.voice)
        if chosen is None:
            raise _unbilled_voice(request.voice)
        config = types.GenerateContentConfig(
            response_modalities=["AUDIO"],
            speech_config=types.SpeechConfig(
                voice_config=types.VoiceConfig(prebuilt_voice_config=types.PrebuiltVoiceConfig(voice_name=chosen))
            ),
        )
        answer = await self._client.generate(self._tariff.model, self._asked(request), config, timeout_s=CALL_S)
        usage = self._tariff.billed(answer)
        sent = target.with_name(target.name + ".sent.part")
        with paid(usage):
            try:
                with room_for(Text("語音", "the voice")):
                    await asyncio.to_thread(lambda: sent.write_bytes(joined(blobs_of(answer, "audio"))))
                speech = await self._aligner.align(sent, request, target)
            finally:
                await asyncio.to_thread(sent.unlink, missing_ok=True)
        return Spoken(speech=speech, usage=usage if usage is not None else self._tariff.usage(_most(request)))

    def _asked(self, request: SpeechRequest) -> "types.Content":
        """The text, read out word for word; how it is to sound stands beside it."""
        from google.genai import types  # noqa: PLC0415 - as in `speak`

        part = types.Part(text=spoken_text(request.text, request.lexicon))
        if self._tariff.model.number >= STYLED_SINCE and request.language in STYLES:
            part.speech_metadata = types.SpeechMetadata(style=STYLES[request.language])
        return types.Content(role="user", parts=[part])


def _most(request: SpeechRequest) -> dict[str, float]:
    text = spoken_text(request.text, request.lexicon)
    seconds = SLOWEST * seconds_of(text, request.language)
    return {
        INPUT: tokens_from_above(text + STYLES.get(request.language, "")),
        AUDIO: round(AUDIO_TOKENS + AUDIO_TOKENS_A_SECOND * seconds),
    }


def _unbilled_voice(name: str | None) -> PermanentError:
    error = PermanentError(Text(f"{NAME} 沒有語音 {name}", f"{NAME} has no voice {name}"))
    error.usage = ()
    return error

"""The voice of a video, piece by piece."""

import asyncio
from collections.abc import Sequence

from jobs.stages import StageRun
from jobs.video.pieces import Tally, kept_or_made
from jobs.video.together import together
from reelqueue.errors import PermanentError
from reelqueue.models.brief import Brief
from reelqueue.models.keys import piece_key
from reelqueue.models.manifest import SpokenPiece
from reelqueue.providers.protocols import Speaker, SpeechRequest, Voice
from reelqueue.wording import Text


def voice_pieces(run: StageRun, text: str, language: str) -> tuple[str, ...]:
    """One part's text, cut as the voice wants it."""
    pieces = run.providers.voice.pieces(text, language)
    if not pieces:
        raise PermanentError(Text("有一段腳本沒有可以唸的文字", "a part of the script has nothing to speak"))
    return pieces


async def speak_all(run: StageRun, cut: Sequence[tuple[str, ...]], language: str, tally: Tally) -> list[tuple[SpokenPiece, ...]]:
    """Every piece of every part, in their order."""
    places = asyncio.Semaphore(run.providers.voice.at_once)
    async with run.providers.voice.open() as speaker:
        texts = [text for part in cut for text in part]
        pieces = iter(await together(run, [_speak(run, speaker, text, language, places, tally) for text in texts]))
    return [tuple(next(pieces) for _ in part) for part in cut]


def speech_request(brief: Brief, text: str, language: str) -> SpeechRequest:
    """What the voice is asked for one piece."""
    return SpeechRequest(text=text, language=language, voice=brief.voice, lexicon=brief.lexicon)


def speech_key(voice: Voice, request: SpeechRequest) -> str:
    """A spoken piece's name."""
    return piece_key({"request": request.model_dump(), "voice": [voice.name, voice.version]})


async def _speak(
    run: StageRun, speaker: Speaker, text: str, language: str, places: asyncio.Semaphore, tally: Tally
) -> SpokenPiece:
    voice = run.providers.voice
    request = speech_request(run.brief, text, language)
    key = speech_key(voice, request)
    name = f"audio/{key}.wav"

    async def holds(piece: SpokenPiece) -> bool:
        return await run.blobs.holds(piece.sound)

    async def make() -> SpokenPiece:
        await run.hold(f"voice {key}")
        part = run.files.audio / f"{key}.{run.project.fence}.part"
        spoken = await run.call(
            f"voice {key}",
            lambda: speaker.speak(request, part),
            cost=voice.cost(request),
            turn=voice.turn,
            billed=lambda one: one.usage,
        )
        return SpokenPiece(key=key, sound=await run.blobs.put(name, part), speech=spoken.speech, usage=spoken.usage)

    async with places:
        piece = await kept_or_made(run, SpokenPiece, f"audio/{key}.json", holds=holds, make=make)
    await tally.add(len(text))
    return piece

"""Word times for a voice that gives none, as its adapter asks for them: the sound is taken in, its words are timed by a child."""

import asyncio
import contextlib
import errno
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import structlog

from reelqueue.errors import DiskFull, TransientError
from reelqueue.models.voice import Speech
from reelqueue.process import ChildFailed
from reelqueue.providers.alignment.intake import take_in
from reelqueue.providers.alignment.places import Places, places
from reelqueue.providers.local.voice import waves
from reelqueue.providers.local.voice.model import Floats
from reelqueue.providers.protocols import SpeechRequest
from reelqueue.wording import Text

STALL_S = 180.0
"""Between two sentences of the reference: each takes 4-8 s on a shared core (measured); a child that is silent for longer hangs."""
_Made = TypeVar("_Made")
log = structlog.get_logger(__name__)


class Aligner:
    """Times words; entered by each stage of a cloud voice, its children shared by all of a process.

    Nothing that befalls a child is an error: the sound is paid for, so it is kept with times by its pauses and lengths.
    """

    def __init__(self) -> None:
        self._places: Places | None = None

    async def __aenter__(self) -> Self:
        """Nothing is started before the first sound."""
        self._places = places()
        self._places.enter()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """The last one that leaves ends the children."""
        if self._places is not None:
            await self._places.leave()
            self._places = None

    async def align(self, sound: Path, request: SpeechRequest, target: Path) -> Speech:
        """Bring a service's sound of `request.text` to the house's rules, and say when its words are heard.

        `sound` is a WAV file of 16 bits, any rate, mono or stereo; it is left as it is.  `target` is written whole or not at
        all: mono, 16-bit, 24 kHz, silence at both ends trimmed to 30 ms, at the common level, below full scale.
        `request.voice` is not used: the reference is the language's own local voice.

        Raises:
            MediaError: the sound is empty, silent, or no WAV file of 16 bits.
            TransientError: it is cut off, or far too short or too long for its text.
            DiskFull: there is no space; nothing was written.
        """
        part = target.with_name(target.name + ".part")
        try:
            with _space():
                heard = await _to_its_end(_taken_in, sound, part)
            speech = await self._timed(heard, part, request)
            with _space():
                await asyncio.to_thread(part.replace, target)
        finally:
            part.unlink(missing_ok=True)
        return speech

    async def _timed(self, heard: Floats, part: Path, request: SpeechRequest) -> Speech:
        asked = {"sound": str(part), "text": request.text, "language": request.language, "lexicon": request.lexicon}
        for again in (True, False):
            try:
                answer = await self._ask(asked)
            except ChildFailed as failure:
                log.warning("a child that times words failed", kind=failure.kind, detail=failure.detail, again=again)
                if again and failure.kind in {"exit", "signal"}:
                    continue
                return await asyncio.to_thread(_estimated, heard, request.text)
            except OSError as failure:
                log.warning("no child that times words could be started", detail=str(failure))
                return await asyncio.to_thread(_estimated, heard, request.text)
            if "refused" in answer:
                raise _implausible(Text(*answer["refused"]))
            log.debug("words are timed", by=answer["by"])
            return Speech.model_validate(answer["speech"])
        raise AssertionError

    async def _ask(self, asked: dict[str, Any]) -> dict[str, Any]:
        if self._places is None:
            raise RuntimeError("an Aligner is entered before it is asked")
        place = await self._places.free.get()
        whole = False
        try:
            answer = await (await place.child()).ask_one(asked, stall_s=STALL_S)
            whole = True
        except ChildFailed as failure:
            whole = failure.kind == "answer"
            raise
        finally:
            try:
                if not whole:  # it died, or we were cancelled in the middle of its answer
                    await place.close()
            finally:
                self._places.free.put_nowait(place)
        return answer


async def _to_its_end(work: Callable[..., _Made], *arguments: Any) -> _Made:
    """Work in a thread, waited for even when we are cancelled: it would write its file after we cleaned up."""
    running = asyncio.ensure_future(asyncio.to_thread(work, *arguments))
    try:
        return await asyncio.shield(running)
    finally:
        await asyncio.gather(running, return_exceptions=True)


def _taken_in(sound: Path, part: Path) -> Floats:
    heard = take_in(sound)
    part.write_bytes(waves.wav(heard))
    return heard


def _estimated(heard: Floats, text: str) -> Speech:
    from reelqueue.providers.alignment import estimate, times  # noqa: PLC0415 - the readers of text are only rarely needed here

    try:
        return times.speech(text, times.by_estimate(estimate.plain(text), heard))
    except times.Implausible as error:
        raise _implausible(error.text) from None


def _implausible(why: Text) -> TransientError:
    return TransientError(
        why,
        Text(
            "會自動重試；若一再發生，請換一個聲音或語音型號", "it is retried; if it stays so, choose another voice or voice model"
        ),
    )


@contextlib.contextmanager
def _space() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        raise DiskFull(Text("磁碟已滿，語音沒有寫入", "the disk is full; the voice was not written")) from error

"""What a script still has to be made of, and what that will cost: looked up piece by piece, nothing is made.

The names of pieces are the stage's own (`jobs/video/*`), so what is said here is what the stage will find.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from jobs.estimate import Estimate, priced
from jobs.video.images import image_record, image_requests, named_requests, spread_places
from jobs.video.pieces import record_of
from jobs.video.presenters import presenter_key, presenter_request
from jobs.video.speech import speech_key, speech_request
from reelqueue.media.image import given_pictures
from reelqueue.models.brief import Brief
from reelqueue.models.frozen import Frozen
from reelqueue.models.manifest import PresentedPiece, ShownPiece, SpokenPiece
from reelqueue.models.project import Artifact
from reelqueue.models.script import Script
from reelqueue.providers.protocols import ImageMaker, ImageRequest, PresenterRequest, Providers, SpeechRequest
from storage import Blobs

Piece = TypeVar("Piece", bound=Frozen)


@dataclass(frozen=True, slots=True)
class Ahead:
    """What has to be made: pictures by a service or scenes to be drawn, pieces of voice, presenters."""

    pictures: tuple[ImageRequest, ...]
    voice: tuple[SpeechRequest, ...]
    presenters: tuple[PresenterRequest, ...]

    def price(self, providers: Providers) -> Estimate:
        """What of it will be paid for, each call at what it may take at most."""
        kinds = (
            (providers.image, "image", [request for request in self.pictures if request.role == "segment"]),
            (providers.voice, "voice", self.voice),
            (providers.presenter, "presenter", self.presenters),
        )
        return priced(kinds)


async def look_ahead(script: Script, brief: Brief, providers: Providers, root: Path) -> Ahead:
    """What of a script is not there yet in the project's folder `root`; `brief` has its channel's wishes filled in.

    Raises:
        StorageUnavailable: the disk does not answer.
    """
    look = _Look(script, brief, providers, Blobs(root))
    return Ahead(
        pictures=tuple([request async for request in look.pictures()]),
        voice=tuple([request async for request in look.voice()]),
        presenters=tuple([request async for request in look.presenters()]),
    )


@dataclass(frozen=True, slots=True)
class _Look:
    script: Script
    brief: Brief
    providers: Providers
    blobs: Blobs

    async def pictures(self) -> AsyncIterator[ImageRequest]:
        own = await asyncio.to_thread(given_pictures, self.brief.images, self.brief.images_dir)
        theirs = {*spread_places(len(own), len(self.script.segments))} if own else set()
        theirs |= {segment.index + 1 for segment in self.script.segments if segment.picture is not None}
        requests = image_requests(self.brief, self.script)
        for request, shared in named_requests(self.providers.image, requests):
            maker = self.providers.image if request.role == "segment" else self.providers.stand_in
            if request.index not in theirs and not await self._is_shown(maker, request, shared):
                yield request

    async def _is_shown(self, maker: ImageMaker, request: ImageRequest, shared: str | None) -> bool:
        for name in (image_record(maker, request), shared):
            piece = await self._kept(ShownPiece, name) if name is not None else None
            if piece is not None and await self._holds(piece.picture):
                return True
        return False

    async def voice(self) -> AsyncIterator[SpeechRequest]:
        seen = set[str]()
        for text in self.script.texts:
            for request in self._spoken_of(text):
                key = speech_key(self.providers.voice, request)
                if key not in seen and await self._spoken(request) is None:
                    yield request
                seen.add(key)

    async def presenters(self) -> AsyncIterator[PresenterRequest]:
        ends = (("intro", self.script.intro), ("outro", self.script.outro)) if self.brief.presenter else ()
        for role, part in ends:
            spoken = [await self._spoken(request) for request in self._spoken_of(part.text)]
            known = [piece for piece in spoken if piece is not None]
            request = presenter_request(self.script, role, known)
            if len(known) < len(spoken):
                yield request.replace(duration_s=part.duration)  # an estimate: it is not spoken yet
            elif not await self._is_presented(request, known):
                yield request

    async def _is_presented(self, request: PresenterRequest, spoken: Sequence[SpokenPiece]) -> bool:
        key = presenter_key(self.providers.presenter, request, spoken)
        piece = await self._kept(PresentedPiece, f"avatars/{key}.json")
        return piece is not None and await self._holds(piece.clip)

    def _spoken_of(self, text: str) -> list[SpeechRequest]:
        pieces = self.providers.voice.pieces(text, self.script.language)
        return [speech_request(self.brief, piece, self.script.language) for piece in pieces]

    async def _spoken(self, request: SpeechRequest) -> SpokenPiece | None:
        piece = await self._kept(SpokenPiece, f"audio/{speech_key(self.providers.voice, request)}.json")
        return piece if piece is not None and await self._holds(piece.sound) else None

    async def _kept(self, model: type[Piece], name: str) -> Piece | None:
        return record_of(model, await self.blobs.peek(name))

    async def _holds(self, file: Artifact | None) -> bool:
        return file is None or await self.blobs.holds(file)

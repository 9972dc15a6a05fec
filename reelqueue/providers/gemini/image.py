"""Pictures by Gemini: one call for each, the bytes re-encoded by us before anything else reads them."""

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path

from aiolimiter import AsyncLimiter

from reelqueue.errors import InvalidBrief, ServiceUnavailable
from reelqueue.media.image import INGEST_VERSION, ingest
from reelqueue.models.cost import Cost
from reelqueue.models.prices import PriceTable
from reelqueue.models.scene import Layout, SceneSpec
from reelqueue.providers.gemini.answer import blobs_of
from reelqueue.providers.gemini.client import GeminiClient
from reelqueue.providers.gemini.errors import AGAIN
from reelqueue.providers.gemini.model import AT_ONCE, NAME, image_model
from reelqueue.providers.gemini.picture_prompt import PICTURE_PROMPT_VERSION, picture_prompt
from reelqueue.providers.gemini.room import room_for
from reelqueue.providers.gemini.tariff import IMAGE, INPUT, OUTPUT, Tariff, paid, tokens_from_above
from reelqueue.providers.protocols import ImageMaker, ImageRequest, MadeImage
from reelqueue.wording import Text

CALL_S = 120.0
FULL_PX = 1_024
"""From this long side on a picture fills the frame, which it was made for; a smaller one than was asked for is framed."""
IMAGE_TOKENS, BESIDE_TOKENS = 1_680, 2_048
"""A picture of 2K; what may be thought and said beside it.  The first is documented, the second chosen."""


class GeminiImageMaker:
    """See `ImageMaker`.  `words` finds what stands beside the picture; at most four calls at once, `per_minute` of them evenly."""

    name = "gemini"

    def __init__(self, client: GeminiClient, model: str, prices: PriceTable, *, words: ImageMaker, per_minute: int) -> None:
        self._client = client
        self._tariff = Tariff(image_model(model), prices, own=IMAGE)
        self._words = words
        self._size = "1K" if "-lite" in model else "2K"  # the lite models make no other
        self._places = asyncio.Semaphore(AT_ONCE)
        self._pace = AsyncLimiter(1, 60 / per_minute)  # evenly: a burst and its refill would pass the limit within a minute
        self.version = f"{model}/{self._size}/prompt-{PICTURE_PROMPT_VERSION}/ingest-{INGEST_VERSION}/words-{words.version}"

    def turn(self) -> AbstractAsyncContextManager[object]:
        """See `TakesTurns`."""
        return self._turn()

    @contextlib.asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        async with self._places, self._pace:
            yield

    def cost(self, request: ImageRequest) -> Cost:
        """See `ImageMaker`."""
        return self._tariff.cost(_most(request))

    def asked(self, request: ImageRequest) -> str:
        """See `ImageMaker`: the words around it are found here, and are none of the picture's."""
        return picture_prompt(request)

    async def make_image(self, request: ImageRequest, folder: Path) -> MadeImage:
        """See `ImageMaker`."""
        await self._client.load()
        from google.genai import types  # noqa: PLC0415 - only what is chosen is loaded

        words = (await self._words.make_image(request, folder)).scene
        config = types.GenerateContentConfig(
            response_modalities=["IMAGE"],
            image_config=types.ImageConfig(aspect_ratio=request.aspect, image_size=self._size),
        )
        answer = await self._client.generate(self._tariff.model, picture_prompt(request), config, timeout_s=CALL_S)
        usage = self._tariff.billed(answer)
        with paid(usage):
            data, _ = blobs_of(answer, "image")[-1]  # where there are several, the last one is the finished one
            name, width, height = await _kept(data, folder)
        layout: Layout = "picture-full" if max(width, height) >= FULL_PX else "picture-print"
        scene = SceneSpec(
            text=request.text, language=request.language, candidates=(layout,), title=words.title, subject=words.subject,
            picture=name, picture_width=width, picture_height=height,
        )  # fmt: skip
        return MadeImage(scene=scene, usage=usage if usage is not None else self._tariff.usage(_most(request)))


def _most(request: ImageRequest) -> dict[str, float]:
    return {INPUT: tokens_from_above(picture_prompt(request)), OUTPUT: BESIDE_TOKENS, IMAGE: IMAGE_TOKENS}


async def _kept(data: bytes, folder: Path) -> tuple[str, int, int]:
    """The picture re-encoded in `folder`: its name there, width and height in px.

    Raises:
        ServiceUnavailable: the bytes are no picture.  DiskFull: nothing was written.
    """
    token = secrets.token_hex(8)
    sent, part = folder / f"{token}.sent.part", folder / f"{token}.part"
    try:
        with room_for(Text("圖片", "the picture")):
            await asyncio.to_thread(sent.write_bytes, data)
        try:
            made = await ingest(sent, part)
        except InvalidBrief as error:
            raise _no_picture(error.given.partition(": ")[2]) from error
        name = f"{token}.{made.suffix}.part"
        await asyncio.to_thread(part.rename, folder / name)
    finally:
        await asyncio.to_thread(_gone, sent, part)
    return name, made.width, made.height


def _gone(*files: Path) -> None:
    for file in files:
        file.unlink(missing_ok=True)


def _no_picture(why: str) -> ServiceUnavailable:
    return ServiceUnavailable(
        Text(f"{NAME} 傳回的不是可用的圖片（{why}）", f"what {NAME} sent is no picture that can be used ({why})"), AGAIN
    )

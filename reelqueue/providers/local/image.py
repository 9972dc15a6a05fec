"""The local image maker: a part's words become a scene to be drawn; no key, no network, deterministic."""

import asyncio
from pathlib import Path

from reelqueue.models.scene import SceneSpec
from reelqueue.providers.local.free import Free
from reelqueue.providers.protocols import ImageRequest, MadeImage


class LocalImageMaker(Free):
    """See `ImageMaker`.  Writes no file: what it returns is drawn in render's child, which knows neighbours and word times."""

    name = "local"
    version = "2"

    def asked(self, request: ImageRequest) -> None:
        """See `ImageMaker`: a scene shows the words."""

    async def make_image(self, request: ImageRequest, folder: Path) -> MadeImage:  # noqa: ARG002 - no picture is written
        """See `ImageMaker`; takes milliseconds, in a thread: the first call loads the word list."""
        return MadeImage(scene=await asyncio.to_thread(_scene, request))


def _scene(request: ImageRequest) -> SceneSpec:
    from reelqueue.providers.local.image_scene import scene_of  # noqa: PLC0415 - its word list holds up no worker's start

    return scene_of(request)

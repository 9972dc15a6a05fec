"""The local image maker: a part's words become a scene to be drawn; no key, no network, deterministic."""

import asyncio
from pathlib import Path

from reelqueue.models.scene import SceneSpec
from reelqueue.providers.protocols import ImageRequest


class LocalImageMaker:
    """See `ImageMaker`.  Writes no file: what it returns is drawn in render's child, which knows neighbours and word times."""

    name = "local"
    version = "2"

    async def make_image(self, request: ImageRequest, folder: Path) -> SceneSpec:  # noqa: ARG002 - no picture is written
        """See `ImageMaker`; takes milliseconds, in a thread: the first call loads the word list."""
        return await asyncio.to_thread(_scene, request)


def _scene(request: ImageRequest) -> SceneSpec:
    from reelqueue.providers.local.image_scene import scene_of  # noqa: PLC0415 - its word list holds up no worker's start

    return scene_of(request)

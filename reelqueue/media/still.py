"""The thumbnail as a file: drawn and compressed in a child process."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from reelqueue.art.fonts import use_font_dir
from reelqueue.art.raster import rasterise
from reelqueue.art.style import Style
from reelqueue.art.thumbnail import HEIGHT, WIDTH, draw_thumbnail
from reelqueue.errors import MediaError
from reelqueue.media.refusal import answers, refusal
from reelqueue.models.frozen import Frozen
from reelqueue.models.scene import SceneSpec
from reelqueue.models.script import Script
from reelqueue.process import Limits, python_child, serve

THUMBNAIL_VERSION = 2
"""Part of the stage's fingerprint: raised when thumbnails are drawn otherwise."""
MOST_BYTES = 2_000_000
"""YouTube takes no larger thumbnail (2 MB)."""
QUALITIES = (94, 90, 85, 78, 70)
_MODULE = "reelqueue.media.still"
_LIMITS = Limits(memory_bytes=4 * 1024**3, cpu_seconds=120)


class Still(Frozen):
    """A picture that was written."""

    width: int
    height: int
    bytes: int


async def make_thumbnail(
    script: Script, scenes: Sequence[SceneSpec], style: Style, out: Path, *, presenter: bool, font_dir: Path | None = None
) -> Still:
    """Draw the thumbnail into `out`: JPEG, 1280x720, under 2 MB.

    Raises:
        MediaError: it can't be drawn; DiskFull; TransientError: the child died.
    """
    request = {
        "script": script.model_dump(mode="json"),
        "scenes": [scene.model_dump(mode="json") for scene in scenes],
        "style": style.model_dump(mode="json"),
        "presenter": presenter,
        "font_dir": None if font_dir is None else str(font_dir),
        "out": str(out),
    }
    async with python_child(_MODULE, limits=_LIMITS) as child:
        found = [answer async for answer in answers(child, request, stall_s=60)]
    return Still.model_validate(found[-1])


def _draw(request: dict[str, Any]) -> Iterator[dict[str, Any]]:
    font_dir = request["font_dir"]
    try:
        use_font_dir(Path(font_dir) if font_dir else None)
        svg = draw_thumbnail(
            Script.model_validate(request["script"]),
            Style.model_validate(request["style"]),
            [SceneSpec.model_validate(scene) for scene in request["scenes"]],
            presenter=request["presenter"],
        )
        picture = Image.fromarray(rasterise(svg, WIDTH, HEIGHT)[..., :3])
    except MediaError as error:
        yield refusal(error)
        return
    out = Path(request["out"])
    for quality in QUALITIES:
        picture.save(out, "JPEG", quality=quality, subsampling=0, optimize=True, progressive=True)
        if out.stat().st_size < MOST_BYTES:
            break
    yield Still(width=WIDTH, height=HEIGHT, bytes=out.stat().st_size).model_dump()


if __name__ == "__main__":
    serve(_draw)

"""The child that decodes a picture from outside: nothing of such a file is decoded in a worker's own process.

Run as `python -m reelqueue.media.image_child` below limits of memory and time.  It answers `{"picture": ...}`, or
`{"refused": code, "detail": ...}` for a file that is no picture of ours; a crash is seen by the parent.
"""

import io
import os
import stat
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

from reelqueue.process import serve

FORMATS = ("PNG", "JPEG", "WEBP")
MOST_PIXELS = 40_000_000
"""Checked on the header: a 40 Mpx picture takes 160 MB decoded."""
MOST_SIDE = 3840
"""No frame of ours is larger than 1920 px; a camera move needs twice that at most."""
LEAST_SIDE = 16
MOST_FILE_BYTES = 100 * 1024 * 1024
JPEG_QUALITY = 93
PNG_COMPRESSION = 3
"""Of 9: a working file, read once."""


class Refused(Exception):
    """The file is not a picture that we take.  `code` is one of the parent's reasons."""

    def __init__(self, code: str, detail: str = "") -> None:
        self.code = code
        self.detail = detail
        super().__init__(code)


def handle(request: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Re-encode `source` into `target`; `keep_alpha` for a logo."""
    try:
        yield {"picture": convert(Path(request["source"]), Path(request["target"]), keep_alpha=bool(request.get("keep_alpha")))}
    except Refused as refusal:
        yield {"refused": refusal.code, "detail": refusal.detail}


def convert(source: Path, target: Path, *, keep_alpha: bool = False) -> dict[str, Any]:
    """Decode, turn upright, shrink, drop all metadata, write.

    Raises:
        Refused: nothing was written.
    """
    image, lossless = _decoded(source)
    try:
        image = _upright_srgb(image, keep_alpha=keep_alpha)
        image.thumbnail((MOST_SIDE, MOST_SIDE), Image.Resampling.LANCZOS)
    except (OSError, ValueError, SyntaxError) as error:
        raise Refused("broken", str(error)) from error
    image.info = {}  # a JPEG's comment would be written again
    if lossless or image.mode == "RGBA":
        image.save(target, format="PNG", compress_level=PNG_COMPRESSION)
        suffix = "png"
    else:
        image.save(target, format="JPEG", quality=JPEG_QUALITY, subsampling=0)
        suffix = "jpg"
    return {"suffix": suffix, "width": image.width, "height": image.height}


def _decoded(source: Path) -> tuple[Image.Image, bool]:
    """The picture, and whether its file was a lossless one."""
    warnings.simplefilter("error", Image.DecompressionBombWarning)
    Image.MAX_IMAGE_PIXELS = MOST_PIXELS
    try:
        image = Image.open(io.BytesIO(_bytes_of(source)), formats=FORMATS)
        if image.width * image.height > MOST_PIXELS:
            raise Refused("too_large", f"{image.width} x {image.height}")
        if min(image.size) < LEAST_SIDE:
            raise Refused("too_small", f"{image.width} x {image.height}")
        lossless = image.format == "PNG"
        image.draft("RGB", (MOST_SIDE, MOST_SIDE))  # JPEG only: decodes at a half or a quarter where that suffices
        image.load()
    except UnidentifiedImageError as error:
        raise Refused("not_a_picture") from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning, MemoryError) as error:
        raise Refused("too_large", str(error)) from error
    except (OSError, ValueError, SyntaxError, EOFError, IndexError, KeyError) as error:  # what Pillow's decoders raise on damage
        raise Refused("broken", str(error)) from error
    return image, lossless


def _bytes_of(source: Path) -> bytes:
    """The file's content; a pipe or a device is never waited for."""
    try:
        handle_ = os.open(source, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError as error:
        raise Refused("missing") from error
    except OSError as error:
        raise Refused("unreadable", error.strerror or "") from error
    with os.fdopen(handle_, "rb", closefd=True) if stat.S_ISREG(os.fstat(handle_).st_mode) else _not_a_file(handle_) as file:
        size = os.fstat(file.fileno()).st_size
        if size == 0:
            raise Refused("empty")
        if size > MOST_FILE_BYTES:
            raise Refused("too_large", f"{size:,} bytes")
        return file.read()


def _not_a_file(descriptor: int) -> io.BufferedReader:
    os.close(descriptor)
    raise Refused("not_a_file")


def _upright_srgb(image: Image.Image, *, keep_alpha: bool) -> Image.Image:
    """The picture as its viewer sees it: EXIF's turn applied, in sRGB, without transparency but for a logo."""
    profile = image.info.get("icc_profile")
    image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I;16") or image.mode == "I":
        image = image.point(lambda value: value / 256).convert("L")
    see_through = image.mode in {"RGBA", "LA", "PA", "La", "RGBa"} or "transparency" in image.info
    if profile and image.mode in {"RGB", "RGBA", "CMYK", "L"}:
        image = _to_srgb(image, profile)
    if not see_through:
        return image.convert("RGB")
    image = image.convert("RGBA")
    if keep_alpha:
        return image
    paper = Image.new("RGB", image.size, "white")
    paper.paste(image, mask=image.getchannel("A"))
    return paper


def _to_srgb(image: Image.Image, profile: bytes) -> Image.Image:
    """Colours of another space in sRGB; a profile that makes no sense is left aside, as browsers do."""
    mode = "RGBA" if image.mode == "RGBA" else "RGB"
    try:
        made = ImageCms.profileToProfile(
            image, ImageCms.ImageCmsProfile(io.BytesIO(profile)), ImageCms.createProfile("sRGB"), outputMode=mode
        )
    except (ImageCms.PyCMSError, OSError, ValueError):
        return image
    return made or image


if __name__ == "__main__":
    serve(handle)

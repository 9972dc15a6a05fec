"""Reading a user's picture for a scene: its size, and small copies to be laid into an SVG."""

import base64
import io
from pathlib import Path

from PIL import Image, ImageEnhance, ImageFilter

from reelqueue.art.layers import Window

FORMATS = ("PNG", "JPEG")
"""What a picture of a scene is encoded as, whatever it came as: nothing else is opened."""


def embedded(path: Path, *, width: int, height: int, blur: float = 0.0, dim: float = 1.0, enlarged: int = 1) -> str:
    """The picture, cropped to the shape of `width` x `height`, as a data URI of about that size.

    `blur` is a radius in px, `dim` multiplies its brightness; at last it is made `enlarged` times as wide and high.

    Raises:
        OSError: it can't be read, or it is no picture.
    """
    with Image.open(path, formats=FORMATS) as opened:
        opened.draft("RGB", (width, height))
        picture = opened.convert("RGB")
    share = max(width / picture.width, height / picture.height)
    picture = picture.resize(
        (max(width, round(picture.width * share)), max(height, round(picture.height * share))), Image.Resampling.LANCZOS
    )
    left, top = (picture.width - width) // 2, (picture.height - height) // 2
    picture = picture.crop((left, top, left + width, top + height))
    if blur:
        picture = picture.filter(ImageFilter.GaussianBlur(blur))
    if dim != 1.0:
        picture = ImageEnhance.Brightness(picture).enhance(dim)
    if enlarged != 1:
        picture = picture.resize((width * enlarged, height * enlarged), Image.Resampling.BICUBIC)
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=90)
    return "data:image/jpeg;base64," + base64.b64encode(out.getvalue()).decode()


def logo(path: Path, *, width: int, height: int) -> tuple[str, int, int]:
    """A logo with its transparency as a data URI, not larger than the box, and its size.  OSError as above."""
    with Image.open(path, formats=FORMATS) as opened:
        picture = opened.convert("RGBA")
    picture.thumbnail((width, height), Image.Resampling.LANCZOS)
    out = io.BytesIO()
    picture.save(out, "PNG")
    return "data:image/png;base64," + base64.b64encode(out.getvalue()).decode(), picture.width, picture.height


def picture_size(path: Path) -> tuple[int, int]:
    """Width and height in px.  OSError as above."""
    with Image.open(path, formats=FORMATS) as opened:
        return opened.size


def widest(picture: tuple[int, int], frame: tuple[int, int]) -> float:
    """The width of the largest window of the frame's shape, as a fraction of the picture's width."""
    return min(1.0, (frame[0] / frame[1]) * picture[1] / picture[0])


def window(picture: tuple[int, int], frame: tuple[int, int], *, share: float, x: float, y: float) -> Window:
    """A window of `share` of the largest one, at `x`, `y` (0-1: from the left to the right edge) of what it can move."""
    width = widest(picture, frame) * share
    height = width * picture[0] / picture[1] * frame[1] / frame[0]
    return Window(width / 2 + (1 - width) * x, height / 2 + (1 - height) * y, width)

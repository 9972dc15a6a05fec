"""The sandbox's presenter: a simple drawn face, of which eyes and mouth move."""

import functools
import random
from collections.abc import Callable
from urllib.parse import urlsplit

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFilter

from reelqueue.sandbox.gemini.prompt import seed_of

SIZE = 512
MARGIN = 16
"""The drawing is larger by this on each side, so that the head can sway."""
MOUTHS = 6
"""Openings of the mouth, 0 being closed."""

Pixels = npt.NDArray[np.uint8]
_Box = Callable[[float, float, float, float], tuple[float, float, float, float]]

_SKINS = ("f2c9a5", "e0ac7e", "c98f62", "a86f47", "7d4f33")
_HAIRS = ("2a1d17", "4b3024", "14151a", "7a5230", "8d8d92")
_CLOTHES = ("33557a", "7a3344", "2f6b58", "54487a", "8a6a2d")
_WALLS = (("dfe7ee", "b9c8d6"), ("efe6da", "d3c2ab"), ("e2ecdf", "bccfb8"), ("e9e1ee", "c6b6d3"))


@functools.lru_cache(maxsize=64)
def face(source: str, mouth: int, *, blink: bool) -> Pixels:
    """The face that belongs to a source picture's address, `SIZE` plus margins square, with its mouth `mouth` open."""
    dice = random.Random(seed_of(urlsplit(source).path))  # noqa: S311  # the same source, the same face
    skin, hair, cloth = (_rgb(dice.choice(colours)) for colours in (_SKINS, _HAIRS, _CLOTHES))
    wall = [_rgb(colour) for colour in dice.choice(_WALLS)]
    long_hair = dice.random() < 0.5
    side = SIZE + 2 * MARGIN
    scale = 2 * side / 544
    picture = _wall(2 * side, *wall)
    pen = ImageDraw.Draw(picture)

    def box(left: float, top: float, right: float, bottom: float) -> tuple[float, float, float, float]:
        return (left * scale, top * scale, right * scale, bottom * scale)

    shade = _mixed(skin, (90, 40, 30), 0.25)
    if long_hair:
        pen.rounded_rectangle(box(146, 120, 398, 410), 110 * scale, fill=hair)
    pen.ellipse(box(60, 405, 484, 760), fill=cloth)
    pen.rounded_rectangle(box(226, 340, 318, 450), 40 * scale, fill=shade)
    pen.ellipse(box(162, 100, 382, 400), fill=skin)
    pen.ellipse(box(148, 230, 178, 290), fill=skin)
    pen.ellipse(box(366, 230, 396, 290), fill=skin)
    pen.chord(box(152, 84, 392, 330), 180, 360, fill=hair)
    pen.pieslice(box(172, 150, 372, 270), 180, 360, fill=skin)
    for eye in (222, 322):
        pen.arc(box(eye - 30, 196, eye + 30, 240), 205, 335, fill=hair, width=round(6 * scale))
        if blink:
            pen.arc(box(eye - 18, 228, eye + 18, 254), 20, 160, fill=_mixed(skin, (0, 0, 0), 0.6), width=round(4 * scale))
        else:
            pen.ellipse(box(eye - 19, 228, eye + 19, 258), fill=(252, 252, 250))
            pen.ellipse(box(eye - 9, 232, eye + 9, 254), fill=_mixed(hair, (30, 60, 80), 0.5))
            pen.ellipse(box(eye - 4, 234, eye + 2, 240), fill=(255, 255, 255))
    pen.arc(box(258, 262, 288, 298), 30, 150, fill=shade, width=round(5 * scale))
    _mouth(pen, box, mouth, shade)
    return np.asarray(picture.resize((side, side), Image.Resampling.LANCZOS))


def _mouth(pen: ImageDraw.ImageDraw, box: _Box, mouth: int, shade: tuple[int, int, int]) -> None:
    lip = _mixed(shade, (170, 40, 50), 0.6)
    if mouth == 0:
        pen.chord(box(238, 322, 306, 348), 10, 170, fill=lip)
        return
    half, high = 34 - 1.5 * mouth, 5 + 6 * mouth
    pen.ellipse(box(272 - half - 4, 336 - high * 0.45 - 4, 272 + half + 4, 336 + high * 0.75 + 5), fill=lip)
    pen.ellipse(box(272 - half, 336 - high * 0.45, 272 + half, 336 + high * 0.75), fill=(70, 20, 26))
    pen.chord(box(272 - half * 0.8, 336 - high * 0.45, 272 + half * 0.8, 336 + high * 0.2), 180, 360, fill=(246, 242, 236))


def _wall(side: int, light: tuple[int, int, int], dark: tuple[int, int, int]) -> Image.Image:
    column = np.linspace(0, 1, side)[:, None, None] * (np.array(dark) - np.array(light)) + np.array(light)
    wall = Image.fromarray(np.repeat(column, side, axis=1).astype(np.uint8))
    pen = ImageDraw.Draw(wall)
    pen.rectangle((side * 0.68, -9, side * 0.9, side * 0.5), fill=light, outline=dark, width=round(side * 0.012))
    return wall.filter(ImageFilter.GaussianBlur(side / 90))


def _rgb(code: str) -> tuple[int, int, int]:
    return int(code[:2], 16), int(code[2:4], 16), int(code[4:], 16)


def _mixed(one: tuple[int, int, int], other: tuple[int, int, int], share: float) -> tuple[int, int, int]:
    return (
        round(one[0] + (other[0] - one[0]) * share),
        round(one[1] + (other[1] - one[1]) * share),
        round(one[2] + (other[2] - one[2]) * share),
    )

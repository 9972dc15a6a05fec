"""What the sandbox's pictures show: hills, a sea, a town, a wood, or shapes.  Each scene is painted small and finished large.

A painter fills an array; a finisher draws what must be crisp on the enlarged picture.  All of it follows from the dice.
"""

import math
import random
import re
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw

from reelqueue.sandbox.gemini.canvas import MOODS, Colour, Mood, Paint, clouds, fill_below, glow, mixed, sky, turned, wavy

Finish = Callable[[Image.Image], None]
Scene = Callable[[int, int, Mood, random.Random], tuple[Paint, Finish]]


def scene_for(prompt: str, dice: random.Random) -> Scene:
    """The scene whose words stand in the prompt first; any of them where none does."""
    found = [(match.start(), scene) for scene, words in SCENES if (match := re.search(words, prompt, re.IGNORECASE))]
    return min(found, key=lambda one: one[0])[1] if found else dice.choice([scene for scene, _ in SCENES])


def mood_for(dice: random.Random) -> Mood:
    """Any mood, its hues turned a little."""
    return turned(dice.choice(MOODS), dice.uniform(-0.06, 0.06))


def hills(width: int, height: int, mood: Mood, dice: random.Random) -> tuple[Paint, Finish]:
    """Ridges behind ridges under a low sun."""
    horizon = dice.uniform(0.45, 0.6)
    paint = sky(width, height, mood, horizon)
    short = min(width, height)
    glow(
        paint,
        width * dice.uniform(0.2, 0.8),
        height * horizon * dice.uniform(0.45, 0.85),
        short * dice.uniform(0.04, 0.08),
        mood.light,
        halo=0.5,
    )
    clouds(paint, dice, mood.light, int(height * horizon))
    count = dice.randint(4, 6)
    line = wavy(width, dice, 0.5)
    for place in range(count):
        share = (place + 1) / count
        line = height * (horizon + (0.92 - horizon) * share**1.3) + wavy(width, dice, 0.5 - 0.08 * share) * height * 0.07
        fill_below(paint, line, mixed(mood.horizon, mood.near, 0.25 + 0.75 * share), haze=mixed(mood.horizon, mood.near, 0.15))
    nearest = line

    def finish(picture: Image.Image) -> None:
        pen, scale = ImageDraw.Draw(picture), picture.width / width
        for _ in range(dice.randint(8, 30)):
            x = dice.randrange(width)
            _fir(
                pen,
                x * scale,
                float(nearest[x]) * scale,
                short * scale * dice.uniform(0.05, 0.12),
                _ink(mixed(mood.near, (0, 0, 0), 0.25)),
            )
        _birds(pen, picture, dice, _ink(mood.near))

    return paint, finish


def sea(width: int, height: int, mood: Mood, dice: random.Random) -> tuple[Paint, Finish]:
    """Water with the light's road on it, an island and sails."""
    horizon = dice.uniform(0.48, 0.62)
    level = int(height * horizon)
    paint = sky(width, height, mood, horizon)
    sun_x = width * dice.uniform(0.25, 0.75)
    glow(paint, sun_x, level * dice.uniform(0.5, 0.9), min(width, height) * 0.06, mood.light, halo=0.55)
    clouds(paint, dice, mood.light, level)
    island = np.where(np.abs(np.linspace(-1, 1, width) - dice.uniform(-0.7, 0.7)) < dice.uniform(0.25, 0.5), 1.0, 0.0)
    shore = level - np.convolve(island, np.hanning(width // 4) / (width // 8), "same") * height * 0.12 * (
        1 + 0.25 * wavy(width, dice, 0.5)
    )
    fill_below(paint[:level], shore.astype(np.float32), mixed(mood.horizon, mood.near, 0.55))
    depth = np.linspace(0, 1, height - level, dtype=np.float32)[:, None, None]
    water = (
        np.array(mixed(mood.horizon, mood.top, 0.45), np.float32) * (1 - depth)
        + np.array(mixed(mood.top, mood.near, 0.5), np.float32) * depth
    )
    paint[level:] = np.broadcast_to(water, paint[level:].shape)

    def finish(picture: Image.Image) -> None:
        pen, scale = ImageDraw.Draw(picture, "RGBA"), picture.width / width
        for _ in range(420):
            down = dice.random() ** 1.6
            y = (level + down * (height - level)) * scale
            spread = (0.03 + 0.22 * down) * picture.width
            x = dice.gauss(sun_x * scale, spread) if dice.random() < 0.7 else dice.uniform(0, picture.width)
            length = picture.width * (0.006 + 0.05 * down) * dice.uniform(0.4, 1.2)
            pen.line(
                (x - length, y, x + length, y),
                fill=(*_ink(mood.light), dice.randint(25, 110)),
                width=max(1, round(scale * (1 + 3 * down))),
            )
        for _ in range(dice.randint(1, 3)):
            down = dice.uniform(0.04, 0.3)
            _sail(
                pen,
                dice.uniform(0.1, 0.9) * picture.width,
                (level + down * (height - level)) * scale,
                height * scale * (0.05 + 0.35 * down),
                mood,
            )
        _birds(pen, picture, dice, _ink(mood.near))

    return paint, finish


def town(width: int, height: int, mood: Mood, dice: random.Random) -> tuple[Paint, Finish]:
    """Rows of houses, the nearest with lit windows."""
    horizon = dice.uniform(0.65, 0.75)
    paint = sky(width, height, mood, horizon)
    glow(
        paint,
        width * dice.uniform(0.15, 0.85),
        height * dice.uniform(0.15, 0.4),
        min(width, height) * 0.06,
        mood.light,
        halo=0.35,
    )
    clouds(paint, dice, mood.light, int(height * horizon))
    fill_below(paint, height * 0.66 + wavy(width, dice, 0.45) * height * 0.05, mixed(mood.horizon, mood.near, 0.3))

    def finish(picture: Image.Image) -> None:
        pen = ImageDraw.Draw(picture)
        for row in range(3):
            x = -picture.width * 0.02
            wall = mixed(mood.horizon, mood.near, 0.5 + 0.25 * row)
            while x < picture.width:
                wide = picture.width * dice.uniform(0.03, 0.08) * (1 + 0.4 * row) * (1 if picture.width > picture.height else 1.6)
                top = picture.height * (dice.uniform(0.32, 0.6) + 0.13 * row)
                _house(pen, x, top, wide, picture.height, mixed(wall, (0, 0, 0), dice.uniform(0, 0.15)), mood, dice, lit=row > 0)
                x += wide * dice.uniform(0.98, 1.25)

    return paint, finish


def wood(width: int, height: int, mood: Mood, dice: random.Random) -> tuple[Paint, Finish]:
    """Trunks in mist, the near ones dark."""
    paint = sky(width, height, turned(mood, 0.02), 0.9)
    glow(paint, width * dice.uniform(0.3, 0.7), height * dice.uniform(0.2, 0.5), min(width, height) * 0.12, mood.light, halo=0.8)

    def finish(picture: Image.Image) -> None:
        pen = ImageDraw.Draw(picture)
        for row in range(5):
            share = (row + 1) / 5
            colour = mixed(mood.horizon, mood.near, 0.2 + 0.8 * share)
            ground = picture.height * (0.68 + 0.26 * share)
            points = [
                (x, ground + math.sin(x / picture.width * 7 + row) * picture.height * 0.015)
                for x in range(0, picture.width + 40, 40)
            ]
            for _ in range(round(16 - 2.4 * row)):
                x, thick = dice.uniform(0, picture.width), picture.width * (0.003 + 0.013 * share) * dice.uniform(0.6, 1.4)
                lean = dice.uniform(-0.4, 0.4) * thick * 4
                pen.polygon(
                    [
                        (x - thick, ground + 9),
                        (x + lean - thick * 0.6, -9),
                        (x + lean + thick * 0.6, -9),
                        (x + thick, ground + 9),
                    ],
                    fill=_ink(colour),
                )
                for _ in range(6):
                    y = dice.uniform(0.05, 0.6) * ground
                    reach, rise = dice.choice((-1, 1)) * thick * dice.uniform(3, 8), thick * dice.uniform(1.5, 4)
                    middle = x + lean * (1 - y / ground)
                    pen.line((middle, y, middle + reach, y - rise), fill=_ink(colour), width=max(2, round(thick * 0.3)))
            pen.polygon([*points, (picture.width, picture.height), (0, picture.height)], fill=_ink(colour))

    return paint, finish


def shapes(width: int, height: int, mood: Mood, dice: random.Random) -> tuple[Paint, Finish]:
    """Discs, rings and bands that lie over each other like coloured glass."""
    paint = sky(width, height, mood, 1.0)
    for place in range(4):
        line = height * (0.35 + 0.17 * place) + wavy(width, dice, 0.3) * height * 0.12
        fill_below(paint, line, mixed(mood.middle, mood.near, 0.2 + 0.2 * place), haze=mood.horizon, depth=0.4)

    def finish(picture: Image.Image) -> None:
        glass = Image.new("RGBA", picture.size)
        pen = ImageDraw.Draw(glass)
        short = min(picture.size)
        for _ in range(dice.randint(7, 12)):
            x, y, radius = dice.uniform(0, picture.width), dice.uniform(0, picture.height), short * dice.uniform(0.06, 0.3)
            colour = (*_ink(dice.choice((mood.light, mood.top, mood.middle, mood.near))), dice.randint(50, 140))
            box = (x - radius, y - radius, x + radius, y + radius)
            if dice.random() < 0.35:
                pen.arc(
                    box, dice.randrange(360), dice.randrange(360, 720), fill=colour, width=round(short * dice.uniform(0.01, 0.03))
                )
            else:
                pen.ellipse(box, fill=colour)
        picture.paste(glass, (0, 0), glass)

    return paint, finish


SCENES: tuple[tuple[Scene, str], ...] = (
    (sea, r"\b(?:sea|ocean|harbou?r|boats?|lake|beach|waves?|lighthouses?|coast|ship)\b|海|港|船|湖|燈塔|浪"),
    (town, r"\b(?:city|town|street|skyline|shop|market|station|buildings?|roofs?|office|factory)\b|城|街|市場|車站|大樓|屋|店"),
    (wood, r"\b(?:forest|wood|trees?|jungle|park|bamboo)\b|森林|樹|竹|公園"),
    (hills, r"\b(?:mountains?|hills?|valley|road|path|field|terraced|village|garden)\b|山|谷|路|田|村|園"),
    (shapes, r"\b(?:abstract|diagram|chart|grid|tiles|concept|data|code|waves of)\b|抽象|圖表|數據|程式|概念"),
)
"""The scenes, and the words that call for each."""


def _ink(colour: Colour) -> tuple[int, int, int]:
    red, green, blue = (max(0, min(255, round(255 * part))) for part in colour)
    return red, green, blue


def _fir(pen: ImageDraw.ImageDraw, x: float, foot: float, size: float, ink: tuple[int, int, int]) -> None:
    for tier in range(3):
        top, half = foot - size * (1 - 0.22 * tier), size * (0.14 + 0.08 * tier)
        pen.polygon([(x, top), (x - half, top + size * 0.5), (x + half, top + size * 0.5)], fill=ink)
    pen.rectangle((x - size * 0.03, foot - size * 0.1, x + size * 0.03, foot + size * 0.15), fill=ink)


def _sail(pen: ImageDraw.ImageDraw, x: float, foot: float, size: float, mood: Mood) -> None:
    pen.polygon([(x, foot - size), (x, foot - size * 0.12), (x + size * 0.5, foot - size * 0.12)], fill=_ink(mood.light))
    pen.polygon(
        [(x - size * 0.05, foot - size * 0.9), (x - size * 0.05, foot - size * 0.12), (x - size * 0.35, foot - size * 0.12)],
        fill=_ink(mixed(mood.light, mood.near, 0.2)),
    )
    pen.polygon(
        [
            (x - size * 0.45, foot - size * 0.1),
            (x + size * 0.55, foot - size * 0.1),
            (x + size * 0.4, foot),
            (x - size * 0.3, foot),
        ],
        fill=_ink(mood.near),
    )


def _birds(pen: ImageDraw.ImageDraw, picture: Image.Image, dice: random.Random, ink: tuple[int, int, int]) -> None:
    middle_x, middle_y = dice.uniform(0.2, 0.8) * picture.width, dice.uniform(0.1, 0.3) * picture.height
    for _ in range(dice.randint(0, 7)):
        x, y = dice.gauss(middle_x, picture.width * 0.05), dice.gauss(middle_y, picture.height * 0.03)
        wing = min(picture.size) * dice.uniform(0.006, 0.014)
        pen.line(
            [(x - wing, y - wing * 0.5), (x, y), (x + wing, y - wing * 0.5)],
            fill=ink,
            width=max(2, round(wing * 0.25)),
            joint="curve",
        )


def _house(
    pen: ImageDraw.ImageDraw,
    x: float,
    top: float,
    wide: float,
    foot: float,
    wall: Colour,
    mood: Mood,
    dice: random.Random,
    *,
    lit: bool,
) -> None:
    ink = _ink(wall)
    if dice.random() < 0.4:
        pen.polygon([(x, top), (x + wide / 2, top - wide * 0.35), (x + wide, top)], fill=ink)
    pen.rectangle((x, top, x + wide, foot), fill=ink)
    if not lit:
        return
    step = wide / dice.choice((3, 4, 5))
    bright, unlit = _ink(mixed(mood.light, (1, 0.8, 0.4), 0.4)), _ink(mixed(wall, mood.horizon, 0.18))
    for row in range(1, int((foot - top) / step)):
        for column in range(round(wide / step)):
            corner_x, corner_y = x + step * (column + 0.28), top + step * (row - 0.4)
            ink = bright if dice.random() < (0.45 if mood.dark else 0.2) else unlit
            pen.rectangle((corner_x, corner_y, corner_x + step * 0.44, corner_y + step * 0.5), fill=ink)

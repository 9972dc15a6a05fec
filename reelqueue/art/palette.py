"""Eight palettes, the five grounds of each, and which colour may lie on which; pure.

Colours are "#RRGGBB" in sRGB.  Contrast is WCAG 2's ratio, 1 to 21.  Hue, lightness and mixing are OKLab
(Björn Ottosson, 2020), where equal steps look equal.
"""

from dataclasses import dataclass
from functools import lru_cache
from math import atan2, cos, degrees, hypot, radians, sin
from typing import Literal, NamedTuple

GroundName = Literal["paper", "card", "ink", "pop", "spark"]

TEXT_CONTRAST = 4.5
"""Least contrast of type under 60 px (WCAG 2, AA)."""
SHAPE_CONTRAST = 3.0
"""Least contrast of shapes, and of type over 60 px (WCAG 2, AA large)."""
MOST_SHIFT = 0.12
"""An accent whose OKLab lightness would move further is no longer the palette's: ink takes its place."""


class Lab(NamedTuple):
    """A colour in OKLab: `l` 0 (black) to 1 (white), `a` green to red, `b` blue to yellow."""

    l: float  # noqa: E741 - the name that the colour space gives it
    a: float
    b: float

    @property
    def chroma(self) -> float:
        """How far from grey: about 0.37 at most in sRGB."""
        return hypot(self.a, self.b)

    @property
    def hue(self) -> float:
        """Degrees, 0-360: red 29, yellow 110, green 142, blue 264."""
        return degrees(atan2(self.b, self.a)) % 360


@dataclass(frozen=True, slots=True)
class Palette:
    """Five colours.  `ink` is the colour of type on `paper`; in the dark palettes paper is dark and ink is light."""

    name: str
    paper: str
    card: str
    ink: str
    pop: str
    spark: str
    topics: tuple[str, ...]

    @property
    def dark(self) -> bool:
        """Whether paper is darker than ink."""
        return to_lab(self.paper).l < to_lab(self.ink).l

    def ground(self, name: GroundName) -> "Ground":
        """What a scene on this ground is drawn with."""
        return _ground(self, name)


@dataclass(frozen=True, slots=True)
class Ground:
    """A ground and what lies on it.

    `text` is ink or paper, whichever contrasts more; `pop` and `spark` are the accents for type (at least 4.5),
    `pop_shape` and `spark_shape` for shapes and type over 60 px (at least 3.0); `muted` is type of second rank
    (at least 4.5).  `object_variant` is "pale" where an object in pop would drown.
    """

    name: GroundName
    fill: str
    text: str
    pop: str
    spark: str
    pop_shape: str
    spark_shape: str
    muted: str
    panel: str

    @property
    def dark(self) -> bool:
        """Whether light type lies on it."""
        return to_lab(self.fill).l < to_lab(self.text).l


PALETTES: tuple[Palette, ...] = (
    Palette("tidewater", "#F4EFE4", "#D3E5E1", "#0F2F38", "#F0694A", "#0E7680", ("sea", "climate")),
    Palette("signal", "#101B30", "#1C2E4C", "#F5F1E6", "#FF6B57", "#FFC857", ("software",)),
    Palette("brick", "#F6EFE3", "#EAD9C2", "#2A1B18", "#B23A2A", "#2C6A68", ("history", "culture")),
    Palette("lamp", "#10251E", "#1B3B2F", "#F3F0E0", "#F3B53F", "#7CCBA6", ("biology", "land")),
    Palette("plum", "#241935", "#382853", "#F8EFF4", "#FF8C61", "#BBA6FF", ("mind", "art")),
    Palette("ledger", "#EEF2F5", "#D5E0EA", "#13233F", "#1B5FC1", "#F2A03D", ("money", "law")),
    Palette("sunroom", "#FFF5E1", "#FFE2B0", "#35261C", "#C8420C", "#1F7F62", ("food", "home")),
    Palette("carbon", "#15171C", "#272A33", "#F4F4EE", "#D9F24F", "#6F92FF", ("physics", "space", "news")),
)
GROUNDS: tuple[GroundName, ...] = ("paper", "card", "ink", "pop", "spark")


def palette_named(name: str) -> Palette:
    """The palette of this name.  KeyError: there is none."""
    return {p.name: p for p in PALETTES}[name]


def to_rgb(colour: str) -> tuple[float, float, float]:
    """Red, green, blue from 0 to 1, gamma-coded; "#RGB" and "#RRGGBB"."""
    digits = colour.removeprefix("#")
    if len(digits) == 3:
        digits = "".join(c * 2 for c in digits)
    return int(digits[0:2], 16) / 255, int(digits[2:4], 16) / 255, int(digits[4:6], 16) / 255


def _linear(c: float) -> float:
    return c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4


def _coded(c: float) -> float:
    return 12.92 * c if c <= 0.0031308 else 1.055 * c ** (1 / 2.4) - 0.055


@lru_cache(maxsize=4096)
def luminance(colour: str) -> float:
    """Relative luminance, 0 (black) to 1 (white)."""
    r, g, b = (_linear(c) for c in to_rgb(colour))
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def contrast(one: str, other: str) -> float:
    """WCAG 2 contrast ratio, 1 to 21."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@lru_cache(maxsize=4096)
def to_lab(colour: str) -> Lab:
    """An sRGB colour in OKLab."""
    r, g, b = (_linear(c) for c in to_rgb(colour))
    # the matrices are Ottosson's, of January 2021
    long = (0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b) ** (1 / 3)
    mid = (0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b) ** (1 / 3)
    short = (0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b) ** (1 / 3)
    return Lab(
        0.2104542553 * long + 0.7936177850 * mid - 0.0040720468 * short,
        1.9779984951 * long - 2.4285922050 * mid + 0.4505937099 * short,
        0.0259040371 * long + 0.7827717662 * mid - 0.8086757660 * short,
    )


def _lab_to_linear(lab: Lab) -> tuple[float, float, float]:
    long = (lab.l + 0.3963377774 * lab.a + 0.2158037573 * lab.b) ** 3
    mid = (lab.l - 0.1055613458 * lab.a - 0.0638541728 * lab.b) ** 3
    short = (lab.l - 0.0894841775 * lab.a - 1.2914855480 * lab.b) ** 3
    return (
        4.0767416621 * long - 3.3077115913 * mid + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * mid - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * mid + 1.7076147010 * short,
    )


def from_lab(lab: Lab) -> str:
    """An OKLab colour in sRGB; where sRGB has no such colour, less chroma at the same lightness and hue."""
    lightness = min(1.0, max(0.0, lab.l))
    low, high = 0.0, 1.0
    if not _in_gamut(lab._replace(l=lightness)):
        for _ in range(18):  # 2^-18 of the chroma is under half a step of 8 bits
            half = (low + high) / 2
            low, high = (half, high) if _in_gamut(Lab(lightness, lab.a * half, lab.b * half)) else (low, half)
        lab = Lab(lightness, lab.a * low, lab.b * low)
    r, g, b = (min(1.0, max(0.0, _coded(max(0.0, c)))) for c in _lab_to_linear(lab._replace(l=lightness)))
    return f"#{round(r * 255):02X}{round(g * 255):02X}{round(b * 255):02X}"


def _in_gamut(lab: Lab) -> bool:
    return all(-1e-4 <= c <= 1.0001 for c in _lab_to_linear(lab))


def mix(one: str, other: str, share: float) -> str:
    """`one` with `share` (0-1) of `other`, in OKLab."""
    a, b = to_lab(one), to_lab(other)
    return from_lab(Lab(*(x + (y - x) * share for x, y in zip(a, b, strict=True))))


def turn(colour: str, degrees_: float) -> str:
    """The colour with its hue turned, lightness and chroma kept."""
    lab = to_lab(colour)
    angle = radians(lab.hue + degrees_)
    return from_lab(Lab(lab.l, lab.chroma * cos(angle), lab.chroma * sin(angle)))


def text_on(fill: str, palette: Palette) -> str:
    """Ink or paper, whichever contrasts more."""
    return max((palette.ink, palette.paper), key=lambda colour: contrast(colour, fill))


def accent_on(colour: str, fill: str, minimum: float = TEXT_CONTRAST, *, instead: str) -> str:
    """`colour`, lighter or darker by the least OKLab step (hue kept) that reaches `minimum` on `fill`.

    Where that takes more than 0.12, `instead` (the ground's text colour) is the answer.
    """
    return shifted(colour, fill, minimum) or instead


@lru_cache(maxsize=2048)
def shifted(colour: str, fill: str, minimum: float) -> str | None:
    """The nearest lightness of `colour` that reaches `minimum` on `fill`; None beyond 0.12."""
    if contrast(colour, fill) >= minimum:
        return colour
    lab = to_lab(colour)
    away = 1 if luminance(fill) < luminance(colour) else -1
    for step in range(1, 61):  # 0.002 each: a third of what an eye tells apart
        for sign in (away, -away):
            moved = from_lab(lab._replace(l=lab.l + sign * step * MOST_SHIFT / 60))
            if contrast(moved, fill) >= minimum:
                return moved
    return None


@lru_cache(maxsize=64)
def _ground(palette: Palette, name: GroundName) -> Ground:
    fill = {"paper": palette.paper, "card": palette.card, "ink": palette.ink, "pop": palette.pop, "spark": palette.spark}[name]
    text = text_on(fill, palette)
    other = palette.paper if text == palette.ink else palette.ink
    panel = {"paper": palette.card, "card": palette.paper, "ink": mix(palette.ink, palette.paper, 0.12)}.get(name, text)
    return Ground(
        name=name,
        fill=fill,
        text=text,
        pop=accent_on(palette.pop, fill, TEXT_CONTRAST, instead=text),
        spark=accent_on(palette.spark, fill, TEXT_CONTRAST, instead=text),
        pop_shape=accent_on(palette.pop, fill, SHAPE_CONTRAST, instead=text),
        spark_shape=accent_on(palette.spark, fill, SHAPE_CONTRAST, instead=text),
        muted=_muted(text, fill),
        panel=panel if contrast(panel, fill) > 1.02 else other,
    )


def _muted(text: str, fill: str) -> str:
    """The text colour with as much of the ground (at most 35 %) as leaves 4.5."""
    for share in (0.35, 0.28, 0.21, 0.14, 0.07):
        softer = mix(text, fill, share)
        if contrast(softer, fill) >= TEXT_CONTRAST:
            return softer
    return text

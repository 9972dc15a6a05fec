"""The one that knows font files: which cut speaks for which role, and the outlines of its glyphs.

A face is two cuts, one for Chinese and one for Latin.  Noto Sans TC (with its Korean and Simplified sisters, for
names only) comes from an installed package; the others lie in `data/fonts`, one static file a cut, made once by the
recipe in its README.  `use_font_dir` puts another folder in front of both: a file of the same name there wins.
"""

from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Literal, NamedTuple

import uharfbuzz as hb

from reelqueue.errors import InstallationError, InvalidSettings
from reelqueue.wording import Text

Pair = Literal["signal", "essay", "round"]
Role = Literal["title", "text", "strong", "numeral", "quote", "code"]

PAIRS: tuple[Pair, ...] = ("signal", "essay", "round")
_COMMITTED = Path(__file__).parent.parent / "data" / "fonts"
_PACKAGE = "justmytype_intl_cjk"
_folders: list[Path] = []


@dataclass(frozen=True, slots=True)
class Cut:
    """One file at one weight.  `weight` is set on the variable files; the static ones carry theirs."""

    file: str
    weight: int | None = None


@dataclass(frozen=True, slots=True)
class Face:
    """What a text is set in: `han` for Chinese and its punctuation, `latin` for the rest.

    `plain` is the face for a whole text where this one lacks a glyph; None where it is itself the plain one.
    """

    role: Role
    han: Cut
    latin: Cut
    plain: "Face | None" = None
    bolder: float = 0.0
    """em of a line around each Chinese letter in its own colour, for a family without a heavy weight."""


@dataclass(frozen=True, slots=True)
class Faces:
    """The faces of a type pair, by what they are for.  `text` is weight 500, `strong` 700."""

    pair: Pair
    title: Face
    text: Face
    strong: Face
    numeral: Face
    quote: Face
    code: Face


class Outline(NamedTuple):
    """A glyph's shape in em, y upwards: its commands, and its ink's box (x0, y0, x1, y1), None for a blank."""

    commands: tuple[tuple[str, tuple[float, ...]], ...]
    box: tuple[float, float, float, float] | None


_SANS = "NotoSansTC[wght].ttf"
_BLACK, _BOLD, _MEDIUM = Cut(_SANS, 900), Cut(_SANS, 700), Cut(_SANS, 500)
_BRICOLAGE = Cut("BricolageGrotesque-ExtraBold.ttf")
_INTER_BOLD, _INTER = Cut("Inter-Bold.ttf"), Cut("Inter-Medium.ttf")
LAST_RESORT: tuple[str, ...] = (_SANS, "NotoSansSC[wght].ttf", "NotoSansKR[wght].ttf", "NotoSansJP[wght].ttf")
"""Where a character is looked for that its face lacks, in this order."""

_PLAIN_TITLE = Face("title", _BLACK, _BRICOLAGE)
_PLAIN_QUOTE = Face("quote", _MEDIUM, _INTER)
_TITLES: dict[Pair, Face] = {
    "signal": _PLAIN_TITLE,
    "essay": Face("title", Cut("NotoSerifTC-Black.ttf"), Cut("Fraunces-Title.ttf"), _PLAIN_TITLE),
    "round": Face("title", Cut("Huninn-Regular.ttf"), Cut("Nunito-Black.ttf"), _PLAIN_TITLE, bolder=0.036),
}


def faces(pair: Pair) -> Faces:
    """The faces of a pair.  Text, figures, quotes and code are the same in all three."""
    return Faces(
        pair=pair,
        title=_TITLES[pair],
        text=Face("text", _MEDIUM, _INTER),
        strong=Face("strong", _BOLD, _INTER_BOLD),
        numeral=Face("numeral", _BLACK, _BRICOLAGE),  # Fraunces' 3 reads as a 5
        quote=Face("quote", Cut("NotoSerifTC-SemiBold.ttf"), Cut("Fraunces-QuoteItalic.ttf"), _PLAIN_QUOTE),
        code=Face("code", _BOLD, Cut("JetBrainsMono-SemiBold.ttf")),
    )


def use_font_dir(folder: Path | None) -> None:
    """Look into `folder` (the setting FONT_DIR) before our own; None: ours only.  Call it before anything is set.

    It holds for this process; a child that draws has to be told again.

    Raises:
        InvalidSettings: it is no folder, or it holds a file of ours by name that is no font.
    """
    if folder is not None and not folder.is_dir():
        raise InvalidSettings("FONT_DIR", Text("一個存在的資料夾", "a folder that exists"), str(folder))
    _folders[:] = [] if folder is None else [folder]
    _face.cache_clear()
    _font.cache_clear()
    outline.cache_clear()
    has_glyph.cache_clear()


def check_fonts() -> None:
    """Open every file that a pair may need.  InstallationError, InvalidSettings: names the one that is missing or broken."""
    for pair in PAIRS:
        group = faces(pair)
        for face in (group.title, group.text, group.strong, group.numeral, group.quote, group.code):
            opened(face.han)
            opened(face.latin)
    for file in LAST_RESORT:
        opened(Cut(file, 500))


def find_font(file: str) -> Path:
    """Where a font file lies.  InstallationError: nowhere."""
    places = [folder / file for folder in (*_folders, _COMMITTED)]
    spec = find_spec(_PACKAGE)
    if spec is not None and spec.origin is not None:
        family = file.partition("[")[0].lower()
        places.append(Path(spec.origin).parent / "fonts" / "ofl" / family / file)
    for place in places:
        if place.is_file():
            return place
    raise InstallationError(
        Text(f"找不到字型檔 {file}", f"the font file {file} is missing"),
        Text("重新安裝（make setup），或把它放進 FONT_DIR 指定的資料夾", "install again (make setup), or put it into FONT_DIR"),
    )


@lru_cache(maxsize=32)
def _face(file: str) -> hb.Face:
    path = find_font(file)
    face = hb.Face(hb.Blob.from_file_path(str(path)))
    if not face.glyph_count or not face.unicodes:
        if path.parent in _folders:
            raise InvalidSettings("FONT_DIR", Text(f"可用的字型檔 {file}", f"a font file {file} that can be read"), str(path))
        raise InstallationError(
            Text(f"字型檔 {file} 損毀", f"the font file {file} is damaged"),
            Text("重新安裝（make setup）", "install again (make setup)"),
        )
    return face


@lru_cache(maxsize=64)
def _font(cut: Cut) -> hb.Font:
    font = hb.Font(_face(cut.file))
    if cut.weight is not None:
        font.set_variations({"wght": cut.weight})
    return font


def opened(cut: Cut) -> hb.Font:
    """The cut, ready to shape; its units are `font.face.upem` to the em."""
    return _font(cut)


@lru_cache(maxsize=16_384)
def has_glyph(cut: Cut, character: str) -> bool:
    """Whether the cut can draw this character."""
    return bool(_font(cut).get_nominal_glyph(ord(character)))


def cut_for(character: str, first: Cut) -> Cut | None:
    """`first` where it has the character, else a sans of about its weight that has it; None: nobody does."""
    if has_glyph(first, character):
        return first
    weight = first.weight or (500 if first == _INTER else 700)
    for file in LAST_RESORT:
        cut = Cut(file, weight)
        if has_glyph(cut, character):
            return cut
    return None


@lru_cache(maxsize=4096)
def outline(cut: Cut, glyph: int) -> Outline:
    """The outline of a glyph of this cut."""
    font = _font(cut)
    em = font.face.upem
    commands: list[tuple[str, tuple[float, ...]]] = []

    def draw(kind: str, *at: float) -> None:
        commands.append((kind, tuple(v / em for v in at)))

    pen = hb.DrawFuncs()
    pen.set_move_to_func(lambda x, y, _: draw("M", x, y))
    pen.set_line_to_func(lambda x, y, _: draw("L", x, y))
    pen.set_quadratic_to_func(lambda cx, cy, x, y, _: draw("Q", cx, cy, x, y))
    pen.set_cubic_to_func(lambda ax, ay, bx, by, x, y, _: draw("C", ax, ay, bx, by, x, y))
    pen.set_close_path_func(lambda _: draw("Z"))
    font.draw_glyph(glyph, pen)
    extents = font.get_glyph_extents(glyph)
    if not commands or extents is None:
        return Outline((), None)
    left, top = extents.x_bearing / em, extents.y_bearing / em
    return Outline(tuple(commands), (left, top + extents.height / em, left + extents.width / em, top))

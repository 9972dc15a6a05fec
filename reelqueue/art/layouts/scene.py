"""The scene in hand: what a layout draws from, and the small things that every layout asks for."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from reelqueue.art.arrange import ArrangedScene
from reelqueue.art.fonts import Faces, faces
from reelqueue.art.layers import Camera, Clip, Layer, Move, Show, Sprite, Sway
from reelqueue.art.layouts.frame import Frame
from reelqueue.art.motifs.base import Box, MotifArt, Patch, Tones, n
from reelqueue.art.palette import Ground, Palette
from reelqueue.art.style import Style
from reelqueue.models.scene import SceneSpec
from reelqueue.models.voice import Viseme, Word


@dataclass(frozen=True, slots=True)
class Scene:
    """One scene with its neighbours' choices made and its times known, in seconds of the scene."""

    arranged: ArrangedScene
    style: Style
    frame: Frame
    duration_s: float
    words: Sequence[Word]
    visemes: Sequence[Viseme]
    presenter: bool
    folder: Path
    clip: Clip | None = None

    @property
    def spec(self) -> SceneSpec:
        """What it shows."""
        return self.arranged.spec

    @property
    def palette(self) -> Palette:
        """The video's five colours."""
        return self.style.colours

    @property
    def ground(self) -> Ground:
        """The scene's ground, and the colours that may lie on it."""
        return self.palette.ground(self.arranged.ground)

    @property
    def faces(self) -> Faces:
        """The video's type."""
        return faces(self.style.pair)

    @property
    def accent(self) -> str:
        """The colour of small type that should be seen: an accent where one can be read, else the text's."""
        ground = self.ground
        return next((colour for colour in (ground.pop, ground.spark) if colour != ground.text), ground.text)

    @property
    def chinese(self) -> bool:
        """Whether its language is Chinese."""
        return self.spec.language.lower().startswith("zh")

    @property
    def seed(self) -> str:
        """Its own stream of numbers."""
        return f"{self.style.seed}/{self.arranged.index}"

    @property
    def shadow(self) -> str:
        """The darker of ink and paper: what shadows are made of, never black."""
        return self.palette.paper if self.palette.dark else self.palette.ink

    @property
    def tones(self) -> Tones:
        """The colours that a motif is drawn in."""
        g = self.ground
        pop, spark = g.pop_shape, g.spark_shape
        if self.arranged.ground == "pop":
            pop = self.palette.paper if self.palette.dark else self.palette.ink
        if self.arranged.ground == "spark":
            spark = self.palette.paper if self.palette.dark else self.palette.ink
        return Tones(ground=g.fill, text=g.text, soft=g.panel, pop=pop, spark=spark)

    def heard_at(self, char: int) -> float | None:
        """When the character of the text at `char` is spoken; None where no word is at or after it."""
        return next((word.start_s for word in self.words if word.end_char > char), None)

    def spoken_at(self, piece: str) -> float | None:
        """When `piece`, or its beginning, is spoken; None where it is not in the text."""
        found = self.find(piece)
        return None if found is None else self.heard_at(found)

    def find(self, piece: str) -> int | None:
        """Where `piece`, or its beginning, stands in the text."""
        piece = piece.strip("，。、；：！？,.;:!?「」『』\"' ")
        first_word = piece.split(" ")[0]
        for part in (
            piece,
            piece[:4] if self.chinese else " ".join(piece.split(" ")[:2]),
            piece[:2] if self.chinese else first_word,
        ):
            at = self.spec.text.lower().find(part.lower()) if len(part) > 1 else -1
            if at >= 0:
                return at
        return None


@dataclass(slots=True)
class Drawing:
    """A scene while it is drawn: `ground` collects SVG fragments that never move, `layers` what comes and goes."""

    frame: Frame
    ground: list[str] = field(default_factory=list)
    layers: list[Layer] = field(default_factory=list)
    camera: Camera | None = None
    grain: bool = True

    def add(self, *layers: Layer | None) -> None:
        """Lay these above what is there; None is nothing."""
        self.layers.extend(layer for layer in layers if layer is not None)

    def add_motif(self, art: MotifArt, *, at_s: float = 0.0, seconds: float = 1.2, kind: str = "wipe-up", mask: str = "") -> None:
        """Bake what stands still, add what grows or moves.  `mask` is a fragment around each patch that grows: `<g …>`."""
        if art.still:
            self.ground.append(art.still)
        for patch in art.patches:
            svg = f"{mask}{patch.svg}</g>" if mask and patch.grows else patch.svg
            enter = (
                Move("wipe-up" if kind == "wipe-up" else "fade", at_s, seconds)
                if patch.grows
                else Move("fade", at_s + seconds * 0.7, 0.4)
            )
            self.add(patch_layer(patch, svg, self.frame, enter if seconds else None))


def patch_layer(patch: Patch, svg: str, frame: Frame, enter: Move | None) -> Layer:
    """A motif's patch as a layer, cut to what of it can be seen."""
    sway = patch.sway
    box = patch.box
    if sway is None or (sway.dx < 40 and sway.dy < 40):
        reach = 0 if sway is None else max(sway.dx, sway.dy) + 2
        box = clipped(box, frame.whole.inset(-reach))
    return layer(patch.name, box, svg, enter=enter, sway=sway)


def clipped(box: Box, to: Box) -> Box:
    """The part of `box` inside `to`; at least 2 px wide and high."""
    x0, y0 = max(box.x, to.x), max(box.y, to.y)
    x1, y1 = min(box.right, to.right), min(box.bottom, to.bottom)
    return Box(x0, y0, max(2.0, x1 - x0), max(2.0, y1 - y0))


def sprite(box: Box, svg: str) -> tuple[float, float, Sprite]:
    """`svg` (px of the frame) as a sprite: its even place, and the picture of the box around it, even in size too."""
    x0, y0 = int(box.x // 2) * 2, int(box.y // 2) * 2
    width, height = _even(box.right - x0), _even(box.bottom - y0)
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="{x0} {y0} {width} {height}">'
    return x0, y0, Sprite(f"{head}{svg}</svg>", width, height)


def layer(
    name: str,
    box: Box,
    *svgs: str,
    shows: tuple[Show, ...] | None = None,
    enter: Move | None = None,
    leave: Move | None = None,
    sway: Sway | None = None,
) -> Layer:
    """A layer of one or more pictures, each an SVG fragment in px of the frame inside `box`."""
    made = [sprite(box, svg) for svg in svgs]
    start = 0.0 if enter is None else max(0.0, enter.at_s)
    return Layer(name, made[0][0], made[0][1], tuple(m[2] for m in made), shows or (Show(start, 0),), enter, leave, sway)


def _even(length: float) -> int:
    whole = int(-(-length // 1))
    return whole + whole % 2


def fade_mask(name: str, box: Box, *, mirrored: bool, down: bool = False, share: float = 0.38) -> str:
    """`<g>` that lets what is in it fade towards the title's side over `share` of `box`; with `down` the title stands above."""
    x0, x1 = (box.right, box.right - box.width * share) if mirrored else (box.x, box.x + box.width * share)
    way = (
        f'x1="0" y1="{n(box.y)}" x2="0" y2="{n(box.y + box.height * share)}"'
        if down
        else f'x1="{n(x0)}" y1="0" x2="{n(x1)}" y2="0"'
    )
    return (
        f'<defs><linearGradient id="{name}g" gradientUnits="userSpaceOnUse" {way}>'
        f'<stop offset="0" stop-color="#000"/><stop offset="1" stop-color="#fff"/></linearGradient>'
        f'<mask id="{name}" maskUnits="userSpaceOnUse" x="{n(box.x - 200)}" y="{n(box.y - 200)}" width="{n(box.width + 400)}" height="{n(box.height + 400)}">'
        f'<rect x="{n(box.x - 200)}" y="{n(box.y - 200)}" width="{n(box.width + 400)}" height="{n(box.height + 400)}" fill="url(#{name}g)"/></mask></defs><g mask="url(#{name})">'
    )

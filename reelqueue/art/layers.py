"""What a drawn scene is made of: a ground, and layers that appear, move and change at known times.

Art makes these from a `SceneSpec`; media composes them into frames.  Sizes and places are px of the
frame, y downwards; times are seconds from the scene's first frame.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Entrance = Literal["cut", "fade", "rise", "slide", "wipe-right", "wipe-up", "pop"]
"""How a layer comes in, by `Move.kind`:

cut: at once.  fade: opacity 0 to 1.  rise: moves up `distance` px out of a mask that is its own box.
slide: moves `distance` px along x (negative: from the right) while it fades in.  wipe-right, wipe-up: revealed
from the left, from the bottom.  pop: fades in while it moves up `distance` px, with a small overshoot.
"""


@dataclass(frozen=True, slots=True)
class Sprite:
    """A picture with transparency: an SVG document of exactly `width` x `height` px."""

    svg: str
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Show:
    """From `at_s` on, the layer shows its sprite number `sprite`; None shows nothing."""

    at_s: float
    sprite: int | None


@dataclass(frozen=True, slots=True)
class Move:
    """An entrance (or, backwards, an exit): begins at `at_s`, lasts `seconds`, eased out cubic."""

    kind: Entrance
    at_s: float
    seconds: float = 0.4
    distance: float = 0.0


@dataclass(frozen=True, slots=True)
class Sway:
    """What keeps a still layer alive: an ellipse of `dx`, `dy` px around its place in `period_s`, from `phase` (0-1)."""

    dx: float
    dy: float
    period_s: float
    phase: float = 0.0


@dataclass(frozen=True, slots=True)
class Window:
    """A part of a picture: its centre and width as fractions of the picture's width and height (0-1)."""

    cx: float
    cy: float
    width: float


@dataclass(frozen=True, slots=True)
class Clip:
    """A video file of `width` x `height` px whose first picture is due at `start_s` of the scene.

    Before that its first picture is seen, after its end its last one.
    """

    path: Path
    width: int
    height: int
    start_s: float


@dataclass(frozen=True, slots=True)
class Shot:
    """What of a clip is seen: a window of the layer's own shape."""

    clip: Clip
    window: Window


@dataclass(frozen=True, slots=True)
class Layer:
    """One thing in front of the ground.  Later layers lie above earlier ones.

    `shows` are in the order of their times; before the first the layer is not there.  All its sprites have the
    same size.  `enter` and `leave` are None where it comes and goes at once.  With a `shot` the sprite is a mask: the
    clip is seen where it is opaque.
    """

    name: str
    x: float
    y: float
    sprites: tuple[Sprite, ...]
    shows: tuple[Show, ...] = (Show(0.0, 0),)
    enter: Move | None = None
    leave: Move | None = None
    sway: Sway | None = None
    shot: Shot | None = None


@dataclass(frozen=True, slots=True)
class Camera:
    """A slow move over a picture file, eased in and out, from `start` to `end` over the whole scene.

    `fit` "cover" crops the picture to the frame's shape.
    """

    picture: Path
    start: Window
    end: Window


@dataclass(frozen=True, slots=True)
class DrawnScene:
    """A scene, ready to be composed.

    `ground` is an opaque sprite of the frame's size; with a `camera` the picture takes its place (and `ground` is
    what shows where the picture has transparency).  `grain` adds still noise of +-2 levels, from `seed`.
    """

    width: int
    height: int
    ground: Sprite
    layers: tuple[Layer, ...]
    camera: Camera | None = None
    grain: bool = True
    seed: int = 0

"""How a layer looks at a moment: which sprite, how far from its place, how opaque, how much of it; pure.

All is rounded to steps too small to be seen, so that "has anything changed?" is a comparison of whole numbers.
"""

import math
from typing import NamedTuple

from reelqueue.art.layers import Layer, Move

STEPS_PER_PX = 8
"""Places are rounded to 1/8 px: a sway of 7 px in 5 s moves by up to 0.3 px a frame."""
OPACITIES = 255
_OVERSHOOT = 1.0
"""s of the back ease: the largest overshoot is 4 s^3 / (27 (s+1)^2) = 3.7 % (look.md 6: at most 4)."""


class Look(NamedTuple):
    """What is seen of a layer.

    `dx`, `dy` are in 1/8 px from its place.  `window` is what is revealed: left, top, right, bottom in 1/8 px of the
    layer's own box; None is all of it.  `picture` counts the pictures of a layer's clip.
    """

    sprite: int
    dx: int = 0
    dy: int = 0
    opacity: int = OPACITIES
    window: tuple[int, int, int, int] | None = None
    picture: int = 0


def ease_out(t: float) -> float:
    """Cubic: fast, then slow; 0 to 1."""
    return 1 - (1 - t) ** 3


def ease_back(t: float) -> float:
    """As `ease_out`, but it swings a little over 1 before it comes to rest there."""
    return 1 + (_OVERSHOOT + 1) * (t - 1) ** 3 + _OVERSHOOT * (t - 1) ** 2


def ease_both(t: float) -> float:
    """Slow at both ends, for a camera; 0 to 1."""
    return 0.5 - 0.5 * math.cos(math.pi * t)


def look_at(layer: Layer, seconds: float) -> Look | None:
    """How the layer looks at a time from the scene's first frame; None where nothing of it is seen."""
    sprite = None
    for show in layer.shows:
        if show.at_s > seconds + _TINY:
            break
        sprite = show.sprite
    if sprite is None:
        return None
    dx, dy = _swayed(layer, seconds)
    look = Look(sprite, dx, dy)
    if layer.leave is not None and seconds + _TINY >= layer.leave.at_s:
        return _moved(look, layer, layer.leave, 1 - _share(layer.leave, seconds))
    if layer.enter is not None:
        share = _share(layer.enter, seconds)
        return None if seconds + _TINY < layer.enter.at_s else _moved(look, layer, layer.enter, share)
    return look


_TINY = 1e-6
"""s; frame times are sums of fractions, and a thing that comes at 1.2 s comes with the frame of 1.2 s."""


def _share(move: Move, seconds: float) -> float:
    if move.kind == "cut" or move.seconds <= 0:
        return 1.0
    return min(1.0, max(0.0, (seconds + _TINY - move.at_s) / move.seconds))


def _swayed(layer: Layer, seconds: float) -> tuple[int, int]:
    sway = layer.sway
    if sway is None or sway.period_s <= 0:
        return 0, 0
    turn = 2 * math.pi * (seconds / sway.period_s + sway.phase)
    return _steps(sway.dx * math.cos(turn)), _steps(sway.dy * math.sin(turn))


def _moved(look: Look, layer: Layer, move: Move, share: float) -> Look | None:
    """The look at `share` (0-1) of an entrance; backwards it is an exit."""
    if share <= 0:
        return None
    if share >= 1 - _TINY:
        return look
    done = ease_out(share)
    opacity = round(OPACITIES * done)
    width, height = layer.sprites[look.sprite].width, layer.sprites[look.sprite].height
    left = move.distance * (1 - done)
    match move.kind:
        case "rise":
            look = look._replace(dy=look.dy + _steps(left), window=(0, 0, _steps(width), _steps(height)))
        case "slide":
            look = look._replace(dx=look.dx - _steps(left), opacity=opacity)
        case "pop":
            look = look._replace(dy=look.dy + _steps(move.distance * (1 - ease_back(share))), opacity=opacity)
        case "wipe-right":
            look = look._replace(window=(0, 0, _steps(width * done), _steps(height)))
        case "wipe-up":
            look = look._replace(window=(0, _steps(height * (1 - done)), _steps(width), _steps(height)))
        case "fade":
            look = look._replace(opacity=opacity)
        case "cut":
            pass
    unseen = look.opacity == 0 or (look.window is not None and (look.window[2] == 0 or look.window[1] == look.window[3]))
    return None if unseen else look


def _steps(px: float) -> int:
    return round(px * STEPS_PER_PX)

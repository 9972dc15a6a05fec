"""The presenter as layers: a head that breathes over a body, eyes that blink, a mouth that follows the voice.

All times are seconds of the scene.  The mouth leads the sound by 33 ms, holds each shape for 66 ms at least, and
never skips closed lips: a missing M, B or P is what an eye sees first.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from reelqueue.art import figures
from reelqueue.art.figures import MOUTHS, Figure, Looks
from reelqueue.art.layers import Layer, Show, Sprite, Sway
from reelqueue.art.motifs.base import Box, n, rng
from reelqueue.models.voice import Viseme

LEAD_S, HOLD_S = 0.033, 0.066
BLINK_S = 0.033
"""How long half closed eyes are seen before and after closed ones; closed ones twice that."""
BREATH = Sway(0, 3, 4.2)
BROW_UP_PX = 12.0


@dataclass(frozen=True, slots=True)
class Place:
    """Where the figure's space of 1000 x 1440 lies in the frame: its upper left corner and its scale."""

    x: float
    y: float
    scale: float


def presenter_layers(
    figure: Figure,
    look: Looks,
    place: Place,
    *,
    visemes: Sequence[Viseme],
    duration_s: float,
    seed: str,
    stresses: Sequence[float] = (),
) -> tuple[Layer, ...]:
    """The whole bust, as for a host.  `stresses` are the times at which the brows go up."""
    head = _part("presenter-head", figures.HEAD_BOX, place, (figures.head(figure, look),), sway=BREATH)
    body = _part("presenter-body", figures.BODY_BOX, place, (figures.body(figure, look),))
    return (head, body, *_face_layers(figure, look, place, visemes, duration_s, seed, stresses, BREATH))


def presenter_circle(
    figure: Figure, look: Looks, circle: Box, *, disc: str, ring: str, visemes: Sequence[Viseme], duration_s: float, seed: str
) -> tuple[Layer, ...]:
    """The small one in a corner: a disc with a ring, the figure inside it."""
    r = circle.width / 2
    place = Place(circle.cx - 500 * circle.width / 840, circle.y - 92 * circle.width / 840, circle.width / 840)
    breath = Sway(0, 1.5, BREATH.period_s)
    size = int(circle.width) + 12
    back = Sprite(
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{size}" height="{size}" viewBox="{n(-size / 2)} {n(-size / 2)} {size} {size}">'
        f'<circle r="{n(r + 5)}" fill="{ring}"/><circle r="{n(r)}" fill="{disc}"/></svg>',
        size,
        size,
    )
    disc_layer = Layer("presenter-disc", circle.cx - size / 2, circle.cy - size / 2, (back,))
    head = _part("presenter-head", figures.HEAD_BOX, place, (figures.head(figure, look),), sway=breath, clip=circle)
    body = _part("presenter-body", (0, 800, 1000, 990), place, (figures.body(figure, look),), clip=circle)
    return (disc_layer, head, body, *_face_layers(figure, look, place, visemes, duration_s, seed, (), breath))


def _face_layers(
    figure: Figure,
    look: Looks,
    place: Place,
    visemes: Sequence[Viseme],
    duration_s: float,
    seed: str,
    stresses: Sequence[float],
    breath: Sway,
) -> tuple[Layer, ...]:
    eyes = tuple(figures.eyes(figure, look, closed=share) for share in (0.0, 0.5, 1.0))
    brows = tuple(figures.brows(figure, look, raised=px) for px in (0.0, BROW_UP_PX / 2, BROW_UP_PX))
    mouths = tuple(figures.mouth(shape, look) for shape in MOUTHS)
    return (
        _part("presenter-eyes", figures.EYES_BOX, place, eyes, blinks(duration_s, seed), sway=breath),
        _part("presenter-brows", figures.BROWS_BOX, place, brows, brow_shows(stresses), sway=breath),
        _part("presenter-mouth", figures.MOUTH_BOX, place, mouths, mouth_shows(visemes), sway=breath),
    )


def _part(
    name: str, box: tuple[int, int, int, int], place: Place, drawn: tuple[str, ...], shows: tuple[Show, ...] = (Show(0.0, 0),), *,
    sway: Sway | None = None, clip: Box | None = None,
) -> Layer:  # fmt: skip
    """One layer: `box` of the figure's space, cut by the circle `clip` of the frame."""
    left, top = place.x + box[0] * place.scale, place.y + box[1] * place.scale
    width, height = int((box[2] - box[0]) * place.scale) + 2, int((box[3] - box[1]) * place.scale) + 2
    before, after = "", ""
    if clip is not None:
        before = f'<clipPath id="c"><circle cx="{n(clip.cx - left)}" cy="{n(clip.cy - top)}" r="{n(clip.width / 2)}"/></clipPath><g clip-path="url(#c)">'
        after = "</g>"
    sprites = tuple(
        Sprite(
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}">{before}'
            f'<g transform="scale({place.scale:.5f}) translate({-box[0]} {-box[1]})">{svg}</g>{after}</svg>',
            width,
            height,
        )
        for svg in drawn
    )
    return Layer(name, left, top, sprites, shows, sway=sway)


def mouth_shows(visemes: Sequence[Viseme]) -> tuple[Show, ...]:
    """When which of `MOUTHS` is seen."""
    shows: list[Show] = [Show(0.0, 0)]
    closed = MOUTHS.index("mbp")
    for viseme in sorted(visemes, key=lambda v: v.start_s):
        sprite = MOUTHS.index(viseme.shape) if viseme.shape in MOUTHS else 0
        at = max(0.0, viseme.start_s - LEAD_S)
        last = shows[-1]
        if at - last.at_s < HOLD_S and len(shows) > 1:
            if sprite == closed and last.sprite != closed:
                shows[-1] = Show(last.at_s, closed)
                continue
            if last.sprite != closed or at - last.at_s < HOLD_S / 2:
                continue
            at = last.at_s + HOLD_S
        if sprite != last.sprite:
            shows.append(Show(at, sprite))
    return tuple(shows)


def blinks(duration_s: float, seed: str) -> tuple[Show, ...]:
    """A blink every 2.5 to 5 s: half, shut, half, open."""
    random_, shows, at = rng(f"{seed}/blink"), [Show(0.0, 0)], 0.0
    while True:
        at += 2.5 + 2.5 * random_.random()
        if at > duration_s - 0.3:
            return tuple(shows)
        shows += [Show(at, 1), Show(at + BLINK_S, 2), Show(at + 3 * BLINK_S, 1), Show(at + 4 * BLINK_S, 0)]


def brow_shows(stresses: Sequence[float]) -> tuple[Show, ...]:
    """Brows up for 0.7 s at each of the times, never twice within 1.2 s."""
    shows, free = [Show(0.0, 0)], 0.0
    for at in sorted(stresses):
        if at < free:
            continue
        free = at + 1.2
        shows += [Show(at, 1), Show(at + 0.05, 2), Show(at + 0.7, 1), Show(at + 0.75, 0)]
    return tuple(shows)

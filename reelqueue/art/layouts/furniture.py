"""Things of paper that several layouts share: the marker, the slip, the torn edge, the object, the halftone."""

from reelqueue.art.icons import find_icon
from reelqueue.art.layers import Layer, Move, Sway
from reelqueue.art.layouts.scene import Drawing, Scene, layer
from reelqueue.art.motifs.base import Box, n, rng
from reelqueue.art.motifs.halftone import dots
from reelqueue.art.palette import Ground, contrast, mix
from reelqueue.art.text import TextBlock

MARKER_S = 0.26
FLOAT = Sway(0, 7, 5)
"""look.md: the object floats ±7 px in 5 s."""


def marker(
    name: str, block: TextBlock, marked: tuple[int, int], at: tuple[float, float], colour: str, start: float, seed: str
) -> list[Layer]:
    """A stroke of a broad pen under the marked words, one for each line that they touch; lies below the type."""
    made = []
    for i, box in enumerate(block.boxes(*marked)):
        x0, x1 = at[0] + box.x - 0.05 * block.size, at[0] + box.x + box.width + 0.05 * block.size
        y0, y1 = at[1] + box.y + 0.70 * block.size, at[1] + box.y + 1.02 * block.size
        random_ = rng(f"{seed}/marker/{i}")
        wobble = [0.03 * block.size * random_.random() for _ in range(8)]
        steps = [x0 + (x1 - x0) * share for share in (0, 0.36, 0.7, 1)]
        top = [(x, y0 + wobble[k]) for k, x in enumerate(steps)]
        low = [(x, y1 - wobble[4 + k]) for k, x in enumerate(reversed(steps))]
        path = "M" + "L".join(f"{n(x)} {n(y)}" for x, y in (*top, *low)) + "Z"
        enter = Move("wipe-right", start + i * MARKER_S, MARKER_S)
        made.append(layer(f"{name}{i}", Box(x0, y0, x1 - x0, y1 - y0), f'<path fill="{colour}" d="{path}"/>', enter=enter))
    return made


def marker_colour(scene: Scene) -> str:
    """The accent that differs from the ground and lets the type on it be read."""
    ground, p = scene.ground, scene.palette
    choices = [
        c for c in (p.spark, p.pop, p.paper, p.card) if contrast(c, ground.fill) >= 1.25 and contrast(c, ground.text) >= 3.0
    ]
    return choices[0] if choices else mix(ground.fill, ground.text, 0.25)


def slip(box: Box, fill: str, ink: str, *, edge: str | None = None) -> str:
    """A slip of paper with its soft shadow; `edge` colours a band at its left."""
    band = f'<rect x="{n(box.x)}" y="{n(box.y)}" width="12" height="{n(box.height)}" fill="{edge}"/>' if edge else ""
    shade = "".join(
        f'<rect x="{n(box.x - s)}" y="{n(box.y - s + 7)}" width="{n(box.width + 2 * s)}" height="{n(box.height + 2 * s)}" rx="{n(4 + s)}" fill="{ink}" opacity="0.06"/>'
        for s in (1, 3, 6, 9)
    )
    return (
        f'{shade}<rect x="{n(box.x)}" y="{n(box.y)}" width="{n(box.width)}" height="{n(box.height)}" rx="4" fill="{fill}"/>{band}'
    )


def torn(box: Box, side: str, fill: str, ink: str, seed: str) -> str:
    """A sheet that is torn along `side` ("right", "left" or "bottom") of `box`; what is beyond the frame is cut anyway."""
    random_ = rng(f"{seed}/torn")
    length = box.width if side == "bottom" else box.height
    edge, at = [], 0.0
    while at < length:
        edge.append((at, (random_.random() - 0.5) * 14))
        at += 22 + 34 * random_.random()
    edge.append((length, 0.0))
    if side == "bottom":
        line = [(box.x + t, box.bottom + w) for t, w in edge]
        corners = [(box.right, box.y - 40), (box.x, box.y - 40)]
    elif side == "right":
        line = [(box.right + w, box.y + t) for t, w in edge]
        corners = [(box.x - 40, box.bottom), (box.x - 40, box.y)]
    else:
        line = [(box.x + w, box.y + t) for t, w in edge]
        corners = [(box.right + 40, box.bottom), (box.right + 40, box.y)]
    path = "M" + "L".join(f"{n(x)} {n(y)}" for x, y in (*line, *corners)) + "Z"
    shade = "".join(
        f'<path fill="none" stroke="{ink}" stroke-opacity="0.05" stroke-width="{w}" stroke-linejoin="round" d="{path}"/>'
        for w in (6, 14, 24, 36)
    )
    return f'{shade}<path fill="{fill}" d="{path}"/>'


def texture(scene: Scene, drawing: Drawing, *, corner: tuple[float, float] = (1.0, 1.0), opacity: float = 0.07) -> None:
    """Halftone at 5-7 % in a corner of the ground."""
    drawing.ground.append(dots(scene.frame.whole, scene.ground.text, opacity=opacity, pitch=34, corner=corner, reach=0.72))


def object_layer(
    scene: Scene, box: Box, *, name: str = "object", start: float = 0.0, words: tuple[str, ...] | None = None, still: bool = False
) -> Layer | None:
    """The object that the scene's subject names, in `box`, with a paper shadow; None where there is none."""
    drawn = object_svg(scene, box, scene.spec.subject if words is None else words)
    if drawn is None:
        return None
    reach = box.inset(-box.width * 0.07)
    return layer(name, reach, drawn, enter=Move("pop", start, 0.45, 24), sway=None if still else FLOAT)


def object_svg(scene: Scene, box: Box, words: tuple[str, ...], *, ground: Ground | None = None) -> str | None:
    """The object as a fragment in `box`, recoloured for `ground`; None is the scene's."""
    icon = find_icon(words, scene.spec.language) if words else None
    if icon is None:
        return None
    blur, dy = min(26.0, max(8.0, box.width * 0.04)), min(22.0, max(6.0, box.width * 0.034))
    shade = (
        f'<filter id="lift" x="-15%" y="-15%" width="130%" height="135%"><feDropShadow dx="0" dy="{n(dy)}" stdDeviation="{n(blur / 2)}"'
        f' flood-color="{scene.shadow}" flood-opacity="0.3"/></filter>'
    )
    return f'{shade}<g transform="translate({n(box.x)} {n(box.y)})"><g filter="url(#lift)">{icon.svg(scene.palette, ground or scene.ground, box.width)}</g></g>'


def has_object(scene: Scene) -> bool:
    """Whether the scene's subject names an object that we can draw."""
    return bool(scene.spec.subject) and find_icon(scene.spec.subject, scene.spec.language) is not None

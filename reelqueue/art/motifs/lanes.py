"""Lanes: tracks that cross from left to right, with packets that travel on them."""

from reelqueue.art.layers import Sway
from reelqueue.art.motifs.base import Box, MotifArt, Patch, Tones, n, rng
from reelqueue.art.palette import mix


def lanes(box: Box, tones: Tones, seed: str, *, faded: str = "") -> MotifArt:
    """Eight tracks over the whole width of `box`, two in the accents; some change places in the middle.

    Where the tracks fade out, at the side `faded` ("left" or "right"), no packet travels.
    """
    random_ = rng(seed)
    count = max(6, round(box.height / 104))
    gap = box.height / count
    thick = gap * 0.62
    targets = list(range(count))
    accents = random_.sample(range(1, count - 1), 2)
    for lane in (*accents, random_.randrange(count)):
        other = (lane + random_.choice((-3, -2, 2, 3))) % count
        targets[lane], targets[other] = targets[other], targets[lane]
    dim = (mix(tones.ground, tones.text, 0.13), mix(tones.ground, tones.text, 0.18), mix(tones.ground, tones.text, 0.26))
    order = sorted(range(count), key=lambda lane: (lane in accents, targets[lane] != lane))
    still: list[str] = []
    packets: list[Patch] = []
    for lane in order:
        colour = tones.pop if lane == accents[0] else tones.spark if lane == accents[1] else dim[random_.randrange(3)]
        y0, y1 = box.y + (lane + 0.5) * gap, box.y + (targets[lane] + 0.5) * gap
        bend = box.x + box.width * (0.34 + 0.22 * random_.random())
        reach = box.width * 0.09 + abs(y1 - y0) * 0.35
        path = f"M{n(box.x - 20)} {n(y0)}H{n(bend - reach)}C{n(bend)} {n(y0)} {n(bend)} {n(y1)} {n(bend + reach)} {n(y1)}H{n(box.right + 20)}"
        still.append(
            f'<path d="{path}" transform="translate(0 5)" stroke="{mix(tones.ground, "#000000", 0.35)}" opacity="0.5"/><path d="{path}" stroke="{colour}"/>'
        )
        left, right = (box.x, bend - reach - 90), (bend + reach + 10, box.right - 90)
        for part, (start, end), y in ((0, left, y0), (1, right, y1)):
            if faded == ("left", "right")[part]:
                continue
            packets += _packets(f"{lane}.{part}", start, end, y, thick, tones, lane in accents, random_.random() * 160)
    tracks = f'<g fill="none" stroke-width="{n(thick)}">{"".join(still)}</g>'
    return MotifArt("", (Patch("tracks", box, tracks, grows=True), *packets))


def _packets(
    name: str, start: float, end: float, y: float, thick: float, tones: Tones, bright: bool, offset: float
) -> list[Patch]:
    """One patch with the packets of a straight stretch: it travels to and fro by 20 px."""
    random_ = rng(f"packets/{name}/{offset:.3f}")
    height = thick * 0.44
    x, shapes = start + 26 + offset, []
    fill = mix(tones.ground, tones.text, 0.9)
    while x < end - 110:
        width = height * (1.4 + 1.6 * random_.random())
        shapes.append(
            f'<rect x="{n(x)}" y="{n(y - height / 2)}" width="{n(width)}" height="{n(height)}" rx="{n(height * 0.24)}" fill="{fill}"/>'
        )
        x += width + height * (1.2 + 7 * random_.random())
    if not shapes:
        return []
    opacity = 0.86 if bright else 0.62
    edge = Box(start, y - height / 2 - 2, max(end - start + 90, 10), height + 4)
    sway = Sway(20 if bright else 8, 0, 8 + 4 * random_.random(), random_.random()) if bright else None
    return [Patch(f"packets{name}", edge, f'<g opacity="{opacity}">{"".join(shapes)}</g>', sway=sway)]

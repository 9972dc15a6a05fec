"""Two to four items: a torn sheet with the heading, and a row for each item that enters before its ordinal is spoken."""

from reelqueue.art.layers import Move, Show, Sway
from reelqueue.art.layouts.furniture import object_svg, texture, torn
from reelqueue.art.layouts.lettering import block_box, entering, fitted, placed, rising
from reelqueue.art.layouts.motif import add_floor
from reelqueue.art.layouts.scene import Drawing, Scene, layer
from reelqueue.art.motifs.base import Box, n
from reelqueue.art.palette import Ground, mix, text_on
from reelqueue.art.text import TextBlock, set_text
from reelqueue.models.scene import Point

LEAD_S = 0.12
"""look.md: an item enters 120 ms before its ordinal."""
SLIDE_PX, SLIDE_S = 40, 0.4


def draw(scene: Scene, drawing: Drawing) -> None:
    """The sheet, then the rows; the spoken row's title is in the accent, those to come are dotted."""
    add_floor(scene, drawing)
    texture(scene, drawing, corner=(0.0 if scene.arranged.mirrored else 1.0, 1.0), opacity=0.06)
    _sheet(scene, drawing)
    rows = _rows(scene)
    starts = _starts(scene)
    for i, point in enumerate(scene.spec.points):
        following = starts[i + 1] if i + 1 < len(starts) else None
        _row(scene, drawing, rows[i], i, point, starts[i], following)


def _sheet(scene: Scene, drawing: Drawing) -> None:
    """The torn sheet and the heading on it."""
    frame, p = scene.frame, scene.palette
    fill = p.pop if scene.arranged.ground != "pop" else p.spark
    ink = text_on(fill, p)
    if frame.shape == "wide":
        sheet = Box(1236 if scene.arranged.mirrored else 0, 0, 684, 1080)
        side = "left" if scene.arranged.mirrored else "right"
        box = Box(sheet.x + (64 if scene.arranged.mirrored else 120), 96, 500 if scene.arranged.mirrored else 524, 700)
        sizes = (64, 100)
    else:
        height = 560 if frame.shape == "tall" else 300
        sheet, side = Box(0, 0, frame.width, height), "bottom"
        top = frame.content.y
        box = Box(frame.content.x, top, frame.content.width, height - top - 44)
        sizes = (60, 108)
    drawing.ground.append(torn(sheet, side, fill, scene.shadow, scene.seed))
    title = fitted(
        scene.spec.title,
        face=scene.faces.title,
        sizes=sizes,
        fill=ink,
        width=box.width,
        lines=4,
        height=box.height,
        language=scene.spec.language,
        worth=0.9,
    )
    y = box.y + max(0.0, (box.height - title.height) / 2) * (0.85 if frame.shape == "wide" else 1.0)
    drawing.add(*rising("title", title, (box.x, y), [0.2 + 0.18 * i for i in range(len(title.lines))]))


def _rows(scene: Scene) -> list[Box]:
    """Where each row lies."""
    frame, count = scene.frame, len(scene.spec.points)
    if frame.shape == "wide":
        x = 120.0 if scene.arranged.mirrored else 800.0
        area = Box(x, 110, 1010 if not scene.arranged.mirrored else 1040, 700)
    elif frame.shape == "tall":
        area = Box(60, 590, 860, 580)
    else:
        area = Box(64, 330, 952, 460)
    height = min(area.height / count, 300.0 if count == 2 else 236.0)
    top = area.y + (area.height - height * count) / 2
    return [Box(area.x, top + i * height, area.width, height) for i in range(count)]


def _starts(scene: Scene) -> list[float]:
    """When each row enters: 120 ms before its ordinal, in their order, all of them before the scene ends."""
    starts: list[float] = []
    count = len(scene.spec.points)
    for i, point in enumerate(scene.spec.points):
        heard = scene.heard_at(point.start_char)
        even = 0.8 + (scene.duration_s - 1.6) * i / count
        at = even if heard is None else heard - LEAD_S
        starts.append(max(at, starts[-1] + 0.35 if starts else 0.4))
    latest = scene.duration_s - 0.9
    return [min(at, latest - 0.3 * (count - 1 - i)) for i, at in enumerate(starts)]


def _row(scene: Scene, drawing: Drawing, row: Box, i: int, point: Point, start: float, following: float | None) -> None:
    ground, spec = scene.ground, scene.spec
    few = len(scene.spec.points) == 2 and scene.frame.shape != "square"
    disc = min(row.height * 0.78, 216.0 if few else 176.0)
    cx, cy = row.x + disc / 2 + 6, row.cy
    _placeholder(scene, drawing, i, (cx, cy), disc * 0.46, point, start)
    _disc(scene, drawing, i, (cx, cy), disc / 2, point, start)
    x = row.x + disc + 48
    width = row.right - x
    size = {"wide": 64, "tall": 64, "square": 54}[scene.frame.shape] + (14 if few else 0)
    titles = [
        fitted(
            point.title,
            face=scene.faces.title,
            sizes=(38, size),
            fill=fill,
            width=width,
            lines=1 if point.note else 2,
            language=spec.language,
        )
        for fill in (ground.pop, ground.text)
    ]
    note = None
    if point.note:
        note = fitted(
            point.note,
            face=scene.faces.text,
            sizes=(36, 42),
            fill=mix(ground.text, ground.fill, 0.14),
            width=width,
            lines=2,
            height=row.height * 0.46,
            language=spec.language,
        )
    height = titles[0].height + (note.height + 16 if note else 0)
    y = row.y + max(4.0, (row.height - height) / 2)
    _spoken_title(drawing, i, titles, (x, y), start, following)
    if note:
        drawing.add(entering(f"note{i}", note, (x, y + titles[0].height + 16), start + 0.1, kind="slide", distance=SLIDE_PX))
    if i + 1 < len(spec.points):
        colour = mix(ground.fill, ground.text, 0.2)
        drawing.ground.append(f'<rect x="{n(x)}" y="{n(row.bottom - 1)}" width="{n(width)}" height="2" fill="{colour}"/>')


def _spoken_title(
    drawing: Drawing, i: int, titles: list[TextBlock], at: tuple[float, float], start: float, following: float | None
) -> None:
    """In the accent while the item is spoken, in the text's colour from the next one on."""
    shows = (Show(start, 0),) if following is None else (Show(start, 0), Show(max(start + 0.3, following), 1))
    box = block_box(titles[0], at)
    svgs = [placed(block.svg, at) for block in titles[: len(shows)]]
    drawing.add(layer(f"item{i}", box, *svgs, shows=shows, enter=Move("slide", start, SLIDE_S, SLIDE_PX)))


def _placeholder(
    scene: Scene, drawing: Drawing, i: int, centre: tuple[float, float], radius: float, point: Point, start: float
) -> None:
    """The dotted ring with the number of an item that is still to come."""
    colour = mix(scene.ground.fill, scene.ground.text, 0.34)
    number = set_text(_number(point, i), face=scene.faces.numeral, size=radius * 0.98, fill=colour, max_width=900, max_lines=1)
    x0, y0, x1, y1 = number.ink
    at = (centre[0] - (x0 + x1) / 2, centre[1] - (y0 + y1) / 2)
    ring = f'<circle cx="{n(centre[0])}" cy="{n(centre[1])}" r="{n(radius)}" fill="none" stroke="{colour}" stroke-width="4" stroke-linecap="round" stroke-dasharray="0.1 10.5"/>'
    edge = Box(centre[0] - radius - 4, centre[1] - radius - 4, 2 * radius + 8, 2 * radius + 8)
    drawing.add(layer(f"next{i}", edge, ring + placed(number.svg, at), shows=(Show(0.0, 0), Show(start + 0.15, None))))


def _number(point: Point, i: int) -> str:
    """The ordinal that is spoken before an item; its place where none is."""
    return str(point.number or i + 1)


def _under(scene: Scene) -> Ground:
    """The ground of the discs: another quiet one than the scene's."""
    p = scene.palette
    if scene.arranged.ground == "ink":
        return p.ground("ink") if p.dark else p.ground("card")
    return p.ground("paper" if scene.arranged.ground == "card" else "card")


def _disc(scene: Scene, drawing: Drawing, i: int, centre: tuple[float, float], radius: float, point: Point, start: float) -> None:
    """The item's object on a disc; its number where there is none."""
    under = _under(scene)
    fill = under.fill if under.name != scene.ground.name else mix(under.fill, under.text, 0.12)
    side = radius * 1.18
    box = Box(centre[0] - side / 2, centre[1] - side / 2, side, side)
    drawn = object_svg(scene, box, (point.title,), ground=under)
    disc = f'<circle cx="{n(centre[0])}" cy="{n(centre[1])}" r="{n(radius)}" fill="{fill}"/>'
    if drawn is None:
        colour = under.pop_shape
        number = set_text(
            _number(point, i), face=scene.faces.numeral, size=radius * 1.12, fill=colour, max_width=900, max_lines=1
        )
        x0, y0, x1, y1 = number.ink
        drawn = placed(number.svg, (centre[0] - (x0 + x1) / 2, centre[1] - (y0 + y1) / 2))
    edge = Box(centre[0] - radius - 2, centre[1] - radius - 2, 2 * radius + 4, 2 * radius + 4)
    drawing.add(layer(f"disc{i}", edge, disc + drawn, enter=Move("pop", start, 0.4, 18), sway=Sway(0, 3, 5, i * 0.29)))

"""Two to four items: a torn sheet with the heading, and a row for each item that enters before its ordinal is spoken."""

from reelqueue.art.layers import Move, Show, Sway
from reelqueue.art.layouts.furniture import object_svg, texture, torn
from reelqueue.art.layouts.lettering import block_box, entering, fitted, placed, rising
from reelqueue.art.layouts.motif import add_floor
from reelqueue.art.layouts.scene import Drawing, Scene, layer
from reelqueue.art.motifs.base import Box, n
from reelqueue.art.motifs.halftone import dots
from reelqueue.art.palette import Ground, mix, text_on
from reelqueue.art.text import TextBlock, set_text
from reelqueue.models.scene import Point

LEAD_S = 0.12
"""look.md: an item enters 120 ms before its ordinal."""
SLIDE_PX, SLIDE_S = 40, 0.4
BESIDE, UNDER = 48.0, 20.0
"""Between disc and type, title and note."""
NOTE_OF_TITLE = 0.8
"""A note is at most so large, of the smallest title."""


def draw(scene: Scene, drawing: Drawing) -> None:
    """The sheet, then the rows; the spoken row's title is in the accent, those to come are dotted."""
    add_floor(scene, drawing)
    texture(scene, drawing, corner=(0.0 if scene.arranged.mirrored else 1.0, 1.0), opacity=0.06)
    _sheet(scene, drawing)
    rows = _rows(scene)
    titles = min(_title(scene, rows[i], point, scene.ground.text).size for i, point in enumerate(scene.spec.points))
    fitting = (_note(scene, rows[i], point) for i, point in enumerate(scene.spec.points))
    note_px = min([max(36.0, float(int(NOTE_OF_TITLE * titles))), *(block.size for block in fitting if block)])
    starts = _starts(scene)
    for i, point in enumerate(scene.spec.points):
        following = starts[i + 1] if i + 1 < len(starts) else None
        _row(scene, drawing, rows[i], i, point, (starts[i], following), note_px)


def _sheet(scene: Scene, drawing: Drawing) -> None:
    """The torn sheet and the heading on it."""
    frame, p = scene.frame, scene.palette
    fill = p.pop if scene.arranged.ground != "pop" else p.spark
    ink = text_on(fill, p)
    if frame.shape == "wide":
        sheet = Box(1236 if scene.arranged.mirrored else 0, 0, 684, 1080)
        side = "left" if scene.arranged.mirrored else "right"
        box = Box(sheet.x + (64 if scene.arranged.mirrored else 120), 96, 500 if scene.arranged.mirrored else 524, 700)
        sizes = (64, 128)
    else:
        height = 560 if frame.shape == "tall" else 300
        sheet, side = Box(0, 0, frame.width, height), "bottom"
        top = frame.content.y
        box = Box(frame.content.x, top, frame.content.width, height - top - 44)
        sizes = (60, 124)
    drawing.ground.append(torn(sheet, side, fill, scene.shadow, scene.seed))
    corner = (1.0 if scene.arranged.mirrored else 0.0, 1.0) if frame.shape == "wide" else (1.0, 0.0)
    drawing.ground.append(dots(sheet.inset(24), ink, opacity=0.12, pitch=34, corner=corner, reach=0.8))
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
    height = min(area.height / count, 330.0 if count == 2 else 236.0)
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


def _few(scene: Scene) -> bool:
    """Whether two rows have the room of three."""
    return len(scene.spec.points) == 2 and scene.frame.shape != "square"


def _disc_px(scene: Scene, row: Box) -> float:
    return min(row.height * 0.78, 248.0 if _few(scene) else 184.0)


def _title(scene: Scene, row: Box, point: Point, fill: str) -> TextBlock:
    """An item's name, as large as its row allows."""
    most = {"wide": 64, "tall": 64, "square": 54}[scene.frame.shape] + (26 if _few(scene) else 4)
    return fitted(
        point.title, face=scene.faces.title, sizes=(38, most), fill=fill, width=row.width - _disc_px(scene, row) - BESIDE,
        lines=2 if _few(scene) or not point.note else 1, height=row.height * 0.42, language=scene.spec.language,
    )  # fmt: skip


def _note(scene: Scene, row: Box, point: Point, px: float = 0.0) -> TextBlock | None:
    """What is told of an item, as large as its row allows or at `px`; None where nothing is."""
    if not point.note:
        return None
    most = 50.0 if _few(scene) else 44.0
    fill = mix(scene.ground.text, scene.ground.fill, 0.14)
    width = row.width - _disc_px(scene, row) - BESIDE
    return fitted(
        point.note, face=scene.faces.text, sizes=(px, px) if px else (36, most), fill=fill, width=width, lines=2,
        height=row.height * 0.46, language=scene.spec.language,
    )  # fmt: skip


def _row(
    scene: Scene, drawing: Drawing, row: Box, i: int, point: Point, times: tuple[float, float | None], note_px: float
) -> None:
    """One row: disc, title, note; all notes of one size.  `times`: when it enters, when the next one does."""
    ground, (start, following) = scene.ground, times
    disc = _disc_px(scene, row)
    cx, cy = row.x + disc / 2 + 6, row.cy
    _number_to_come(scene, drawing, i, (cx, cy), disc * 0.46, point, start)
    _disc(scene, drawing, i, (cx, cy), disc / 2, point, start)
    x = row.x + disc + BESIDE
    titles = [_title(scene, row, point, fill) for fill in (ground.pop, ground.text)]
    note = _note(scene, row, point, note_px)
    height = titles[0].height + (note.height + UNDER if note else 0)
    y = row.y + max(4.0, (row.height - height) / 2)
    _spoken_title(drawing, i, titles, (x, y), start, following)
    if note:
        at = (x, y + titles[0].height + UNDER)
        drawing.add(entering(f"note{i}", note, at, start + 0.1, kind="slide", distance=SLIDE_PX))
    if i + 1 < len(scene.spec.points):
        colour = mix(ground.fill, ground.text, 0.2)
        drawing.ground.append(f'<rect x="{n(x)}" y="{n(row.bottom - 1)}" width="{n(row.right - x)}" height="2" fill="{colour}"/>')


def _spoken_title(
    drawing: Drawing, i: int, titles: list[TextBlock], at: tuple[float, float], start: float, following: float | None
) -> None:
    """In the accent while the item is spoken, in the text's colour from the next one on."""
    shows = (Show(start, 0),) if following is None else (Show(start, 0), Show(max(start + 0.3, following), 1))
    box = block_box(titles[0], at)
    svgs = [placed(block.svg, at) for block in titles[: len(shows)]]
    drawing.add(layer(f"item{i}", box, *svgs, shows=shows, enter=Move("slide", start, SLIDE_S, SLIDE_PX)))


def _number_to_come(
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

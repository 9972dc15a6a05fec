"""The presenter as a video: a portrait in a paper frame beside the title, or round in a corner."""

from reelqueue.art.layers import Clip, Layer, Move, Shot, Window
from reelqueue.art.layouts.frame import Frame
from reelqueue.art.layouts.host import confetti, disc_colour
from reelqueue.art.layouts.scene import Drawing, Scene, layer
from reelqueue.art.motifs.base import Box, n

NARROWEST, WIDEST = 0.76, 1.0
"""Width by height: a clip of another shape is cropped to the nearer one."""
HEADROOM = 0.25
"""Of what is cut from a tall clip, so much is cut above: a face is in the upper part."""
RADIUS, RING = 30, 10
ENTER = Move("pop", 0.15, 0.5, 24)


def add_portrait(scene: Scene, clip: Clip, drawing: Drawing) -> None:
    """A large one at the side where the title is not, on a sheet of paper that throws a shadow."""
    frame = scene.frame
    room = _room(frame, outro=scene.arranged.layout == "outro", mirrored=scene.arranged.mirrored)
    box = _fitted(room, clip)
    if scene.arranged.layout == "outro":
        reach = box.height * 0.62
        drawing.ground.append(f'<circle cx="{n(box.cx)}" cy="{n(box.cy)}" r="{n(reach)}" fill="{disc_colour(scene)}"/>')
        confetti(scene, drawing, Box(box.cx - reach, box.cy - reach, 2 * reach, 2 * reach))
    drawing.add(
        _sheet(scene, box),
        _picture(
            clip, box, f'<rect x="{box.x}" y="{box.y}" width="{box.width}" height="{box.height}" rx="{RADIUS}" fill="#fff"/>'
        ),
    )


def add_round(scene: Scene, clip: Clip, drawing: Drawing) -> None:
    """A small one in its corner."""
    box = _even(scene.frame.circle)
    ring = scene.palette.ink if scene.palette.dark else scene.palette.paper
    r = box.width / 2
    back = f'<circle cx="{n(box.cx)}" cy="{n(box.cy)}" r="{n(r + 6)}" fill="{ring}"/>'
    mask = f'<circle cx="{n(box.cx)}" cy="{n(box.cy)}" r="{n(r)}" fill="#fff"/>'
    drawing.add(layer("presenter-ring", box.inset(-8), back), _picture(clip, box, mask, enter=None))


def _room(frame: Frame, *, outro: bool, mirrored: bool) -> Box:
    """Where a portrait may stand: opposite the title in the wide frame; below it, or below the subtitles, in the others."""
    if frame.shape == "tall":
        return Box(270, 1424, 540, 480) if outro else Box(230, 786, 540, 374)
    square = Box(600, 384, 416, 404) if outro else Box(632, 430, 384, 364)
    box = square if frame.shape == "square" else Box(1180, 96, 620, 756)
    return Box(frame.width - box.right, box.y, box.width, box.height) if mirrored else box


def _fitted(room: Box, clip: Clip) -> Box:
    """The largest box of the clip's shape, or the nearest that we show, in the middle of the room."""
    shape = min(WIDEST, max(NARROWEST, clip.width / clip.height))
    width = min(room.width, room.height * shape)
    height = width / shape
    return _even(Box(room.cx - width / 2, room.cy - height / 2, width, height))


def _even(box: Box) -> Box:
    return Box(round(box.x / 2) * 2, round(box.y / 2) * 2, round(box.width / 2) * 2, round(box.height / 2) * 2)


def _sheet(scene: Scene, box: Box) -> Layer:
    """The frame around the picture, with its shadow."""
    fill = scene.palette.ink if scene.palette.dark else scene.palette.paper
    around = box.inset(-RING)
    svg = (
        f'<filter id="sheet" x="-15%" y="-15%" width="130%" height="135%"><feDropShadow dx="0" dy="16" stdDeviation="13" flood-color="{scene.shadow}" flood-opacity="0.3"/></filter>'
        f'<rect filter="url(#sheet)" x="{around.x}" y="{around.y}" width="{around.width}" height="{around.height}" rx="{RADIUS + RING}" fill="{fill}"/>'
    )
    return layer("presenter-sheet", around.inset(-60), svg, enter=ENTER)


def _picture(clip: Clip, box: Box, mask: str, enter: Move | None = ENTER) -> Layer:
    made = layer("presenter-clip", box, mask, enter=enter)
    return Layer(made.name, made.x, made.y, made.sprites, made.shows, made.enter, shot=Shot(clip, _window(clip, box)))


def _window(clip: Clip, box: Box) -> Window:
    """The largest part of the clip in the shape of the box."""
    shape = box.width / box.height
    if clip.width / clip.height >= shape:
        return Window(0.5, 0.5, clip.height * shape / clip.width)
    part = clip.width / shape / clip.height
    return Window(0.5, part / 2 + (1 - part) * HEADROOM, 1.0)

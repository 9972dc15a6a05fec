"""A small picture as a framed print, slightly turned, on its own blur; the title beside it."""

from reelqueue.art.layers import Move, Sway
from reelqueue.art.layouts.frame import Frame
from reelqueue.art.layouts.lettering import fitted, line_times, rising
from reelqueue.art.layouts.pictures import embedded, picture_size
from reelqueue.art.layouts.scene import Drawing, Scene, layer
from reelqueue.art.motifs.base import Box, n
from reelqueue.art.palette import mix
from reelqueue.art.style import pick

BORDER = 24
VEIL = 0.74
"""How much of the blur the palette's dark colour covers: type on it then has 4.5 whatever the picture."""


def draw(scene: Scene, drawing: Drawing) -> None:
    """The blur with a veil, the print, the title's lines."""
    assert scene.spec.picture is not None
    path = scene.folder / scene.spec.picture
    frame = scene.frame
    _blur(scene, drawing, str(embedded(path, width=frame.width // 8, height=frame.height // 8, blur=9, dim=0.9, enlarged=8)))
    known = scene.spec.picture_width, scene.spec.picture_height
    width, height = known if all(known) else picture_size(path)
    area, box = _places(frame, mirrored=scene.arranged.mirrored, titled=bool(scene.spec.title))
    scale = min(area.width / width, area.height / height)
    print_ = Box(area.cx - width * scale / 2, area.cy - height * scale / 2, width * scale, height * scale)
    angle = pick(f"{scene.seed}/angle", (-1.6, 1.6, -2.2, 1.2))
    image = embedded(path, width=round(print_.width), height=round(print_.height))
    svg = _print(print_, image, angle, scene.shadow)
    drawing.add(layer("print", print_.inset(-BORDER - 46), svg, enter=Move("pop", 0.1, 0.5, 24), sway=Sway(0, 4, 7)))
    if scene.spec.title:
        light = scene.palette.ink if scene.palette.dark else scene.palette.paper
        title = fitted(
            scene.spec.title, face=scene.faces.title, sizes=(64, 108) if frame.shape == "wide" else (60, 132), fill=light, width=box.width, lines=5,
            height=box.height, worth=0.76 if frame.shape == "wide" else 0.9, language=scene.spec.language,
        )  # fmt: skip
        y = box.y + (max(0.0, box.height - title.height) / 2 if frame.shape == "wide" else 0)
        drawing.add(*rising("title", title, (box.x, y), line_times(scene, title)))


def _places(frame: Frame, *, mirrored: bool, titled: bool) -> tuple[Box, Box]:
    """The print's area and the title's box."""
    if frame.shape == "wide":
        if not titled:
            return Box(300, 110, 1320, 700), Box(0, 0, 0, 0)
        return Box(140 if mirrored else 740, 110, 1040, 700), Box(1270 if mirrored else 120, 130, 530, 640)
    c = frame.content
    return Box(c.x + 10, c.y + c.height * 0.385, frame.width - 2 * c.x - 20, c.height * 0.58), Box(
        c.x, c.y, c.width, c.height * 0.32
    )


def _blur(scene: Scene, drawing: Drawing, uri: str) -> None:
    size = f'width="{scene.frame.width}" height="{scene.frame.height}"'
    dark = mix(scene.shadow, "#000000", 0.25)
    drawing.ground.append(
        f'<image {size} preserveAspectRatio="none" image-rendering="optimizeSpeed" href="{uri}"/><rect {size} fill="{dark}" opacity="{VEIL}"/>'
    )


def _print(box: Box, uri: str, angle: float, ink: str) -> str:
    paper = box.inset(-BORDER)
    shade = "".join(
        f'<rect x="{n(paper.x - s)}" y="{n(paper.y - s + 12)}" width="{n(paper.width + 2 * s)}" height="{n(paper.height + 2 * s)}" rx="{n(4 + s)}" fill="{ink}" opacity="0.07"/>'
        for s in (2, 6, 11, 17)
    )
    return (
        f'<g transform="rotate({angle} {n(box.cx)} {n(box.cy)})">{shade}'
        f'<rect x="{n(paper.x)}" y="{n(paper.y)}" width="{n(paper.width)}" height="{n(paper.height)}" fill="#f8f4ea"/>'
        f'<image x="{n(box.x)}" y="{n(box.y)}" width="{n(box.width)}" height="{n(box.height)}" preserveAspectRatio="none" href="{uri}"/></g>'
    )

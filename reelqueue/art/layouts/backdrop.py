"""A backdrop: the motif fills the frame, its layers drift; the title, if there is one, lies on a slip of paper."""

from reelqueue.art.layers import Move
from reelqueue.art.layouts.furniture import slip
from reelqueue.art.layouts.lettering import fitted, placed
from reelqueue.art.layouts.motif import add_backdrop
from reelqueue.art.layouts.scene import Drawing, Scene, layer
from reelqueue.art.motifs.base import Box
from reelqueue.art.palette import text_on


def draw(scene: Scene, drawing: Drawing) -> None:
    """The picture, then the slip when its words are spoken."""
    add_backdrop(scene, drawing)
    if scene.spec.title:
        add_slip(scene, drawing, scene.spec.title)


def add_slip(scene: Scene, drawing: Drawing, text: str) -> None:
    """The title on a slip at the lower edge of the content; it enters from the side when it is spoken."""
    frame, p = scene.frame, scene.palette
    light = p.ink if p.dark else p.paper
    wide = frame.shape == "wide"
    title = fitted(
        text, face=scene.faces.title, sizes=(52, 84) if wide else (48, 72), fill=text_on(light, p), width=(1100 if wide else frame.content.width - 60),
        lines=2, language=scene.spec.language,
    )  # fmt: skip
    pad = 30.0
    x0, y0, x1, y1 = title.ink
    width, height = x1 - x0 + 2 * pad, y1 - y0 + 2 * pad * 0.8
    x = frame.content.right - width if scene.arranged.mirrored and wide else frame.content.x - (24 if wide else 0)
    y = frame.content.bottom - height - 24
    paper = Box(x, y, width, height)
    spoken = scene.spoken_at(text)
    start = min(1.4, max(0.5, (spoken or 0.6) - 0.1))
    svg = slip(paper, light, scene.shadow, edge=p.pop) + placed(title.svg, (x + pad - x0, y + pad * 0.8 - y0))
    around = Box(paper.x - 12, paper.y - 6, paper.width + 24, paper.height + 24)
    drawing.add(layer("slip", around, svg, enter=Move("slide", start, 0.45, 60 if not scene.arranged.mirrored else -60)))

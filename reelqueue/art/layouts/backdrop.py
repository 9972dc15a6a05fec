"""A backdrop: the motif fills the frame, its layers drift; the title, if there is one, lies on a slip, a note on a second one."""

from dataclasses import dataclass

from reelqueue.art.fonts import Face
from reelqueue.art.layers import Move
from reelqueue.art.layouts.furniture import slip
from reelqueue.art.layouts.lettering import fitted, placed
from reelqueue.art.layouts.motif import add_backdrop
from reelqueue.art.layouts.scene import Drawing, Scene, layer
from reelqueue.art.motifs.base import Box
from reelqueue.art.palette import text_on
from reelqueue.art.text import TextBlock

PAD = 30.0
FROM_BELOW = 64.0
"""Between the lowest slip and the end of the content: clear of the subtitles, and of the presenter's circle beside them."""
SLIP_BY_S = 1.4
NOTE_DROP = 18.0


@dataclass(frozen=True, slots=True)
class _Slip:
    """What lies on a slip, and the slip's size."""

    block: TextBlock
    width: float
    height: float


def draw(scene: Scene, drawing: Drawing) -> None:
    """The picture, then the slips when their words are spoken."""
    add_backdrop(scene, drawing)
    if scene.spec.title:
        add_slip(scene, drawing, scene.spec.title, note=scene.spec.note)


def add_slip(scene: Scene, drawing: Drawing, text: str, *, note: str = "") -> None:
    """The title on a slip at the lower edge of the content; it enters from the side within 1.4 s, the note as it is spoken."""
    wide, chinese = scene.frame.shape == "wide", scene.chinese
    p = scene.palette
    light, dark = (p.ink, p.paper) if p.dark else (p.paper, p.ink)
    title = _slip(scene, text, scene.faces.title, ((60, 92) if chinese else (56, 84)) if wide else (52, 76), light)
    told = _slip(scene, note, scene.faces.strong, (42, 50), dark) if note else None
    bottom = scene.frame.content.bottom - (FROM_BELOW if wide else 24)
    y = bottom - title.height - (told.height + NOTE_DROP if told else 0)
    spoken = scene.spoken_at(text)
    start = min(SLIP_BY_S, max(0.5, (spoken or 0.6) - 0.1))
    _add(scene, drawing, "slip", title, (y, start), (light, p.pop))
    if told:
        heard = scene.spoken_at(note)
        at = max(start + 0.8, min((heard or start + 0.9) - 0.08, scene.duration_s - 1.4))
        _add(scene, drawing, "note", told, (y + title.height + NOTE_DROP, at), (dark, None))


def _slip(scene: Scene, text: str, face: Face, sizes: tuple[float, float], paper: str) -> _Slip:
    width = 1100 if scene.frame.shape == "wide" else scene.frame.content.width - 60
    fill = text_on(paper, scene.palette)
    block = fitted(text, face=face, sizes=sizes, fill=fill, width=width, lines=2, language=scene.spec.language)
    x0, y0, x1, y1 = block.ink
    return _Slip(block, x1 - x0 + 2 * PAD, y1 - y0 + 1.6 * PAD)


def _add(
    scene: Scene, drawing: Drawing, name: str, one: _Slip, top_at: tuple[float, float], colours: tuple[str, str | None]
) -> None:
    frame, mirrored = scene.frame, scene.arranged.mirrored
    wide = frame.shape == "wide"
    x = frame.content.right - one.width if mirrored and wide else frame.content.x - (24 if wide else 0)
    paper = Box(x, top_at[0], one.width, one.height)
    x0, y0 = one.block.ink[:2]
    svg = slip(paper, colours[0], scene.shadow, edge=colours[1])
    svg += placed(one.block.svg, (x + PAD - x0, paper.y + PAD * 0.8 - y0))
    around = Box(paper.x - 12, paper.y - 6, paper.width + 24, paper.height + 24)
    drawing.add(layer(name, around, svg, enter=Move("slide", top_at[1], 0.45, -60 if mirrored else 60)))

"""The outro: a word of farewell, a place for YouTube's end screen, and the presenter or the motif."""

from reelqueue.art.layers import Move, Sway
from reelqueue.art.layouts.frame import Frame
from reelqueue.art.layouts.furniture import texture
from reelqueue.art.layouts.host import add_host
from reelqueue.art.layouts.lettering import entering, fitted, line_times, placed, rising
from reelqueue.art.layouts.motif import add_art
from reelqueue.art.layouts.portrait import add_portrait
from reelqueue.art.layouts.scene import Drawing, Scene, layer
from reelqueue.art.motifs.base import Box, n
from reelqueue.art.palette import mix, text_on
from reelqueue.art.text import set_text
from reelqueue.wording import Text

NEXT = Text("下一集", "Up next")
SUBSCRIBE = Text("訂閱", "Subscribe")
BELL = "M0 -26C-14 -26 -20 -15 -20 -2C-20 10 -24 14 -27 18H27C24 14 20 10 20 -2C20 -15 14 -26 0 -26ZM-8 22A8 8 0 0 0 8 22Z"


def draw(scene: Scene, drawing: Drawing) -> None:
    """Title and note above, the slot and the pill below, the figure at the side."""
    frame, spec, ground = scene.frame, scene.spec, scene.ground
    texture(scene, drawing, corner=(0.0 if scene.arranged.mirrored else 1.0, 1.0), opacity=0.08)
    if scene.presenter and scene.clip is not None:
        add_portrait(scene, scene.clip, drawing)
    elif scene.presenter:
        add_host(scene, drawing)
    else:
        add_art(scene, drawing, quiet=True)
    box, slot, pill = _places(frame, mirrored=scene.arranged.mirrored)
    title = fitted(
        spec.title or NEXT.in_language(spec.language), face=scene.faces.title, sizes=(68, 140), fill=ground.text, width=box.width, lines=2,
        height=box.height * 0.78, language=spec.language,
    )  # fmt: skip
    note = None
    if spec.note:
        note = fitted(
            spec.note, face=scene.faces.strong, sizes=(36, 46), fill=ground.text, width=box.width, lines=2, language=spec.language
        )
    room = box.height - title.height - (note.height + 22 if note else 0)
    y = box.y + max(0.0, room) * 0.5
    times = line_times(scene, title)
    drawing.add(*rising("title", title, (box.x, y), times))
    if note and room >= 0:
        drawing.add(entering("note", note, (box.x, y + title.height + 22), max(times, default=0.4) + 0.4))
    _slot(scene, drawing, slot, max(times, default=0.4) + 0.3)
    _pill(scene, drawing, pill, max(times, default=0.4) + 0.7)


def _places(frame: Frame, *, mirrored: bool) -> tuple[Box, Box, tuple[float, float]]:
    """The words', the slot's box, and the pill's left middle."""
    if frame.shape == "wide":
        x = 980 if mirrored else 120
        return Box(x, 96, 840, 320), Box(x, 440, 640, 360), (x + 664, 620)
    if frame.shape == "tall":
        return Box(60, 250, 860, 350), Box(60, 630, 640, 360), (60, 1070)
    return Box(64, 64, 952, 290), Box(64, 380, 480, 270), (64, 716)


def _slot(scene: Scene, drawing: Drawing, box: Box, start: float) -> None:
    """Where YouTube lays the next video: a dark pane with a triangle, 640x360 in the wide frame."""
    dark = mix(scene.shadow, "#000000", 0.12)
    light = "#f7f3ea"
    label = set_text(
        NEXT.in_language(scene.spec.language), face=scene.faces.strong, size=32, fill=light, max_width=box.width, max_lines=1
    )
    triangle = (
        f'<path fill="{light}" d="M{n(box.cx - 42)} {n(box.cy - 66)}V{n(box.cy + 38)}L{n(box.cx + 50)} {n(box.cy - 14)}Z"/>'
    )
    svg = (
        f'<rect x="{n(box.x + 2)}" y="{n(box.y + 2)}" width="{n(box.width - 4)}" height="{n(box.height - 4)}" rx="18" fill="{dark}" fill-opacity="0.93"/>'
        f'<rect x="{n(box.x + 10)}" y="{n(box.y + 10)}" width="{n(box.width - 20)}" height="{n(box.height - 20)}" rx="12" fill="none" stroke="{light}" stroke-opacity="0.4" stroke-width="3"/>'
        f"{triangle}{placed(label.svg, (box.cx - label.width / 2, box.bottom - 78))}"
    )
    drawing.add(layer("slot", box, svg, enter=Move("fade", start, 0.4)))


def _pill(scene: Scene, drawing: Drawing, at: tuple[float, float], start: float) -> None:
    """The reminder to subscribe: never a real button, so it only says so."""
    fill = scene.ground.text
    ink = text_on(fill, scene.palette)
    word = set_text(
        SUBSCRIBE.in_language(scene.spec.language), face=scene.faces.strong, size=42, fill=ink, max_width=600, max_lines=1
    )
    width, height = word.width + 150, 92.0
    x, y = at[0], at[1] - height / 2
    svg = (
        f'<rect x="{n(x)}" y="{n(y)}" width="{n(width)}" height="{n(height)}" rx="46" fill="{fill}"/>'
        f'<path transform="translate({n(x + 62)} {n(y + 46)})" fill="{ink}" d="{BELL}"/>'
        f"{placed(word.svg, (x + 104, y + (height - word.ink[1] - word.ink[3]) / 2))}"
    )
    drawing.add(layer("pill", Box(x, y, width, height), svg, enter=Move("pop", start, 0.4, 18), sway=Sway(0, 3, 4)))

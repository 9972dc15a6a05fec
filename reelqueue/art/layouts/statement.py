"""A statement: one sentence in large type and one object; without an object, the motif.  A kicker above, a note below."""

from collections.abc import Sequence

from reelqueue.art.layouts.frame import Frame
from reelqueue.art.layouts.furniture import has_object, marker, marker_colour, object_layer, texture
from reelqueue.art.layouts.host import add_host
from reelqueue.art.layouts.lettering import entering, fitted, line_times, marked_range, rising
from reelqueue.art.layouts.motif import add_art
from reelqueue.art.layouts.scene import Drawing, Scene
from reelqueue.art.motifs.base import Box
from reelqueue.art.text import TextBlock

TITLE_PX = {"wide": (108, 208), "tall": (104, 156), "square": (84, 132)}
KICKER_GAP, NOTE_GAP = 34.0, 40.0


def draw(scene: Scene, drawing: Drawing) -> None:
    """The title's lines rise as they are spoken; then the marker is drawn under the marked words."""
    spec, frame = scene.spec, scene.frame
    thing = has_object(scene)
    marked = marked_range(scene, spec.title)
    coloured = marked is not None and not _marks(scene)
    spans = [(*marked, scene.ground.pop_shape)] if marked and coloured else []
    box = _title_box(frame, mirrored=scene.arranged.mirrored, thing=thing)
    kicker, note = _small(scene, box, spec.kicker, (38, 42)), _small(scene, box, spec.note, (40, 46))
    taken = (kicker.height + KICKER_GAP if kicker else 0) + (note.height + NOTE_GAP if note else 0)
    title = fitted(
        spec.title, face=scene.faces.title, sizes=TITLE_PX[frame.shape], fill=scene.ground.text, width=box.width, lines=4,
        height=box.height - taken, spans=spans, language=spec.language,
    )  # fmt: skip
    y = box.y + (max(0.0, (box.height - title.height - taken) * (0.42 if thing else 0.46)) if frame.shape == "wide" else 0)
    if kicker:
        drawing.add(entering("kicker", kicker, (box.x, y), 0.2))
        y += kicker.height + KICKER_GAP
    below = y + title.height + (note.height + NOTE_GAP if note else 0)
    if thing:
        texture(scene, drawing, corner=(0.0 if scene.arranged.mirrored else 1.0, 1.0), opacity=0.09)
        drawing.add(object_layer(scene, _object_box(frame, below, mirrored=scene.arranged.mirrored)))
    elif scene.presenter and frame.shape == "wide" and scene.arranged.variant % 2 == 1:
        add_host(scene, drawing)
    else:
        add_art(scene, drawing, quiet=True)
    times = line_times(scene, title)
    if marked and not coloured:
        spoken = scene.spoken_at(spec.marked)
        at = max(max(times, default=0.4) + 0.4, (spoken or 0.0) + 0.1)
        drawing.add(
            *marker("marker", title, marked, (box.x, y), marker_colour(scene), min(at, scene.duration_s - 0.6), scene.seed)
        )
    drawing.add(*rising("title", title, (box.x, y), times))
    if note:
        drawing.add(entering("note", note, (box.x, y + title.height + NOTE_GAP), note_at(scene, times)))


def note_at(scene: Scene, times: Sequence[float]) -> float:
    """When a note comes in: as it is spoken, else soon after the title; never before the title, nor at the very end."""
    after = max(times, default=0.4) + 0.45
    spoken = scene.spoken_at(scene.spec.note)
    return max(after, min(after if spoken is None else spoken - 0.08, scene.duration_s - 1.2))


def _small(scene: Scene, box: Box, text: str, sizes: tuple[float, float]) -> TextBlock | None:
    """The kicker or the note; None where there is none."""
    if not text:
        return None
    kicker = text == scene.spec.kicker
    face, fill = (scene.faces.strong, scene.accent) if kicker else (scene.faces.text, scene.ground.text)
    return fitted(
        text, face=face, sizes=sizes, fill=fill, width=box.width, lines=1 if kicker else 3, language=scene.spec.language
    )


def _marks(scene: Scene) -> bool:
    """A broad pen on loud grounds and at every second use; coloured words else."""
    return scene.arranged.ground in {"pop", "spark"} or scene.arranged.variant % 2 == 0


def _title_box(frame: Frame, *, mirrored: bool, thing: bool) -> Box:
    c = frame.content
    if frame.shape == "wide":
        width = 1060 if thing else 800
        return Box(c.right - width if mirrored else c.x, c.y + 20, width, c.height - 60)
    return Box(c.x, c.y, c.width, c.height * (0.52 if thing else 0.5))


def _object_box(frame: Frame, below: float, *, mirrored: bool) -> Box:
    """The larger, the less room the title takes; it may touch the frame's margin but not the subtitles."""
    if frame.shape == "wide":
        size = 560.0
        return Box(90 if mirrored else 1250, 250, size, size)
    top = below + 50
    size = min(frame.subtitles.y - 30 - top, 560.0)
    x = frame.content.x if mirrored else frame.content.right - size
    return Box(x, top, size, size)

"""The opening: the title in large type beside the motif, which grows while the title's lines rise."""

from reelqueue.art.layouts.lettering import entering, fitted, line_times, rising
from reelqueue.art.layouts.motif import add_art
from reelqueue.art.layouts.scene import Drawing, Scene

TITLE_PX = {"wide": (100, 150), "tall": (104, 156), "square": (76, 112)}


def draw(scene: Scene, drawing: Drawing) -> None:
    """Kicker, title, note on one side; the motif on the other or below."""
    add_art(scene, drawing, with_object=True)
    spec, ground, frame = scene.spec, scene.ground, scene.frame
    box = frame.text_box(mirrored=scene.arranged.mirrored, share=0.52 if frame.shape == "wide" else 0.5)
    language = spec.language
    title = fitted(
        spec.title, face=scene.faces.title, sizes=TITLE_PX[frame.shape], fill=ground.text, width=box.width, lines=4,
        height=box.height * (0.66 if frame.shape == "wide" else 0.8), language=language,
    )  # fmt: skip
    kicker = note = None
    if spec.kicker:
        kicker = fitted(
            spec.kicker, face=scene.faces.strong, sizes=(34, 36), fill=scene.accent, width=box.width, lines=1, language=language
        )
    if spec.note:
        note = fitted(
            spec.note, face=scene.faces.text, sizes=(38, 44), fill=ground.muted, width=box.width, lines=2, language=language
        )
    height = title.height + (kicker.height + 34 if kicker else 0) + (note.height + 36 if note else 0)
    y = box.y + (max(0.0, (box.height - height) / 2) if frame.shape == "wide" else 0)
    times = line_times(scene, title, earliest=0.35)
    if kicker:
        drawing.add(entering("kicker", kicker, (box.x, y), 0.2))
        y += kicker.height + 34
    drawing.add(*rising("title", title, (box.x, y), times))
    if note:
        drawing.add(entering("note", note, (box.x, y + title.height + 36), times[-1] + 0.45))

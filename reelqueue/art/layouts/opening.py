"""The opening: the title in large type beside the motif, which grows while the title's lines rise."""

import re

from reelqueue.art.layouts.lettering import entering, fitted, line_times, rising
from reelqueue.art.layouts.motif import add_art
from reelqueue.art.layouts.portrait import add_portrait
from reelqueue.art.layouts.scene import Drawing, Scene

TITLE_PX = {"wide": (100, 150), "tall": (104, 156), "square": (76, 112)}
SECOND_SHARE = 0.6
"""How large what follows a colon is set, of what precedes it."""
LONG_TITLE = 26
"""From this length on (Latin letters; a Chinese character counts for two) a title with a colon is set in two parts."""


def draw(scene: Scene, drawing: Drawing) -> None:
    """Kicker, title, note on one side; the motif on the other or below, and before it the presenter's clip."""
    portrayed = scene.clip if scene.presenter else None
    add_art(scene, drawing, with_object=portrayed is None)
    if portrayed is not None:
        add_portrait(scene, portrayed, drawing)
    spec, ground, frame = scene.spec, scene.ground, scene.frame
    box = frame.text_box(mirrored=scene.arranged.mirrored, share=0.52 if frame.shape == "wide" else 0.5)
    language = spec.language
    head, tail = two_parts(spec.title)
    room = box.height * (0.66 if frame.shape == "wide" else 0.8)
    title = fitted(
        head, face=scene.faces.title, sizes=TITLE_PX[frame.shape], fill=ground.text, width=box.width, lines=3 if tail else 4,
        height=room * (0.66 if tail else 1), language=language,
    )  # fmt: skip
    second = None
    if tail:
        largest = max(48.0, title.size * SECOND_SHARE)
        second = fitted(
            tail,
            face=scene.faces.title,
            sizes=(44, largest),
            fill=scene.accent,
            width=box.width,
            lines=3,
            height=room * 0.4,
            language=language,
        )
    kicker = note = None
    if spec.kicker:
        kicker = fitted(
            spec.kicker, face=scene.faces.strong, sizes=(38, 42), fill=scene.accent, width=box.width, lines=1, language=language
        )
    if spec.note:
        note = fitted(
            spec.note, face=scene.faces.text, sizes=(38, 44), fill=ground.muted, width=box.width, lines=2, language=language
        )
    height = (
        title.height
        + (second.height + 30 if second else 0)
        + (kicker.height + 34 if kicker else 0)
        + (note.height + 36 if note else 0)
    )
    y = box.y + (max(0.0, (box.height - height) / 2) if frame.shape == "wide" else 0)
    times = line_times(scene, title, earliest=0.35)
    if kicker:
        drawing.add(entering("kicker", kicker, (box.x, y), 0.2))
        y += kicker.height + 34
    drawing.add(*rising("title", title, (box.x, y), times))
    y += title.height
    if second:
        after = [
            max(max(times, default=0.4) + 0.25, at) for at in line_times(scene, second, earliest=max(times, default=0.4) + 0.25)
        ]
        drawing.add(*rising("title-second", second, (box.x, y + 30), after))
        times, y = after, y + 30 + second.height
    if note:
        drawing.add(entering("note", note, (box.x, y + 36), max(times, default=0.4) + 0.45))


def two_parts(title: str) -> tuple[str, str]:
    """A long title that has a colon, as what stands before and what stands after it; else the title and nothing."""
    match = re.match(r"^(.{3,40}?)\s*(?:：|:\s)\s*(.{3,60})$", title.strip())
    if match is None or sum(2 if ord(c) > 0x2E7F else 1 for c in title) < LONG_TITLE:
        return title, ""
    return match.group(1), match.group(2)

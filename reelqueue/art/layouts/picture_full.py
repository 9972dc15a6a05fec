"""A user's picture over the whole frame: a slow move over it, and the title on a slip."""

from reelqueue.art.layers import Camera
from reelqueue.art.layouts.backdrop import add_slip
from reelqueue.art.layouts.pictures import picture_size, window
from reelqueue.art.layouts.scene import Drawing, Scene
from reelqueue.art.style import pick

MOVES = (
    ((1.0, 0.5, 0.5), (0.88, 0.5, 0.5)),
    ((0.88, 0.5, 0.45), (1.0, 0.5, 0.5)),
    ((0.9, 0.15, 0.5), (0.9, 0.85, 0.5)),
    ((0.9, 0.85, 0.4), (0.9, 0.2, 0.6)),
)
"""Share of the largest window, and where it lies, at the start and at the end."""


def draw(scene: Scene, drawing: Drawing) -> None:
    """Camera and slip."""
    assert scene.spec.picture is not None
    path = scene.folder / scene.spec.picture
    known = scene.spec.picture_width, scene.spec.picture_height
    size = known if all(known) else picture_size(path)
    start, end = pick(f"{scene.seed}/camera", MOVES)
    frame = (scene.frame.width, scene.frame.height)
    drawing.camera = Camera(
        path, window(size, frame, share=start[0], x=start[1], y=start[2]), window(size, frame, share=end[0], x=end[1], y=end[2])
    )
    drawing.grain = False
    if scene.spec.title:
        add_slip(scene, drawing, scene.spec.title)

"""A scene at a frame -> which rectangles of which planes change, and to what.

A `Stage` holds one scene's ground, patches and a canvas: the planes of the frame drawn last.  Where nothing changed
nothing is drawn; else the ground is put back and the layers are laid on it, only inside the rectangles in which a
layer changed.  A camera changes every pixel: then all is drawn.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from reelqueue.art.layers import DrawnScene
from reelqueue.media.camera import Film
from reelqueue.media.footage import Footage
from reelqueue.media.motion import Look, look_at
from reelqueue.media.patches import PatchStore, placed
from reelqueue.media.planes import Patch, Planes, Rect, blend, ground_planes, padded, restore


@dataclass(slots=True)
class _Shown:
    """A layer as it stands on the canvas."""

    look: Look | None = None
    patch: Patch | None = None
    footage: Footage | None = None


@dataclass(slots=True)
class Stage:
    """One scene being shown, `frames` long at `fps`.  `canvas` holds the frame drawn last, of an even size."""

    scene: DrawnScene
    fps: int
    frames: int
    canvas: Planes
    ground: Planes
    film: Film | None
    patches: PatchStore = field(default_factory=PatchStore)
    shown: list[_Shown] = field(default_factory=list)
    drawn: bool = False
    window: tuple[float, float, float] | None = None

    @property
    def frame(self) -> Rect:
        """The whole canvas."""
        return Rect(0, 0, self.canvas.y.shape[1], self.canvas.y.shape[0])

    @property
    def is_still(self) -> bool:
        """Whether most of its frames equal the one before: neither a camera nor a clip is in it."""
        return self.film is None and all(shown.footage is None for shown in self.shown)

    def show(self, number: int) -> bool:
        """Bring the canvas to the frame `number`; whether anything changed."""
        changed = self._change_layers(number / self.fps)
        if not self.drawn:
            changed = [self.frame]
        if self.film is not None:
            return self._show_film(self.film, number, changed=bool(changed))
        for rect in changed:
            restore(self.canvas, self.ground, rect)
            self._lay(rect)
        self.drawn = True
        return bool(changed)

    def _show_film(self, film: Film, number: int, *, changed: bool) -> bool:
        """Under a camera: draw all of it, unless neither the window nor a layer changed."""
        window = film.window_at(number / max(1, self.frames - 1))
        if window == self.window and not changed:
            return False
        film.draw(window, self.canvas)
        self._lay(self.frame)
        self.window, self.drawn = window, True
        return True

    def show_anew(self, number: int) -> None:
        """As `show`, but every pixel is drawn."""
        self.drawn = False
        self.show(number)

    def _change_layers(self, seconds: float) -> list[Rect]:
        """Bring each layer to its look; where something changed, as rectangles that do not overlap."""
        dirty: list[Rect] = []
        for layer, shown in zip(self.scene.layers, self.shown, strict=True):
            look = look_at(layer, seconds)
            if look is not None and shown.footage is not None:  # the picture that is due in the middle of the frame
                look = look._replace(picture=shown.footage.number_at(seconds + 0.5 / self.fps))
            if look == shown.look:
                continue
            before = shown.patch
            whole = None if look is None else self.patches.get(layer, look.sprite)
            if whole is not None and look is not None and shown.footage is not None:
                whole = shown.footage.behind(whole, layer, look.picture)
            shown.look = look
            shown.patch = None if look is None or whole is None else placed(whole, layer, look)
            dirty += [part for patch in (before, shown.patch) if patch and (part := patch.rect.common(self.frame)).area]
        return apart(dirty)

    def _lay(self, rect: Rect) -> None:
        for shown in self.shown:
            if shown.patch is not None:
                blend(self.canvas, shown.patch, rect)


def apart(rects: Sequence[Rect]) -> list[Rect]:
    """Rectangles that hold all of the given ones, and of which no two overlap."""
    out: list[Rect] = []
    for given in rects:
        rect, again = given, True
        while again:
            meeting = [other for other in out if other.common(rect).area]
            again = bool(meeting)
            for other in meeting:
                rect = rect.around(other)
                out.remove(other)
        out.append(rect)
    return out


def prepare(scene: DrawnScene, *, fps: int, frames: int, canvas: Planes) -> Stage:
    """Make what a scene needs: its ground, and its picture where it has a camera.  Layers are made when first seen.

    Raises:
        MediaError: the camera's picture or a clip can't be read.
    """
    ground = ground_planes(scene.ground, grain=scene.grain, seed=scene.seed)
    film = None
    if scene.camera is not None:
        film = Film.load(scene.camera, padded((scene.width, scene.height)), scene.ground)
        if not film.moves:
            film.draw(film.window_at(0.0), ground)
            film = None
    shown = [_Shown(footage=None if layer.shot is None else Footage(layer.shot)) for layer in scene.layers]
    return Stage(scene, fps, frames, canvas, ground, film, shown=shown)

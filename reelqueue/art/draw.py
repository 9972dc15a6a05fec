"""One scene, drawn: from what it shows and when its words are spoken to the layers that are composed into frames."""

from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

from reelqueue.art.arrange import ArrangedScene
from reelqueue.art.layers import Clip, DrawnScene, Layer, Move, Sprite, Sway
from reelqueue.art.layouts import LAYOUTS
from reelqueue.art.layouts.frame import Frame, frame_for
from reelqueue.art.layouts.host import add_circle
from reelqueue.art.layouts.pictures import logo as read_logo
from reelqueue.art.layouts.portrait import add_round
from reelqueue.art.layouts.scene import Drawing, Scene, layer
from reelqueue.art.motifs.base import Box
from reelqueue.art.style import Style
from reelqueue.models.voice import Viseme, Word


def draw(
    scene: ArrangedScene,
    style: Style,
    *,
    size: tuple[int, int],
    duration_s: float,
    words: Sequence[Word] = (),
    visemes: Sequence[Viseme] = (),
    presenter: bool = False,
    clip: Clip | None = None,
    project_root: Path = Path(),
    logo: Path | None = None,
) -> DrawnScene:
    """Draw one scene.

    Args:
        scene: what and how, from `arrange`.
        style: the video's.
        size: width and height in px; other than 1920x1080, 1080x1920 and 1080x1080 are scaled from the nearest shape.
        duration_s: how long the scene is seen.
        words: offsets into the scene's text; times in seconds of the scene.
        visemes: mouth shapes, on the same clock; used with `presenter`.
        presenter: whether somebody is seen who speaks.
        clip: the presenter as a video; None: as a drawn figure.
        project_root: what the scene's `picture` is relative to.
        logo: a picture for the corner.

    Raises:
        OSError: a picture can't be read.
    """
    frame = frame_for(*size)
    here = Scene(scene, style, frame, duration_s, words, visemes, presenter, project_root, clip)
    drawing = Drawing(frame)
    LAYOUTS[scene.layout](here, drawing)
    if presenter and not any(item.name.startswith("presenter-") for item in drawing.layers):
        add_round(here, clip, drawing) if clip is not None else add_circle(here, drawing)
    if logo is not None:
        drawing.add(_logo(frame, logo))
    if drawing.camera is None and not any(item.sway for item in drawing.layers):
        drawing.add(_mote(here))
    drawn = DrawnScene(
        width=frame.width,
        height=frame.height,
        ground=_ground(here, drawing),
        layers=tuple(drawing.layers),
        camera=drawing.camera,
        grain=drawing.grain,
        seed=int.from_bytes(sha256(here.seed.encode()).digest()[:4], "big"),
    )
    return drawn if size == (frame.width, frame.height) else scaled(drawn, *size)


def _ground(scene: Scene, drawing: Drawing) -> Sprite:
    frame = scene.frame
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{frame.width}" height="{frame.height}" viewBox="0 0 {frame.width} {frame.height}">'
    fill = f'<rect width="{frame.width}" height="{frame.height}" fill="{scene.ground.fill}"/>'
    return Sprite(f"{head}{fill}{''.join(drawing.ground)}</svg>", frame.width, frame.height)


def _mote(scene: Scene) -> Layer:
    """A small disc that floats: no picture stands wholly still."""
    x, y, r = scene.frame.content.right - 30, scene.frame.content.y + 20, 12
    svg = f'<circle cx="{x}" cy="{y}" r="{r}" fill="{scene.tones.pop}"/>'
    return layer("mote", Box(x - r - 2, y - r - 2, 2 * r + 4, 2 * r + 4), svg, sway=Sway(6, 10, 6))


def _logo(frame: Frame, path: Path) -> Layer:
    """At most 220x72 px, in the upper right corner of what is safe."""
    uri, width, height = read_logo(path, width=220, height=72)
    top = 172 if frame.shape == "tall" else 40 if frame.shape == "wide" else 22
    box = Box(frame.content.right - width, top, width, height)
    return layer("logo", box, f'<image x="{box.x}" y="{box.y}" width="{width}" height="{height}" href="{uri}"/>')


def scaled(drawn: DrawnScene, width: int, height: int) -> DrawnScene:
    """The same scene in another size: for previews, tests and larger frames."""
    sx, sy = width / drawn.width, height / drawn.height
    return replace(
        drawn,
        width=width,
        height=height,
        ground=_resized(drawn.ground, width, height),
        layers=tuple(scaled_layer(item, sx, sy) for item in drawn.layers),
    )


def scaled_layer(item: Layer, sx: float, sy: float) -> Layer:
    """One layer in another size."""
    x, y = int(item.x * sx // 2) * 2, int(item.y * sy // 2) * 2
    sprites = tuple(_resized(one, max(2, round(one.width * sx)), max(2, round(one.height * sy))) for one in item.sprites)
    return replace(
        item, x=x, y=y, sprites=sprites, enter=_scaled_move(item.enter, sx, sy), leave=_scaled_move(item.leave, sx, sy),
        sway=item.sway and Sway(item.sway.dx * sx, item.sway.dy * sy, item.sway.period_s, item.sway.phase),
    )  # fmt: skip


def _scaled_move(move: Move | None, sx: float, sy: float) -> Move | None:
    return move and replace(move, distance=move.distance * (sx if move.kind == "slide" else sy))


def _resized(one: Sprite, width: int, height: int) -> Sprite:
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {one.width} {one.height}" preserveAspectRatio="none">'
        f"{one.svg}</svg>"
    )
    return Sprite(svg, width, height)

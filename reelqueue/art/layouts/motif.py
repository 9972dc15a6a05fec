"""The video's motif, drawn where a layout wants it."""

from dataclasses import replace

from reelqueue.art.layers import Layer, Move, Sway
from reelqueue.art.layouts.furniture import object_svg
from reelqueue.art.layouts.scene import Drawing, Scene, fade_mask, layer
from reelqueue.art.motifs import blocks, contours, flow, growth, halftone, lanes, orbits, papercut
from reelqueue.art.motifs.base import Box, MotifArt, Tones, n
from reelqueue.art.motifs.growth import forest
from reelqueue.art.palette import mix

WITH_PLACE = {"orbits", "halftone", "papercut", "contours"}
"""Motifs that leave a place for an object."""
FADING = {"lanes", "flow", "contours"}
"""Motifs without an edge of their own: they fade towards the title."""


def add_art(scene: Scene, drawing: Drawing, *, quiet: bool = False, with_object: bool = False, seconds: float = 1.2) -> None:
    """The motif beside the title, as for an opening; `with_object` puts the scene's object on it where the motif has a place."""
    frame, mirrored = scene.frame, scene.arranged.mirrored
    name = scene.style.motif
    box = frame.art_box(mirrored=mirrored)
    gap = frame.gap if frame.shape != "wide" else box
    thing = _object(scene, gap, start=seconds * 0.6) if with_object else None
    art = beside(scene, gap if name == "orbits" else box, quiet=quiet, free_middle=thing is not None)
    mask = fade_mask("fade", box, mirrored=mirrored, down=frame.shape != "wide") if name in FADING else ""
    drawing.add_motif(art, seconds=seconds, kind="fade" if name in {"flow", "contours", "orbits"} else "wipe-up", mask=mask)
    drawing.add(thing)


def _object(scene: Scene, box: Box, *, start: float) -> Layer | None:
    """The scene's object where the motif in `box` has a place for it."""
    name = scene.style.motif
    place = object_place(name, box, mirrored=scene.arranged.mirrored)
    if place is None:
        return None
    # on the halftone's disc an object in the disc's own colour would drown
    on_disc = name == "halftone" and scene.arranged.ground != "pop"
    thing = object_svg(scene, place, scene.spec.subject, ground=scene.palette.ground("pop") if on_disc else None)
    if thing is None:
        return None
    return layer("object", place.inset(-place.width * 0.08), thing, enter=Move("pop", start, 0.5, 24), sway=Sway(0, 7, 5))


def add_floor(scene: Scene, drawing: Drawing) -> None:
    """In the tall frame, where nothing is said below the subtitles: the motif, dim, baked into the ground."""
    frame = scene.frame
    if frame.shape != "tall" or scene.style.motif not in {"blocks", "growth", "contours", "flow"}:
        return
    box = Box(0, 1400, frame.width, 520)
    art = beside(scene, box, quiet=False, free_middle=True)
    still = "".join(patch.svg for patch in art.patches if patch.grows)
    drawing.ground.append(f'<g opacity="0.34">{art.still}{still}</g>')


def object_place(name: str, box: Box, *, mirrored: bool = False) -> Box | None:
    """Where an object may stand in the motif; None where the motif is the object."""
    side = min(box.width, box.height)
    if box.height < box.width * 0.5:  # the gap between title and subtitles
        size = side * (0.62 if name == "halftone" else 0.82)
        return Box(box.cx - size / 2, box.cy - size / 2, size, size) if name in WITH_PLACE else None
    places = {
        "orbits": (0.52, 0.5, 0.22),
        "halftone": (0.5, 0.44, 0.40),
        "papercut": (0.66, 0.44, 0.36),
        "contours": (0.58, 0.42, 0.40),
    }
    if name not in places:
        return None
    cx, cy, share = places[name]
    if mirrored and name == "papercut":
        cx = 1 - cx
    size = side * share
    return Box(box.x + box.width * cx - size / 2, box.y + box.height * cy - size / 2, size, size)


def beside(scene: Scene, box: Box, *, quiet: bool, free_middle: bool) -> MotifArt:
    """The motif in `box`, turned towards the title's side."""
    tones, seed, name = scene.tones, f"{scene.style.seed}/{scene.arranged.index}", scene.style.motif
    wide, mirrored = scene.frame.shape == "wide", scene.arranged.mirrored
    title = "" if not wide else "right" if mirrored else "left"
    inner = _margin(box, name, scene)
    if name == "growth":
        return growth(inner, tones, seed, free=title)
    if name == "blocks":
        return blocks(inner, tones, seed, ink=scene.shadow, quiet=quiet, lean={"": 0.5, "left": 0.68, "right": 0.32}[title])
    if name == "papercut":
        art = papercut(scene.frame.whole, tones, seed, shadow_colour=scene.shadow, fade_left=wide)
        art = art if wide else _below_title(art, scene)
        return _flipped(art, scene) if mirrored else art
    if name == "lanes":
        return lanes(box, tones, seed, faded=title)
    if name == "orbits":
        art = orbits(box, tones, seed, sun=not free_middle)
    elif name == "halftone":
        art = halftone(box, tones, seed, disc_in=scene.frame.gap if free_middle and not wide else None)
    else:
        art = flow(box, tones, seed) if name == "flow" else contours(box, tones, seed)
    return _without_sun(art) if free_middle else art


def _without_sun(art: MotifArt) -> MotifArt:
    """Where an object stands, no sun does."""
    return MotifArt(art.still, tuple(patch for patch in art.patches if patch.name != "sun"))


def _below_title(art: MotifArt, scene: Scene) -> MotifArt:
    """Where the title stands above the art, nothing small floats over it."""
    top = scene.frame.gap.y
    return MotifArt(art.still, tuple(patch for patch in art.patches if patch.grows or patch.box.y >= top))


def _margin(box: Box, name: str, scene: Scene) -> Box:
    """Motifs with an outline keep away from the title."""
    if scene.frame.shape != "wide" or name not in {"growth", "blocks"}:
        return box
    gap = 96.0
    return Box(box.x + (0 if scene.arranged.mirrored else gap), box.y + 90, box.width - gap, box.height - 90)


def _flipped(art: MotifArt, scene: Scene) -> MotifArt:
    """The motif, left and right swapped."""
    width = scene.frame.width
    turn = f'<g transform="translate({n(width)} 0) scale(-1 1)">'
    patches = (
        replace(p, box=Box(width - p.box.right, p.box.y, p.box.width, p.box.height), svg=f"{turn}{p.svg}</g>")
        for p in art.patches
    )
    return MotifArt(f"{turn}{art.still}</g>", tuple(patches))


def add_backdrop(scene: Scene, drawing: Drawing) -> None:
    """The motif over the whole frame, as a picture of its own."""
    tones, whole, name = scene.tones, scene.frame.whole, scene.style.motif
    seed = f"{scene.seed}/backdrop"
    if name == "growth":
        drawing.ground.append(_sky(scene, tones))
        drawing.add_motif(forest(whole, tones, seed), kind="wipe-up", seconds=1.4)
        return
    upper = Box(0, 0, whole.width, scene.frame.content.bottom + 230) if scene.frame.shape == "tall" else whole
    thing = _object(scene, upper, start=0.5)
    if name == "papercut":
        wide = scene.frame.shape == "wide"
        drawing.add_motif(papercut(whole, tones, seed, shadow_colour=scene.shadow, fade_left=wide, whole=0.16), seconds=0)
    elif name == "blocks":
        field = Box(-200, scene.frame.height * 0.06, scene.frame.width + 400, scene.frame.height * 1.1)
        drawing.add_motif(blocks(field, tones, seed, ink=scene.shadow, lean=0.5), seconds=0.9)
    elif name == "orbits":
        drawing.add_motif(orbits(upper, tones, seed, sun=thing is None), kind="fade", seconds=0.9)
    else:
        art = _over(whole, tones, seed, name)
        drawing.add_motif(art if thing is None else _without_sun(art), kind="fade", seconds=0.9)
    drawing.add(thing)


def _over(box: Box, tones: Tones, seed: str, name: str) -> MotifArt:
    """A motif without an edge of its own, all over `box`."""
    if name == "lanes":
        return lanes(box, tones, seed)
    if name == "halftone":
        return halftone(box, tones, seed)
    return flow(box, tones, seed) if name == "flow" else contours(box, tones, seed)


def _sky(scene: Scene, tones: Tones) -> str:
    light = mix(tones.ground, "#ffffff", 0.12)
    return (
        f'<defs><linearGradient id="sky" x1="0" y1="0" x2="0" y2="1"><stop offset="0" stop-color="{light}"/><stop offset="1" stop-color="{tones.ground}"/></linearGradient></defs>'
        f'<rect width="{scene.frame.width}" height="{scene.frame.height}" fill="url(#sky)"/>'
    )

"""The video's motif, drawn where a layout wants it."""

from reelqueue.art.layers import Move, Sway
from reelqueue.art.layouts.furniture import object_svg
from reelqueue.art.layouts.scene import Drawing, Scene, fade_mask, layer
from reelqueue.art.motifs import blocks, contours, flow, growth, halftone, lanes, orbits, papercut
from reelqueue.art.motifs.base import Box, MotifArt, Tones, n
from reelqueue.art.motifs.growth import forest
from reelqueue.art.palette import mix

FADING = {"lanes", "flow", "contours"}
"""Motifs without an edge of their own: they fade towards the title."""


def add_art(scene: Scene, drawing: Drawing, *, quiet: bool = False, with_object: bool = False, seconds: float = 1.2) -> None:
    """The motif beside the title, as for an opening; `with_object` puts the scene's object on it where the motif has a place."""
    frame, mirrored = scene.frame, scene.arranged.mirrored
    name = scene.style.motif
    box = frame.art_box(mirrored=mirrored)
    thing = place = None
    if with_object:
        place = object_place(name, box)
        thing = object_svg(scene, place, scene.spec.subject) if place else None
    art = beside(scene, box, quiet=quiet, free_middle=thing is not None)
    mask = fade_mask("fade", box, mirrored=mirrored) if name in FADING and frame.shape == "wide" else ""
    drawing.add_motif(art, seconds=seconds, kind="fade" if name in {"flow", "contours", "orbits"} else "wipe-up", mask=mask)
    if thing and place:
        drawing.add(
            layer(
                "object", place.inset(-place.width * 0.08), thing, enter=Move("pop", seconds * 0.6, 0.5, 24), sway=Sway(0, 7, 5)
            )
        )


def add_floor(scene: Scene, drawing: Drawing) -> None:
    """In the tall frame, where nothing is said below the subtitles: the motif, dim, baked into the ground."""
    frame = scene.frame
    if frame.shape != "tall" or scene.style.motif not in {"blocks", "growth", "contours", "flow"}:
        return
    box = Box(0, 1400, frame.width, 520)
    art = beside(scene, box, quiet=False, free_middle=True)
    still = "".join(patch.svg for patch in art.patches if patch.grows)
    drawing.ground.append(f'<g opacity="0.34">{art.still}{still}</g>')


def object_place(name: str, box: Box) -> Box | None:
    """Where an object may stand in the motif; None where the motif is the object."""
    side = min(box.width, box.height)
    places = {
        "orbits": (0.52, 0.5, 0.2),
        "halftone": (0.5, 0.44, 0.40),
        "papercut": (0.66, 0.44, 0.36),
        "contours": (0.58, 0.42, 0.40),
    }
    if name not in places:
        return None
    cx, cy, share = places[name]
    size = side * share
    return Box(box.x + box.width * cx - size / 2, box.y + box.height * cy - size / 2, size, size)


def beside(scene: Scene, box: Box, *, quiet: bool, free_middle: bool) -> MotifArt:
    """The motif in `box`, turned towards the title's side."""
    tones, seed, name = scene.tones, f"{scene.style.seed}/{scene.arranged.index}", scene.style.motif
    inner = _margin(box, name, scene)
    if name == "growth":
        return growth(
            inner, tones, seed, free="" if scene.frame.shape != "wide" else "right" if scene.arranged.mirrored else "left"
        )
    if name == "blocks":
        return blocks(
            inner,
            tones,
            seed,
            ink=scene.shadow,
            quiet=quiet,
            lean=0.5 if scene.frame.shape != "wide" else 0.32 if scene.arranged.mirrored else 0.68,
        )
    if name == "papercut":
        art = papercut(scene.frame.whole, tones, seed, shadow_colour=scene.shadow, fade_left=scene.frame.shape == "wide")
        return _flipped(art, scene) if scene.arranged.mirrored else art
    if name == "contours":
        return contours(box, tones, seed) if not free_middle else MotifArt("", contours(box, tones, seed).patches[:1])
    if name == "orbits":
        return orbits(box, tones, seed, sun=not free_middle)
    return {"lanes": lanes, "halftone": halftone, "flow": flow}[name](box, tones, seed)


def _margin(box: Box, name: str, scene: Scene) -> Box:
    """Motifs with an outline keep away from the title."""
    if scene.frame.shape != "wide" or name not in {"growth", "blocks"}:
        return box
    gap = 66.0
    return Box(box.x + (0 if scene.arranged.mirrored else gap), box.y + 90, box.width - gap, box.height - 90)


def _flipped(art: MotifArt, scene: Scene) -> MotifArt:
    """What is baked, mirrored; what moves is left out, it would stand on the wrong side."""
    return MotifArt(f'<g transform="translate({n(scene.frame.width)} 0) scale(-1 1)">{art.still}</g>')


def add_backdrop(scene: Scene, drawing: Drawing) -> None:
    """The motif over the whole frame, as a picture of its own."""
    tones, whole, name = scene.tones, scene.frame.whole, scene.style.motif
    seed = f"{scene.seed}/backdrop"
    if name == "growth":
        drawing.ground.append(_sky(scene, tones))
        drawing.add_motif(forest(whole, tones, seed), kind="wipe-up", seconds=1.4)
        return
    if name == "papercut":
        drawing.add_motif(
            papercut(whole, tones, seed, shadow_colour=scene.shadow, fade_left=scene.frame.shape == "wide"), seconds=0
        )
        return
    if name == "blocks":
        wide = Box(-200, scene.frame.height * 0.06, scene.frame.width + 400, scene.frame.height * 1.1)
        drawing.add_motif(blocks(wide, tones, seed, ink=scene.shadow, lean=0.5), seconds=0.9)
        return
    draw = {"lanes": lanes, "halftone": halftone, "flow": flow, "contours": contours, "orbits": orbits}[name]
    drawing.add_motif(draw(whole, tones, seed), kind="fade", seconds=0.9)


def _sky(scene: Scene, tones: Tones) -> str:
    light = mix(tones.ground, "#ffffff", 0.12)
    return (
        f'<defs><linearGradient id="sky" x1="0" y1="0" x2="0" y2="1"><stop offset="0" stop-color="{light}"/><stop offset="1" stop-color="{tones.ground}"/></linearGradient></defs>'
        f'<rect width="{scene.frame.width}" height="{scene.frame.height}" fill="url(#sky)"/>'
    )

"""The presenter in a scene: large beside a title, or small in a corner."""

from reelqueue.art.figures import Looks, looks
from reelqueue.art.layers import Sway
from reelqueue.art.layouts.scene import Drawing, Scene, layer
from reelqueue.art.motifs.base import Box, n
from reelqueue.art.palette import Palette, contrast, mix
from reelqueue.art.presenter import Place, presenter_circle, presenter_layers


def look_of(scene: Scene) -> Looks:
    """The figure's clothes: an accent that is not the ground's colour."""
    p = scene.palette
    order = (p.pop, p.spark) if scene.style.presenter == "mei" else (p.spark, p.pop)
    fill = scene.ground.fill
    clothes = next((c for c in order if contrast(c, fill) >= 1.6 and c != fill), p.card)
    trim = p.spark if clothes == p.pop else p.pop
    return looks(scene.style.presenter, clothes=clothes, trim=trim, ink=p.paper if p.dark else p.ink)


def disc_colour(scene: Scene) -> str:
    """What lies behind the figure: near the ground, but lighter or darker."""
    ground = scene.ground
    if scene.arranged.ground in {"pop", "spark"}:
        return mix(ground.fill, "#ffffff", 0.24)
    return disc_on(scene.palette, ground.panel if ground.panel != ground.text else ground.fill, ground.text)


def disc_on(palette: Palette, near: str, text: str) -> str:
    """A quiet colour for a figure to stand before: a dark palette's card made lighter, a light one's with some spark in it."""
    return mix(near, text, 0.14) if palette.dark else mix(near, palette.spark, 0.26)


def add_host(scene: Scene, drawing: Drawing) -> None:
    """The figure at the side where the title is not, as high as the frame allows, a disc behind it."""
    frame = scene.frame
    scale, cx, head = {"wide": (0.82, 1400.0, 84.0), "tall": (0.66, 540.0, 1400.0), "square": (0.46, 800.0, 500.0)}[frame.shape]
    if scene.arranged.mirrored and frame.shape != "tall":
        cx = frame.width - cx
    radius = 575 * scale
    drawing.ground.append(f'<circle cx="{n(cx)}" cy="{n(head + 500 * scale)}" r="{n(radius)}" fill="{disc_colour(scene)}"/>')
    confetti(scene, drawing, Box(cx - radius, head + 500 * scale - radius, 2 * radius, 2 * radius))
    place = Place(cx - 500 * scale, head - 150 * scale, scale)
    stresses = [
        at for at in (scene.spoken_at(scene.spec.marked) if scene.spec.marked else None, _question(scene)) if at is not None
    ]
    made = presenter_layers(
        scene.style.presenter,
        look_of(scene),
        place,
        visemes=scene.visemes,
        duration_s=scene.duration_s,
        seed=scene.seed,
        stresses=stresses,
    )
    drawing.add(*made)


def add_circle(scene: Scene, drawing: Drawing) -> None:
    """The small presenter in its corner."""
    ring = scene.palette.ink if scene.palette.dark else scene.palette.paper
    drawing.add(
        *presenter_circle(
            scene.style.presenter, look_of(scene), scene.frame.circle, disc=disc_on(scene.palette, scene.palette.card, scene.palette.ink), ring=ring,
            visemes=scene.visemes, duration_s=scene.duration_s, seed=scene.seed,
        )
    )  # fmt: skip


def _question(scene: Scene) -> float | None:
    at = max(scene.spec.text.find("？"), scene.spec.text.find("?"))
    return scene.heard_at(max(0, at - 4)) if at >= 0 else None


def confetti(scene: Scene, drawing: Drawing, disc: Box) -> None:
    """Two small discs in the accents, which float."""
    tones = scene.tones

    def side(share: float) -> float:
        return disc.x + disc.width * (1 - share if scene.arranged.mirrored else share)

    for name, x, y, r, colour, sway in (
        ("mote-a", side(0.94), disc.y + disc.height * 0.16, disc.width * 0.09, tones.pop, Sway(3, 8, 6)),
        ("mote-b", side(0.06), disc.y + disc.height * 0.82, disc.width * 0.042, tones.spark, Sway(5, 10, 7.3, 0.4)),
    ):
        svg = f'<circle cx="{n(x)}" cy="{n(y)}" r="{n(r)}" fill="{colour}"/>'
        drawing.add(layer(name, Box(x - r - 2, y - r - 2, 2 * r + 4, 2 * r + 4), svg, sway=sway))

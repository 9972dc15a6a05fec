"""Which layout and which ground each scene gets, so that no two neighbours look alike; pure."""

from collections.abc import Sequence

from reelqueue.art.icons import find_icon
from reelqueue.art.palette import GroundName
from reelqueue.art.style import Style, pick
from reelqueue.models.frozen import Frozen
from reelqueue.models.scene import Layout, SceneSpec

GROUNDS_OF: dict[Layout, tuple[GroundName, ...]] = {
    "opening": ("paper", "ink"),
    "statement": ("card", "paper", "ink"),
    "number-hero": ("ink", "card", "paper"),
    "points-rows": ("paper", "card", "ink"),
    "backdrop": ("card", "ink", "paper"),
    "outro": ("card", "paper", "ink"),
    "picture-full": ("ink", "paper", "card"),
    "picture-print": ("ink", "card", "paper"),
}
"""The quiet grounds of a layout; all three, so that one is left whatever lies before."""
LOUD_LAYOUTS: tuple[Layout, ...] = ("statement", "outro")
"""Those that a ground in pop or spark suits."""
LOUD_EVERY = 5
"""At most one scene of so many has a loud ground."""
OBJECT_RESTS = 2
"""Scenes for which an object that was shown gives way."""
FALLBACKS: tuple[Layout, ...] = ("statement", "backdrop")
"""What any scene can be shown as."""


class ArrangedScene(Frozen):
    """A scene and how it is drawn.  `mirrored` swaps its sides; `variant` counts the layout's earlier uses."""

    index: int
    spec: SceneSpec
    layout: Layout
    ground: GroundName
    mirrored: bool = False
    variant: int = 0


def arrange(scenes: Sequence[SceneSpec], style: Style) -> tuple[ArrangedScene, ...]:
    """All scenes of a video in their order.

    Never the layout of the scene before where another candidate fits; else it is mirrored.  Never one ground twice
    running.  At most one ground in five is pop or spark.  An object that one of the two scenes before shows gives
    way to another one that the scene names.
    """
    arranged: list[ArrangedScene] = []
    seen: list[str] = []
    for index, plain in enumerate(scenes):
        spec = _with_fresh_object(plain, seen)
        before = arranged[-1] if arranged else None
        layout = _layout(spec, before)
        uses = [scene for scene in arranged if scene.layout == layout]
        arranged.append(
            ArrangedScene(
                index=index,
                spec=spec,
                layout=layout,
                ground=_ground(layout, style, arranged, last=index == len(scenes) - 1),
                mirrored=bool(uses) and not uses[-1].mirrored,
                variant=len(uses),
            )
        )
    return tuple(arranged)


def fits(spec: SceneSpec, layout: Layout) -> bool:
    """Whether the scene has what the layout shows."""
    needs = {
        "number-hero": spec.figure is not None,
        "points-rows": 2 <= len(spec.points) <= 4,
        "picture-full": spec.picture is not None,
        "picture-print": spec.picture is not None,
        "statement": bool(spec.title.strip()),
        "opening": bool(spec.title.strip()),
    }
    return needs.get(layout, True)


def _with_fresh_object(spec: SceneSpec, seen: list[str]) -> SceneSpec:
    """The scene with the word in front whose object has not just been seen; `seen` grows by what is shown."""
    named = [(word, icon.name) for word in spec.subject if (icon := find_icon((word,), spec.language)) is not None]
    if not named:
        seen.append("")
        return spec
    word, name = next(((w, i) for w, i in named if i not in seen[-OBJECT_RESTS:]), named[0])
    seen.append(name)
    return spec.replace(subject=(word, *(other for other in spec.subject if other != word)))


def _layout(spec: SceneSpec, before: ArrangedScene | None) -> Layout:
    fitting = [layout for layout in spec.candidates if fits(spec, layout)]
    fresh = [layout for layout in fitting if before is None or layout != before.layout]
    if fresh:
        return fresh[0]
    if fitting:
        return fitting[0]
    return next(layout for layout in FALLBACKS if fits(spec, layout))


def _ground(layout: Layout, style: Style, arranged: Sequence[ArrangedScene], *, last: bool) -> GroundName:
    """The first of the layout's grounds, in the video's own order, that the scene before has not."""
    index = len(arranged)
    before = arranged[-1].ground if arranged else None
    loud = [scene.index for scene in arranged if scene.ground in {"pop", "spark"}]
    rested = index >= LOUD_EVERY - 1 and (not loud or index - loud[-1] >= LOUD_EVERY)
    if layout in LOUD_LAYOUTS and rested and (last or pick(f"{style.seed}/loud/{index}", (True, True, False))):
        ground: GroundName = pick(f"{style.seed}/which/{index}", ("pop", "pop", "spark"))
        return ground
    choices = GROUNDS_OF[layout]
    if layout == "opening":
        return "paper"
    start = pick(f"{style.seed}/ground/{index}", range(2))
    order = (*choices[start:], *choices[:start])
    return next(ground for ground in order if ground != before)

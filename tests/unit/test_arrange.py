"""No two neighbours look alike."""

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from reelqueue.art.arrange import ArrangedScene, arrange, fits
from reelqueue.art.style import choose_style
from reelqueue.models.scene import Figure, Point, SceneSpec

LAYOUTS = ("statement", "number-hero", "points-rows", "backdrop", "picture-full", "picture-print")


@st.composite
def specs(draw: st.DrawFn) -> SceneSpec:
    candidates = tuple(draw(st.lists(st.sampled_from(LAYOUTS), min_size=1, max_size=4, unique=True)))
    return SceneSpec(
        text="六十秒內沒有回報。",
        language="zh-TW",
        candidates=candidates,
        title=draw(st.sampled_from(("", "沒有回報"))),
        figure=draw(st.sampled_from((None, Figure(value="60", unit="秒", start_char=0)))),
        points=tuple(Point(title="一", note="", start_char=0) for _ in range(draw(st.integers(0, 5)))),
        picture=draw(st.sampled_from((None, "images/a.jpg"))),
    )


videos = st.lists(specs(), min_size=1, max_size=24)


def style(seed: str):
    return choose_style("一篇沒有主題的文章", "zh-TW", seed)


@given(videos, st.text(max_size=3))
@settings(max_examples=60, deadline=None)
def test_a_ground_never_comes_twice_running_and_is_seldom_loud(scenes: list[SceneSpec], seed: str) -> None:
    arranged = arrange(scenes, style(seed))

    assert all(a.ground != b.ground for a, b in pairwise(arranged))
    assert sum(scene.ground in {"pop", "spark"} for scene in arranged) * 5 <= len(arranged)


@given(videos, st.text(max_size=3))
@settings(max_examples=60, deadline=None)
def test_a_layout_is_repeated_only_where_nothing_else_fits_and_then_mirrored(scenes: list[SceneSpec], seed: str) -> None:
    arranged = arrange(scenes, style(seed))

    for before, after in pairwise(arranged):
        others = [name for name in after.spec.candidates if fits(after.spec, name) and name != before.layout]
        assert after.layout != before.layout or (not others and after.mirrored != before.mirrored)


@given(videos)
@settings(max_examples=60, deadline=None)
def test_what_is_chosen_can_be_drawn_and_kept_as_json(scenes: list[SceneSpec]) -> None:
    arranged = arrange(scenes, style("a"))

    assert all(fits(scene.spec, scene.layout) for scene in arranged)
    assert [ArrangedScene.model_validate_json(scene.model_dump_json()) for scene in arranged] == list(arranged)


def test_an_object_gives_way_to_another_that_the_scene_names() -> None:
    same = SceneSpec(text="x", language="zh-TW", candidates=("statement",), title="t", subject=("颱風", "鐵路", "橋"))

    arranged = arrange([same, same, same], style("a"))

    assert len({scene.spec.subject[0] for scene in arranged}) >= 2
    assert all(set(scene.spec.subject) == set(same.subject) for scene in arranged)

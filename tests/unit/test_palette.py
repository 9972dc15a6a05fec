"""Eight palettes: what lies on what can be read."""

import pytest

from reelqueue.art.palette import (
    GROUNDS,
    PALETTES,
    SHAPE_CONTRAST,
    TEXT_CONTRAST,
    accent_on,
    contrast,
    from_lab,
    mix,
    palette_named,
    shifted,
    to_lab,
    turn,
)

ALL = [pytest.param(p, g, id=f"{p.name}-{g}") for p in PALETTES for g in GROUNDS]


@pytest.mark.parametrize(("palette", "name"), ALL)
def test_all_type_on_all_40_grounds_can_be_read(palette, name):
    ground = palette.ground(name)

    assert contrast(ground.text, ground.fill) >= (10.7 if name in ("paper", "card", "ink") else 4.54)
    assert min(contrast(c, ground.fill) for c in (ground.pop, ground.spark, ground.muted)) >= TEXT_CONTRAST
    assert min(contrast(c, ground.fill) for c in (ground.pop_shape, ground.spark_shape)) >= SHAPE_CONTRAST
    assert ground.text in (palette.ink, palette.paper)
    assert ground.panel != ground.fill


def test_the_worst_ground_is_as_the_look_says():
    worst = min(contrast(g.text, g.fill) for p in PALETTES for g in map(p.ground, GROUNDS))

    assert worst == pytest.approx(4.54, abs=0.01)


def test_an_accent_keeps_its_hue_and_moves_no_further_than_it_must():
    moved = accent_on("#F0694A", "#D3E5E1", SHAPE_CONTRAST, instead="#0F2F38")

    assert moved != "#F0694A"
    assert to_lab(moved).hue == pytest.approx(to_lab("#F0694A").hue, abs=2)
    assert abs(to_lab(moved).l - to_lab("#F0694A").l) <= 0.121
    assert contrast(moved, "#D3E5E1") < SHAPE_CONTRAST + 0.1


def test_an_accent_that_would_have_to_move_too_far_is_given_up():
    assert shifted("#FFC857", "#F5F1E6", TEXT_CONTRAST) is None
    assert accent_on("#FFC857", "#F5F1E6", instead="#101B30") == "#101B30"


@pytest.mark.parametrize("colour", ["#000000", "#FFFFFF", "#FF0000", "#12AB9F", "#F0694A", "#6F92FF"])
def test_oklab_and_back_is_the_same_colour(colour):
    assert from_lab(to_lab(colour)) == colour


def test_short_colours_and_known_values():
    assert to_lab("#F00") == to_lab("#FF0000")
    assert to_lab("#FF0000") == pytest.approx((0.628, 0.225, 0.126), abs=0.001)  # Ottosson's own example
    assert contrast("#000000", "#FFFFFF") == pytest.approx(21.0)


def test_outside_srgb_the_chroma_gives_way():
    assert to_lab(from_lab(to_lab("#00FF00")._replace(l=0.98))).l == pytest.approx(0.98, abs=0.01)


def test_mixing_and_turning():
    assert mix("#000000", "#FFFFFF", 0.0) == "#000000"
    assert mix("#000000", "#FFFFFF", 1.0) == "#FFFFFF"
    assert to_lab(turn("#B23A2A", 90)).hue == pytest.approx((to_lab("#B23A2A").hue + 90) % 360, abs=3)


def test_palettes_are_found_by_name():
    assert palette_named("brick").topics == ("history", "culture")
    assert {p.name for p in PALETTES if p.dark} == {"signal", "lamp", "plum", "carbon"}

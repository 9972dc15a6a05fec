"""How a layer looks at a moment."""

import pytest

from reelqueue.art.layers import Layer, Move, Show, Sprite, Sway
from reelqueue.media.motion import OPACITIES, Look, ease_back, look_at

SPRITE = Sprite("<svg/>", 100, 50)


def layer(**changes):
    return Layer("a", 10, 20, (SPRITE, SPRITE), **changes)


@pytest.mark.parametrize(
    ("shows", "at", "sprite"),
    [
        pytest.param((Show(0.5, 0),), 0.4, None, id="not yet"),
        pytest.param((Show(0.5, 0),), 0.5, 0, id="at its time"),
        pytest.param((Show(0.1, 0), Show(0.3, 1)), 0.1 + 0.1 + 0.1, 1, id="a sum of fractions of a second"),
        pytest.param((Show(0.0, 0), Show(0.3, None)), 0.4, None, id="gone"),
    ],
)
def test_a_layer_shows_the_sprite_of_its_time(shows, at, sprite):
    look = look_at(layer(shows=shows), at)

    assert (look and look.sprite) == sprite


HALF = 0.875  # eased out cubic at half of the time


@pytest.mark.parametrize(
    ("kind", "look"),
    [
        pytest.param("fade", Look(0, opacity=round(OPACITIES * HALF)), id="fade"),
        pytest.param("rise", Look(0, dy=40, window=(0, 0, 800, 400)), id="rise"),
        pytest.param("slide", Look(0, dx=-40, opacity=round(OPACITIES * HALF)), id="slide"),
        pytest.param("wipe-right", Look(0, window=(0, 0, 700, 400)), id="wipe-right"),
        pytest.param("wipe-up", Look(0, window=(0, 50, 800, 400)), id="wipe-up"),
        pytest.param("cut", Look(0), id="cut"),
    ],
)
def test_half_way_in_an_entrance_is_seven_eighths_done(kind, look):
    assert look_at(layer(enter=Move(kind, 1.0, 0.4, distance=40)), 1.2) == look


@pytest.mark.parametrize("kind", ["cut", "fade", "rise", "slide", "wipe-right", "wipe-up", "pop"])
def test_an_entrance_begins_with_nothing_and_ends_at_rest(kind):
    entering = layer(enter=Move(kind, 1.0, 0.4, distance=40))

    assert look_at(entering, 0.99) is None
    assert look_at(entering, 1.4) == look_at(entering, 9.0) == Look(0)


def test_an_exit_is_an_entrance_backwards():
    leaving = layer(leave=Move("fade", 1.0, 0.4))

    assert look_at(leaving, 0.9) == Look(0)
    assert look_at(leaving, 1.2) == Look(0, opacity=round(OPACITIES * HALF))
    assert look_at(leaving, 1.4) is None


def test_a_pop_overshoots_by_at_most_four_percent():
    most = max(ease_back(step / 1000) for step in range(1001))

    assert 1.02 < most <= 1.04
    assert ease_back(1.0) == 1


def test_a_sway_is_an_ellipse_around_the_layers_place():
    swaying = layer(sway=Sway(7, 3, 5.0))
    looks = [look_at(swaying, step / 30) for step in range(150)]

    assert max(look.dx for look in looks) == 56 and min(look.dx for look in looks) == -56
    assert max(look.dy for look in looks) == 24 and min(look.dy for look in looks) == -24
    assert look_at(swaying, 5.0) == look_at(swaying, 0.0)

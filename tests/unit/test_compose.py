"""A scene at a frame: what changes, and to what."""

import random
from dataclasses import replace

import cv2
import numpy as np
import pytest

from reelqueue.art.layers import Camera, DrawnScene, Layer, Move, Show, Sprite, Sway, Window
from reelqueue.errors import MediaError
from reelqueue.media.compose import apart, prepare
from reelqueue.media.planes import Rect, empty_planes, padded

W, H, FPS = 160, 90, 24


def box(width: int, height: int, colour: str, opacity: float = 1.0) -> Sprite:
    body = f'<rect width="{width}" height="{height}" rx="5" fill="{colour}" fill-opacity="{opacity}"/>'
    return Sprite(f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}">{body}</svg>', width, height)


def scene(*layers: Layer, **changes) -> DrawnScene:
    plain = f'<svg xmlns="http://www.w3.org/2000/svg" width="{W}" height="{H}"><rect width="{W}" height="{H}"/></svg>'
    return DrawnScene(W, H, Sprite(plain, W, H), layers, grain=changes.pop("grain", False), **changes)


def staged(drawn: DrawnScene, frames: int = FPS):
    return prepare(drawn, fps=FPS, frames=frames, canvas=empty_planes(*padded((drawn.width, drawn.height))))


def any_layer(rng: random.Random, number: int) -> Layer:
    """A layer of random size, place, sprites, entrance, exit and sway; it may lie partly outside the frame."""
    size = rng.randint(3, 90), rng.randint(3, 60)
    colours = [f"#{rng.randrange(1 << 24):06x}" for _ in range(3)]
    sprites = tuple(box(*size, colour, rng.choice([1.0, 0.6])) for colour in colours)
    times = sorted(rng.uniform(0, 0.8) for _ in range(3))
    kinds = ["cut", "fade", "rise", "slide", "wipe-right", "wipe-up", "pop"]

    def move(start: float) -> Move:
        return Move(rng.choice(kinds), start + rng.uniform(0, 0.3), rng.uniform(0.1, 0.4), rng.uniform(-40, 40))

    return Layer(
        f"layer {number}",
        rng.uniform(-30, W - 10),
        rng.uniform(-30, H - 10),
        sprites,
        shows=tuple(Show(at, rng.choice([0, 1, 2, None])) for at in times),
        enter=move(0) if rng.random() < 0.7 else None,
        leave=move(0.6) if rng.random() < 0.4 else None,
        sway=Sway(rng.uniform(0, 9), rng.uniform(0, 9), rng.uniform(1, 4)) if rng.random() < 0.5 else None,
    )


@pytest.mark.parametrize("seed", range(12))
def test_drawing_only_what_changed_gives_the_same_pixels_as_drawing_all(seed):
    rng = random.Random(seed)
    drawn = scene(*(any_layer(rng, number) for number in range(7)), grain=True, seed=seed)
    changed, anew = staged(drawn), staged(drawn)

    for number in [*range(FPS), 3, 20, 11]:
        changed.show(number)
        anew.show_anew(number)

        for plane, should in zip(changed.canvas, anew.canvas, strict=True):
            assert np.array_equal(plane, should)


def test_a_frame_in_which_nothing_moves_is_not_drawn():
    stage = staged(scene(Layer("a", 10, 10, (box(20, 20, "#fff"),), enter=Move("fade", 0.25, 0.25))))

    drawn = [number for number in range(FPS) if stage.show(number)]

    assert drawn == [0, *range(7, 13)]


def lit(stage, number: int) -> np.ndarray:
    stage.show(number)
    return stage.canvas.y.astype(int)


def test_a_wipe_reveals_from_the_left_and_ends_whole():
    stage = staged(scene(Layer("a", 20, 10, (box(80, 40, "#fff"),), enter=Move("wipe-right", 0.0, 1.0))))

    half = lit(stage, FPS // 2)[30]

    assert half[20:89].min() == 235 and half[91:].max() == 16  # 7/8 of 80 px are done: up to column 90
    assert lit(stage, FPS)[30, 20:100].min() == 235


def test_a_wipes_edge_is_smooth_to_a_part_of_a_pixel():
    """At a quarter of its time 57.8 % of 80 px are revealed: 46 columns and a quarter of the next."""
    stage = staged(scene(Layer("a", 20, 10, (box(80, 40, "#fff"),), enter=Move("wipe-right", 0.0, 1.0))))

    row = lit(stage, FPS // 4)[30]

    assert row[65] == 235 and abs(row[66] - (16 + 219 * 0.25)) <= 3 and row[67] == 16


def test_a_wipe_up_reveals_from_the_bottom():
    stage = staged(scene(Layer("a", 20, 10, (box(80, 40, "#fff"),), enter=Move("wipe-up", 0.0, 1.0))))

    column = lit(stage, FPS // 2)[:, 60]

    assert column[:15].max() == 16 and column[15:50].min() == 235


def test_a_fade_is_eased_and_rises_without_a_step_back():
    stage = staged(scene(Layer("a", 20, 10, (box(80, 40, "#fff"),), enter=Move("fade", 0.0, 1.0))))

    levels = [int(lit(stage, number)[30, 60]) for number in range(FPS + 1)]

    assert levels[0] == 16 and levels[-1] == 235 and levels == sorted(levels)
    assert abs(levels[FPS // 2] - (16 + 219 * 0.875)) <= 1


def test_a_rise_stays_inside_the_layers_own_box():
    stage = staged(scene(Layer("a", 20, 11, (box(80, 40, "#fff"),), enter=Move("rise", 0.0, 1.0, distance=40))))

    half = lit(stage, FPS // 2)[:, 60]  # 5 px are left to rise

    assert half[:16].max() == 16 and half[16:51].min() == 235 and half[51:].max() == 16


def test_a_sway_moves_by_parts_of_a_pixel():
    """The centre of mass follows the ellipse to 0.1 px, in luma and in chroma."""
    stage = staged(scene(Layer("a", 61, 31, (box(30, 20, "#f00"),), sway=Sway(7, 0, 2.0))), frames=48)
    columns = np.arange(W)
    centres, chroma = [], []
    for number in range(48):
        weights = lit(stage, number).sum(axis=0) - 16 * H
        centres.append(float((weights * columns).sum() / weights.sum()))
        red = stage.canvas.v.astype(int).sum(axis=0) - 128 * (H // 2)
        chroma.append(float((red * 2 * columns[: W // 2]).sum() / red.sum()))

    expected = 61 + 14.5 + 7 * np.cos(2 * np.pi * np.arange(48) / 48)

    assert np.abs(np.array(centres) - expected).max() < 0.12
    assert np.abs(np.array(chroma) - expected).max() < 0.12


def test_layers_lie_in_their_order():
    below, above = Layer("a", 10, 10, (box(40, 40, "#fff"),)), Layer("b", 20, 20, (box(20, 20, "#000"),))

    assert lit(staged(scene(below, above)), 0)[30, 30] == 16
    assert lit(staged(scene(above, below)), 0)[30, 30] == 235


def test_an_odd_frame_is_padded():
    drawn = scene(Layer("a", 10, 10, (box(40, 40, "#fff"),)))
    odd = replace(drawn, width=159, height=89, ground=box(159, 89, "#000"))

    assert lit(staged(odd), 0).shape == (90, 160)


def test_rectangles_that_meet_become_one():
    rects = [Rect(0, 0, 10, 10), Rect(20, 0, 30, 10), Rect(8, 4, 22, 8), Rect(40, 40, 50, 50)]

    assert sorted(apart(rects)) == [Rect(0, 0, 30, 10), Rect(40, 40, 50, 50)]


@pytest.fixture
def picture(tmp_path):
    """A bright blob on a dark ground, soft enough to be measured to a part of a pixel."""
    y, x = np.mgrid[0:540, 0:960]
    blob = 20 + 200 * np.exp(-(((x - 480) / 60) ** 2) - ((y - 270) / 60) ** 2)
    path = tmp_path / "picture.png"
    cv2.imwrite(str(path), np.repeat(blob[:, :, None], 3, axis=2).astype(np.uint8))
    return path


def test_a_camera_moves_evenly_by_parts_of_a_pixel(picture):
    """The blob's centre follows the eased path: never back, and never off by more than 0.1 px."""
    camera = Camera(picture, Window(0.5, 0.5, 0.9), Window(0.53, 0.5, 0.9))
    stage = staged(scene(camera=camera), frames=72)
    columns, centres = np.arange(W), []
    for number in range(72):
        weights = np.maximum(lit(stage, number)[H // 2 - 4 : H // 2 + 4].sum(axis=0) - 8 * 60, 0)
        centres.append(float((weights * columns).sum() / weights.sum()))

    moved = np.array(centres)
    share = 0.5 - 0.5 * np.cos(np.pi * np.arange(72) / 71)
    expected = moved[0] - share * 0.03 * W / 0.9

    assert np.abs(moved - expected).max() < 0.1
    assert np.diff(moved).max() < 0.06


def test_a_zoom_keeps_its_centre_and_grows(picture):
    stage = staged(scene(camera=Camera(picture, Window(0.5, 0.5, 1.0), Window(0.5, 0.5, 0.8))), frames=48)

    bright = [int((lit(stage, number) > 100).sum()) for number in range(0, 48, 4)]

    assert bright == sorted(bright) and bright[-1] > 1.4 * bright[0]
    row = lit(stage, 47)[H // 2]
    assert abs(int(row[: W // 2].sum()) - int(row[W // 2 :].sum())) < 0.02 * row.sum()


def test_a_camera_that_stands_still_draws_once(picture):
    camera = Camera(picture, Window(0.5, 0.5, 1.0), Window(0.5, 0.5, 1.0))
    stage = staged(scene(Layer("a", 0, 0, (box(20, 20, "#fff"),)), camera=camera))

    assert [number for number in range(FPS) if stage.show(number)] == [0]


def test_layers_lie_over_a_moving_picture_on_every_frame(picture):
    camera = Camera(picture, Window(0.5, 0.5, 1.0), Window(0.5, 0.5, 0.8))
    stage = staged(scene(Layer("a", 10, 10, (box(20, 20, "#fff"),)), camera=camera))

    assert all(lit(stage, number)[20, 20] == 235 for number in range(FPS))


def test_a_window_never_leaves_the_picture(picture):
    camera = Camera(picture, Window(0.0, 0.0, 0.9), Window(1.0, 1.0, 1.0))
    film = staged(scene(camera=camera)).film

    for share in np.linspace(0, 1, 11):
        left, top, width = film.window_at(float(share))
        assert 0 <= left <= film.width - width + 1e-6 and 0 <= top <= film.height - width * H / W + 1e-6


def test_a_picture_that_cannot_be_read_is_named(tmp_path):
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"\xff\xd8 no picture")

    with pytest.raises(MediaError, match=r"broken\.jpg"):
        staged(scene(camera=Camera(broken, Window(0.5, 0.5, 1), Window(0.5, 0.5, 0.9))))

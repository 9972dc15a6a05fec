"""Pictures as the encoder's planes."""

import numpy as np
import pytest

from reelqueue.art.layers import Sprite
from reelqueue.media.planes import Rect, blend, empty_planes, ground_planes, mix, patch_of, picture_planes


def flat(colour: str, width: int = 64, height: int = 32, opacity: float = 1.0) -> Sprite:
    body = f'<rect width="{width}" height="{height}" fill="{colour}" fill-opacity="{opacity}"/>'
    return Sprite(f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}">{body}</svg>', width, height)


# Y, Cb, Cr of bt709, limited range, by the standard's formula
COLOURS = [
    pytest.param("#ffffff", (235, 128, 128), id="white"),
    pytest.param("#000000", (16, 128, 128), id="black"),
    pytest.param("#ff0000", (63, 102, 240), id="red"),
    pytest.param("#00ff00", (173, 42, 26), id="green"),
    pytest.param("#0000ff", (32, 240, 118), id="blue"),
    pytest.param("#808080", (126, 128, 128), id="grey"),
]


@pytest.mark.parametrize(("colour", "expected"), COLOURS)
def test_a_colour_is_bt709_limited_as_a_ground_and_as_a_patch(colour, expected):
    ground = ground_planes(flat(colour), grain=False, seed=0)
    patched = ground_planes(flat("#456789"), grain=False, seed=0)
    blend(patched, patch_of(flat(colour), 0, 0), Rect(0, 0, 64, 32))

    for plane, over, level in zip(ground, patched, expected, strict=True):
        assert plane.shape == over.shape
        assert np.all(np.abs(plane.astype(int) - level) <= 1)
        assert np.all(np.abs(over[4:-4, 4:-4].astype(int) - level) <= 1)


def test_half_transparent_white_on_black_is_half_way():
    planes = ground_planes(flat("#000000"), grain=False, seed=0)
    blend(planes, patch_of(flat("#ffffff", opacity=0.5), 0, 0), Rect(0, 0, 64, 32))

    assert abs(int(planes.y[16, 32]) - 125.5) <= 1.5
    assert abs(int(planes.u[8, 16]) - 128) <= 1


def test_chroma_lies_on_the_even_columns():
    """Red begins at column 32: the chroma sample on it sees a quarter of black, the one before a quarter of red."""
    picture = np.zeros((16, 64, 3), np.uint8)
    picture[:, 32:, 2] = 255

    red = picture_planes(picture).v[4].astype(int)

    assert red[14:18].tolist() == [128, 128, pytest.approx(212, abs=1), 240]


def test_chroma_of_a_patch_at_an_odd_place_lies_where_the_same_ground_has_it():
    whole = (
        '<svg xmlns="http://www.w3.org/2000/svg" width="64" height="32"><rect width="64" height="32"/>'
        '<rect x="21" y="7" width="17" height="11" fill="#f00"/></svg>'
    )
    expected = ground_planes(Sprite(whole, 64, 32), grain=False, seed=0)
    planes = ground_planes(flat("#000"), grain=False, seed=0)

    blend(planes, patch_of(flat("#f00", 17, 11), 21, 7), Rect(0, 0, 64, 32))

    for plane, should in zip(planes, expected, strict=True):
        assert np.max(np.abs(plane.astype(int) - should)) <= 1


def test_grain_is_still_two_levels_wide_and_leaves_chroma_alone():
    once, again = (ground_planes(flat("#456789", 256, 256), grain=True, seed=7) for _ in range(2))
    without = ground_planes(flat("#456789", 256, 256), grain=False, seed=7)
    off = once.y.astype(int) - without.y

    assert np.array_equal(once.y, again.y)
    assert off.min() in {-3, -2} and off.max() in {2, 3}
    assert np.array_equal(once.u, without.u)


def test_odd_sizes_are_padded_by_their_last_column_and_row():
    planes = ground_planes(flat("#ff0000", 33, 17), grain=False, seed=0)

    assert planes.y.shape == (18, 34) and planes.u.shape == (9, 17)
    assert np.ptp(planes.y) == 0 and np.ptp(planes.v) == 0


def test_a_sprite_with_nothing_in_it_is_no_patch():
    assert patch_of(flat("#fff", opacity=0.0), 4, 4) is None


def test_a_patch_is_cut_to_what_can_be_seen():
    body = '<svg xmlns="http://www.w3.org/2000/svg" width="400" height="300"><rect x="200" y="100" width="8" height="8"/></svg>'

    assert patch_of(Sprite(body, 400, 300), 10, 10).rect.area < 20 * 20


def test_a_crossfade_is_a_mean_of_both_pictures():
    black, white = (ground_planes(flat(colour), grain=False, seed=0) for colour in ("#000", "#fff"))
    out = empty_planes(64, 32)

    mix(black, white, 0.25, out)

    assert abs(int(out.y[3, 3]) - (16 + 0.25 * 219)) <= 1

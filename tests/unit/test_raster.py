"""resvg draws what our pictures are made of: clips, masks, opacity, gradients, blur; straight alpha."""

import numpy as np
import pytest

from reelqueue.art.raster import document, premultiplied, rasterise
from reelqueue.errors import MediaError

DEFS = (
    '<clipPath id="c"><circle cx="50" cy="50" r="30"/></clipPath>'
    '<linearGradient id="g"><stop offset="0" stop-color="#000"/><stop offset="1" stop-color="#fff"/></linearGradient>'
    '<mask id="m"><rect width="100" height="100" fill="url(#g)"/></mask>'
    '<filter id="b" x="-50%" y="-50%" width="200%" height="200%"><feGaussianBlur stdDeviation="6"/></filter>'
)


def drawn(body):
    return rasterise(document(body, 100, 100, DEFS), 100, 100)


def test_alpha_is_straight_and_can_be_premultiplied():
    pixels = drawn('<rect width="100" height="100" fill="#f00" opacity=".5"/>')

    assert tuple(pixels[50, 50]) == (255, 0, 0, 128)
    assert tuple(premultiplied(pixels)[50, 50]) == (128, 0, 0, 128)


def test_a_group_fades_as_one():
    pixels = drawn(
        '<g opacity=".5"><rect width="60" height="60" fill="#f00"/><rect x="30" width="60" height="60" fill="#f00"/></g>'
    )

    assert pixels[30, 10, 3] == pixels[30, 45, 3] == 128


def test_clips_masks_and_blur():
    clipped = drawn('<rect width="100" height="100" clip-path="url(#c)"/>')
    masked = drawn('<rect width="100" height="100" mask="url(#m)"/>')
    blurred = drawn('<rect x="30" y="30" width="40" height="40" filter="url(#b)"/>')

    assert (clipped[50, 50, 3], clipped[5, 5, 3]) == (255, 0)
    assert masked[50, 5, 3] < 20
    assert masked[50, 95, 3] > 200
    assert 0 < blurred[50, 24, 3] < 128 < blurred[50, 50, 3]


def test_a_fragment_is_drawn_as_a_document():
    assert np.array_equal(
        rasterise('<rect width="9" height="9"/>', 20, 10), rasterise(document('<rect width="9" height="9"/>', 20, 10), 20, 10)
    )


def test_nothing_is_transparent():
    assert not drawn("").any()


def test_what_is_no_svg_is_a_media_error():
    with pytest.raises(MediaError):
        rasterise("<svg><rect", 10, 10)

"""The window search, and the pictures it draws."""

import cv2
import numpy as np
import pytest

from reelqueue.art.layers import Camera, Sprite, Window
from reelqueue.media.camera import CANDIDATES, LARGEST_ERROR_PX, PAD, Film, Span, find_cut
from reelqueue.media.planes import empty_planes

GROUND = Sprite(
    '<svg xmlns="http://www.w3.org/2000/svg" width="320" height="180"><rect width="320" height="180"/></svg>', 320, 180
)


def spans(count: int) -> list[Span]:
    """Windows of a 3,600 px plane, as a zoom meets them."""
    rng = np.random.default_rng(5)
    steps = rng.uniform(1.5, 1.87, count)
    return [Span(float(rng.uniform(0, 3600 - step * 1920)), float(step), 1920) for step in steps]


def test_nearly_every_window_is_found_to_a_twentieth_of_a_pixel():
    cuts = [find_cut(span, 3600 + 2 * PAD) for span in spans(400)]

    good = [cut for cut in cuts if cut is not None and cut.error <= LARGEST_ERROR_PX]

    assert len(good) >= 0.9 * len(cuts)


def test_a_cut_says_truly_how_far_off_it_is_and_stays_in_the_plane():
    for span in spans(100):
        cut = find_cut(span, 3600 + 2 * PAD)

        at = np.array([0.5, span.samples - 0.5])
        wanted = PAD + span.start + at * span.step
        drawn = cut.start + (cut.skip + at) * cut.length / cut.scaled

        assert np.abs(wanted - drawn).max() <= cut.error + 1e-9
        assert cut.start >= 0 and cut.start + cut.length <= 3600 + 2 * PAD
        assert cut.skip < CANDIDATES and cut.skip + span.samples <= cut.scaled


@pytest.fixture
def path(tmp_path):
    rng = np.random.default_rng(2)
    noise = sum(cv2.resize(rng.uniform(-40, 40, (9 * 2**k, 16 * 2**k, 3)), (640, 360)) for k in range(5))
    cv2.imwrite(str(tmp_path / "p.png"), np.clip(128 + noise, 0, 255).astype(np.uint8))
    return tmp_path / "p.png"


def test_a_cut_draws_what_the_exact_window_would(path):
    film = Film.load(Camera(path, Window(0.5, 0.5, 1.0), Window(0.55, 0.45, 0.7)), (320, 180), GROUND)
    out = empty_planes(320, 180)

    for share in (0.0, 0.21, 0.4, 0.77, 1.0):
        left, top, width = film.window_at(share)
        film.draw((left, top, width), out)

        step = width / 320
        place = np.array([[step, 0, PAD + left + step / 2 - 0.5], [0, step, PAD + top + step / 2 - 0.5]])
        exact = cv2.warpAffine(film.planes.y, place, (320, 180), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
        off = np.abs(out.y.astype(int) - exact)
        assert off.mean() < 0.7 and np.quantile(off, 0.99) <= 4


def test_chroma_lies_where_luma_does(tmp_path):
    """A soft edge from blue to yellow: where luma is half way, chroma is too, to 0.2 px (0.06 of a chroma sample and rounding), at any window."""
    picture = np.zeros((360, 640, 3), np.uint8)
    picture[:, :320, 0], picture[:, 320:, 1:] = 255, 255
    cv2.imwrite(str(tmp_path / "edge.png"), cv2.GaussianBlur(picture, (0, 0), 12))
    film = Film.load(Camera(tmp_path / "edge.png", Window(0.5, 0.5, 0.9), Window(0.53, 0.5, 0.7)), (320, 180), GROUND)
    out = empty_planes(320, 180)

    for share in (0.0, 0.3, 0.55, 1.0):
        film.draw(film.window_at(share), out)

        edge = np.interp((32 + 219) / 2, out.y[90].astype(float), np.arange(320))
        edge_c = np.interp(-128, -out.u[45].astype(float), np.arange(160) * 2)
        assert edge_c == pytest.approx(edge, abs=0.2)


def test_a_picture_wider_than_the_frame_is_cropped_to_it(tmp_path):
    cv2.imwrite(str(tmp_path / "wide.png"), np.full((100, 600, 3), 200, np.uint8))
    film = Film.load(Camera(tmp_path / "wide.png", Window(0.5, 0.5, 1.0), Window(0.5, 0.5, 0.8)), (320, 180), GROUND)

    _, top, width = film.window_at(0.0)

    assert top == pytest.approx(0, abs=0.01)
    assert width * 180 / 320 == pytest.approx(film.height, rel=0.01)


def test_the_ground_shows_where_the_picture_is_transparent(tmp_path):
    picture = np.full((90, 160, 4), 255, np.uint8)
    picture[:, :80, 3] = 0
    cv2.imwrite(str(tmp_path / "half.png"), picture)
    film = Film.load(Camera(tmp_path / "half.png", Window(0.5, 0.5, 1.0), Window(0.5, 0.5, 0.9)), (320, 180), GROUND)
    out = empty_planes(320, 180)

    film.draw(film.window_at(0.0), out)

    assert out.y[90, 60] == 16 and out.y[90, 260] == 235

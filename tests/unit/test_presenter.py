"""The presenter's mouth follows the voice, the eyes blink, the clothes are never the ground's colour."""

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from reelqueue.art.figures import MOUTHS, looks, mouth
from reelqueue.art.presenter import HOLD_S, blinks, brow_shows, mouth_shows
from reelqueue.art.raster import rasterise
from reelqueue.models.voice import Viseme

visemes = st.lists(
    st.builds(Viseme, shape=st.sampled_from(MOUTHS), start_s=st.floats(0, 4)), max_size=40
).map(lambda items: sorted(items, key=lambda v: v.start_s))  # fmt: skip


@given(visemes)
@settings(max_examples=200, deadline=None)
def test_each_mouth_is_held_for_66_ms(spoken: list[Viseme]) -> None:
    shows = mouth_shows(spoken)

    assert all(b.at_s - a.at_s >= HOLD_S - 1e-9 for a, b in pairwise(shows[1:]))


def test_closed_lips_are_never_skipped_and_lead_the_sound() -> None:
    spoken = [Viseme(shape="ah", start_s=1.0), Viseme(shape="mbp", start_s=1.03), Viseme(shape="ee", start_s=1.06)]

    shows = mouth_shows(spoken)

    assert MOUTHS.index("mbp") in [show.sprite for show in shows]
    assert abs(shows[1].at_s - (1.0 - 0.033)) < 1e-9


def test_eyes_blink_every_few_seconds_and_are_open_at_the_end() -> None:
    shows = blinks(30, "seed")
    shut = [show.at_s for show in shows if show.sprite == 2]

    assert 5 <= len(shut) <= 12
    assert shows[-1].sprite == 0
    assert all(2.5 <= b - a <= 5.0 for a, b in pairwise(shut))


def test_brows_go_up_and_down_again() -> None:
    assert [show.sprite for show in brow_shows([1.0, 1.3])] == [0, 1, 2, 1, 0]


def test_the_eight_mouths_all_look_different() -> None:
    look = looks("mei", clothes="#F0694A", trim="#0E7680", ink="#0F2F38")

    drawn = {rasterise(f'<g transform="translate(-395 -610)">{mouth(shape, look)}</g>', 210, 160).tobytes() for shape in MOUTHS}

    assert len(drawn) == len(MOUTHS)

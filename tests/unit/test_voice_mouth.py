"""Mouth shapes: long enough to be seen, before the sound, and never without a closed mouth for m, b, p."""

from itertools import pairwise

import pytest

from reelqueue.providers.local.voice.model import Token
from reelqueue.providers.local.voice.mouth import HOLD_S, LEAD_S, visemes


def spoken(symbols, each_s=0.05, start_s=0.03):
    return [Token(symbol, start_s + i * each_s, start_s + (i + 1) * each_s) for i, symbol in enumerate(symbols)]


@pytest.mark.parametrize("each_s", [0.025, 0.05, 0.075, 0.2])
@pytest.mark.parametrize("symbols", ["hˈɛlO wˈɜɹld", "mˈAbi pˈAp ɑv mˈum", "ꭧʊ→ŋwən↗ li↓mja↘n pa→", "bbbbpppmmm", "fəvæləbˈʌl"])
def test_every_shape_is_held_and_the_mouth_is_closed_at_the_end(symbols, each_s):
    duration = 0.06 + each_s * len(symbols)

    shapes = visemes(spoken(symbols, each_s), duration)

    starts = [shape.start_s for shape in shapes]
    assert starts[0] == 0.0
    assert shapes[-1].shape in {"rest", "mbp"}
    assert all(later - earlier >= HOLD_S - 0.0015 for earlier, later in pairwise([*starts, duration]))
    assert all(one.shape != other.shape for one, other in pairwise(shapes))


def test_a_shape_leads_its_sound():
    shapes = visemes([Token("ɑ", 0.5, 0.8)], 1.0)

    assert [(shape.shape, shape.start_s) for shape in shapes][:2] == [("rest", 0.0), ("ah", round(0.5 - LEAD_S, 3))]


def test_a_short_closed_mouth_takes_time_from_what_follows():
    shapes = visemes([Token("ɑ", 0.2, 0.5), Token("m", 0.5, 0.525), Token("i", 0.525, 0.8)], 1.0)

    assert [(shape.shape, shape.start_s) for shape in shapes][1:4] == [("ah", 0.167), ("mbp", 0.467), ("ee", 0.533)]


def test_no_closed_mouth_between_vowels_is_left_out():
    shapes = visemes(spoken("ɑmɑbɑpi", 0.07), 0.6)

    assert [shape.shape for shape in shapes].count("mbp") == 3

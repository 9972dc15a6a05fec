"""What is seen and heard when."""

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reelqueue.media.timeline import SAMPLE_RATE_HZ, SENTENCE_GAP_S, TAIL_S, lay_out
from reelqueue.models.voice import Speech, Viseme, Word


def spoken(text: str, seconds: float, rate: int = 24_000) -> Speech:
    return Speech(
        text=text,
        sample_rate=rate,
        samples=round(seconds * rate),
        words=(Word(start_char=0, end_char=len(text), start_s=0.1, end_s=seconds - 0.1),),
        visemes=(Viseme(shape="ah", start_s=0.1),),
    )


PARTS = [[spoken("Hello there.", 1.3)], [spoken("One.", 0.9), spoken("Two.", 1.1)], [spoken("Bye.", 0.7)]]


@settings(deadline=None, max_examples=60)
@given(
    lengths=st.lists(st.lists(st.integers(1_000, 200_000), max_size=4), min_size=1, max_size=6),
    fps=st.integers(24, 60),
    rate=st.sampled_from([22_050, 24_000, 44_100, 48_000]),
)
def test_every_frame_belongs_to_one_unit_and_no_joint_to_speech(lengths, fps, rate):
    parts = [[Speech(text="x", sample_rate=rate, samples=n, words=(), visemes=()) for n in part] for part in lengths]

    timeline = lay_out(parts, fps=fps)

    assert [unit.span.start for unit in timeline.units] == [0, *(unit.span.end for unit in timeline.units)][:-1]
    assert timeline.units[-1].span.end == timeline.frames
    assert all(unit.span.frames > 0 for unit in timeline.units)
    for joint in timeline.joints:
        for placed in timeline.speeches:
            assert placed.end_s <= joint.start / fps or placed.start_s >= joint.end / fps
    assert all(0.3 <= joint.frames / fps <= 0.5 for joint in timeline.joints)
    assert abs(Fraction(timeline.frames, fps) - Fraction(timeline.samples, SAMPLE_RATE_HZ)) < Fraction(1, fps)
    ends = [placed.offset + placed.samples for placed in timeline.speeches]
    assert all(end <= timeline.samples - TAIL_S * SAMPLE_RATE_HZ + 1 for end in ends)


def test_a_joint_shows_the_last_frames_of_one_scene_and_the_first_of_the_next():
    timeline = lay_out(PARTS, fps=30)

    joint = timeline.units[1]

    assert joint.is_joint and joint.scenes == (0, 1)
    assert joint.firsts == (timeline.scenes[0].frames - joint.span.frames, 0)
    assert timeline.units[2].firsts == (joint.span.frames,)


def test_sentences_are_a_gap_apart_and_do_not_overlap():
    first, second = lay_out(PARTS, fps=30).of_part(1)

    assert second.start_s - first.end_s == pytest.approx(SENTENCE_GAP_S, abs=1 / SAMPLE_RATE_HZ)


def test_words_are_placed_in_the_whole_text_and_in_the_scenes_time():
    timeline = lay_out(PARTS, fps=30)

    words = timeline.words(1, "One.  Two.")

    assert [(word.start_char, word.end_char) for word in words] == [(0, 4), (6, 10)]
    heard = [placed.start_s + 0.1 for placed in timeline.of_part(1)]
    assert [word.start_s + timeline.scene_start_s(1) for word in words] == pytest.approx(heard)


def test_a_mouth_rests_after_each_sentence():
    shapes = [viseme.shape for viseme in lay_out(PARTS, fps=30).visemes(1)]

    assert shapes == ["ah", "rest", "ah", "rest"]


@pytest.mark.parametrize("fps", [24, 30, 59])
def test_a_scene_keeps_its_own_times_wherever_it_lies(fps):
    """An edit of an early part must not change what a later scene's unit is made from."""
    early = lay_out([PARTS[0], PARTS[1], PARTS[2]], fps=fps)
    late = lay_out([PARTS[2], [spoken("A longer one.", 3.777)], PARTS[1], PARTS[2]], fps=fps)

    assert late.words(2, "One.  Two.") == early.words(1, "One.  Two.")
    assert late.visemes(2) == early.visemes(1)
    assert late.scenes[2].frames == early.scenes[1].frames


def test_no_part_is_refused():
    with pytest.raises(ValueError, match="at least one part"):
        lay_out([], fps=30)

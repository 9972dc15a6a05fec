"""The benchmark of word times: its own arithmetic.  No time is asserted, and neither voice speaks."""

import numpy as np
import pytest

from benchmarks import espeak
from benchmarks.word_times import Found, _begins, _by_length, _with_pauses
from reelqueue.providers.local.voice.model import SAMPLE_RATE
from reelqueue.providers.local.voice.takes import Take
from reelqueue.providers.local.voice.unit import Sound


def test_chinese_is_given_as_syllables_that_know_their_place():
    written, places = espeak._pinyin("今天，很熱。")

    assert written.split() == ["jin1", "tian1,", "hen3", "re4."]
    assert {written[place : place + 4].strip(): where for place, where in places.items()} == {
        "jin1": 0,
        "tian": 1,
        "hen3": 3,
        "re4.": 4,
    }


def test_sentences_are_set_apart_and_their_words_moved():
    sentence = np.full(SAMPLE_RATE, 0.1, dtype=np.float32), {0: 0.5}
    other = np.full(SAMPLE_RATE, 0.1, dtype=np.float32), {9: 0.25}

    sound, truth = _with_pauses([sentence, other], np.random.default_rng(1))

    pause = len(sound) / SAMPLE_RATE - 2
    assert 0.2 <= pause <= 1.2
    assert truth == {0: 0.5, 9: pytest.approx(1.25 + pause)}


def test_only_words_that_both_know_are_compared():
    found = Found()

    found.add("reading", {0: 1.0, 5: 2.0}, {0: 1.1, 7: 3.0})

    assert found.words == 1
    assert found.shown("reading") == "100 / 100"


def test_by_length_a_word_begins_where_its_share_of_the_text_does():
    words = (Sound(0, 1, "aaa", "en"), Sound(1, 2, ",", "pause"), Sound(2, 3, "a", "en"))

    assert _by_length(words, 8.0) == {0: 0.0, 2: 6.0}


def test_of_several_sounds_of_one_stretch_the_first_begins_the_word():
    heard = (Sound(0, 3, "a", "zh"), 0.1, 0.2), (Sound(0, 3, "b", "zh"), 0.2, 0.3), (Sound(3, 4, ".", "pause"), 0.3, 0.4)

    assert _begins(Take(np.zeros(1, dtype=np.float32), (), heard)) == {0: 0.1}

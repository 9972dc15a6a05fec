"""Cutting text into the pieces in which the local voice is asked, and sentences that are too long for the model."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reelqueue.providers.local.voice.clauses import MAX_SYMBOLS, clauses, symbols
from reelqueue.providers.local.voice.pronounce import pronounce
from reelqueue.providers.local.voice.sentences import sentences


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("今天很熱。我們去游泳！好嗎？", ("今天很熱。", "我們去游泳！好嗎？")),
        ("他說：「今天很熱。」然後走了。", ("他說：「今天很熱。」", "然後走了。")),
        ("It is 3.5 m. Dr. Smith left. Why not?", ("It is 3.5 m.", "Dr. Smith left.", "Why not?")),
        ("是。我們知道了。", ("是。我們知道了。",)),
        ("沒有句號", ("沒有句號",)),
        ("第一行\n第二行在這裡", ("第一行第二行在這裡",)),
    ],
)
def test_text_is_cut_into_sentences(text, pieces):
    assert sentences(text) == pieces


@given(st.text(alphabet="今天很熱我們。！？…，「」a bc. D!?\n12", max_size=80))
def test_no_character_is_lost(text):
    joined = "".join(sentences(text))

    assert re.sub(r"\s", "", joined) == re.sub(r"\s", "", text)


def test_a_long_sentence_is_cut_at_its_marks_and_loses_nothing():
    sounds = pronounce("我們每天都在處理很多很多的工作，" * 12 + "直到晚上。", "zh-TW", {})

    parts = clauses(sounds)

    assert [sound for part in parts for sound in part] == list(sounds)
    assert max(map(symbols, parts)) <= MAX_SYMBOLS
    assert all(part[-1].phonemes in {",", "."} for part in parts)


def test_a_long_sentence_without_marks_is_cut_between_words():
    parts = clauses(pronounce("我們每天都在處理很多很多的工作" * 12, "zh-TW", {}))

    assert max(map(symbols, parts)) <= MAX_SYMBOLS

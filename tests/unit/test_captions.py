"""Subtitles: each fits, none flashes, every word is in one, and SRT is what players read."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reelqueue.art.subtitles import subtitle_room
from reelqueue.media.captions import ROOMS, as_srt, cues_of, joined, width_em, within
from reelqueue.models.media import SIZES
from reelqueue.models.voice import Speech, Word


def spoken(*tokens: str, seconds: float = 0.4, gap: str = "") -> Speech:
    """A speech of these tokens, each a word but for its trailing punctuation."""
    words, text, at = [], "", 0.1
    for token in tokens:
        core = token.rstrip("，。！？,.;: ")
        words.append(Word(start_char=len(text), end_char=len(text) + len(core), start_s=at, end_s=at + seconds))
        text += token + gap
        at += seconds
    return Speech(text=text.strip(), sample_rate=24_000, samples=int((at + 0.1) * 24_000), words=tuple(words), visemes=())


def test_a_sentence_is_cut_at_its_clauses():
    speech = spoken(
        "如果",
        "六十秒",
        "內",
        "沒有",
        "回報，",
        "任務",
        "就",
        "交給",
        "下一位",
        "工作者",
        "處理，",
        "這",
        "是",
        "最",
        "重要",
        "的",
        "設計。",
    )

    cues = cues_of(speech, 10.0, room=ROOMS["16:9"], language="zh-TW")

    assert [cue.text for cue in cues] == ["如果六十秒內沒有回報，", "任務就交給下一位工作者處理，這是最重要的設計。"]
    assert cues[0].start_s == pytest.approx(10.02)


def test_a_foreign_name_is_not_cut_in_two():
    speech = spoken(
        "任務", "就", "交給", "下一位", "工作者", "處理", "這", "就是 ", "Redis ", "Streams ", "的", "消費者", "群組", "設計。"
    )

    cues = cues_of(speech, 0.0, room=ROOMS["9:16"], language="zh-TW")

    assert any("Redis Streams" in cue.text for cue in cues)


tokens = st.lists(
    st.sampled_from(["珊瑚", "白化，", "不等於", "死亡。", "Redis ", "API ", "1998 ", "「很長的一個詞語」"]),
    min_size=1,
    max_size=60,
)


@given(tokens, st.sampled_from(list(ROOMS)), st.sampled_from([0.1, 0.4]))
def test_every_word_is_in_one_cue_and_every_line_fits(parts, aspect, seconds):
    speech = spoken(*parts, seconds=seconds)
    room = ROOMS[aspect]

    cues = joined(cues_of(speech, 5.0, room=room, language="zh-TW"), end_s=1_000.0)

    assert sum(len(cue.words) for cue in cues) == len(speech.words)
    assert "".join(c.text for c in cues).replace(" ", "") == speech.text.replace(" ", "")
    for cue in cues:
        assert 1 <= len(cue.lines) <= room.lines
        assert all(width_em(cue.text[a:b]) <= room.line_em * 1.35 for a, b in cue.lines)
        assert all(0 <= w.start_char < w.end_char <= len(cue.text) for w in cue.words)
        assert cue.start_s < cue.end_s
    assert all(a.end_s <= b.start_s + 1e-9 for a, b in itertools.pairwise(cues))


def test_a_word_without_end_is_cut_into_lines_that_fit():
    speech = spoken("Look ", "at ", "a" * 300, seconds=3.0)

    cues = cues_of(speech, 0.0, room=ROOMS["9:16"], language="en")

    assert "".join(cue.text for cue in cues).replace(" ", "") == speech.text.replace(" ", "")
    assert all(width_em(cue.text[a:b]) <= ROOMS["9:16"].line_em for cue in cues for a, b in cue.lines)


@pytest.mark.parametrize("language", ["zh-TW", "en"])
@pytest.mark.parametrize("aspect", list(ROOMS))
def test_a_line_that_fits_its_room_fits_the_screen(aspect, language):
    type_px, widest_px = subtitle_room(*SIZES[aspect], language)

    assert ROOMS[aspect].line_em * type_px <= widest_px


def test_short_gaps_between_cues_are_closed():
    first, second = (cues_of(spoken("你好。"), at, room=ROOMS["16:9"], language="zh-TW")[0] for at in (0.0, 1.2))

    out = joined((first, second), end_s=9.0)

    assert out[0].end_s == out[1].start_s


def test_cues_are_moved_to_a_scenes_own_clock():
    cues = cues_of(spoken("你好，", "世界。"), 10.0, room=ROOMS["16:9"], language="zh-TW")

    moved = within(cues, 9.5, 12.0)

    assert moved[0].start_s == pytest.approx(0.52)
    assert moved[0].words[1].start_s == pytest.approx(1.0)


def test_srt_is_numbered_and_ends_in_a_newline():
    cues = cues_of(spoken("Hello ", "world."), 3599.9, room=ROOMS["16:9"], language="en")

    assert as_srt(cues) == "1\n00:59:59,920 --> 01:00:01,100\nHello world.\n"


def test_a_piece_without_words_has_no_cue():
    assert (
        cues_of(Speech(text="…", sample_rate=24_000, samples=100, words=(), visemes=()), 0, room=ROOMS["16:9"], language="en")
        == ()
    )

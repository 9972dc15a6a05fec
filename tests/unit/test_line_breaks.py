"""The one line breaker: the rules of the look, by example and by property."""

import unicodedata
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reelqueue.art.breaks import LAST_SHARE, OTHER_SHARE, break_lines, passing_setting
from reelqueue.art.words import NO_END, NO_START, bounds_of, han_words, words_of

FULL_WIDTH_NO_START = {c for c in NO_START if ord(c) > 0x2FFF}
FULL_WIDTH_NO_END = {c for c in NO_END if ord(c) > 0x2FFF}
WORDS = [
    "任務",
    "佇列",
    "為什麼",
    "珊瑚礁",
    "的",
    "了",
    "把",
    "訊息",
    "Redis",
    "Streams",
    "12",
    "萬",
    "則",
    "84%",
    "伺服器",
    "不能",
    "弄丟",
]
MARKS = ["，", "。", "、", "「", "」", "（", "）", "！", "？", " ", "", "", "", ""]

texts = st.lists(st.tuples(st.sampled_from(WORDS), st.sampled_from(MARKS)), min_size=1, max_size=18).map(
    lambda parts: "".join(word + mark for word, mark in parts)
)
english = st.lists(
    st.sampled_from(
        [
            "a",
            "the",
            "coral",
            "reef",
            "is",
            "not",
            "New",
            "York",
            "how",
            "tasks,",
            "queue.",
            "don't",
            "84%",
            "“quoted”",
            "re-runs",
        ]
    ),
    min_size=1,
)


def em(text):
    return sum(1.0 if unicodedata.east_asian_width(c) in "WF" else 0.52 for c in text)


def broken(text, width, lines, language="zh-TW"):
    return [text[a:b] for a, b in break_lines(text, em, width, lines, language)]


@pytest.mark.parametrize(
    ("text", "width", "lines", "expected"),
    [
        pytest.param(
            "Redis Streams 為什麼適合做任務佇列",
            9,
            3,
            ["Redis Streams", "為什麼適合", "做任務佇列"],
            id="a Latin name stays whole",
        ),
        pytest.param(
            "讀過的訊息還會留著，重啟也不消失。", 10, 3, ["讀過的訊息還會留著，", "重啟也不消失。"], id="a comma stays up"
        ),
        pytest.param("任務可以重送，但不能弄丟", 8, 2, ["任務可以重送，", "但不能弄丟"], id="after a clause is free"),
        pytest.param("為什麼人總是記得開頭與結尾", 6, 3, ["為什麼人", "總是記得", "開頭與結尾"], id="words are whole"),
        pytest.param("宋代的船，怎麼走遍南海", 7, 3, ["宋代的船，", "怎麼走遍南海"], id="no particle begins a line"),
        pytest.param(
            "為什麼麵包放久了會變硬？", 6, 3, ["為什麼", "麵包放久了", "會變硬？"], id="a helper verb goes with what it helps"
        ),
        pytest.param("今天來聊聊任務佇列", 6, 2, ["今天來聊聊", "任務佇列"], id="even enough"),
    ],
)
def test_chinese_lines_break_where_a_reader_would(text, width, lines, expected):
    assert broken(text, width, lines) == expected


@pytest.mark.parametrize(
    ("text", "width", "lines", "expected"),
    [
        pytest.param(
            "A bleached coral is not a dead coral", 9, 3, ["A bleached", "coral is not", "a dead coral"], id="no article ends"
        ),
        pytest.param(
            "How coral reefs recover after bleaching", 8, 3, ["How coral", "reefs recover", "after bleaching"], id="even lines"
        ),
        pytest.param(
            "Why Saturn will lose its rings", 7, 3, ["Why Saturn", "will lose", "its rings"], id="a question word is no name"
        ),
        pytest.param(
            "Redis Streams is a log for New York", 7, 4, ["Redis Streams", "is a log", "for New York"], id="names are whole"
        ),
    ],
)
def test_english_lines_break_where_a_reader_would(text, width, lines, expected):
    found = broken(text, width, lines, "en")

    assert found == expected


def test_jieba_is_asked_in_simplified_characters():
    """In Traditional ones its dictionary cuts 為|什麼 and 臺|灣."""
    assert han_words("臺灣為什麼") == ("臺灣", "為什麼")


def test_a_number_keeps_its_measure_word():
    assert broken("這個佇列一共收了 12 萬則訊息", 9, 2)[-1].startswith(("12", "一共", "收了", "訊息"))


def test_a_mark_after_a_space_does_not_begin_a_line():
    assert [line[0] for line in broken("任務可以重送 ，但不能弄丟 。", 8, 3)] == ["任", "但"]


def test_a_word_wider_than_the_line_is_cut_only_when_nothing_else_helps():
    assert broken("Llanfairpwllgwyngyll", 5, 4, "en") != ["Llanfairpwllgwyngyll"]
    assert broken("Each global bleaching event has reached more reefs", 14, 2, "en") == [
        "Each global bleaching event",
        "has reached more reefs",
    ]


def test_nothing_has_no_lines():
    assert break_lines("", em, 10, 2, "zh-TW") == ()
    assert break_lines("  \n ", em, 10, 2, "zh-TW") == ()


@settings(max_examples=150, deadline=None)
@given(texts, st.floats(2, 20), st.integers(1, 5))
def test_every_character_stands_in_exactly_one_line(text, width, lines):
    found = break_lines(text, em, width, lines, "zh-TW")

    kept = {i for a, b in found for i in range(a, b)}
    assert all(text[i].isspace() for i in range(len(text)) if i not in kept)
    assert all(left[1] <= right[0] for left, right in pairwise(found))
    assert len(found) <= lines


@settings(max_examples=150, deadline=None)
@given(texts, st.floats(3, 20), st.integers(1, 5))
def test_no_mark_stands_where_it_may_not(text, width, lines):
    found = break_lines(text, em, width, lines, "zh-TW")

    assert not any(text[a] in FULL_WIDTH_NO_START for a, _ in found[1:])
    assert not any(text[b - 1] in FULL_WIDTH_NO_END for _, b in found[:-1])


@settings(max_examples=150, deadline=None)
@given(texts, st.floats(4, 20), st.integers(1, 5))
def test_a_passing_setting_keeps_every_rule(text, width, lines):
    found = passing_setting(text, lambda a, b: em(text[a:b]), width, lines, "zh-TW")

    for setting in [found] if found else []:
        widths = [em(text[a:b]) for a, b in setting.lines]
        ends = {b.end for b in bounds_of(text, "zh-TW")}
        assert max(widths) <= width
        assert len(widths) == 1 or widths[-1] >= LAST_SHARE * max(widths)
        assert all(w >= OTHER_SHARE * max(widths) for w in widths[:-1])
        assert all(end in ends for _, end in setting.lines[:-1])
        assert len(widths) == 1 or all(sum(c.isalnum() for c in text[a:b]) > 1 for a, b in setting.lines)


@settings(max_examples=100, deadline=None)
@given(english, st.floats(3, 30), st.integers(1, 6))
def test_english_words_are_never_cut_while_one_fits(words, width, lines):
    text = " ".join(words)

    found = break_lines(text, em, max(width, 6), lines, "en")

    assert all(text[b].isspace() for _, b in found[:-1])


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=40), st.floats(1, 30), st.integers(1, 4))
def test_any_text_at_all_is_broken_without_an_error(text, width, lines):
    found = break_lines(text, em, width, lines, "zh-TW")

    assert len(found) <= lines
    assert all(a < b for a, b in words_of(text))


def test_a_long_paragraph_is_broken_in_a_moment():
    text = "一群工作者共讀同一條串流，每則訊息只交給其中一位，處理完再回報確認。" * 5

    found = broken(text, 16, 12)

    assert all(em(line) <= 16 for line in found)

"""What Gemini is given to speak: whole parts where they fit, the lexicon put in; and what it may cost."""

import re

import pytest

from reelqueue.errors import InvalidBrief
from reelqueue.providers.gemini.client import GeminiClient
from reelqueue.providers.gemini.speech_text import LONGEST_S, MOST_TOKENS, pieces_of, spoken_text
from reelqueue.providers.gemini.tariff import tokens_from_above
from reelqueue.providers.gemini.voice import GeminiVoice
from reelqueue.providers.gemini.voices import VOICES
from reelqueue.providers.narration.rate import seconds_of
from reelqueue.providers.prices import read_prices
from reelqueue.sandbox.gemini.models import VOICES as SERVED
from reelqueue.sandbox.gemini.tokens import tokens_in

LINE = "潮水退去以後，沙灘上留下一排細小的洞。那是招潮蟹的家門口！"


def voice() -> GeminiVoice:
    return GeminiVoice(GeminiClient("AIza-no-key-at-all"), "gemini-3.8-flash-tts", read_prices(None))


def test_a_part_is_spoken_whole():
    assert pieces_of(f"  {LINE * 3}\n", "zh-TW") == (LINE * 3,)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        pytest.param(LINE * 60, "zh-TW", id="many sentences"),
        pytest.param("浪" * 900 + "。", "zh-TW", id="one endless word"),
        pytest.param("一" * 400 + "，" + "二" * 400 + "。", "zh-TW", id="a sentence of clauses"),
        pytest.param("The tide goes out, and it comes back. " * 80, "en", id="English"),
        pytest.param("word " * 900, "en", id="English without a stop"),
    ],
)
def test_a_long_text_is_cut_where_it_pauses_and_loses_nothing(text, language):
    pieces = pieces_of(text, language)

    assert len(pieces) > 1
    assert re.sub(r"\s", "", "".join(pieces)) == re.sub(r"\s", "", text)
    assert all(tokens_from_above(piece) <= MOST_TOKENS and seconds_of(piece, language) <= LONGEST_S for piece in pieces)


def test_a_text_is_cut_between_sentences():
    assert all(piece.endswith(("。", "！")) for piece in pieces_of(LINE * 60, "zh-TW"))


@pytest.mark.parametrize("text", ["", " \n", "……！", "🎵"])
def test_nothing_to_speak_has_no_pieces(text):
    assert pieces_of(text, "zh-TW") == ()


@pytest.mark.parametrize(
    ("text", "lexicon", "spoken"),
    [
        pytest.param("用 SQL 查", {"SQL": "C 扣"}, "用 C 扣 查", id="a word"),
        pytest.param("MySQL 和 SQL", {"SQL": "sequel"}, "MySQL 和 sequel", id="not inside another word"),
        pytest.param("AB 與 ABC", {"AB": "一", "ABC": "二"}, "一 與 二", id="the longest first"),
        pytest.param("重來一次", {"重來": "chong2 lai2"}, "重來一次", id="pinyin is not read out"),
        pytest.param("Kokoro speaks", {"Kokoro": "/kˈoʊkəɹoʊ/"}, "Kokoro speaks", id="nor phonemes"),
        pytest.param("a.b", {".": "dot"}, "adotb", id="a sign is a sign, not a pattern"),
        pytest.param("空", {"空": " "}, "空", id="nothing is no way to speak"),
        pytest.param("x", {}, "x", id="no lexicon"),
        pytest.param("甲乙", {"甲": "乙", "乙": "甲"}, "乙甲", id="what was put in is not changed again"),
    ],
)
def test_the_lexicon_is_put_in(text, lexicon, spoken):
    assert spoken_text(text, lexicon) == spoken


@pytest.mark.parametrize(
    "text",
    [
        LINE,
        "The quick brown fox, 3.14!",
        "中英 mixed 文字 with GPT-4",
        "https://a.b/c?d=e&f=1",
        "！？，。",
        "",
        "a b c d e f",
        "𠮷野家",
    ],
)
def test_tokens_are_counted_from_above(text):
    assert tokens_from_above(text) >= tokens_in(text)


def test_the_voices_are_those_that_are_served():
    assert {name.lower() for name in VOICES} == SERVED


@pytest.mark.parametrize("name", [None, "Kore", "kore", " PUCK "])
def test_a_voice_is_found_in_any_case(name):
    voice().check("zh-TW", name)


@pytest.mark.parametrize(
    ("language", "name", "field"), [("zh-TW", "xiaoxiao", "voice"), ("en", "", "voice"), ("de", None, "language")]
)
def test_what_is_not_spoken_is_refused_by_name(language, name, field):
    with pytest.raises(InvalidBrief) as raised:
        voice().check(language, name)

    assert raised.value.field == field

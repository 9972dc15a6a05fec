"""The local script writer: the author's own words, all of them, once, in parts of the right length."""

import random
import re
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reelqueue.errors import InvalidBrief
from reelqueue.models.language import detect_language
from reelqueue.providers.local.script import LocalScriptWriter
from reelqueue.providers.local.script_choice import TOLERANCE
from reelqueue.providers.local.script_keywords import key_phrases
from reelqueue.providers.local.script_terms import likelihood_ratio
from reelqueue.providers.local.script_writing import write
from reelqueue.providers.narration.blocks import read_blocks
from reelqueue.providers.narration.metadata import clean_title, fitting_tags
from reelqueue.providers.narration.rate import seconds_of
from reelqueue.providers.narration.sentences import split_sentences
from reelqueue.providers.narration.units import cut_long, units_of
from reelqueue.providers.protocols import ScriptRequest

CORAL = """# 珊瑚礁怎麼從白化中復原

1998年，全球第一次大規模的珊瑚白化奪走了世界上大約 8% 的珊瑚。當時很多研究者認為，礁石要花一百年才能恢復。

## 白化不等於死亡

珊瑚是動物，身體裡住著一種叫做蟲黃藻（zooxanthellae）的藻類。海水太熱的時候，珊瑚會把藻類趕出去，只剩下白色的骨骼。
一位研究員說：「給一座珊瑚礁安靜的十年。它會讓你嚇一跳。」

## 復原需要的三件事

要復原，需要三個條件：

1. 比較涼的海水
2. 吃藻的魚
3. 新的珊瑚幼蟲

| 年 | 覆蓋率 |
|--|--|
| 1998年 | 9% |
| 2010年 | 44% |

Ocean current 把幼蟲一年一年送回來，[詳見報告](https://example.org/report?id=1)。

```python
print("not spoken")
```

復原需要時間，而時間正是珊瑚最缺的東西。
"""

PARK = """Why small teams should write things down

Dr. Ellen Park ran an experiment in 2021 with 12 software teams, e.g. two from banks and one from a hospital. After six months the
writers answered "Why did we do this?" in 3.5 minutes. The talkers needed 4 hours, and in 40% of the cases nobody could say at all.

Writing is slow. That is the point. A page forces you to finish a sentence, and a finished sentence can be wrong.

Three habits made the difference. First, the record was written before the change. Second, it named one alternative that was turned
down, and why. Third, it was never longer than a page.

Ask yourself what your team decided last spring. If not, a single page is a cheap place to start.
"""


def asked(content=None, topic=None, duration_s=None, language=None):
    language = language or detect_language(content or topic or "", "zh-TW")
    return ScriptRequest(topic=topic, content=content, language=language, duration_s=duration_s)


def bare(text):
    """What is said, without the marks and spaces that speech adds."""
    return re.sub(r"[^\w%]+", "", text)


@pytest.mark.parametrize("content", [CORAL, PARK], ids=["Chinese Markdown", "English text"])
def test_every_sentence_is_told_once_and_in_order(content):
    blocks = read_blocks(content, detect_language(content, "en")).blocks

    script = write(asked(content)).script

    told = bare("".join(script.texts))
    source = bare("".join(block.text for block in blocks))
    assert told.startswith(source)
    assert told.removeprefix(source) in {bare("謝謝收看下次見"), bare("Thank you for watching See you next time")}


@pytest.mark.parametrize("content", [CORAL, PARK], ids=["Chinese Markdown", "English text"])
def test_segments_last_5_to_20_seconds_and_count_from_0(content):
    script = write(asked(content)).script

    assert all(5 <= segment.duration <= 20 for segment in script.segments)
    assert [segment.index for segment in script.segments] == list(range(len(script.segments)))
    assert script.total_duration == pytest.approx(
        script.intro.duration + script.outro.duration + sum(s.duration for s in script.segments), abs=0.02
    )


@pytest.mark.parametrize(
    "kept",
    [
        "8%",
        "1998年",
        "（zooxanthellae）",
        "「給一座珊瑚礁安靜的十年。它會讓你嚇一跳。」",
        "Ocean current",
        "第三，新的珊瑚幼蟲",
        "1998年：覆蓋率 9%",
    ],
)
def test_quotes_numbers_lists_and_english_survive(kept):
    assert kept in "".join(write(asked(CORAL)).script.texts)


def test_what_cannot_be_spoken_is_left_out_and_said():
    written = write(asked(CORAL))

    spoken = "".join(written.script.texts)
    assert "詳見報告" in spoken
    assert "https" not in spoken
    assert "print" not in spoken
    assert "https://example.org/report?id=1" in written.script.metadata.description
    assert any("程式碼" in warning for warning in written.warnings)


def test_the_title_is_the_texts_own_and_said_once():
    script = write(asked(CORAL)).script

    assert script.metadata.title == "珊瑚礁怎麼從白化中復原"
    assert script.intro.text.startswith("珊瑚礁怎麼從白化中復原？1998年")
    assert "".join(script.texts).count("珊瑚礁怎麼從白化中復原") == 1


def test_a_title_that_is_over_at_once_is_announced():
    script = write(asked("今天天氣很好，我們去看海。", topic="看海")).script

    assert script.intro.text == "這支影片的主題是「看海」。"
    assert script.segments[0].text == "今天天氣很好，我們去看海。"


def test_full_width_letters_and_digits_take_their_time():
    assert seconds_of("ＡＢＣ１２３", "zh-TW") == seconds_of("ABC123", "zh-TW") > 1


def test_a_topic_that_is_the_first_heading_is_said_once():
    script = write(asked(CORAL, topic="珊瑚礁怎麼從白化中復原？")).script

    assert "".join(script.texts).count("珊瑚礁怎麼從白化中復原") == 1


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        pytest.param("海水超過30.5度！真的嗎？！是的。", ["海水超過30.5度！", "真的嗎？！", "是的。"], id="decimals, two marks"),
        pytest.param("他說：「走了。不回來。」然後離開。", ["他說：「走了。不回來。」", "然後離開。"], id="a quotation stays whole"),
        pytest.param("「你好。」他說。", ["「你好。」他說。"], id="who says it belongs to it"),
        pytest.param("她想……算了。好；不好。", ["她想……算了。", "好；", "不好。"], id="ellipsis, semicolon"),
        pytest.param("Dr. Smith met J. K. Rowling, e.g. here. It was 3.5 m.", ["Dr. Smith met J. K. Rowling, e.g. here.", "It was 3.5 m."], id="abbreviations"),
        pytest.param("He lives in the U.S. now. He left the U.S. The end.", ["He lives in the U.S. now.", "He left the U.S.", "The end."], id="U.S."),
        pytest.param('"Stop! Now." He left. “Go!” she said.', ['"Stop! Now."', "He left.", "“Go!” she said."], id="English quotes"),
        pytest.param("See www.a.com/x?y=1. Wait... what?", ["See www.a.com/x?y=1.", "Wait... what?"], id="addresses"),
        pytest.param("用 Node.js v3.5。OK. 好的.再見", ["用 Node.js v3.5。", "OK.", "好的.", "再見"], id="mixed widths"),
        pytest.param("好棒😀！👍", ["好棒😀！👍"], id="emoji stay"),
        pytest.param("沒有標點", ["沒有標點"], id="no mark"),
    ],
)  # fmt: skip
def test_sentences_end_where_a_reader_ends_them(text, sentences):
    assert list(split_sentences(text)) == sentences


@given(st.text(alphabet="。！？；….,!?\"'「」『』（）()“” \nab3測試字，Dr", max_size=80))
@settings(max_examples=300, deadline=None)
def test_splitting_loses_and_doubles_nothing(text):
    assert "".join("".join(split_sentences(text)).split()) == "".join(text.split())


@given(
    st.text(alphabet=st.characters(blacklist_categories=("Cc", "Cs")), min_size=1, max_size=400), st.sampled_from(["zh-TW", "en"])
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_text_gives_a_script_or_a_named_error(text, language):
    try:
        script = write(asked(text, language=language)).script
    except InvalidBrief as error:
        assert error.field == "content"
        return
    assert script.segments
    assert all(part.strip() for part in script.texts)


@pytest.mark.parametrize(
    "sentence", ["字" * 700, "word " * 200, "很長的一句話，" * 60, "a" * 3000], ids=["no mark", "no comma", "commas", "one word"]
)
def test_a_very_long_sentence_is_cut_below_20_seconds(sentence):
    parts = cut_long(sentence, "zh-TW")

    assert all(seconds_of(part, "zh-TW") <= 15 for part in parts)
    assert "".join("".join(parts).split()) == "".join(sentence.split())


def long_text(chars):
    """Sentences of random words, with paragraphs and headings."""
    rng, words = (
        random.Random(7),
        [
            "海洋",
            "珊瑚",
            "溫度",
            "研究",
            "系統",
            "資料",
            "影片",
            "城市",
            "森林",
            "時間",
            "改變",
            "增加",
            "減少",
            "觀察",
            "學校",
            "老師",
            "學生",
            "問題",
            "方法",
            "結果",
        ],
    )
    out = ["# 長文"]
    while sum(map(len, out)) < chars:
        sentence = (
            "".join(rng.choices(words, k=rng.randint(4, 12)))
            + rng.choice(["，所以", "，"])
            + "".join(rng.choices(words, k=5))
            + "。"
        )
        out.append(sentence if rng.random() < 0.7 else f"\n\n## 第{len(out)}段\n\n{sentence}")
    text = "".join(out)[:chars]
    return text[: text.rfind("。") + 1]


def test_9900_characters_take_seconds_and_are_refused_only_for_their_length():
    text = long_text(9_900)
    began = time.process_time()

    with pytest.raises(InvalidBrief) as caught:
        write(asked(text))
    script = write(asked(text, duration_s=1_700)).script

    assert caught.value.field == "content"
    assert " s" in str(caught.value.given)
    assert 1_360 <= script.total_duration <= 1_800
    assert time.process_time() - began < 8


@pytest.mark.parametrize("wanted", [15, 30, 45, 60, 90, 300])
@pytest.mark.parametrize("content", [CORAL, PARK, long_text(3_000)], ids=["Chinese", "English", "long"])
def test_whole_sentences_are_chosen_to_fit_within_20_percent(content, wanted):
    whole = write(asked(content)).script

    written = write(asked(content, duration_s=wanted))

    expected = min(wanted, whole.total_duration)
    assert abs(written.script.total_duration - expected) <= TOLERANCE * expected
    everything = [unit.text for unit in units_of(read_blocks(content, whole.language).blocks, whole.language)]
    told = bare("".join(written.script.texts))
    chosen = [text for text in everything if bare(text) in told]
    assert told.startswith(bare("".join(chosen)))  # whole, in their order
    if wanted < 0.8 * whole.total_duration or wanted > 1.25 * whole.total_duration:
        assert written.warnings


@pytest.mark.parametrize(("topic", "language"), [("為什麼人總是記得開頭", "zh-TW"), ("How coral reefs recover", "en")])
def test_a_topic_alone_gives_a_marked_outline_of_about_60_seconds(topic, language):
    written = write(asked(topic=topic, language=language))

    assert 48 <= written.script.total_duration <= 72
    assert all(5 <= segment.duration <= 20 for segment in written.script.segments)
    assert topic in written.script.intro.text
    assert ("大綱" if language == "zh-TW" else "outline") in written.script.intro.text
    assert "GEMINI_API_KEY" in written.warnings[0]


@pytest.mark.parametrize("content", ["", "   \n", "```\ncode\n```", "![a](b.png)", "---", "。。。"])
def test_a_content_with_nothing_to_say_is_refused_or_an_outline(content):
    try:
        script = write(asked(content, topic="主題", language="zh-TW")).script
    except InvalidBrief as error:
        assert error.field == "content"
    else:
        assert "大綱" in script.intro.text


def test_titles_keep_to_youtubes_rules():
    title = clean_title("a <b> " + "很長的標題" * 40)

    assert len(title) <= 100
    assert not set("<>") & set(title)
    assert title.endswith("…")


def test_tags_fit_and_do_not_repeat():
    tags = fitting_tags(["Redis", "redis", "a, b", "<x>y", *(f"tag number {i}" for i in range(99))])

    assert tags[:3] == ("Redis", "a b", "x y")
    assert sum(len(tag) + 3 for tag in tags) <= 500


def test_key_phrases_stand_in_the_text():
    assert {"珊瑚", "白化"} <= set(key_phrases(CORAL, "zh-TW"))
    assert "Ellen Park" in key_phrases(PARK, "en")


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("我們用 Redis Streams 做 task queue", "zh-TW"),
        ("The city of 臺北 is large and it rains a lot there.", "en"),
        ("日本語のテキストです。", "ja"),
        ("한국어 텍스트", "ko"),
        ("12345 😀", "fallback"),
        ("", "fallback"),
        ("Это русский текст", "fallback"),
    ],
)
def test_the_language_is_found_by_its_script(text, language):
    assert detect_language(text, "fallback") == language


async def test_the_same_request_gives_the_same_script():
    writer = LocalScriptWriter()

    assert await writer.write_script(asked(CORAL)) == await writer.write_script(asked(CORAL))


@pytest.mark.parametrize(
    ("text", "language", "phrases"),
    [
        pytest.param(
            "In 1885 John Kemp Starley sold the Rover. It stood in Taipei 101. Starley was proud of the Rover.",
            "en",
            {"John Kemp Starley", "Rover", "Taipei 101"},
            id="a name whole, and once",
        ),
        pytest.param(
            "手搖飲在台灣很強。有人用 bubble tea 稱呼手搖飲，店家用 POS 系統補貨。",
            "zh-TW",
            {"手搖飲", "bubble tea", "POS"},
            id="a word that jieba cuts",
        ),
    ],
)
def test_key_phrases_are_whole(text, language, phrases):
    found = set(key_phrases(text, language))

    assert phrases <= found
    assert not {"John Kemp", "Kemp Starley", "Starley", "手搖", "Taipei"} & found


@pytest.mark.parametrize("text", ["buffalo " * 200, "buffalo. " * 200, "tick tock " * 100, "水" * 300])
async def test_one_word_over_and_over_is_a_script_all_the_same(text):
    language = "zh-TW" if text[0] == "水" else "en"
    written = await LocalScriptWriter().write_script(
        ScriptRequest(topic="Again", content=text, language=language, duration_s=None, tags=())
    )

    assert written.script.segments
    assert written.script.metadata.title == "Again"


def test_words_that_stand_together_by_chance_are_no_term():
    assert likelihood_ratio(4, 4, 4, 100) > 20
    assert likelihood_ratio(1, 10, 10, 100) == 0


LISTED = """# 手搖飲

## 三個關鍵

第一，客製化。甜度、冰塊、配料都能自己選，光是珍珠奶茶就有上百種組合。

第二，供應鏈。從南投的茶園到 POS 系統，半天就能補貨；許多品牌用 App 點餐，尖峰時段一分鐘出 3 杯。

第三，人。{last}

## 走出海外

到了 2023 年，bubble tea 已經出現在 60 多個國家，全球市場規模約 24.6 億美元，預計 2032 年會翻倍。
"""


@pytest.mark.parametrize(
    ("last", "segments"),
    [
        pytest.param("留住他。", ["三個關鍵。第一，"], id="a list that fits is one segment"),
        pytest.param("訓練店員只要 14 天，但要留住他，得靠排班和獎金。", ["三個關鍵。第一，", "第三，人。"], id="a longer one is cut between items"),
    ],
)  # fmt: skip
async def test_a_list_stands_in_as_few_segments_as_it_can(last, segments):
    written = await LocalScriptWriter().write_script(asked(LISTED.format(last=last)))

    texts = [segment.text for segment in written.script.segments]
    assert [text for text in texts if "第" in text and not text.startswith(tuple(segments))] == []
    assert sum("第" in text for text in texts) == len(segments)

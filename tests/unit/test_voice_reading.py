"""How written text becomes words that are said: figures, names, the lexicon, and Taiwan's readings."""

import hashlib
from pathlib import Path

import pytest
from pypinyin import pinyin_dict
from pypinyin.contrib.tone_convert import to_tone3

from reelqueue.providers.local.voice import chinese, english
from reelqueue.providers.local.voice import voice as local_voice
from reelqueue.providers.local.voice.model import vocabulary
from reelqueue.providers.local.voice.pronounce import pronounce
from reelqueue.providers.local.voice.reading import read
from reelqueue.providers.local.voice.tables import TERMS, readings

DROPPED = "\u032f"
"""IPA's mark of a vowel that makes no syllable: not in the model's vocabulary, left out before it."""


def said(text, language="zh-TW", lexicon=None):
    return "|".join(unit.spoken for unit in read(text, language, lexicon or {}))


def pinyin(text):
    return " ".join(syllable for run in text.split("，") for _, _, syllables in chinese.words(run) for syllable in syllables)


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("2024年10月31日", "二零二四年|十月|三十一日"),
        ("2024-10-31", "二零二四年十月三十一日"),
        ("2019-2023年", "二零一九到二零二三年"),
        ("2000年", "兩千年"),
        ("民國113年", "民國|一百一十三年"),
        ("10:30", "十點三十分"),
        ("2:05", "兩點零五分"),
        ("14:00", "十四點"),
        ("比分3:2", "比分|三比二"),
        ("12.5%", "百分之十二點五"),
        ("5~10%", "百分之五到十"),
        ("掉了-3.5%", "掉了|負百分之三點五"),
        ("25°C", "攝氏二十五度"),
        ("-5℃", "攝氏零下五度"),
        ("NT$1,200元", "一千兩百元"),
        ("US$3.5M", "三點五百萬美元"),
        ("2個", "兩|個"),
        ("12個", "十二|個"),
        ("第3名", "第三|名"),
        ("2-3天", "兩到三|天"),
        ("10,005", "一萬零五"),
        ("100000001", "一億零一"),
        ("22,000", "兩萬兩千"),
        ("15", "十五"),
        ("115", "一百一十五"),
        ("3.14", "三點一四"),
        ("007", "零零七"),
        ("02-2345-6789", "零二二三四五六七八九"),
        ("距離12.5km", "距離|十二點五公里"),
        ("30m²", "三十平方公尺"),
        ("16:9", "十六比九"),
        ("3/4", "四分之三"),
        ("GPT-4", "GPT|四"),
        ("H100", "H|一百"),
        ("1080p", "一零八零|p"),
        ("v1.2.3", "一點二點三版"),
        ("第20行", "第二十|hang2"),
        ("5行程", "五|行程"),
        ("project_state.txt", "project|state|點|txt"),
        ("Node.js", "nˈOd ʤˌAˈɛs"),
        ("https://github.com/a/b", "ɡˈɪthˌʌb|點|com"),
        ("max_jobs=8", "max|jobs|等於|八"),
        ("１２３", "一百二十三"),
    ],
)
def test_figures_in_chinese_are_said_as_in_taiwan(written, spoken):
    assert said(written) == spoken


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("March 5, 2024", "March fifth twenty twenty four"),
        ("2024-10-31", "October thirty first twenty twenty four"),
        ("10:05", "ten oh five"),
        ("2:30 p.m.", "two thirty|PM"),
        ("5.0", "five point zero"),
        ("12.5%", "twelve point five percent"),
        ("$5.50", "five dollars and fifty cents"),
        ("$1.2 million", "one point two million dollars"),
        ("NT$300", "three hundred New Taiwan dollars"),
        ("-3°C", "minus three degrees Celsius"),
        ("1,200", "one thousand two hundred"),
        ("1984", "nineteen eighty four"),
        ("2005", "two thousand five"),
        ("the 1990s", "the|nineteen nineties"),
        ("21st", "twenty first"),
        ("3/4", "three quarters"),
        ("1 km", "one kilometer"),
        ("3-5", "three to five"),
        ("GPT-4", "GPT|four"),
        ("3.11.4", "three point eleven point four"),
        ("555-1234", "five five five one two three four"),
        ("e.g. this", "for example|this"),
        ("the CPU's", "the|CPU's"),
        ("example.com", "example|dot|com"),
    ],
)
def test_figures_in_english_are_written_out(written, spoken):
    assert said(written, "en") == spoken


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("垃圾", "le4 se4"),
        ("企業研究品質", "qi4 ye4 yan2 jiu4 pin3 zhi2"),
        ("星期", "xing1 qi2"),
        ("伺服器當機", "si4 fu2 qi4 dang4 ji1"),
        ("重試", "chong2 shi4"),
        ("嚴重試圖", "yan2 zhong4 shi4 tu2"),
        ("量測", "liang2 ce4"),
        ("測量", "ce4 liang2"),
        ("切換", "qie1 huan4"),
        ("這一行", "zhe4 yi4 hang2"),
        ("銀行", "yin2 hang2"),
        ("三隻", "san1 zhi1"),
        ("頭髮", "tou2 fa3"),
        ("人質", "ren2 zhi4"),
        ("他長得很高頭髮也長", "ta1 zhang3 de5 hen3 gao1 tou2 fa3 ye3 chang2"),
        ("得到的值變得很小", "de2 dao4 de5 zhi2 bian4 de5 hen3 xiao3"),
        ("我們得到，我們得走", "wo3 men5 de2 dao4 wo3 men5 dei3 zou3"),
        ("再重開機", "zai4 chong2 kai1 ji1"),
        ("一次不對統一第一名", "yi2 ci4 bu2 dui4 tong3 yi1 di4 yi1 ming2"),
        ("說服法國人", "shui4 fu2 fa4 guo2 ren2"),
    ],
)
def test_words_are_read_as_in_taiwan(written, spoken):
    assert pinyin(written) == spoken


def test_the_lexicon_is_applied_before_all_else_and_its_longest_entry_wins():
    lexicon = {"任務": "工作", "任務佇列": "隊伍", "12.5%": "一成多", "Redis": "瑞迪斯"}

    assert said("任務佇列的任務占12.5%，Redis", lexicon=lexicon) == "隊伍|的|工作|占|一成多|,|瑞迪斯"


def test_the_lexicon_takes_whole_latin_words_only():
    assert said("Redis Redistribute", "en", {"Redis": "red iss"}) == "red|iss|Redistribute"


def test_the_lexicon_takes_pinyin_and_phonemes():
    sounds = pronounce("阿里與Foo", "zh-TW", {"阿里": "a1 li3", "Foo": "/fˈu/"})

    assert [sound.phonemes for sound in sounds] == ["a→li↓", "y↓", "fˈu"]


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("我們在2024年用 GPT-4 做了 3 次測試，成功率是12.5%。", "zh-TW"),
        ("In 2024, we don't use GPT-4 for 12.5% of JSON calls.", "en"),
    ],
)
def test_each_word_stands_where_it_is_written(text, language):
    sounds = pronounce(text, language, {})

    places = [(sound.start, sound.end) for sound in sounds]
    heard = {place for start, end in places for place in range(start, end)}
    assert places == sorted(places)
    assert heard >= {place for place, char in enumerate(text) if char.isalnum()}


def test_a_sentence_without_words_has_no_sounds():
    assert pronounce("……！？", "zh-TW", {}) == ()


def test_all_syllables_of_pinyin_are_in_the_models_vocabulary():
    known = set(vocabulary())
    syllables = {
        to_tone3(one, neutral_tone_with_five=True) for all_of in pinyin_dict.pinyin_dict.values() for one in all_of.split(",")
    }

    unknown = {syllable for syllable in syllables if not chinese.phonemes(syllable) or set(chinese.phonemes(syllable)) - known}

    assert len(syllables) >= 1_462
    assert unknown == set()


def test_the_table_of_readings_has_a_syllable_for_each_character():
    table = readings()

    assert len(table) >= 200
    assert [
        word
        for word, spoken in table.items()
        if len(word.removeprefix("|")) != len(spoken) or not all(map(chinese.phonemes, spoken))
    ] == []


def test_the_table_of_terms_holds_only_symbols_that_the_model_knows():
    known = set(vocabulary()) | {"/"}

    assert [written for written, spoken in TERMS.items() if spoken.startswith("/") and set(spoken) - known] == []


def test_letters_are_spelled_with_the_stress_on_the_last():
    assert english.spell("API") == "ˌA pˌi ˈI"
    assert english.spell("CPUs") == "sˌi pˌi jˈuz"


def test_what_the_voice_is_made_of_is_that_of_the_release_before():
    """A change names another voice: each sentence is spoken anew after an upgrade.  Where it is meant, let this hash be the new one."""
    sources = sorted(
        path for path in Path(local_voice.__file__).parent.glob("*.py") if path.name not in local_voice._NOTHING_HEARD
    )

    assert hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:16] == "f0279627d38682dd"

"""Words to objects: the right one, or none; and it stands out from every ground."""

import gzip
import hashlib
import json

import numpy as np
import pytest

from reelqueue.art.icons import _DATA, _NONE, _lexicon, find_icon, icon_named, is_named
from reelqueue.art.palette import GROUNDS, PALETTES, palette_named, to_lab
from reelqueue.art.raster import document, rasterise


@pytest.mark.parametrize(
    ("word", "language", "name"),
    [
        ("任務", "zh-TW", "ph:list-checks"),
        ("訊息", "zh-TW", "envelope"),
        ("伺服器", "zh-TW", "ph:hard-drives"),
        ("訊息佇列", "zh-TW", "ph:queue"),
        ("珊瑚礁", "zh-TW", "coral"),
        ("蘋果", "zh-TW", "red-apple"),
        ("狗", "zh-TW", "dog"),
        ("台灣黑熊", "zh-TW", "bear"),
        ("coral reefs", "en", "coral"),
        ("the cost of delay", "en", "ph:coins"),
        ("Batteries", "en", "battery"),
        ("task queue", "en", "ph:queue"),
        ("Saturn", "en", "ringed-planet"),
        ("machine learning", "en", "ph:head-circuit"),
        ("手搖飲", "zh-TW", "bubble-tea"),
        ("珍奶", "zh-TW", "bubble-tea"),
        ("bubble tea", "en", "bubble-tea"),
        ("茶", "zh-TW", "teacup-without-handle"),
        ("腳踏車", "zh-TW", "bicycle"),
        ("bikes", "en", "bicycle"),
        ("spokes", "en", "wheel"),
        ("a chain that wastes nothing", "en", "chains"),
        ("颱風", "zh-TW", "cyclone"),
        ("高樓", "zh-TW", "office-building"),
        ("skyscrapers", "en", "office-building"),
        ("sugar", "en", "candy"),
    ],
)
def test_a_word_finds_its_object(word, language, name):
    assert find_icon([word], language) == icon_named(name)


@pytest.mark.parametrize(
    "word",
    [
        "的",
        "是",
        "宋代",
        "蘋果公司",
        "語言學",
        "板塊",
        "一",
        "",
        "，",
        "服務",
        "哲學",
        "休閒",
        "受傷",
        "珊瑚公司",
        "訓練",
        "世紀",
        "年代",
        "國家",
    ],
)
def test_a_chinese_word_without_an_object_has_none(word):
    found = find_icon([word], "zh-TW")

    assert found is None or found.name == "office-building"


@pytest.mark.parametrize(
    "word",
    [
        "is",
        "a",
        "order",
        "service",
        "philosophy",
        "cool",
        "strong",
        "",
        "well",
        "Bach",
        "lion tamers",
        "century",
        "trips",
        "test",
        "record",
        "country",
    ],
)
def test_an_english_word_without_an_object_has_none(word):
    assert find_icon([word], "en") is None


def test_a_name_is_the_whole_word():
    assert is_named("手搖飲")
    assert is_named("Bubble tea")
    assert not is_named("a steel bicycle")
    assert not is_named("訓練")


def test_the_first_word_that_has_one_wins():
    assert find_icon(["哲學", "伺服器", "狗"], "zh-TW") == icon_named("ph:hard-drives")
    assert find_icon([], "zh-TW") is None


def test_every_word_of_the_lexicon_has_a_drawing():
    for name in set(_lexicon().values()) - {_NONE}:
        icon_named(name)
    lines = [line for line in (_DATA / "lexicon.txt").read_text().splitlines() if line and not line.startswith("#")]
    assert len(lines) >= 300


def test_every_keyword_has_a_drawing():
    with gzip.open(_DATA / "keywords.json.gz", "rt") as stream:
        tables = json.load(stream)

    for name in {n for table in tables.values() for n in table.values()}:
        icon_named(name)


def test_an_unknown_name_is_an_error():
    with pytest.raises(KeyError):
        icon_named("ph:nothing")


@pytest.mark.parametrize("palette", PALETTES, ids=lambda p: p.name)
@pytest.mark.parametrize("ground", GROUNDS)
@pytest.mark.parametrize("name", ["red-apple", "tropical-fish", "elephant", "ph:database"])
def test_an_object_differs_from_what_it_lies_on(palette, ground, name):
    on = palette.ground(ground)

    pixels = rasterise(document(icon_named(name).svg(palette, on, 64), 64, 64), 64, 64)
    solid = pixels[pixels[..., 3] > 200][:, :3]
    labs = np.array([to_lab(f"#{r:02X}{g:02X}{b:02X}") for r, g, b in solid[::7]])
    far = np.linalg.norm(labs - np.array(to_lab(on.fill)), axis=1) > 0.1
    assert far.mean() > 0.4


@pytest.mark.parametrize(
    ("name", "expected"),
    [("coral", "df8847437713f275"), ("rolled-up-newspaper", "ce0567fe7e716092"), ("ph:database", "19578e84d87c0166")],
)
def test_a_recoloured_object_is_the_same_to_the_byte(name, expected):
    palette = palette_named("tidewater")

    svg = icon_named(name).svg(palette, palette.ground("ink"), 420)

    assert hashlib.sha256(svg.encode()).hexdigest()[:16] == expected


def test_two_objects_in_one_picture_do_not_share_ids():
    palette = palette_named("tidewater")

    svg = icon_named("rolled-up-newspaper").svg(palette, palette.ground("ink"), 100)

    assert 'id="rolled-up-newspaper-' in svg
    assert "url(#rolled-up-newspaper-" in svg

"""Thumbnails: the kind follows the content, the words are few, and the corner for the duration stays free."""

import pytest

from reelqueue.art.headline import headline, is_counted, is_short, versus
from reelqueue.art.raster import rasterise
from reelqueue.art.style import choose_style
from reelqueue.art.thumbnail import DURATION_BOX, draw_thumbnail, kind_of
from reelqueue.models.scene import Figure, SceneSpec
from reelqueue.models.script import Metadata, Part, Script


def scene(title: str, language: str = "zh-TW", **more: object) -> SceneSpec:
    return SceneSpec.model_validate({"text": title, "language": language, "candidates": ("opening",), "title": title} | more)


def script(title: str, language: str) -> Script:
    part = Part(text=title, duration=3)
    return Script(
        intro=part,
        segments=(),
        outro=part,
        metadata=Metadata(title=title, description="", tags=()),
        total_duration=6,
        language=language,
    )


@pytest.mark.parametrize(
    ("scenes", "language", "kind"),
    [
        ([scene("咖啡還是茶")], "zh-TW", "split"),
        ([scene("Cat vs dog", "en")], "en", "split"),
        ([scene("珊瑚", figure=Figure(value="84", unit="%", start_char=0), subject=("珊瑚",))], "zh-TW", "number"),
        (
            [scene("一個很長的數字", figure=Figure(value="1,234,567", unit="元", start_char=0), subject=("珊瑚",))],
            "zh-TW",
            "object",
        ),
        ([scene("Corals recover", "en", subject=("coral",))], "en", "object"),
        ([scene("佇列怎麼選")], "zh-TW", "face"),
    ],
)
def test_the_kind_follows_the_content(scenes, language, kind) -> None:
    assert kind_of([s.title for s in scenes], scenes, language) == kind


@pytest.mark.parametrize(
    ("titles", "words"),
    [
        (["任務不再弄丟"], "任務不再弄丟"),
        (["宋代的船，怎麼走遍南海"], "怎麼走遍南海"),
        (["為什麼人總是記得開頭與結尾"], "記得開頭與結尾"),
        (["台北 101 的 660 公噸大鋼球：高樓為什麼不怕颱風"], "高樓不怕颱風"),
        (["不是每個人都應該早起運動"], "不是每個人都應該"),
        (["The 660-tonne ball inside Taipei 101: why a skyscraper survives typhoons"], "Skyscraper survives typhoons"),
        (["How coral reefs recover after bleaching"], "How coral reefs recover"),
        (["White is not dead"], "White is not dead"),
        ([], ""),
    ],
)
def test_the_words_are_few_and_whole(titles, words) -> None:
    assert headline(titles) == words
    assert not words or is_short(words)


def test_under_a_number_stands_what_it_counts_or_what_the_title_says_of_it() -> None:
    plastic = scene("一次性塑膠杯每年用掉近 40 億個", figure=Figure(value="40", unit="億個", start_char=0), subject=("杯子",))
    shops = scene("全台灣有超過 28,000 家飲料店", figure=Figure(value="28,000", unit="家", start_char=0), subject=("茶",))
    title = "為什麼台灣的手搖飲這麼強"

    assert kind_of([title, title], [plastic], "zh-TW") == "object"  # 40 億個 + 手搖飲 would be untrue
    assert kind_of([title, title], [plastic, shops], "zh-TW") == "number"
    assert headline(["台北 101 的 660 公噸大鋼球：高樓為什麼不怕颱風"], without="660") == "高樓不怕颱風"
    assert is_counted("of reefs hit")
    assert not any(map(is_counted, ("of the", "", "of all")))


def test_two_sides_are_found_only_where_something_is_set_against_something() -> None:
    assert versus(["List vs. Streams"]) == ("List", "Streams")
    assert versus(["For better or for worse, it is a long sentence about nothing"]) is None


@pytest.mark.parametrize(
    ("title", "language", "more"),
    [
        ("任務不再弄丟", "zh-TW", {"subject": ("郵件",)}),
        ("How coral reefs recover", "en", {"figure": Figure(value="84", unit="%", start_char=0), "subject": ("coral",)}),
        ("咖啡還是茶", "zh-TW", {}),
        ("Photosynthesis explained", "en", {}),
    ],
)
def test_a_thumbnail_is_drawn_and_leaves_the_durations_corner_free_of_words(title, language, more) -> None:
    style = choose_style(title, language, "seed")

    svg = draw_thumbnail(script(title, language), style, [scene(title, language, **more)])

    assert rasterise(svg, 1280, 720).shape == (720, 1280, 4)
    assert svg == draw_thumbnail(script(title, language), style, [scene(title, language, **more)])
    assert (DURATION_BOX.right, DURATION_BOX.bottom) == (1280, 720)

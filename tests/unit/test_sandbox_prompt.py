"""What the sandbox's Gemini reads out of a prompt, and the story that it makes of it."""

import pytest

from reelqueue.sandbox.gemini.pace import seconds_of
from reelqueue.sandbox.gemini.prompt import read_wish
from reelqueue.sandbox.gemini.story import write_story

LONG = "這是很長的一句話，用來確認文章的內容真的被讀到，而不是只有題目。第二句話在這裡，它也應該被唸出來。"


@pytest.mark.parametrize(
    ("prompt", "topic"),
    [
        ("Write a script.\nTopic: 燈塔的一生\nDuration: 60 s", "燈塔的一生"),
        ("主題：火車\n語言：繁體中文", "火車"),
        ("<topic>Bees</topic> please", "Bees"),
        ('{"topic": "Old maps", "language": "en"}', "Old maps"),
        ("Tell me about 「月亮」 now", "月亮"),
        ("Sea shells\nand more", "Sea shells"),
        (f"<content>\n# 標題在此\n\n{LONG}\n</content>", "標題在此"),
    ],
)
def test_the_topic_is_found(prompt: str, topic: str) -> None:
    assert read_wish(prompt).topic == topic


@pytest.mark.parametrize(
    ("prompt", "content"),
    [
        (f"Topic: x\n<content>\n{LONG}\n</content>\nGo on.", LONG),
        (f"Topic: x\nContent:\n{LONG}", LONG),
        (f"Topic: x\n```\n{LONG}\n```\n", LONG),
        ("Topic: x", None),
    ],
)
def test_the_content_is_found(prompt: str, content: str | None) -> None:
    assert read_wish(prompt).content == content


@pytest.mark.parametrize(
    ("prompt", "language"),
    [
        ("Topic: lighthouses\nLanguage: zh-TW", "zh"),
        ("Topic: 燈塔\nNarration language (BCP 47): en", "en"),
        ("Topic: lighthouses\nWrite in Traditional Chinese.", "zh"),
        ("Topic: 燈塔\n語言：英文", "en"),
        ("Topic: 燈塔", "zh"),
        ("Topic: lighthouses", "en"),
    ],
)
def test_the_language_is_found(prompt: str, language: str) -> None:
    assert read_wish(prompt).language == language


@pytest.mark.parametrize(
    ("prompt", "seconds"),
    [
        ("Topic: x\nDuration: 90 seconds. Each segment takes 5-20 seconds.", 90),
        ("Topic: x\n總長：180 秒", 180),
        ("Topic: x\nLength: 2.5 minutes", 150),
        ("A 45-second video.\nTopic: x", 45),
        ("Topic: x", 60),
        (f"<content>\n{LONG}\n</content>", None),
    ],
)
def test_the_length_is_found(prompt: str, seconds: float | None) -> None:
    assert read_wish(prompt).seconds == seconds


def test_a_length_in_the_content_is_not_the_video_s() -> None:
    assert read_wish(f"<content>\n{LONG}這支影片的長度：300 秒。\n</content>").seconds is None


@pytest.mark.parametrize("seconds", [20, 60, 180, 600, 1800])
@pytest.mark.parametrize("language", ["zh-TW", "en"])
def test_a_topic_fills_its_time(language: str, seconds: int) -> None:
    story = write_story(read_wish(f"Topic: 燈塔\nLanguage: {language}\nDuration: {seconds} seconds"))

    texts = [story["intro"]["text"], *(segment["text"] for segment in story["segments"]), story["outro"]["text"]]
    assert sum(map(seconds_of, texts)) == pytest.approx(seconds, rel=0.25)
    assert all(5 <= seconds_of(text) <= 20 for text in texts[1:-1])


def test_a_long_content_is_cut_to_its_time_in_whole_sentences() -> None:
    content = "".join(f"第{number}句話說的是一件不大不小的事情。" for number in range(60))

    story = write_story(read_wish(f"Language: zh-TW\nDuration: 60 seconds\n<content>\n{content}\n</content>"))

    told = "".join(segment["text"] for segment in story["segments"])
    assert seconds_of(told) < 60
    assert all(f"{sentence}。" in content for sentence in told.split("。")[:-1])
    assert told.startswith("第0句話")


def test_markdown_is_told_without_its_marks() -> None:
    content = "# 題目\n\n第一段的文字\n繞到下一行，**很重要**。\n\n- 第一點\n- 第二點\n\n```\nmake all\n```\n\n| a | b |\n\n請看[這裡](https://example.com)。"

    story = write_story(read_wish(f"Language: zh-TW\n<content>\n{content}\n</content>"))

    told = "".join(segment["text"] for segment in story["segments"])
    assert told == "第一段的文字繞到下一行，很重要。第一點。第二點。請看這裡。"


def test_a_heading_is_told_apart_once_and_not_spoken() -> None:
    content = "# 海\n\n海水每天漲落兩次，漁人都記得時間。\n\n## 山\n\n" + "山上的雲會在午後聚集起來，慢慢變成一場雨。" * 4

    story = write_story(read_wish(f"Language: zh-TW\n<content>\n{content}\n</content>"))

    assert [segment["heading"] for segment in story["segments"]] == ["海", "山", None]
    assert not any(segment["text"].startswith(("海。", "山。")) for segment in story["segments"])


def test_a_content_of_headings_alone_is_a_topic() -> None:
    story = write_story(
        read_wish("Language: en\nDuration: 30 seconds\n<content>\n# Only a heading\n\n## And another one\n\n</content>")
    )

    assert story["segments"]

"""Which videos look alike: near-duplicates are found, series and strangers are not."""

from datetime import UTC, datetime

import pytest

from jobs.likes import alike, sketch_of
from reelqueue.models.likeness import Likeness

TIDES = (
    "Twice a day the sea rises and falls. The moon pulls at the water that is nearest to it, and the earth turns under that bulge. "
    "In a narrow bay the water piles up, so there the tide is high. Fishermen have read it from tables for two hundred years. "
    "A harbour that falls dry twice a day is a harbour that one has to know. At new moon the sun pulls along, and the spring tide comes."
)
BREAD = (
    "Yeast eats sugar and breathes out gas. The dough holds the gas, because kneading has made it elastic. Heat makes bubbles grow, "
    "until the crust sets around them. What you hear when a loaf cools is that crust, cracking. A baker waits for that sound. "
    "Sourdough lives on wild yeast instead, which is slower, and it tastes of the room that it lived in."
)
IN_CHINESE = "每天兩次，海水會上升再退下。月亮拉著離它最近的海水，地球就在那團鼓起的水下轉動。狹窄的海灣裡水會堆高，所以那裡的潮差特別大。漁民看潮汐表已經兩百年了。"


def video(number, title="Tides", *texts, pictures=()):
    return Likeness(
        project_id=number,
        title=title,
        script=sketch_of(texts),
        pictures=pictures,
        content="c",
        at=datetime(2026, 11, 29, tzinfo=UTC),
    )


def found(mine, *others):
    return [one.video.project_id for one in alike(mine, others)]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param("Why bread rises", "Why BREAD rises!", id="case and signs"),
        pytest.param("Ｗｈｙ bread rises", "Why bread rises", id="full-width letters"),
        pytest.param("為什麼海水會漲潮又退潮", "為什麼海水會漲潮、又退潮？", id="Chinese signs"),
        pytest.param("Ten questions about the deep sea answered", "Ten questions about the deep sea, answerd", id="a typo"),
    ],
)
def test_titles_that_are_nearly_the_same_are_alike(one, other):
    assert found(video(1, one), video(2, other)) == [2]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param("Episode 12: the sea", "Episode 13: the sea", id="a series that counts"),
        pytest.param("歷史上的今天 第三集", "歷史上的今天 第四集", id="a series that counts in Chinese"),
        pytest.param("Five facts about bread", "Five facts about tides", id="another subject"),
        pytest.param("Why bread rises", "How tides work", id="nothing in common"),
    ],
)
def test_titles_of_other_videos_are_not(one, other):
    assert found(video(1, one), video(2, other)) == []


def test_a_script_with_a_few_other_words_is_alike_whatever_its_title():
    retold = TIDES.replace("Fishermen", "Sailors").replace("two hundred", "three hundred").replace("narrow", "small")

    (one,) = alike(video(1, "A", TIDES), [video(2, "B", retold), video(3, "C", BREAD)])

    assert one.video.project_id == 2
    assert 0.35 <= one.script < 1
    assert one.title == one.pictures == 0


def test_a_chinese_script_is_known_again_character_by_character():
    assert found(video(1, "甲", IN_CHINESE), video(2, "乙", IN_CHINESE.replace("漁民", "船員")), video(3, "丙", BREAD)) == [2]


def test_scripts_of_one_subject_in_other_words_are_not_alike():
    other = (
        "The moon draws the ocean towards it, and that swelling follows the moon around the globe; we call its passing the tide."
    )

    assert found(video(1, "A", TIDES), video(2, "B", other)) == []


def test_half_of_the_pictures_have_to_be_another_videos():
    mine = video(1, "A", pictures=("00ff00ff00ff00ff", "123456789abcdef0", "f0f0f0f0f0f0f0f0", "0f0f00ff33cc55aa"))
    half = video(2, "B", pictures=("00ff00ff00ff00fe", "aaaaaaaaaaaaaaaa", "123456789abcdef3"))
    one = video(3, "C", pictures=("00ff00ff00ff00ff", "5555555555555555"))

    assert found(mine, half, one) == [2]


def test_no_script_and_no_picture_is_like_none():
    assert found(video(1, "A"), video(2, "B")) == []
    assert found(video(1, "A")) == []


def test_the_likest_three_are_told():
    others = [video(number, "Another", TIDES) for number in range(2, 9)]

    assert found(video(1, "One", TIDES), *others) == [2, 3, 4]


def test_a_video_is_not_like_itself_nor_like_one_that_was_sketched_otherwise():
    mine = video(1, "One", TIDES)

    assert found(mine, mine, video(2, "One", TIDES).replace(version=0)) == []


def test_a_sketch_is_the_same_for_ever():
    """Sketches are kept: one that comes out otherwise needs another `LIKENESS_VERSION`."""
    assert sketch_of([TIDES])[:32] == "755027026d8be301f5159600feeba703"

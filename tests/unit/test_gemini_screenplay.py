"""What Gemini answers becomes a script: whatever is wrong with it is mended, or named."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reelqueue.errors import ServiceUnavailable
from reelqueue.providers.gemini.screenplay import script_of
from reelqueue.providers.protocols import ScriptRequest

S = "潮水退去以後，沙灘上留下一排細小的洞，那是招潮蟹的家門口。"  # about 5 s
SHORT = "真的嗎？"
EN = "When the tide goes out, the sand is full of tiny holes, and behind each of them somebody waits. "


def answer(*texts, **changes):
    segments = [{"text": text, "image_description": f"picture {place}", "heading": None} for place, text in enumerate(texts)]
    whole = {
        "intro": {"text": "你看過會走路的洞嗎？"},
        "segments": segments,
        "outro": {"text": "退潮的時候，記得低頭看看。"},
        "metadata": {"title": "招潮蟹", "description": "潮間帶的一天。", "tags": ["招潮蟹", "潮間帶"]},
    }
    return json.dumps(whole | changes, ensure_ascii=False)


def asked(language="zh-TW", content=None, tags=()):
    return ScriptRequest(topic="招潮蟹", content=content, language=language, duration_s=None, tags=tags)


def told(text, request=None, target_s=None):
    return script_of(text, request or asked(), target_s)


def test_index_durations_and_sum_are_ours_whatever_the_answer_says():
    segments = [{"index": 7, "text": S * 2, "duration": 999, "image_description": "crabs"} for _ in range(3)]

    script = told(answer(segments=segments, total_duration=-1)).script

    assert [segment.index for segment in script.segments] == [0, 1, 2]
    assert all(5 <= segment.duration <= 20 for segment in script.segments)
    assert script.total_duration == pytest.approx(
        script.intro.duration + sum(segment.duration for segment in script.segments) + script.outro.duration, abs=0.05
    )


def test_a_long_segment_is_cut_at_the_ends_of_its_sentences():
    script = told(answer(S * 7)).script

    assert len(script.segments) > 1
    assert all(5 <= segment.duration <= 20 for segment in script.segments)
    assert all(segment.text.endswith("。") for segment in script.segments)
    assert "".join(segment.text for segment in script.segments) == S * 7


def test_the_parts_of_a_long_segment_have_pictures_that_differ():
    script = told(answer(S * 7)).script

    assert script.segments[0].image_description == "picture 0"
    assert script.segments[1].image_description.startswith("picture 0; ")


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_short_segment_is_told_with_a_neighbour(place):
    texts = [S * 2, S * 2]
    texts.insert(place, SHORT)

    script = told(answer(*texts)).script

    assert len(script.segments) == 2
    assert SHORT in "".join(segment.text for segment in script.segments)
    assert all(5 <= segment.duration <= 20 for segment in script.segments)
    assert "picture" in script.segments[0].image_description


def test_a_short_segment_between_full_ones_finds_room():
    script = told(answer(S * 3 + "那時候風很大。", SHORT, S * 3 + "那時候風很大。")).script

    assert all(5 <= segment.duration <= 20 for segment in script.segments)


def test_many_short_segments_become_a_few():
    script = told(answer(*["浪很大，風也很大。"] * 12)).script

    assert 1 < len(script.segments) < 12
    assert all(5 <= segment.duration <= 20 for segment in script.segments)


def test_segments_in_the_right_length_stay_as_the_writer_cut_them():
    texts = [S * 2, S * 3, S * 2]

    assert [segment.text for segment in told(answer(*texts)).script.segments] == texts


WAVES = "浪打在石頭上又退回海裡" * 6
SENTENCE = st.integers(3, 62).map(lambda size: WAVES[:size] + "。")
SEGMENTS = st.lists(st.lists(SENTENCE, min_size=1, max_size=8).map("".join), min_size=1, max_size=12)


@settings(max_examples=150, deadline=None)
@given(SEGMENTS)
def test_whatever_the_cut_nothing_is_lost_and_no_segment_is_long(texts):
    script = told(answer(*texts)).script

    assert "".join(segment.text for segment in script.segments) == "".join(texts)
    assert all(segment.duration <= 20 for segment in script.segments)
    assert len(script.segments) == 1 or all(segment.duration >= 5 for segment in script.segments)


def test_all_too_short_is_told_with_a_warning():
    made = told(answer(SHORT))

    assert len(made.script.segments) == 1
    assert "5 s" in made.warnings[0].en


def test_markdown_and_lines_that_a_model_leaves_are_not_spoken():
    script = told(answer(f"**{S}**\n\n{S} `x`[連結](https://a.invalid/b)"), asked()).script

    text = script.segments[0].text
    assert "*" not in text and "`" not in text and "http" not in text and "\n" not in text


def test_a_segment_without_a_word_is_left_out():
    assert len(told(answer(S * 2, "……", "🎵")).script.segments) == 1


def test_an_answer_in_simplified_characters_is_converted_and_says_so():
    simplified = "潮水退去以后，沙滩上留下一排细小的洞，那是招潮蟹的家门口。这里的软件和视频都不会说话。"

    made = told(answer(simplified * 2, intro={"text": "你见过会走路的洞吗？"}))

    assert "沙灘" in made.script.segments[0].text
    assert "軟體" in made.script.segments[0].text
    assert "見過" in made.script.intro.text
    assert "Simplified" in made.warnings[0].en


def test_traditional_characters_that_both_share_are_left_alone():
    text = "台灣的里長在後台吃麵，皇后鎮的干貝只有一隻。"

    assert text in told(answer(text * 2)).script.segments[0].text


@pytest.mark.parametrize(
    ("language", "texts"),
    [pytest.param("zh-TW", [EN * 3], id="English for Chinese"), pytest.param("en", [S * 3], id="Chinese for English")],
)
def test_another_language_is_no_script(language, texts):
    words = "The tide goes out and comes back." if language == "zh-TW" else "潮水退去又回來。"

    with pytest.raises(ServiceUnavailable, match="語言"):
        told(answer(*texts, intro={"text": words}, outro={"text": words}), asked(language))


@pytest.mark.parametrize(
    ("text", "place"),
    [
        pytest.param("", "json_invalid", id="nothing"),
        pytest.param("Sorry, I can't.", "json_invalid", id="prose"),
        pytest.param(answer(S)[:-20], "json_invalid", id="cut JSON"),
        pytest.param("[]", "model_type", id="a list"),
        pytest.param("{}", "intro", id="an empty object"),
        pytest.param(answer(), "segments", id="no segment"),
        pytest.param(answer(S, outro=None), "outro", id="no outro"),
        pytest.param(answer(S, segments=[{"words": S}]), "segments.0.text", id="another name"),
        pytest.param(answer(S, metadata={"title": " "}), "metadata.title", id="no title"),
    ],
)
def test_what_is_no_script_is_named_and_may_be_asked_for_again(text, place):
    with pytest.raises(ServiceUnavailable) as raised:
        told(text)

    assert place in raised.value.text.en


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"intro": {"text": "……"}}, id="the intro"),
        pytest.param({"outro": {"text": " "}}, id="the outro"),
        pytest.param({"segments": [{"text": "🎬"}]}, id="all segments"),
    ],
)
def test_a_part_with_nothing_to_speak_is_no_script(changes):
    with pytest.raises(ServiceUnavailable, match="沒有可以唸的文字"):
        told(answer(S, **changes))


def test_json_in_a_fence_is_read():
    assert told(f"```json\n{answer(S)}\n```").script.segments


def test_what_is_not_needed_may_be_missing():
    made = told(answer(segments=[{"text": S * 2}], metadata={"title": "招潮蟹", "tags": None, "description": ""}))

    assert made.script.segments[0].image_description
    assert made.script.metadata.tags == ()


def test_tags_may_come_as_one_text():
    metadata = {"title": "招潮蟹", "tags": "#招潮蟹, 潮間帶，濕地", "description": ""}

    assert told(answer(S, metadata=metadata)).script.metadata.tags == ("招潮蟹", "潮間帶", "濕地")


def test_the_metadata_keeps_to_youtubes_rules():
    metadata = {"title": "<script>" + "很長" * 90, "description": "<b>" + "說" * 4_000, "tags": ["標" * 60, "a,b", "好"]}

    kept = told(answer(S, metadata=metadata), asked(tags=("自己的",))).script.metadata

    assert len(kept.title) <= 100 and "<" not in kept.title
    assert len(kept.description.encode()) <= 5_000 and "<" not in kept.description
    assert kept.tags == ("自己的", "a b", "好")


def test_the_links_of_the_content_go_with_the_description():
    content = "詳見[潮汐表](https://tides.invalid/today)，" + S

    assert "https://tides.invalid/today" in told(answer(S), asked(content=content)).script.metadata.description


def test_a_script_of_more_than_half_an_hour_is_none():
    with pytest.raises(ServiceUnavailable, match="1,800"):
        told(answer(*[S * 3] * 130))


def test_a_length_that_was_missed_is_told():
    made = told(answer(S * 2, S * 2), target_s=120)

    assert "120" in made.warnings[0].en


def test_a_heading_of_the_content_is_shown_where_it_begins():
    segments = [
        {"text": S * 2, "image_description": "a", "heading": "家門口"},
        {"text": S * 2, "image_description": "b", "heading": "家門口"},
        {"text": S * 2, "image_description": "c", "heading": None},
    ]

    assert [segment.heading for segment in told(answer(segments=segments)).script.segments] == ["家門口", None, None]

"""What people type is named, field by field, when it is wrong."""

import functools

import pytest

from reelqueue.errors import InvalidBrief
from reelqueue.models.brief import ALLOWED, Brief, parse_brief


@pytest.mark.parametrize(
    ("brief", "field"),
    [
        pytest.param({}, "topic", id="nothing at all"),
        pytest.param({"content": "短"}, "content", id="content alone needs 500 characters"),
        pytest.param({"content": "字" * 10_001, "topic": "x"}, "content", id="content too long"),
        pytest.param({"topic": ""}, "topic", id="empty topic"),
        pytest.param({"topic": "t" * 201}, "topic", id="topic too long"),
        pytest.param({"topic": "x\x00y"}, "topic", id="control characters"),
        pytest.param({"topic": 5}, "topic", id="a number for a text"),
        pytest.param({"topic": functools.reduce(lambda inner, _: [inner], range(600), "x")}, "topic", id="deeper than any field"),
        pytest.param({"topic": "x", "colour": "red"}, "colour", id="unknown field"),
        pytest.param({"topic": "x", "language": "fr"}, "language", id="a language without a voice"),
        pytest.param({"topic": "x", "duration_s": 14}, "duration_s", id="too short"),
        pytest.param({"topic": "x", "duration_s": 1801}, "duration_s", id="too long"),
        pytest.param({"topic": "x", "duration_s": "60"}, "duration_s", id="a text for a number"),
        pytest.param({"topic": "x", "fps": 23}, "fps", id="fps"),
        pytest.param({"topic": "x", "aspect": "4:3"}, "aspect", id="aspect"),
        pytest.param({"topic": "x", "privacy": "secret"}, "privacy", id="privacy"),
        pytest.param({"topic": "x", "presenter": "yes"}, "presenter", id="presenter"),
        pytest.param({"topic": "x", "review": ["upload"]}, "review", id="review"),
        pytest.param({"topic": "x", "providers": {"script": "acme"}}, "providers", id="unknown provider"),
        pytest.param({"topic": "x", "tags": ["a,b"]}, "tags", id="a comma in a tag"),
        pytest.param({"topic": "x", "priority": 101}, "priority", id="a priority beyond the greatest"),
        pytest.param({"topic": "x", "publish_at": "2030-01-01T00:00:00"}, "publish_at", id="a time without its zone"),
        pytest.param({"topic": "x", "deadline": "9999-12-31T23:59:59-12:00"}, "deadline", id="a time that is no date elsewhere"),
        pytest.param({"topic": "x", "localizations": {"en": {"title": "a<b"}}}, "localizations", id="a title YouTube refuses"),
        pytest.param({"topic": "x", "channel": "no/such"}, "channel", id="a name that is no channel's"),
        pytest.param({"topic": "x", "deadline": "tomorrow"}, "deadline", id="another one"),
        pytest.param(["topic"], "brief", id="no mapping"),
    ],
)
def test_a_wrong_field_is_refused_by_its_name(brief, field):
    with pytest.raises(InvalidBrief) as caught:
        parse_brief(brief)

    assert caught.value.field == field
    assert field in caught.value.message
    assert caught.value.hint


def test_every_field_says_what_is_allowed():
    assert set(Brief.model_fields) == set(ALLOWED)


def test_a_brief_keeps_quotes_newlines_and_full_width_text():
    content = "「你好」\r\n第二行 'quoted' <b>\ufeff結束" + "字" * 500

    brief = parse_brief({"content": content})

    assert brief.content == content.replace("\r\n", "\n")


def test_reviews_are_kept_in_the_order_of_the_stages():
    assert parse_brief({"topic": "x", "review": ["final", "script", "final"]}).review == ("script", "final")


def test_who_gives_too_short_a_content_hears_that_a_topic_is_enough():
    with pytest.raises(InvalidBrief) as caught:
        parse_brief({"content": "很短。"})

    assert ("reelqueue make 主題 --from" in caught.value.hint_text.zh, "TOPIC" in caught.value.hint_text.en) == (True, True)


def test_what_is_allowed_is_set_off_from_the_chinese_before_it():
    with pytest.raises(InvalidBrief) as latin:
        parse_brief({"topic": "x", "fps": 1})
    with pytest.raises(InvalidBrief) as chinese:
        parse_brief({"topic": "x", "voice": ""})

    assert "允許的是 24 到 60" in latin.value.text.zh
    assert "允許的是語音名稱" in chinese.value.text.zh


def test_a_topic_with_a_short_content_is_enough():
    assert parse_brief({"topic": "標題", "content": "很短。"}).content == "很短。"


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"lexicon": {f"詞彙{n}" * 5: "讀法" * 10 for n in range(500)}}, id="lexicon"),
        pytest.param({"images": [f"/home/someone/pictures/{n}" * 5 for n in range(500)]}, id="images"),
    ],
)
def test_lists_that_would_make_the_state_too_large_are_refused_by_name(fields):
    with pytest.raises(InvalidBrief) as refused:
        parse_brief({"content": "字" * 10_000, **fields})
    assert refused.value.field in fields


def test_the_longest_content_with_a_lexicon_fits():
    assert parse_brief({"content": "字" * 10_000, "lexicon": {f"詞{n}": "讀法" for n in range(300)}})

"""What a person is told and asked before a video is paid for and published."""

import contextlib
from decimal import Decimal

import pytest
from PIL import Image
from pydantic import SecretStr

from jobs.estimate import Estimate, Item, Range
from reelqueue.ahead.batch_offer import batch_offer_of
from reelqueue.ahead.offer import Offer, Room, in_words, who_makes_what
from reelqueue.models.brief import Brief
from reelqueue.models.channel import Channel
from reelqueue.providers.registry import open_shelf
from storage import Paths

LOCAL = dict.fromkeys(("script", "image", "voice", "presenter", "publisher"), "local")
PICTURES = Item("gemini", "image", (8, 29), Range(Decimal("0.401"), Decimal("1.5")))
NO_CAPS = Room(None, None, None)


def offer(
    *items: Item, channel: str | None = None, room: Room = NO_CAPS, privacy: str = "private", at: str | None = None
) -> Offer:
    return Offer(LOCAL, Estimate(items), Channel(name=channel) if channel is not None else None, privacy, at, room)


def told(one: Offer, language: str) -> str:
    return "\n".join(line.in_language(language) for line in in_words(one))


@pytest.mark.parametrize(
    ("one", "terms"),
    [
        pytest.param(offer(), (), id="all local"),
        pytest.param(offer(PICTURES), ("pay gemini",), id="a service"),
        pytest.param(offer(PICTURES, PICTURES), ("pay gemini",), id="a service for two things"),
        pytest.param(offer(channel="news"), ("publish news private",), id="a channel"),
        pytest.param(offer(channel="news", privacy="unlisted"), ("publish news unlisted",), id="for who has the address"),
        pytest.param(offer(channel="news", at="2030-01-01T00:00:00+00:00"), ("publish news public",), id="later for all"),
    ],
)
def test_what_is_agreed_to_is_a_service_and_a_channel_for_those_who_may_see_it(one, terms):
    assert one.terms == terms


def test_a_range_is_rounded_up_and_told_with_what_the_caps_leave():
    one = offer(PICTURES, room=Room(Decimal("4.2"), Decimal(3), Decimal(2)))

    assert told(one, "en").splitlines() == [
        "  gemini, pictures: 8-29 calls, 0.41-1.50",
        "estimated in all: 0.41-1.50 US dollars",
        "the caps leave: today 4.20, of the channel today 3.00, of each video 2.00",
    ]
    assert "8-29 次，0.41-1.50" in told(one, "zh-TW")


@pytest.mark.parametrize("room", [Room(Decimal("1.49"), None, None), Room(None, Decimal(1), None), Room(None, None, Decimal(0))])
def test_a_cap_that_may_be_reached_is_named(room):
    assert "PROJECT_COST_CAP_USD" in told(offer(PICTURES, room=room), "zh-TW")


def test_no_cap_is_said():
    assert "there is no cost cap" in told(offer(PICTURES), "en")


@pytest.mark.parametrize(
    ("language", "words"), [("en", "channel news: unlisted"), ("zh-TW", "頻道 news：非公開（知道網址的人才看得到）")]
)
def test_where_it_is_published_is_said_though_nothing_is_paid(language, words):
    assert words in told(offer(channel="news", privacy="unlisted"), language)


def test_what_auto_became_is_one_line():
    assert who_makes_what(LOCAL).en == "all is made on this machine: no key needed, nothing to pay"
    assert (
        who_makes_what(LOCAL | {"image": "gemini"}).zh
        == "由誰製作：腳本 local、圖片 gemini、語音 local、主持人 local、發布 local"
    )


async def test_a_batch_pays_for_pictures_although_its_first_row_brings_its_own(settings, tmp_path):
    picture = tmp_path / "sea.png"
    Image.new("RGB", (640, 360)).save(picture)
    own = Brief(topic="Tides", language="en", duration_s=15, images=(str(picture),) * 20)
    settings = settings.model_copy(
        update={"script_provider": "local", "voice_provider": "local", "gemini_api_key": SecretStr("x")}
    )

    async with contextlib.aclosing(open_shelf(settings, Paths(settings.data_dir))) as shelf:
        alone = await batch_offer_of([own], settings, shelf, calendar=None, forecast=None)
        both = await batch_offer_of([own, own.replace(images=())], settings, shelf, calendar=None, forecast=None)

    assert (alone.services, both.services) == ((), ("gemini",))

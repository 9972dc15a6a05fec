"""What services charge: the table by day, and the operator's own prices before ours."""

from datetime import date
from decimal import Decimal

import pytest

from reelqueue.errors import InvalidSettings
from reelqueue.models.prices import Price, PriceTable
from reelqueue.providers.prices import read_prices
from reelqueue.settings import Settings

NOVEMBER, NEW_YEAR = date(2026, 11, 29), date(2027, 1, 1)


def price(model="fast", usd="2", since="2026-01-01", until=None, unit="tokens"):
    return Price(
        service="cloud", model=model, unit=unit, usd=Decimal(usd), per=1_000_000, since=since, until=until, source="a test"
    )


@pytest.mark.parametrize(
    ("model", "unit", "on", "usd"),
    [
        pytest.param("gemini-3.8-flash", "input_tokens", NOVEMBER, "0.75", id="text in, launch price"),
        pytest.param("gemini-3.8-flash", "output_tokens", NOVEMBER, "3.75", id="text out, launch price"),
        pytest.param("gemini-3.8-flash", "output_tokens", date(2026, 12, 31), "3.75", id="its last day"),
        pytest.param("gemini-3.8-flash", "output_tokens", NEW_YEAR, "7.50", id="doubled with the new year"),
        pytest.param("gemini-3.8-flash-tts", "audio_tokens", NOVEMBER, "9", id="voice, launch price"),
        pytest.param("gemini-3.8-flash-tts", "audio_tokens", NEW_YEAR, "18", id="voice, doubled"),
        pytest.param("gemini-3.8-flash-lite-tts", "audio_tokens", NOVEMBER, "6", id="the lighter voice"),
        pytest.param("gemini-3.1-flash-image", "image_tokens", NOVEMBER, "60", id="pictures"),
    ],
)
def test_our_table_has_a_million_tokens_at_the_days_price(model, unit, on, usd):
    table = read_prices(None)

    assert table.usd("gemini", model, unit, 1_000_000, on) == Decimal(usd)
    assert table.knows("gemini", model, unit, on)


@pytest.mark.parametrize("name", ["gemini_text_model", "gemini_image_model", "gemini_tts_model"])
def test_the_models_that_are_used_unless_told_otherwise_have_a_price(name):
    model = Settings.model_fields[name].default

    assert read_prices(None).knows("gemini", model, "input_tokens", NOVEMBER)


def test_every_price_of_ours_says_where_it_was_read():
    assert [price for price in read_prices(None).prices if not price.source] == []


def test_a_price_that_nobody_published_is_marked_as_assumed():
    assumed = {price.service for price in read_prices(None).prices if price.assumed}

    assert assumed == {"did"}


def test_a_model_that_is_not_in_the_table_costs_what_the_dearest_does():
    table = PriceTable(prices=(price("fast", "2"), price("slow", "5"), price("other", "9", unit="pictures")))

    assert table.usd("cloud", "new", "tokens", 500_000, NOVEMBER) == Decimal("2.5")
    assert not table.knows("cloud", "new", "tokens", NOVEMBER)


def test_a_model_whose_price_has_run_out_costs_what_the_dearest_does():
    table = PriceTable(prices=(price("fast", "2", until="2026-06-30"), price("slow", "5")))

    assert table.usd("cloud", "fast", "tokens", 1_000_000, NOVEMBER) == Decimal(5)


def test_where_all_prices_have_run_out_the_dearest_stays():
    table = PriceTable(prices=(price("fast", "2", until="2026-06-30"),))

    assert table.usd("cloud", "fast", "tokens", 1_000_000, NOVEMBER) == Decimal(2)


def test_a_unit_that_is_not_in_the_table_is_not_known():
    table = PriceTable(prices=(price(),))

    assert table.usd("cloud", "fast", "pictures", 3, NOVEMBER) == 0
    assert not table.knows("cloud", "fast", "pictures", NOVEMBER)


def test_the_operators_prices_stand_before_ours(tmp_path):
    own = tmp_path / "prices.json"
    own.write_text(
        '{"prices": [{"service": "did", "model": "talks", "unit": "second", "usd": 0.021, "per": 1, "since": "2026-01-01"}]}'
    )

    table = read_prices(own)

    assert table.usd("did", "talks", "second", 10, NOVEMBER) == Decimal("0.21")
    assert table.usd("gemini", "gemini-3.8-flash", "input_tokens", 1_000_000, NOVEMBER) == Decimal("0.75")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("{", "prices.json", id="no JSON"),
        pytest.param('{"prices": [{"service": "did"}]}', "prices.0.model", id="a field is missing"),
        pytest.param(
            '{"prices": [{"service": "did", "model": "talks", "unit": "second", "usd": -1, "per": 1, "since": "2026-01-01"}]}',
            "prices.0.usd",
            id="below zero",
        ),
        pytest.param('{"prizes": []}', "prizes", id="an unknown field"),
    ],
)
def test_a_wrong_table_is_named(tmp_path, text, said):
    own = tmp_path / "prices.json"
    own.write_text(text)

    with pytest.raises(InvalidSettings) as raised:
        read_prices(own)

    assert raised.value.name == "PRICES_FILE"
    assert said in raised.value.text.en


def test_a_table_that_is_not_there_is_named(tmp_path):
    with pytest.raises(InvalidSettings, match="PRICES_FILE"):
        read_prices(tmp_path / "none.json")

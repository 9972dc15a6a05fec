"""Channels by name, and who makes what: from a file and settings to one provider of each kind."""

from decimal import Decimal
from pathlib import Path

import pytest

from reelqueue.errors import InvalidBrief, InvalidSettings
from reelqueue.models.brief import Brief
from reelqueue.models.channel import Channel, filled
from reelqueue.providers.channels import channel_named, read_channels
from reelqueue.providers.registry import open_shelf
from reelqueue.settings import Settings
from storage import Paths

TWO = """
[news]
token_file = "news.token.json"
voice = "xiaoxiao"
logo = "art/news.png"
playlist = "PL0123456789abcdef"
category_id = 25
daily_cost_cap_usd = 2.5
daily_uploads = 10

[tides]
token_file = "/elsewhere/tides.token.json"
"""


@pytest.fixture
def channels_file(tmp_path):
    path = tmp_path / "channels.toml"
    path.write_text(TWO, encoding="utf-8")
    return path


def shelf(tmp_path, **settings):
    found = Settings(_env_file=None, data_dir=tmp_path / "data", **settings)
    return open_shelf(found, Paths(found.data_dir))


def test_a_channel_is_a_table_whose_paths_are_relative_to_the_file(channels_file, tmp_path):
    news, tides = read_channels(channels_file).values()

    assert (news.name, news.token_file, news.logo) == (
        "news",
        str(tmp_path / "news.token.json"),
        str(tmp_path / "art" / "news.png"),
    )
    assert (news.daily_cost_cap_usd, news.daily_uploads) == (Decimal("2.5"), 10)
    assert (tides.token_file, tides.voice) == ("/elsewhere/tides.token.json", None)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        pytest.param("[news", "channels.toml", id="no TOML"),
        pytest.param('news = "x"', "news", id="no table"),
        pytest.param("[news]\nvoice = 'x'", "token_file", id="no token"),
        pytest.param("[news]\ntoken_file = 'x'\ncolour = 'red'", "colour", id="an unknown field"),
        pytest.param("[news]\ntoken_file = 'x'\ndaily_uploads = 'many'", "daily_uploads", id="a wrong number"),
        pytest.param("['no/such']\ntoken_file = 'x'", "no/such", id="a name that is none"),
    ],
)
def test_a_wrong_file_is_refused_by_what_is_wrong_in_it(tmp_path, text, named):
    path = tmp_path / "channels.toml"
    path.write_text(text, encoding="utf-8")

    with pytest.raises(InvalidSettings) as refused:
        read_channels(path)

    assert "CHANNELS_FILE" in refused.value.message
    assert named in refused.value.message


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(InvalidSettings, match="CHANNELS_FILE"):
        read_channels(tmp_path / "none.toml")


def test_a_brief_without_a_channel_means_the_default_one_or_the_only_one(channels_file):
    channels = read_channels(channels_file)
    default = Channel(name="default")

    assert channel_named(None, channels, default=default) is default
    assert channel_named(None, {"news": channels["news"]}, default=None) is channels["news"]
    assert channel_named("tides", channels, default=None) is channels["tides"]
    with pytest.raises(InvalidBrief, match="channel"):
        channel_named(None, channels, default=None)
    with pytest.raises(InvalidBrief, match="nobody"):
        channel_named("nobody", channels, default=default)


def test_a_briefs_own_wishes_win_over_its_channels(channels_file):
    news = read_channels(channels_file)["news"]

    brief = filled(Brief(topic="Tides", playlist="PLmine"), news)

    assert (brief.voice, brief.playlist, brief.category_id) == ("xiaoxiao", "PLmine", 25)


def test_auto_is_the_clouds_where_its_key_is_set_and_a_brief_may_choose_otherwise(tmp_path):
    ours = shelf(tmp_path, gemini_api_key="k")

    made = ours.chosen(Brief(topic="Tides", providers={"voice": "local"}))

    assert [made.script.name, made.image.name, made.voice.name, made.presenter.name, made.publisher.name] == [
        "gemini", "gemini", "local", "local", "local",
    ]  # fmt: skip


def test_a_provider_without_its_key_is_refused_by_the_setting_that_is_missing(tmp_path):
    with pytest.raises(InvalidBrief, match="DID_API_KEY"):
        shelf(tmp_path).chosen(Brief(topic="Tides", providers={"presenter": "did"}))


def test_several_channels_trouble_nobody_who_publishes_here(channels_file, tmp_path):
    """Seen: two channels in the file and none the default, and every brief of PUBLISHER=local was refused."""
    ours = shelf(tmp_path, channels_file=Path(channels_file), publisher="local")

    assert ours.chosen(Brief(topic="Tides")).publisher.name == "local"
    assert ours.filled(Brief(topic="Tides")).voice is None

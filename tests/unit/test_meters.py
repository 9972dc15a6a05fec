"""Which buckets of quota there are, by the settings."""

import json

import pytest

from reelqueue.bootstrap import read_watched
from reelqueue.models.buckets import youtube_client
from reelqueue.settings import Settings

ONE, OTHER = "100000000001-a.apps.googleusercontent.com", "200000000002-b.apps.googleusercontent.com"
DEFAULT = {"youtube_client_id": ONE, "youtube_client_secret": "GOCSPX-x", "youtube_refresh_token": "1//x"}


def settings(**given):
    return Settings(_env_file=None, **given)


@pytest.fixture
def channels(tmp_path):
    """A file of two channels of one client, and one of another's."""

    def token(name, client_id):
        path = tmp_path / f"{name}.json"
        path.write_text(json.dumps({"client_id": client_id, "client_secret": "GOCSPX-x", "refresh_token": "1//x"}))
        path.chmod(0o600)

    for name, client_id in (("news", ONE), ("kids", ONE), ("music", OTHER)):
        token(name, client_id)
    tables = "\n".join(f'[{name}]\ntoken_file = "{name}.json"\n' for name in ("news", "kids", "music"))
    (tmp_path / "channels.toml").write_text(tables + "daily_uploads = 3\n")
    return tmp_path / "channels.toml"


def names(found):
    return [(meter.service, meter.client, meter.name) for meter in found.meters]


def test_without_a_key_nothing_runs_out():
    found = read_watched(settings())

    assert found.meters == ()
    assert set(found.chosen.values()) == {"local"}


def test_the_default_channel_has_its_clients_two_buckets_and_its_own_door():
    found = read_watched(settings(**DEFAULT, youtube_daily_uploads=50))

    client = youtube_client(ONE)
    assert names(found) == [
        ("youtube", client, "uploads"),
        ("youtube", client, "units"),
        ("youtube", "channel-default", "closed"),
    ]
    uploads, units, closed = found.meters
    assert (uploads.cap, units.cap, uploads.project, uploads.channels) == (50, 10_000, "100000000001", ("default",))
    assert (closed.lasting, closed.project) == (True, None)
    assert found.chosen["publisher"] == "youtube"


def test_channels_of_one_client_share_its_buckets(channels):
    given = settings(channels_file=channels)
    found = read_watched(given)

    shared = {meter.client: meter.channels for meter in found.meters if meter.name == "units"}
    assert shared == {youtube_client(ONE): ("news", "kids"), youtube_client(OTHER): ("music",)}
    assert [
        (meter.client, meter.cap) for meter in found.meters if meter.name == "uploads" and meter.client.startswith("channel")
    ] == [("channel-music", 3)]


def test_a_channel_whose_token_is_not_there_yet_has_its_door_alone(channels):
    (channels.parent / "music.json").unlink()
    found = read_watched(settings(channels_file=channels))

    assert youtube_client(OTHER) not in {meter.client for meter in found.meters}
    assert "channel-music" in {meter.client for meter in found.meters}


def test_each_model_of_gemini_is_a_bucket_and_one_for_two_purposes_is_one():
    given = settings(gemini_api_key="AIzaX", gemini_text_model="gemini-3.8-flash", gemini_tts_model="gemini-3.8-flash")
    found = read_watched(given)

    assert [(meter.name, meter.kinds) for meter in found.meters] == [
        ("gemini-3_8-flash", ("script", "voice")),
        ("gemini-3_1-flash-image", ("image",)),
    ]
    assert {found.chosen[kind] for kind in ("script", "image", "voice")} == {"gemini"}


def test_who_makes_what_follows_the_settings():
    found = read_watched(settings(gemini_api_key="AIzaX", did_api_key="x", voice_provider="local"))

    assert found.chosen == {"script": "gemini", "image": "gemini", "voice": "local", "presenter": "did", "publisher": "local"}


def test_a_client_id_without_a_number_names_no_project():
    found = read_watched(settings(**DEFAULT | {"youtube_client_id": "odd.apps.googleusercontent.com"}))

    assert {meter.project for meter in found.meters} == {None}

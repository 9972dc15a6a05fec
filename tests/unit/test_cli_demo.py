"""The demo is hermetic, and its texts are briefs of about a minute."""

import os
from pathlib import Path

import pytest

from progress.connection import open_redis
from reelqueue import embedded
from reelqueue.cli.demo import demo_brief, forget_the_environment, own_server
from reelqueue.settings import read_settings

FOLDER = Path(__file__).parents[2] / "reelqueue" / "data" / "demo"
READ_PER_SECOND = {"zh-TW": 4.7, "en": 15.0}
"""Characters that the local voice reads in a second, measured on these texts."""


def test_no_setting_and_no_key_survives(monkeypatch):
    names = [
        "REDIS_URL", "REELQUEUE_REDIS_URL", "CELERY_BROKER_URL", "DATA_DIR", "SCRIPT_PROVIDER", "PUBLISHER", "GEMINI_API_KEY",
        "YOUTUBE_REFRESH_TOKEN", "DID_API_KEY", "GOOGLE_TOKEN_URL", "REELQUEUE_ANYTHING", "API_TOKEN",
    ]  # fmt: skip
    monkeypatch.setattr(os, "environ", dict.fromkeys(names, "x") | {"PATH": "/bin", "LANGUAGE": "zh_TW"})

    forget_the_environment()

    assert os.environ == {"PATH": "/bin", "LANGUAGE": "zh_TW"}


@pytest.mark.parametrize("language", ["zh-TW", "en"])
def test_a_text_is_a_brief_of_about_a_minute(language):
    brief = demo_brief(FOLDER, language)

    assert brief.language == language
    assert brief.topic
    assert brief.content is not None
    assert all(year in brief.content for year in ("2004", "2015"))
    assert "660" in brief.topic
    assert 45 < len(brief.content) / READ_PER_SECOND[language] < 75


def test_no_env_file_lies_where_the_demo_stands():
    assert not (FOLDER / ".env").exists()


async def test_its_server_is_its_own_whatever_else_is_configured(tmp_path):
    settings = read_settings(data_dir=tmp_path / "demo", redis_url="redis://elsewhere:1/0")
    async with own_server(settings) as live:
        url = live.configured_redis_url
        assert url == embedded.find(tmp_path / "demo" / "redis")
        async with open_redis(url) as redis:
            assert await redis.ping()

"""Settings are read once, by their long name first, and a wrong one is named."""

import os
import re

import pytest

from reelqueue.errors import InvalidSettings
from reelqueue.settings import read_language, read_manner, read_settings, redacted
from reelqueue.wording import speak


@pytest.fixture(autouse=True)
def _clean(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    for name in list(os.environ):
        if name.startswith("REELQUEUE_") or name in {"REDIS_URL", "REDIS_HOST", "DATA_DIR", "CELERY_BROKER_URL"}:
            monkeypatch.delenv(name)


def test_the_long_name_wins_over_the_bare_one(monkeypatch):
    monkeypatch.setenv("DATA_DIR", "/bare")
    monkeypatch.setenv("REELQUEUE_DATA_DIR", "/long")

    assert str(read_settings().data_dir) == "/long"


def test_the_bare_language_is_gettexts_and_not_ours(monkeypatch):
    monkeypatch.setenv("LANGUAGE", "de:en")

    assert read_settings().language == "zh-TW"


def test_a_bare_failpoint_is_another_programs_and_kills_nobody(monkeypatch):
    monkeypatch.setenv("FAILPOINT", "upload.opened:kill")

    assert read_settings().failpoint is None


def test_dotenv_is_read(tmp_path):
    (tmp_path / ".env").write_text("RETRY_DELAYS=1, 2\nREELQUEUE_LANGUAGE=en\n")

    settings = read_settings()

    assert settings.retry_delays == (1.0, 2.0)
    assert settings.language == "en"


def test_a_url_wins_over_a_host_and_a_host_over_celerys_names(monkeypatch):
    monkeypatch.setenv("CELERY_BROKER_URL", "redis://old/0")
    monkeypatch.setenv("REDIS_HOST", "h")
    assert read_settings().configured_redis_url == "redis://h:6379/0"
    monkeypatch.setenv("REDIS_URL", "redis://u/1")
    assert read_settings().configured_redis_url == "redis://u/1"


def test_celerys_names_still_work_with_a_warning(monkeypatch):
    monkeypatch.setenv("CELERY_RESULT_BACKEND", "redis://old/3")

    with pytest.warns(DeprecationWarning, match="CELERY_RESULT_BACKEND"):
        settings = read_settings()

    assert settings.configured_redis_url == "redis://old/3"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LEASE_SECONDS", "0"), ("VIDEO_MAX_JOBS", "two"), ("TIMEZONE", "Mars/Base"), ("RETRY_DELAYS", "1,x"), ("LOG_LEVEL", "loud"),
        ("REELQUEUE_LANGUAGE", "fr"), ("SCRIPT_PROVIDER", "gemini"),
    ],
)  # fmt: skip
def test_a_wrong_setting_is_refused_by_its_name(monkeypatch, name, value):
    monkeypatch.setenv(name, value)

    with pytest.raises(InvalidSettings) as caught:
        read_settings()

    assert name in caught.value.message
    assert value in caught.value.message


def test_a_password_in_a_url_is_never_shown():
    assert redacted("redis://me:s3cret@host:1/0") == "redis://me:***@host:1/0"
    assert "s3cret" not in repr(read_settings(redis_url="redis://me:s3cret@host"))
    assert redacted("redis://me:s3cret@[x") == "***"  # no URL: nobody knows where in it the password stands


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("LEASE_SECONDS", "abc", ">= 1.0, <= 300.0"), ("VIDEO_MAX_JOBS", "0", "a whole number (>= 1, <= 64)"),
        ("ALLOW_NETWORK_FS", "maybe", "true or false"),
    ],
)  # fmt: skip
def test_what_is_allowed_is_said_whole_whatever_was_wrong(monkeypatch, name, value, allowed):
    speak("en")
    monkeypatch.setenv(name, value)

    with pytest.raises(InvalidSettings, match=re.escape(allowed)):
        read_settings()


def test_the_language_is_known_though_another_setting_is_wrong(monkeypatch):
    monkeypatch.setenv("REELQUEUE_LANGUAGE", "en")
    monkeypatch.setenv("LEASE_SECONDS", "abc")

    assert read_language() == "en"


def test_one_manner_is_wrong_and_the_others_are_kept(monkeypatch):
    monkeypatch.setenv("REELQUEUE_LANGUAGE", "en")
    monkeypatch.setenv("LOG_LEVEL", "loud")
    monkeypatch.setenv("LOG_FORMAT", "console")

    assert read_manner().model_dump() == {"reelqueue_language": "en", "log_level": "info", "log_format": "console"}


def test_a_wrong_language_is_answered_in_the_default_one(monkeypatch):
    monkeypatch.setenv("REELQUEUE_LANGUAGE", "fr")

    assert read_language() == "zh-TW"


def test_a_dotenv_that_is_no_text_is_refused_by_name(tmp_path):
    (tmp_path / ".env").write_bytes(b"DATA_DIR=\xff\xfe\n")

    with pytest.raises(InvalidSettings, match=r"\.env"):
        read_settings()


def test_a_password_in_a_urls_query_is_never_shown():
    assert redacted("redis://host/0?password=s3cret&db=1") == "redis://host/0?password=***&db=1"

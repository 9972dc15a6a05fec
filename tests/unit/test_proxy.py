"""Which proxy a request goes through, by the environment."""

import pytest

from reelqueue.providers.proxy import proxy_for


@pytest.fixture(autouse=True)
def _surroundings(monkeypatch):
    for name in ("http_proxy", "https_proxy", "no_proxy", "all_proxy", "HTTP_PROXY", "NO_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")


@pytest.mark.parametrize(
    ("url", "proxy"),
    [
        ("https://monitoring.googleapis.com/v3", "http://proxy.example:3128"),
        ("http://monitoring.googleapis.com/v3", None),
        ("https://127.0.0.1:8080/", None),
        ("https://localhost/", None),
        ("https://[::1]:8080/", None),
    ],
)
def test_an_address_is_reached_through_the_proxy_that_the_environment_names(url, proxy):
    assert proxy_for(url) == proxy


def test_what_no_proxy_names_is_reached_directly(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "googleapis.com")

    assert proxy_for("https://monitoring.googleapis.com/v3") is None


def test_without_a_proxy_there_is_none(monkeypatch):
    monkeypatch.delenv("HTTPS_PROXY")

    assert proxy_for("https://monitoring.googleapis.com/v3") is None

"""Who stands at the board's door: names, origins, passwords and their tries, seals, languages, and the way back."""

import hashlib
import hmac

import pytest
from starlette.datastructures import Headers
from starlette.requests import Request

from reelqueue.dashboard.asked import own_path
from reelqueue.dashboard.door.hosts import is_ours, is_same_origin, listens_to_the_network
from reelqueue.dashboard.door.manners import language_for
from reelqueue.dashboard.door.seal import Seal, open_seal
from reelqueue.dashboard.door.tries import MOST_CLIENTS, MOST_TRIES, PAUSE_SECONDS, Tries
from reelqueue.dashboard.serving import address_of, listen
from reelqueue.errors import InstallationError, InvalidSettings
from reelqueue.settings import Settings, read_settings
from reelqueue.wording import speak

PASSWORD = "correct horse"
OTHER = "battery staple"


@pytest.mark.parametrize(
    ("host", "ours"),
    [
        ("127.0.0.1:5555", True),
        ("localhost", True),
        ("LOCALHOST:5555", True),
        ("[::1]:5555", True),
        ("192.168.1.7:5555", True),
        ("evil.example", False),
        ("127.0.0.1.evil.example", False),
        ("localhost.evil.example:5555", False),
        ("evil.example:80@127.0.0.1", False),
        ("127.0.0.1:99999", False),
        ("127.0.0.1:port", False),
        ("[::1", False),
        ("", False),
    ],
)
def test_a_loopback_board_answers_under_its_own_names_and_numbers_alone(host, ours):
    assert is_ours(host, Settings(_env_file=None)) is ours


def test_a_name_that_the_operator_gave_is_ours_whatever_its_letters():
    settings = Settings(
        _env_file=None, dashboard_host="0.0.0.0", dashboard_password=PASSWORD, dashboard_hosts=("Board.Example.COM",)
    )

    assert is_ours("board.example.com:443", settings)
    assert not is_ours("other.example.com", settings)


@pytest.mark.parametrize(
    ("headers", "same"),
    [
        pytest.param({"origin": "http://127.0.0.1:5555"}, True, id="our own page"),
        pytest.param({"origin": "http://127.0.0.1:5556"}, False, id="another port"),
        pytest.param({"origin": "https://evil.example"}, False, id="another host"),
        pytest.param({"origin": "null"}, False, id="a sandboxed frame"),
        pytest.param({"origin": "http://127.0.0.1:5555", "sec-fetch-site": "cross-site"}, False, id="the browser knows better"),
        pytest.param({"referer": "http://127.0.0.1:5555/projects"}, True, id="an older browser"),
        pytest.param({"referer": "http://evil.example/127.0.0.1:5555"}, False, id="a referer that only names us"),
        pytest.param({"referer": "http://[bad"}, False, id="no address at all"),
        pytest.param({"sec-fetch-site": "same-origin"}, True, id="told by the browser alone"),
        pytest.param({}, None, id="a program"),
    ],
)
def test_a_change_is_known_by_the_page_that_sent_it(headers, same):
    assert is_same_origin(Headers({"host": "127.0.0.1:5555", **headers})) is same


@pytest.mark.parametrize(
    ("server", "open_to_others"),
    [
        (("127.0.0.1", 80), False),
        (("::1", 80), False),
        (("172.17.0.2", 80), True),
        (("/run/board.sock", None), False),
        (None, False),
    ],
)
def test_the_socket_tells_whether_others_reach_it(server, open_to_others):
    assert listens_to_the_network(server) is open_to_others


@pytest.mark.parametrize(
    ("given", "back"),
    [
        ("/projects?q=tea", "/projects?q=tea"),
        ("", "/"),
        ("projects", "/"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("https://evil.example", "/"),
        ("/a\nSet-Cookie: x=y", "/"),
        ("/" + "a" * 3000, "/"),
    ],
)
def test_the_way_back_leads_nowhere_else(given, back):
    assert own_path(given) == back


def test_after_five_wrong_passwords_there_is_a_pause_of_a_minute_and_then_five_more():
    moment = [100.0]
    tries = Tries(lambda: moment[0])

    left = [tries.failed("192.0.2.1") for _ in range(MOST_TRIES)]

    assert left == [4, 3, 2, 1, 0]
    assert tries.pause_s("192.0.2.1") == PAUSE_SECONDS
    assert tries.pause_s("192.0.2.2") == 0.0
    moment[0] += PAUSE_SECONDS
    assert tries.pause_s("192.0.2.1") == 0.0
    assert tries.failed("192.0.2.1") == MOST_TRIES - 1


def test_the_right_password_gives_all_tries_back():
    tries = Tries()
    tries.failed("192.0.2.1")

    tries.passed("192.0.2.1")

    assert tries.failed("192.0.2.1") == MOST_TRIES - 1


def test_a_household_of_ipv6_has_no_more_tries_than_anyone():
    tries = Tries()

    left = [tries.failed(f"2001:db8::{number:x}") for number in range(1, MOST_TRIES + 1)]

    assert left[-1] == 0
    assert tries.pause_s("2001:db8::ffff") > 0


def test_no_crowd_of_addresses_fills_the_memory():
    tries = Tries()

    for number in range(MOST_CLIENTS + 500):
        tries.failed(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}")

    assert len(tries._clients) == MOST_CLIENTS


def test_what_is_sealed_is_known_again_for_its_purpose_alone():
    seal = Seal(b"k" * 32)
    text = seal.put("session", "operator")

    assert seal.take("session", text, 60) == "operator"
    assert seal.take("line", text, 60) is None
    assert seal.take("session", text + "x", 60) is None
    assert seal.take("session", None, 60) is None
    assert Seal(b"j" * 32).take("session", text, 60) is None


@pytest.mark.parametrize(
    "left", [b"", b"k", b"\0" * 32, b"\0" * 4096, b"\xff" * 32], ids=["nothing", "a byte", "zeros", "a page of zeros", "ones"]
)
def test_a_key_that_a_power_cut_left_is_made_anew_since_anybody_could_sign_with_it(tmp_path, left):
    path = tmp_path / "board.key"
    path.write_bytes(left)
    forged = hmac.new(left, PASSWORD.encode(), hashlib.sha256).digest()

    text = open_seal(path, PASSWORD).put("session", "operator")

    assert open_seal(path, PASSWORD).take("session", Seal(forged).put("session", "operator"), 60) is None
    assert open_seal(path, PASSWORD).take("session", text, 60) == "operator"
    assert path.read_bytes() != left


def test_a_seal_outlives_a_restart_but_no_change_of_a_password(tmp_path):
    path = tmp_path / "data" / "board.key"
    text = open_seal(path, PASSWORD, "").put("session", "operator")

    assert open_seal(path, PASSWORD, "").take("session", text, 60) == "operator"
    assert open_seal(path, OTHER, "").take("session", text, 60) is None
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_key_that_was_cut_short_is_made_anew(tmp_path):
    path = tmp_path / "board.key"
    path.write_bytes(b"half")

    text = open_seal(path).put("session", "operator")

    assert len(path.read_bytes()) == 32
    assert open_seal(path).take("session", text, 60) == "operator"


def test_a_form_is_known_by_the_browser_that_it_was_made_for():
    seal = Seal(b"k" * 32)

    assert seal.is_token(seal.token("one"), "one")
    assert not seal.is_token(seal.token("one"), "two")
    assert not seal.is_token("", "one")
    assert not seal.is_token("ü" * 32, "one")


@pytest.mark.parametrize(
    ("cookie", "header", "language"),
    [
        ("", "en-GB,en;q=0.9", "en"),
        ("", "fr-FR, zh-Hant;q=0.8, en;q=0.7", "zh-TW"),
        ("", "zh;q=0, en;q=0.1", "en"),
        ("", "de", "zh-TW"),
        ("", ";;;,q=,en;q=x", "zh-TW"),
        ("lang=en", "zh-TW", "en"),
        ("lang=zh-TW", "en", "zh-TW"),
        ("lang=xx", "en", "en"),
    ],
)
def test_the_reader_chooses_the_language_or_its_browser_does(cookie, header, language):
    headers = [(b"cookie", cookie.encode()), (b"accept-language", header.encode())]
    request = Request({"type": "http", "headers": headers})

    assert language_for(request, "zh-TW") == language


def test_a_port_that_is_taken_is_told_by_its_setting():
    (first,) = listen("127.0.0.1", 0)
    speak("en")

    with first, pytest.raises(InstallationError, match=r"port [0-9]+ is taken") as refused:
        listen("127.0.0.1", first.getsockname()[1])

    assert refused.value.name == "DASHBOARD_PORT"


def test_a_host_that_is_not_here_is_told_by_its_setting():
    with pytest.raises(InstallationError) as refused:
        listen("192.0.2.1", 0)

    assert refused.value.name == "DASHBOARD_HOST"


@pytest.mark.parametrize(
    ("host", "address"),
    [("127.0.0.1", "http://127.0.0.1:5555/"), ("::1", "http://[::1]:5555/"), ("localhost", "http://localhost:5555/")],
)
def test_the_address_that_is_told_can_be_opened(host, address):
    assert address_of(host, 5555) == address


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("DASHBOARD_PASSWORD", {"DASHBOARD_HOST": "0.0.0.0"}),
        ("DASHBOARD_PASSWORD", {"DASHBOARD_HOST": "board.example.com"}),
        ("DASHBOARD_PASSWORD", {"DASHBOARD_PASSWORD": "s3cret"}),
        ("DASHBOARD_PASSWORD", {"DASHBOARD_PASSWORD": "s3cret" * 200}),
        ("DASHBOARD_PASSWORD", {"DASHBOARD_VIEWER_PASSWORD": PASSWORD}),
        ("DASHBOARD_PASSWORD", {"DASHBOARD_HOSTS": "board.example.com"}),
        ("DASHBOARD_VIEWER_PASSWORD", {"DASHBOARD_PASSWORD": "s3cret-of-both", "DASHBOARD_VIEWER_PASSWORD": "s3cret-of-both"}),
        ("DASHBOARD_VIEWER_PASSWORD", {"DASHBOARD_PASSWORD": PASSWORD, "DASHBOARD_VIEWER_PASSWORD": "s3cret"}),
        ("DASHBOARD_HOSTS", {"DASHBOARD_PASSWORD": PASSWORD, "DASHBOARD_HOSTS": "https://board.example.com/"}),
        ("API_TOKEN", {"API_TOKEN": "s3cret"}),
        ("API_TOKEN", {"API_TOKEN": "s3cret with blanks in it"}),
        ("API_TOKEN", {"API_TOKEN": "s3crets3crets3cret鑰"}),
        ("DASHBOARD_PORT", {"DASHBOARD_PORT": "65536"}),
    ],
)
def test_a_board_that_would_be_open_is_refused_by_the_variables_name(monkeypatch, tmp_path, name, given):
    monkeypatch.chdir(tmp_path)
    speak("en")
    for variable, value in given.items():
        monkeypatch.setenv(variable, value)

    with pytest.raises(InvalidSettings, match=rf"setting {name}") as refused:
        read_settings()

    assert "s3cret" not in refused.value.message


def test_two_passwords_and_a_name_together_are_read(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DASHBOARD_HOST", "0.0.0.0")
    monkeypatch.setenv("DASHBOARD_PASSWORD", PASSWORD)
    monkeypatch.setenv("DASHBOARD_VIEWER_PASSWORD", OTHER)
    monkeypatch.setenv("DASHBOARD_HOSTS", "board.example.com, 10.0.0.7")
    monkeypatch.setenv("API_TOKEN", "abcdefgh12345678")

    settings = read_settings()

    assert settings.dashboard_hosts == ("board.example.com", "10.0.0.7")
    assert {PASSWORD, OTHER, "abcdefgh12345678"} <= set(settings.secrets())

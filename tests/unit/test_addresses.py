"""Which addresses may be told: public ones by https; those of one's own network only where the operator lists them."""

from ipaddress import ip_address

import pytest

from reelqueue.addresses import check_webhook, is_public, may_connect, shown, webhook_fault
from reelqueue.errors import InvalidBrief
from reelqueue.wording import speak

OURS = [
    "127.0.0.1", "127.8.8.8", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "192.0.0.192",
    "198.18.0.1", "224.0.0.1", "255.255.255.255", "240.0.0.1", "192.0.2.7", "203.0.113.7", "::1", "::", "fe80::1", "fe80::1%eth0",
    "fc00::1", "fd00:ec2::254", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1", "::ffff:0:7f00:1", "64:ff9b::7f00:1", "64:ff9b::a00:1",
    "64:ff9b:1::1", "2002:7f00:1::", "2002:c0a8:101::1", "2001:db8::1", "2001:0:4136:e378::1", "fec0::1", "100::1",
]  # fmt: skip
THEIRS = ["93.184.216.34", "8.8.8.8", "2606:2800:220:1::1", "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1"]


@pytest.mark.parametrize("address", OURS)
def test_an_address_of_ones_own_network_is_not_public_in_whatever_form(address):
    assert not is_public(ip_address(address))
    assert not may_connect("app.example.org", address, ())


@pytest.mark.parametrize("address", THEIRS)
def test_a_public_address_is_public(address):
    assert is_public(ip_address(address))
    assert may_connect("app.example.org", address, ())


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "[::1]", "localhost", "LOCALHOST.", "app.localhost", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "[::ffff:7f00:1]",
        "[fe80::1%25eth0]", "169.254.169.254", "metadata.google.internal", "printer.local", "１２７.０.０.１", "10.0.0.8:8443",
        "127。0｡0．1", "localhost。",
    ],
)  # fmt: skip
def test_a_webhook_into_ones_own_network_is_refused_by_name(host):
    speak("en")

    with pytest.raises(InvalidBrief) as refused:
        check_webhook(f"https://{host}/hook", ())

    assert refused.value.field == "webhook"
    assert "WEBHOOK_PRIVATE_HOSTS" in refused.value.hint


@pytest.mark.parametrize(
    "url",
    [
        "", "app.example.org", "ftp://app.example.org/", "http://app.example.org/hook", "https://", "https:///hook", "https://me:pw@app.example.org/",
        "https://app.example.org:99999/", "https://app.example.org/a b", "https://app.example.org/#part", "https://[::1", "javascript:alert(1)",
        "https://" + "a" * 1_000 + ".org/",
    ],
)  # fmt: skip
def test_what_is_no_https_address_is_refused(url):
    with pytest.raises(InvalidBrief):
        check_webhook(url, ())


def test_a_host_that_the_operator_lists_may_be_told_by_http_too():
    listed = ("127.0.0.1", "hooks.internal")

    assert webhook_fault("http://127.0.0.1:8080/hook", listed) is None
    assert webhook_fault("http://Hooks.Internal/hook", listed) is None
    assert may_connect("hooks.internal", "10.0.0.8", listed)
    assert webhook_fault("http://10.0.0.9/hook", listed) is not None
    assert not may_connect("other.internal", "10.0.0.8", listed)


def test_a_public_host_is_fine_and_so_is_its_port():
    check_webhook("https://app.example.org:8443/hooks/reelqueue?channel=7", ())


def test_without_a_secret_nothing_could_be_signed():
    speak("en")

    with pytest.raises(InvalidBrief) as refused:
        check_webhook("https://app.example.org/", (), has_secret=False)
    with pytest.raises(InvalidBrief) as private:  # which no secret mends
        check_webhook("https://127.0.0.1/", (), has_secret=False)

    assert "WEBHOOK_SECRET" in refused.value.hint
    assert "127.0.0.1 belongs to this machine" in private.value.hint


def test_what_follows_the_host_is_never_shown():
    assert shown("https://hooks.example.org/T0K3N/s3cret?key=k") == "https://hooks.example.org/…"
    assert shown("https://me:s3cret@hooks.example.org") == "https://hooks.example.org"

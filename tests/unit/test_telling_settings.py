"""Whom to tell is checked when the settings are read: the variable is named, no secret is shown."""

import pytest

from reelqueue.errors import InvalidSettings
from reelqueue.mailing import smtp_server
from reelqueue.settings import read_settings
from reelqueue.signing import keys_of, new_secret, signature
from reelqueue.wording import speak

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
"""The example of the scheme's own libraries."""


@pytest.fixture(autouse=True)
def _clean(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    speak("en")
    for name in ("WEBHOOK_URL", "WEBHOOK_SECRET", "NOTIFY_COMMAND", "NOTIFY_MAIL_TO", "SMTP_URL"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("WEBHOOK_URL", {"WEBHOOK_URL": "https://127.0.0.1/", "WEBHOOK_SECRET": SECRET}),
        ("WEBHOOK_URL", {"WEBHOOK_URL": "http://app.example.org/", "WEBHOOK_SECRET": SECRET}),
        ("WEBHOOK_SECRET", {"WEBHOOK_URL": "https://app.example.org/"}),
        ("WEBHOOK_SECRET", {"WEBHOOK_SECRET": "s3cret"}),
        ("WEBHOOK_SECRET", {"WEBHOOK_SECRET": "whsec_c2hvcnQ="}),
        ("WEBHOOK_SECRET", {"WEBHOOK_SECRET": "whsec_!!!!"}),
        ("WEBHOOK_PRIVATE_HOSTS", {"WEBHOOK_PRIVATE_HOSTS": "https://intranet/"}),
        ("NOTIFY_COMMAND", {"NOTIFY_COMMAND": "notify 'half"}),
        ("NOTIFY_MAIL_TO", {"NOTIFY_MAIL_TO": "nobody", "SMTP_URL": "smtp://localhost"}),
        ("NOTIFY_MAIL_TO", {"NOTIFY_MAIL_TO": "a@b.org\nBcc: c@d.org", "SMTP_URL": "smtp://localhost"}),
        ("NOTIFY_MAIL_FROM", {"NOTIFY_MAIL_FROM": "@"}),
        ("SMTP_URL", {"NOTIFY_MAIL_TO": "a@b.org"}),
        ("SMTP_URL", {"SMTP_URL": "imap://me:s3cret@host"}),
    ],
)
def test_who_cannot_be_told_is_refused_by_the_variables_name(monkeypatch, name, given):
    for variable, value in given.items():
        monkeypatch.setenv(variable, value)

    with pytest.raises(InvalidSettings, match=rf"setting {name}") as refused:
        read_settings()

    assert "s3cret" not in refused.value.message


def test_all_of_it_together_is_read(monkeypatch):
    monkeypatch.setenv("WEBHOOK_URL", "http://127.0.0.1:9/hook")
    monkeypatch.setenv("WEBHOOK_PRIVATE_HOSTS", "127.0.0.1, hooks.internal")
    monkeypatch.setenv("WEBHOOK_SECRET", f"{SECRET},{new_secret()}")
    monkeypatch.setenv("NOTIFY_COMMAND", "/usr/bin/notify --to 'the team'")
    monkeypatch.setenv("NOTIFY_MAIL_TO", "a@b.org, The Team <c@d.org>")
    monkeypatch.setenv("SMTP_URL", "smtps://me:p%40ss@mail.example.org")

    settings = read_settings()

    assert settings.webhook_private_hosts == ("127.0.0.1", "hooks.internal")
    assert {SECRET, "p@ss"} <= set(settings.secrets())


def test_a_server_of_mail_has_the_ports_of_submission():
    assert smtp_server("smtps://mail.example.org").port == 465
    assert smtp_server("smtp://mail.example.org").port == 587
    assert smtp_server("smtp://me:p%40ss@[::1]:25").password == "p@ss"
    assert "p@ss" not in repr(smtp_server("smtp://me:p%40ss@[::1]:25"))


def test_a_message_is_signed_as_the_schemes_own_example_is():
    signed = signature(keys_of(SECRET), "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')

    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_while_a_secret_is_changed_both_sign():
    signed = signature(keys_of(f"{new_secret()}, {SECRET}"), "msg_1", 1, b"{}")

    assert [part[:3] for part in signed.split(" ")] == ["v1,", "v1,"]
    assert signed.endswith(signature(keys_of(SECRET), "msg_1", 1, b"{}"))

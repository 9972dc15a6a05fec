"""How people are told: what a command is given, what a mail says, and that no password goes out in the clear."""

import datetime as dt
import json
import smtplib
import ssl
from zoneinfo import ZoneInfo

import pytest

from reelqueue.mailing import SmtpServer
from reelqueue.models.event import Notice
from reelqueue.process import ChildFailed
from reelqueue.providers.notify.command import NotifyCommand
from reelqueue.providers.notify.mail import Mail, NotSecured, letter
from reelqueue.wording import speak
from tests import certificates
from tests.post_office import open_post_office

NOTICE = Notice(
    kind="authentication-upload-default",
    at=dt.datetime(2026, 11, 29, 20, tzinfo=dt.UTC),
    project_id=12,
    batch_id=3,
    status="failed",
    stage="upload",
    channel="default",
    title="服務拒絕了授權",
    why="YouTube 頻道 default 的授權失效",
    what_to_do="執行 reelqueue auth youtube；$(touch pwned) `touch pwned`",
)
TAIPEI = ZoneInfo("Asia/Taipei")


def mail(server, context=None, to=("you@example.org", "me@example.org")):
    return Mail(server, "reelqueue@example.org", to, TAIPEI, context)


async def test_a_command_is_given_the_notice_in_its_environment_and_on_its_stdin(tmp_path):
    script = tmp_path / "notify.sh"
    script.write_text('#!/bin/sh\ncat > stdin.json\nenv | grep ^REELQUEUE_NOTICE > env\necho "$1" > arguments\n')
    script.chmod(0o700)

    await NotifyCommand(f"{script} 'the team'", tmp_path).tell(NOTICE)

    said = json.loads((tmp_path / "stdin.json").read_text())
    assert (said["kind"], said["project_id"], said["what_to_do"]) == (NOTICE.kind, 12, NOTICE.what_to_do)
    assert "done" not in said
    assert f"REELQUEUE_NOTICE_WHAT_TO_DO={NOTICE.what_to_do}" in (tmp_path / "env").read_text().splitlines()
    assert (tmp_path / "arguments").read_text() == "the team\n"
    assert not (tmp_path / "pwned").exists()


async def test_a_command_sees_no_secret_of_ours(tmp_path, monkeypatch):
    monkeypatch.setenv("GEMINI_API_KEY", "s3cret")
    monkeypatch.setenv("WEBHOOK_SECRET", "s3cret")

    await NotifyCommand("/bin/sh -c 'env > env'", tmp_path).tell(NOTICE)

    assert "s3cret" not in (tmp_path / "env").read_text()


async def test_a_command_that_reads_nothing_is_no_matter_and_one_that_fails_says_so(tmp_path):
    await NotifyCommand("true", tmp_path).tell(NOTICE)

    with pytest.raises(ChildFailed, match="exit code 3"):
        await NotifyCommand("/bin/sh -c 'exit 3'", tmp_path).tell(NOTICE)
    with pytest.raises(OSError, match="nowhere"):
        await NotifyCommand("/nowhere/notify", tmp_path).tell(NOTICE)


async def test_a_mail_says_what_happened_and_what_to_do_to_all(tmp_path):
    async with open_post_office() as office:
        await mail(SmtpServer("127.0.0.1", office.port, is_tls=False)).tell(NOTICE)

    [sent] = office.mails
    assert office.recipients == ["you@example.org", "me@example.org"]
    assert (sent["Subject"], sent["From"]) == ("[reelqueue] 服務拒絕了授權", "reelqueue@example.org")
    text = sent.get_content()
    assert "YouTube 頻道 default 的授權失效" in text
    assert "該怎麼做：執行 reelqueue auth youtube" in text
    assert "專案 12（批次 3），2026-11-30 04:00 (Asia/Taipei)" in text


def test_a_mail_is_in_the_language_of_the_installation():
    speak("en")

    text = letter(NOTICE.replace(batch_id=None, until=NOTICE.at), "a@b.org", ["c@d.org"], TAIPEI).get_content()

    assert "Project 12 met it first, 2026-11-30 04:00 (Asia/Taipei)." in text
    assert "It goes on by itself: 2026-11-30 04:00" in text


def test_a_line_break_in_a_title_begins_no_header():
    sent = letter(NOTICE.replace(title="a\nBcc: x@y.org"), "a@b.org", ["c@d.org"], TAIPEI)

    assert sent["Subject"] == "[reelqueue] a Bcc: x@y.org"
    assert sent["Bcc"] is None


async def test_a_password_is_said_only_after_tls(tmp_path):
    ours, trust = certificates.made(tmp_path)
    async with open_post_office(tls=ours) as office:
        await mail(SmtpServer("127.0.0.1", office.port, is_tls=False, user="me", password="pass"), trust).tell(NOTICE)
    async with open_post_office(tls=ours, at_once=True) as other:
        await mail(SmtpServer("127.0.0.1", other.port, is_tls=True, user="me", password="pass"), trust).tell(NOTICE)

    assert office.users == other.users == [("me:pass", True)]
    assert (len(office.mails), len(other.mails)) == (1, 1)


async def test_a_server_elsewhere_without_tls_hears_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(SmtpServer, "is_here", False)
    async with open_post_office() as office:
        with pytest.raises(NotSecured):
            await mail(SmtpServer("127.0.0.1", office.port, is_tls=False, user="me", password="pass")).tell(NOTICE)

    assert (office.users, office.mails) == ([], [])


async def test_a_certificate_that_nobody_vouches_for_hears_nothing(tmp_path):
    ours, _ = certificates.made(tmp_path)
    async with open_post_office(tls=ours) as office:
        with pytest.raises(ssl.SSLError):
            await mail(SmtpServer("127.0.0.1", office.port, is_tls=False, user="me", password="pass")).tell(NOTICE)

    assert (office.users, office.mails) == ([], [])


async def test_a_look_sends_nothing_and_names_a_wrong_password(tmp_path):
    async with open_post_office() as office:
        await mail(SmtpServer("127.0.0.1", office.port, is_tls=False, user="me", password="pass")).look()
        with pytest.raises(smtplib.SMTPAuthenticationError):
            await mail(SmtpServer("127.0.0.1", office.port, is_tls=False, user="me", password="wrong")).look()

    assert office.mails == []

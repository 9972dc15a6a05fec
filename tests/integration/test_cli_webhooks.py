"""`reelqueue webhooks` and `reelqueue notify`, against a receiver and a mail server of their own."""

import asyncio
import json
import sys

import pytest

from reelqueue import clock
from reelqueue.ahead import telling_checks
from reelqueue.cli import command
from reelqueue.models.event import Delivery, Event
from reelqueue.settings import read_settings
from reelqueue.wording import speak
from storage import Paths
from storage.outbox import Outbox
from tests import forks
from tests.post_office import open_post_office
from tests.receiver import SECRET, listening


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("REELQUEUE_LANGUAGE", "en")
    for name in ("WEBHOOK_URL", "WEBHOOK_SECRET", "WEBHOOK_PRIVATE_HOSTS", "NOTIFY_COMMAND", "NOTIFY_MAIL_TO", "SMTP_URL"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def outbox(tmp_path):
    return Outbox(Paths(tmp_path / "data").outbox)


async def typed(*arguments):
    """A command in a process of its own, since it has an event loop of its own: its exit code and what it said."""
    argv = (sys.executable, "-c", "from reelqueue.cli import main; main()", *arguments)
    process = await forks.create_subprocess_exec(*argv, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT)
    said, _ = await process.communicate()
    return process.returncode, said.decode()


def kept(outbox, *places):
    """One event in each of these places: p1 in the first, p2 in the second."""
    for number, place in enumerate(places, start=1):
        event = Event(event_id=f"p{number}-r1-completed", type="project.completed", at=clock.now(), subject=f"p{number}")
        delivery = Delivery(event=event, destination="all", attempts=number, error="answered 500")
        asyncio.run(outbox.add(delivery))
        asyncio.run(outbox.moved(delivery, place))


async def test_a_test_event_is_signed_and_told_now(monkeypatch):
    async with listening() as receiver:
        for name, value in receiver.settings.items():
            monkeypatch.setenv(name, value)
        taken = await typed("webhooks", "test")
        receiver.answers.append((500, {}))
        refused = await typed("webhooks", "test")

    assert [message.is_signed for message in receiver.messages] == [True, True]
    assert receiver.types() == ["webhook.test", "webhook.test"]
    assert (taken[0], refused[0]) == (0, 1)
    assert "answered 500" in refused[1]
    assert "s3cret" not in taken[1] + refused[1]


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["webhooks", "test"], "WEBHOOK_URL"),
        (["webhooks", "test", "--url", "https://127.0.0.1/"], "WEBHOOK_PRIVATE_HOSTS"),
        (["webhooks", "replay"], "--given-up"),
        (["webhooks", "replay", "p9-r1-completed"], "p9-r1-completed"),
        (["notify"], "NOTIFY_COMMAND"),
        (["webhooks"], "replay"),
    ],
)
def test_what_can_not_be_done_is_named_with_exit_code_2(monkeypatch, capsys, arguments, word):
    monkeypatch.setenv("WEBHOOK_SECRET", SECRET)

    assert command(arguments) == 2

    assert word in "".join(capsys.readouterr())


def test_what_is_to_be_told_and_was_given_up_is_listed(outbox, capsys):
    kept(outbox, "pending", "given_up", "delivered")

    assert command(["webhooks", "list"]) == 0
    shown = capsys.readouterr().out
    assert command(["webhooks", "list", "--delivered", "--json"]) == 0
    whole = json.loads(capsys.readouterr().out)

    assert "p1-r1-completed@all" in shown
    assert "answered 500" in shown
    assert "p3-r1-completed@all" not in shown
    assert [(one["place"], one["event"]["event_id"]) for one in whole] == [
        ("pending", "p1-r1-completed"), ("delivered", "p3-r1-completed"), ("given_up", "p2-r1-completed"),
    ]  # fmt: skip


def test_what_was_given_up_or_delivered_is_pending_again_on_request(outbox):
    kept(outbox, "given_up", "given_up", "delivered")

    assert command(["webhooks", "replay", "p3-r1-completed"]) == 0
    assert command(["webhooks", "replay", "--given-up"]) == 0

    pending = asyncio.run(outbox.pending())
    assert sorted((one.name, one.attempts) for one in pending) == [(f"p{number}-r1-completed@all", 0) for number in (1, 2, 3)]


def test_a_secret_is_made_to_be_set(capsys, monkeypatch):
    assert command(["webhooks", "secret"]) == 0

    name, _, value = capsys.readouterr().out.strip().partition("=")
    monkeypatch.setenv(name, value)
    assert read_settings().webhook_secret.get_secret_value() == value


async def test_a_test_notice_goes_each_way(monkeypatch, tmp_path):
    async with open_post_office() as office:
        monkeypatch.setenv("NOTIFY_COMMAND", "/bin/sh -c 'cat > told.json'")
        monkeypatch.setenv("NOTIFY_MAIL_TO", "you@example.org")
        monkeypatch.setenv("SMTP_URL", f"smtp://127.0.0.1:{office.port}")
        code, said = await typed("notify")

    assert (code, said.splitlines()) == (0, ["command: sent", "mail: sent"])
    assert json.loads((tmp_path / "data" / "told.json").read_text())["kind"] == "test"
    assert len(office.mails) == 1


async def test_the_doctor_looks_at_whom_to_tell_and_sends_nothing(monkeypatch, tmp_path, outbox):
    speak("en")
    async with listening() as receiver, open_post_office() as office:
        for name, value in receiver.settings.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("NOTIFY_COMMAND", "sh -c true")
        monkeypatch.setenv("NOTIFY_MAIL_TO", "you@example.org")
        monkeypatch.setenv("SMTP_URL", f"smtp://me:pass@127.0.0.1:{office.port}")
        settings = read_settings()
        found = [*await telling_checks.webhook(settings), *await telling_checks.people(settings)]
        wrong = read_settings(smtp_url=f"smtp://me:wrong@127.0.0.1:{office.port}", notify_command="/nowhere/notify")
        refused = await telling_checks.people(wrong)

    assert [(finding.what.en, finding.level) for finding in found] == [
        ("webhook", "ok"),
        ("NOTIFY_COMMAND", "ok"),
        ("mail", "ok"),
    ]
    assert [finding.level for finding in refused] == ["fail", "fail"]
    assert (receiver.messages, office.mails) == ([], [])


async def test_the_doctor_names_a_host_that_leads_into_ones_own_network(monkeypatch):
    speak("en")
    monkeypatch.setenv("WEBHOOK_SECRET", SECRET)
    monkeypatch.setenv("WEBHOOK_URL", "https://app.example.org/")

    async def led_here(*_args, **_named):
        return [(2, 1, 6, "", ("10.0.0.8", 0))]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", led_here)
    [finding] = await telling_checks.webhook(read_settings())

    assert finding.level == "fail"
    assert "10.0.0.8" in finding.saw.en

"""`reelqueue make` asks once before it pays or publishes: the real command in a child, the services in a sandbox."""

import asyncio
import contextlib
import json
import os
import pty
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from reelqueue.sandbox import Sandbox, open_sandbox
from tests import forks
from tests.workers import HUMMING, until

COMMAND = [sys.executable, "-c", "from reelqueue.cli import main; main()"]
TEXT = "The sea rises and falls twice a day, because the moon pulls at it from afar. " * 10
PAID = {("gemini", "script"), ("gemini", "image"), ("gemini", "voice"), ("did", "talks.create"), ("youtube", "upload.open")}


@pytest.fixture
async def sandbox(tmp_path: Path) -> AsyncIterator[Sandbox]:
    async with open_sandbox(tmp_path / "sandbox") as opened:
        yield opened


@dataclass
class Place:
    """A folder with its settings, in which commands are given."""

    folder: Path
    env: dict[str, str]
    running: list[asyncio.subprocess.Process] = field(default_factory=list)

    @property
    def projects(self) -> list[Path]:
        return sorted(self.folder.glob("data/projects/[0-9]*"))

    @property
    def agreed(self) -> set[str]:
        file = self.folder / "data/agreed.json"
        return set(json.loads(file.read_text())["terms"]) if file.exists() else set()

    async def ended(self, *arguments: str) -> tuple[int, str]:
        """Without a terminal, to its end: exit code, and what it said."""
        child = await forks.create_subprocess_exec(
            *COMMAND, *arguments, cwd=self.folder, env=self.env, stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        async with asyncio.timeout(60):
            said, _ = await child.communicate()
        return child.returncode or 0, said.decode()

    @contextlib.asynccontextmanager
    async def at_terminal(self, *arguments: str) -> AsyncIterator["Terminal"]:
        """At a terminal; interrupted at the end where it still runs."""
        ours, theirs = pty.openpty()
        child = await forks.create_subprocess_exec(
            *COMMAND, *arguments, cwd=self.folder, env=self.env, stdin=theirs, stdout=theirs, stderr=theirs
        )
        os.close(theirs)
        terminal = Terminal(ours, child)
        loop = asyncio.get_running_loop()
        loop.add_reader(ours, terminal.read)
        try:
            yield terminal
        finally:
            if child.returncode is None:
                child.send_signal(signal.SIGINT)
            async with asyncio.timeout(60):
                await child.wait()
            loop.remove_reader(ours)
            os.close(ours)


@dataclass
class Terminal:
    """What a person at a terminal sees and types."""

    fd: int
    child: asyncio.subprocess.Process
    said: str = ""

    def read(self) -> None:
        try:
            more = os.read(self.fd, 65_536)
        except OSError:  # its other end is closed
            more = b""
        if not more:
            asyncio.get_running_loop().remove_reader(self.fd)
        self.said += more.decode(errors="replace")

    async def asked(self) -> str:
        await until(lambda: "[y/N]" in self.said or self.child.returncode is not None, "it asks")
        return self.said

    async def answers(self, word: str) -> None:
        os.write(self.fd, f"{word}\n".encode())

    async def exit_code(self) -> int:
        async with asyncio.timeout(60):
            return await self.child.wait()


@pytest.fixture
def place(tmp_path: Path, sandbox: Sandbox) -> Place:
    theirs = ("REELQUEUE_", "REDIS_", "CELERY_", "GEMINI_", "GOOGLE_", "DID_", "YOUTUBE_")
    env = {name: value for name, value in os.environ.items() if not name.startswith(theirs)} | HUMMING
    (tmp_path / "text.md").write_text(TEXT)
    own = {"REELQUEUE_LANGUAGE": "en", "TERM": "dumb", "COLUMNS": "200"}
    return Place(tmp_path, env | sandbox.settings() | own)


def paid(sandbox: Sandbox) -> int:
    return sum(1 for entry in sandbox.journal.calls() if (entry.service, entry.call) in PAID)


MAKE = ("make", "Tides", "--from", "text.md", "--language", "en")


async def test_without_a_terminal_and_without_yes_it_says_what_it_would_take_and_ends_with_2(place, sandbox):
    code, said = await place.ended(*MAKE)

    assert code == 2
    assert "--yes" in said
    assert "made by: script gemini, pictures gemini, voice gemini, presenter did, publication youtube" in said
    assert "US dollars" in said and "the caps leave: today 5.00, of each video 2.00" in said
    assert "it is published on the YouTube channel default: private" in said
    assert (place.projects, place.agreed, paid(sandbox)) == ([], set(), 0)


async def test_a_no_and_an_interrupt_begin_nothing(place, sandbox):
    async with place.at_terminal(*MAKE) as terminal:
        assert "gemini, script: 1 call," in await terminal.asked()
        await terminal.answers("n")
        assert await terminal.exit_code() == 130
    async with place.at_terminal(*MAKE) as terminal:
        await terminal.asked()
        os.write(terminal.fd, b"\x04")  # the end of what is typed
        assert await terminal.exit_code() == 2
    async with place.at_terminal(*MAKE) as terminal:
        await terminal.asked()
        terminal.child.send_signal(signal.SIGINT)
        assert await terminal.exit_code() == 130

    assert (place.projects, place.agreed, paid(sandbox)) == ([], set(), 0)


async def test_a_yes_is_remembered_for_the_same_services_and_channel_and_for_no_other(place, sandbox):
    async with place.at_terminal(*MAKE, "--duration", "15") as terminal:
        await terminal.asked()
        await terminal.answers("y")
        await until(lambda: place.projects or terminal.child.returncode is not None, "there is a project")
    assert place.agreed == {"pay gemini", "pay did", "publish default private"}, terminal.said

    async with place.at_terminal(*MAKE, "--no-presenter", "--privacy", "private") as terminal:
        await until(lambda: len(place.projects) == 2 or terminal.child.returncode is not None, "there is another one")
    assert "[y/N]" not in terminal.said

    code, said = await place.ended(*MAKE, "--privacy", "public")
    assert (code, "channel default: public" in said) == (2, True)
    code, said = await place.ended(*MAKE, "--publish-at", "2099-01-01T00:00:00Z")
    assert (code, "public at 2099-01-01" in said) == (2, True)
    assert len(place.projects) == 2


async def test_yes_is_not_remembered(place):
    async with place.at_terminal(*MAKE, "--yes") as terminal:
        await until(lambda: place.projects or terminal.child.returncode is not None, "there is a project")
    assert "[y/N]" not in terminal.said
    assert "US dollars" in terminal.said

    assert (await place.ended(*MAKE))[0] == 2


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (["--channel", "nobodys"], "channel"),
        (["--voice", "yunyang"], "voice"),
        (["--publish-at", "2020-01-01T00:00:00Z"], "publish_at"),
    ],
)
async def test_what_can_never_be_made_is_refused_before_anybody_is_asked(place, sandbox, options, named):
    code, said = await place.ended(*MAKE, *options)

    assert (code, named in said, "--yes" in said) == (2, True, False)
    assert (place.projects, len(sandbox.journal.calls())) == ([], 0)


async def test_a_cap_that_is_reached_ends_it_with_3_and_says_how_it_goes_on(place, sandbox):
    place.env["PROJECT_COST_CAP_USD"] = "0.001"

    code, said = await place.ended(*MAKE, "--yes", "--no-presenter")

    assert (code, "it may reach a cap" in said, "reelqueue worker" in said) == (3, True, True)
    assert "presenter" not in said
    assert "PROJECT_COST_CAP_USD" in said
    assert (paid(sandbox), len(place.projects)) == (0, 1)


async def test_all_local_is_never_asked(place, sandbox):
    local = [word for kind in ("script", "image", "voice", "presenter", "publisher") for word in ("--provider", f"{kind}=local")]
    async with place.at_terminal(*MAKE, *local) as terminal:
        await until(lambda: place.projects or terminal.child.returncode is not None, "there is a project")

    assert "[y/N]" not in terminal.said
    assert "all is made on this machine" in terminal.said
    assert sandbox.journal.calls() == []


async def test_say_asks_once_pays_by_the_ledger_and_tells_what_it_took(place, sandbox):
    refused, _ = await place.ended("say", "Hello there.")
    assert (refused, paid(sandbox)) == (2, 0)

    async with place.at_terminal("say", "Hello there.") as terminal:
        await terminal.asked()
        await terminal.answers("yes")
        assert await terminal.exit_code() == 0
    code, said = await place.ended("say", "Hello again.")

    assert (code, place.agreed, paid(sandbox)) == (0, {"pay gemini"}, 2)
    assert "US dollars (gemini)" in said
    accounts = [json.loads(file.read_text()) for file in place.folder.glob("data/ledger/*/money.usd.json")]
    assert len(accounts) == 1
    assert (float(accounts[0]["used"]) > 0, accounts[0]["reservations"]) == (True, {})


async def test_say_stops_at_the_days_cap_before_it_asks_the_service(place, sandbox):
    place.env["DAILY_COST_CAP_USD"] = "0.000001"

    code, said = await place.ended("say", "Hello there.", "--yes")

    assert (code, "DAILY_COST_CAP_USD" in said, paid(sandbox)) == (3, True, 0)


async def test_say_by_the_local_voice_asks_and_pays_nothing(place, sandbox):
    code, _ = await place.ended("say", "Hello.", "--provider", "local")

    assert (code, sandbox.journal.calls()) == (0, [])


async def test_a_batch_asks_once_for_all_of_its_rows_and_begins_nothing_without_a_yes(place, sandbox):
    (place.folder / "topics.csv").write_text("topic,privacy\nThe tides,public\nThe moon,\nThe stars,public\n")

    code, said = await place.ended("batch", "topics.csv")
    async with place.at_terminal("batch", "topics.csv") as terminal:
        await terminal.asked()
        await terminal.answers("n")
        refused = await terminal.exit_code()

    assert (code, refused) == (2, 130)
    assert "paid services: gemini, did" in said
    assert "published on the YouTube channel default: 2 public" in said
    assert (place.projects, place.agreed, paid(sandbox)) == ([], set(), 0)


async def test_a_batchs_yes_is_remembered_for_the_next_one(place, sandbox):
    (place.folder / "topics.csv").write_text("topic\nThe tides\nThe moon\n")
    (place.folder / "more.csv").write_text("topic\nThe stars\n")

    async with place.at_terminal("batch", "topics.csv") as terminal:
        await terminal.asked()
        await terminal.answers("y")
        first = await terminal.exit_code()  # no Redis: it is on disk, and waits for one
    second, said = await place.ended("batch", "more.csv")

    assert (first, second) == (3, 3), terminal.said + said
    assert place.agreed == {"pay gemini", "pay did", "publish default private"}
    assert (len(place.projects), paid(sandbox)) == (3, 0)

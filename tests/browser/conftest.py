"""A browser and a board for every test here; without a browser they are skipped, and the summary says so aloud."""

import asyncio
import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, ConsoleMessage, Error, Page, async_playwright, expect
from pydantic import SecretStr

from reelqueue.settings import Settings
from tests.boards import serving_board
from tests.browser.chromium import WISH, found
from tests.conftest import without_outer_settings
from tests.faults.redis_server import running
from tests.scene import Scene

DESK, PHONE, WALL = (1440, 900), (360, 740), (2560, 1440)
SOON_MS = 60_000
"""How long anything on a page may take.  Chosen: twenty times what it takes where nobody else wants the machine."""
FLAGS = ("--no-sandbox", "--disable-gpu", "--in-process-gpu")
Open = Callable[..., Awaitable[Page]]

expect.set_options(timeout=SOON_MS)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Aloud: a suite that is green without them must not look whole."""
    if any(WISH in str(report.longrepr) for report in terminalreporter.stats.get("skipped", ())):
        terminalreporter.write_line(WISH, red=True, bold=True)


class Tab:
    """A window of a browser of its own, that tests hand on to one another: a new one costs half a second of a core."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.base = ""
        self.complaints: list[str] = []
        page.set_default_timeout(SOON_MS)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", self._hear)

    def _hear(self, said: ConsoleMessage) -> None:
        if said.type == "error" and "Failed to load resource" not in said.text:
            self.complaints.append(said.text)

    async def dress(self, address: str, size: tuple[int, int], lang: str, theme: str) -> None:
        """As somebody who comes for the first time, but for what is named here."""
        wanted = {"lang": lang, "theme": theme}
        self.base = "/".join(address.split("/", 3)[:3])
        await self.page.context.add_cookies([{"name": name, "value": value, "url": self.base} for name, value in wanted.items()])
        await self.page.set_viewport_size({"width": size[0], "height": size[1]})
        await self.page.emulate_media(color_scheme="dark" if theme == "dark" else "light", reduced_motion="reduce")

    async def leave(self) -> None:
        """Nothing of the test is left in it."""
        context = self.page.context
        for other in [page for page in context.pages if page is not self.page]:
            await other.close()
        await self.page.unroute_all(behavior="ignoreErrors")
        try:  # a page of the same board keeps the process, which any other costs
            await self.page.goto(f"{self.base}/healthz")
        except Error:  # the board has gone before us
            await self.page.goto("about:blank")
        await self.page.mouse.move(0, 0)
        await context.clear_cookies()


class Tabs:
    """Those of one browser, by what can't be changed in one that is open: its language, and whether it runs scripts."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._free: dict[tuple[str, bool], list[Tab]] = {}
        self._taken: list[tuple[tuple[str, bool], Tab]] = []

    async def take(self, lang: str, script: bool) -> Tab:
        """One that nobody uses."""
        kind = (lang, script)
        free = self._free.setdefault(kind, [])
        if not free:
            context = await self._browser.new_context(locale=lang, timezone_id="Asia/Taipei", java_script_enabled=script)
            free.append(Tab(await context.new_page()))
        self._taken.append((kind, free.pop()))
        return self._taken[-1][1]

    async def give_back(self) -> list[str]:
        """All that were taken; what their pages complained of."""
        complaints = []
        for kind, tab in self._taken:
            try:
                await tab.leave()
            except Error:  # one that crashed or hangs is nobody's any more
                with contextlib.suppress(Error):
                    await tab.page.context.close()
            else:
                self._free[kind].append(tab)
            complaints += tab.complaints
            tab.complaints.clear()
        self._taken.clear()
        return complaints


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def tabs() -> AsyncIterator[Tabs]:
    """One browser for all tests of a process, so they share its event loop: a start takes a second of a core."""
    path = found()
    if path is None:
        pytest.skip(WISH)
    async with async_playwright() as driver:
        started = await driver.chromium.launch(executable_path=path, args=list(FLAGS), timeout=3 * SOON_MS)
        yield Tabs(started)
        await started.close()


@pytest_asyncio.fixture(loop_scope="session")
async def open_page(tabs: Tabs) -> AsyncIterator[Open]:
    """Opens an address; what its scripts or its policy complain of fails the test."""

    async def opened(
        address: str, *, size: tuple[int, int] = DESK, lang: str = "en", theme: str = "light", script: bool = True
    ) -> Page:
        tab = await tabs.take(lang, script)
        await tab.dress(address, size, lang, theme)
        await tab.page.goto(address)
        return tab.page

    yield opened
    assert await tabs.give_back() == []


@pytest.fixture(scope="session")
def scene_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A busy installation for tests that only look: made once for all processes of a run, as that takes seconds, and copied."""
    run = tmp_path_factory.getbasetemp()
    made = (run.parent if "PYTEST_XDIST_WORKER" in os.environ else run) / "scene"
    with made.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            half = Path(tempfile.mkdtemp(dir=made.parent))
            asyncio.run(Scene(half).set(batch=60))
            half.rename(made)
    return Path(shutil.copytree(made, tmp_path_factory.mktemp("scene") / "data"))


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def busy(scene_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """Its board, one for all tests of a file; no worker is there.

    Its server is its own: the session's is another installation's in each test that has settings.
    """
    folder = tmp_path_factory.mktemp("busy") / "server"
    with pytest.MonkeyPatch.context() as patch:
        without_outer_settings(patch)
        async with running(folder) as server, serving_board(_of(scene_folder, server.url)) as address:
            yield address


def _of(folder: Path, url: str) -> Settings:
    return Settings(
        _env_file=None,
        redis_url=SecretStr(url),
        data_dir=folder,
        channels_file=folder / "channels.toml",
        reelqueue_language="en",
    )

"""A browser and a board for every test here; without a browser they are skipped, and the summary says so aloud."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page, async_playwright

from tests.browser.chromium import WISH, found

DESK, PHONE, WALL = (1440, 900), (360, 740), (2560, 1440)
Open = Callable[..., Awaitable[Page]]


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Aloud: a suite that is green without them must not look whole."""
    if any(WISH in str(report.longrepr) for report in terminalreporter.stats.get("skipped", ())):
        terminalreporter.write_line(WISH, red=True, bold=True)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """One for all tests of a process, so they share its event loop: a start takes a second of a core."""
    path = found()
    if path is None:
        pytest.skip(WISH)
    async with async_playwright() as driver:
        started = await driver.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        yield started
        await started.close()


@pytest_asyncio.fixture(loop_scope="session")
async def open_page(browser: Browser) -> AsyncIterator[Open]:
    """Opens an address; what its scripts or its policy complain of fails the test."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    async def opened(
        address: str,
        *,
        size: tuple[int, int] = DESK,
        lang: str = "en",
        theme: str = "light",
        script: bool = True,
        context: BrowserContext | None = None,
    ) -> Page:
        if context is None:
            context = await browser.new_context(
                viewport={"width": size[0], "height": size[1]},
                locale=lang,
                timezone_id="Asia/Taipei",
                java_script_enabled=script,
                color_scheme="dark" if theme == "dark" else "light",
                reduced_motion="reduce",
            )
            origin = address.split("/", 3)
            base = "/".join(origin[:3])
            await context.add_cookies(
                [{"name": name, "value": value, "url": base} for name, value in (("lang", lang), ("theme", theme))]
            )
            contexts.append(context)
        page = await context.new_page()
        page.set_default_timeout(15_000)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "console",
            lambda said: (
                complaints.append(said.text) if said.type == "error" and "Failed to load resource" not in said.text else None
            ),
        )
        await page.goto(address)
        return page

    yield opened
    for context in contexts:
        await context.close()
    assert complaints == []

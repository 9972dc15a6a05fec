"""Every page, as it looks to whoever may not see as we do, at the width of a phone, without JavaScript."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page

from reelqueue.settings import Settings
from tests.boards import serving_board
from tests.browser.conftest import DESK, PHONE, Open
from tests.scene import Scene

pytestmark = pytest.mark.asyncio(loop_scope="session")

PAGES = (
    "/",
    "/projects",
    "/projects/1",
    "/projects/4",
    "/projects/6",
    "/projects/10",
    "/batches",
    "/batches/1",
    "/publishing",
    "/workers",
    "/new",
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One busy installation for all tests here: they only look."""
    folder = tmp_path_factory.mktemp("scene")
    asyncio.run(Scene(folder).set(batch=60))
    return folder


@pytest_asyncio.fixture(loop_scope="session")
async def base(folder: Path, settings: Settings) -> AsyncIterator[str]:
    seen = settings.model_copy(update={"data_dir": folder, "channels_file": folder / "channels.toml"})
    async with serving_board(seen) as address:
        yield address


async def violations(page: Page) -> list[str]:
    """What axe-core finds, a line each."""
    results = await Axe().run(page)
    return [f"{found['id']}: {found['nodes'][0]['html'][:200]}" for found in results.response["violations"]]


@pytest.mark.parametrize(
    ("lang", "theme"),
    [
        ("zh-TW", "light"),
        pytest.param("en", "dark", marks=pytest.mark.soak),
        pytest.param("zh-TW", "dark", marks=pytest.mark.soak),
        pytest.param("en", "light", marks=pytest.mark.soak),
    ],
)
async def test_every_page_can_be_read_by_everybody(base: str, open_page: Open, lang: str, theme: str) -> None:
    found = {}
    for path in PAGES:
        page = await open_page(base + path, lang=lang, theme=theme, size=DESK)
        assert await page.locator("h1").count() == 1, path
        found[path] = await violations(page)
        await page.close()

    assert {path: lines for path, lines in found.items() if lines} == {}


@pytest.mark.parametrize("lang", ["zh-TW", pytest.param("en", marks=pytest.mark.soak)])
async def test_no_page_scrolls_sideways_on_a_phone_and_all_can_be_read_there(base: str, open_page: Open, lang: str) -> None:
    wide, found = {}, {}
    for path in PAGES:
        page = await open_page(base + path, lang=lang, size=PHONE)
        width = await page.evaluate("document.documentElement.scrollWidth")
        if width > PHONE[0]:
            wide[path] = width
        found[path] = await violations(page)
        await page.close()

    assert wide == {}
    assert {path: lines for path, lines in found.items() if lines} == {}


async def test_every_page_says_the_same_without_javascript(base: str, open_page: Open) -> None:
    for path in PAGES:
        page = await open_page(base + path, script=False)
        assert (await page.locator("main").inner_text()).strip(), path
        await page.close()

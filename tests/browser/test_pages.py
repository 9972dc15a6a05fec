"""Every page, as it looks to whoever may not see as we do, at the width of a phone, without JavaScript."""

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page
from playwright.async_api import TimeoutError as NotInTime

from tests.browser.conftest import DESK, PHONE, WALL, Open

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
MORE_PAGES = ("/batches/1?view=table", "/batches/1?view=calendar", "/batches/new")
"""Made of what the others show, wider."""
FITS = "width => innerWidth === width && document.documentElement.scrollWidth <= width"
FITS_MS = 15_000


async def violations(page: Page) -> list[str]:
    """What axe-core finds, a line each."""
    results = await Axe().run(page)
    return [f"{found['id']}: {found['nodes'][0]['html'][:200]}" for found in results.response["violations"]]


async def too_wide(page: Page, size: tuple[int, int]) -> list[str]:
    """A line where the page scrolls sideways in a window of this size; a chart needs a moment to take its own."""
    await page.set_viewport_size({"width": size[0], "height": size[1]})
    try:
        await page.wait_for_function(FITS, arg=size[0], timeout=FITS_MS)
    except NotInTime:
        return [f"{await page.evaluate('document.documentElement.scrollWidth')} wide in {size[0]}"]
    return []


@pytest.mark.parametrize(
    ("lang", "theme"),
    [
        ("zh-TW", "light"),
        pytest.param("en", "dark", marks=pytest.mark.soak),
        pytest.param("zh-TW", "dark", marks=pytest.mark.soak),
        pytest.param("en", "light", marks=pytest.mark.soak),
    ],
)
async def test_every_page_can_be_read_by_everybody_and_none_scrolls_sideways(
    busy: str, open_page: Open, lang: str, theme: str
) -> None:
    found = {}
    page = await open_page(f"{busy}/healthz", lang=lang, theme=theme)
    for path in (*PAGES, *MORE_PAGES):
        await page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
        await page.goto(busy + path)
        assert await page.locator("h1").count() == 1, path
        for size in (PHONE, DESK, WALL):
            found[path, size] = await too_wide(page, size)
            if path in PAGES and size != WALL:
                found[path, size] += await violations(page)

    assert {place: lines for place, lines in found.items() if lines} == {}


async def test_every_page_says_the_same_without_javascript(busy: str, open_page: Open) -> None:
    page = await open_page(f"{busy}/healthz", script=False)
    for path in PAGES:
        await page.goto(busy + path)
        assert (await page.locator("main").inner_text()).strip(), path

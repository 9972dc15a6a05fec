"""The shell in a browser: keys, the dialog that asks, forms that are sent once, theme, language, zone; and all of it without script."""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from reelqueue.settings import Settings
from tests.boards import serving_board
from tests.browser.conftest import PHONE, Open
from tests.scene import Scene

pytestmark = pytest.mark.asyncio(loop_scope="session")

RUNNING = "/projects/1"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One busy installation for all tests here: none of them changes it."""
    folder = tmp_path_factory.mktemp("shell")
    asyncio.run(Scene(folder).set(batch=12))
    return folder


@pytest_asyncio.fixture(loop_scope="session")
async def base(folder: Path, settings: Settings) -> AsyncIterator[str]:
    seen = settings.model_copy(update={"data_dir": folder, "channels_file": folder / "channels.toml"})
    async with serving_board(seen) as address:
        yield address


@pytest.mark.parametrize(
    ("key", "path"), [("o", "/"), ("p", "/projects"), ("b", "/batches"), ("c", "/publishing"), ("w", "/workers")]
)
async def test_g_and_a_letter_go_to_each_page(base: str, open_page: Open, key: str, path: str) -> None:
    page = await open_page(f"{base}/account")

    await page.keyboard.press("g")
    await page.keyboard.press(key)

    await page.wait_for_url(base + path)


async def test_rows_are_walked_chosen_and_opened_by_keys(base: str, open_page: Open) -> None:
    page = await open_page(f"{base}/projects")
    row = page.locator("main [data-href]").nth(1)

    for key in ("j", "j", "j", "k", "x"):
        await page.keyboard.press(key)

    await expect(row).to_be_focused()
    await expect(row.locator("input[type=checkbox]")).to_be_checked()
    await page.keyboard.press("Enter")
    await page.wait_for_url(re.compile(r"/projects/\d+$"))


async def test_keys_are_letters_in_a_field_and_off_by_the_switch(base: str, open_page: Open) -> None:
    page = await open_page(f"{base}/account")
    find = page.locator(".find input")

    await page.keyboard.press("/")
    await page.keyboard.type("g p?")
    await expect(find).to_have_value("g p?")
    await page.locator("button[name=keys][value='0']").click()
    await page.keyboard.press("/")

    await expect(page.locator("html")).to_have_attribute("data-keys", "off")
    await expect(find).not_to_be_focused()


async def test_the_list_of_keys_opens_over_the_page(base: str, open_page: Open) -> None:
    page = await open_page(f"{base}/projects")

    await page.keyboard.press("?")
    await expect(page.locator("dialog.help")).to_contain_text("Hold updates")
    await page.keyboard.press("Escape")

    await expect(page.locator("dialog")).to_have_count(0)
    assert page.url == f"{base}/projects"


async def test_what_cannot_be_taken_back_is_asked_in_a_dialog_and_the_safe_choice_has_the_focus(
    base: str, open_page: Open
) -> None:
    page = await open_page(base + RUNNING)
    cancel = page.locator("[data-asks] button").first

    await cancel.click()
    await expect(page.locator("dialog [data-safe]")).to_be_focused()
    await page.keyboard.press("Enter")

    await expect(page.locator("dialog")).to_have_count(0)
    await expect(cancel).to_be_focused()
    assert page.url == base + RUNNING


async def test_without_script_it_is_asked_on_a_page_of_its_own(base: str, open_page: Open) -> None:
    page = await open_page(base + RUNNING, script=False)

    await page.locator("[data-asks] button").first.click()
    await expect(page.locator("h1")).to_contain_text("Cancel")
    await page.locator("[data-safe]").click()

    await expect(page).to_have_url(base + RUNNING)


async def test_a_double_click_sends_a_form_once(base: str, open_page: Open) -> None:
    page = await open_page(f"{base}/account")
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)

    await page.locator("main button[name=theme][value=dark]").dblclick()
    await expect(page.locator("html")).to_have_attribute("data-theme", "dark")

    assert len(sent) == 1


async def paper(page: Page) -> str:
    found: str = await page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    return found


@pytest.mark.parametrize("script", [True, False])
async def test_theme_and_language_are_chosen_from_the_rail_and_kept(base: str, open_page: Open, script: bool) -> None:
    page = await open_page(f"{base}/projects?q=%E8%8C%B6", script=script)

    await page.locator(".own button[name=theme]").click()
    await expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    await page.locator(".own button[name=lang]").click()
    await expect(page.locator("html")).to_have_attribute("lang", "zh-TW")

    await expect(page).to_have_url(f"{base}/projects?q=%E8%8C%B6")
    await expect(page.locator(".nav a[aria-current]")).to_contain_text("專案")


async def test_light_and_dark_are_the_pictures_colours(base: str, open_page: Open) -> None:
    light = await open_page(f"{base}/account", theme="light")
    dark = await open_page(f"{base}/account", theme="dark")

    assert (await paper(light), await paper(dark)) == ("rgb(245, 246, 248)", "rgb(12, 15, 19)")


async def test_clock_times_are_the_readers_or_utc_by_a_switch(base: str, open_page: Open) -> None:
    page = await open_page(f"{base}/account")
    zone = page.locator("html")

    await expect(zone).to_have_attribute("data-zone", "Asia/Taipei")
    await page.locator("button[name=utc][value='1']").click()

    await expect(zone).to_have_attribute("data-zone", "UTC")


async def test_the_whole_shell_is_reached_by_tab_and_skipped_by_one_key(base: str, open_page: Open) -> None:
    page = await open_page(f"{base}/projects")

    await page.keyboard.press("Tab")
    await expect(page.locator(".skip")).to_be_focused()
    await page.keyboard.press("Enter")

    await expect(page.locator("main")).to_be_focused()


async def test_every_target_on_a_phone_can_be_hit_by_a_finger(base: str, open_page: Open) -> None:
    page = await open_page(f"{base}/account", size=PHONE)

    sizes = await page.evaluate(
        "[...document.querySelectorAll('a, button, input')].filter(e => e.checkVisibility() && !e.matches('.skip, [type=hidden], main footer a'))"
        ".map(e => [e.outerHTML.slice(0, 80), e.getBoundingClientRect().height]).filter(([, height]) => height < 36)"
    )

    assert sizes == []

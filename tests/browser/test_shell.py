"""The shell in a browser: keys, the dialog that asks, forms that are sent once, theme, language, zone; and all of it without script."""

import asyncio
import contextlib
import re

import pytest
from playwright.async_api import Page, expect
from playwright.async_api import TimeoutError as NotInTime

from tests.browser.conftest import PHONE, SOON_MS, Open

pytestmark = pytest.mark.asyncio(loop_scope="session")

RUNNING = "/projects/1"


async def press_both(page: Page, keys: str, address: str) -> None:
    """Two keys in a row, again where the machine took longer between them than a hand would."""
    async with asyncio.timeout(SOON_MS / 1000):
        while page.url != address:
            await page.keyboard.type(keys)
            with contextlib.suppress(NotInTime):
                await page.wait_for_url(address, timeout=3_000)
    await page.wait_for_load_state()


async def test_g_and_a_letter_go_to_each_page(busy: str, open_page: Open) -> None:
    page = await open_page(f"{busy}/account")

    for key, path in {"o": "/", "p": "/projects", "b": "/batches", "c": "/publishing", "w": "/workers"}.items():
        await press_both(page, f"g{key}", busy + path)


async def test_rows_are_walked_chosen_and_opened_by_keys(busy: str, open_page: Open) -> None:
    page = await open_page(f"{busy}/projects")
    row = page.locator("main [data-href]").nth(1)

    for key in ("j", "j", "j", "k", "x"):
        await page.keyboard.press(key)

    await expect(row).to_be_focused()
    await expect(row.locator("input[type=checkbox]")).to_be_checked()
    await page.keyboard.press("Enter")
    await page.wait_for_url(re.compile(r"/projects/\d+$"))


async def test_keys_are_letters_in_a_field_and_off_by_the_switch(busy: str, open_page: Open) -> None:
    page = await open_page(f"{busy}/account")
    find = page.locator(".find input")

    await page.keyboard.press("/")
    await page.keyboard.type("g p?")
    await expect(find).to_have_value("g p?")
    await page.locator("button[name=keys][value='0']").click()
    await expect(page.locator("html")).to_have_attribute("data-keys", "off")
    await page.wait_for_load_state()
    await page.keyboard.press("/")

    await expect(find).not_to_be_focused()


async def test_the_list_of_keys_opens_over_the_page(busy: str, open_page: Open) -> None:
    page = await open_page(f"{busy}/projects")

    await page.keyboard.press("?")
    await expect(page.locator("dialog.help")).to_contain_text("Hold updates")
    await page.keyboard.press("Escape")

    await expect(page.locator("dialog")).to_have_count(0)
    assert page.url == f"{busy}/projects"


async def test_what_cannot_be_taken_back_is_asked_in_a_dialog_and_the_safe_choice_has_the_focus(
    busy: str, open_page: Open
) -> None:
    page = await open_page(busy + RUNNING)
    cancel = page.locator("[data-asks] button").first

    await cancel.click()
    await expect(page.locator("dialog [data-safe]")).to_be_focused()
    await page.keyboard.press("Enter")

    await expect(page.locator("dialog")).to_have_count(0)
    await expect(cancel).to_be_focused()
    assert page.url == busy + RUNNING


async def test_without_script_it_is_asked_on_a_page_of_its_own(busy: str, open_page: Open) -> None:
    page = await open_page(busy + RUNNING, script=False)

    await page.locator("[data-asks] button").first.click()
    await expect(page.locator("h1")).to_contain_text("Cancel")
    await page.locator("[data-safe]").click()

    await expect(page).to_have_url(busy + RUNNING)


async def test_a_double_click_sends_a_form_once(busy: str, open_page: Open) -> None:
    page = await open_page(f"{busy}/account")
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)

    await page.locator("main button[name=theme][value=dark]").dblclick()
    await expect(page.locator("html")).to_have_attribute("data-theme", "dark")

    assert len(sent) == 1


@pytest.mark.parametrize("script", [True, False])
async def test_theme_and_language_are_chosen_from_the_rail_and_kept(busy: str, open_page: Open, script: bool) -> None:
    page = await open_page(f"{busy}/projects?q=%E8%8C%B6", script=script)

    await page.locator(".own button[name=theme]").click()
    await expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    await page.locator(".own button[name=lang]").click()
    await expect(page.locator("html")).to_have_attribute("lang", "zh-TW")

    await expect(page).to_have_url(f"{busy}/projects?q=%E8%8C%B6")
    await expect(page.locator(".nav a[aria-current]")).to_contain_text("專案")


async def test_light_and_dark_are_the_pictures_colours(busy: str, open_page: Open) -> None:
    for theme, colour in {"light": "rgb(245, 246, 248)", "dark": "rgb(12, 15, 19)"}.items():
        page = await open_page(f"{busy}/account", theme=theme)
        await expect(page.locator("html")).to_have_css("background-color", colour)


async def test_clock_times_are_the_readers_or_utc_by_a_switch(busy: str, open_page: Open) -> None:
    page = await open_page(f"{busy}/account")
    zone = page.locator("html")

    await expect(zone).to_have_attribute("data-zone", "Asia/Taipei")
    await page.locator("button[name=utc][value='1']").click()

    await expect(zone).to_have_attribute("data-zone", "UTC")


async def test_the_whole_shell_is_reached_by_tab_and_skipped_by_one_key(busy: str, open_page: Open) -> None:
    page = await open_page(f"{busy}/projects")

    await page.keyboard.press("Tab")
    await expect(page.locator(".skip")).to_be_focused()
    await page.keyboard.press("Enter")

    await expect(page.locator("main")).to_be_focused()


async def test_every_target_on_a_phone_can_be_hit_by_a_finger(busy: str, open_page: Open) -> None:
    page = await open_page(f"{busy}/account", size=PHONE)

    sizes = await page.evaluate(
        "[...document.querySelectorAll('a, button, input')].filter(e => e.checkVisibility() && !e.matches('.skip, [type=hidden], main footer a'))"
        ".map(e => [e.outerHTML.slice(0, 80), e.getBoundingClientRect().height]).filter(([, height]) => height < 36)"
    )

    assert sizes == []

"""A batch in a real browser: its grid by the keyboard and live, its buttons, a file that becomes one; and all of it without script."""

import re
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from jobs.client import connect
from reelqueue.models.batch import BatchState
from reelqueue.models.stage import BatchStatus
from reelqueue.settings import Settings
from storage import BatchStore, Paths
from tests.boards import serving_board
from tests.browser.conftest import DESK, PHONE, Open

pytestmark = pytest.mark.asyncio(loop_scope="session")

ROWS = "topic,key\nWhy the sea is salt,a\nHow tides work,b\n"
CELLS = "[data-grid] > a"


@pytest_asyncio.fixture(loop_scope="session")
async def base(settings: Settings) -> AsyncIterator[str]:
    async with serving_board(settings) as address:
        yield address


@pytest_asyncio.fixture(loop_scope="session")
async def batch(settings: Settings) -> BatchState:
    """Forty projects that run, as no worker is there."""
    async with connect(settings) as queue:
        made = await queue.create_batch([{"topic": f"Tide {n}"} for n in range(1, 41)])
        await queue.start_batch(made.batch_id)
    return made


@pytest.fixture
def batches(settings: Settings) -> BatchStore:
    return BatchStore.reader(Paths(settings.data_dir))


async def tab_stops(page: Page) -> int:
    """How many cells the tab key stops at."""
    return int(await page.locator(CELLS).evaluate_all("cells => cells.filter(one => one.tabIndex === 0).length"))


async def chosen(page: Page, place: int) -> None:
    """Wait until the cell at this place of the batch has the focus."""
    await expect(page.locator(CELLS).nth(place - 1)).to_be_focused()


async def test_the_grid_is_one_tab_stop_with_arrows_the_line_below_follows_and_enter_opens(
    base: str, batch: BatchState, open_page: Open
) -> None:
    page = await open_page(f"{base}/batches/{batch.batch_id}")
    await page.locator(CELLS).first.focus()

    assert await tab_stops(page) == 1
    for key, place in (
        ("ArrowRight", 2),
        ("ArrowDown", 32),
        ("ArrowLeft", 31),
        ("End", 40),
        ("Home", 31),
        ("ArrowUp", 1),
        ("ArrowUp", 1),
        ("ArrowRight", 2),
    ):
        await page.keyboard.press(key)
        await chosen(page, place)
    await expect(page.locator(CELLS).nth(1)).to_have_attribute("aria-label", "2 Created")
    await expect(page.locator("[data-line]")).to_contain_text(f"Row 2 · #{batch.project_ids[1]} Tide 2")
    await page.keyboard.press("Enter")

    await expect(page).to_have_url(f"{base}/projects/{batch.project_ids[1]}")


async def test_by_hand_the_first_click_chooses_and_the_second_opens(base: str, batch: BatchState, open_page: Open) -> None:
    page = await open_page(f"{base}/batches/{batch.batch_id}")

    await page.locator(CELLS).nth(6).click()
    await expect(page.locator("[data-line]")).to_contain_text("Row 7 ")
    await expect(page).to_have_url(f"{base}/batches/{batch.batch_id}")
    await page.locator(CELLS).nth(6).click()

    await expect(page).to_have_url(f"{base}/projects/{batch.project_ids[6]}")


async def test_on_a_phone_the_line_stays_in_sight(base: str, batch: BatchState, open_page: Open) -> None:
    page = await open_page(f"{base}/batches/{batch.batch_id}", size=PHONE)

    await page.locator(CELLS).first.click()

    await expect(page.locator("[data-line]")).to_contain_text("Row 1 ")
    await expect(page.locator("[data-line]")).to_be_in_viewport()


async def test_a_cell_and_its_line_change_by_themselves_and_the_focus_stays(
    base: str, batch: BatchState, settings: Settings, open_page: Open
) -> None:
    page = await open_page(f"{base}/batches/{batch.batch_id}")
    await page.locator(CELLS).nth(2).focus()
    await expect(page.locator("[data-line]")).to_contain_text("Row 3")

    async with connect(settings) as queue:
        await queue.cancel(batch.project_ids[2])

    await expect(page.locator(CELLS).nth(2)).to_have_class(re.compile(r"\bca\b"))
    await expect(page.locator(CELLS).nth(2)).to_have_attribute("aria-label", "3 Cancelled")
    await expect(page.locator("[data-line]")).to_contain_text("Cancelled")
    await chosen(page, 3)
    assert await tab_stops(page) == 1


async def test_cancelling_asks_in_a_dialog_whose_safe_answer_has_the_focus(
    base: str, batch: BatchState, batches: BatchStore, open_page: Open
) -> None:
    page = await open_page(f"{base}/batches/{batch.batch_id}")
    await page.get_by_label("More actions").click()
    await page.get_by_role("button", name="Cancel the batch…").click()

    await expect(page.get_by_role("dialog")).to_contain_text("40 projects that have not ended stop")
    await expect(page.get_by_role("link", name="Let it go on")).to_be_focused()
    assert (await batches.load(batch.batch_id)).status is BatchStatus.RUNNING
    await page.get_by_role("dialog").get_by_role("button", name="Cancel the batch").click()

    await expect(page.locator(".said")).to_contain_text("The batch is cancelled")
    assert (await batches.load(batch.batch_id)).status is BatchStatus.CANCELLED


@pytest.mark.parametrize("script", [pytest.param(True, id="with script"), pytest.param(False, id="without")])
async def test_a_file_becomes_a_batch_after_a_look(base: str, batches: BatchStore, open_page: Open, script: bool) -> None:
    page = await open_page(f"{base}/batches/new", script=script)
    await page.get_by_label("File", exact=True).set_input_files(
        {"name": "topics.csv", "mimeType": "text/csv", "buffer": ROWS.encode()}
    )
    await page.get_by_role("button", name="See what it makes").click()

    await expect(page.get_by_role("heading", name="It makes 2 videos")).to_be_visible()
    assert await batches.list() == []
    await page.get_by_role("button", name="Make these 2").click()

    await expect(page.locator(".said")).to_contain_text("The batch has begun")
    (made,) = await batches.list()
    assert len(made.project_ids) == 2


async def test_without_script_a_cell_leads_to_its_project(base: str, batch: BatchState, open_page: Open) -> None:
    page = await open_page(f"{base}/batches/{batch.batch_id}", script=False)

    await page.locator(CELLS).nth(3).click()

    await expect(page).to_have_url(f"{base}/projects/{batch.project_ids[3]}")


async def test_a_row_of_the_grid_is_as_long_as_there_is_room(base: str, batch: BatchState, open_page: Open) -> None:
    page = await open_page(f"{base}/batches/{batch.batch_id}", size=PHONE)

    for (width, height), wide in {PHONE: 12, DESK: 30}.items():
        await page.set_viewport_size({"width": width, "height": height})
        await page.wait_for_function(
            """([cells, wide]) => {
                const tops = [...document.querySelectorAll(cells)].map(one => one.offsetTop);
                return tops.filter(top => top === tops[0]).length === wide;
            }""",
            arg=[CELLS, wide],
        )


async def test_a_phone_shows_two_days_and_goes_on_by_two(busy: str, open_page: Open) -> None:
    page = await open_page(f"{busy}/publishing", size=PHONE)
    heads = page.locator(".plan thead th:visible")
    before = await heads.all_inner_texts()

    await page.get_by_role("link", name="Two days on").click()
    await expect(heads.first).not_to_have_text(before[0])
    await page.wait_for_load_state()

    assert len(before) == 2
    assert not set(before) & set(await heads.all_inner_texts())

"""What operators do, in a real browser, with real workers behind it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Locator, Page, expect
from pydantic import SecretStr

from jobs import connect
from reelqueue.models.stage import ProjectStatus
from reelqueue.settings import Settings
from storage import Paths, ProjectStore
from tests.boards import serving_board
from tests.browser.conftest import Open
from tests.faults.redis_server import RedisServer
from tests.workers import HUMMING, TINY, worker

pytestmark = pytest.mark.asyncio(loop_scope="session")

TEXT = "The moon pulls the sea, and the sea follows. Twice a day the water comes, and twice a day it goes."
SMALL = {"topic": "Tides", "content": TEXT, "aspect": "1:1", "fps": 24}
MAKE_MS = 300_000
HANGS = "REELQUEUE_FAILPOINT"
"""Where a worker of a test stands still: what it stands in stays as it is until the page has shown it."""


@pytest_asyncio.fixture(loop_scope="session")
async def base(settings: Settings) -> AsyncIterator[str]:
    async with serving_board(settings) as address:
        yield address


def act(page: Page, name: str) -> Locator:
    """The button that does it, of whatever form has one."""
    return page.locator(f"form[action$='/{name}'] button:not([name]):visible").first


async def status(page: Page, wanted: str, timeout_ms: float | None = None) -> None:
    """Wait until the open page says so, without a reload."""
    await expect(page.locator(f"[data-project][data-status='{wanted}']").first).to_be_attached(timeout=timeout_ms)


async def test_a_topic_typed_in_becomes_a_video_that_is_watched_live_played_and_sought(
    settings: Settings, base: str, open_page: Open
) -> None:
    async with worker(settings, module=TINY, VIDEO_MAX_JOBS="1", **HUMMING):
        page = await open_page(f"{base}/new")
        await page.fill("#topic", "Tides <script>alert(1)</script>")
        await page.select_option("#aspect", "1:1")
        await page.locator("details.more summary").click()
        await page.fill("#content", TEXT)
        await page.locator("form.make button[type=submit], form.make button:not([name])").first.click()
        await page.wait_for_url("**/projects/1*")
        await expect(page.locator("h1")).to_have_text("Tides <script>alert(1)</script>")
        await status(page, "running")
        seen = page.locator("[data-field=overall]").first
        before = await seen.inner_text() if await seen.count() else "0"
        await status(page, "completed", MAKE_MS)
        assert before != "100"

        await page.reload()
        video = page.locator("video")
        await expect(video).to_be_visible()
        length = await video.evaluate(
            "async video => { video.muted = true; await video.play(); video.pause();"
            " const sought = new Promise(done => video.addEventListener('seeked', done, {once: true}));"
            " video.currentTime = video.duration / 2; await sought; return [video.duration, video.currentTime, video.textTracks.length]; }"
        )

    assert length[0] > 3
    assert length[1] == pytest.approx(length[0] / 2, abs=0.2)
    assert length[2] == 1


async def test_a_running_project_is_cancelled_after_a_question_and_goes_on_by_a_retry(
    settings: Settings, base: str, open_page: Open
) -> None:
    hangs = {HANGS: "stage.made:hang,piece.made:hang"}
    async with connect(settings) as queue, worker(settings, module=TINY, VIDEO_MAX_JOBS="1", **HUMMING, **hangs):
        await queue.create_project(SMALL)
        await queue.start(1)
        page = await open_page(f"{base}/projects/1")
        await status(page, "running")
        await act(page, "cancel").click()
        dialog = page.locator("dialog[open]")
        await expect(dialog).to_be_visible()
        await expect(dialog.locator("[data-safe]")).to_be_focused()
        assert (await queue.get_project(1)).status is not ProjectStatus.CANCELLED
        await dialog.locator("form button").last.click()
        await status(page, "cancelled")
        assert (await queue.get_project(1)).status is ProjectStatus.CANCELLED

        await act(page, "retry").click()
        await status(page, "running")
        assert (await queue.get_project(1)).run == 2


async def test_a_script_that_waits_for_its_review_is_edited_with_its_price_said_first_and_approved(
    settings: Settings, base: str, open_page: Open
) -> None:
    async with (
        connect(settings) as queue,
        worker(settings, module=TINY, VIDEO_MAX_JOBS="1", **HUMMING, **{HANGS: "stage.made:hang@2"}),
    ):
        await queue.create_project(SMALL | {"review": ["script"]})
        await queue.start(1)
        page = await open_page(f"{base}/projects/1")
        await status(page, "waiting_review")
        await page.goto(f"{base}/projects/1/script")
        text = page.locator("form.script textarea[name*=text]").first
        await text.fill("Nobody pulls harder than the moon, and the sea has known that for longer than any of us has.")
        await page.locator("form.script button[value=price]").click()
        await expect(page.locator("main")).to_contain_text("nothing", ignore_case=True)
        await expect(page.locator("form.script textarea[name*=text]").first).to_have_value(
            "Nobody pulls harder than the moon, and the sea has known that for longer than any of us has."
        )
        assert "Nobody" not in (await queue.get_script(1)).model_dump_json()
        await page.locator("form.script button[value=save]").click()
        await expect(page.locator("#said")).to_contain_text("The script is saved")
        assert "Nobody" in (await queue.get_script(1)).model_dump_json()

        await page.goto(f"{base}/projects/1")
        await act(page, "approve").click()
        await status(page, "running")


async def test_an_open_page_says_that_redis_is_away_and_goes_on_when_it_is_back(
    settings: Settings, tmp_path: Path, open_page: Open
) -> None:
    server = RedisServer(tmp_path / "redis")
    await server.start()
    seen = settings.model_copy(update={"redis_url": SecretStr(server.url)})
    try:
        hangs = {HANGS: "stage.made:hang@2"}
        async with (
            connect(seen) as queue,
            serving_board(seen) as base,
            worker(seen, module=TINY, VIDEO_MAX_JOBS="1", **HUMMING, **hangs),
        ):
            await queue.create_project(SMALL | {"review": ["script"]})
            await queue.start(1)
            page = await open_page(f"{base}/projects/1")
            await status(page, "waiting_review")
            await server.kill()
            await expect(page.locator("main")).to_contain_text("Redis does not answer")
            await expect(act(page, "approve")).to_be_disabled()
            await expect(page.locator("h1")).to_have_text("Tides")
            await server.start()
            await expect(act(page, "approve")).to_be_enabled()
            await act(page, "approve").click()
            await status(page, "running")
    finally:
        await server.kill()


async def test_what_one_window_does_the_other_shows(settings: Settings, base: str, open_page: Open) -> None:
    async with connect(settings) as queue:
        await queue.create_project(SMALL)
        await queue.start(1)
        first = await open_page(f"{base}/projects/1")
        second = await open_page(f"{base}/projects/1")
        await act(first, "cancel").click()
        await first.locator("dialog[open] form button").last.click()
        await status(second, "cancelled")

        stale = await open_page(f"{base}/projects/1")
        await stale.keyboard.press("p")
        await expect(stale.locator("#live-held")).to_be_visible()
        await act(second, "retry").click()
        await status(second, "queued")
        await act(stale, "retry").click()
        await expect(stale.locator("main")).to_contain_text("That can't be done")
        assert (await queue.get_project(1)).run == 2


async def test_without_javascript_a_project_is_made_cancelled_and_retried(settings: Settings, base: str, open_page: Open) -> None:
    page = await open_page(f"{base}/new", script=False)
    await page.fill("#topic", "Tides")
    await page.locator("form.make button:not([name])").first.click()
    await expect(page).to_have_url(f"{base}/projects/1")
    await act(page, "cancel").click()
    await expect(page.locator("main .ask h1")).to_contain_text("Tides")
    await page.locator("main form button").last.click()
    await status(page, "cancelled")
    store = ProjectStore.reader(Paths(settings.data_dir))
    assert (await store.load(1)).status is ProjectStatus.CANCELLED

    await act(page, "retry").click()
    await status(page, "queued")
    assert (await store.load(1)).status is ProjectStatus.QUEUED


async def test_an_id_that_is_none_is_a_page_that_says_so(base: str, open_page: Open) -> None:
    page = await open_page(f"{base}/projects/999")

    await expect(page.locator("h1")).to_be_visible()
    await expect(page.locator("main")).to_contain_text("no project 999")

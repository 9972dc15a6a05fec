"""The overview and the form that makes a video in a real browser: large charts, what waits to be shown, and all of it without script."""

import re
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import expect
from redis.asyncio import Redis

from progress import Publisher
from reelqueue.models.project import StageError
from reelqueue.models.stage import ProjectStatus, Stage, StageStatus
from reelqueue.settings import Settings
from storage import Owner, Paths, ProjectStore
from tests.boards import serving_board
from tests.browser.conftest import DESK, PHONE, WALL, Open

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(loop_scope="session")
async def empty(settings: Settings) -> AsyncIterator[str]:
    """A board of an installation in which nothing was made yet."""
    async with serving_board(settings) as address:
        yield address


@pytest.fixture
def store(settings: Settings) -> ProjectStore:
    return ProjectStore(Paths(settings.data_dir), Owner.here(), lease_seconds=3)


async def fail(store: ProjectStore, title: str, code: str) -> int:
    number = (await store.create({"topic": title})).project_id
    error = StageError(code=code, message="what the service said", hint="what to do")
    await store.change(
        number,
        lambda state: state.with_stage(Stage.UPLOAD, status=StageStatus.FAILED, error=error).replace(status=ProjectStatus.FAILED),
    )
    return number


async def test_a_large_chart_comes_when_it_is_near_and_answers_the_pointer(busy: str, open_page: Open) -> None:
    page = await open_page(busy, size=(1440, 400))
    assert await page.locator("canvas").count() == 0

    await page.locator("#throughput").scroll_into_view_if_needed()
    plots = page.locator(".mount .u-over")
    await expect(plots).to_have_count(2)
    await plots.first.hover(position={"x": 200, "y": 30})

    await expect(page.locator(".reading").first).to_have_text(re.compile(r"\d\d/\d\d \d\d:\d\d · [\d.]+"))
    await expect(page.locator(".reading").last).to_have_text(re.compile(r"\d\d/\d\d \d\d:\d\d · "))  # both tell of the same hour


async def test_nothing_moves_when_a_chart_takes_the_place_of_its_picture(busy: str, open_page: Open) -> None:
    page = await open_page(busy)
    await page.keyboard.press("p")  # nothing else may move meanwhile
    await expect(page.locator("#live-held")).to_be_visible()
    before = await page.evaluate("document.documentElement.scrollHeight")

    await page.locator("#throughput").scroll_into_view_if_needed()
    await expect(page.locator(".mount canvas")).to_have_count(2)

    assert abs(await page.evaluate("document.documentElement.scrollHeight") - before) <= 2


async def test_without_script_a_chart_is_a_picture_with_a_sentence_and_a_table(busy: str, open_page: Open) -> None:
    page = await open_page(busy, script=False)
    panel = page.locator("section", has=page.locator("#throughput"))

    await panel.locator("summary").first.click()

    await expect(panel.get_by_role("img", name="Videos published in each of the last 24 hours")).to_be_visible()
    assert await panel.locator("tbody").first.locator("tr").count() in {24, 25}


async def test_there_are_as_many_columns_as_there_is_room_for(busy: str, open_page: Open) -> None:
    page = await open_page(busy, size=PHONE)

    for (width, height), columns in {PHONE: 1, DESK: 2, WALL: 3}.items():
        await page.set_viewport_size({"width": width, "height": height})
        await page.wait_for_function(
            """columns => columns === new Set([...document.querySelectorAll(".over > .stack")]
                .map(one => Math.round(one.getBoundingClientRect().left))).size""",
            arg=columns,
        )


async def test_a_new_cause_waits_until_the_reader_wants_to_see_it(settings, store, open_page: Open) -> None:
    await fail(store, "first", "authentication")
    async with serving_board(settings) as address:
        page = await open_page(address)
        causes = page.locator(".causes li")
        await expect(causes).to_have_count(1)

        number = await fail(store, "second", "media")
        async with Redis.from_url(settings.redis_url.get_secret_value()) as redis:
            told = {"stage": "error", "progress": 0, "message": "…", "status": "failed"}
            await Publisher(redis).publish(project_id=number, **told)
        waiting = page.locator("[data-new=causes]")
        await expect(waiting).to_be_visible()
        await expect(causes).to_have_count(1)
        await waiting.click()

        await expect(causes).to_have_count(2)


@pytest.mark.parametrize("script", [True, False], ids=["with script", "without"])
async def test_the_first_video_is_made_from_the_page(empty: str, store, open_page: Open, script: bool) -> None:
    page = await open_page(empty, script=script)
    await expect(page.get_by_role("heading", level=1)).to_have_text("Make the first video")

    await page.get_by_label("Topic").fill("Why does the deep sea glow?")
    await page.get_by_label("Length").select_option("60")
    await page.get_by_role("button", name="Make it", exact=True).click()

    await expect(page).to_have_url(re.compile(r"/projects/1$"))
    state = await store.load(1)
    assert (state.brief.topic, state.brief.duration_s, state.status) == ("Why does the deep sea glow?", 60, ProjectStatus.QUEUED)


async def test_a_mistake_is_said_beside_its_field_and_what_was_typed_stays(empty: str, store, open_page: Open) -> None:
    page = await open_page(f"{empty}/new")
    await page.get_by_label("Topic").fill("Why does the deep sea glow?")
    await page.get_by_text("More settings", exact=True).click()
    await page.get_by_label("Priority").fill("900")

    await page.get_by_role("button", name="Make it", exact=True).click()

    field = page.get_by_label("Priority")
    await expect(field).to_have_attribute("aria-invalid", "true")
    await expect(field).to_have_value("900")
    await expect(field).to_have_accessible_description(re.compile("a whole number from -100 to 100"))
    assert list(await store.ids()) == []

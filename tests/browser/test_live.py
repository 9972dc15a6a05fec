"""What moves on an open page, and what must not, in a real browser on a real board with a real Redis."""

import asyncio
import re
import socket
from collections.abc import AsyncIterator, Iterator
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from playwright.async_api import Page, Route
from playwright.async_api import expect as expected
from pydantic import SecretStr
from redis.asyncio import Redis

from jobs.pipeline import overall as overall_of
from progress import Publisher
from reelqueue import clock
from reelqueue.dashboard import dashboard
from reelqueue.models.stage import ProjectStatus, Stage, StageStatus
from reelqueue.settings import Settings
from storage import Owner, Paths, ProjectStore
from tests.boards import serving_board
from tests.browser.conftest import Open
from tests.faults.redis_server import RedisServer, running

pytestmark = pytest.mark.asyncio(loop_scope="session")

SOMETHING = re.compile(".+")
WATCH = """(number) => {
  window.statuses = [];
  const row = document.querySelector(`[data-rows="list"] > [data-project="${number}"]`);
  new MutationObserver(() => window.statuses.push(row.dataset.status)).observe(row, {attributes: true, attributeFilter: ["data-status"]});
}"""
"""Writes down what a row becomes from here on."""
FALLS = """(field) => {
  window.falls = [];
  let was = Number(field.textContent);
  new MutationObserver(() => { const now = Number(field.textContent); if (now < was) window.falls.push(now); was = now; }).observe(
    field, {childList: true, characterData: true, subtree: true});
}"""
"""Writes down each time that a figure becomes less from here on."""
TITLE = "深海為什麼會發光？"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def one_server(tmp_path_factory) -> AsyncIterator[RedisServer]:
    async with running(tmp_path_factory.mktemp("live") / "server") as found:
        yield found


@pytest_asyncio.fixture(loop_scope="session")
async def server(one_server: RedisServer) -> RedisServer:
    """A server that a test may end, and that remembers nothing of the test before."""
    await one_server.restart(empty=True) if one_server.process.returncode is not None else await one_server.say("FLUSHALL")
    return one_server


@pytest.fixture
def ours(server: RedisServer, settings: Settings) -> Settings:
    return settings.model_copy(update={"redis_url": SecretStr(server.url)})


@pytest.fixture
def projects(ours: Settings) -> ProjectStore:
    return ProjectStore(Paths(ours.data_dir), Owner.here(), lease_seconds=3)


@pytest_asyncio.fixture(loop_scope="session")
async def publisher(server: RedisServer) -> AsyncIterator[Publisher]:
    async with Redis.from_url(server.url) as redis:
        yield Publisher(redis)


@pytest.fixture
def unused_port() -> Iterator[int]:
    """A port that nobody else gets while nobody listens on it: bound, which keeps no server of ours away."""
    with socket.socket() as keeper:
        keeper.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        keeper.bind(("127.0.0.1", 0))
        yield int(keeper.getsockname()[1])


async def made(projects: ProjectStore, status: ProjectStatus = ProjectStatus.RUNNING, title: str = TITLE) -> int:
    number = (await projects.create({"topic": title})).project_id
    await become(projects, number, status)
    return number


async def become(projects: ProjectStore, number: int, status: ProjectStatus) -> None:
    def change(state: Any) -> Any:
        if status is ProjectStatus.RUNNING:
            at = clock.now()
            for stage in (Stage.SCRIPT, Stage.ASSETS):
                state = state.with_stage(stage, status=StageStatus.DONE, started_at=at, finished_at=at)
            state = state.with_stage(Stage.RENDER, status=StageStatus.RUNNING, started_at=at)
        return state.model_copy(update={"status": status})

    await projects.change(number, change)


def whole(percent: float) -> float:
    """How far the project is while its render stands at `percent`."""
    return overall_of(Stage.RENDER, percent)


async def tell(publisher: Publisher, number: int, **fields: Any) -> None:
    usual = {"stage": "video_rendering", "progress": 0, "message": "…", "status": "running", "run": 1}
    assert await publisher.publish(project_id=number, **usual | fields) is not None


def running_row(page: Page, number: int) -> Any:
    return page.locator(f'tr[data-project="{number}"]')


async def test_figures_move_and_a_status_is_shown_and_announced_once(ours, projects, publisher, open_page: Open):
    number = await made(projects)
    async with serving_board(ours) as url:
        page = await open_page(f"{url}/projects/{number}")
        await tell(publisher, number, progress=25, overall=whole(25), eta_s=95)
        await expected(page.locator('[data-field="overall"]').first).to_have_text("53")
        await tell(publisher, number, progress=50, overall=whole(50), eta_s=60)
        await expected(page.locator('[data-field="overall"]').first).to_have_text("66")
        assert await page.locator("#live-said").inner_text() == ""
        await become(projects, number, ProjectStatus.WAITING_DISK)
        await tell(publisher, number, progress=50, overall=whole(50), status="waiting_disk", message="disk")
        await expected(page.locator("#live-said")).to_have_text(f"{TITLE}: Waiting for disk")
        await expected(page.locator(".facts .pill")).to_have_text("Waiting for disk")


async def test_no_project_is_painted_more_than_four_times_a_second(ours, projects, publisher, open_page: Open):
    number = await made(projects)
    async with serving_board(ours) as url:
        page = await open_page(f"{url}/projects/{number}")
        await tell(publisher, number, progress=0, overall=whole(0))
        await page.evaluate(
            """() => { window.seen = 0; new MutationObserver(() => { window.seen += 1; }).observe(
                document.querySelector('[data-field="overall"]'), {childList: true, characterData: true, subtree: true}); }"""
        )
        loop = asyncio.get_running_loop()
        began = loop.time()
        for percent in range(1, 100):
            await tell(publisher, number, progress=percent, overall=whole(percent))
            await asyncio.sleep(0.02)
        await expected(page.locator('[data-field="overall"]').first).to_have_text("91")
        took = loop.time() - began

        assert await page.evaluate("window.seen") <= 5 * took + 3  # one a second is a part's that is asked for again


async def test_held_nothing_moves_and_let_go_it_stands_where_it_is_now(ours, projects, publisher, open_page: Open):
    number = await made(projects)
    async with serving_board(ours) as url:
        page = await open_page(f"{url}/projects/{number}")
        overall = page.locator('[data-field="overall"]').first
        await tell(publisher, number, progress=25, overall=whole(25))
        await expected(overall).to_have_text("53")
        await page.keyboard.press("p")
        await expected(page.locator("#live-held")).to_be_visible()
        await tell(publisher, number, progress=50, overall=whole(50))
        await tell(publisher, number, progress=75, overall=whole(75))
        await page.wait_for_timeout(1_000)
        assert await overall.inner_text() == "53"
        await page.keyboard.press("p")
        await expected(overall).to_have_text("79")


async def test_a_hidden_page_paints_nothing_and_lets_its_stream_go(ours, projects, publisher, open_page: Open):
    number = await made(projects)
    app = dashboard(ours)
    async with serving_board(app) as url:
        page = await open_page(f"{url}/projects/{number}")
        overall = page.locator('[data-field="overall"]').first
        await tell(publisher, number, progress=25, overall=whole(25))
        await expected(overall).to_have_text("53")
        await hide(page, hidden=True)
        await tell(publisher, number, progress=50, overall=whole(50))
        async with asyncio.timeout(60):
            while app.state.board.hub.has_pages:
                await asyncio.sleep(0.05)
        assert await overall.inner_text() == "53"
        await tell(publisher, number, progress=75, overall=whole(75))
        await hide(page, hidden=False)
        await expected(overall).to_have_text("79")


async def hide(page: Page, *, hidden: bool) -> None:
    await page.evaluate(
        """(hidden) => { Object.defineProperty(document, 'hidden', {value: hidden, configurable: true});
            document.dispatchEvent(new Event('visibilitychange')); }""",
        hidden,
    )


async def test_rows_keep_their_order_and_new_ones_wait(ours, projects, publisher, open_page: Open):
    first, second = await made(projects, title="First"), await made(projects, title="Second")
    async with serving_board(ours) as url:
        page = await open_page(f"{url}/projects")
        rows = page.locator('[data-rows="list"] > [data-project]')
        await expected(rows).to_have_count(2)
        top = (await running_row(page, second).bounding_box())["y"]
        third = await made(projects, title="Third")
        await tell(publisher, first, progress=50, overall=whole(50))
        more = page.locator('[data-new="list"]')
        await expected(more).to_be_visible(timeout=20_000)
        assert await rows.count() == 2
        assert (await running_row(page, second).bounding_box())["y"] == pytest.approx(top, abs=40)
        await more.click()
        await expected(rows).to_have_count(3)
        await expected(rows.first).to_have_attribute("data-project", str(third))


async def test_the_row_that_keys_went_to_is_still_that_when_it_is_told_anew(ours, projects, publisher, open_page: Open):
    number = await made(projects, ProjectStatus.QUEUED)
    async with serving_board(ours) as url:
        page = await open_page(f"{url}/projects")
        await page.keyboard.press("j")
        row = page.locator(f'[data-rows="list"] > [data-project="{number}"]')
        await expected(row).to_be_focused()
        async with page.expect_response(lambda answer: "part=" in answer.url):
            await become(projects, number, ProjectStatus.RUNNING)
            await tell(publisher, number, progress=50, overall=whole(50))
        await expected(row).to_contain_text("50")

        await expected(row).to_be_focused()


async def test_an_answer_that_news_overtook_does_not_take_them_back(ours, projects, publisher, open_page: Open):
    number = await made(projects, ProjectStatus.QUEUED)
    overtaken: list[str] = []
    async with serving_board(ours) as url:
        page = await open_page(f"{url}/projects")
        row = page.locator(f'[data-rows="list"] > [data-project="{number}"]')

        async def slow(route: Route) -> None:
            answer = await route.fetch()
            if not overtaken:
                overtaken.append(await answer.text())
                await become(projects, number, ProjectStatus.RUNNING)
                await tell(publisher, number, progress=50, overall=whole(50))
                await expected(row).to_have_attribute("data-status", "running")
                await page.evaluate(WATCH, number)
            await route.fulfill(response=answer)

        await page.route(re.compile("part=list"), slow)
        await made(projects, title="Another")  # the list is asked for
        await expected(row).to_contain_text("Render · 50%")

        assert 'data-status="queued"' in overtaken[0]
        assert await page.evaluate("window.statuses") == []


async def test_a_page_that_news_overtook_does_not_stay_as_it_was(ours, projects, publisher, open_page: Open):
    """It asked for itself as its project had stopped, and the answer was older than the next change."""
    number = await made(projects)
    asked: list[str] = []
    async with serving_board(ours) as url:
        page = await open_page(f"{url}/projects/{number}")
        facts = page.locator(".facts")

        async def slow(route: Route) -> None:
            answer = await route.fetch()
            asked.append(await answer.text())
            if len(asked) == 1:
                await become(projects, number, ProjectStatus.CANCELLED)
                await tell(publisher, number, status="cancelled")
                await expected(facts).to_have_attribute("data-status", "cancelled")
            await route.fulfill(response=answer)

        await page.route(f"{url}/projects/{number}", slow)
        await become(projects, number, ProjectStatus.WAITING_DISK)
        await tell(publisher, number, status="waiting_disk")
        await expected(page.get_by_role("button", name="Go on")).to_be_visible()

        assert 'data-status="waiting_disk"' in asked[0]
        await expected(facts).to_have_attribute("data-status", "cancelled")
        await expected(page.locator("form[action$='/cancel']")).to_have_count(0)
        await expected(page.locator("#live-said")).to_have_text(f"{TITLE}: Waiting for disk{TITLE}: Cancelled")


async def test_figures_that_came_while_an_answer_was_on_its_way_stay(ours, projects, publisher, open_page: Open):
    number = await made(projects)
    async with serving_board(ours) as url:
        page = await open_page(f"{url}/projects/{number}")
        overall = page.locator('[data-field="overall"]').first

        async def slow(route: Route) -> None:
            answer = await route.fetch()
            if not answered.is_set():
                await tell(publisher, number, progress=50, overall=whole(50))
                await expected(overall).to_have_text("66")
                await overall.evaluate(FALLS)
            await route.fulfill(response=answer)
            answered.set()

        answered = asyncio.Event()
        await tell(publisher, number, progress=25, overall=whole(25))
        await expected(overall).to_have_text("53")
        await page.route(re.compile("part=course"), slow)
        async with asyncio.timeout(60):
            await answered.wait()
        await tell(publisher, number, progress=75, overall=whole(75))
        await expected(overall).to_have_text("79")

        assert await page.evaluate("window.falls") == []


async def test_a_part_that_was_not_answered_is_asked_for_again(ours, projects, publisher, open_page: Open):
    number = await made(projects, ProjectStatus.QUEUED)
    refused: list[str] = []
    async with serving_board(ours) as url:
        page = await open_page(f"{url}/projects")

        async def refuse_once(route: Route) -> None:
            refused.append(route.request.url)
            await (route.fulfill(status=503) if len(refused) == 1 else route.fallback())

        await page.route(re.compile("part=list"), refuse_once)
        await become(projects, number, ProjectStatus.RUNNING)
        await tell(publisher, number, progress=50, overall=whole(50))

        await expected(page.locator(f'[data-rows="list"] > [data-project="{number}"]')).to_contain_text("Render · 50%")
        assert len(refused) > 1


async def test_focus_and_selection_outlive_a_part_that_is_asked_for_again(ours, projects, publisher, open_page: Open):
    number = await made(projects)
    async with serving_board(ours) as url:
        page = await open_page(f"{url}/")
        link = page.locator(f'tr[data-project="{number}"] a').first
        await link.focus()
        await link.evaluate("(link) => { window.kept = link; }")
        async with page.expect_response(lambda answer: "part=running" in answer.url):
            other = await made(projects, ProjectStatus.QUEUED, title="Another")
            await tell(publisher, other, status="queued")
        await expected(page.locator('[data-part="running"]')).to_have_attribute("data-at", SOMETHING)

        assert await page.evaluate("document.activeElement === window.kept && window.kept.isConnected")


async def test_redis_goes_and_comes_back_while_a_page_is_open(ours, server, projects, publisher, open_page: Open):
    number = await made(projects)
    async with serving_board(ours) as url:
        page = await open_page(f"{url}/projects/{number}")
        overall = page.locator('[data-field="overall"]').first
        await tell(publisher, number, progress=25, overall=whole(25))
        await expected(overall).to_have_text("53")
        await page.evaluate("window.same = true")
        async with server.gone():
            await expected(page.locator('[data-part="banner"] .banner')).to_contain_text("Redis does not answer")
            since = page.locator("[data-since]").first
            await expected(since).to_have_text(re.compile(r"^\d+:(?!0[0-2])\d\d$"))
        await expected(page.locator('[data-part="banner"] .banner')).to_have_count(0)
        async with Redis.from_url(server.url) as redis:
            await tell(Publisher(redis), number, progress=75, overall=whole(75))
        await expected(overall).to_have_text("79")

        assert await page.evaluate("window.same")


async def test_a_form_that_waits_for_redis_is_let_go_when_it_is_there_and_keeps_what_was_typed(ours, server, open_page: Open):
    async with serving_board(ours) as url:
        async with server.gone():
            page = await open_page(f"{url}/new?topic=Tides")
            make = page.locator("form.make button.main")
            await expected(make).to_have_attribute("aria-disabled", "true")
            await page.locator("summary").click()
            await page.locator("#topic").fill("Salt")
            await page.locator("#content").fill("Salt is older than bread.")
            await page.locator("#aspect").select_option("9:16")
            await page.locator("[name=presenter]").uncheck()
        await expected(page.locator(".why")).to_have_count(0)
        await expected(make).not_to_have_attribute("aria-disabled", "true")
        for name, value in {"topic": "Salt", "content": "Salt is older than bread.", "aspect": "9:16"}.items():
            await expected(page.locator(f"#{name}")).to_have_value(value)
        await expected(page.locator("[name=presenter]")).not_to_be_checked()
        await expected(page.locator("#content")).to_be_visible()


async def test_the_line_after_an_act_stays_though_what_the_page_is_about_goes_on(ours, projects, publisher, open_page: Open):
    number = await made(projects, ProjectStatus.CREATED)
    async with serving_board(ours) as url:
        page = await open_page(f"{url}/projects/{number}")
        await page.locator("form.act[action$='/start'] button").click()
        await expected(page.locator("#said")).to_have_text("Started: it is in line.")
        await become(projects, number, ProjectStatus.RUNNING)
        await tell(publisher, number, progress=25, overall=whole(25))
        await expected(page.locator('[data-part="course"]')).to_be_visible(timeout=20_000)

        await expected(page.locator("#said")).to_have_text("Started: it is in line.")


async def test_a_project_that_is_deleted_elsewhere_is_said_on_its_open_page_and_nothing_typed_is_lost(
    ours, projects, open_page: Open
):
    number = await made(projects, ProjectStatus.CREATED)
    async with serving_board(ours) as url, aiohttp.ClientSession(url) as api:
        page = await open_page(f"{url}/projects/{number}")
        await expected(page.locator("#page-gone")).to_be_hidden()
        await page.locator(".rail .find input").last.fill("typed")
        assert (await api.delete(f"/api/projects/{number}")).status == 204

        await expected(page.locator("#page-gone")).to_be_visible(timeout=20_000)
        await expected(page.locator("h1")).to_have_text(TITLE)
        await expected(page.locator(".rail .find input").last).to_have_value("typed")


async def test_a_board_that_goes_is_said_and_the_page_goes_on_when_it_is_back(
    ours, projects, publisher, open_page: Open, unused_port
):
    number = await made(projects)
    async with serving_board(ours, port=unused_port) as url:
        page = await open_page(f"{url}/projects/{number}")
        await tell(publisher, number, progress=25, overall=whole(25))
        await expected(page.locator('[data-field="overall"]').first).to_have_text("53")
    await expected(page.locator("#link-lost")).to_be_visible(timeout=20_000)
    async with serving_board(ours, port=unused_port):
        await expected(page.locator("#link-lost")).to_be_hidden(timeout=20_000)
        await tell(publisher, number, progress=75, overall=whole(75))
        await expected(page.locator('[data-field="overall"]').first).to_have_text("79")


@pytest.mark.soak  # it waits for ten seconds
async def test_what_is_older_than_ten_seconds_shows_its_age(ours, projects, publisher, open_page: Open):
    number = await made(projects)
    async with serving_board(ours) as url:
        page = await open_page(f"{url}/projects/{number}")
        await tell(publisher, number, progress=25, overall=whole(25))
        await expected(page.locator('[data-field="overall"]').first).to_have_text("53")
        age = page.locator('[data-field="age"]').first
        assert await age.is_hidden()
        await expected(age).to_be_visible(timeout=20_000)
        assert (await age.inner_text()).startswith("0:1")


async def test_a_title_of_markup_is_text_wherever_it_is_said(ours, projects, publisher, open_page: Open):
    nasty = '<img src=x onerror="window.bad=1">$&`'
    number = await made(projects, title=nasty)
    async with serving_board(ours) as url:
        page = await open_page(f"{url}/projects/{number}")
        await tell(publisher, number, progress=10, message="<b>bold</b><script>window.bad=1</script>")
        await expected(page.locator("[data-events]").first).to_contain_text("<b>bold</b><script>")
        await tell(publisher, number, status="waiting_disk")
        await expected(page.locator("#live-said")).to_contain_text(nasty)

        assert await page.evaluate("window.bad") is None


async def test_a_list_of_events_has_a_line_for_what_happened_and_none_for_each_percent(
    ours, projects, publisher, open_page: Open
):
    number = await made(projects)
    async with serving_board(ours) as url:
        page = await open_page(f"{url}/")
        lines = page.locator(f'[data-events="all"] > [data-project="{number}"]')
        for percent in (10, 20, 30):
            await tell(publisher, number, progress=percent, message=f"scene {percent} of 18")
            await expected(lines.first).to_contain_text(f"scene {percent} of 18")
        assert await lines.count() == 1
        await tell(publisher, number, progress=100, message="done")
        await expected(lines).to_have_count(2)
        await expected(lines.first).to_contain_text("done")


async def test_a_list_that_is_pointed_at_stands_still_and_says_how_many_wait(ours, projects, publisher, open_page: Open):
    first, second = await made(projects), await made(projects, title="Second")
    async with serving_board(ours) as url:
        page = await open_page(f"{url}/")
        events = page.locator('[data-events="all"]')
        await tell(publisher, first, progress=10, message="one")
        await expected(events).to_contain_text("one")
        await events.scroll_into_view_if_needed()
        await events.hover()
        await tell(publisher, second, progress=10, message="two")
        await expected(page.locator("span[data-waiting]").first).to_have_text("1 new")
        assert "two" not in await events.inner_text()
        await page.locator("h1").hover()
        await expected(events.locator("> [data-project]").first).to_contain_text("two")

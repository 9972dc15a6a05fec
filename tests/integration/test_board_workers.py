"""`/workers` as a browser without script has it, beside real workers and a real server."""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator

import aiohttp
import pytest
from pydantic import SecretStr

from jobs.client import connect, open_queue
from jobs.fleet import Fleet
from jobs.pipeline import BATCH, VIDEO
from tests.boards import serving_board
from tests.workers import worker


class Browser:
    """One visitor: keeps cookies, sends forms as the page has them."""

    def __init__(self, base: str, session: aiohttp.ClientSession) -> None:
        self._base, self._session = base, session

    async def get(self, path: str) -> tuple[int, str]:
        async with self._session.get(self._base + path) as answer:
            return answer.status, await answer.text()

    async def post(self, path: str, *, token: bool = True, **fields: str) -> tuple[int, str]:
        """As a form of the page sends it; where it leads to is followed."""
        found = re.search(r'name="csrf" value="([^"]+)"', (await self.get("/workers"))[1])
        assert found is not None
        sent = ({"csrf": found[1]} if token else {}) | fields
        async with self._session.post(self._base + path, data=sent, headers={"Origin": self._base}) as answer:
            return answer.status, await answer.text()


@contextlib.asynccontextmanager
async def visiting(settings) -> AsyncIterator[Browser]:
    jar = aiohttp.CookieJar(unsafe=True)  # else an address of numbers gets none
    async with serving_board(settings) as base, aiohttp.ClientSession(cookie_jar=jar) as session:
        yield Browser(base, session)


@pytest.fixture
async def browser(settings):
    async with visiting(settings) as found:
        yield found


@pytest.fixture
async def queue(settings):
    async with connect(settings) as found:
        yield found


@pytest.fixture
async def redis(settings):
    async with open_queue(settings) as client:
        yield client.redis


async def one_worker(fleet: Fleet):
    """The worker, as soon as it beats."""
    async with asyncio.timeout(60):
        while not (found := await fleet.workers()):
            await asyncio.sleep(0.02)
    return found[0]


def words(page: str) -> str:
    """What is read on it."""
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


async def test_without_a_worker_the_page_says_how_to_start_one(browser):
    status, page = await browser.get("/workers")

    assert status == 200
    assert "No worker seen" in page
    assert "reelqueue worker all" in page
    assert "The queue is empty" in page


async def test_a_queue_is_paused_and_let_go_on_by_its_buttons(browser, queue, redis):
    project = await queue.create_project({"topic": "<script>alert(1)</script>"})
    await queue.start(project.project_id)

    status, page = await browser.post(f"/workers/queues/{VIDEO}/pause")
    stands = {one.name: one.paused for one in await Fleet(redis).queues()}
    assert (status, stands[VIDEO], stands[BATCH]) == (200, True, False)
    assert f"{VIDEO} is paused; nothing of it runs" in page
    assert f'action="/workers/queues/{VIDEO}/resume"' in page
    assert "&lt;script&gt;alert(1)" in page
    assert "<script>alert(1)" not in page

    status, page = await browser.post(f"/workers/queues/{VIDEO}/resume")
    assert status == 200
    assert f"{VIDEO} goes on; waiting: 1" in page
    assert not (await Fleet(redis).queues())[0].paused


async def test_a_worker_is_drained_once_somebody_is_sure(browser, settings, redis):
    fleet = Fleet(redis)
    async with worker(settings, "BatchWorker", REELQUEUE_WORKER="batch") as running:
        beat = await one_worker(fleet)
        _, page = await browser.get("/workers")
        assert f'name="name" value="{beat.name}"' in page

        status, asks = await browser.post("/workers/drain", name=beat.name)
        assert status == 200
        assert "It is the only worker of batch_processing" in words(asks)
        assert (await fleet.workers())[0].state == "running"

        status, page = await browser.post("/workers/drain", name=beat.name, sure="yes")
        assert status == 200
        assert "batch is draining; it has nothing in hand" in page
        assert await running.ended() == 0


@pytest.mark.parametrize(
    ("path", "fields", "expected"),
    [
        pytest.param("/workers/queues/soup/pause", {}, 404, id="no such queue"),
        pytest.param("/workers/queues/reelqueue:installation/resume", {}, 404, id="a key that is no queue"),
        pytest.param("/workers/drain", {"name": "nobody/0123456789abcdef"}, 404, id="no such worker, asked"),
        pytest.param("/workers/drain", {"name": "nobody/0123456789abcdef", "sure": "yes"}, 404, id="no such worker, sure"),
        pytest.param("/workers/drain", {}, 400, id="no worker named"),
        pytest.param("/workers/drain", {"name": "x" * 300_000}, 413, id="a name of 300 kB"),
    ],
)
async def test_what_is_not_there_is_refused_and_nothing_is_changed(browser, redis_admin, path, fields, expected):
    await browser.get("/workers")
    before = sorted(await redis_admin.keys("reelqueue:paused:*") + await redis_admin.keys("reelqueue:drain:*"))
    status, page = await browser.post(path, **fields)

    assert status == expected
    assert "Traceback" not in page
    assert sorted(await redis_admin.keys("reelqueue:paused:*") + await redis_admin.keys("reelqueue:drain:*")) == before == []


async def test_a_form_that_is_not_ours_changes_nothing(browser, redis):
    status, _ = await browser.post(f"/workers/queues/{VIDEO}/pause", token=False)

    assert status == 403
    assert not (await Fleet(redis).queues())[0].paused


@pytest.mark.parametrize(
    "query",
    ["span=soup", "queue=soup", "after=-1", "after=" + "9" * 500, "after=x&queue=maintenance", "part=contents"],
)
async def test_an_address_that_asks_for_nonsense_shows_the_page_as_it_usually_is(browser, query):
    status, page = await browser.get(f"/workers?{query}")

    assert status == 200
    assert "In the queue" in page


async def test_a_part_that_the_page_has_not_is_not_there(browser):
    assert (await browser.get("/workers?part=soup"))[0] == 404


async def test_ten_thousand_in_a_queue_are_paged(browser, redis):
    for start in range(0, 10_000, 1_000):
        await redis.zadd(VIDEO, {f"script:{number}:x~b720000": 1_000 + number for number in range(start, start + 1_000)})
    _, first = await browser.get("/workers")
    _, second = await browser.get("/workers?after=40&part=contents")

    assert "10,000, in the order in which they begin" in words(first)
    assert "after=40#inside" in first
    assert "after=80#inside" in second
    assert len(first.encode()) < 70_000


async def test_while_redis_is_away_the_page_says_so_and_its_buttons_are_off(settings, tmp_path):
    gone = settings.model_copy(update={"redis_url": SecretStr(f"unix://{tmp_path}/none.sock")})
    async with visiting(gone) as browser:
        status, page = await browser.get("/workers")
        refused, _ = await browser.post(f"/workers/queues/{VIDEO}/pause")

    assert (status, refused) == (200, 503)
    assert "Redis does not answer: workers and queues are not known now" in page
    assert 'aria-disabled="true"' in page


async def test_both_languages_are_there(settings):
    async with visiting(settings.model_copy(update={"reelqueue_language": "zh-TW"})) as browser:
        _, page = await browser.get("/workers")

    assert "尚未看到 Worker" in page
    assert "佇列內容" in page

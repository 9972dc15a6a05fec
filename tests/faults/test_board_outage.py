"""Redis hangs just when somebody presses a button: the page says so within seconds, as what it is, and what was asked stays possible."""

import asyncio
import contextlib
import re
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

import aiohttp
import pytest
import structlog
from pydantic import SecretStr

from reelqueue.dashboard import link
from reelqueue.models.stage import ProjectStatus
from reelqueue.settings import Settings
from storage import Owner, Paths, ProjectStore
from tests.boards import serving_board
from tests.faults.redis_server import running
from tests.promised import seconds

MANY = 12
TOLD_SECONDS = seconds(10.0, busy=30.0)
"""The longest that anybody may wait for an answer while Redis is away: a call of the board gives up after 3 s."""


@pytest.fixture
async def redis(tmp_path):
    async with running(tmp_path / "redis") as server:
        yield server


@pytest.fixture
def ours(redis, tmp_path):
    return Settings(_env_file=None, redis_url=SecretStr(redis.url), data_dir=tmp_path / "data", reelqueue_language="en")


@pytest.fixture
def projects(ours):
    return ProjectStore(Paths(ours.data_dir), Owner.here(), lease_seconds=15)


@dataclass
class Pressing:
    """A browser whose forms are good."""

    session: aiohttp.ClientSession
    token: str

    async def __call__(self, path: str, **fields: str) -> tuple[int, str]:
        began = time.monotonic()
        async with self.session.post(path, data={"csrf": self.token, **fields}, allow_redirects=False) as answer:
            text = await answer.text()
        assert time.monotonic() - began < TOLD_SECONDS
        return answer.status, text

    async def text(self, path: str) -> str:
        async with self.session.get(path) as page:
            return await page.text()


@contextlib.asynccontextmanager
async def pressing(settings: Settings) -> AsyncIterator[Pressing]:
    async with serving_board(settings) as address:
        headers, jar = {"Accept": "text/html", "Accept-Language": "en", "Origin": address}, aiohttp.CookieJar(unsafe=True)
        async with aiohttp.ClientSession(address, headers=headers, cookie_jar=jar) as session:
            browser = Pressing(session, "")
            browser.token = re.findall(r'name="csrf" value="([0-9a-f]+)"', await browser.text("/account"))[0]
            yield browser


@pytest.fixture
def logged():
    with structlog.testing.capture_logs() as lines:
        yield lines


async def test_a_button_amid_an_outage_says_that_nobody_knows_and_is_no_failure_of_ours(redis, ours, projects, logged):
    number = (await projects.create({"topic": "Bread"})).project_id
    async with pressing(ours) as press:
        redis.pause()
        status, text = await press(f"/projects/{number}/start")
        redis.resume()

    assert status == 503
    assert "it is not known whether that was done" in text
    assert [line for line in logged if line["log_level"] == "error"] == []


async def test_many_at_once_amid_an_outage_wait_for_it_once_and_the_rest_stays_as_it_is(redis, ours, projects):
    made = [(await projects.create({"topic": f"Bread {number}"})).project_id for number in range(MANY)]
    async with pressing(ours) as press:
        redis.pause()
        status, _ = await press("/projects/bulk", act="cancel", ids=",".join(map(str, made)), sure="yes")
        redis.resume()
        after = await press.text("/projects")
    left = [number for number in made if (await projects.load(number)).status is ProjectStatus.CREATED]

    assert status == 303
    assert f"Redis does not answer, the other {len(left)} stay as they are" in after
    assert 0 < len(left) < MANY


@pytest.mark.parametrize("fault", ["out_of_memory", "read_only", "unable_to_save", "locked"])
async def test_a_redis_that_takes_nothing_is_told_within_ten_seconds_and_so_is_that_it_does_again(redis, ours, fault):
    async with serving_board(ours) as address, aiohttp.ClientSession(address) as session:

        async def is_told(status: int) -> str:
            async with asyncio.timeout(TOLD_SECONDS):
                while (answer := await session.get("/readyz")).status != status:
                    await asyncio.sleep(0.05)
            return await answer.text()

        await is_told(200)
        async with getattr(redis, fault)():
            assert '"redis":"away"' in await is_told(503)
            async with session.get("/", headers={"Accept-Language": "en"}) as page:
                assert re.search(
                    "Redis takes nothing: |Redis refuses us|Redis does not answer|no Redis answers", await page.text()
                )
        await is_told(200)


async def test_a_mistake_of_ours_keeps_the_board_from_redis_for_a_moment_only(redis, ours, monkeypatch):
    claimed, met = link.claim, []

    async def stumbles(*what):
        if not met:
            met.append(what)
            raise ValueError("nobody thought of that")
        return await claimed(*what)

    monkeypatch.setattr(link, "claim", stumbles)
    known = link.Link(ours)
    async with known.kept(), asyncio.timeout(TOLD_SECONDS):
        while not (met and known.is_there):
            await asyncio.sleep(0.01)

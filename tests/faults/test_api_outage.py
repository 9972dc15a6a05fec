"""Redis dies, hangs and comes back while programs ask the API: they are told within seconds, and nothing is lost or done twice."""

import asyncio
import time

import aiohttp
import pytest
from pydantic import SecretStr

from reelqueue.models.stage import ProjectStatus
from reelqueue.settings import Settings
from storage import Paths, ProjectStore
from tests.api_client import asked
from tests.boards import serving_board
from tests.faults.redis_server import running
from tests.promised import seconds

TOLD_SECONDS = seconds(20.0, busy=60.0)
"""The longest that anybody may wait for an answer while Redis is away."""


@pytest.fixture
async def redis(tmp_path):
    async with running(tmp_path / "redis") as server:
        yield server


@pytest.fixture
def ours(redis, tmp_path):
    return Settings(_env_file=None, redis_url=SecretStr(redis.url), data_dir=tmp_path / "data", reelqueue_language="en")


async def told(api, method, path, **rest):
    began = time.monotonic()
    status, body, headers = await asked(api, method, path, **rest)
    assert time.monotonic() - began < TOLD_SECONDS
    return status, body, headers


async def again_until_done(api, path):
    """As a program does: after the pause that it is told."""
    async with asyncio.timeout(60):
        while True:
            status, body, headers = await asked(api, "POST", path, headers={"Idempotency-Key": "k"})
            if status != 503:
                return status, body, headers
            await asyncio.sleep(min(0.2, float(headers["Retry-After"])))


@pytest.mark.parametrize("how", ["kill", "pause"])
async def test_an_act_amid_an_outage_is_told_as_such_and_done_once_when_it_is_asked_again(redis, ours, how):
    store = ProjectStore.reader(Paths(ours.data_dir))
    async with serving_board(ours) as address, aiohttp.ClientSession(address) as api:
        number = (await asked(api, "POST", "/api/projects", json={"topic": "Bread"}))[1]["project_id"]
        path = f"/api/projects/{number}"
        await asked(api, "POST", f"{path}/cancel")
        await redis.kill() if how == "kill" else redis.pause()

        amid = await told(api, "POST", f"{path}/retry", headers={"Idempotency-Key": "k"})
        read = await told(api, "GET", path)
        made = await told(api, "POST", "/api/projects", json={"topic": "made meanwhile"})
        await redis.start() if how == "kill" else redis.resume()
        status, body, _ = await again_until_done(api, f"{path}/retry")

    assert (amid[0], amid[1]["code"], amid[1]["retryable"]) == (503, "invalid_settings", True)
    assert float(amid[2]["Retry-After"]) > 0
    assert (read[0], made[0]) == (200, 201)
    assert (status, body["status"], body["run"]) == (202, "queued", 1)
    assert (await store.load(number)).status is ProjectStatus.QUEUED

"""What a watcher gets from a real board, beside real workers: figures that move when the thing moves, and outlive what they came from."""

import asyncio
import time

import aiohttp
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from pydantic import SecretStr

from jobs import connect
from jobs.client import open_queue
from jobs.copying import copy
from jobs.pipeline import VIDEO
from jobs.rollups import Rollups
from reelqueue import clock
from reelqueue.tally import TALLY
from storage import Paths
from storage.chronicle import Chronicle
from tests.boards import serving_board
from tests.workers import worker

BRIEF = {"topic": "How tides work"}
OPENMETRICS = {"Accept": "application/openmetrics-text; version=1.0.0, text/plain; q=0.5"}


@pytest.fixture(autouse=True)
def _nothing_is_left_of_other_tests():
    while not TALLY.is_empty:
        TALLY.arrived(TALLY.pending()[0])


async def asked(board: str, path: str = "/metrics", **headers: str) -> tuple[int, str, str]:
    """Status, type and body of an answer."""
    async with aiohttp.ClientSession() as session, session.get(board + path, headers=headers, allow_redirects=False) as answer:
        return answer.status, answer.headers["Content-Type"], await answer.text()


async def figure(board: str, name: str, **labels: str) -> float | None:
    """A figure as Prometheus reads it; None where it is not told."""
    _, _, text = await asked(board, **OPENMETRICS)
    found = [
        sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == name and sample.labels == labels
    ]
    return found[0] if found else None


async def until(board: str, value: float, name: str, *, seconds: float = 60.0, **labels: str) -> None:
    """Wait until a figure is so high."""
    deadline = time.monotonic() + seconds
    while (seen := await figure(board, name, **labels)) != value:
        assert time.monotonic() < deadline, f"{name} {labels} is {seen}, not {value}"
        await asyncio.sleep(0.1)


async def test_a_queue_that_fills_is_told_by_the_next_look(settings):
    async with serving_board(settings) as board, connect(settings) as queue:
        before = await figure(board, "reelqueue_queue_depth", queue=VIDEO, state="waiting")

        project = await queue.create_project(BRIEF)
        await queue.start(project.project_id)

        after = await figure(board, "reelqueue_queue_depth", queue=VIDEO, state="waiting")
        assert (before, after) == (0, 1)
        assert await figure(board, "reelqueue_queue_oldest_age_seconds", queue=VIDEO) < 60


async def test_each_asker_gets_the_text_that_it_takes(settings):
    async with serving_board(settings) as board:
        plain, opened = await asked(board), await asked(board, **OPENMETRICS)

    assert plain[:2] == (200, "text/plain; version=0.0.4; charset=utf-8")
    assert opened[:2] == (200, "application/openmetrics-text; version=1.0.0; charset=utf-8")
    assert opened[2].endswith("# EOF\n")


async def test_a_run_is_counted_through_a_killed_worker_a_new_one_and_a_redis_without_memory(settings, redis_admin):
    """The board before and the one after are two: nothing is remembered but what is in Redis and on disk."""
    async with connect(settings) as queue:
        project = await queue.create_project(BRIEF)
        async with serving_board(settings) as board:
            async with worker(settings) as first:
                await until(board, 1, "reelqueue_worker_up", queue=VIDEO)
                await queue.enqueue_job("generate_script_task", project_id=project.project_id, chain=False)
                await until(board, 1, "reelqueue_stage_runs_total", stage="script", outcome="ok")
                first.kill()
            async with worker(settings), open_queue(settings) as client:
                await copy(Rollups(client.redis), Chronicle(Paths(settings.data_dir).metrics), clock.now())
                await redis_admin.flushall()
                again = await queue.create_project(BRIEF)
                await queue.enqueue_job("generate_script_task", project_id=again.project_id, chain=False)
                await until(board, 2, "reelqueue_stage_runs_total", stage="script", outcome="ok")
        async with serving_board(settings) as board:
            assert await figure(board, "reelqueue_stage_runs_total", stage="script", outcome="ok") == 2
            assert await figure(board, "reelqueue_stage_duration_seconds_count", stage="script") == 2


async def test_without_redis_counters_go_on_and_queues_are_absent(settings):
    async with open_queue(settings) as client:
        TALLY.count("reelqueue_published_total", 3)
        rollups, chronicle = Rollups(client.redis), Chronicle(Paths(settings.data_dir).metrics)
        await rollups.begin(1)
        assert await rollups.add("host/me", *TALLY.pending())
        await copy(rollups, chronicle, clock.now())
    nowhere = settings.model_copy(update={"redis_url": SecretStr("redis://127.0.0.1:1/0")})

    async with serving_board(nowhere) as board:
        health, ready = await asked(board, "/healthz"), await asked(board, "/readyz")

        assert await figure(board, "reelqueue_published_total") == 3
        assert await figure(board, "reelqueue_redis_up") == 0
        assert await figure(board, "reelqueue_queue_depth", queue=VIDEO, state="waiting") is None
        assert await figure(board, "reelqueue_disk_free_bytes") > 0
    assert (health[0], ready[0]) == (200, 503)
    assert '"redis":"away"' in ready[2]


async def test_a_board_that_can_act_says_that_it_is_ready(settings):
    async with serving_board(settings) as board, connect(settings):
        assert (await asked(board, "/readyz"))[0] == 200


async def test_a_board_with_a_password_tells_its_figures_to_this_machine_and_by_token(settings):
    words = {
        "dashboard_password": SecretStr("of the tests, long enough"),
        "api_token": SecretStr("token-of-the-tests-0123456789"),
    }
    from_elsewhere = {"X-Forwarded-For": "203.0.113.7"} | OPENMETRICS
    async with serving_board(settings.model_copy(update=words)) as board:
        here, elsewhere = await asked(board, **OPENMETRICS), await asked(board, **from_elsewhere)
        by_token = await asked(board, Authorization="Bearer token-of-the-tests-0123456789", **from_elsewhere)
        health = await asked(board, "/healthz", **from_elsewhere)

    assert (here[0], elsewhere[0], by_token[0], health[0]) == (200, 401, 200, 200)
    assert "reelqueue_" not in elsewhere[2]

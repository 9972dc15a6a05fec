"""What Flower showed, as a reader finds it on the board: success, run times, what waits, what each worker uses."""

import asyncio
import re
from datetime import timedelta
from html import unescape

import pytest

from jobs.client import connect, open_queue
from jobs.counting import Counting
from jobs.fleet import Fleet
from jobs.tally import stage_ended
from reelqueue import clock
from reelqueue.models.stage import Stage
from reelqueue.tally import TALLY
from storage import Paths
from storage.chronicle import Chronicle
from tests.integration.test_board_new import browsing
from tests.workers import worker


@pytest.fixture(autouse=True)
def _nothing_is_left_of_other_tests():
    while not TALLY.is_empty:
        TALLY.arrived(TALLY.pending()[0])


def rows(page: str) -> list[str]:
    """Each row of its tables as it is read."""
    found = re.findall(r"<tr\b.*?</tr>", page, re.DOTALL)
    return [" ".join(re.sub(r"<svg\b.*?</svg>|<[^>]+>", " ", unescape(row), flags=re.DOTALL).split()) for row in found]


async def test_success_and_mean_run_time_of_each_stage_are_on_the_overview(settings):
    async with open_queue(settings) as client:
        ended_at = clock.now() - timedelta(minutes=2)
        for outcome, seconds in (("ok", 60.0), ("ok", 120.0), ("ok", 180.0), ("fail", 5.0)):
            stage_ended(Stage.RENDER, outcome, project_id=1, now=ended_at, seconds=seconds)
        assert await Counting(lambda: client.redis, Chronicle(Paths(settings.data_dir).metrics), "host/me").hand_over()

    async with browsing(settings) as browser:
        (render,) = [row for row in rows(await browser.text("/", part="stages")) if row.startswith("Render")]

    runs, success, mean = render.split()[1:4]
    assert (runs, success, mean) == ("4", "75.0%", "2:00")


async def test_how_many_wait_in_a_queue_and_which_is_on_the_page_of_workers(settings):
    async with connect(settings) as queue:
        for topic in ("Tides", "Reefs"):
            project = await queue.create_project({"topic": topic})
            await queue.start(project.project_id)

    async with browsing(settings) as browser:
        lanes, contents = await browser.text("/workers", part="queues"), await browser.text("/workers", part="contents")

    lane = lanes.partition(">video_generation</h2>")[2].partition("</section>")[0]
    assert '<dd class="figure">2</dd><dt>waiting</dt>' in lane
    assert [row.split()[:3] for row in rows(contents)[1:]] == [["1", "Tides", "#1"], ["2", "Reefs", "#2"]]


async def test_the_cpu_and_the_memory_of_each_worker_are_on_the_page_of_workers(settings):
    async with worker(settings, "BatchWorker"), open_queue(settings) as client, browsing(settings) as browser:
        async with asyncio.timeout(30):
            while not (found := await Fleet(client.redis).workers()):
                await asyncio.sleep(0.02)
        (_, shown) = rows(await browser.text("/workers", part="workers"))

    assert f"{found[0].host} · {found[0].pid}" in shown
    assert re.search(r" \d+% ", shown)
    assert re.search(r" [1-9]\d*(\.\d+)? MB ", shown)

"""What happens is counted once, wherever it happens, and what was counted outlives Redis and the workers."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from jobs.copying import copy
from jobs.counting import Counting, counted
from jobs.numbers import Numbers, quantile
from jobs.rollups import MINUTE_PREFIX, TOTALS, Rollups
from jobs.tally import RUNS, paid, published, stage_ended
from reelqueue import clock
from reelqueue.errors import PermanentError, TransientError
from reelqueue.models.numbers import BUCKETS_S
from reelqueue.models.stage import Stage
from reelqueue.tally import TALLY, Tally, labelled
from reelqueue.wording import same
from storage import Paths
from storage.chronicle import Chronicle

HOUR, DAY, WEEK = timedelta(hours=1), timedelta(days=1), timedelta(days=7)
MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def _nothing_is_left_of_other_tests():
    number, _ = TALLY.pending()
    TALLY.arrived(number)


@pytest.fixture
def chronicle(settings) -> Chronicle:
    return Chronicle(Paths(settings.data_dir).metrics)


@pytest.fixture
def counting(redis, chronicle) -> Counting:
    return Counting(lambda: redis, chronicle, "host/me", Tally())


@pytest.fixture
def numbers(redis, chronicle) -> Numbers:
    return Numbers(chronicle.folder, redis)


def runs(stage: Stage, outcome: str) -> str:
    return labelled(RUNS, stage=str(stage), outcome=outcome)


async def test_each_stage_of_a_video_is_counted_with_its_seconds(queue, crew, project, numbers):
    await queue.start(project.project_id)
    await crew.burst()

    by_stage = {one.stage: one for one in await numbers.stages(HOUR, MINUTE)}
    assert [by_stage[stage].outcomes["ok"] for stage in Stage] == [1] * 5
    assert all(one.success == 1.0 and one.mean_s is not None and one.p95_s <= 0.5 for one in by_stage.values())
    assert sum(point.value for point in await numbers.published(DAY, HOUR) if point.value) == 1
    assert (await numbers.to_publish(DAY, HOUR)).count == 1
    assert [run.stage for run in await numbers.recent(5)] == [*reversed(Stage)]


async def test_a_retry_and_a_failure_are_counted_as_what_they_are(queue, crew, stages, project, numbers):
    stages.fail(Stage.ASSETS, TransientError(same("busy")), PermanentError(same("no such picture")))

    await queue.start(project.project_id)
    await crew.burst()

    totals = await numbers.totals()
    assert (totals[runs(Stage.ASSETS, "retry")], totals[runs(Stage.ASSETS, "fail")]) == (1, 1)
    assert (await numbers.stages(HOUR, MINUTE))[1].success == 0
    assert (await numbers.recent(1))[0].code == "permanent"

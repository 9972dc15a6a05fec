"""Forecasts beside the pages: made once for all readers, anew after what happened, never in a reader's way."""

import asyncio

import pytest

from jobs.client import connect
from reelqueue.bootstrap import open_shelf
from reelqueue.dashboard.batch import forecasts as module
from reelqueue.dashboard.batch.forecasts import Forecasts
from reelqueue.dashboard.link import Link
from reelqueue.errors import StorageUnavailable
from reelqueue.models.forecast import Forecast
from reelqueue.models.stage import BatchStatus
from reelqueue.wording import same
from storage import BatchStore, Paths, ProjectStore


@pytest.fixture
async def forecasts(settings):
    shelf = open_shelf(settings, Paths(settings.data_dir))
    async with connect(settings):  # the folder is there
        known = Forecasts(settings, shelf, Link(settings))
        yield known
        await known.aclose()
        await shelf.aclose()


@pytest.fixture
async def batch(settings):
    async with connect(settings) as queue:
        made = await queue.create_batch([{"topic": f"Tide {n}"} for n in range(3)])
        await queue.start_batch(made.batch_id)
    return await BatchStore.reader(Paths(settings.data_dir)).load(made.batch_id)


@pytest.fixture
async def outlines(settings, batch):
    return await ProjectStore.reader(Paths(settings.data_dir)).outlines(batch.project_ids)


@pytest.fixture
def asked(monkeypatch):
    """How often one was made; the real one is."""
    calls: list[int] = []
    real = module.forecast_now

    async def counted(site, state, now):
        calls.append(state.batch_id)
        return await real(site, state, now)

    monkeypatch.setattr(module, "forecast_now", counted)
    monkeypatch.setattr(module, "PATIENCE_SECONDS", 10.0)
    return calls


async def test_a_running_batch_has_one_and_all_readers_share_it(forecasts, batch, outlines, asked):
    found = await asyncio.gather(*(forecasts.of(batch, outlines) for _ in range(20)))

    assert isinstance(found[0], Forecast)
    assert found[0].projects == 3
    assert all(one is found[0] for one in found)
    assert asked == [batch.batch_id]


@pytest.mark.parametrize("status", [BatchStatus.CREATED, BatchStatus.PAUSED, BatchStatus.COMPLETED, BatchStatus.CANCELLED])
async def test_of_what_does_not_run_nothing_is_expected(forecasts, batch, outlines, asked, status):
    assert await forecasts.of(batch.replace(status=status), outlines) is None
    assert asked == []


async def test_it_is_made_anew_after_something_ended(forecasts, batch, outlines, asked, monkeypatch):
    await forecasts.of(batch, outlines)
    monkeypatch.setattr(module, "AGAIN_SECONDS", 0.0)
    await forecasts.of(batch, outlines)
    nothing_happened = len(asked)

    old = await forecasts.of(batch.replace(revision=batch.revision + 1), outlines)
    await asyncio.gather(*forecasts._making.values())

    assert (nothing_happened, len(asked)) == (1, 2)
    assert await forecasts.of(batch.replace(revision=batch.revision + 1), outlines) is not old


async def test_a_reader_does_not_wait_for_a_slow_one(forecasts, batch, outlines, monkeypatch):
    go_on = asyncio.Event()

    async def slow(*_):
        await go_on.wait()

    monkeypatch.setattr(module, "forecast_now", slow)
    monkeypatch.setattr(module, "PATIENCE_SECONDS", 0.01)

    assert await forecasts.of(batch, outlines) is None
    go_on.set()


async def test_one_that_cannot_be_made_is_none_and_tried_again_later(forecasts, batch, outlines, monkeypatch):
    async def away(*_):
        raise StorageUnavailable(same("the disk does not answer"))

    monkeypatch.setattr(module, "forecast_now", away)
    monkeypatch.setattr(module, "PATIENCE_SECONDS", 10.0)

    assert await forecasts.of(batch, outlines) is None
    assert not forecasts._making

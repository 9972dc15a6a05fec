"""Files that wait for the word that they shall be made."""

import asyncio

import pytest

from reelqueue import clock
from reelqueue.ahead.batch_file import TopicFile
from reelqueue.dashboard.batch import sheets
from reelqueue.dashboard.batch.sheets import KEPT_FILES, Sheets
from reelqueue.errors import DiskFull
from reelqueue.models.batch import BatchState
from reelqueue.wording import same


def state(number: int) -> BatchState:
    return BatchState(batch_id=number, project_ids=(1,), created_at=clock.now(), updated_at=clock.now())


def test_a_file_is_found_by_its_word_alone():
    held = Sheets()
    word = held.keep(TopicFile("a.csv", b"topic\n"))

    assert held.find(word) == TopicFile("a.csv", b"topic\n")
    assert held.find(word[:-1]) is None
    assert held.find("") is None


def test_the_oldest_goes_where_there_are_too_many():
    held = Sheets()
    words = [held.keep(TopicFile(f"{n}.csv", b"x")) for n in range(KEPT_FILES + 2)]

    assert [held.find(word) is None for word in words[:3]] == [True, True, False]


def test_a_file_is_held_for_an_hour(monkeypatch):
    held = Sheets()
    word = held.keep(TopicFile("a.csv", b"x"))
    monkeypatch.setattr(sheets, "KEPT_SECONDS", -1.0)

    assert held.find(word) is None


async def test_two_clicks_make_one_batch():
    held, made, go_on = Sheets(), [], asyncio.Event()

    async def make() -> BatchState:
        made.append(1)
        await go_on.wait()
        return state(1)

    first, second = asyncio.create_task(held.made("k", make())), asyncio.create_task(held.made("k", make()))
    await asyncio.sleep(0)
    go_on.set()

    assert [one.batch_id for one in await asyncio.gather(first, second)] == [1, 1]
    assert made == [1]


async def test_what_takes_longer_than_a_page_waits_goes_on_beside_it(monkeypatch):
    monkeypatch.setattr(sheets, "PATIENCE_SECONDS", 0.01)
    held, go_on, done = Sheets(), asyncio.Event(), asyncio.Event()

    async def make() -> BatchState:
        await go_on.wait()
        done.set()
        return state(1)

    assert await held.made("k", make()) is None
    go_on.set()
    await asyncio.wait_for(done.wait(), 60)


async def test_why_it_was_not_made_is_raised_and_the_next_try_is_another():
    held = Sheets()

    async def fail() -> BatchState:
        raise DiskFull(same("full"))

    async def make() -> BatchState:
        return state(2)

    with pytest.raises(DiskFull):
        await held.made("k", fail())
    again = await held.made("k", make())

    assert again is not None
    assert again.batch_id == 2


async def test_at_the_end_nothing_is_made_any_more():
    held, inside, stopped = Sheets(), asyncio.Event(), asyncio.Event()

    async def make() -> BatchState:
        inside.set()
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()
        return state(1)

    waiting = asyncio.create_task(held.made("k", make()))
    await inside.wait()
    await held.aclose()
    waiting.cancel()

    assert stopped.is_set()

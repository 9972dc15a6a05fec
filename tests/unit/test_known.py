"""At most four bundles a second for a topic, and nothing of weight left out; a mailbox holds so much and no more."""

import asyncio
import contextlib
from collections.abc import Iterator
from unittest import mock

import pytest

from progress.bundle import Bundle, Told
from progress.events import ProgressEvent, Topic
from progress.known import MOST_KNOWN, PAUSE_SECONDS, Known
from progress.mailbox import Mailbox

MOMENT = "2026-11-29T21:00:00Z"


def event(seq: int, **fields) -> ProgressEvent:
    usual = {
        "project_id": 1,
        "stage": "asset_generation",
        "progress": 0,
        "message": "…",
        "timestamp": MOMENT,
        "status": "running",
    }
    return ProgressEvent(**usual | {"seq": seq, "epoch": "a"} | fields)


def told(seq: int, **fields) -> Told:
    return Told.saying(event(seq, **fields))


def sequences(bundles: list[Bundle]) -> list[list[int]]:
    return [[one.event.seq for one in bundle.told] for bundle in bundles]


@pytest.fixture
def bundles() -> list[Bundle]:
    return []


@pytest.fixture
def known(bundles) -> Known:
    return Known(bundles.append, lambda _name: True)


@contextlib.contextmanager
def one_moment() -> Iterator[None]:
    """The loop's clock stands, however long the machine takes over what happens in it."""
    loop = asyncio.get_running_loop()
    now = loop.time()
    with mock.patch.object(loop, "time", lambda: now):
        yield


async def all_sent(known: Known) -> None:
    """Wait until no bundle is due."""
    async with asyncio.timeout(60):
        while known._waiting:
            await asyncio.sleep(0.01)


async def test_the_first_event_is_handed_out_at_once(known, bundles):
    known.accept(told(1))

    assert sequences(bundles) == [[1]]
    assert bundles[0].is_news
    assert bundles[0].after == 0


async def test_of_figures_within_a_quarter_second_only_the_last_is_handed_out(known, bundles):
    with one_moment():
        for seq in range(1, 101):
            known.accept(told(seq, progress=seq))
    await all_sent(known)

    assert sequences(bundles) == [[1], [100]]
    assert bundles[1].after == 1
    assert not bundles[1].is_news


async def test_each_change_of_stage_or_status_is_handed_out_with_the_first_and_last_figures_of_each(known, bundles):
    with one_moment():
        known.accept(told(1))
        for seq, stage, progress in ((2, "asset_generation", 50), (3, "asset_generation", 100), (4, "video_rendering", 0)):
            known.accept(told(seq, stage=stage, progress=progress))
        for seq in range(5, 50):
            known.accept(told(seq, stage="video_rendering", progress=seq))
        known.accept(told(50, stage="video_rendering", progress=50, status="waiting_disk"))
    await all_sent(known)

    assert sequences(bundles) == [[1], [3, 4, 49, 50]]
    assert bundles[1].is_news


async def test_no_topic_is_told_of_more_than_four_times_a_second(known, bundles):
    loop = asyncio.get_running_loop()
    began = loop.time()
    seq = 0
    while loop.time() - began < 1.0:
        seq += 1
        known.accept(told(seq, stage=f"stage {seq}"))
        await asyncio.sleep(0.002)
    await all_sent(known)

    assert len(bundles) <= 2 + (loop.time() - began) / PAUSE_SECONDS


async def test_another_topic_waits_for_no_other(known, bundles):
    with one_moment():
        known.accept(told(1))
        known.accept(told(2))
        known.accept(told(1, project_id=2))

    assert [bundle.topic for bundle in bundles] == [Topic(project_id=1), Topic(project_id=2)]


async def test_a_new_epoch_is_never_mixed_with_the_old_one(known, bundles):
    with one_moment():
        known.accept(told(1))
        known.accept(told(2))
        known.accept(told(1, epoch="b"))
    await all_sent(known)

    assert [(bundle.epoch, bundle.after) for bundle in bundles] == [("a", 0), ("a", 1), ("b", 0)]


async def test_what_the_log_tells_is_handed_out_whole(known, bundles):
    known.accept(told(1))
    known.accept_log(Topic(project_id=1), [told(seq, progress=seq) for seq in range(1, 200)])

    assert sequences(bundles) == [[1], list(range(2, 200))]


async def test_a_step_in_the_log_is_not_hidden_from_the_readers(known, bundles):
    known.accept(told(1))
    known.accept_log(Topic(project_id=1), [told(50), told(51)])

    assert bundles[1].after == 49


async def test_what_nobody_reads_is_forgotten_beyond_a_bound():
    known = Known(lambda _bundle: None, lambda name: name == "1")
    for number in range(1, MOST_KNOWN + 100):
        known.accept(told(1, project_id=number))

    assert len(known._standings) == MOST_KNOWN
    assert known.last(Topic(project_id=1)) is not None
    assert known.last(Topic(project_id=2)) is None


async def test_a_mailbox_that_overflows_says_so_once():
    box: Mailbox[int] = Mailbox(most=3)
    for number in range(5):
        box.put(number)

    assert await box.take(1) == ([4], True)
    box.put(6)
    assert await box.take(1) == ([6], False)


async def test_an_ended_mailbox_gives_nothing_more():
    box: Mailbox[int] = Mailbox()
    waiting = asyncio.create_task(box.take(60))
    await asyncio.sleep(0)
    box.end()

    assert await waiting is None
    box.put(1)
    assert await box.take(1) is None


def test_an_event_of_several_lines_is_sent_on_one():
    found = Told.of(event(1, message="two").model_dump_json(indent=1).encode())

    assert found is not None
    assert b"\n" not in found.line


@pytest.mark.parametrize("data", [b"", b"not ours", b"[]", b"{}", b'{"project_id": 1}', b"\xff"])
def test_what_is_no_event_is_none(data):
    assert Told.of(data) is None


def test_an_event_of_both_or_of_neither_is_none():
    assert Told.of(event(1, batch_id=2).model_dump_json().encode()) is None
    assert Told.of(event(1, project_id=None).model_dump_json().encode()) is None


@pytest.mark.parametrize("timestamp", ["", "soon", "2026-11-29T21:00:00"])
def test_an_event_that_does_not_say_when_is_none_of_ours(timestamp):
    """One such event kept the overview from being made, for as long as it was among the last."""
    assert Told.of(event(1).model_dump_json().encode()) is not None
    assert Told.of(event(1, timestamp=timestamp).model_dump_json().encode()) is None


class Passing:
    """Passes on what it is allowed to, the rest is left to the reader's turn."""

    def __init__(self, *, lets: bool = True) -> None:
        self.lets = lets
        self.passed: list[int] = []

    def __call__(self, item: int) -> bool:
        if self.lets:
            self.passed.append(item)
        return self.lets


async def test_who_waits_for_nothing_but_the_next_is_passed_it_without_being_woken():
    passing = Passing()
    box: Mailbox[int] = Mailbox(push=passing)
    waiting = asyncio.create_task(box.take(60))
    await asyncio.sleep(0)
    box.put(1)
    box.put(2)
    await asyncio.sleep(0)

    assert passing.passed == [1, 2]
    assert not waiting.done()
    waiting.cancel()


async def test_nothing_is_passed_on_before_what_waits_already():
    passing = Passing()
    box: Mailbox[int] = Mailbox(push=passing)
    box.put(1)
    waiting = asyncio.create_task(box.take(60))
    await asyncio.sleep(0)
    box.put(2)

    assert await waiting == ([1], False)
    assert passing.passed == []


async def test_after_one_that_can_not_be_passed_on_the_next_waits_its_turn():
    passing = Passing(lets=False)
    box: Mailbox[int] = Mailbox(push=passing)
    waiting = asyncio.create_task(box.take(60))
    await asyncio.sleep(0)
    box.put(1)
    passing.lets = True
    box.put(2)

    assert await waiting == ([1, 2], False)
    assert passing.passed == []

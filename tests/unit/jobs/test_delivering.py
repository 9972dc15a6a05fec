"""In which order and how often a receiver is asked; the clock is a test's own, so three days pass at once."""

from collections import defaultdict
from datetime import timedelta

import pytest

from jobs.maintenance import delivering
from jobs.maintenance.delivering import SCHEDULE_S, Deliverer, Receiver, next_attempt
from reelqueue import clock
from reelqueue.models.event import Answer, Delivery, Event
from storage.outbox import Outbox

TAKEN, REFUSED, AWAY, GONE = Answer(204), Answer(400, "answered 400"), Answer(None, "no connection"), Answer(410, "answered 410")


class Scripted:
    """A receiver that answers each event as it was told to, and then takes it."""

    def __init__(self) -> None:
        self.answers: defaultdict[str, list[Answer]] = defaultdict(list)
        self.all: Answer | None = None
        self.asked: list[str] = []

    async def send(self, _url: str, event: Event) -> Answer:
        self.asked.append(event.event_id)
        if self.all is not None:
            return self.all
        return self.answers[event.event_id].pop(0) if self.answers[event.event_id] else TAKEN


@pytest.fixture(autouse=True)
def moved(tmp_path):
    """Moves the clock to so many seconds from now."""
    file = tmp_path / "clock"

    def move(seconds: float) -> None:
        file.write_text(f"{seconds}\n{' ' * len(file.read_text()) if file.exists() else ''}")
        clock.follow(file)

    clock.follow(file)
    yield move
    clock.follow(None)


@pytest.fixture
def outbox(tmp_path):
    return Outbox(tmp_path / "outbox")


@pytest.fixture
def receiver():
    return Scripted()


@pytest.fixture
def deliverer(outbox, receiver, monkeypatch):
    monkeypatch.setattr(delivering, "MOST_REST_SECONDS", 0.0)  # how a receiver rests is held below

    async def url_of(destination):
        return None if destination == "b9" else "https://app.example.org/"

    return Deliverer(outbox, lambda: receiver, url_of)


async def keep(outbox, *names, destination="all"):
    """Keep events "p1-a", "p1-b", in this order."""
    for order, name in enumerate(names):
        event = Event(
            event_id=name,
            type="project.completed",
            at=clock.now() + timedelta(milliseconds=order),
            subject=name.partition("-")[0],
        )
        await outbox.add(Delivery(event=event, destination=destination))


async def test_what_is_taken_is_asked_once_in_the_order_of_its_project(deliverer, outbox, receiver):
    await keep(outbox, "p1-a", "p1-b", "p1-c")

    assert await deliverer.deliver() == 3
    assert await deliverer.deliver() == 0
    assert receiver.asked == ["p1-a", "p1-b", "p1-c"]
    assert [one.delivered_at is not None for one in await outbox.listed("delivered")] == [True] * 3


async def test_a_receiver_that_is_away_gets_nothing_of_a_project_before_its_oldest(deliverer, outbox, receiver, moved):
    await keep(outbox, "p1-a", "p1-b", "p2-a")
    receiver.answers["p1-a"] = [AWAY]

    await deliverer.deliver()
    assert sorted(receiver.asked) == ["p1-a", "p2-a"]
    moved(SCHEDULE_S[0] * 1.2)
    await deliverer.deliver()

    assert receiver.asked[-2:] == ["p1-a", "p1-b"]


async def test_an_event_that_is_refused_holds_up_none_that_follow_it(deliverer, outbox, receiver, moved):
    await keep(outbox, "p1-a", "p1-b")
    receiver.answers["p1-a"] = [REFUSED]

    await deliverer.deliver()
    assert receiver.asked == ["p1-a", "p1-b"]
    moved(SCHEDULE_S[0] * 1.2)
    await deliverer.deliver()

    assert receiver.asked == ["p1-a", "p1-b", "p1-a"]
    assert await outbox.pending() == []


async def test_one_that_is_never_taken_is_tried_ten_times_in_about_three_days_and_given_up(deliverer, outbox, receiver, moved):
    await keep(outbox, "p1-a")
    receiver.all = REFUSED
    passed = 0.0
    for pause in (0, *SCHEDULE_S):
        passed += pause * 1.11
        moved(passed)
        await deliverer.deliver()

    assert len(receiver.asked) == 10
    assert 3 < passed / 86_400 < 3.6
    [lost] = await outbox.listed("given_up")
    assert (lost.attempts, lost.error, lost.status) == (10, "answered 400", 400)
    assert await outbox.pending() == []


async def test_between_two_attempts_it_is_not_asked(deliverer, outbox, receiver, moved):
    await keep(outbox, "p1-a")
    receiver.all = AWAY

    await deliverer.deliver()
    moved(SCHEDULE_S[0] * 0.8)
    await deliverer.deliver()

    assert receiver.asked == ["p1-a"]


async def test_a_receiver_that_is_gone_for_good_is_not_asked_again(deliverer, outbox, receiver):
    await keep(outbox, "p1-a")
    receiver.answers["p1-a"] = [GONE]

    await deliverer.deliver()

    assert [one.attempts for one in await outbox.listed("given_up")] == [1]


async def test_an_event_whose_address_is_set_no_more_is_given_up(deliverer, outbox, receiver):
    await keep(outbox, "p1-a", destination="b9")

    await deliverer.deliver()

    assert receiver.asked == []
    assert [one.destination for one in await outbox.listed("given_up")] == ["b9"]


async def test_what_was_given_up_goes_again_on_request_under_its_id(deliverer, outbox, receiver):
    await keep(outbox, "p1-a")
    receiver.answers["p1-a"] = [GONE]
    await deliverer.deliver()

    await outbox.again("p1-a@all")
    await deliverer.deliver()

    assert receiver.asked == ["p1-a", "p1-a"]
    assert [one.event.event_id for one in await outbox.listed("delivered")] == ["p1-a"]


async def test_a_receiver_that_is_away_is_asked_by_few_of_many(outbox, receiver):
    """Three faults in a row, and it rests: five hundred events are not five hundred time-outs."""

    async def url_of(_destination):
        return "https://app.example.org/"

    await keep(outbox, *(f"p{number}-a" for number in range(1, 101)))
    receiver.all = AWAY

    await Deliverer(outbox, lambda: receiver, url_of).deliver()

    assert len(receiver.asked) <= 3 + 4  # those that were under way beside the third


def test_a_receiver_rests_longer_with_each_fault_and_not_after_an_answer():
    receiver = Receiver()
    for _ in range(2):
        receiver.heard(AWAY)
    assert not receiver.rests

    receiver.heard(AWAY)
    assert receiver.rests
    receiver.heard(REFUSED)
    assert not receiver.rests


def test_the_pause_that_is_asked_for_is_kept():
    now = clock.now()

    assert next_attempt(1, now, 600.0) == now + timedelta(seconds=600)
    assert next_attempt(9, now, 600.0) > now + timedelta(hours=21)

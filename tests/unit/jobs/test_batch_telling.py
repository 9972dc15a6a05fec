"""What the world hears of a batch."""

from datetime import timedelta

import pytest

from jobs.batch.running import looked_at
from jobs.batch.telling import progress_message, tell
from progress import Publisher
from reelqueue.models.forecast import Forecast
from reelqueue.models.stage import BatchStatus
from tests.unit.jobs.test_batch_rules import NOW, batch, outlines


class Heard(Publisher):
    """Keeps what is told."""

    def __init__(self):
        self.events = []

    async def publish(self, **event):
        self.events.append(event)
        return len(self.events)

    @property
    def shares(self):
        return [(event["status"], int(event["progress"])) for event in self.events]


@pytest.fixture
def heard():
    return Heard()


async def test_the_beginning_is_told_as_nought_and_then_only_what_is_news(heard):
    told = {}
    for statuses in (["queued"] * 3, ["queued"] * 3, ["completed", "queued", "queued"], ["completed"] * 3):
        known = outlines(*statuses)
        await tell(heard, told, looked_at(batch(), known, NOW), known, NOW, begins=not told)

    assert heard.shares == [("running", 0), ("running", 33), ("completed", 100)]
    assert told == {}


async def test_a_later_coordinator_goes_on_where_the_first_one_was(heard):
    """It told nought once more; and where Redis had lost its memory too, the progress fell."""
    known = outlines("completed", "completed", "queued")

    await tell(heard, {}, looked_at(batch(), known, NOW), known, NOW, begins=False)

    assert heard.shares == [("running", 66)]


async def test_one_that_ends_as_soon_as_it_begins_tells_both(heard):
    known = outlines("completed", "completed", "completed")

    await tell(heard, {}, looked_at(batch(), known, NOW), known, NOW, begins=True)

    assert heard.shares == [("running", 0), ("completed", 100)]


async def test_a_batch_that_is_being_cancelled_says_so_only_at_its_end(heard):
    """An event with that status is the last one: who listens goes."""
    known = outlines("cancelled", "running", "cancelled")

    await tell(heard, {}, looked_at(batch(status=BatchStatus.CANCELLED), known, NOW), known, NOW, begins=False)

    assert heard.shares == []


@pytest.mark.parametrize(
    ("state", "said"),
    [
        pytest.param(batch(), "1 of 3 projects ended (0 failed), 1 waiting", id="runs"),
        pytest.param(batch(status=BatchStatus.PAUSED), "paused: 1 of 3 projects ended (0 failed), 1 waiting", id="paused"),
        pytest.param(
            batch(overdue_since=NOW), "over its time, going on: 1 of 3 projects ended (0 failed), 1 waiting", id="over its time"
        ),
    ],
)
def test_the_message_counts_what_ended_failed_and_waits(state, said):
    known = outlines("completed", "queued", "waiting_review")

    assert progress_message(looked_at(state, known, NOW), known).en == said


async def test_the_time_that_is_left_is_that_of_the_forecasts_middle(heard):
    expected = Forecast(
        made_at=NOW, projects=3, least=NOW + timedelta(seconds=100), most=NOW + timedelta(seconds=300), limit="cpu"
    )
    known = outlines("queued", "queued", "queued")
    for passed in (50, 250):
        await tell(heard, {}, batch(forecast=expected), known, NOW + timedelta(seconds=passed), begins=False)

    assert [event["eta_s"] for event in heard.events] == [150.0, None]

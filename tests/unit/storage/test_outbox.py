"""An event is kept once, wherever it is by now; what a crash left is found."""

import errno
import os
from datetime import UTC, datetime, timedelta

import pytest

from reelqueue.models.event import Delivery, Event
from storage import disk
from storage.outbox import Outbox

NOW = datetime(2026, 11, 29, 20, 0, tzinfo=UTC)


def delivery(event_id: str = "p12-r1-completed", *, at: datetime = NOW, order: int = 1) -> Delivery:
    subject = event_id.partition("-")[0]
    return Delivery(
        event=Event(event_id=event_id, type="project.completed", at=at, subject=subject, order=order), destination="all"
    )


@pytest.fixture
def outbox(tmp_path):
    return Outbox(tmp_path / "outbox")


async def test_nothing_is_made_before_the_first_event(outbox, tmp_path):
    assert await outbox.pending() == []
    assert await outbox.listed("delivered") == []
    assert await outbox.forget(NOW) == 0
    assert list(tmp_path.iterdir()) == []


async def test_an_event_is_kept_once_wherever_it_is_by_now(outbox):
    assert await outbox.add(delivery()) is True
    assert await outbox.add(delivery()) is False
    await outbox.moved(delivery().replace(delivered_at=NOW), "delivered")

    assert await outbox.add(delivery()) is False
    assert await outbox.pending() == []
    assert await outbox.knows(["p12-r1-completed@all", "p13-r1-completed@all"]) == {"p12-r1-completed@all"}


async def test_what_is_pending_comes_oldest_first_and_as_it_was_noted_last(outbox):
    for event_id, minutes, order in (("p2-r1-b", 1, 1), ("p1-r1-b", 0, 9), ("p1-r1-a", 0, 2)):
        await outbox.add(delivery(event_id, at=NOW + timedelta(minutes=minutes), order=order))
    assert len(await outbox.pending()) == 3

    await outbox.note(delivery("p1-r1-b", order=9).replace(attempts=3))

    assert [(one.event.event_id, one.attempts) for one in await outbox.pending()] == [
        ("p1-r1-a", 0),
        ("p1-r1-b", 3),
        ("p2-r1-b", 0),
    ]


async def test_a_crash_between_delivery_and_its_note_leaves_it_to_be_delivered_again(outbox, tmp_path):
    await outbox.add(delivery())
    name = "p12-r1-completed@all.json"
    (tmp_path / "outbox" / "delivered").mkdir()
    os.link(tmp_path / "outbox" / "pending" / name, tmp_path / "outbox" / "delivered" / name)  # died before the unlink

    assert [one.name for one in await outbox.pending()] == ["p12-r1-completed@all"]
    await outbox.moved(delivery().replace(delivered_at=NOW), "delivered")
    assert await outbox.pending() == []


async def test_one_that_was_delivered_or_given_up_may_go_again(outbox):
    await outbox.add(delivery())
    await outbox.moved(delivery().replace(attempts=10, error="gone", gave_up_at=NOW), "given_up")

    assert await outbox.again("p12-r1-completed@all") == delivery()
    assert await outbox.pending() == [delivery()]
    assert await outbox.listed("given_up") == []
    assert await outbox.again("p13-r1-completed@all") is None


async def test_what_was_delivered_long_ago_is_forgotten_but_not_what_may_be_found_anew(outbox):
    for event_id in ("p1-r1-completed", "p2-r1-script-waiting_review-0", "b3-r1-ended"):
        await outbox.add(delivery(event_id))
        await outbox.moved(delivery(event_id), "delivered")

    gone = await outbox.forget(datetime.now(UTC) + timedelta(seconds=1), kept=["p2"])

    assert gone == 2
    assert [one.event.subject for one in await outbox.listed("delivered")] == ["p2"]


async def test_a_batchs_start_is_not_forgotten_before_its_end(outbox, tmp_path):
    """All events of a batch are found again where one is missing: its start was told a second time after a month."""
    for event_id in ("b3-r1-started", "b3-r1-ended", "b4-r1-started"):
        await outbox.add(delivery(event_id))
        await outbox.moved(delivery(event_id), "delivered")
    for event_id in ("b3-r1-started", "b4-r1-started"):
        os.utime(tmp_path / "outbox" / "delivered" / f"{event_id}@all.json", (0, 0))
    await outbox.add(delivery("b4-r1-ended"))

    assert await outbox.forget(datetime.now(UTC) - timedelta(days=30)) == 0


async def test_a_file_that_is_no_event_is_left_out_and_stays(outbox, tmp_path):
    await outbox.add(delivery())
    (tmp_path / "outbox" / "pending" / "p9-r1-x@all.json").write_text("{")

    assert [one.name for one in await outbox.pending()] == ["p12-r1-completed@all"]
    assert (tmp_path / "outbox" / "pending" / "p9-r1-x@all.json").exists()


async def test_no_name_leads_out_of_the_folder(outbox):
    with pytest.raises(ValueError, match="other"):
        await outbox.again("../other")


async def test_what_finds_no_space_to_be_noted_is_not_delivered_again_each_second(outbox, monkeypatch):
    await outbox.add(delivery("p1-r1-a"))
    await outbox.add(delivery("p2-r1-a"))

    def full(*_args, **_named):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(disk, "place", full)
    await outbox.moved(delivery("p1-r1-a").replace(delivered_at=NOW), "delivered")
    await outbox.note(delivery("p2-r1-a").replace(attempts=4))
    on_the_full_disk = await outbox.pending()
    monkeypatch.undo()
    afterwards = await outbox.pending()

    assert [(one.name, one.attempts) for one in on_the_full_disk] == [("p2-r1-a@all", 4)]
    assert afterwards == on_the_full_disk
    assert [one.name for one in await outbox.listed("delivered")] == ["p1-r1-a@all"]

"""Events that nobody kept are found on disk; a deadline that passed is one that no commit tells."""

from datetime import timedelta
from types import SimpleNamespace

import pytest

from jobs import transitions
from jobs.announcing import Announcer
from jobs.maintenance.missed import Missed
from reelqueue import clock
from reelqueue.errors import NeedsPerson
from reelqueue.models.stage import BatchStatus, Stage
from storage import BatchStore, Owner, Paths, ProjectStore
from storage.notices import Notices
from storage.outbox import Outbox

ALL, OF_BATCH = "https://app.example.org/all", "https://app.example.org/batch"
LOOK = NeedsPerson("look", "do")


@pytest.fixture
def paths(tmp_path):
    return Paths(tmp_path / "data")


@pytest.fixture
def batches(paths):
    return BatchStore(paths, Owner.here(), lease_seconds=5)


@pytest.fixture
def untold(paths):
    """Projects in the hand of a worker that dies before it tells."""
    return ProjectStore(paths, Owner.here(), lease_seconds=5)


def looking(paths, batches, **more):
    announcer = Announcer(Outbox(paths.outbox), Notices(paths.notices), webhook_of=batches.webhook_of, **more)
    projects = ProjectStore(paths, Owner.here(), lease_seconds=5, on_rest=announcer.rested)
    return Missed(SimpleNamespace(projects=projects, batches=batches, announcer=announcer))


async def waits(projects, batch_id=None, **brief):
    project = await projects.create({"topic": "How tides work", **brief}, batch_id=batch_id)
    await projects.change(project.project_id, transitions.parked(Stage.SCRIPT, LOOK, chain=True))


def kept(paths):
    return sorted(path.stem for path in paths.outbox.glob("pending/*.json"))


async def test_a_wait_that_nobody_told_is_found_once(paths, batches, untold):
    await waits(untold)
    missed = looking(paths, batches, webhook_url=ALL, notifies=True)

    for _ in range(2):
        await missed.look()

    assert kept(paths) == ["p1-r1-script-needs_person@all"]
    assert [notice.kind for notice in await Notices(paths.notices).all()] == ["needs_person-script"]


async def test_what_was_delivered_is_not_found_anew(paths, batches, untold):
    await waits(untold)
    await looking(paths, batches, webhook_url=ALL).look()
    outbox = Outbox(paths.outbox)
    [delivery] = await outbox.pending()
    await outbox.moved(delivery, "delivered")

    await looking(paths, batches, webhook_url=ALL).look()

    assert kept(paths) == []


async def test_who_is_set_up_to_be_told_later_hears_of_those_who_still_wait(paths, batches, untold):
    await waits(untold)
    await looking(paths, batches).look()
    assert not paths.outbox.exists()

    await looking(paths, batches, webhook_url=ALL).look()
    assert kept(paths) == ["p1-r1-script-needs_person@all"]


async def test_a_batchs_own_webhook_hears_of_what_was_missed_and_of_the_batch(paths, batches, untold):
    batch = await batches.create([1], webhook=OF_BATCH)
    now = clock.now()
    await batches.change(batch.batch_id, lambda state: state.replace(status=BatchStatus.RUNNING, started_at=now))
    await waits(untold, batch_id=batch.batch_id)
    await waits(untold)

    await looking(paths, batches).look()

    assert kept(paths) == ["b1-r1-started@b1", "p1-r1-script-needs_person@b1"]


async def test_the_end_of_a_batch_is_found_but_not_one_of_long_ago(paths, batches):
    now = clock.now()
    for days in (1, 4):
        batch = await batches.create([1])
        ended = now - timedelta(days=days)
        await batches.change(batch.batch_id, lambda state, at=ended: state.replace(status=BatchStatus.COMPLETED, ended_at=at))

    await looking(paths, batches, webhook_url=ALL).look()

    assert kept(paths) == ["b1-r1-ended@all"]


async def test_a_deadline_that_passed_is_told_once(paths, batches, untold, tmp_path):
    await waits(untold, deadline=(clock.now() + timedelta(hours=1)).isoformat())
    missed = looking(paths, batches, webhook_url=ALL)
    await missed.look()
    before = kept(paths)

    (tmp_path / "clock").write_text("7200")
    clock.follow(tmp_path / "clock")
    for _ in range(2):
        await missed.look()
    clock.follow(None)

    assert before == ["p1-r1-script-needs_person@all"]
    [told] = set(kept(paths)) - set(before)
    assert told.startswith("p1-deadline-")

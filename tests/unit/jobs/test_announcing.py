"""What is kept to be told, and for whom; nothing where nobody is."""

import json

import pytest

from jobs import acts
from jobs.announcing import Announcer, nobody
from reelqueue import clock
from reelqueue.errors import DiskFull
from reelqueue.models.batch import BatchState
from reelqueue.models.stage import BatchStatus
from storage import BatchStore, Owner, Paths, ProjectStore
from storage.notices import Notices
from storage.outbox import Outbox

ALL, OF_BATCH = "https://app.example.org/all", "https://app.example.org/batch"


@pytest.fixture
def paths(tmp_path):
    return Paths(tmp_path / "data")


@pytest.fixture
def batches(paths):
    return BatchStore(paths, Owner.here(), lease_seconds=5)


def announcing(paths, batches, **more):
    announcer = Announcer(Outbox(paths.outbox), Notices(paths.notices), webhook_of=batches.webhook_of, **more)
    return announcer, ProjectStore(paths, Owner.here(), lease_seconds=5, on_rest=announcer.rested)


async def cancelled(projects, batch_id=None):
    project = await projects.create({"topic": "How tides work"}, batch_id=batch_id)
    await projects.change(project.project_id, acts.cancel)
    await projects.unmark(project.project_id)


def kept(paths):
    return sorted(path.stem for path in paths.outbox.glob("pending/*.json"))


async def test_where_nobody_is_told_nothing_is_written(paths, batches):
    _, projects = announcing(paths, batches)

    await cancelled(projects, (await batches.create([1])).batch_id)

    assert not paths.outbox.exists()
    assert not paths.notices.exists()


async def test_a_batchs_own_webhook_hears_of_its_projects_beside_the_one_for_all(paths, batches):
    batch = await batches.create([1], webhook=OF_BATCH)
    _, projects = announcing(paths, batches, webhook_url=ALL)

    await cancelled(projects, batch.batch_id)
    await cancelled(projects)

    assert kept(paths) == ["p1-r0-cancelled@all", "p1-r0-cancelled@b1", "p2-r0-cancelled@all"]


async def test_one_address_is_told_once(paths, batches):
    batch = await batches.create([1], webhook=ALL)
    _, projects = announcing(paths, batches, webhook_url=ALL)

    await cancelled(projects, batch.batch_id)

    assert kept(paths) == ["p1-r0-cancelled@all"]


async def test_a_batch_with_a_webhook_is_told_where_nothing_else_is_set_up(paths, batches):
    announcer, projects = announcing(paths, batches)
    now = clock.now()
    batch = await batches.create([1], webhook=OF_BATCH)
    ended = batch.replace(status=BatchStatus.COMPLETED, started_at=now, ended_at=now)

    await cancelled(projects, batch.batch_id)
    for state in (batch, ended, ended):
        await announcer.batch(state)

    assert kept(paths) == ["b1-r1-ended@b1", "b1-r1-started@b1", "p1-r0-cancelled@b1"]


async def test_an_event_that_can_not_be_kept_keeps_the_projects_marker(paths, batches, monkeypatch):
    announcer, projects = announcing(paths, batches, webhook_url=ALL)

    def full(_delivery):
        raise DiskFull("no space")

    monkeypatch.setattr(announcer.outbox, "add_now", full)
    await cancelled(projects)
    assert await projects.unfinished() == [1]

    monkeypatch.undo()
    await projects.unmark(1)
    assert (await projects.unfinished(), kept(paths)) == ([], ["p1-r0-cancelled@all"])


async def test_an_end_of_long_ago_is_no_news_when_the_project_is_taken_in_hand_again(paths, batches):
    """Its captions are sent, or it is cleaned up: what was told is forgotten by then, or nobody was to be told at the time."""
    _, untold = announcing(paths, batches)
    await cancelled(untold)
    _, projects = announcing(paths, batches, webhook_url=ALL)

    async with await projects.take_over(1):
        pass

    assert kept(paths) == []


async def test_a_client_that_tells_nobody_leaves_it_to_the_workers_that_do(paths, batches):
    _, app = announcing(paths, batches, leaves_it=True)
    await cancelled(app)
    assert await app.unfinished() == []  # nobody was ever told here

    _, worker = announcing(paths, batches, webhook_url=ALL)
    await worker.create({"topic": "How tides work"})
    await Outbox(paths.outbox).make()
    await app.change(2, acts.cancel)
    await app.unmark(2)
    assert await app.unfinished() == [2]

    await worker.unmark(2)
    assert (await app.unfinished(), kept(paths)) == ([], ["p2-r0-cancelled@all"])


async def test_what_is_kept_holds_no_secret_and_is_ours_alone(paths, batches):
    _, projects = announcing(paths, batches, webhook_url=ALL)

    await cancelled(projects)

    [path] = paths.outbox.glob("pending/*.json")
    assert "example.org" not in path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600
    assert json.loads(path.read_text())["event"]["data"]["status"] == "cancelled"


async def test_nobody_is_told_of_a_batch_by_default(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    await nobody().batch(
        BatchState(batch_id=1, project_ids=(1,), started_at=clock.now(), created_at=clock.now(), updated_at=clock.now())
    )

    assert list(tmp_path.iterdir()) == []

"""How a batch comes to be: whole or not at all, each project once, whatever key it has."""

import asyncio

import pytest

from jobs.batch import asked
from jobs.batch.making import make_batch
from jobs.client import connect
from reelqueue.errors import Conflict, InvalidBrief
from reelqueue.models.batch import MOST_PROJECTS, BatchState
from reelqueue.models.brief import parse_brief
from reelqueue.models.stage import BatchStatus
from reelqueue.settings import Settings
from storage import BatchStore, Paths, ProjectStore

BEES, ANTS, OWLS = ({"topic": topic} for topic in ("Bees", "Ants", "Owls"))


@pytest.fixture
def paths(data_dir) -> Paths:
    return Paths(data_dir)


@pytest.fixture
def batches(paths) -> BatchStore:
    return BatchStore.reader(paths)


@pytest.fixture
def projects(paths) -> ProjectStore:
    return ProjectStore.reader(paths)


@pytest.fixture
async def queue_with_webhooks(settings: Settings):
    with_secret = settings.model_copy(update={"webhook_secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"})
    async with connect(with_secret) as opened:
        yield opened


async def nothing_is_made(projects, batches):
    return (await projects.ids(), list(await batches.ids())) == ([], [])


async def test_a_project_of_an_earlier_batch_is_left_out_of_the_next(projects, batches):
    one = await make_batch(projects, batches, [BEES, ANTS], keys=["bees", "ants"])
    two = await make_batch(projects, batches, [ANTS, OWLS], keys=["ants", "owls"])

    assert (one.project_ids, two.project_ids) == ((1, 2), (3,))
    assert (await projects.load(2)).batch_id == one.batch_id


async def test_the_same_key_twice_in_one_batch_is_one_project(projects, batches):
    batch = await make_batch(projects, batches, [BEES, ANTS, BEES], keys=["bees", None, "bees"])

    assert batch.project_ids == (1, 2)


async def test_the_same_brief_twice_without_keys_is_two_projects(projects, batches):
    assert (await make_batch(projects, batches, [BEES, BEES])).project_ids == (1, 2)


@pytest.mark.parametrize("keys", [["bees", "bees"], ["taken", "ants"], ["bees", "gone"]])
async def test_a_key_that_stands_for_something_else_makes_nothing(projects, batches, keys):
    """Looked at before the first project: the second of two keys is no later to be found wrong."""
    for key in ("taken", "gone"):
        await projects.create(OWLS if key == "taken" else ANTS, idempotency_key=key)
    await projects.delete(2)

    with pytest.raises(Conflict):
        await make_batch(projects, batches, [BEES, ANTS], keys=keys)
    assert (await projects.ids(), list(await batches.ids())) == ([1], [])


async def test_a_batch_of_nothing_new_is_refused_and_names_what_there_is(projects, batches):
    await make_batch(projects, batches, [BEES, ANTS], keys=["bees", "ants"])

    with pytest.raises(InvalidBrief, match="2, 1"):
        await make_batch(projects, batches, [ANTS, BEES], keys=["ants", "bees"])
    assert list(await batches.ids()) == [1]


async def test_of_calls_at_once_for_the_same_keys_those_that_find_nothing_left_make_no_batch(projects, batches):
    keys = [f"key {number}" for number in range(60)]
    briefs = [{"topic": key} for key in keys]

    made = await asyncio.gather(*(make_batch(projects, batches, briefs, keys=keys) for _ in range(3)), return_exceptions=True)

    assert sorted(number for one in made if isinstance(one, BatchState) for number in one.project_ids) == [*range(1, 61)]
    assert all(isinstance(one, InvalidBrief) or one.project_ids for one in made)
    assert set(await batches.ids()) == {one.batch_id for one in made if isinstance(one, BatchState)}


@pytest.mark.parametrize("keys", [["a"], ["a", "b", "c"], "ab", ["a", " "], ["a", 5], ["a", ["b"]]])
async def test_keys_that_are_no_keys_make_nothing(projects, batches, keys):
    with pytest.raises(InvalidBrief):
        await make_batch(projects, batches, [BEES, ANTS], keys=keys)
    assert await nothing_is_made(projects, batches)


async def test_more_than_a_batch_holds_is_refused_at_once(projects, batches):
    with pytest.raises(InvalidBrief, match="5,000"):
        await make_batch(projects, batches, [BEES] * (MOST_PROJECTS + 1))
    assert await nothing_is_made(projects, batches)


@pytest.mark.parametrize("keys", [None, ["bees", "ants"]])
async def test_a_create_that_died_in_the_middle_goes_on_under_the_same_key(projects, batches, monkeypatch, keys):
    """Killed after the first project: the second call makes the rest, and no project twice."""
    create = projects.create_many

    async def dies(asked, **more):
        await create(asked[:1], **more)
        raise KeyboardInterrupt

    monkeypatch.setattr(projects, "create_many", dies)
    with pytest.raises(KeyboardInterrupt):
        await make_batch(projects, batches, [BEES, ANTS], idempotency_key="week", keys=keys)
    monkeypatch.undo()

    batch = await make_batch(projects, batches, [BEES, ANTS], idempotency_key="week", keys=keys)

    assert (batch.batch_id, batch.project_ids, await projects.ids()) == (1, (1, 2), [2, 1])
    assert await make_batch(projects, batches, [BEES, ANTS], idempotency_key="week", keys=keys) == batch


async def test_one_that_was_cancelled_before_it_was_whole_can_be_made_after_all(projects, batches):
    """Its projects would be made and never begin."""
    half = await batches.create(idempotency_key="week", content=[parse_brief(BEES).model_dump(mode="json")])
    await batches.change(half.batch_id, asked.cancel)

    batch = await make_batch(projects, batches, [BEES], idempotency_key="week")

    assert (batch.batch_id, batch.project_ids, batch.status, batch.act) == (half.batch_id, (1,), BatchStatus.CREATED, None)


async def test_a_calendar_and_a_webhook_are_in_the_state_from_its_birth(queue_with_webhooks):
    batch = await queue_with_webhooks.create_batch(
        [BEES], calendar="Mon-Fri 09:00 Asia/Taipei", webhook="https://example.org/told"
    )

    assert (batch.webhook, batch.calendar is not None) == ("https://example.org/told", True)


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"calendar": "Mo-Fr 09:00 Asia/Taipei x"}, "slots"),
        ({"calendar": "1s"}, "every"),
        ({"calendar": "Mon 09:00 until 2027-01-01"}, "slots"),
        ({"webhook": "https://127.0.0.1/"}, "webhook"),
        ({"webhook": "http://example.org/"}, "webhook"),
        ({"calendar": 6}, "slots"),
        ({"webhook": b"https://example.org/"}, "webhook"),
    ],
)
async def test_a_calendar_or_a_webhook_that_cant_be_makes_nothing(queue_with_webhooks, projects, batches, more, field):
    with pytest.raises(InvalidBrief, match=field):
        await queue_with_webhooks.create_batch([BEES] * 30, **more)
    assert await nothing_is_made(projects, batches)

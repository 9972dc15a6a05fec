"""Every other document, spoilt in every way: what decides says that it can't be read and is left as it is; what only helps is left out.

Never is one begun anew in silence, and never does a spoilt one raise what nobody translates.
"""

from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from reelqueue.errors import Conflict, InstallationError, NeedsPerson, StorageUnavailable
from reelqueue.models.event import Delivery, Event, Notice
from reelqueue.models.likeness import Likeness
from storage import Agreements, BatchStore, Bucket, History, Ledger, Owner, Paths, open_installation
from storage.bookings import Bookings
from storage.chronicle import Chronicle, HourPage, Left, Summary
from storage.notices import Notices
from storage.outbox import Outbox
from storage.sessions import read_secret, write_secret
from tests.spoilt_files import NOT_TO_BE_READ, SPOILT, unreadable

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
BUCKET = Bucket("client", "upload", date(2026, 11, 30))
BEES = {"topic": "bees"}
Make = Callable[[Paths], Awaitable[Path]]
Use = Callable[[Paths], Awaitable[object]]

reads = pytest.mark.skipif(not NOT_TO_BE_READ.exists(), reason="needs Linux's /proc")
each_way = pytest.mark.parametrize("spoil", SPOILT.values(), ids=SPOILT)


async def an_account(paths: Paths) -> Path:
    await Ledger(paths).reserve(BUCKET, "call 1", Decimal(7), cap=Decimal(10))
    return paths.root / BUCKET.key()


async def ask_the_ledger(paths: Paths) -> object:
    return await Ledger(paths).reserve(BUCKET, "call 2", Decimal(7), cap=Decimal(10))


async def a_calendar(paths: Paths) -> Path:
    await Bookings(paths).change("tea", lambda booked: {**booked, NOW: 1}, NOW)
    return paths.root / "calendar" / "tea.json"


async def book(paths: Paths) -> object:
    return await Bookings(paths).change("tea", lambda booked: {**booked, NOW: 2}, NOW)


async def an_id(paths: Paths) -> Path:
    open_installation(paths)
    return paths.instance_file


async def open_it(paths: Paths) -> object:
    return open_installation(paths)


DECIDES = {"a ledger": (an_account, ask_the_ledger), "a calendar": (a_calendar, book), "instance.json": (an_id, open_it)}


@each_way
@pytest.mark.parametrize(("make", "use"), DECIDES.values(), ids=DECIDES)
async def test_what_decides_is_left_as_it_is_and_a_person_is_told(paths, make: Make, use: Use, spoil):
    path = await make(paths)
    body = spoil(path.read_bytes())
    path.write_bytes(body)

    for _ in range(2):
        with pytest.raises((NeedsPerson, InstallationError)) as told:
            await use(paths)

    assert told.value.hint
    assert path.read_bytes() == body


@reads
@pytest.mark.parametrize(("make", "use"), DECIDES.values(), ids=DECIDES)
async def test_what_decides_and_cant_be_read_now_is_asked_again_later(paths, make: Make, use: Use):
    path = await make(paths)
    with unreadable(path), pytest.raises((StorageUnavailable, InstallationError)):
        await use(paths)

    await use(paths)


@each_way
async def test_a_spoilt_key_still_makes_its_project_once(store, paths, spoil):
    await store.create(BEES)
    project = await store.create(BEES, idempotency_key="a")
    [path] = paths.keys.iterdir()
    path.write_bytes(spoil(path.read_bytes()))

    assert (await store.create(BEES, idempotency_key="a")).project_id == project.project_id == 2
    assert await store.ids() == [2, 1]


@each_way
async def test_a_projects_own_word_for_its_key_may_be_lost_with_the_power(store, paths, spoil):
    """Its key was durable before it; it itself is not worth a wait for the disk."""
    project = await store.create(BEES, idempotency_key="a")
    path = paths.project(project.project_id).root / "key"
    path.write_bytes(spoil(path.read_bytes()))

    assert (await store.create(BEES, idempotency_key="a")).project_id == project.project_id


@each_way
async def test_what_was_deleted_is_not_made_again_by_its_key_whatever_became_of_its_tombstone(store, paths, spoil):
    await store.create(BEES, idempotency_key="a")
    await store.delete(1)
    path = paths.gone / "1"
    path.write_bytes(spoil(path.read_bytes()) or b"?")

    with pytest.raises(Conflict):
        await store.create(BEES, idempotency_key="a")


@reads
async def test_a_key_that_cant_be_read_now_makes_nothing(store, paths):
    await store.create(BEES, idempotency_key="a")
    [path] = paths.keys.iterdir()
    with unreadable(path), pytest.raises(StorageUnavailable):
        await store.create(BEES, idempotency_key="a")

    assert (await store.ids(), (await store.create(BEES, idempotency_key="a")).project_id) == ([1], 1)


def an_event(number: int) -> Delivery:
    event = Event(event_id=f"p{number}-r1-failed", type="project.failed", at=NOW, subject=f"p{number}")
    return Delivery(event=event, destination="all")


async def an_outbox(paths: Paths) -> Path:
    for number in (1, 2):
        await Outbox(paths.outbox).add(an_event(number))
    return paths.outbox / "pending" / f"{an_event(1).name}.json"


async def still_pending(paths: Paths) -> object:
    return [one.event.subject for one in await Outbox(paths.outbox).pending()]


async def two_notices(paths: Paths) -> Path:
    for kind in ("disk", "review"):
        notice = Notice(kind=kind, at=NOW, project_id=1, status="s", stage="script", title=kind, why="", what_to_do="")
        Notices(paths.notices).mark_now(kind, 1, lambda notice=notice: notice)
    return paths.notices / "disk" / "notice.json"


async def noticed(paths: Paths) -> object:
    return [one.kind for one in await Notices(paths.notices).all()]


async def two_videos(paths: Paths) -> Path:
    for number in (1, 2):
        video = Likeness(project_id=number, title=f"{number}", script="", content="c", at=NOW)
        await History(paths.history).note("tea", video, lambda _others: ())
    return paths.history / "tea" / "1.json"


async def looked_like(paths: Paths) -> object:
    mine = Likeness(project_id=3, title="3", script="", content="c", at=NOW)
    return [one.title for one in await History(paths.history).note("tea", mine, list)]


async def two_hours(paths: Paths) -> Path:
    await Chronicle(paths.metrics).keep(Summary(since_ms=1), [HourPage(hour=hour) for hour in (490_000, 490_001)])
    return next(paths.metrics.glob("2*/*.json"))


async def hours(paths: Paths) -> object:
    return len(await Chronicle(paths.metrics).pages(490_000, 490_001))


async def two_that_left(paths: Paths) -> Path:
    for number in (1, 2):
        await Chronicle(paths.metrics).leave(Left(process="p", number=number))
    return paths.metrics / "left" / "p.1.json"


async def left(paths: Paths) -> object:
    return [one.number for one in await Chronicle(paths.metrics).left()]


async def two_sums(paths: Paths) -> Path:
    for number in (1, 2):
        await Chronicle(paths.metrics).keep(Summary(since_ms=1, copy_no=number), [])
    return paths.metrics / "totals.json"


async def summed(paths: Paths) -> object:
    found = await Chronicle(paths.metrics).summary()
    return found.copy_no if found is not None else None


HELPS = {
    "an event": (an_outbox, still_pending, ["p2"]),
    "a notice": (two_notices, noticed, ["review"]),
    "a video of the history": (two_videos, looked_like, ["2"]),
    "an hour": (two_hours, hours, 1),
    "what was left": (two_that_left, left, [2]),
    "the sums": (two_sums, summed, 1),
}


@each_way
@pytest.mark.parametrize(("make", "use", "rest"), HELPS.values(), ids=HELPS)
async def test_what_only_helps_is_left_out_and_the_others_are_there(paths, make: Make, use: Use, rest, spoil):
    path = await make(paths)
    body = spoil(path.read_bytes())
    path.write_bytes(body)

    assert await use(paths) == rest
    assert path.read_bytes() == body


@reads
@pytest.mark.parametrize(("make", "use", "rest"), HELPS.values(), ids=HELPS)
async def test_what_only_helps_and_cant_be_read_is_left_out_and_told(paths, make: Make, use: Use, rest):
    path = await make(paths)
    with unreadable(path), capture_logs() as logs:
        without = await use(paths)

    assert without == rest
    assert any(line["log_level"] == "warning" for line in logs)


@each_way
async def test_a_spoilt_agreement_is_asked_for_again(paths, spoil):
    await Agreements(paths).add(["pay Gemini"])
    path = paths.root / "agreed.json"
    path.write_bytes(spoil(path.read_bytes()))
    before = await Agreements(paths).terms()
    await Agreements(paths).add(["publish"])

    assert (before, await Agreements(paths).terms()) == (frozenset(), {"publish"})


@each_way
async def test_spoilt_results_of_a_batch_are_told_as_none(paths, spoil):
    batches = BatchStore(paths, Owner.here(), lease_seconds=60)
    await batches.create([1])
    await batches.keep_results(1, [{"project_id": 1, "status": "completed"}])
    path = paths.batch(1) / "results.json"
    path.write_bytes(spoil(path.read_bytes()))

    assert await batches.results(1) == []


@each_way
async def test_a_spoilt_session_is_none_or_an_address_of_which_the_service_knows_nothing(paths, store, spoil):
    await store.create(BEES)
    session = "https://upload.example.org/videos?upload_id=abcdef"
    await write_secret(paths.project(1).session, session)
    paths.project(1).session.write_bytes(spoil(paths.project(1).session.read_bytes()))

    found = await read_secret(paths.project(1).session)

    assert found is None or (found != session and found.isprintable())

"""Batches on disk: results beside the state, who is under way, and how large a state gets."""

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from reelqueue.errors import BatchNotFound, Conflict
from reelqueue.models.batch import MOST_PROJECTS, Again, BatchAct, BatchState
from reelqueue.models.brief import parse_brief
from reelqueue.models.forecast import DayForecast, Forecast, Outcome
from reelqueue.models.stage import BatchStatus
from storage import BatchStore, Namesake, Owner
from storage.codec import BATCH_CODEC, MAX_STATE_BYTES

NOW = datetime(2026, 12, 1, 9, 0, 0, 123_456, tzinfo=UTC)
LINES = [
    {"project_id": 1, "status": "completed", "video_id": "abc"},
    {"project_id": 2, "status": "failed", "error": {"code": "x"}},
]


@pytest.fixture
def batches(paths):
    return BatchStore(paths, Owner.here(), lease_seconds=60)


def test_the_largest_batch_stays_under_64_kb():
    """Five thousand projects, the highest ids of a million, and a hundred days of a forecast and of what came."""
    days = tuple(
        DayForecast(
            day=date(2026, 12, 1) + timedelta(number), uploads=100, units=10_000, captions_owed=1_000, usd=Decimal("4.99")
        )
        for number in range(100)
    )
    state = BatchState(
        batch_id=999_999,
        fence=12_345,
        owner="a-long-name-of-a-machine/0123456789abcdef",
        recent=tuple(f"{number:016x}" for number in range(16)),
        project_ids=tuple(range(999_999, 999_999 - MOST_PROJECTS, -1)),
        completed=2_500,
        failed=2_400,
        run=99,
        act=BatchAct.RESUME,
        again=Again.UNFINISHED,
        started_at=NOW,
        ended_at=NOW,
        overdue_since=NOW,
        calendar="Mon,Tue,Wed,Thu,Fri 09:00,10:00,11:00,12:00,18:00 America/Argentina/ComodRivadavia",
        webhook="https://example.org/" + "a" * 200,
        forecast=Forecast(
            made_at=NOW, projects=5_000, least=NOW, most=NOW, limit="uploads", days=days, usd=(Decimal(1), Decimal(9))
        ),
        outcome=Outcome(ended_at=NOW, within=True, days=days, usd=Decimal("499.99")),
        created_at=NOW,
        updated_at=NOW,
    )

    body, read = BATCH_CODEC.encode(state)

    assert len(body) < MAX_STATE_BYTES
    assert read == state


async def test_results_are_kept_beside_the_state_and_made_anew(batches, paths):
    await batches.create([1, 2])

    assert await batches.results(1) == []
    await batches.keep_results(1, LINES[:1])
    await batches.keep_results(1, LINES)

    assert await batches.results(1) == LINES
    assert sorted(path.name for path in paths.batch(1).iterdir() if path.suffix == ".part") == []


async def test_results_that_an_older_version_kept_in_the_state_are_read(batches, paths):
    await batches.create([1, 2])
    path = paths.batch(1) / "batch_state.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"status": "completed", "completed": 1, "results": LINES}))

    assert await batches.results(1) == LINES
    assert (await batches.load(1)).has_ended


async def test_results_of_an_unknown_batch_are_not_found(batches):
    with pytest.raises(BatchNotFound):
        await batches.results(1)
    with pytest.raises(BatchNotFound):
        await batches.keep_results(1, LINES)


async def test_a_state_without_what_is_new_is_one_that_version_0_3_reads(batches, paths):
    await batches.create([1])

    known = json.loads((paths.batch(1) / "batch_state.json").read_text())

    assert known.keys() == {
        "schema_version", "batch_id", "revision", "fence", "owner", "write_id", "recent", "status", "project_ids", "completed",
        "failed", "results", "created_at", "updated_at",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "under_way"),
    [
        ({"status": BatchStatus.CREATED}, False),
        ({"status": BatchStatus.RUNNING}, True),
        ({"status": BatchStatus.PAUSED}, True),
        ({"status": BatchStatus.CANCELLED}, True),
        ({"status": BatchStatus.CANCELLED, "ended_at": NOW}, False),
        ({"status": BatchStatus.COMPLETED}, False),
        ({"status": BatchStatus.FAILED}, False),
    ],
)
async def test_those_under_way_are_found(batches, fields, under_way):
    await batches.create([1])
    await batches.unfinished()
    await batches.change(1, lambda state: state.replace(**fields))

    assert list(await batches.unfinished()) == ([1] if under_way else [])


async def test_one_that_rested_is_found_when_another_process_lets_it_go_on(batches, paths):
    await batches.create([1])
    await batches.change(1, lambda state: state.replace(status=BatchStatus.COMPLETED))
    assert list(await batches.unfinished()) == []

    await BatchStore.reader(paths).change(1, lambda state: state.replace(status=BatchStatus.RUNNING))

    assert list(await batches.unfinished()) == [1]


async def test_a_key_names_the_batch_that_was_made_under_it(batches):
    made = await batches.create(idempotency_key="week 1", content=["bees"])

    assert await batches.born("week 1", ["bees"]) == made
    assert await batches.born("week 2", ["bees"]) is None
    with pytest.raises(Conflict):
        await batches.born("week 1", ["ants"])


async def test_who_was_made_under_a_key_before_is_known(store):
    bees, ants = parse_brief({"topic": "Bees"}), parse_brief({"topic": "Ants"})
    for key in ("bees", "gone"):
        await store.create(bees, idempotency_key=key)
    await store.delete(2)

    found = await store.namesakes([("bees", bees), ("bees", ants), ("gone", bees), ("new", bees)])

    assert list(found) == [Namesake(1, True, False), Namesake(1, False, False), Namesake(2, True, True), None]

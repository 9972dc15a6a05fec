"""What is counted against a cap: before the call, once per call, by the day in Los Angeles."""

import asyncio
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from reelqueue.errors import NeedsPerson
from storage.ledger import Bucket, Ledger, pacific_day, pacific_midnight_after

UPLOADS = Bucket("default", "uploads", date(2026, 11, 24))
ONE, CAP = Decimal(1), Decimal(3)


@pytest.fixture
def ledger(paths) -> Ledger:
    return Ledger(paths)


async def test_a_call_is_counted_once(ledger):
    assert await ledger.reserve(UPLOADS, "a", ONE, cap=CAP)
    assert await ledger.reserve(UPLOADS, "a", ONE, cap=CAP)
    await ledger.settle(UPLOADS, "a", Decimal("0.5"))
    await ledger.settle(UPLOADS, "a", Decimal("0.7"))
    assert await ledger.reserve(UPLOADS, "a", ONE, cap=CAP)

    account = await ledger.account(UPLOADS)
    assert (account.used, account.reservations, account.settled) == (Decimal("0.5"), {}, {"a": Decimal("0.5")})


async def test_the_cap_holds_however_many_ask_at_once(ledger):
    answers = await asyncio.gather(*(ledger.reserve(UPLOADS, str(number), ONE, cap=CAP) for number in range(12)))

    assert sum(answers) == 3
    assert (await ledger.account(UPLOADS)).used == CAP


async def test_a_call_that_was_not_made_gives_its_place_back(ledger):
    for key in "abc":
        await ledger.reserve(UPLOADS, key, ONE, cap=CAP)
    refused = await ledger.reserve(UPLOADS, "d", ONE, cap=CAP)
    await ledger.settle(UPLOADS, "a", Decimal(0))

    assert (refused, await ledger.reserve(UPLOADS, "d", ONE, cap=CAP)) == (False, True)


async def test_without_a_cap_all_is_counted(ledger):
    assert await ledger.reserve(UPLOADS, "a", Decimal(1_000), cap=Decimal(0))
    assert (await ledger.account(UPLOADS)).used == 1_000


async def test_buckets_and_days_are_apart(ledger, paths):
    tomorrow = Bucket("default", "uploads", date(2026, 11, 25))
    await ledger.reserve(UPLOADS, "a", ONE, cap=ONE)

    assert await ledger.reserve(tomorrow, "b", ONE, cap=ONE)
    assert (paths.ledger / "2026-11-24" / "default.uploads.json").exists()


async def test_what_was_spent_beyond_the_reservation_counts(ledger):
    await ledger.reserve(UPLOADS, "a", ONE, cap=CAP)
    await ledger.settle(UPLOADS, "a", Decimal(5))
    await ledger.settle(UPLOADS, "never reserved", Decimal(2))

    assert (await ledger.account(UPLOADS)).used == 7


async def test_an_unreadable_account_stops_the_spending(ledger, paths):
    await ledger.reserve(UPLOADS, "a", ONE, cap=CAP)
    (paths.ledger / "2026-11-24" / "default.uploads.json").write_bytes(b"")

    with pytest.raises(NeedsPerson):
        await ledger.reserve(UPLOADS, "b", ONE, cap=CAP)


async def test_a_name_leads_nowhere_else(ledger):
    with pytest.raises(ValueError, match="x"):
        await ledger.account(Bucket("../x", "uploads", date(2026, 11, 24)))


@pytest.mark.parametrize(
    ("now", "day", "midnight"),
    [
        pytest.param("2026-11-24T07:59:59", "2026-11-23", "2026-11-24T08:00:00", id="winter, before"),
        pytest.param("2026-11-24T08:00:00", "2026-11-24", "2026-11-25T08:00:00", id="winter, at"),
        pytest.param("2026-07-01T12:00:00", "2026-07-01", "2026-07-02T07:00:00", id="summer"),
        pytest.param("2026-03-08T09:00:00", "2026-03-08", "2026-03-09T07:00:00", id="the day of 23 hours"),
        pytest.param("2026-11-01T08:00:00", "2026-11-01", "2026-11-02T08:00:00", id="the day of 25 hours"),
    ],
)
def test_the_day_ends_at_midnight_in_los_angeles(now, day, midnight):
    at = datetime.fromisoformat(now).replace(tzinfo=UTC)

    assert pacific_day(at).isoformat() == day
    assert pacific_midnight_after(at) == datetime.fromisoformat(midnight).replace(tzinfo=UTC)

"""What is counted against a cap: before the call, once per call, by the day in Los Angeles."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reelqueue.errors import NeedsPerson
from reelqueue.models.project import Usage
from storage.ledger import KEPT_SETTLED, Account, Bucket, Ledger, pacific_day, pacific_midnight_after

UPLOADS = Bucket("default", "uploads", date(2026, 11, 24))
CHANNEL = Bucket("channel-news", "closed", None)
ONE, CAP = Decimal(1), Decimal(3)
NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


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


async def test_a_bucket_that_the_service_closed_gives_nothing_until_it_opens(ledger):
    await ledger.close(UPLOADS, NOW + HOUR)

    refused = await ledger.reserve(UPLOADS, "a", ONE, cap=Decimal(0), now=NOW)
    asked = await ledger.reserve(UPLOADS, "b", Decimal(0), cap=Decimal(0), now=NOW)
    later = await ledger.reserve(UPLOADS, "a", ONE, cap=Decimal(0), now=NOW + HOUR)

    assert (refused, asked, later) == (False, False, True)
    assert (await ledger.account(UPLOADS)).refused is None  # there was room


async def test_a_bucket_may_be_opened_again_by_hand(ledger):
    await ledger.close(UPLOADS, NOW + HOUR)
    await ledger.close(UPLOADS, None)

    assert await ledger.reserve(UPLOADS, "a", ONE, cap=CAP, now=NOW)


async def test_a_call_that_was_reserved_before_the_bucket_was_closed_stays_counted(ledger):
    await ledger.reserve(UPLOADS, "a", ONE, cap=CAP, now=NOW)
    await ledger.close(UPLOADS, NOW + HOUR)

    assert await ledger.reserve(UPLOADS, "a", ONE, cap=CAP, now=NOW)
    assert (await ledger.account(UPLOADS)).used == 1


async def test_to_ask_for_nothing_writes_nothing(ledger, paths):
    assert await ledger.reserve(CHANNEL, "a", Decimal(0), cap=Decimal(0))
    assert not (paths.ledger / "lasting").exists()


async def test_to_ask_for_nothing_of_a_full_bucket_is_allowed_and_of_one_that_is_over_is_not(ledger):
    for key in "abc":
        await ledger.reserve(UPLOADS, key, ONE, cap=CAP)
    full = await ledger.reserve(UPLOADS, "d", Decimal(0), cap=CAP)
    await ledger.raise_used(UPLOADS, Decimal(4))

    assert (full, await ledger.reserve(UPLOADS, "d", Decimal(0), cap=CAP)) == (True, False)


async def test_what_is_not_by_day_lasts(ledger, paths):
    await ledger.close(CHANNEL, NOW + 24 * HOUR)

    assert (paths.ledger / "lasting" / "channel-news.closed.json").exists()
    assert not await ledger.reserve(CHANNEL, "a", Decimal(0), cap=Decimal(0), now=NOW + 23 * HOUR)
    assert await ledger.reserve(CHANNEL, "a", Decimal(0), cap=Decimal(0), now=NOW + 24 * HOUR)


async def test_the_smallest_amount_that_was_too_much_is_kept(ledger):
    await ledger.reserve(UPLOADS, "a", ONE, cap=CAP)
    for key, amount in (("b", 3), ("c", 5), ("d", 4)):
        await ledger.reserve(UPLOADS, key, Decimal(amount), cap=CAP)

    account = await ledger.account(UPLOADS)
    assert (account.refused, account.used, account.reservations) == (3, 1, {"a": 1})


async def test_old_settlements_go_and_their_amounts_stay(ledger):
    account = await ledger.account(UPLOADS)
    for number in range(KEPT_SETTLED + 3):
        account = account.with_reservation(str(number), ONE).with_actual(str(number), Decimal("0.5"))

    assert (len(account.settled), min(map(int, account.settled))) == (KEPT_SETTLED, 3)
    assert account.used == Decimal("0.5") * (KEPT_SETTLED + 3)


@given(
    st.lists(
        st.tuples(
            st.integers(0, 9),
            st.sampled_from(["reserve", "settle", "release", "unknown"]),
            st.integers(1, 40),
            st.integers(0, 40),
        )
    )
)
def test_whatever_happens_an_account_adds_up_and_passes_its_cap_only_by_what_calls_took_beyond_their_estimate(happenings):
    cap, account, beyond = Decimal(100), Account(), Decimal(0)
    for number, what, estimate, took in happenings:
        key, amount = str(number), Decimal(estimate)
        known = key in account.settled or key in account.reservations
        if what == "reserve" and not known and account.has_room(amount, cap):
            account = account.with_reservation(key, amount)
        if what in {"settle", "release"} and key in account.reservations:
            actual = Decimal(took if what == "settle" else 0)
            beyond += max(Decimal(0), actual - account.reservations[key])
            account = account.with_actual(key, actual)

        assert account.used == account.unsettled + sum(account.settled.values())
        assert account.used <= cap + beyond


async def test_an_account_of_thousands_of_calls_stays_small(ledger, paths):
    account = await ledger.account(UPLOADS)
    for number in range(3_000):
        account = account.with_actual(f"12345.{number}.assets.{number}", Decimal("0.0134"))

    assert len(account.model_dump_json()) < 64_000


async def test_what_was_paid_for_is_summed(ledger):
    tokens = Usage(service="gemini", model="m", unit="output_tokens", amount=100, cost_usd=0.01)
    await ledger.settle(UPLOADS, "a", Decimal("0.01"), [tokens])
    await ledger.settle(UPLOADS, "b", Decimal("0.02"), [tokens.replace(amount=200, cost_usd=0.02), tokens.replace(unit="image")])
    await ledger.settle(UPLOADS, "b", Decimal("0.02"), [tokens])

    usage = {use.unit: (use.amount, use.cost_usd) for use in (await ledger.account(UPLOADS)).usage}
    assert usage == {"output_tokens": (300, pytest.approx(0.03)), "image": (100, 0.01)}


async def test_a_call_whose_outcome_nobody_knows_stays_counted(ledger):
    await ledger.reserve(UPLOADS, "a", ONE, cap=CAP)
    await ledger.reserve(UPLOADS, "b", ONE, cap=CAP)
    await ledger.settle(UPLOADS, "a", Decimal("0.2"))

    account = await ledger.account(UPLOADS)
    assert (account.used, account.unsettled) == (Decimal("1.2"), 1)


async def test_what_the_service_saw_more_than_we_is_counted_and_less_is_not(ledger):
    await ledger.reserve(UPLOADS, "a", ONE, cap=CAP)
    await ledger.raise_used(UPLOADS, Decimal(2))
    await ledger.raise_used(UPLOADS, Decimal(1))
    await ledger.settle(UPLOADS, "a", ONE)

    account = await ledger.account(UPLOADS)
    assert (account.used, account.has_room(ONE, CAP), account.has_room(ONE * 2, CAP)) == (2, True, False)


async def test_old_days_go_and_what_lasts_stays(ledger, paths):
    days = [date(2026, 9, 1), date(2026, 9, 24), date(2026, 9, 25), date(2026, 11, 24)]
    for day in days:
        await ledger.reserve(Bucket("money", "usd", day), "a", ONE, cap=CAP)
    await ledger.close(CHANNEL, NOW)

    gone = await ledger.forget_before(date(2026, 9, 25))

    assert gone == ["2026-09-01", "2026-09-24"]
    assert {path.name for path in paths.ledger.iterdir()} == {"2026-09-25", "2026-11-24", "lasting"}
    assert await ledger.forget_before(date(2026, 9, 25)) == []


async def test_a_ledger_that_is_not_there_has_no_old_days(ledger):
    assert await ledger.forget_before(date(2026, 9, 25)) == []


@pytest.mark.parametrize(
    ("day", "hours"),
    [
        pytest.param(date(2026, 3, 8), 23, id="clocks go on"),
        pytest.param(date(2026, 11, 1), 25, id="clocks go back"),
        pytest.param(date(2026, 11, 24), 24, id="usual"),
    ],
)
def test_a_day_in_los_angeles_has_as_many_hours_as_it_has(day, hours):
    begins = pacific_midnight_after(datetime(day.year, day.month, day.day, 7, tzinfo=UTC) - HOUR)
    ends = pacific_midnight_after(begins)

    assert (ends - begins, pacific_day(begins), pacific_day(ends - timedelta(seconds=1))) == (hours * HOUR, day, day)
    assert pacific_day(ends) == day + timedelta(days=1)


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

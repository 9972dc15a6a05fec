"""What a project may spend: all of a call's cost is reserved, or nothing; and what is refused says which cap, and what to do."""

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from jobs import spending
from jobs.spending import NOBODY, Caps, Spender, channel_bucket, money_bucket, project_bucket
from reelqueue.errors import BudgetExhausted, NeedsPerson, QuotaExhausted
from reelqueue.models.buckets import in_words
from reelqueue.models.cost import Cost, Need
from reelqueue.models.project import Usage
from reelqueue.wording import Text
from storage import Bucket, Ledger, Paths

NOW = datetime(2026, 11, 24, 20, 0, tzinfo=UTC)
TODAY, TOMORROW = NOW.date(), NOW.date() + timedelta(days=1)
MIDNIGHT = datetime(2026, 11, 25, 8, 0, tzinfo=UTC)
UPLOADS = Need(client="youtube-1a2b3c4d", name="uploads", cap=2)
UNITS = Need(client="youtube-1a2b3c4d", name="units", amount=50, cap=120)
CLOSED = Need(client="channel-news", name="closed", amount=0, lasting=True)
CAPS = Caps(daily_usd=Decimal(5), project_usd=Decimal(2), channel="news", channel_daily_usd=Decimal(3))
PICTURE = Usage(service="gemini", model="image", unit="image", amount=1, cost_usd=0.1)


def usd(amount):
    return Cost(usd=Decimal(amount))


def bucket(need, day=TODAY):
    return Bucket(need.client, need.name, None if need.lasting else day)


@pytest.fixture
def ledger(tmp_path):
    return Ledger(Paths(tmp_path))


@pytest.fixture
def spender(ledger):
    return Spender(ledger, 7, CAPS, now=lambda: NOW)


@pytest.fixture
def used(ledger):
    async def look(*buckets):
        return [(await ledger.account(one)).used for one in buckets]

    return look


MONEY = (project_bucket(7), channel_bucket("news", TODAY), money_bucket(TODAY))


async def test_money_is_counted_for_the_project_its_channel_and_the_day(spender, used):
    held = await spender.reserve("a", usd("0.5"))
    reserved = await used(*MONEY)
    await spender.settle(held, (PICTURE, PICTURE))

    assert (reserved, await used(*MONEY)) == ([Decimal("0.5")] * 3, [Decimal("0.2")] * 3)
    assert [use.amount for use in await spender.usage()] == [2]


async def test_a_channel_without_a_cap_of_its_own_is_not_counted(ledger, used):
    spender = Spender(ledger, 7, Caps(channel="news"), now=lambda: NOW)
    await spender.reserve("a", usd("0.5"))

    assert await used(*MONEY) == [Decimal("0.5"), 0, Decimal("0.5")]


async def test_what_belongs_to_no_project_is_counted_for_the_day_alone_and_has_no_project_cap(ledger, used):
    spender = Spender(ledger, None, CAPS, now=lambda: NOW)
    await spender.reserve("a", usd("2.5"))

    assert await used(Bucket(NOBODY, "usd", None), money_bucket(TODAY)) == [Decimal("2.5")] * 2


@pytest.mark.parametrize(
    ("spent", "setting", "until", "sentence"),
    [
        pytest.param("1.95", "PROJECT_COST_CAP_USD", None, "this project took 1.9500 of 2", id="project"),
        pytest.param("2.95", "daily_cost_cap_usd", MIDNIGHT, "channel news today took 2.9500 of 3", id="channel"),
        pytest.param("4.95", "DAILY_COST_CAP_USD", MIDNIGHT, "today took 4.9500 of 5", id="day"),
    ],
)
async def test_a_call_that_would_pass_a_cap_is_refused_with_the_caps_name(spender, ledger, spent, setting, until, sentence):
    by_setting = dict(zip(("PROJECT_COST_CAP_USD", "daily_cost_cap_usd", "DAILY_COST_CAP_USD"), MONEY, strict=True))
    await ledger.reserve(by_setting[setting], "before", Decimal(spent), cap=Decimal(0))

    with pytest.raises(BudgetExhausted) as refused:
        await spender.reserve("a", usd("0.1"))

    assert refused.value.until == until
    assert sentence in refused.value.message and f"({setting})" in refused.value.message
    assert f"raise {setting}" in refused.value.hint
    assert ("after midnight" in refused.value.hint) == (until is not None)


async def test_a_call_that_just_fits_is_made(spender):
    for key, amount in (("a", "1.9"), ("b", "0.1")):
        await spender.settle(await spender.reserve(key, usd(amount)), None)

    with pytest.raises(BudgetExhausted):
        await spender.reserve("c", usd("0.0001"))


async def test_a_cap_of_nought_is_none(ledger):
    spender = Spender(ledger, 7, Caps(), now=lambda: NOW)

    assert await spender.reserve("a", usd("1000000"))


async def test_a_refused_second_purse_gives_the_first_back(spender, ledger, used):
    await ledger.reserve(money_bucket(TODAY), "others", Decimal("4.95"), cap=Decimal(5))

    with pytest.raises(BudgetExhausted):
        await spender.reserve("a", usd("0.1"))

    assert await used(*MONEY) == [0, 0, Decimal("4.95")]


async def test_a_refused_second_bucket_gives_the_first_and_the_money_back(spender, ledger, used):
    await ledger.reserve(bucket(UNITS), "others", Decimal(100), cap=Decimal(120))

    with pytest.raises(QuotaExhausted):
        await spender.reserve("a", Cost(usd=Decimal("0.1"), needs=(UPLOADS, UNITS)))

    assert await used(*MONEY, bucket(UPLOADS), bucket(UNITS)) == [0, 0, 0, 0, 100]


async def test_an_account_that_cannot_be_read_stops_the_call_and_gives_the_rest_back(spender, ledger, used, tmp_path):
    await ledger.reserve(bucket(UNITS), "others", Decimal(1), cap=Decimal(120))
    (Paths(tmp_path).root / bucket(UNITS).key()).write_bytes(b"{")

    with pytest.raises(NeedsPerson):
        await spender.reserve("a", Cost(usd=Decimal("0.1"), needs=(UPLOADS, UNITS)))

    assert await used(*MONEY, bucket(UPLOADS)) == [0, 0, 0, 0]


async def test_a_full_bucket_says_whose_it_is_how_full_and_until_when(spender):
    for key in "ab":
        await spender.reserve(key, Cost(needs=(UPLOADS,)))

    with pytest.raises(QuotaExhausted) as refused:
        await spender.reserve("c", Cost(needs=(UPLOADS,)))

    assert refused.value.message == "today's quota is used up: YouTube uploads (2 of 2)"
    assert (refused.value.until, refused.value.closes) == (MIDNIGHT, None)
    assert "reelqueue quotas" in refused.value.hint


async def test_on_the_next_day_there_is_room_again(ledger):
    clock = [NOW]
    spender = Spender(ledger, 7, CAPS, now=lambda: clock[0])
    for key in "ab":
        await spender.reserve(key, Cost(needs=(UPLOADS,)))
    clock[0] = MIDNIGHT

    assert await spender.reserve("c", Cost(needs=(UPLOADS,)))


async def test_a_call_over_midnight_is_settled_on_the_day_that_it_was_reserved_on(ledger, used):
    clock = [MIDNIGHT - timedelta(seconds=1)]
    spender = Spender(ledger, 7, CAPS, now=lambda: clock[0])
    held = await spender.reserve("a", Cost(usd=Decimal("0.5"), needs=(UPLOADS,)))
    clock[0] = MIDNIGHT + timedelta(seconds=1)
    await spender.settle(held, (PICTURE,))

    assert await used(money_bucket(TODAY), money_bucket(TOMORROW)) == [Decimal("0.1"), 0]
    assert await used(bucket(UPLOADS), bucket(UPLOADS, TOMORROW)) == [1, 0]


async def test_an_unknown_outcome_stays_at_the_estimate(spender, used, ledger):
    held = await spender.reserve("a", Cost(usd=Decimal("0.5"), needs=(UPLOADS,)))
    await spender.settle(held, None)

    assert await used(*MONEY, bucket(UPLOADS)) == [*[Decimal("0.5")] * 3, 1]
    assert (await ledger.account(money_bucket(TODAY))).unsettled == Decimal("0.5")
    assert await spender.usage() == ()


async def test_a_call_that_surely_cost_nothing_gives_the_money_back_and_keeps_the_quota(spender, used):
    held = await spender.reserve("a", Cost(usd=Decimal("0.5"), needs=(UPLOADS, UNITS)))
    await spender.settle(held, ())

    assert await used(*MONEY, bucket(UPLOADS), bucket(UNITS)) == [0, 0, 0, 1, 50]


async def test_a_call_that_was_not_made_gives_everything_back(spender, used):
    held = await spender.reserve("a", Cost(usd=Decimal("0.5"), needs=(UPLOADS, UNITS, CLOSED)))
    await spender.release(held)

    assert await used(*MONEY, bucket(UPLOADS), bucket(UNITS)) == [0] * 5


async def test_a_call_that_cost_more_than_its_estimate_is_counted_whole(spender, used):
    held = await spender.reserve("a", usd("0.05"))
    await spender.settle(held, (PICTURE,))

    assert await used(*MONEY) == [Decimal("0.1")] * 3


@pytest.mark.parametrize(
    ("closes", "closed"),
    [
        pytest.param("uploads", {"uploads"}, id="the bucket that the service names"),
        pytest.param("channel", {"closed"}, id="the channel"),
        pytest.param(None, set(), id="none"),
        pytest.param("others", set(), id="one that the call does not draw from"),
    ],
)
async def test_what_the_service_says_is_used_up_is_closed(spender, ledger, closes, closed):
    held = await spender.reserve("a", Cost(needs=(UPLOADS, UNITS, CLOSED)))
    until = NOW + timedelta(hours=24)
    await spender.close(held, QuotaExhausted("used up", until=until, closes=closes))

    assert {need.name for need in (UPLOADS, UNITS, CLOSED) if (await ledger.account(bucket(need))).is_closed(NOW)} == closed


async def test_nobody_asks_a_closed_bucket_and_the_refusal_says_until_when(spender):
    held = await spender.reserve("a", Cost(needs=(UPLOADS, CLOSED)))
    until = NOW + timedelta(hours=24)
    await spender.close(held, QuotaExhausted("used up", until=until, closes="channel"))

    with pytest.raises(QuotaExhausted) as refused:
        await spender.reserve("b", Cost(needs=(UPLOADS, CLOSED)))

    assert refused.value.until == until


async def test_what_cannot_be_settled_stays_reserved_and_loses_no_result(spender, ledger, tmp_path, used):
    held = await spender.reserve("a", Cost(usd=Decimal("0.5"), needs=(UPLOADS,)))
    (Paths(tmp_path).root / bucket(UPLOADS).key()).write_bytes(b"{")

    await spender.settle(held, (PICTURE,))

    assert await used(money_bucket(TODAY)) == [Decimal("0.1")]  # the other accounts are settled all the same


async def test_money_that_our_own_calls_hold_is_waited_for(spender, used):
    """Eight calls side by side hold more than they take; the ninth must not stop a project that stays below its cap."""
    held = [await spender.reserve(str(number), usd("0.2")) for number in range(10)]
    waiting = asyncio.create_task(spender.reserve("more", usd("0.2")))
    await spender.settle(held[0], None)  # nobody knows what it took: it gives nothing back
    await spender.settle(held[1], (PICTURE,))
    still = asyncio.create_task(spender.reserve("and more", usd("0.2")))
    await spender.settle(held[2], (PICTURE,))

    first, _ = await asyncio.wait({waiting, still}, return_when=asyncio.FIRST_COMPLETED)
    assert len(first) == 1
    await spender.release(held[3])
    await asyncio.wait_for(asyncio.gather(waiting, still), 60)
    assert await used(project_bucket(7)) == [Decimal("2.0")]


async def test_money_that_was_waited_for_is_counted_in_every_purse(ledger, used):
    """The day's purse is the last: what was reserved in those before it was released, and has to be reserved anew."""
    spender = Spender(ledger, 7, Caps(daily_usd=Decimal("0.5"), channel="news", channel_daily_usd=Decimal(9)), now=lambda: NOW)
    first = await spender.reserve("a", usd("0.4"))
    waiting = asyncio.create_task(spender.reserve("b", usd("0.3")))
    while (await ledger.account(money_bucket(TODAY))).refused is None:
        await asyncio.sleep(0)
    await spender.settle(first, (PICTURE,))
    second = await asyncio.wait_for(waiting, 60)

    assert await used(*MONEY) == [Decimal("0.4")] * 3
    await spender.settle(second, (PICTURE,))
    assert await used(*MONEY) == [Decimal("0.2")] * 3


async def test_who_waits_for_money_that_does_not_come_back_is_refused_when_the_last_call_has_ended(spender):
    held = await spender.reserve("a", usd("2"))
    waiting = asyncio.create_task(spender.reserve("b", usd("0.2")))
    await spender.settle(held, None)

    with pytest.raises(BudgetExhausted):
        await asyncio.wait_for(waiting, 60)


async def test_nobody_waits_for_money_for_ever(spender, monkeypatch):
    monkeypatch.setattr(spending, "MOST_PATIENCE_S", 0.05)
    await spender.reserve("a", usd("2"))

    with pytest.raises(BudgetExhausted):
        await asyncio.wait_for(spender.reserve("b", usd("0.2")), 60)


async def test_that_there_is_nothing_to_spare_is_not_remembered(spender, ledger):
    """What waits for the bucket needs less than captions do, and is woken by what was refused to itself."""
    with pytest.raises(QuotaExhausted):
        await spender.reserve("a", Cost(needs=(UNITS.replace(amount=400),), spare=True))
    spared = (await ledger.account(bucket(UNITS))).refused
    with pytest.raises(QuotaExhausted):
        await spender.reserve("b", Cost(needs=(UNITS.replace(amount=400),)))

    assert (spared, (await ledger.account(bucket(UNITS))).refused) == (None, 400)


async def test_a_free_call_opens_no_account(spender, tmp_path):
    held = await spender.reserve("a", Cost())
    await spender.settle(held, ())

    assert not Paths(tmp_path).ledger.exists()


@pytest.mark.parametrize(
    ("client", "name", "zh", "en"),
    [
        ("youtube-1a2b3c4d", "units", "YouTube 單位", "YouTube units"),
        ("channel-news", "uploads", "YouTube (news) 上傳次數", "YouTube (news) uploads"),
        ("channel-news", "closed", "YouTube 頻道 news ", "the YouTube channel news"),
        ("gemini", "gemini-3_8-flash", "Gemini gemini-3.8-flash", "Gemini gemini-3.8-flash"),
        ("did", "credits", "D-ID 點數", "D-ID credits"),
    ],
)
def test_a_bucket_has_words_for_people(client, name, zh, en):
    assert in_words(client, name) == Text(zh, en)

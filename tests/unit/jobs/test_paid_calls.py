"""A paid call of a stage: reserved before each time that it is sent, settled after it, and not sent where it is not ours."""

import asyncio
import contextlib
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from jobs.context import Rules
from jobs.spending import Caps, Spender, bucket_of, money_bucket, project_bucket
from jobs.stages import StageRun, Stopped
from jobs.video.together import together
from reelqueue.errors import (
    BudgetExhausted,
    ContentRefused,
    Fenced,
    ProjectCancelled,
    QuotaExhausted,
    ReelqueueError,
    ServiceUnavailable,
)
from reelqueue.models.cost import Cost, Need
from reelqueue.models.project import Usage
from reelqueue.models.stage import Stage, StageStatus
from reelqueue.providers.protocols import Fixed
from storage import Ledger, Owner, Paths, ProjectStore
from storage.ledger import pacific_day

MODEL = Need(client="gemini", name="image-model", cap=0)
PICTURE = Cost(usd=Decimal("0.10"), needs=(MODEL,))
BILLED = (Usage(service="gemini", model="image-model", unit="image", amount=1, cost_usd=0.04),)


class Quiet:
    """Nobody listens."""

    async def tell(self, *_args: Any) -> None:
        pass

    async def retrying(self, *_args: Any) -> None:
        pass


class Service:
    """A service that answers as it is told, then with "picture"; looks at the ledger while it is called."""

    def __init__(self, ledger: Ledger, *answers: Any) -> None:
        self.ledger = ledger
        self.answers = list(answers)
        self.reserved: list[dict[str, Decimal]] = []

    @property
    def calls(self) -> int:
        return len(self.reserved)

    async def __call__(self) -> str:
        self.reserved.append((await self.ledger.account(project_bucket(1))).reservations)
        answer = self.answers.pop(0) if self.answers else "picture"
        if isinstance(answer, BaseException):
            raise answer
        return answer


def billing(error: ReelqueueError, usage: tuple[Usage, ...] | None) -> ReelqueueError:
    error.usage = usage
    return error


@pytest.fixture
def ledger(tmp_path):
    return Ledger(Paths(tmp_path))


@pytest.fixture
def caps():
    return Caps(project_usd=Decimal(1))


@pytest.fixture
async def run(tmp_path, ledger, caps):
    projects = ProjectStore(Paths(tmp_path), Owner.here(), lease_seconds=5)
    state = await projects.create({"topic": "Tides"})
    async with await projects.take_over(state.project_id) as lease:
        await lease.commit(lambda s: s.with_stage(Stage.ASSETS, status=StageStatus.RUNNING))
        providers: Any = object()
        yield StageRun(
            stage=Stage.ASSETS, attempt=1, language="en", choice=Fixed(providers), tools=None, lease=lease, teller=Quiet(),
            rules=Rules(retry_delays=(0.0, 0.0, 0.0)), timeout_s=600, spender=Spender(ledger, 1, caps),
        )  # fmt: skip


@pytest.fixture
def paid(run):
    def call(service, cost=PICTURE, **more):
        return run.call("image 1", service, cost=cost, billed=lambda _made: BILLED, **more)

    return call


@pytest.fixture
def account(ledger):
    return lambda: ledger.account(project_bucket(1))


async def test_a_call_is_reserved_while_it_is_under_way_and_counts_what_it_took(paid, ledger, account, run):
    service = Service(ledger)

    assert await paid(service) == "picture"

    known, today = await account(), await ledger.account(money_bucket(pacific_day(run.spender.now())))
    assert [list(reserved.values()) for reserved in service.reserved] == [[Decimal("0.10")]]
    assert (known.used, known.reservations, known.usage) == (Decimal("0.04"), {}, BILLED)
    assert (today.used, today.usage) == (Decimal("0.04"), BILLED)


async def test_each_time_that_a_call_is_sent_it_is_reserved_under_a_key_of_its_own(paid, ledger, account):
    service = Service(ledger, *(billing(ServiceUnavailable("down"), ()) for _ in range(2)))

    await paid(service)

    keys = [key for reserved in service.reserved for key in reserved]
    assert (service.calls, len(set(keys))) == (3, 3)
    assert {key.rpartition(".")[0] for key in keys} == {"1.1.assets"}  # the project, its fence, the stage
    assert ((await account()).used, list((await account()).settled.values())) == (Decimal("0.04"), [0, 0, Decimal("0.04")])


async def test_a_failed_call_counts_what_the_error_says_it_was_billed_for(paid, ledger, account):
    service = Service(ledger, billing(ContentRefused("no"), BILLED))

    with pytest.raises(ContentRefused):
        await paid(service)

    assert ((await account()).used, (await account()).usage) == (Decimal("0.04"), BILLED)


async def test_a_call_whose_outcome_nobody_knows_is_counted_at_its_estimate_and_so_is_its_retry(paid, ledger, account):
    service = Service(ledger, billing(ServiceUnavailable("no answer"), None))

    await paid(service)

    known = await account()
    assert (service.calls, known.used, known.unsettled) == (2, Decimal("0.14"), Decimal("0.10"))


async def test_retries_stop_at_the_cap_too(paid, ledger, account, run):
    run.spender.caps = Caps(project_usd=Decimal("0.25"))
    service = Service(ledger, *(billing(ServiceUnavailable("no answer"), None) for _ in range(3)))

    with pytest.raises(BudgetExhausted):
        await paid(service)

    assert (service.calls, (await account()).used) == (2, Decimal("0.20"))


async def test_beyond_the_cap_nothing_is_sent(paid, ledger):
    service = Service(ledger)

    with pytest.raises(BudgetExhausted):
        await paid(service, Cost(usd=Decimal("1.01")))

    assert service.calls == 0


async def test_a_quota_that_the_service_says_is_used_up_is_asked_for_once(paid, ledger, run):
    until = run.spender.now().replace(year=2100)
    error = billing(QuotaExhausted("per day", until=until, closes="image-model"), ())
    service = Service(ledger, error)

    for _ in range(3):
        with pytest.raises(QuotaExhausted) as refused:
            await paid(service)

    assert (service.calls, refused.value.until) == (1, until)


async def test_a_turn_comes_before_the_reservation(paid, ledger, account):
    seen = []

    @contextlib.asynccontextmanager
    async def turn():
        seen.append((await account()).used)
        yield

    await paid(Service(ledger), turn=turn)

    assert seen == [0]


async def test_a_call_that_is_not_wanted_any_more_when_its_turn_comes_is_not_sent_and_costs_nothing(paid, ledger, account, run):
    service = Service(ledger)

    @contextlib.asynccontextmanager
    async def turn():
        await run.lease.commit(lambda state: state.replace(status="cancelled"))
        yield

    with pytest.raises((ProjectCancelled, Fenced)):
        await paid(service, turn=turn)

    assert (service.calls, (await account()).used) == (0, 0)


async def test_what_was_reserved_ahead_is_used_for_the_first_time_only(paid, ledger, account, run):
    held = await run.reserve(PICTURE)
    service = Service(ledger, billing(ServiceUnavailable("down"), ()))

    await paid(service, held=held)

    first, second = service.reserved
    assert (list(first), set(first) & set(second)) == ([held.key], set())
    assert (await account()).used == Decimal("0.04")


async def test_a_free_call_is_never_counted(run, ledger, tmp_path):
    assert await run.call("sentence 1", Service(ledger)) == "picture"
    assert list(Paths(tmp_path).ledger.iterdir()) == []


async def test_a_stage_that_is_stopped_in_the_midst_of_a_call_leaves_it_at_its_estimate(paid, account):
    inside = asyncio.Event()

    async def endless():
        inside.set()
        await asyncio.Event().wait()

    call = asyncio.create_task(paid(endless))
    await inside.wait()
    call.cancel()
    await asyncio.wait({call})

    assert ((await account()).used, (await account()).unsettled) == (Decimal("0.10"), Decimal("0.10"))


# Side by side.


async def test_a_failure_lets_the_calls_in_flight_end_and_begins_no_new_ones(run, paid, account):
    begun, ended, places = [], [], asyncio.Semaphore(3)
    three = asyncio.Event()

    def service(number):
        async def call():
            begun.append(number)
            if len(begun) == 3:
                three.set()
            await three.wait()
            if number == begun[2]:
                raise billing(ContentRefused("no"), ())
            while not run.stopping:
                await asyncio.sleep(0)
            ended.append(number)
            return "picture"

        return call

    with pytest.raises(BaseExceptionGroup) as met:
        await together(run, [paid(service(number), turn=lambda: places) for number in range(10)])

    assert [type(error) for error in met.value.exceptions] == [ContentRefused]  # those that were stopped are no failure
    assert (len(begun), sorted(ended)) == (3, sorted(begun[:2]))
    assert ((await account()).used, (await account()).unsettled) == (Decimal("0.08"), 0)


async def test_side_by_side_no_more_is_sent_than_the_cap_allows(run, paid, ledger, account):
    service = Service(ledger)

    with pytest.raises(BaseExceptionGroup) as met:
        await together(run, [paid(service, Cost(usd=Decimal("0.30"))) for _ in range(30)])

    assert {type(error) for error in met.value.exceptions} == {BudgetExhausted}
    assert max(sum(reserved.values()) for reserved in service.reserved) <= Decimal("0.90")
    assert service.calls == 18  # 0.72 of 1, and the next might take 0.30
    assert ((await account()).used, (await account()).unsettled) == (Decimal("0.72"), 0)


async def test_a_cancelled_project_stops_all_at_once(run, paid, ledger):
    inside = asyncio.Event()

    async def endless():
        inside.set()
        await asyncio.Event().wait()

    async def cancelled():
        await inside.wait()
        await run.lease.commit(lambda state: state.replace(status="cancelled"))
        await run.check()

    with pytest.raises(BaseExceptionGroup) as met:
        await asyncio.wait_for(together(run, [paid(endless), cancelled()]), 60)

    assert [type(error) for error in met.value.exceptions] == [ProjectCancelled]


async def test_a_call_that_would_be_tried_again_after_another_failed_is_not(run, paid, ledger):
    flaky = Service(ledger, billing(ServiceUnavailable("down"), ()))
    sent = asyncio.Event()

    async def down():
        sent.set()
        while not run.stopping:
            await asyncio.sleep(0)
        return await flaky()

    async def refused():
        await sent.wait()
        raise billing(ContentRefused("no"), ())

    with pytest.raises(BaseExceptionGroup) as met:
        await together(run, [paid(down), paid(refused)])

    assert flaky.calls == 1
    assert not any(isinstance(error, Stopped) for error in met.value.exceptions)


async def test_a_call_that_surely_reached_nobody_takes_neither_money_nor_quota(paid, ledger, account, run):
    """A network that is down for an hour must not use up the day's uploads."""
    down = billing(ServiceUnavailable("can't be reached"), ())
    down.sent = False
    service = Service(ledger, *([down] * 4))

    with pytest.raises(ServiceUnavailable):
        await paid(service)

    quota = await ledger.account(bucket_of(MODEL, run.spender.now()))
    assert (service.calls, (await account()).used, quota.used) == (4, 0, 0)


async def test_who_is_told_to_end_before_the_call_gives_back_what_was_reserved(paid, ledger, account, run, monkeypatch):
    service = Service(ledger)
    looking = asyncio.Event()

    async def never() -> None:
        looking.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(run.lease, "check", never)
    call = asyncio.ensure_future(paid(service))
    await looking.wait()
    assert (await account()).used == Decimal("0.10")

    call.cancel()

    assert isinstance((await asyncio.gather(call, return_exceptions=True))[0], asyncio.CancelledError)
    assert (service.calls, (await account()).used) == (0, 0)


async def test_what_was_reserved_before_midnight_is_reserved_again_for_the_day_that_it_is_sent_on(paid, ledger, run):
    """An upload of an hour begins in the evening of Los Angeles; its last steps take of the next day's quota."""
    now = run.spender.now()
    yesterday = now - timedelta(days=1)
    run.spender.now = lambda: yesterday
    held = await run.reserve(PICTURE)
    run.spender.now = lambda: now

    await paid(Service(ledger), held=held)

    used = [(await ledger.account(bucket_of(MODEL, day))).used for day in (yesterday, now)]
    assert used == [0, 1]

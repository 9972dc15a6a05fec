"""What is left of each service is counted, held against Google's own count and kept; who waits goes on when there is room."""

import dataclasses
import functools
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from redis.exceptions import RedisError
from structlog.testing import capture_logs

from jobs import transitions
from jobs.maintenance.quotas import QUOTA_PREFIX, QUOTA_SECONDS, QUOTAS_KEY, sync_quotas
from jobs.maintenance.waking import wake_waiting
from jobs.pipeline import MAINTENANCE
from jobs.spending import bucket_of, money_bucket
from reelqueue.errors import BudgetExhausted, QuotaExhausted, ReelqueueError
from reelqueue.models.channel import Channel
from reelqueue.models.cost import Cost, Need
from reelqueue.models.meter import Meter, Watched
from reelqueue.models.stage import ProjectStatus, Stage, StageStatus
from reelqueue.providers.monitoring import open_monitoring
from reelqueue.sandbox import open_sandbox
from storage import Ledger
from storage.ledger import pacific_day, pacific_midnight_after

PROJECT = "100000000001"
CLIENT = {"service": "youtube", "client": "youtube-1a2b3c4d", "kinds": ("publisher",), "channels": ("default", "news")}
UPLOADS = Meter(name="uploads", cap=100, project=PROJECT, **CLIENT)
UNITS = Meter(name="units", cap=10_000, project=PROJECT, **CLIENT)
CLOSED = Meter(service="youtube", client="channel-news", name="closed", kinds=("publisher",), lasting=True, channels=("news",))
IMAGES = Meter(service="gemini", client="gemini", name="image-model", kinds=("image",))
TEXTS = Meter(service="gemini", client="gemini", name="text-model", kinds=("script",))
MAKERS = {"script": "gemini", "image": "gemini", "voice": "local", "presenter": "local", "publisher": "youtube"}
WATCHED = Watched(chosen=MAKERS, meters=(UPLOADS, UNITS, CLOSED, TEXTS, IMAGES))


def need(meter, amount=1):
    return Need(client=meter.client, name=meter.name, amount=amount, cap=meter.cap, lasting=meter.lasting)


class News:
    """Everything is for the channel "news", which may spend 3 dollars a day."""

    def channel_of(self, _brief):
        return Channel(name="news", daily_cost_cap_usd=Decimal(3))


@pytest.fixture
async def service(crew, redis):
    async with crew.service(redis, MAINTENANCE) as opened:
        rules = dataclasses.replace(opened.rules, daily_cost_cap_usd=Decimal(5), project_cost_cap_usd=Decimal(2))
        yield dataclasses.replace(opened, watched=lambda: WATCHED, choice=News(), rules=rules)


@pytest.fixture
def sync(service, redis):
    """Run the job, on a service that may have been changed."""

    async def run(**changes):
        return await sync_quotas({"service": dataclasses.replace(service, **changes), "redis": redis})

    return run


@pytest.fixture
def used(service):
    async def look(meter):
        return (await service.ledger.account(bucket_of(need(meter), datetime.now(UTC)))).used

    return look


@pytest.fixture
async def sandbox(tmp_path):
    async with open_sandbox(tmp_path / "sandbox") as opened:
        yield opened


@pytest.fixture
def monitoring(sandbox):
    given = sandbox.settings()
    key_file = Path(given["GOOGLE_SERVICE_ACCOUNT_FILE"])
    return functools.partial(open_monitoring, key_file, given["GOOGLE_MONITORING_BASE_URL"])


@pytest.fixture
def waits(service, queue):
    """A project that waits: in a stage, for an error's reason."""

    async def park(stage: Stage, error: ReelqueueError):
        def change(state):
            for before in Stage:
                if before is not stage and stage.reaches(before):
                    state = state.with_stage(before, status=StageStatus.DONE)
            return transitions.parked(stage, error, chain=True)(state)

        state = await queue.create_project({"topic": "How tides work"})
        return await service.projects.change(state.project_id, change)

    return park


async def refuse(service, cost, number=1):
    """What the reservation of a project's call is refused with."""
    with pytest.raises((BudgetExhausted, QuotaExhausted)) as refused:
        await service.spender(number, None).reserve("refused", cost)
    return refused.value


# What is left.


async def test_each_service_has_its_entry_in_redis_for_an_hour(sync, redis, service):
    await service.spender(1, None).reserve("a", Cost(needs=(need(UPLOADS), need(UNITS, 450), need(IMAGES))))

    await sync()

    youtube, gemini = [json.loads(await redis.get(QUOTA_PREFIX + name)) for name in ("youtube", "gemini")]
    assert 0 < await redis.ttl(QUOTA_PREFIX + "youtube") <= QUOTA_SECONDS == 3_600
    assert [(one["bucket"], one["used"], one["limit"], one["remaining"]) for one in youtube["buckets"]] == [
        ("uploads", 1, 100, 99),
        ("units", 450, 10_000, 9_550),
        ("closed", 0, None, None),
    ]
    assert (youtube["unit"], youtube["remaining"], youtube["low"]) == ("units", 9_550, False)  # the tightest of them
    assert datetime.fromisoformat(youtube["resets_at"]) == pacific_midnight_after(datetime.now(UTC))
    assert [(one["bucket"], one["used"]) for one in gemini["buckets"]] == [("text-model", 0), ("image-model", 1)]


async def test_the_answer_has_an_entry_for_each_kind_of_service_and_readers_find_it(sync, redis, service):
    await service.spender(1, None).reserve("a", Cost(needs=(need(UPLOADS, 95),)))

    answer = await sync()

    entries = answer["services"]
    assert {kind: entry["provider"] for kind, entry in entries.items()} == MAKERS
    assert (entries["publisher"]["used"], entries["publisher"]["limit"], entries["publisher"]["remaining"]) == (95, 100, 5)
    assert (entries["voice"]["limit"], entries["voice"]["buckets"]) == (None, [])
    assert json.loads(await redis.get(QUOTAS_KEY)) == answer


async def test_below_a_tenth_the_operator_is_warned(sync, service):
    await service.spender(1, None).reserve("a", Cost(needs=(need(UPLOADS, 90), need(UNITS, 9_001))))

    with capture_logs() as said:
        await sync()

    low = [(line["bucket"], line["remaining"], line["log_level"]) for line in said if line["event"] == "quota_low"]
    assert low == [("units", 999, "warning")]


@pytest.mark.parametrize(("spent", "warned"), [("4.50", False), ("4.51", True)])
async def test_below_a_tenth_of_the_days_money_the_operator_is_warned_too(sync, service, spent, warned):
    rules = dataclasses.replace(service.rules, project_cost_cap_usd=Decimal(0))
    await service.ledger.reserve(money_bucket(pacific_day(datetime.now(UTC))), "a", Decimal(spent), cap=Decimal(5))

    with capture_logs() as said:
        answer = await sync(rules=rules)

    assert answer["money"] == {"spent_usd": float(spent), "reserved_usd": float(spent), "cap_usd": 5.0}
    assert ("money_low" in {line["event"] for line in said}) == warned


async def test_a_bucket_that_the_service_closed_has_nothing_left_and_stays_closed(sync, service, redis):
    until = datetime.now(UTC) + timedelta(hours=20)
    for meter in (UPLOADS, CLOSED, IMAGES):
        await service.ledger.close(bucket_of(need(meter), datetime.now(UTC)), until)

    with capture_logs() as said:
        await sync()

    left = {
        one["bucket"]: one
        for name in ("youtube", "gemini")
        for one in json.loads(await redis.get(QUOTA_PREFIX + name))["buckets"]
    }
    assert {name for name, one in left.items() if one["closed_until"]} == {"uploads", "closed", "image-model"}
    assert {left[name]["remaining"] for name in ("uploads", "closed", "image-model")} == {0}
    assert datetime.fromisoformat(left["closed"]["resets_at"]) == until
    assert {line["bucket"] for line in said if line["event"] == "quota_low"} == {"uploads", "closed", "image-model"}


async def test_yesterdays_count_is_not_todays(sync, service, redis):
    now = datetime.now(UTC)
    yesterday = bucket_of(need(UPLOADS), now - timedelta(days=1))
    await service.ledger.reserve(yesterday, "a", Decimal(100), cap=Decimal(100))

    answer = await sync()

    assert answer["services"]["publisher"]["used"] == 0


async def test_without_redis_the_job_is_done_all_the_same(service):
    class Down:
        async def set(self, *_args, **_more):
            raise RedisError("gone")

    with capture_logs() as said:
        answer = await sync_quotas({"service": service, "redis": Down()})

    assert answer["status"] == "success"
    assert "quotas_not_kept" in {line["event"] for line in said}


# Google's own count.


async def test_what_google_saw_more_than_we_is_counted(sync, sandbox, monitoring, used, service):
    await service.spender(1, None).reserve("a", Cost(needs=(need(UPLOADS, 5), need(UNITS, 50))))
    sandbox.youtube.quota.use(PROJECT, "uploads", 7)
    sandbox.youtube.quota.use(PROJECT, "units", 20)

    answer = await sync(monitoring=monitoring)

    assert (answer["reconciled"], await used(UPLOADS), await used(UNITS)) == (True, 7, 50)
    assert answer["services"]["publisher"]["used"] == 7


async def test_what_was_used_before_midnight_is_not_todays(sync, sandbox, monitoring, used):
    sandbox.clock.move(-timedelta(days=1))
    sandbox.youtube.quota.use(PROJECT, "uploads", 7)
    sandbox.clock.move(timedelta(days=1))

    await sync(monitoring=monitoring)

    assert await used(UPLOADS) == 0


async def test_that_google_saw_nothing_is_no_error_and_lowers_nothing(sync, sandbox, monitoring, used, service):
    await service.spender(1, None).reserve("a", Cost(needs=(need(UPLOADS, 5),)))

    answer = await sync(monitoring=monitoring)

    assert (answer["reconciled"], await used(UPLOADS)) == (True, 5)


async def test_a_limit_that_is_lower_than_the_setting_is_warned_about(sync, sandbox, monitoring):
    sandbox.youtube.caps["uploads"] = 50

    with capture_logs() as said:
        await sync(monitoring=monitoring)

    lower = [line for line in said if line["event"] == "quota_limit_lower"]
    assert [(line["bucket"], line["setting"], line["limit"]) for line in lower] == [("uploads", 100, 50)]


async def test_a_clock_that_is_off_is_named_where_google_refuses_the_service_account(sync, sandbox, monitoring):
    """Its statement says what time it is here."""
    sandbox.faults.order(service="oauth", call="token", kind="400", reason="invalid_grant", message="Invalid JWT", times=9)

    with capture_logs() as said:
        await sync(monitoring=monitoring)

    [line] = [line for line in said if line["event"] == "not_reconciled"]
    assert "clock" in line["hint"]


@pytest.mark.parametrize("kind", ["403", "503", "reset", "broken_json"])
async def test_a_count_that_cannot_be_had_is_a_warning_and_no_failure(sync, sandbox, monitoring, kind):
    sandbox.faults.order(service="monitoring", call="timeSeries", kind=kind, times=9)

    with capture_logs() as said:
        answer = await sync(monitoring=monitoring)

    assert (answer["status"], answer["reconciled"]) == ("success", False)
    assert [line["log_level"] for line in said if line["event"] == "not_reconciled"] == ["warning"]
    assert "PRIVATE KEY" not in str(said) and "ya29." not in str(said)


async def test_a_key_file_that_is_gone_is_a_warning_too(sync, tmp_path):
    with capture_logs() as said:
        answer = await sync(monitoring=functools.partial(open_monitoring, tmp_path / "gone.json", None))

    assert (answer["status"], answer["reconciled"]) == ("success", False)
    assert "GOOGLE_SERVICE_ACCOUNT_FILE" in str(said)


async def test_without_a_service_account_nobody_is_asked(sync, sandbox):
    answer = await sync()

    assert (answer["reconciled"], sandbox.journal.calls()) == (False, [])


# Who waits.


async def test_a_project_goes_on_once_its_cap_is_raised(sync, service, waits, redis):
    picture = Cost(usd=Decimal("0.10"))
    await service.spender(1, None).reserve("a", Cost(usd=Decimal("1.95")))
    await waits(Stage.ASSETS, await refuse(service, picture))

    before = await sync()
    raised = await sync(rules=dataclasses.replace(service.rules, project_cost_cap_usd=Decimal("2.05")))

    state = await service.projects.load(1)
    assert (before["woken"], raised["woken"]) == ([], [1])
    assert (state.status, state.wait, state.resume_at) == (ProjectStatus.QUEUED, None, None)
    assert await redis.zcard("video_generation") == 1


async def test_a_project_goes_on_once_there_is_no_cap(sync, service, waits):
    await waits(Stage.ASSETS, await refuse(service, Cost(usd=Decimal("2.5"))))

    answer = await sync(rules=dataclasses.replace(service.rules, project_cost_cap_usd=Decimal(0)))

    assert answer["woken"] == [1]


async def test_every_cap_has_to_have_room(sync, service, waits):
    await service.spender(2, None).reserve("others", Cost(usd=Decimal(2)))
    await service.spender(1, None).reserve("a", Cost(usd=Decimal("0.95")))
    await waits(Stage.ASSETS, await refuse(service, Cost(usd=Decimal("0.10"))))  # the channel's 3 dollars

    for cap in (2, 9):
        answer = await sync(rules=dataclasses.replace(service.rules, project_cost_cap_usd=Decimal(cap)))
        assert answer["woken"] == []


async def test_what_calls_took_less_than_was_reserved_for_them_lets_a_project_go_on(sync, service, waits):
    spender = service.spender(1, None)
    held = await spender.reserve("a", Cost(usd=Decimal("1.95")))
    await waits(Stage.ASSETS, await refuse(service, Cost(usd=Decimal("0.10"))))
    await spender.settle(held, ())

    assert (await sync())["woken"] == [1]


async def test_a_raised_quota_lets_go_on_who_waits_for_it(sync, service, waits):
    await service.spender(1, None).reserve("a", Cost(needs=(need(UPLOADS, 100),)))
    await waits(Stage.UPLOAD, await refuse(service, Cost(needs=(need(UPLOADS),))))

    before = await sync()
    more = Watched(chosen=MAKERS, meters=(UPLOADS.replace(cap=101), UNITS, CLOSED, TEXTS, IMAGES))

    assert (before["woken"], (await sync(watched=lambda: more))["woken"]) == ([], [1])


async def test_no_more_go_on_than_there_is_room_for_the_most_wanted_first(sync, service, waits):
    """All went on, and all but few were refused again: two commits each, every hour."""
    await service.spender(9, None).reserve("a", Cost(needs=(need(UPLOADS, 100),)))
    for number in (1, 2, 3, 4):
        await waits(Stage.UPLOAD, await refuse(service, Cost(needs=(need(UPLOADS),)), number))
    await service.projects.change(3, lambda state: state.replace(brief=state.brief.replace(priority=5)))
    await service.projects.change(1, lambda state: state.replace(held=True))  # its batch is paused
    more = Watched(chosen=MAKERS, meters=(UPLOADS.replace(cap=102), UNITS, CLOSED, TEXTS, IMAGES))

    assert (await sync(watched=lambda: more))["woken"] == [3, 2]


async def test_an_account_is_read_once_however_many_wait_for_it(sync, service, waits, monkeypatch):
    await service.spender(9, None).reserve("a", Cost(needs=(need(UPLOADS, 100),)))
    for number in (1, 2, 3):
        await waits(Stage.UPLOAD, await refuse(service, Cost(needs=(need(UPLOADS),)), number))
    read, account = [], Ledger.account
    monkeypatch.setattr(Ledger, "account", lambda self, bucket: read.append(bucket) or account(self, bucket))

    await wake_waiting(service, Watched(chosen=MAKERS, meters=(UPLOADS, UNITS, CLOSED)), datetime.now(UTC))

    assert len(read) == len(set(read)) <= 3


async def test_what_the_service_itself_refused_is_not_asked_for_again_before_its_time(sync, service, waits):
    """Even where our own count refused something else, and has room for it by now."""
    until = pacific_midnight_after(datetime.now(UTC))
    await service.spender(1, None).reserve("a", Cost(needs=(need(UPLOADS, 100),)))
    await refuse(service, Cost(needs=(need(UPLOADS),)))
    await service.ledger.close(bucket_of(need(UNITS), datetime.now(UTC)), until)
    await waits(Stage.UPLOAD, QuotaExhausted("per day", until=until, closes="units"))
    more = Watched(chosen=MAKERS, meters=(UPLOADS.replace(cap=200), UNITS, CLOSED, TEXTS, IMAGES))

    answer = await sync(watched=lambda: more)

    assert answer["woken"] == []
    assert (await service.projects.load(1)).resume_at == until


async def test_what_nobody_counted_as_refused_waits_for_its_time(sync, service, waits):
    await waits(Stage.SCRIPT, QuotaExhausted("per day", until=pacific_midnight_after(datetime.now(UTC))))

    assert (await sync())["woken"] == []


async def test_a_channel_that_is_closed_holds_its_own_projects_only(sync, service, waits):
    await service.spender(1, None).reserve("a", Cost(needs=(need(UPLOADS, 100),)))
    await waits(Stage.UPLOAD, await refuse(service, Cost(needs=(need(UPLOADS),))))
    await service.ledger.close(bucket_of(need(CLOSED), datetime.now(UTC)), datetime.now(UTC) + timedelta(hours=9))
    more = Watched(chosen=MAKERS, meters=(UPLOADS.replace(cap=101), UNITS, CLOSED))
    other = Watched(chosen=MAKERS, meters=(UPLOADS.replace(cap=101), UNITS, CLOSED.replace(channels=("kids",))))

    assert ((await sync(watched=lambda: more))["woken"], (await sync(watched=lambda: other))["woken"]) == ([], [1])


@pytest.mark.parametrize(
    "status", ["waiting_review", "waiting_disk", "needs_person", "failed", "cancelled", "completed", "created"]
)
async def test_nobody_else_is_woken(sync, service, waits, status):
    await waits(Stage.ASSETS, await refuse(service, Cost(usd=Decimal("2.5"))))
    await service.projects.change(1, lambda state: state.replace(status=ProjectStatus(status)))

    answer = await sync(rules=dataclasses.replace(service.rules, project_cost_cap_usd=Decimal(0)))

    assert answer["woken"] == []
    assert (await service.projects.load(1)).status == status


async def test_a_damaged_project_keeps_nobody_else_waiting(sync, service, waits):
    for number in (1, 2):
        await waits(Stage.ASSETS, await refuse(service, Cost(usd=Decimal("2.5")), number))
    service.paths.project(1).state.write_text("{")

    answer = await sync(rules=dataclasses.replace(service.rules, project_cost_cap_usd=Decimal(0)))

    assert answer["woken"] == [2]

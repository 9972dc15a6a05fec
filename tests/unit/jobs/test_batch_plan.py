"""The forecast as it is asked for: of briefs before anything is made, of a batch on its way, of one that has ended."""

import contextlib
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from pydantic import SecretStr

from jobs.batch import plan
from jobs.batch.making import make_batch
from jobs.client import site_of
from jobs.spending import money_bucket
from reelqueue.models.brief import Brief, parse_brief
from reelqueue.models.buckets import UPLOADS, youtube_client
from reelqueue.models.stage import ProjectStatus, Stage, StageStatus
from reelqueue.providers.registry import open_shelf
from storage import BatchStore, Bucket, Ledger, Owner, Paths, ProjectStore
from storage.ledger import pacific_day, pacific_midnight_after

NOW = datetime(2026, 11, 29, 20, 0, tzinfo=UTC)
BRIEFS = [Brief(topic=f"Tide {n}", duration_s=60) for n in range(30)]


@pytest.fixture
def paths(data_dir):
    return Paths(data_dir)


@pytest.fixture
def projects(paths):
    return ProjectStore(paths, Owner.here(), lease_seconds=5)


@pytest.fixture
def ours(settings):
    """Settings with every key; nothing is called."""
    keys = {name: SecretStr("x") for name in ("gemini_api_key", "youtube_client_secret", "youtube_refresh_token")}
    return settings.model_copy(
        update=keys | {"youtube_client_id": "1-a", "youtube_daily_uploads": 12, "daily_cost_cap_usd": Decimal(20)}
    )


@pytest.fixture
async def shelf(ours, paths):
    async with contextlib.aclosing(open_shelf(ours, paths)) as opened:
        yield opened


async def forecast(ours, shelf, briefs=BRIEFS):
    return await plan.forecast_of_briefs(site_of(ours, shelf), briefs, NOW)


async def test_quota_and_money_of_each_day_are_told_before_anything_is_made(ours, shelf, paths):
    told = await forecast(ours, shelf)

    assert (told.projects, told.limit) == (30, "uploads")
    assert [day.uploads for day in told.days] == [12, 12, 6]
    assert [day.day for day in told.days] == [pacific_day(NOW) + timedelta(days=n) for n in range(3)]
    assert all(12 * 101 <= day.units <= 10_000 and day.usd <= 20 for day in told.days[:2])
    assert Decimal(1) < told.usd[0] < told.usd[1] <= 30 * ours.project_cost_cap_usd
    assert not list(paths.projects.glob("*"))


async def test_what_is_used_up_of_today_puts_it_off(ours, shelf, paths):
    ledger, today = Ledger(paths), pacific_day(NOW)
    free = await forecast(ours, shelf)
    await ledger.raise_used(Bucket(youtube_client("1-a"), UPLOADS, today), Decimal(12))

    without_uploads = await forecast(ours, shelf)
    await ledger.raise_used(money_bucket(today), Decimal(20))
    without_money = await forecast(ours, shelf)

    assert [day.uploads for day in without_uploads.days] == [0, 12, 12, 6]
    assert without_money.days[0].usd == 0
    assert free.least < without_uploads.least <= without_money.least


async def test_projects_that_wait_already_go_first(ours, shelf, projects):
    for number in range(10):
        state = await projects.create({"topic": f"Wave {number}"})
        await projects.change(state.project_id, lambda s: s.replace(status=ProjectStatus.QUEUED))

    told = await forecast(ours, shelf, BRIEFS[:5])

    assert told.projects == 5
    assert told.least > pacific_midnight_after(NOW)


async def test_a_row_that_wants_a_review_makes_it_a_persons_matter(ours, shelf):
    told = await forecast(ours, shelf, [*BRIEFS[:3], BRIEFS[3].replace(review=("script",))])

    assert told.limit == "person"


async def test_one_that_would_pass_its_own_cap_waits_for_a_person(ours, shelf):
    ours = ours.model_copy(update={"project_cost_cap_usd": Decimal("0.05")})

    told = await plan.forecast_of_briefs(site_of(ours, shelf), BRIEFS[:3], NOW)

    assert told.limit == "person"
    assert told.usd[1] <= Decimal("0.15")


async def test_a_batch_on_its_way_is_told_by_what_is_left_of_it(ours, shelf, paths, projects):
    batches = BatchStore(paths, Owner.here(), lease_seconds=5)
    state = await make_batch(projects, batches, [parse_brief(brief.model_dump(exclude_defaults=True)) for brief in BRIEFS[:20]])
    whole = await plan.forecast_now(site_of(ours, shelf), state, NOW)
    for number in state.project_ids[:15]:
        await projects.change(number, completed)

    rest = await plan.forecast_now(site_of(ours, shelf), state, NOW)

    assert (whole.projects, rest.projects) == (20, 5)
    assert (sum(day.uploads for day in whole.days), sum(day.uploads for day in rest.days)) == (20, 5)
    assert rest.most < whole.most


def completed(state):
    for stage in Stage:
        state = state.with_stage(stage, status=StageStatus.DONE)
    return state.replace(status=ProjectStatus.COMPLETED)

"""A batch with a calendar, over real states, bookings and workers: moments are given at the start, kept, and planned anew."""

import contextlib
import dataclasses
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from pydantic import SecretStr

from jobs import acts
from jobs.batch import plan
from jobs.batch.booking import moment_of
from jobs.batch.making import make_batch
from jobs.batch.slots import MARGIN
from jobs.client import site_of
from jobs.pipeline import BATCH, VIDEO
from reelqueue import clock
from reelqueue.errors import InvalidBrief, NeedsPerson
from reelqueue.models.brief import Brief, parse_brief
from reelqueue.models.buckets import UPLOADS, youtube_client
from reelqueue.models.project import Upload
from reelqueue.models.stage import ProjectStatus, Stage, StageStatus
from reelqueue.providers.registry import open_shelf
from storage import Bucket, Paths
from storage.bookings import Bookings
from storage.ledger import pacific_day

NOW = datetime(2026, 11, 29, 12, 0, tzinfo=UTC)
HOURLY = "every 1h from 2026-11-29T13:00+00:00 UTC"


def hour(number):
    return datetime(2026, 11, 29, tzinfo=UTC) + timedelta(hours=number)


@pytest.fixture
async def service(crew, redis):
    async with crew.service(redis, BATCH) as opened:
        yield opened


@pytest.fixture
async def batch(service):
    """Of four, nothing of it started."""
    return await made(service, [{"topic": f"Tide {n}"} for n in range(4)])


async def made(service, briefs, calendar=HOURLY):
    state = await make_batch(service.projects, service.batches, [parse_brief(brief) for brief in briefs])
    return await service.batches.change(state.batch_id, lambda s: s.replace(calendar=calendar))


async def looked(service, batch, now=NOW, *, starting=()):
    """One look as the coordinator takes it: what was given is committed.  Returns the moments that were new."""
    outlines = await service.projects.outlines(batch.project_ids)
    slots = await plan.slots(service, batch, outlines, now, starting)
    for number, slot in slots.items():
        await service.projects.change(number, lambda s, slot=slot: acts.start(s).replace(slot=slot))
    return slots


async def given(service, batch):
    return [(await service.projects.load(number)).slot for number in batch.project_ids]


async def test_those_that_start_get_one_moment_each_and_the_rest_none(service, batch):
    first, second, *_ = batch.project_ids

    slots = await looked(service, batch, starting=[first, second])

    assert slots == {first: hour(13), second: hour(14)}
    assert await looked(service, batch) == {}
    assert await given(service, batch) == [hour(13), hour(14), None, None]


async def test_a_look_that_died_before_it_was_committed_gives_the_same_again(service, batch):
    outlines = await service.projects.outlines(batch.project_ids)
    lost = await plan.slots(service, batch, outlines, NOW, batch.project_ids)

    assert await looked(service, batch, starting=batch.project_ids) == lost


async def test_the_moment_of_one_that_failed_goes_to_the_next_and_so_on(service, batch):
    await looked(service, batch, starting=batch.project_ids)
    await service.projects.change(batch.project_ids[1], lambda s: s.replace(status=ProjectStatus.FAILED))

    await looked(service, batch)

    assert await given(service, batch) == [hour(13), hour(14), hour(14), hour(15)]
    assert await Bookings(service.paths).booked("default") == {
        hour(13): batch.project_ids[0], hour(14): batch.project_ids[2], hour(15): batch.project_ids[3]
    }  # fmt: skip


async def test_one_that_can_not_be_there_in_time_gets_the_next_free_moment(service, batch):
    await looked(service, batch, starting=batch.project_ids)
    await service.projects.change(
        batch.project_ids[0], lambda s: s.replace(status=ProjectStatus.WAITING_QUOTA, resume_at=hour(14))
    )

    slots = await looked(service, batch, hour(12.5))

    assert slots[batch.project_ids[0]] > hour(14) + MARGIN
    assert len(set(await given(service, batch))) == 4


async def test_what_is_on_youtube_already_keeps_its_moment(service, batch):
    await looked(service, batch, starting=batch.project_ids)
    upload = Upload(marker="m", video_id="v")
    await service.projects.change(batch.project_ids[0], lambda s: s.replace(status=ProjectStatus.COMPLETED, upload=upload))

    await looked(service, batch, hour(12.9))

    assert (await given(service, batch))[0] == hour(13)
    assert (await Bookings(service.paths).booked("default"))[hour(13)] == batch.project_ids[0]


async def test_a_running_upload_keeps_its_moment_whatever_becomes_free(service, batch):
    """It has told YouTube already, or is about to."""
    await looked(service, batch, starting=batch.project_ids[:2])
    first, second, *_ = batch.project_ids

    def uploading(state):
        for stage in Stage:
            state = state.with_stage(stage, status=StageStatus.RUNNING if stage is Stage.UPLOAD else StageStatus.DONE)
        return state.replace(status=ProjectStatus.RUNNING)

    await service.projects.change(second, uploading)
    await service.projects.change(first, acts.cancel)

    assert await looked(service, batch, hour(11)) == {}
    assert (await service.projects.load(second)).slot == hour(14)


async def test_moments_of_a_cancelled_batch_are_free_again(service, batch):
    await looked(service, batch, starting=batch.project_ids)
    upload = Upload(marker="m", video_id="v")
    await service.projects.change(batch.project_ids[0], lambda s: s.replace(status=ProjectStatus.COMPLETED, upload=upload))
    for number in batch.project_ids[1:]:
        await service.projects.change(number, acts.cancel)

    await plan.ended(service, batch, await service.projects.outlines(batch.project_ids), NOW)

    assert await Bookings(service.paths).booked("default") == {hour(13): batch.project_ids[0]}


async def test_another_batch_of_the_channel_gets_what_is_left(service, batch):
    other = await made(service, [{"topic": "Waves"}])
    await looked(service, batch, starting=batch.project_ids[:2])

    await looked(service, other, starting=other.project_ids)

    assert await given(service, other) == [hour(15)]


async def test_a_rows_own_moment_wins_and_is_nobody_elses(service):
    mixed = await made(service, [{"topic": "Ebb", "publish_at": hour(13).isoformat()}, {"topic": "Flow"}])

    slots = await looked(service, mixed, starting=mixed.project_ids)

    assert slots == {mixed.project_ids[1]: hour(14)}


@pytest.mark.usefixtures("at_noon")
async def test_the_upload_leaves_a_rows_own_moment_to_that_row(service):
    mixed = await made(service, [{"topic": "Ebb", "publish_at": hour(13).isoformat()}, {"topic": "Flow"}])

    late = await moment_of(service, await service.projects.load(mixed.project_ids[1]))

    assert late is not None
    assert late.at == hour(14)


async def test_the_moment_that_a_failed_one_had_is_given_to_one_that_starts_later(service, batch):
    first, _, third, _ = batch.project_ids
    await looked(service, batch, starting=batch.project_ids[:2])
    await service.projects.change(first, lambda state: state.replace(status=ProjectStatus.FAILED))
    await plan.ended(service, batch, await service.projects.outlines(batch.project_ids), NOW)

    assert (await looked(service, batch, starting=[third]))[third] in {hour(13), hour(14)}


@pytest.fixture
async def on_youtube(service, settings):
    """The same, for a channel of YouTube's that takes two videos a day; nothing is called."""
    keys = {name: SecretStr("x") for name in ("youtube_client_secret", "youtube_refresh_token")}
    ours = settings.model_copy(update=keys | {"youtube_client_id": "1-a", "youtube_daily_uploads": 2})
    async with contextlib.aclosing(open_shelf(ours, service.paths)) as shelf:
        yield dataclasses.replace(service, choice=shelf)


async def test_moments_are_laid_out_over_the_days_that_have_quota(on_youtube, batch):
    """Midnight in Los Angeles is 08:00 UTC: 32 of this clock."""
    await looked(on_youtube, batch, starting=batch.project_ids)

    assert await given(on_youtube, batch) == [hour(13), hour(14), hour(33), hour(34)]


async def test_quota_that_others_use_up_moves_a_moment_to_the_next_day(on_youtube, batch):
    await looked(on_youtube, batch, starting=batch.project_ids[:1])
    await on_youtube.ledger.raise_used(Bucket(youtube_client("1-a"), UPLOADS, pacific_day(NOW)), Decimal(2))

    await looked(on_youtube, batch)

    assert (await given(on_youtube, batch))[0] == hour(33)


@pytest.fixture
def at_noon(monkeypatch):
    monkeypatch.setattr(clock, "now", lambda: NOW)


@pytest.mark.usefixtures("at_noon")
async def test_the_upload_books_for_one_that_was_started_by_hand(service, batch):
    state = await service.projects.load(batch.project_ids[2])

    moment = await moment_of(service, state)

    assert moment is not None
    assert moment.at == hour(13)
    assert await looked(service, batch, starting=batch.project_ids[:1]) == {batch.project_ids[0]: hour(14)}


async def test_the_upload_keeps_a_moment_that_can_be_kept_and_replaces_one_that_can_not(service, batch, monkeypatch):
    await looked(service, batch, starting=batch.project_ids[:2])
    first = await service.projects.load(batch.project_ids[0])

    monkeypatch.setattr(clock, "now", lambda: hour(12.9))
    kept = await moment_of(service, first)
    monkeypatch.setattr(clock, "now", lambda: hour(12.95))
    late = await moment_of(service, first)

    assert (kept and kept.at, late and late.at) == (hour(13), hour(15))


@pytest.mark.usefixtures("at_noon")
@pytest.mark.parametrize(
    ("brief", "calendar", "moment"),
    [
        pytest.param({}, None, "none", id="no calendar"),
        pytest.param({"publish_at": "2027-01-01T00:00:00Z"}, HOURLY, "none", id="a moment of its own"),
        pytest.param({}, "slots Sat 12:00 UTC until 2026-11-28", None, id="none left"),
    ],
)
async def test_the_upload_is_told_where_no_calendar_says_a_moment(service, brief, calendar, moment):
    made_ = await made(service, [{"topic": "Tides"} | brief], calendar)
    state = await service.projects.load(made_.project_ids[0])

    found = await moment_of(service, state)

    assert (found.at if found is not None else "none") == moment


async def test_what_youtube_was_told_stays_its_own_where_the_calendar_was_lost(service, batch, monkeypatch):
    """As a clock that runs a year ahead for a moment forgets it all."""
    monkeypatch.setattr(clock, "now", lambda: NOW)
    first, second, third, _ = batch.project_ids
    await looked(service, batch, starting=[first])
    uploaded = Upload(marker="m", video_id="v")
    await service.projects.change(first, lambda state: state.replace(status=ProjectStatus.COMPLETED, upload=uploaded))
    (service.paths.root / "calendar" / "default.json").unlink()

    planned = await looked(service, batch, starting=[second])
    (service.paths.root / "calendar" / "default.json").unlink()
    by_hand = await moment_of(service, await service.projects.load(third))

    assert (planned, by_hand and by_hand.at) == ({second: hour(14)}, hour(14))


async def test_moments_of_a_batch_of_which_all_is_deleted_are_free_again(service, batch):
    await looked(service, batch, starting=batch.project_ids)
    for number in batch.project_ids:
        await service.projects.delete(number)

    await plan.ended(service, batch, await service.projects.outlines(batch.project_ids), NOW)

    assert await Bookings(service.paths).booked("default") == {}


async def test_a_moment_that_has_passed_is_none_where_the_batch_was_lost(service, batch, monkeypatch):
    """Published at once would be at a moment that nobody chose."""
    await looked(service, batch, starting=batch.project_ids[:1])
    state = await service.projects.load(batch.project_ids[0])
    await service.batches.delete(batch.batch_id)

    monkeypatch.setattr(clock, "now", lambda: hour(12))
    before = await moment_of(service, state)
    monkeypatch.setattr(clock, "now", lambda: hour(13.1))
    after = await moment_of(service, state)

    assert (before and before.at, after and after.at) == (hour(13), None)


async def test_a_batch_with_a_calendar_runs_through_with_its_forecast_and_its_outcome(queue, crew, store):
    first = clock.now().replace(microsecond=0, second=0) + timedelta(hours=3)
    calendar = f"every 6h from {first.isoformat(timespec='minutes')} UTC"
    batch = await queue.create_batch([{"topic": f"Tide {n}"} for n in range(3)], calendar=calendar)

    async with crew.working(VIDEO, BATCH):
        await queue.start_batch(batch.batch_id)
        await queue.wait_batch(batch.batch_id, timeout=60)

    state = await queue.get_batch(batch.batch_id)
    slots = [(await store.load(number)).slot for number in batch.project_ids]
    assert [later - earlier for earlier, later in pairwise(slots)] == [timedelta(hours=6)] * 2
    assert state.forecast.published_by == slots[-1]
    assert (state.forecast.projects, state.forecast.limit) == (3, "slots")
    assert sum(day.uploads for day in state.outcome.days) == 3


@pytest.mark.usefixtures("at_noon")
@pytest.mark.parametrize("body", ["[", '{"9999-12-31T23:59:59-12:00": 1}'], ids=["no JSON", "no moment anywhere else"])
async def test_a_calendar_on_disk_that_can_not_be_read_stops_the_upload_and_not_the_batch(service, batch, body):
    file = service.paths.root / "calendar" / "default.json"
    file.parent.mkdir()
    file.write_text(body, encoding="utf-8")
    outlines = await service.projects.outlines(batch.project_ids)

    slots = await plan.slots(service, batch, outlines, NOW, batch.project_ids)
    told = await plan.begun(service, batch, outlines, NOW)
    outcome = await plan.ended(service, batch, outlines, NOW)

    assert (slots, told, outcome.ended_at) == ({}, None, NOW)
    with pytest.raises(NeedsPerson, match="default"):
        await moment_of(service, await service.projects.load(batch.project_ids[0]))


# Before a batch is made.


@pytest.fixture
async def shelf(settings, data_dir):
    async with contextlib.aclosing(open_shelf(settings, Paths(data_dir))) as opened:
        yield opened


BRIEFS = [Brief(topic=f"Tide {n}") for n in range(5)]


async def test_a_calendar_that_holds_the_batch_is_taken(settings, shelf):
    await plan.check_calendar(site_of(settings, shelf), BRIEFS, NOW, HOURLY)

    told = await plan.forecast_of_briefs(site_of(settings, shelf), BRIEFS, NOW, HOURLY)

    assert (told.projects, told.published_by, told.limit) == (5, hour(17), "slots")


@pytest.mark.parametrize(
    ("calendar", "briefs", "said"),
    [
        pytest.param("slots Mon 09:00,10:00 UTC until 2026-11-30", BRIEFS, "these hold 2", id="too few"),
        pytest.param("every 90d from 2026-11-29T13:00+00:00 UTC", [*BRIEFS, *BRIEFS], "these hold 9", id="more than two years"),
        pytest.param(HOURLY, [*BRIEFS, BRIEFS[0].replace(deadline=hour(15).isoformat())], "brief 6 gets", id="a deadline"),
    ],
)
async def test_a_calendar_that_can_not_hold_the_batch_is_refused_by_name(settings, shelf, calendar, briefs, said):
    with pytest.raises(InvalidBrief) as refused:
        await plan.check_calendar(site_of(settings, shelf), briefs, NOW, calendar)

    assert (refused.value.field, said in str(refused.value)) == ("slots", True)

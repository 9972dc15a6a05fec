"""The publishing calendar: which cell stands where, and what a day says."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from reelqueue.dashboard.publishing.quotas import ends_at, planned_units, quota_day
from reelqueue.dashboard.publishing.week import MOST_CELLS, ChannelDay, week_of
from reelqueue.dashboard.publishing.words import week_in_words
from reelqueue.models.brief import parse_brief
from reelqueue.models.forecast import DayForecast, Forecast
from reelqueue.models.project import ProjectState, Upload
from reelqueue.models.stage import ProjectStatus, Stage, StageStatus
from storage import Outline

TAIPEI = ZoneInfo("Asia/Taipei")
MONDAY = date(2026, 11, 23)
NOW = datetime(2026, 11, 24, 6, 32, tzinfo=UTC)  # Tuesday, 14:32 in Taipei


def at(day: int, hour: int) -> datetime:
    return datetime(2026, 11, day, hour, tzinfo=TAIPEI)


def project(
    number: int, status: ProjectStatus, slot: datetime | None, *, uploaded: datetime | None = None, **more: object
) -> Outline:
    state = ProjectState(project_id=number, brief=parse_brief({"topic": "Tides", "channel": "tea"}), status=status, slot=slot, created_at=NOW, updated_at=NOW)  # fmt: skip
    if uploaded is not None:
        state = state.with_stage(Stage.UPLOAD, status=StageStatus.DONE, finished_at=uploaded)
        state = state.replace(upload=Upload(marker="m", video_id=f"v{number}"))
    return Outline.of(state.replace(**more))


def days(*outlines: Outline, free: tuple[datetime, ...] = ()) -> dict[int, ChannelDay]:
    found = week_of(MONDAY, outlines, {"tea": free} if free else {}, ["tea"], lambda name: name or "default", NOW, TAIPEI)
    return {day.day.day: day for week in found if week.name == "tea" for day in week.days}


def test_what_is_public_and_what_waits_on_its_channel_are_two_things():
    done = ProjectStatus.COMPLETED
    tuesday = days(project(1, done, at(24, 7), uploaded=at(23, 20)), project(2, done, at(24, 21), uploaded=at(24, 9)))[24]

    assert [place.kind for place in tuesday.places] == ["pb", "up"]
    assert (tuesday.ready, tuesday.planned, tuesday.is_all_there) == (2, 2, True)
    assert tuesday.span == (at(24, 7), at(24, 21))


def test_a_video_without_a_moment_stands_where_it_was_uploaded():
    assert days(project(1, ProjectStatus.COMPLETED, None, uploaded=at(23, 20)))[23].places[0].at == at(23, 20)


def test_one_uploaded_too_late_for_its_slot_is_out_when_it_is_there():
    """YouTube makes a video public at once whose moment has passed."""
    found = days(project(1, ProjectStatus.COMPLETED, at(23, 7), uploaded=at(24, 9)))

    assert (found[23].places, found[24].places[0].kind) == ((), "pb")


def test_cells_stand_in_the_order_of_their_moments():
    tuesday = days(
        project(1, ProjectStatus.QUEUED, at(24, 21)), project(2, ProjectStatus.CREATED, at(24, 18)), free=(at(24, 20),)
    )[24]

    assert [place.kind for place in tuesday.places] == ["cr", "fr", "qu"]
    assert (tuesday.ready, tuesday.planned, tuesday.free) == (0, 2, 1)


def test_a_cancelled_video_frees_its_day():
    assert days(project(1, ProjectStatus.CANCELLED, at(24, 21)))[24].places == ()


@pytest.mark.parametrize(
    ("statuses", "en"),
    [
        pytest.param((ProjectStatus.WAITING_QUOTA, ProjectStatus.FAILED, ProjectStatus.WAITING_REVIEW), "1 failed", id="a failure comes first"),
        pytest.param((ProjectStatus.WAITING_QUOTA, ProjectStatus.WAITING_REVIEW), "19:00 needs review", id="then a person"),
        pytest.param((ProjectStatus.WAITING_QUOTA, ProjectStatus.WAITING_QUOTA), "2 wait until 16:00", id="then a clock"),
    ],
)  # fmt: skip
def test_a_day_says_one_thing_the_worst(statuses, en):
    resume = at(24, 16)
    outlines = [project(n, status, at(24, 18 + n), resume_at=resume) for n, status in enumerate(statuses)]

    notice = days(*outlines)[24].notice

    assert notice is not None
    assert notice.words.en == en


def test_a_day_of_hundreds_is_cut_and_counted():
    many = [project(n, ProjectStatus.CREATED, at(25, 1) + timedelta(minutes=5 * n)) for n in range(200)]

    wednesday = days(*many)[25]

    assert (len(wednesday.places), wednesday.more, wednesday.planned) == (MOST_CELLS, 200 - MOST_CELLS, 200)


def test_a_channel_that_is_set_up_no_more_keeps_its_row():
    gone = project(1, ProjectStatus.CREATED, at(25, 9), brief=parse_brief({"topic": "Tides", "channel": "old"}))

    weeks = week_of(MONDAY, [gone], {}, ["tea"], lambda name: name or "default", NOW, TAIPEI)

    assert [week.name for week in weeks] == ["tea", "old"]


# Quota.


@pytest.mark.parametrize(
    ("zone", "day", "pacific", "ends"),
    [
        pytest.param("Asia/Taipei", date(2026, 11, 24), date(2026, 11, 23), datetime(2026, 11, 24, 8, tzinfo=UTC), id="16:00 in Taipei, in winter"),
        pytest.param("Asia/Taipei", date(2026, 7, 14), date(2026, 7, 13), datetime(2026, 7, 14, 7, tzinfo=UTC), id="15:00 in summer"),
        pytest.param("America/Los_Angeles", date(2026, 11, 24), date(2026, 11, 24), datetime(2026, 11, 25, 8, tzinfo=UTC), id="at home"),
        pytest.param("Europe/Berlin", date(2026, 11, 24), date(2026, 11, 24), datetime(2026, 11, 25, 8, tzinfo=UTC), id="in Europe"),
    ],
)  # fmt: skip
def test_a_quota_day_is_a_pacific_one(zone, day, pacific, ends):
    found = quota_day(day, ZoneInfo(zone))

    assert (found, ends_at(found)) == (pacific, ends)


def test_what_a_batch_will_take_is_shared_by_its_clients():
    told = Forecast(made_at=NOW, projects=3, least=NOW, most=NOW, limit="units", days=(DayForecast(day=MONDAY, units=900),))

    planned = planned_units([(told, {"youtube-a": 2 / 3, "youtube-b": 1 / 3}), (told, {"youtube-a": 1.0})])

    assert planned == {"youtube-a": {MONDAY: pytest.approx(1500)}, "youtube-b": {MONDAY: pytest.approx(300)}}


def test_a_week_over_two_years_names_both():
    assert week_in_words(date(2026, 12, 28), 7).zh == "2026 年 12 月 28 日 – 2027 年 1 月 3 日"
    assert week_in_words(date(2026, 11, 23), 7).en == "23 – 29 November 2026"

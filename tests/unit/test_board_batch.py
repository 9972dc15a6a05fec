"""A batch as its page counts and draws it."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from reelqueue.dashboard.batch.band import SIDE, band_of
from reelqueue.dashboard.batch.cells import cells_of, legend
from reelqueue.dashboard.batch.standing import SHOWN_DAYS, figures_of
from reelqueue.dashboard.batch.words import SAYS, a_day, expected_end, is_late
from reelqueue.dashboard.numbered import numbered
from reelqueue.dashboard.pages.new_batch_words import SAYS as NEW
from reelqueue.dashboard.publishing.words import SAYS as PUBLISHING
from reelqueue.models.batch import BatchState
from reelqueue.models.brief import parse_brief
from reelqueue.models.forecast import DayForecast, Forecast
from reelqueue.models.project import ProjectState, Usage
from reelqueue.models.stage import ProjectStatus, Stage, StageStatus
from reelqueue.wording import Text
from storage import Outline

TAIPEI = ZoneInfo("Asia/Taipei")
NOW = datetime(2026, 11, 29, 6, 0, tzinfo=UTC)
BEGAN = NOW - timedelta(days=3)


def project(number: int, status: ProjectStatus, *, ended: datetime | None = None, usd: float = 0.0, **more: object) -> Outline:
    state = ProjectState(
        project_id=number, brief=parse_brief({"topic": "Tides"}), status=status, created_at=BEGAN, updated_at=NOW
    )
    if ended is not None:
        state = state.with_stage(Stage.UPLOAD, status=StageStatus.DONE, finished_at=ended)
    if usd:
        state = state.replace(usage=(Usage(service="gemini", model="x", unit="y", amount=1, cost_usd=usd),))
    return Outline.of(state.replace(**more))


def batch(*numbers: int, **more: object) -> BatchState:
    return BatchState(batch_id=7, project_ids=numbers, started_at=BEGAN, created_at=BEGAN, updated_at=NOW).replace(**more)


def forecast(**more: object) -> Forecast:
    known = Forecast(made_at=NOW, projects=2, least=NOW + timedelta(days=1), most=NOW + timedelta(days=3), limit="units")
    return known.replace(**more)


def test_videos_are_counted_on_the_days_of_the_readers_zone():
    """22:30 in Taipei, and 00:30 there two hours later, lie on two days that are one in UTC."""
    late, later = datetime(2026, 11, 28, 14, 30, tzinfo=UTC), datetime(2026, 11, 28, 16, 30, tzinfo=UTC)
    outlines = {1: project(1, ProjectStatus.COMPLETED, ended=late), 2: project(2, ProjectStatus.COMPLETED, ended=later)}

    days = figures_of(batch(1, 2), outlines, NOW, TAIPEI).days

    assert [(day.day, day.done) for day in days] == [
        (date(2026, 11, 26), 0), (date(2026, 11, 27), 0), (date(2026, 11, 28), 1), (date(2026, 11, 29), 1),
    ]  # fmt: skip


def test_a_batch_of_months_shows_its_last_days():
    figures = figures_of(batch(1, started_at=NOW - timedelta(days=90)), {1: project(1, ProjectStatus.QUEUED)}, NOW, TAIPEI)

    assert len(figures.days) == SHOWN_DAYS
    assert figures.before_today == 0


def test_on_its_first_day_there_is_no_day_before():
    figures = figures_of(batch(1, started_at=NOW), {1: project(1, ProjectStatus.QUEUED)}, NOW, TAIPEI)

    assert (len(figures.days), figures.before_today) == (1, None)


def test_what_is_not_known_is_none_and_no_nought():
    figures = figures_of(batch(1), {1: project(1, ProjectStatus.QUEUED)}, NOW, TAIPEI)

    assert (figures.success, figures.each_usd, figures.deadline, figures.in_all_usd(None)) == (None, None, None, None)


def test_deleted_projects_are_counted_as_gone():
    figures = figures_of(batch(1, 2, 3), {1: project(1, ProjectStatus.COMPLETED), 2: None}, NOW, TAIPEI)

    assert (figures.total, figures.completed, figures.gone, figures.ended) == (3, 1, 2, 3)


def test_money_is_that_of_all_and_the_mean_of_those_that_are_done():
    outlines = {
        1: project(1, ProjectStatus.COMPLETED, ended=NOW, usd=0.4),
        2: project(2, ProjectStatus.COMPLETED, ended=NOW, usd=0.6),
        3: project(3, ProjectStatus.FAILED, usd=0.1),
    }

    figures = figures_of(batch(1, 2, 3), outlines, NOW, TAIPEI)

    assert figures.spent_usd == pytest.approx(1.1)
    assert figures.each_usd == pytest.approx(0.5)
    assert figures.in_all_usd(forecast(usd=(Decimal(1), Decimal(2)))) == pytest.approx(2.6)


def test_a_forecast_that_reaches_beyond_a_deadline_is_late():
    brief = parse_brief({"topic": "Tides", "deadline": (NOW + timedelta(days=2)).isoformat()})
    figures = figures_of(batch(1), {1: project(1, ProjectStatus.QUEUED, brief=brief)}, NOW, TAIPEI)

    assert is_late(figures, forecast())
    assert not is_late(figures, forecast(most=NOW + timedelta(days=1)))


def test_a_deadline_of_what_is_done_holds_nobody():
    brief = parse_brief({"topic": "Tides", "deadline": (NOW + timedelta(days=2)).isoformat()})

    assert figures_of(batch(1), {1: project(1, ProjectStatus.COMPLETED, brief=brief)}, NOW, TAIPEI).deadline is None


def test_the_rate_of_a_day_is_that_of_a_whole_one():
    days = tuple(DayForecast(day=date(2026, 11, 29) + timedelta(days=n), uploads=n + 1) for n in range(3))

    assert (a_day(forecast(days=days)), a_day(forecast(days=days[:2]))) == (2, None)


def test_an_end_is_told_by_its_middle_and_its_range():
    middle, least, most = expected_end(forecast(), NOW, TAIPEI)

    assert middle == Text("12/1 14:00", "1 Dec, 14:00")
    assert (least.zh, most.zh) == ("11/30（一）14:00", "12/2（三）14:00")


# The grid.


def test_each_state_has_a_silhouette_of_its_own():
    kinds = {status: cells_of([1], {1: project(1, status)})[0].kind.split()[0] for status in ProjectStatus}

    assert Counter(kinds.values())["wa"] == 3  # what waits for a clock looks alike
    assert len(set(kinds.values())) == len(kinds) - 2


def test_a_cell_that_runs_is_filled_by_the_stages_behind_it():
    state = ProjectState(
        project_id=1, brief=parse_brief({"topic": "Tides"}), status=ProjectStatus.RUNNING, created_at=NOW, updated_at=NOW
    )
    state = state.with_stage(Stage.SCRIPT, status=StageStatus.DONE).with_stage(Stage.ASSETS, status=StageStatus.RUNNING)

    assert cells_of([1], {1: Outline.of(state)})[0].kind == "ru l1"


def test_a_deleted_project_keeps_its_place():
    cells = cells_of([5, 6], {5: None, 6: project(6, ProjectStatus.QUEUED)}, first=31)

    assert [(cell.place, cell.project_id, cell.kind) for cell in cells] == [(31, 5, "go"), (32, 6, "qu")]


def test_a_legend_names_what_occurs_in_its_order():
    assert legend([ProjectStatus.FAILED, ProjectStatus.COMPLETED]) == [ProjectStatus.COMPLETED, ProjectStatus.FAILED]


# The band.


def test_the_curve_begins_at_nothing_and_reaches_what_is_done():
    outlines = {n: project(n, ProjectStatus.COMPLETED, ended=BEGAN + timedelta(days=n)) for n in (1, 2)}

    band = band_of(batch(1, 2, 3, 4), outlines, None, NOW)

    assert band is not None
    assert (band.done, band.total, band.done_percent, band.now_percent) == (2, 4, 50.0, 100.0)
    assert band.curve.startswith(f"M0,{SIDE} ")
    assert band.curve.endswith(f"{SIDE},{SIDE // 2}")
    assert (band.fan, band.middle) == ("", "")


def test_the_fan_opens_from_now_to_the_two_ends():
    """Three days done, one to three days to come: now is at three of six."""
    outlines = {
        1: project(1, ProjectStatus.COMPLETED, ended=NOW),
        2: project(2, ProjectStatus.QUEUED),
        3: project(3, ProjectStatus.QUEUED),
    }

    band = band_of(batch(1, 2, 3), outlines, forecast(), NOW)

    assert band is not None
    assert (band.now_percent, round(band.end_percent, 1)) == (50.0, 83.3)
    assert band.fan == "M500,667 667,0 1000,0Z"


def test_thousands_of_ends_are_drawn_by_some_sixty_points():
    outlines = {n: project(n, ProjectStatus.COMPLETED, ended=BEGAN + timedelta(minutes=n)) for n in range(1, 3001)}

    band = band_of(batch(*outlines), outlines, None, NOW)

    assert band is not None
    assert len(band.curve.split()) < 70


def test_what_has_not_begun_has_no_way():
    assert band_of(batch(1, started_at=None), {1: project(1, ProjectStatus.CREATED)}, None, NOW) is None
    assert band_of(batch(), {}, None, NOW) is None


def test_a_batch_that_ends_in_the_moment_it_began_divides_by_nothing():
    band = band_of(
        batch(1, started_at=NOW), {1: project(1, ProjectStatus.COMPLETED, ended=NOW)}, forecast(least=NOW, most=NOW), NOW
    )

    assert band is not None
    assert band.done == 1


# Words.


@pytest.mark.parametrize(
    ("number", "told"),
    [
        pytest.param(1, Text("1 個專案", "1 project"), id="one"),
        pytest.param(0, Text("0 個專案", "0 projects"), id="none"),
        pytest.param(1_234, Text("1,234 個專案", "1,234 projects"), id="many"),
    ],
)
def test_one_thing_is_told_otherwise_than_many(number, told):
    assert numbered(SAYS)("count", number) == told


def test_every_sentence_of_one_has_one_of_many():
    for says in (SAYS, PUBLISHING, NEW):
        assert {name.removesuffix("_one") for name in says if name.endswith("_one")} <= says.keys()

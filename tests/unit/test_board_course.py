"""A project's course: to scale, its waits cut out, its pieces where they were done."""

from datetime import UTC, datetime, timedelta

import pytest

from reelqueue.dashboard.project.course import course_of, saved_usd
from reelqueue.dashboard.project.pieces import Made, Pieces, Scene
from reelqueue.models.brief import parse_brief
from reelqueue.models.project import ProjectState
from reelqueue.models.stage import ProjectStatus, Stage, StageStatus

BEGAN = datetime(2026, 11, 24, 6, 0, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return BEGAN + timedelta(seconds=seconds)


def state(*stages: tuple[Stage, StageStatus, float, float | None], status: ProjectStatus = ProjectStatus.RUNNING) -> ProjectState:
    found = ProjectState(
        project_id=7, brief=parse_brief({"topic": "Tea"}), created_at=BEGAN, updated_at=BEGAN, status=status, run=1
    )
    for stage, how, begin, end in stages:
        found = found.with_stage(
            stage, status=how, attempts=1, started_at=at(begin), finished_at=at(end) if end is not None else None
        )
    return found


def row(course, stage: Stage, kind: str = ""):
    return next(one for one in course.rows if (one.stage, one.kind) == (stage, kind))


DONE, RUNNING, FAILED, PENDING = StageStatus.DONE, StageStatus.RUNNING, StageStatus.FAILED, StageStatus.PENDING


def test_bars_are_as_long_as_their_stages_took():
    course = course_of(
        state((Stage.SCRIPT, DONE, 0, 10), (Stage.ASSETS, FAILED, 10, 40), status=ProjectStatus.FAILED), Pieces(), at(99)
    )

    (script,), (assets,) = row(course, Stage.SCRIPT).bars, row(course, Stage.ASSETS).bars
    assert (script.x, script.width, assets.x, assets.width) == pytest.approx((0, 25, 25, 75))
    assert (script.look, assets.look) == ("work", "bad")
    assert course.now is None


def test_a_night_of_waiting_is_cut_out_and_told():
    night = state((Stage.SCRIPT, DONE, 0, 50), (Stage.ASSETS, DONE, 36_050, 36_100), status=ProjectStatus.COMPLETED)

    course = course_of(night, Pieces(), at(40_000))

    assert [cut.seconds for cut in course.cuts] == [36_000]
    assert row(course, Stage.ASSETS).bars[0].width == pytest.approx(50 / 103 * 100, abs=0.1)
    assert course.seconds == 100


def test_what_runs_reaches_to_now_and_what_is_expected_lies_behind_it():
    running = state((Stage.SCRIPT, DONE, 0, 10), (Stage.ASSETS, RUNNING, 10, None))

    course = course_of(running, Pieces(), at(40), eta_s=60, usual={Stage.RENDER: 30.0, Stage.THUMBNAIL: None})

    assert course.now == pytest.approx(40)
    assert [bar.look for bar in row(course, Stage.ASSETS).bars] == ["run", "ahead"]
    assert row(course, Stage.ASSETS).expected_s == pytest.approx(60)
    assert row(course, Stage.RENDER).expected_s == pytest.approx(30)
    assert row(course, Stage.THUMBNAIL).bars == ()


def test_nothing_is_expected_where_nobody_knows():
    course = course_of(state((Stage.SCRIPT, RUNNING, 0, None)), Pieces(), at(10))

    assert {bar.look for each in course.rows for bar in each.bars} == {"run"}


def test_pieces_lie_where_they_were_done_and_older_ones_are_reused():
    new = [Made(at(20), 0.02), Made(at(30), 0.0), Made(at(40), 0.02)]
    scenes = [Scene(place, "segment", "words", shown=made) for place, made in enumerate([Made(at(-500), 0.05), *new], start=1)]
    finished = state((Stage.SCRIPT, DONE, 0, 10), (Stage.ASSETS, DONE, 10, 50), status=ProjectStatus.COMPLETED)

    pieces = Pieces(scenes=tuple(scenes))
    pictures = row(course_of(finished, pieces, at(99)), Stage.ASSETS, "images")

    assert (pictures.made, pictures.reused, pictures.wanted) == (3, 1, 4)
    assert [bar.look for bar in pictures.bars] == ["reused", "paid", "free", "paid"]
    assert [bar.x + bar.width for bar in pictures.bars[1:]] == pytest.approx([40, 60, 80])
    assert pictures.usd == pytest.approx(0.04)
    assert saved_usd(finished, pieces) == pytest.approx(0.05)


def test_hundreds_of_pieces_are_drawn_as_dozens_of_bars():
    scenes = tuple(Scene(n, "segment", "words", shown=Made(at(10 + n / 10))) for n in range(1, 400))
    done = state((Stage.SCRIPT, DONE, 0, 10), (Stage.ASSETS, DONE, 10, 50), status=ProjectStatus.COMPLETED)

    pictures = row(course_of(done, Pieces(scenes=scenes), at(99)), Stage.ASSETS, "images")

    assert len(pictures.bars) <= 80
    assert sum(bar.count for bar in pictures.bars) == pictures.made == 399


def test_a_stage_that_was_kept_from_before_is_no_work_of_this_run():
    retried = state((Stage.SCRIPT, DONE, 900, 910), (Stage.ASSETS, DONE, 20, 60), (Stage.RENDER, RUNNING, 910, None))

    course = course_of(retried, Pieces(), at(930))

    assert row(course, Stage.ASSETS).is_kept
    assert [bar.look for bar in row(course, Stage.ASSETS).bars] == ["reused"]
    assert row(course, Stage.ASSETS).seconds is None


def test_a_project_that_was_not_begun_has_no_scale():
    assert course_of(state(status=ProjectStatus.CREATED), Pieces(), at(5)).is_empty


@pytest.mark.parametrize("seconds", [0.2, 7, 61, 3_599, 100_000, 9_000_000])
def test_every_scale_has_a_few_marks_within_it(seconds):
    ticks = course_of(state((Stage.SCRIPT, DONE, 0, seconds), status=ProjectStatus.COMPLETED), Pieces(), at(seconds)).ticks

    assert 1 <= len(ticks) <= 110
    assert all(0 <= tick.x <= 100 for tick in ticks)

"""What becomes of a batch: pure rules over its state and its projects' outlines."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from jobs.batch import asked
from jobs.batch.running import batch_result, item_result, looked_at, results_of, share_done
from jobs.batch.window import LEAST_IN_FLIGHT, MOST_PARKED, to_start, window_of
from reelqueue.errors import WrongState
from reelqueue.models.batch import Again, BatchAct, BatchState
from reelqueue.models.project import StageError
from reelqueue.models.stage import BatchStatus, ProjectStatus, Stage
from storage import Outline

NOW = datetime(2026, 12, 1, 9, tzinfo=UTC)
BEFORE, LATER = NOW - timedelta(minutes=5), NOW + timedelta(minutes=5)


def batch(count: int = 3, status: BatchStatus = BatchStatus.RUNNING, **fields) -> BatchState:
    started = None if status is BatchStatus.CREATED else NOW
    whole = {"started_at": started, "project_ids": tuple(range(1, count + 1)), "created_at": BEFORE, "updated_at": BEFORE}
    return BatchState(batch_id=7, status=status, **(whole | fields))


def project(number: int, status: str = "created", **fields) -> Outline:
    next_stage = None if status == "completed" else Stage.SCRIPT
    plain = Outline(
        project_id=number,
        status=ProjectStatus(status),
        goal=Stage.UPLOAD,
        next_stage=next_stage,
        running=None,
        failed=None,
        error=None,
        wait=None,
        resume_at=None,
        held=False,
        batch_id=7,
        priority=0,
        deadline=None,
        channel=None,
        publish_at=None,
        video_id=None,
        run=1,
        updated_at=BEFORE,
    )
    return replace(plain, **fields)


def outlines(*statuses: str | Outline | None) -> dict[int, Outline | None]:
    return {number: project(number, one) if isinstance(one, str) else one for number, one in enumerate(statuses, start=1)}


def started(state: BatchState, known: dict[int, Outline | None], window: int) -> list[int]:
    return [one.project_id for one in to_start(state, known, window, NOW)]


# What it came to.


@pytest.mark.parametrize(
    ("projects", "status", "completed", "failed"),
    [
        pytest.param(("completed", "failed", "completed"), "completed", 2, 1, id="some failed"),
        pytest.param(("failed", "cancelled", None), "failed", 0, 3, id="failed, cancelled and deleted all count as failed"),
        pytest.param(("completed", "completed", None), "completed", 2, 1, id="deleted"),
        pytest.param(("completed", "failed", "waiting_review"), "running", 1, 1, id="a person may approve later"),
        pytest.param(("completed", "needs_person", "failed"), "running", 1, 1, id="a person may mend it later"),
        pytest.param(("completed", "queued", "created"), "running", 1, 0, id="on the way"),
    ],
)
def test_a_batch_ends_when_all_of_its_projects_have(projects, status, completed, failed):
    state = looked_at(batch(), outlines(*projects), NOW)

    assert (str(state.status), state.completed, state.failed) == (status, completed, failed)
    assert (state.ended_at == NOW) is state.has_ended


def test_nothing_new_is_the_very_same_state():
    state = looked_at(batch(), outlines("completed", "queued", "created"), NOW)

    assert looked_at(state, outlines("completed", "queued", "created"), LATER) is state


def test_a_batch_over_its_time_goes_on_and_says_since_when():
    overdue = looked_at(batch(), outlines("completed", "running", "created"), NOW + timedelta(seconds=5_401))
    later = looked_at(overdue, outlines("completed", "running", "created"), NOW + timedelta(hours=9))

    assert (overdue.status, overdue.overdue_since) == (BatchStatus.RUNNING, NOW + timedelta(seconds=5_401))
    assert later is overdue


def test_a_cancelled_batch_has_ended_only_when_its_projects_have():
    cancelled = asked.cancel(batch())
    on_the_way = looked_at(cancelled, outlines("completed", "running", "cancelled"), NOW)
    over = looked_at(cancelled, outlines("completed", "cancelled", "cancelled"), NOW)

    assert (on_the_way.has_ended, on_the_way.is_under_way, on_the_way.act) == (False, True, BatchAct.CANCEL)
    assert (over.status, over.has_ended, over.act) == (BatchStatus.CANCELLED, True, None)


def test_each_line_of_the_results_says_how_it_ended():
    error = StageError(code="permanent", message="no picture")
    known = {1: project(1, "completed", video_id="abc"), 2: project(2, "failed", failed=Stage.ASSETS, error=error), 3: None}

    lines = results_of(batch(), known)

    assert lines[0] == {"project_id": 1, "status": "completed", "video_id": "abc"}
    assert (lines[1]["status"], lines[1]["error"]["message"]) == ("failed", "no picture")
    assert (lines[2]["status"], lines[2]["error"]["code"]) == ("failed", "not_found")
    assert item_result(4, project(4, "waiting_quota")) == {"project_id": 4, "status": "waiting_quota"}


@pytest.mark.parametrize(
    ("projects", "status"),
    [
        (("completed", "completed", "completed"), "success"),
        (("completed", "failed", "completed"), "partial_success"),
        (("failed", "failed", "failed"), "failed"),
    ],
)
def test_the_job_says_how_it_went_as_a_whole(projects, status):
    state = looked_at(batch(), outlines(*projects), NOW)

    assert batch_result(state, [])["status"] == status


def test_the_share_counts_ended_projects_whole_and_others_by_their_stages():
    known = outlines("completed", "failed", project(3, "queued", next_stage=Stage.RENDER))

    assert share_done(batch(), known) == pytest.approx(100 * (1 + 1 + 2 / 5) / 3)


# Trying again.


def test_what_failed_before_the_retry_begins_again_and_what_fails_after_it_does_not():
    """The coordinator may die between any two of them: what it started again, and what failed once more, is left alone."""
    state = asked.retry(NOW, anything=True)(batch(status=BatchStatus.COMPLETED, ended_at=BEFORE))
    known = outlines("completed", project(2, "failed"), project(3, "failed", batch_run=2))

    assert (state.status, state.again, state.run) == (BatchStatus.RUNNING, Again.FAILED, 2)
    assert started(state, known, 20) == [2]
    assert not looked_at(state, known, LATER).has_ended


def test_clocks_that_differ_or_jump_neither_repeat_a_retry_nor_leave_it_out():
    state = asked.retry(NOW, anything=True)(batch(status=BatchStatus.COMPLETED, ended_at=BEFORE))
    known = outlines(project(1, "failed", batch_run=2, updated_at=BEFORE), project(2, "failed", updated_at=LATER), "completed")

    assert started(state, known, 20) == [2]


def test_a_retry_is_over_when_all_of_them_have_begun():
    state = asked.retry(NOW, anything=True)(batch(status=BatchStatus.COMPLETED, ended_at=BEFORE))

    begun = looked_at(state, outlines("completed", project(2, "queued", batch_run=2), "completed"), LATER)

    assert (begun.again, begun.has_ended) == (None, False)


def test_who_cancelled_a_batch_and_tries_it_again_means_all_of_it():
    state = asked.retry(NOW, anything=True)(batch(status=BatchStatus.CANCELLED, ended_at=BEFORE))

    assert started(state, outlines("completed", "cancelled", "failed"), 20) == [2, 3]


def test_who_cancelled_one_project_does_not_get_it_back_with_those_that_failed():
    state = asked.retry(NOW, anything=True)(batch(status=BatchStatus.COMPLETED, ended_at=BEFORE))

    assert started(state, outlines("completed", "cancelled", "failed"), 20) == [3]


# What may be asked.


@pytest.mark.parametrize(
    ("ask", "status"),
    [
        pytest.param(asked.pause, "created", id="pause one that was not started"),
        pytest.param(asked.pause, "completed", id="pause one that ended"),
        pytest.param(asked.resume, "completed", id="resume one that ended"),
        pytest.param(asked.cancel, "failed", id="cancel one that ended"),
        pytest.param(asked.start(NOW), "paused", id="start one that is paused"),
        pytest.param(asked.retry(NOW, anything=True), "created", id="retry one that was not started"),
        pytest.param(asked.retry(NOW, anything=True), "paused", id="retry one that is paused"),
        pytest.param(asked.retry(NOW, anything=True), "cancelled", id="retry one that is still being cancelled"),
        pytest.param(asked.retry(NOW, anything=False), "completed", id="retry where nothing failed"),
    ],
)
def test_what_does_not_fit_is_refused_with_what_to_do(ask, status):
    with pytest.raises(WrongState) as refused:
        ask(batch(status=BatchStatus(status)))

    assert status in refused.value.message
    assert refused.value.hint


@pytest.mark.parametrize(
    ("ask", "status"),
    [(asked.pause, "paused"), (asked.resume, "running"), (asked.cancel, "cancelled"), (asked.start(LATER), "running")],
)
def test_a_second_time_changes_nothing(ask, status):
    state = batch(status=BatchStatus(status))

    assert ask(state) is state


def test_a_batch_without_its_list_of_projects_is_not_started():
    with pytest.raises(WrongState):
        asked.start(NOW)(batch(0, BatchStatus.CREATED))


# Who begins next.


def test_the_highest_priority_begins_then_the_nearest_deadline_then_the_first_in_the_list():
    known = {
        1: project(1),
        2: project(2, deadline=LATER + timedelta(days=2)),
        3: project(3, deadline=LATER),
        4: project(4, priority=5),
        5: project(5),
    }

    assert started(batch(5), known, 4) == [4, 3, 2, 1]


def test_so_many_are_in_flight_as_the_window_holds_and_who_waits_is_not():
    known = outlines("running", "queued", "waiting_quota", "waiting_review", "completed", "created", "created", "created")

    assert started(batch(8), known, 4) == [6, 7]


@pytest.mark.parametrize("fields", [{"held": True}, {"resume_at": LATER}], ids=["held", "told to come back later"])
def test_who_rests_is_not_in_flight(fields):
    known = outlines(project(1, "queued", **fields), "created")

    assert started(batch(2), known, 1) == [2]


def test_who_was_told_to_come_back_by_now_is_in_flight():
    assert started(batch(2), outlines(project(1, "queued", resume_at=BEFORE), "created"), 1) == []


def test_nothing_begins_while_one_waits_for_the_disk():
    assert started(batch(), outlines("waiting_disk", "created", "created"), 20) == []


@pytest.mark.parametrize(("status", "fields"), [("waiting_quota", {}), ("waiting_budget", {}), ("queued", {"resume_at": LATER})])
def test_a_channel_of_which_many_wait_begins_none_more(status, fields):
    parked = {number: project(number, status, channel="news", **fields) for number in range(1, MOST_PARKED + 1)}
    news, films = MOST_PARKED + 1, MOST_PARKED + 2
    known = parked | {news: project(news, channel="news"), films: project(films, channel="films")}

    assert started(batch(films), known, 20) == [films]


@pytest.mark.parametrize(("places", "window"), [(0, LEAST_IN_FLIGHT), (10, 20), (40, 80)])
def test_the_window_keeps_all_places_busy(places, window):
    assert window_of(places) == window

"""The same state always is the same event; a wait is told once, however often the project is parked."""

from datetime import UTC, datetime, timedelta

import pytest

from jobs.events import batch_events, deadline_id, deadline_missed, event_id, event_of
from jobs.noticing import kind_of, notice_of
from reelqueue.models.batch import BatchState
from reelqueue.models.brief import parse_brief
from reelqueue.models.project import ProjectState, StageError, Upload, Wait
from reelqueue.models.stage import BatchStatus, ProjectStatus, Stage, StageStatus
from reelqueue.wording import speak
from storage.outlines import Outline

NOW = datetime(2026, 11, 29, 20, 0, tzinfo=UTC)


def project(status: ProjectStatus = ProjectStatus.CREATED, **more) -> ProjectState:
    return ProjectState(project_id=12, brief=parse_brief({"topic": "海豚怎麼睡覺"}), status=status, run=1, created_at=NOW, updated_at=NOW, revision=7).replace(**more)  # fmt: skip


def waiting(status: ProjectStatus, reason: str = "why", until: datetime | None = None) -> ProjectState:
    return project(status, wait=Wait(reason=reason, until=until, what_to_do="do"))


def failed(code: str, stage: Stage = Stage.UPLOAD) -> ProjectState:
    error = StageError(code=code, message="the token is dead", hint="reelqueue auth youtube")
    before = [other for other in Stage if stage.reaches(other) and other is not stage]
    state = project(ProjectStatus.FAILED)
    for other in before:
        state = state.with_stage(other, status=StageStatus.DONE)
    return state.with_stage(stage, status=StageStatus.FAILED, error=error)


@pytest.mark.parametrize("status", [ProjectStatus.CREATED, ProjectStatus.QUEUED, ProjectStatus.RUNNING])
def test_what_is_on_its_way_is_no_event(status):
    assert event_of(project(status)) is None
    assert kind_of(Outline.of(project(status))) is None


def test_an_end_is_one_event_a_run_with_what_came_of_it():
    published = project(ProjectStatus.COMPLETED, upload=Upload(marker="m", video_id="abc")).with_stage(
        Stage.UPLOAD, status=StageStatus.DONE, result={"video_url": "https://youtu.be/abc"}
    )

    event = event_of(published)

    assert (event.event_id, event.type, event.subject, event.order) == ("p12-r1-completed", "project.completed", "p12", 7)
    assert (event.data["video_id"], event.data["video_url"]) == ("abc", "https://youtu.be/abc")
    assert event_of(published) == event
    assert event_of(published.replace(run=2)).event_id == "p12-r2-completed"


def test_a_failure_says_where_and_why():
    event = event_of(failed("content_refused", Stage.ASSETS))

    assert event.type == "project.failed"
    assert (event.data["stage"], event.data["error"]["code"]) == ("assets", "content_refused")


def test_a_disk_that_is_full_every_minute_is_one_event_a_stage_and_run():
    first = event_id(Outline.of(waiting(ProjectStatus.WAITING_DISK, until=NOW)))
    later = event_id(Outline.of(waiting(ProjectStatus.WAITING_DISK, until=NOW + timedelta(minutes=1))))

    assert first == later == "p12-r1-script-waiting_disk"


def test_each_days_empty_quota_is_an_event_and_each_thing_to_review():
    today, tomorrow = (waiting(ProjectStatus.WAITING_QUOTA, until=NOW + timedelta(days=days)) for days in (1, 2))
    script, final = (waiting(ProjectStatus.WAITING_REVIEW, reason) for reason in ("script", "final"))

    assert len({event_of(state).event_id for state in (today, tomorrow, script, final)}) == 4
    assert event_of(today).data["wait"]["what_to_do"] == "do"
    assert event_of(today).type == "project.waiting"


def test_what_needs_a_person_is_a_type_of_its_own():
    assert event_of(waiting(ProjectStatus.NEEDS_PERSON)).type == "project.needs_person"


def test_a_missed_deadline_is_one_event_and_the_end_tells_of_it_too():
    late = project(ProjectStatus.QUEUED).replace(
        brief=parse_brief({"topic": "海豚怎麼睡覺"}).replace(deadline="2026-11-29T19:00:00+00:00")
    )

    event = deadline_missed(late, NOW)

    assert event.event_id == deadline_id(Outline.of(late)) == "p12-deadline-20261129T1900"
    assert event_of(late.replace(status=ProjectStatus.COMPLETED)).data["deadline_missed"] is True


def test_a_batch_tells_of_its_start_its_time_and_its_end_anew_in_each_run():
    batch = BatchState(batch_id=3, project_ids=(1, 2), status=BatchStatus.COMPLETED, completed=1, failed=1, started_at=NOW, overdue_since=NOW, ended_at=NOW, created_at=NOW, updated_at=NOW)  # fmt: skip

    events = batch_events(batch)

    assert [event.type for event in events] == ["batch.started", "batch.overdue", "batch.ended"]
    assert [event.event_id for event in events] == ["b3-r1-started", "b3-r1-overdue", "b3-r1-ended"]
    assert events[-1].data["failed"] == 1
    assert batch_events(batch.replace(status=BatchStatus.CREATED, started_at=None, overdue_since=None, ended_at=None)) == []


@pytest.mark.parametrize(
    ("state", "kind"),
    [
        (failed("authentication"), "authentication-upload-default"),
        (failed("authentication", Stage.SCRIPT), "authentication-script"),
        (failed("misconfigured", Stage.SCRIPT), "misconfigured-script"),
        (failed("content_refused"), None),
        (waiting(ProjectStatus.WAITING_QUOTA), "quota-script"),
        (waiting(ProjectStatus.WAITING_BUDGET), "budget"),
        (waiting(ProjectStatus.WAITING_DISK), "disk"),
        (waiting(ProjectStatus.WAITING_REVIEW), "review"),
        (waiting(ProjectStatus.NEEDS_PERSON), "needs_person-script"),
        (project(ProjectStatus.COMPLETED), None),
    ],
)
def test_a_kind_of_wait_is_what_one_act_of_a_person_mends(state, kind):
    assert kind_of(Outline.of(state)) == kind


def test_a_channels_name_can_be_no_path():
    state = failed("authentication")
    named = state.replace(brief=state.brief.replace(channel="../news"))

    assert kind_of(Outline.of(named)) == "authentication-upload-.._news"
    assert notice_of(Outline.of(named), "k").channel == "../news"


@pytest.mark.parametrize(
    ("reason", "why"),
    [
        pytest.param("script", "somebody has to look at project 12: script", id="as the brief asked"),
        pytest.param("it looks like project 3", "it looks like project 3", id="its video is like another"),
    ],
)
def test_a_notice_of_a_review_says_what_to_look_at(reason, why):
    speak("en")

    assert notice_of(Outline.of(waiting(ProjectStatus.WAITING_REVIEW, reason)), "review").why == why


def test_a_notice_says_why_and_what_to_do():
    notice = notice_of(Outline.of(failed("authentication")), "authentication-upload-default")

    assert (notice.why, notice.what_to_do) == ("the token is dead", "reelqueue auth youtube")
    assert (notice.project_id, notice.stage, notice.channel) == (12, "upload", "default")

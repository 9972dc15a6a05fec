"""What needs a person, grouped by what mends it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from reelqueue.dashboard.overview.causes import Urgency, causes_of, count_needing, failures_of, needs_person
from reelqueue.models.project import StageError, Wait
from reelqueue.models.stage import ProjectStatus, Stage, StageStatus
from storage import Outline

NOON = datetime(2026, 11, 24, 4, tzinfo=UTC)
TAIPEI = ZoneInfo("Asia/Taipei")


def outline(number: int, status: ProjectStatus, **changes: object) -> Outline:
    """A project of which only what matters here is said."""
    one = Outline(
        project_id=number, status=status, goal=Stage.UPLOAD, next_stage=Stage.UPLOAD, running=None, failed=None, error=None,
        wait=None, resume_at=None, held=False, batch_id=None, priority=0, deadline=None, channel="tea", publish_at=None,
        video_id=None, run=1, updated_at=NOON, title=f"title {number}", stages=(StageStatus.DONE,) * 4 + (StageStatus.PENDING,),
    )  # fmt: skip
    return replace(one, **changes)  # type: ignore[arg-type]  # names of fields, as the tests below write them


def failed(number: int, code: str, stage: Stage = Stage.UPLOAD, **changes: object) -> Outline:
    error = StageError(code=code, message="what the service said", hint="what to do")
    return outline(number, ProjectStatus.FAILED, failed=stage, error=error, **changes)


def reviewed(number: int, reason: str, **changes: object) -> Outline:
    return outline(number, ProjectStatus.WAITING_REVIEW, wait=Wait(reason=reason), **changes)


def test_one_dead_token_is_one_cause_however_many_projects_wait_with_it():
    causes = causes_of([failed(1, "authentication"), failed(2, "authentication"), failed(3, "authentication")], TAIPEI)

    assert [len(cause.projects) for cause in causes] == [3]
    assert causes[0].stops_uploads
    assert causes[0].title.en == "YouTube sign-in has expired: tea"
    assert causes[0].note.en == "3 uploads failed. Finished videos are kept; nothing is paid again."


def test_the_tokens_of_two_channels_are_two_causes():
    causes = causes_of([failed(1, "authentication"), failed(2, "authentication", channel="science")], TAIPEI)

    assert {cause.title.zh for cause in causes} == {"YouTube 授權已失效：tea", "YouTube 授權已失效：science"}


def test_a_cause_shows_the_project_that_waits_longest_and_since_when():
    younger = failed(1, "authentication", ended_at=NOON)
    older = failed(2, "authentication", ended_at=NOON - timedelta(hours=2))

    (cause,) = causes_of([younger, older], TAIPEI)

    assert cause.since == NOON - timedelta(hours=2)
    assert cause.path == "/projects/2"


def test_what_stops_a_service_comes_before_what_failed_alone_and_that_before_a_review():
    causes = causes_of([reviewed(1, "script"), failed(2, "media", Stage.RENDER), failed(3, "misconfigured")], TAIPEI)

    assert [cause.urgency for cause in causes] == [Urgency.SERVICE, Urgency.FAILED, Urgency.REVIEW]


def test_reviews_are_grouped_by_what_has_to_be_looked_at():
    causes = causes_of([reviewed(1, "script"), reviewed(2, "script"), reviewed(3, "final")], TAIPEI)

    assert {cause.title.en for cause in causes} == {"2 scripts wait for review", "1 video waits for its last review"}


def test_a_review_names_the_slot_that_waits_for_it():
    soon = reviewed(1, "script", publish_at=NOON + timedelta(days=900))

    (cause,) = causes_of([reviewed(2, "script", updated_at=NOON - timedelta(hours=1)), soon], TAIPEI)

    assert cause.note.en.endswith("waits for: title 1")


def test_a_video_that_looks_like_an_older_one_is_a_cause_of_its_own():
    causes = causes_of([reviewed(1, "title like that of project 9 (91%)"), reviewed(2, "final")], TAIPEI)

    assert {cause.act.en for cause in causes} == {"Compare", "Review"}


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        pytest.param(outline(1, ProjectStatus.RUNNING), False, id="what runs"),
        pytest.param(outline(1, ProjectStatus.COMPLETED), False, id="what is done"),
        pytest.param(outline(1, ProjectStatus.CANCELLED), False, id="what somebody cancelled"),
        pytest.param(failed(1, "media"), True, id="what failed"),
        pytest.param(outline(1, ProjectStatus.NEEDS_PERSON), True, id="what must not be guessed"),
        pytest.param(
            outline(1, ProjectStatus.WAITING_QUOTA, resume_at=NOON, wait=Wait(reason="units", until=NOON)),
            False,
            id="a clock ends it",
        ),
        pytest.param(
            outline(1, ProjectStatus.WAITING_BUDGET, wait=Wait(reason="the project's cap")), True, id="no clock ends it"
        ),
    ],
)
def test_who_needs_a_person(one, expected):
    assert needs_person(one) is expected
    assert count_needing([one]) == int(expected)


def test_failures_leave_out_what_only_waits():
    causes = failures_of([failed(1, "media"), reviewed(2, "script")], TAIPEI)

    assert [cause.status for cause in causes] == [ProjectStatus.FAILED]


def test_several_that_wait_for_a_decision_lead_to_their_list():
    causes = causes_of([outline(1, ProjectStatus.NEEDS_PERSON), outline(2, ProjectStatus.NEEDS_PERSON)], TAIPEI)

    assert [cause.path for cause in causes] == ["/projects?status=needs_person&stage=upload"]


def test_what_is_mended_in_the_script_leads_there():
    (refused,) = causes_of([failed(1, "content_refused", Stage.ASSETS)], TAIPEI)
    (read,) = causes_of([reviewed(2, "script", next_stage=Stage.ASSETS)], TAIPEI)
    (watched,) = causes_of([reviewed(3, "render")], TAIPEI)

    assert (refused.path, read.path, watched.path) == ("/projects/1/script", "/projects/2/script", "/projects/3")

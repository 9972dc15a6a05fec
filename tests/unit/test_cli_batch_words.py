"""For what the projects of a batch wait, in words."""

from datetime import UTC, datetime

import pytest

from jobs.waiting import resting
from reelqueue.cli.batch_report import what_next
from reelqueue.cli.batch_words import group_in_words, waits
from reelqueue.errors import ProjectWaiting
from reelqueue.models.batch import BatchState
from reelqueue.models.brief import parse_brief
from reelqueue.models.project import ProjectState, Wait
from reelqueue.models.stage import BatchStatus, ProjectStatus
from reelqueue.wording import speak
from storage import Outline

NOW = datetime(2026, 11, 29, 20, 0, tzinfo=UTC)


def waiting(number: int, reason: str) -> ProjectState:
    wait = Wait(reason=reason, what_to_do=f"reelqueue approve {number}")
    brief = parse_brief({"topic": "Why the sea is salt"})
    return ProjectState(project_id=number, brief=brief, status=ProjectStatus.WAITING_REVIEW, wait=wait, run=1, created_at=NOW, updated_at=NOW, revision=7)  # fmt: skip


def told(*states: ProjectState) -> list[str]:
    speak("en")
    return [line for group in waits({one.project_id: Outline.of(one) for one in states}) for line in group_in_words(group, "‖")]


def test_projects_that_wait_for_their_review_stand_together():
    assert told(waiting(3, "script"), waiting(4, "script")) == [
        "‖ 2 x waits for review: project 3-4",
        "    → reelqueue approve ID",
    ]


def test_of_a_video_that_is_like_others_it_is_said_which():
    assert told(waiting(3, "it is like project 1"))[0] == "‖ 1 x waits for review (it is like project 1): project 3"


@pytest.mark.parametrize(("reason", "why"), [("script, final", ""), ("it is like project 1", "it is like project 1")])
def test_a_wait_for_a_review_says_why_where_nobody_asked_for_it(reason, why):
    speak("en")

    with pytest.raises(ProjectWaiting) as refusal:
        resting(waiting(3, reason), through_waits=False)

    assert str(refusal.value).partition("(waiting_review)")[2].removeprefix(": ") == why


@pytest.mark.parametrize(
    ("batch", "project", "says"),
    [
        pytest.param("completed", "failed", "reelqueue batches retry 2", id="one failed"),
        pytest.param("completed", "cancelled", "reelqueue retry ID", id="one was cancelled by itself"),
        pytest.param("cancelled", "cancelled", "reelqueue batches retry 2", id="all were cancelled with it"),
        pytest.param("completed", "completed", "None", id="all completed"),
    ],
)
def test_what_may_be_tried_again_is_said_by_the_command_that_does_it(batch, project, says):
    speak("en")
    one = Outline.of(waiting(3, "script").replace(status=ProjectStatus(project), wait=None))
    state = BatchState(batch_id=2, project_ids=(3,), status=BatchStatus(batch), failed=1, started_at=NOW, ended_at=NOW, created_at=NOW, updated_at=NOW)  # fmt: skip

    assert says in str(what_next(state, {3: one}))

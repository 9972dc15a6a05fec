"""Who comes first among the jobs that are due."""

from datetime import UTC, datetime, timedelta

import pytest

from jobs.turns import LINES_APART_MS, PLAIN, PLAIN_SECONDS, Turn, turn_of
from reelqueue.models.brief import parse_brief
from reelqueue.models.project import ProjectState
from reelqueue.models.stage import Stage
from storage.outlines import Outline

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
SINGLE = None


def project(batch_id=SINGLE, *, due_in=None, **brief):
    if due_in is not None:
        brief["deadline"] = (NOW + due_in).isoformat()
    made = parse_brief({"topic": "How tides work"} | brief)
    return ProjectState(project_id=1, brief=made, batch_id=batch_id, created_at=NOW, updated_at=NOW)


@pytest.mark.parametrize(
    ("first", "then"),
    [
        pytest.param(
            (project(priority=-100), Stage.SCRIPT),
            (project(1, priority=100, due_in=timedelta(0)), Stage.UPLOAD),
            id="a single project before any batch's, whatever is wanted of either",
        ),
        pytest.param(
            (project(1, priority=1), Stage.SCRIPT),
            (project(1, due_in=timedelta(0)), Stage.UPLOAD),
            id="priority before a deadline and a later stage together",
        ),
        pytest.param((project(priority=1), Stage.SCRIPT), (project(), Stage.UPLOAD), id="priority among single projects"),
        pytest.param(
            (project(1, due_in=timedelta(hours=20)), Stage.SCRIPT),
            (project(1, due_in=timedelta(days=3)), Stage.SCRIPT),
            id="the nearer deadline first",
        ),
        pytest.param(
            (project(1, due_in=timedelta(days=90)), Stage.SCRIPT), (project(1), Stage.SCRIPT), id="a far deadline before none"
        ),
        pytest.param(
            (project(1, due_in=-timedelta(days=2)), Stage.SCRIPT),
            (project(1, due_in=timedelta(hours=1)), Stage.SCRIPT),
            id="a deadline that is missed is as near as can be",
        ),
        pytest.param((project(1), Stage.RENDER), (project(1), Stage.ASSETS), id="the later stage first"),
    ],
)
def test_the_greater_head_start(first, then):
    assert turn_of(*first).head_start_s > turn_of(*then).head_start_s


def test_no_head_start_makes_a_job_wait_nor_is_endless():
    last = turn_of(project(1, priority=-100), Stage.SCRIPT)
    foremost = turn_of(project(priority=100, due_in=timedelta(0)), Stage.UPLOAD)

    assert last.head_start_s == 0
    assert 1000 * foremost.head_start_s < LINES_APART_MS / 10  # its place is in its line, and in no other


@pytest.mark.parametrize("batch_id", [SINGLE, 3])
def test_an_outline_has_the_turn_of_its_project(batch_id):
    state = project(batch_id, priority=7, due_in=timedelta(hours=5))

    assert turn_of(Outline.of(state), Stage.RENDER) == turn_of(state, Stage.RENDER)


def test_a_single_projects_first_job_is_as_any_clients():
    assert turn_of(project(), Stage.SCRIPT) == PLAIN == Turn(PLAIN_SECONDS)
    assert PLAIN.suffix == ""


def test_an_id_says_whose_turn_it_is():
    assert (Turn(720, of_batch=True).suffix, Turn(720).suffix) == ("~b720", "~s720")

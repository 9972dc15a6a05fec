"""How long stages take, learned from projects that ended here; pure, but for the last."""

import random
from datetime import UTC, datetime, timedelta

import pytest

from jobs.batch import history
from jobs.batch.history import ALONE_CORES, MEASURED, default_pace, heavy_stages, learned, learned_from
from reelqueue.models.brief import Brief
from reelqueue.models.project import ProjectState, Usage
from reelqueue.models.stage import ProjectStatus, Stage, StageStatus
from storage import Owner, Paths, ProjectStore
from tests.unit.jobs.batch_world import Truth, finished

HEAVY = heavy_stages(local_assets=True)
PACE = default_pace(HEAVY, local_script=True, local_upload=False, cores=2)
NOW = datetime(2026, 11, 1, tzinfo=UTC)
EXACT = Truth({Stage.SCRIPT: 2.0, Stage.ASSETS: 30.0, Stage.RENDER: 60.0, Stage.THUMBNAIL: 1.0, Stage.UPLOAD: 20.0}, spread=1e-9)


def rendering(number, began_s, seconds, *, video_s=60.0, **more):
    """A project of which only the render is known."""
    began = NOW + timedelta(seconds=began_s)
    state = ProjectState(project_id=number, brief=Brief(topic="x"), created_at=NOW, updated_at=NOW)
    return state.with_stage(
        Stage.RENDER,
        status=StageStatus.DONE,
        started_at=began,
        finished_at=began + timedelta(seconds=seconds),
        duration_s=seconds,
        result={"video_info": {"duration": video_s}, **more},
    ).replace(status=ProjectStatus.COMPLETED)


def rendered_s(pace, *, beside, video_s=60.0):
    return pace.seconds(Stage.RENDER, video_s, heavy=True, beside=beside)


def test_what_was_learned_alone_is_told_for_alone_and_for_several():
    pace = learned_from(finished(EXACT, 5, random.Random(1), video_s=60.0), PACE, HEAVY)

    assert rendered_s(pace, beside=1) == pytest.approx(60, rel=0.01)
    assert rendered_s(pace, beside=2) == pytest.approx(60 * ALONE_CORES, rel=0.01)
    assert rendered_s(pace, beside=4) == pytest.approx(2 * 60 * ALONE_CORES, rel=0.01)


def test_what_was_learned_side_by_side_is_told_for_side_by_side_and_for_alone():
    """Two at once on two cores, all the time."""
    pace = learned_from([rendering(1, 0, 100), rendering(2, 0, 100), rendering(3, 100, 100), rendering(4, 100, 100)], PACE, HEAVY)

    assert rendered_s(pace, beside=2) == pytest.approx(100, rel=0.01)
    assert rendered_s(pace, beside=1) == pytest.approx(100 / ALONE_CORES, rel=0.01)


def test_a_longer_video_takes_longer_where_length_matters():
    pace = learned_from(finished(EXACT, 5, random.Random(1), video_s=60.0), PACE, HEAVY)

    assert rendered_s(pace, beside=1, video_s=600.0) == pytest.approx(600, rel=0.01)
    assert pace.seconds(Stage.UPLOAD, 600.0, heavy=False, beside=1) == pytest.approx(20, rel=0.01)


@pytest.mark.parametrize(
    "ended",
    [
        pytest.param([], id="nothing ended here"),
        pytest.param([rendering(1, 0, 100, imported=True)], id="it came from elsewhere"),
        pytest.param([rendering(1, 0, 100, video_s=0)], id="its length is not known"),
    ],
)
def test_what_is_not_known_is_as_measured_elsewhere(ended):
    assert learned_from(ended, PACE, HEAVY).stages[Stage.RENDER] == MEASURED[Stage.RENDER]


def test_how_many_fail_is_learned_slowly():
    good = [rendering(number, 0, 100) for number in range(40)]
    bad = [state.replace(status=ProjectStatus.FAILED) for state in good]

    assert learned_from(bad[:1], PACE, HEAVY).fail_share < 0.07
    assert 0.2 < learned_from(bad[:20] + good[:20], PACE, HEAVY).fail_share < 0.5
    assert learned_from(good, PACE, HEAVY).fail_share == PACE.fail_share


def test_prices_are_learned_from_those_that_paid():
    paid = (Usage(service="gemini", model="x", unit="image", amount=3, cost_usd=0.12),)
    states = [rendering(1, 0, 100).replace(usage=paid), rendering(2, 0, 100)]

    pace = learned_from(states, PACE, HEAVY)

    assert pace.usd is not None
    assert (pace.usd.mean, pace.usd.count) == (pytest.approx(0.12 / 60), 1)


async def test_those_that_ended_are_found_behind_a_batch_that_was_just_made(tmp_path, monkeypatch):
    monkeypatch.setattr(history, "LOOKED_AT", 5)
    projects = ProjectStore(Paths(tmp_path), Owner.here(), lease_seconds=5)
    for seconds in (60, 600):
        made = rendering(1, 0, seconds)
        number = (await projects.create({"topic": "Tides"})).project_id
        await projects.change(number, lambda s, made=made: s.replace(stages=made.stages, status=ProjectStatus.COMPLETED))
        await projects.unmark(number)
    for number in range(10):
        await projects.create({"topic": f"Wave {number}"})

    pace = await learned(projects, PACE, HEAVY)

    assert pace.stages[Stage.RENDER].count == 2

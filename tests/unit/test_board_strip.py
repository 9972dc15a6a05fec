"""The strip of five parts: as wide as their work, coloured by how the project stands."""

import pytest

from reelqueue.dashboard.project.strip import GAP, LEAST, WIDTH, strip_of
from reelqueue.models.stage import ProjectStatus, Stage, StageStatus
from storage.outlines import NEVER, Outline

DONE, PENDING, RUNNING, FAILED, SKIPPED = (
    StageStatus.DONE, StageStatus.PENDING, StageStatus.RUNNING, StageStatus.FAILED, StageStatus.SKIPPED,
)  # fmt: skip


def outline(status: ProjectStatus, *stages: StageStatus, running: Stage | None = None, failed: Stage | None = None) -> Outline:
    """A project of which only these matter."""
    after = next((stage for stage, one in zip(Stage, stages, strict=True) if one not in {DONE, SKIPPED}), None)
    return Outline(
        project_id=7, status=status, goal=Stage.UPLOAD, next_stage=after, running=running, failed=failed, error=None, wait=None,
        resume_at=None, held=False, batch_id=None, priority=0, deadline=None, channel=None, publish_at=None, video_id=None, run=1,
        updated_at=NEVER, stages=stages,
    )  # fmt: skip


def test_five_parts_fill_the_strip_and_none_is_too_short_to_be_seen():
    parts = strip_of(outline(ProjectStatus.CREATED, PENDING, PENDING, PENDING, PENDING, PENDING))

    assert [part.stage for part in parts] == list(Stage)
    assert min(part.width for part in parts) == LEAST
    assert sum(part.width for part in parts) + 4 * GAP == pytest.approx(WIDTH, abs=0.2)
    assert parts[2].width > parts[1].width > parts[0].width
    assert [part.filled for part in parts] == [0.0] * 5


def test_what_runs_is_filled_as_far_as_the_whole_has_come():
    one = outline(ProjectStatus.RUNNING, DONE, DONE, RUNNING, PENDING, PENDING, running=Stage.RENDER)

    parts = strip_of(one, percent=66.0)  # 2 of script, 38 of assets, half of render's 52

    assert [(part.filled, part.state) for part in parts[:3]] == [(100.0, "done"), (100.0, "done"), (50.0, "run")]
    assert parts[3].filled == 0.0


@pytest.mark.parametrize("percent", [None, 0.0, -5.0, 300.0])
def test_that_it_stands_here_is_seen_whatever_is_known_of_how_far(percent):
    part = strip_of(outline(ProjectStatus.RUNNING, RUNNING, PENDING, PENDING, PENDING, PENDING, running=Stage.SCRIPT), percent)[0]

    assert part.state == "run"
    assert 200 / part.width == pytest.approx(part.filled, abs=0.1) or part.filled == 100.0


@pytest.mark.parametrize(
    ("status", "state"),
    [
        (ProjectStatus.WAITING_REVIEW, "review"),
        (ProjectStatus.NEEDS_PERSON, "review"),
        (ProjectStatus.WAITING_QUOTA, "wait"),
        (ProjectStatus.WAITING_BUDGET, "wait"),
        (ProjectStatus.WAITING_DISK, "wait"),
        (ProjectStatus.CANCELLED, "mute"),
    ],
)
def test_what_stands_still_shows_for_what_it_waits(status, state):
    parts = strip_of(outline(status, DONE, PENDING, PENDING, PENDING, PENDING))

    assert parts[1].state == state
    assert 0 < parts[1].filled < 100


def test_a_failed_part_is_whole():
    parts = strip_of(outline(ProjectStatus.FAILED, DONE, DONE, DONE, DONE, FAILED, failed=Stage.UPLOAD), percent=12.0)

    assert (parts[4].state, parts[4].filled) == ("bad", 100.0)


def test_a_skipped_stage_is_neither_done_nor_waited_for():
    parts = strip_of(outline(ProjectStatus.COMPLETED, DONE, DONE, DONE, DONE, SKIPPED))

    assert parts[4].filled == 0.0

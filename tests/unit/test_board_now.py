"""What a project does now, in words and in percent."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from jobs.pipeline import overall
from progress import ProgressEvent
from reelqueue.dashboard.project.now import moment, now_of
from reelqueue.models.brief import parse_brief
from reelqueue.models.project import ProjectState, StageError, Wait
from reelqueue.models.stage import ProjectStatus, Stage, StageStatus
from storage import Outline

NOW = datetime(2026, 11, 24, 6, 31, tzinfo=UTC)
TAIPEI = ZoneInfo("Asia/Taipei")


def outline(status: ProjectStatus, **changes) -> Outline:
    state = ProjectState(project_id=7, brief=parse_brief({"topic": "Tea"}), created_at=NOW, updated_at=NOW, status=status)
    return replace(Outline.of(state), **changes)


def event(stage: Stage, progress: int, status: str = "running") -> ProgressEvent:
    return ProgressEvent(
        project_id=7, stage=stage.event_name, progress=progress, overall=0, message="", timestamp="2026-11-24T06:30:00Z",
        seq=1, epoch="a", status=status,
    )  # fmt: skip


RUNS = {"running": Stage.RENDER, "next_stage": Stage.RENDER, "running_since": NOW - timedelta(seconds=90), "spent_s": 30.0}


@pytest.mark.parametrize(
    ("one", "en", "zh"),
    [
        (outline(ProjectStatus.CREATED), "Not started", "尚未開始"),
        (outline(ProjectStatus.QUEUED), "Waits for script", "等待腳本"),
        (outline(ProjectStatus.QUEUED, held=True), "Its batch is paused", "批次已暫停"),
        (
            outline(ProjectStatus.QUEUED, resume_at=NOW + timedelta(minutes=9)),
            "Script · tried again at 14:40",
            "腳本 · 14:40 再試",
        ),
        (outline(ProjectStatus.RUNNING, **RUNS), "Render", "渲染"),
        (outline(ProjectStatus.WAITING_REVIEW, wait=Wait(reason="script")), "Script is ready to read", "腳本可以審閱了"),
        (outline(ProjectStatus.WAITING_REVIEW, wait=Wait(reason="like #3")), "like #3", "like #3"),
        (
            outline(ProjectStatus.WAITING_QUOTA, wait=Wait(reason="quota", until=NOW + timedelta(minutes=89))),
            "Goes on by itself at 16:00",
            "16:00 自動繼續",
        ),
        (outline(ProjectStatus.WAITING_BUDGET), "Waits for a person", "等人處理"),
        (outline(ProjectStatus.FAILED, error=StageError(code="media", message="torn")), "torn", "torn"),
        (outline(ProjectStatus.CANCELLED), "Cancelled before anything was made", "已取消，尚未做出任何成果"),
        (
            outline(ProjectStatus.CANCELLED, stages=(StageStatus.DONE, StageStatus.DONE, *[StageStatus.PENDING] * 3)),
            "Cancelled; kept up to assets",
            "已取消，保留到「素材」",
        ),
        (outline(ProjectStatus.COMPLETED, warnings=1, privacy="public"), "Public · 1 warning", "公開 · 1 則警告"),
        (outline(ProjectStatus.COMPLETED, goal=Stage.RENDER), "Done up to render", "做到「渲染」為止"),
        (
            outline(ProjectStatus.COMPLETED, publish_at=datetime(2026, 11, 24, 23, tzinfo=UTC)),
            "Publishes Wed 25 Nov, 07:00",
            "排程 11/25（三）07:00",
        ),
    ],
)
def test_what_happens_is_said_in_each_language(one, en, zh):
    words = now_of(one, None, NOW, TAIPEI).words

    assert (words.en, words.zh) == (en, zh)


def test_what_was_heard_fills_the_stage_that_runs():
    now = now_of(outline(ProjectStatus.RUNNING, **RUNS), event(Stage.RENDER, 50), NOW, TAIPEI)

    assert now.words.en == "Render · 50%"
    assert now.percent == int(overall(Stage.RENDER, 50))


@pytest.mark.parametrize(
    "old", [event(Stage.ASSETS, 90), event(Stage.RENDER, 90, "failed")], ids=["another stage", "an earlier run"]
)
def test_an_event_of_before_says_nothing_of_now(old):
    now = now_of(outline(ProjectStatus.RUNNING, **RUNS), old, NOW, TAIPEI)

    assert now.percent == int(overall(Stage.RENDER, 0))


def test_the_time_of_work_leaves_waits_out():
    assert now_of(outline(ProjectStatus.RUNNING, **RUNS), None, NOW, TAIPEI).worked_s == 120
    assert now_of(outline(ProjectStatus.CREATED), None, NOW, TAIPEI).worked_s is None


def test_a_moment_of_another_year_has_its_year():
    told = moment(datetime(2027, 1, 2, 1, tzinfo=UTC), NOW, TAIPEI)

    assert (told.en, told.zh) == ("Sat 2 Jan 2027, 09:00", "2027年1/2（六）09:00")

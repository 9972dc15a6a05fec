"""Which videos of a channel's history count, and what an approval of a near-duplicate holds for."""

import dataclasses
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from jobs import acts
from jobs.guard import Guard
from reelqueue.models.channel import Channel
from reelqueue.models.likeness import Likeness
from reelqueue.models.project import Upload
from reelqueue.models.script import Metadata, Part, Script
from reelqueue.models.stage import ProjectStatus, Stage, StageStatus
from storage import Blobs, History, Paths


def likeness(number, **more):
    return Likeness(project_id=number, title="Tides", script="", content="c", at=datetime(2026, 11, 29, tzinfo=UTC), **more)


@pytest.fixture
def guard(settings, store):
    choice = SimpleNamespace(channel_of=lambda brief: Channel(name=brief.channel or "default"))
    return Guard(History(Paths(settings.data_dir).history), store, choice)


@pytest.mark.parametrize(
    ("changes", "counts"),
    [
        pytest.param({"status": ProjectStatus.RUNNING}, True, id="on its way"),
        pytest.param({"status": ProjectStatus.WAITING_QUOTA}, True, id="waits for its turn"),
        pytest.param({"status": ProjectStatus.COMPLETED, "upload": Upload(marker="m", video_id="v")}, True, id="published"),
        pytest.param({"status": ProjectStatus.FAILED, "upload": Upload(marker="m")}, True, id="failed in mid upload"),
        pytest.param({"status": ProjectStatus.CANCELLED}, False, id="cancelled before"),
        pytest.param({"status": ProjectStatus.FAILED}, False, id="failed before"),
    ],
)
async def test_a_video_counts_while_it_is_or_may_become_one(guard, project, store, changes, counts):
    await store.change(project.project_id, lambda state: state.replace(**changes))
    await guard.look("default", likeness(project.project_id), anyway=False)

    found = await guard.look("default", likeness(99), anyway=False)

    assert [one.video.project_id for one in found] == ([project.project_id] if counts else [])
    assert (await guard.history.of("default", project.project_id) is not None) is counts
    assert (await guard.history.of("default", 99) is None) is counts


async def test_a_published_video_counts_when_its_project_is_deleted(guard, project, store):
    await guard.look("default", likeness(project.project_id, video_id="v"), anyway=False)
    await store.delete(project.project_id)

    assert len(await guard.look("default", likeness(99), anyway=False)) == 1


async def published(queue, store, settings, title, video_id, **brief):
    """A project as 0.3.0 left it: published, and in no history."""
    project = await queue.create_project({"topic": title, **brief})
    part = Part(text="x", duration=5)
    script = Script(
        intro=part,
        segments=(),
        outro=part,
        metadata=Metadata(title=title, description="", tags=()),
        total_duration=10,
        language="en",
    )
    file = await Blobs(Paths(settings.data_dir).project(project.project_id).root).write(
        "script.json", script.model_dump_json().encode()
    )

    def change(state):
        done = state.with_stage(Stage.SCRIPT, status=StageStatus.DONE, artifacts=(file,))
        return done.replace(status=ProjectStatus.COMPLETED, upload=Upload(marker="m", video_id=video_id))

    await store.change(project.project_id, change)
    return project.project_id


async def test_what_was_published_before_there_was_a_history_is_known(guard, queue, store, settings):
    number = await published(queue, store, settings, "Tides", "yt1")
    await published(queue, store, settings, "Tides", "local-2")
    await published(queue, store, settings, "Tides", "yt3", channel="news")
    await queue.create_project({"topic": "Tides"})

    found = await guard.look("default", likeness(99), anyway=False)

    assert [(one.video.project_id, one.video.video_id) for one in found] == [(number, "yt1")]
    assert await guard.history.is_begun("default")
    assert not await guard.history.is_begun("news")


def waiting(project, **result):
    state = project.with_stage(Stage.UPLOAD, result=result)
    for stage in (Stage.SCRIPT, Stage.ASSETS, Stage.RENDER, Stage.THUMBNAIL):
        state = state.with_stage(stage, status=StageStatus.DONE)
    return state.replace(status=ProjectStatus.WAITING_REVIEW)


async def test_an_approval_holds_for_what_was_looked_at(project):
    state = acts.approve(waiting(project, alike=[{"project_id": 7}], content="c1"))

    assert (state.status, state.approved) == (ProjectStatus.QUEUED, ())
    assert state.stages[Stage.UPLOAD].result == {"alike": [{"project_id": 7}], "content": "c1", "passed": "c1"}


async def test_an_approval_of_the_final_review_lets_no_near_duplicate_pass(project):
    reviewed = project.replace(brief=project.brief.replace(review=("final",)))

    state = acts.approve(waiting(reviewed, alike=[{"project_id": 7}], content="c1"))

    assert state.approved == ("final",)
    assert "passed" not in state.stages[Stage.UPLOAD].result


@pytest.mark.parametrize("wanted", [True, False])
async def test_nobody_looks_where_the_setting_says_so(crew, settings, redis, wanted):
    crew.rules = dataclasses.replace(crew.rules, variation_guard=wanted)
    async with crew.service(redis) as service:
        watched = dataclasses.replace(service, history=History(Paths(settings.data_dir).history))

        assert (watched.guard is not None) is wanted

"""Nothing that is marked for review goes on, or out, before a person approved it."""

import pytest

from reelqueue.errors import ProjectWaiting, WrongState
from reelqueue.models.brief import REVIEWS
from reelqueue.models.stage import ProjectStatus, Stage


async def reviewed(queue, *names):
    return await queue.create_project({"topic": "How tides work", "review": list(names)})


async def test_a_project_stops_after_a_reviewed_stage_until_it_is_approved(queue, crew, stages):
    await reviewed(queue, "script")
    await queue.start(1)
    await crew.burst()
    with pytest.raises(ProjectWaiting) as waiting:
        await queue.wait(1, timeout=1)
    ran = dict(stages.ran)

    state = await queue.approve(1)
    await crew.burst()

    assert (waiting.value.reason, waiting.value.until, ran) == ("waiting_review", None, {Stage.SCRIPT: 1})
    assert waiting.value.what_to_do
    assert state.status is ProjectStatus.QUEUED
    assert (await queue.get_project(1)).status is ProjectStatus.COMPLETED


@pytest.mark.parametrize("name", REVIEWS)
async def test_each_review_stops_there_and_an_approval_goes_on(queue, crew, stages, name):
    await reviewed(queue, name)
    await queue.start(1)
    await crew.burst()
    state, ran = await queue.get_project(1), set(stages.ran)

    await queue.approve(1)
    await crew.burst()

    last = Stage.THUMBNAIL if name == "final" else Stage(name)
    assert (state.status, state.wait.reason, ran) == (
        ProjectStatus.WAITING_REVIEW,
        name,
        {one for one in Stage if last.reaches(one)},
    )
    assert (await queue.get_project(1)).status is ProjectStatus.COMPLETED
    assert stages.ran.total() == len(Stage)


async def test_all_reviews_stop_one_after_the_other(queue, crew, stages):
    await reviewed(queue, *REVIEWS)
    await queue.start(1)
    waits = []
    for _ in REVIEWS[:-1]:  # the thumbnail's and the final one are asked for together
        await crew.burst()
        waits.append((await queue.get_project(1)).wait.reason)
        await queue.approve(1)
    await crew.burst()

    assert waits == ["script", "assets", "render", "thumbnail, final"]
    assert (await queue.get_project(1)).approved == REVIEWS
    assert stages.ran.total() == len(Stage)


async def test_final_stops_before_the_upload(queue, crew, stages):
    await reviewed(queue, "final")
    await queue.start(1)
    await crew.burst()
    before = stages.ran[Stage.UPLOAD]

    await queue.approve(1)
    await crew.burst()

    assert (before, stages.ran[Stage.UPLOAD]) == (0, 1)


async def test_no_job_passes_a_review_and_an_upload_waits_for_it_under_its_id(queue, crew, stages):
    await reviewed(queue, "final")
    await queue.start(1)
    await crew.burst()
    async with crew.working():
        job = await queue.enqueue_job("upload_to_youtube_task", project_id=1)
        deferred = await queue.enqueue_job("debug_task")
        await deferred.result(timeout=60, poll_delay=0.02)
        assert not stages.ran[Stage.UPLOAD]

        await queue.approve(1)
        assert (await queue.wait(1, timeout=5))["video_id"] == "local-1"
    await queue.enqueue_job("debug_task")
    assert await job.status() in {"deferred", "complete", "queued"}


async def test_a_job_alone_that_ends_before_a_review_does_not_open_the_way(queue, crew, stages, until):
    await reviewed(queue, "script")
    await queue.enqueue_job("generate_script_task", project_id=1, chain=False)
    await crew.burst()
    async with crew.working():
        await queue.enqueue_job("generate_assets_task", project_id=1)
        await until(lambda: _waits(queue), "it does not wait for its review")

    assert not stages.ran[Stage.ASSETS]


async def _waits(queue):
    return (await queue.get_project(1)).status is ProjectStatus.WAITING_REVIEW


async def test_what_is_made_anew_is_reviewed_anew(queue, crew, stages):
    await reviewed(queue, "final")
    await queue.start(1)
    await crew.burst()
    await queue.retry(1, from_stage="render")
    await crew.burst()

    state = await queue.get_project(1)
    assert (state.status, stages.ran[Stage.RENDER], stages.ran[Stage.UPLOAD]) == (ProjectStatus.WAITING_REVIEW, 2, 0)


async def test_what_does_not_wait_for_review_cannot_be_approved(queue, project):
    with pytest.raises(WrongState):
        await queue.approve(1)


async def test_an_approved_upload_that_is_interrupted_needs_no_second_approval(queue, crew, stages):
    await reviewed(queue, "final")
    await queue.start(1)
    await crew.burst()
    stages.acts[Stage.UPLOAD] = stages.stay
    async with crew.working():
        await queue.approve(1)
        await stages.inside.wait()
    stages.leave.set()
    await crew.burst()

    assert (await queue.get_project(1)).status is ProjectStatus.COMPLETED

"""What the world hears of a project."""

import asyncio
from typing import Any

from jobs.telling import Teller, eta_seconds
from progress import subscribe_progress
from progress.ending import project_end
from reelqueue.errors import PermanentError
from reelqueue.models.stage import Stage
from reelqueue.wording import same


async def heard(settings, **where):
    async with asyncio.timeout(60):
        return [event async for event in subscribe_progress(1, settings=settings, **where)]


async def test_a_project_is_told_from_its_first_stage_to_its_end(queue, crew, project, settings):
    await queue.start(1)
    await crew.burst()
    events = await heard(settings)

    assert (events[0].stage, events[0].progress, events[0].status) == ("script_generation", 0, "running")
    assert (events[-1].stage, events[-1].status, events[-1].progress, events[-1].overall) == (
        "youtube_upload",
        "completed",
        100,
        100,
    )
    assert [event.overall for event in events] == sorted(event.overall for event in events)
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    assert [event.status for event in events].count("completed") == 1
    assert {"script_generation", "asset_generation", "video_rendering", "thumbnail_generation"} <= {e.stage for e in events}


async def test_the_end_of_a_stage_that_was_asked_for_alone_is_not_told_as_a_videos(queue, crew, project, settings):
    await queue.enqueue_job("generate_script_task", project_id=1, chain=False)
    await crew.burst()
    (*_, alone) = await heard(settings)
    await queue.start(1)
    await crew.burst()
    (*_, whole) = await heard(settings)

    assert (alone.stage, alone.status, alone.message) == ("script_generation", "completed", "done")
    assert (whole.stage, whole.status, whole.message) == ("youtube_upload", "completed", "the video is done")
    assert project_end(await queue.get_project(1)).message == "the video is done"


async def test_a_failure_is_told_with_its_error(queue, crew, stages, project, settings):
    stages.fail(Stage.ASSETS, PermanentError("no picture", "give one"))
    await queue.start(1)
    await crew.burst()
    last = (await heard(settings))[-1]

    assert (last.stage, last.status) == ("error", "failed")
    assert last.error == {"code": "permanent", "message": "no picture", "hint": "give one", "retryable": False, "stage": "assets"}


async def test_a_cancel_is_told_last_and_once(queue, crew, stages, project, settings, until):
    stages.acts[Stage.ASSETS] = stages.stay
    async with crew.working():
        await queue.start(1)
        await stages.inside.wait()
        await queue.cancel(1)
        events = await heard(settings)

    assert events[-1].status == "cancelled"
    assert [event.status for event in events].count("cancelled") == 1


async def test_a_cancel_before_the_start_is_told_too(queue, project, settings):
    await queue.cancel(1)

    assert [event.status for event in await heard(settings)] == ["cancelled"]


async def test_telling_never_fails_the_work(queue, crew, stages, project, redis):
    async def act(_run):
        await redis.set("reelqueue:progress:1:last", "not a hash")

    stages.acts[Stage.SCRIPT] = act
    await queue.start(1)
    await crew.burst()

    assert (await queue.wait(1, timeout=1))["status"] == "success"


async def test_an_estimate_comes_from_what_the_done_part_took(project):
    done = project.with_stage(Stage.SCRIPT, status="done", duration_s=10.0)

    assert eta_seconds(done, Stage.ASSETS, 20.0, 10.0) == 80.0
    assert eta_seconds(done, Stage.ASSETS, 0.5, 0.0) is None


async def test_while_nobody_hears_us_the_work_is_held_up_seldom(project):
    """With Redis gone each of a stage's hundred pieces waited half a second for its event."""
    told = []

    class Deaf:
        async def publish(self, **event: Any) -> None:
            told.append(event["progress"])

    teller = Teller(Deaf(), Stage.ASSETS)  # type: ignore[arg-type]
    await teller.tell(project, 0, same("start"))
    for percent in range(1, 100):
        await teller.tell(project, percent, same("on"))
    await teller.done(project)

    assert told == [0, 100]

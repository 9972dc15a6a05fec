"""What a stage job answers, row by row of contract 2b, through real workers."""

import asyncio
import errno
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from jobs.attempt import Attempt
from jobs.runner import StageRun
from jobs.telling import Teller
from reelqueue.errors import (
    DiskFull,
    MediaError,
    PermanentError,
    ProjectCancelled,
    ProjectFailed,
    ProjectNotFound,
    ProjectWaiting,
    QuotaExhausted,
    ReelqueueError,
    ServiceUnavailable,
    StageNotReady,
    WrongState,
)
from reelqueue.models.stage import ProjectStatus, Stage, StageStatus
from storage.documents import Documents


async def test_a_project_goes_through_all_five_stages(queue, crew, stages, project):
    await queue.start(project.project_id)
    await crew.burst()

    result = await queue.wait(project.project_id, timeout=1)

    state = await queue.get_project(project.project_id)
    assert result == {"status": "success", "project_id": 1, "made": "upload", "video_id": "local-1"}
    assert state.status is ProjectStatus.COMPLETED
    assert all(count == 1 for count in stages.ran.values())
    assert [state.stages[stage].status for stage in Stage] == [StageStatus.DONE] * 5
    assert state.run == 1


async def test_an_unknown_project_is_not_found(queue, crew):
    job = await queue.enqueue_job("generate_script_task", project_id=7)
    malformed = await queue.enqueue_job("generate_script_task", project_id="../7")
    await crew.burst()

    with pytest.raises(ProjectNotFound):
        await job.result(timeout=1)
    with pytest.raises(ProjectNotFound):
        await malformed.result(timeout=1)


async def test_a_cancelled_project_answers_so(queue, crew, stages, project):
    await queue.cancel(project.project_id)
    job = await queue.enqueue_job("generate_script_task", project_id=1)
    await crew.burst()

    with pytest.raises(ProjectCancelled):
        await job.result(timeout=1)
    assert not stages.ran


async def test_a_busy_project_makes_the_job_wait_under_its_id_and_then_answer(queue, crew, stages, project, redis, until):
    stages.acts[Stage.SCRIPT] = stages.stay
    async with crew.working():
        first = await queue.enqueue_job("generate_script_task", project_id=1, chain=False)
        await stages.inside.wait()
        second = await queue.enqueue_job("generate_script_task", project_id=1, chain=False)
        await until(lambda: _tries(redis, second, 2), "the second job is not looked at again")
        stages.leave.set()
        answers = await first.result(timeout=60, poll_delay=0.02), await second.result(timeout=60, poll_delay=0.02)

    assert answers[0] == answers[1]
    assert stages.ran[Stage.SCRIPT] == 1
    assert (await queue.get_project(1)).stages[Stage.SCRIPT].attempts == 1


async def _tries(redis, job, least):
    return int(await redis.get(f"arq:retry:{job.job_id}") or 0) >= least


async def test_a_finished_stage_gives_its_stored_result_and_hints_the_next_only_with_chain(queue, crew, stages, project):
    first = await queue.enqueue_job("generate_script_task", project_id=1, chain=False)
    await crew.burst()
    alone = (await queue.get_project(1)).status
    again = await queue.enqueue_job("generate_script_task", project_id=1, chain=True)
    await crew.burst()

    assert alone is ProjectStatus.COMPLETED
    assert await first.result(timeout=1) == await again.result(timeout=1)
    assert stages.ran == dict.fromkeys(Stage, 1)


async def test_changed_inputs_run_a_finished_stage_again(queue, crew, stages, project):
    await queue.enqueue_job("generate_script_task", project_id=1, chain=False)
    await crew.burst()
    stages.knobs[Stage.SCRIPT] = "another"
    await queue.enqueue_job("generate_script_task", project_id=1, chain=False)
    await crew.burst()

    assert stages.ran[Stage.SCRIPT] == 2


async def test_a_spoilt_artifact_runs_its_stage_again(queue, crew, stages, project, store):
    await queue.enqueue_job("generate_script_task", project_id=1, chain=False)
    await crew.burst()
    (store.paths.project(1).output / "script.txt").write_text("spoilt")
    await queue.enqueue_job("generate_script_task", project_id=1, chain=False)
    await crew.burst()

    assert stages.ran[Stage.SCRIPT] == 2


async def test_a_failed_stage_answers_its_stored_error_until_it_is_retried(queue, crew, stages, project):
    stages.fail(Stage.ASSETS, MediaError("a broken picture", "give another"))
    await queue.start(1)
    await crew.burst()
    job = await queue.enqueue_job("generate_assets_task", project_id=1)
    await crew.burst()

    with pytest.raises(MediaError, match="a broken picture") as caught:
        await job.result(timeout=1)
    assert caught.value.hint == "give another"
    assert stages.ran[Stage.ASSETS] == 1
    with pytest.raises(ProjectFailed) as failed:
        await queue.wait(1, timeout=1)
    assert failed.value.stage == "assets"

    await queue.retry(1)
    await crew.burst()
    assert (await queue.wait(1, timeout=1))["status"] == "success"
    assert stages.ran[Stage.SCRIPT] == 1


async def test_a_stage_without_its_inputs_names_what_has_to_run_first(queue, crew, stages, project):
    job = await queue.enqueue_job("render_video_task", project_id=1)
    await crew.burst()

    with pytest.raises(StageNotReady, match="script has to run first"):
        await job.result(timeout=1)
    assert (await queue.get_project(1)).status is ProjectStatus.CREATED


async def test_what_was_deleted_from_the_disk_is_made_again(queue, crew, stages, project, store):
    stages.fail(Stage.RENDER, PermanentError("no"))
    await queue.start(1)
    await crew.burst()
    (store.paths.project(1).output / "script.txt").unlink()
    await queue.retry(1)
    await crew.burst()

    assert (await queue.get_project(1)).status is ProjectStatus.COMPLETED
    assert stages.ran[Stage.SCRIPT] == 2


async def test_a_published_project_cannot_be_cut_anew_but_its_thumbnail_can_change(queue, crew, stages, project):
    await queue.start(1)
    await crew.burst()
    stages.knobs = {Stage.SCRIPT: "new", Stage.THUMBNAIL: "new"}
    script = await queue.enqueue_job("generate_script_task", project_id=1)
    await crew.burst()
    with pytest.raises(WrongState):
        await script.result(timeout=1)
    with pytest.raises(WrongState):
        await queue.retry(1, from_stage="render")

    await queue.retry(1, from_stage="thumbnail")
    await crew.burst()

    assert stages.ran == {**dict.fromkeys(Stage, 1), Stage.THUMBNAIL: 2, Stage.UPLOAD: 2}
    assert (await queue.get_project(1)).status is ProjectStatus.COMPLETED


async def test_chain_false_runs_one_stage_and_the_goal_says_so(queue, crew, stages, project):
    await queue.enqueue_job("generate_script_task", project_id=1, chain=False)
    await crew.burst()
    await queue.enqueue_job("generate_assets_task", project_id=1, chain=False)
    await crew.burst()
    await queue.enqueue_job("generate_thumbnail_task", project_id=1, chain=False)
    await crew.burst()

    state = await queue.get_project(1)
    assert stages.ran == {Stage.SCRIPT: 1, Stage.ASSETS: 1, Stage.THUMBNAIL: 1}
    assert (state.goal, state.status) == (Stage.THUMBNAIL, ProjectStatus.COMPLETED)
    assert (await queue.wait(1, timeout=1))["made"] == "thumbnail"

    await queue.start(1)
    await crew.burst()
    assert stages.ran == dict.fromkeys(Stage, 1)


async def test_a_transient_error_of_a_call_is_retried_and_then_fails(queue, crew, stages, project):
    asked = []

    async def act(run: StageRun) -> None:
        async def ask() -> None:
            asked.append(1)
            raise ServiceUnavailable("down")

        await run.call("script", ask)

    stages.acts[Stage.SCRIPT] = act
    job = await queue.start(1)
    await crew.burst()

    with pytest.raises(ServiceUnavailable):
        await job.result(timeout=1)
    assert len(asked) == 4
    assert stages.ran[Stage.SCRIPT] == 1


async def test_a_long_pause_is_waited_for_outside_and_counts(queue, crew, stages, project, until):
    async def act(run: StageRun) -> None:
        async def ask() -> None:
            error = ServiceUnavailable("down")
            error.retry_after = 31.0
            raise error

        await run.call("script", ask)

    stages.acts[Stage.SCRIPT] = act
    async with crew.working():
        await queue.start(1)
        state = await until(lambda: _resuming(queue), "it is not handed back")

    assert state.status is ProjectStatus.QUEUED
    assert state.resume_at > datetime.now(UTC) + timedelta(seconds=20)
    assert state.stages[Stage.SCRIPT].attempts == 1


async def test_a_permanent_error_fails_at_once(queue, crew, stages, project):
    stages.fail(Stage.SCRIPT, PermanentError("never"))
    job = await queue.start(1)
    await crew.burst()

    with pytest.raises(PermanentError, match="never"):
        await job.result(timeout=1)
    assert stages.ran[Stage.SCRIPT] == 1


async def test_a_bug_fails_the_stage_with_a_clear_error_and_no_inner_words(queue, crew, stages, project):
    stages.fail(Stage.SCRIPT, KeyError("secret inner words"))
    job = await queue.start(1)
    await crew.burst()

    with pytest.raises(ReelqueueError, match="KeyError") as caught:
        await job.result(timeout=1)
    assert "secret" not in caught.value.message
    assert (await queue.get_project(1)).status is ProjectStatus.FAILED


async def test_a_bug_in_the_inputs_fails_the_stage_instead_of_coming_back_for_ever(queue, crew, stages, project):
    stages.knobs[Stage.SCRIPT] = object()  # no JSON
    job = await queue.start(1)
    await crew.burst()

    with pytest.raises(ReelqueueError, match="TypeError"):
        await job.result(timeout=1)
    assert (await queue.get_project(1)).status is ProjectStatus.FAILED


async def test_of_errors_that_come_together_the_decisive_one_counts(queue, crew, stages, project):
    stages.fail(Stage.SCRIPT, ExceptionGroup("two", [ServiceUnavailable("down"), ExceptionGroup("in", [PermanentError("no")])]))
    job = await queue.start(1)
    await crew.burst()

    with pytest.raises(PermanentError, match="no"):
        await job.result(timeout=1)


async def test_a_quota_parks_the_project_and_it_goes_on_by_itself(queue, crew, stages, project):
    async def act(_run: StageRun) -> None:
        if stages.ran[Stage.UPLOAD] == 1:
            raise QuotaExhausted("used up", until=datetime.now(UTC) + timedelta(seconds=1.5))

    stages.acts[Stage.UPLOAD] = act
    async with crew.working():
        await queue.start(1)
        with pytest.raises(ProjectWaiting) as waiting:
            await queue.wait(1, timeout=60)
        result = await queue.wait(1, timeout=60, through_waits=True)

    assert waiting.value.reason == "waiting_quota"
    assert waiting.value.until is not None
    assert result["status"] == "success"
    assert stages.ran[Stage.UPLOAD] == 2


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "full"), DiskFull("full")], ids=["the kernel's", "ours"])
async def test_a_full_disk_parks_the_project(queue, crew, stages, project, error):
    stages.fail(Stage.ASSETS, error)
    async with crew.working():
        await queue.start(1)
        with pytest.raises(ProjectWaiting) as waiting:
            await queue.wait(1, timeout=60)
        await queue.retry(1)
        await queue.wait(1, timeout=60)

    assert waiting.value.reason == "waiting_disk"


async def test_a_disk_too_full_to_begin_parks_the_project(queue, crew, stages, project, monkeypatch):
    """It stood there as queued, and nobody was told why nothing happened."""
    replace, full = Documents._replace, [True]

    def refusing(self: Any, key: str, body: bytes, *rest: Any) -> Any:
        if full and b'"status":"running"' in body:
            raise DiskFull("full")
        return replace(self, key, body, *rest)

    monkeypatch.setattr(Documents, "_replace", refusing)
    async with crew.working():
        await queue.start(1)
        with pytest.raises(ProjectWaiting) as waiting:
            await queue.wait(1, timeout=60)
        full.clear()
        await queue.retry(1)
        await queue.wait(1, timeout=60)

    assert waiting.value.reason == "waiting_disk"
    assert waiting.value.until is not None
    assert stages.ran[Stage.SCRIPT] == 1


async def test_a_time_out_counts_unless_a_piece_was_made(queue, crew, stages, project):
    made = [True, True, False, False, False, False]

    async def act(run: StageRun) -> None:
        if made.pop(0):
            run.progressed()
        run.deadline.reschedule(asyncio.get_running_loop().time())
        await asyncio.Event().wait()

    stages.acts[Stage.SCRIPT] = act
    job = await queue.start(1)
    await crew.burst()

    with pytest.raises(ReelqueueError) as caught:
        await job.result(timeout=1)
    assert caught.value.code == "timed_out"
    assert stages.ran[Stage.SCRIPT] == 6


async def test_work_may_ask_for_more_time(queue, crew, stages, project):
    seen = []

    async def act(run: StageRun) -> None:
        run.allow(10_000)
        seen.append(run.deadline.when() - asyncio.get_running_loop().time())

    stages.acts[Stage.SCRIPT] = act
    await queue.enqueue_job("generate_script_task", project_id=1, chain=False)
    await crew.burst()

    assert 9_900 < seen[0] <= 10_000


async def test_a_cancel_stops_the_work_within_two_seconds(queue, crew, stages, project, until):
    stages.acts[Stage.ASSETS] = stages.stay
    async with crew.working():
        await queue.start(1)
        await stages.inside.wait()
        await queue.cancel(1)
        await until(lambda: _is_true(stages.stopped), "the work goes on", seconds=2)
        with pytest.raises(ProjectCancelled):
            await queue.wait(1, timeout=1)

    state = await queue.get_project(1)
    assert state.stages[Stage.ASSETS].status is StageStatus.PENDING
    assert stages.ran == {Stage.SCRIPT: 1, Stage.ASSETS: 1}


async def test_a_worker_that_is_told_to_end_hands_the_stage_back_without_an_attempt(queue, crew, stages, project):
    stages.acts[Stage.ASSETS] = stages.stay
    async with crew.working():
        await queue.start(1)
        await stages.inside.wait()
    state = await queue.get_project(1)
    assert (state.status, state.stages[Stage.ASSETS].attempts) == (ProjectStatus.QUEUED, 0)

    stages.leave.set()
    await crew.burst()
    assert (await queue.get_project(1)).status is ProjectStatus.COMPLETED


@pytest.mark.parametrize(
    ("slow", "method"), [(Teller, "tell"), (Attempt, "_run")], ids=["while its beginning is told", "before its work"]
)
async def test_a_worker_that_is_told_to_end_right_after_a_beginning_is_no_death(
    queue, crew, stages, project, monkeypatch, slow, method
):
    """Redis may be slow to take the first event just then; three such ends would have counted as three deaths."""
    begun = asyncio.Event()

    async def stays(*_):
        begun.set()
        await asyncio.Event().wait()

    with monkeypatch.context() as patched:
        patched.setattr(slow, method, stays)
        async with crew.working():
            await queue.start(1)
            await begun.wait()
    state = await queue.get_project(1)
    assert (state.status, state.stages[Stage.SCRIPT].attempts) == (ProjectStatus.QUEUED, 0)

    await crew.burst()
    state = await queue.get_project(1)
    assert (state.status, state.stages[Stage.SCRIPT].attempts) == (ProjectStatus.COMPLETED, 1)


async def test_a_worker_that_is_told_to_end_in_the_first_commit_is_no_death(queue, crew, stages, project, monkeypatch):
    begun = asyncio.Event()
    replace = Documents.replace

    async def slowly(documents, key, body, version, **how):
        made = await replace(documents, key, body, version, **how)
        if b'"running"' in body:
            begun.set()
            while not any(task.cancelling() for task in asyncio.all_tasks()):
                await asyncio.sleep(0)
        return made

    with monkeypatch.context() as patched:
        patched.setattr(Documents, "replace", slowly)
        async with crew.working():
            await queue.start(1)
            await begun.wait()
    state = await queue.get_project(1)

    assert (state.status, state.stages[Stage.SCRIPT].attempts) == (ProjectStatus.QUEUED, 0)


async def _resuming(queue):
    state = await queue.get_project(1)
    return state if state.resume_at else None


async def _is_true(value):
    return bool(value)

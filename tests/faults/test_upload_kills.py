"""A worker killed anywhere in an upload to YouTube: one video, whole, whatever was lost with it."""

import hashlib
from contextlib import AsyncExitStack

import pytest

from jobs.client import connect
from reelqueue.models.stage import ProjectStatus
from reelqueue.sandbox import open_sandbox
from tests.faults.cloud import UPLOAD_ONLY, calls, rendered
from tests.workers import until, worker

CHUNKS = 3
"""Of a video of 20 MiB in chunks of 8 MiB."""


@pytest.fixture
async def sandbox(tmp_path):
    async with open_sandbox(tmp_path / "sandbox") as opened:
        yield opened


def environment(sandbox, **more):
    return UPLOAD_ONLY | sandbox.settings() | {"POISON_AFTER": "100", "RETRY_DELAYS": "0.1,0.2,0.3", **more}


async def published(settings, sandbox, number, env):
    """What the project ends with, by workers that nobody kills."""
    async with worker(settings, **env), connect(settings) as queue:
        return await queue.wait(number, timeout=90)


def one_video(sandbox, body):
    [video] = sandbox.youtube.videos.values()
    assert video.sha256 == hashlib.sha256(body).hexdigest()
    assert video.bytes == len(body)
    return video


@pytest.mark.slow
@pytest.mark.parametrize("chunk", range(1, CHUNKS + 1))
async def test_a_worker_killed_after_a_chunk_is_followed_by_one_that_sends_the_rest(settings, sandbox, chunk):
    project, body = await rendered(settings)
    env = environment(sandbox)
    answer = any_answer(chunk)
    order = sandbox.faults.order(service="youtube", call="upload.chunk", kind="hang", when="after", skip=chunk - 1, **answer)
    async with connect(settings) as queue:
        await queue.start(project.project_id)
        async with worker(settings, **env) as first:
            await until(lambda: order not in sandbox.faults.waiting(), f"chunk {chunk} is there, and its answer is lost")
            first.kill()

    result = await published(settings, sandbox, project.project_id, env)

    video = one_video(sandbox, body)
    assert result["video_id"] == video.video_id
    assert calls(sandbox, "youtube", "upload.open") == 1
    sent = sum(entry.bytes for entry in sandbox.journal.calls("youtube", "upload.chunk"))
    assert sent <= len(body) + 8 * 2**20  # at most the chunk in hand is sent again


def any_answer(chunk):
    """An order for "after" waits for the answer that the chunk gets: 308, the last one 200 or 201."""
    return {} if chunk == CHUNKS else {"answer": 308}


@pytest.mark.slow
async def test_a_lost_last_answer_is_asked_for_and_not_sent_again(settings, sandbox):
    project, body = await rendered(settings)
    env = environment(sandbox)
    sandbox.faults.order(service="youtube", call="upload.chunk", kind="reset", when="after", skip=CHUNKS - 1)
    async with connect(settings) as queue:
        await queue.start(project.project_id)

    result = await published(settings, sandbox, project.project_id, env)

    assert result["video_id"] == one_video(sandbox, body).video_id
    assert calls(sandbox, "youtube", "upload.open") == 1
    assert calls(sandbox, "youtube", "upload.chunk") == CHUNKS


@pytest.mark.slow
async def test_a_finished_session_that_is_gone_and_a_list_that_lags_make_no_second_video(settings, sandbox):
    """The worker dies with the last answer; YouTube forgets the session, and does not list the video yet."""
    project, body = await rendered(settings)
    env = environment(sandbox, YOUTUBE_RECONCILE_SECONDS="30")
    sandbox.youtube.lag_s = 3600.0
    sandbox.faults.order(service="youtube", call="upload.chunk", kind="hang", when="after", skip=CHUNKS - 1)
    async with AsyncExitStack() as stack:
        queue = await stack.enter_async_context(connect(settings))
        await queue.start(project.project_id)
        async with worker(settings, **env) as first:
            await until(lambda: sandbox.youtube.videos, "the video is there")
            first.kill()
        sandbox.faults.order(service="youtube", call="upload.query", kind="404", times=100)
        async with worker(settings, **env):
            await until(lambda: calls(sandbox, "youtube", "playlistItems.list"), "the list is looked at")
            state = await queue.get_project(project.project_id)
            assert (state.status, state.upload.video_id) in {(ProjectStatus.QUEUED, None), (ProjectStatus.RUNNING, None)}
            sandbox.youtube.lag_s = 0.0
            result = await queue.wait(project.project_id, timeout=90)

    assert result["video_id"] == one_video(sandbox, body).video_id
    assert calls(sandbox, "youtube", "upload.open") == 1
    assert calls(sandbox, "youtube", "playlistItems.list") >= 2
    state = await queue.get_project(project.project_id)
    assert state.stages["upload"].attempts == 1


@pytest.mark.slow
async def test_a_session_that_expired_with_half_a_video_makes_room_for_another(settings, sandbox):
    project, body = await rendered(settings)
    env = environment(sandbox, YOUTUBE_RECONCILE_SECONDS="0")
    sandbox.faults.order(service="youtube", call="upload.chunk", kind="session_gone", skip=1)
    async with connect(settings) as queue:
        await queue.start(project.project_id)

    result = await published(settings, sandbox, project.project_id, env)

    assert result["video_id"] == one_video(sandbox, body).video_id
    assert calls(sandbox, "youtube", "upload.open") == 2


@pytest.mark.slow
async def test_kills_in_the_steps_after_the_video_double_nothing(settings, sandbox):
    """Thumbnail, captions, playlist: the worker dies with each answer."""
    playlist = sandbox.youtube.add_playlist("Mine")
    project, body = await rendered(settings, playlist=playlist.playlist_id)
    env = environment(sandbox)
    steps = ("thumbnails.set", "captions.insert", "playlistItems.insert", "videos.update")
    async with connect(settings) as queue:
        await queue.start(project.project_id)
        for step in steps:
            order = sandbox.faults.order(service="youtube", call=step, kind="hang", when="after")
            async with worker(settings, **env) as dying:
                await until(lambda order=order: order not in sandbox.faults.waiting(), f"{step} took effect")
                dying.kill()

    result = await published(settings, sandbox, project.project_id, env)

    video = one_video(sandbox, body)
    assert (result["video_id"], result["video_status"]) == (video.video_id, "private")
    assert (len(video.captions), len(playlist.items)) == (1, 1)
    assert calls(sandbox, "youtube", "upload.open") == 1

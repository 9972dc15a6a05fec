"""Near-duplicates on a channel: who would be seen waits for a person, before a byte is sent; the others are only warned about."""

import asyncio

import pytest

from jobs.client import connect
from reelqueue.errors import ProjectWaiting
from reelqueue.models.script import Metadata
from reelqueue.models.stage import ProjectStatus, Stage
from reelqueue.sandbox import open_sandbox
from storage import History, Paths
from tests.faults.cloud import UPLOAD_ONLY, calls, rendered
from tests.workers import worker

pytestmark = pytest.mark.slow


@pytest.fixture
async def sandbox(tmp_path):
    async with open_sandbox(tmp_path / "sandbox") as opened:
        yield opened


def environment(sandbox, **more):
    return sandbox.settings() | UPLOAD_ONLY | {"RETRY_DELAYS": "0.1,0.2,0.3"} | more


async def made(settings, title, **brief):
    state, _ = await rendered(settings, video_bytes=200_000, metadata=Metadata(title=title, description="", tags=()), **brief)
    return state.project_id


async def ended(queue, number):
    try:
        await queue.wait(number, timeout=60)
    except ProjectWaiting as waiting:
        return waiting
    return None


async def test_a_public_video_like_another_of_its_channel_waits_until_a_person_lets_it_pass(settings, sandbox):
    """One that nobody sees is published with a warning."""
    numbers = [
        await made(settings, title, privacy="public") for title in ("Why bread rises", "Why tides turn", "Why BREAD rises!")
    ]
    private = await made(settings, "Why tides turn")
    async with connect(settings) as queue, worker(settings, **environment(sandbox)):
        for number in numbers:
            await queue.start(number)
            waiting = await ended(queue, number)
        before = calls(sandbox, "youtube", "upload.open")
        state = await queue.get_project(numbers[2])

        await queue.approve(numbers[2])
        passed = await ended(queue, numbers[2])
        await queue.start(private)
        assert await ended(queue, private) is None
        (warning,) = (await queue.get_project(private)).stages[Stage.UPLOAD].warnings

    assert (before, state.status, state.upload) == (2, ProjectStatus.WAITING_REVIEW, None)
    assert f"project {numbers[0]} 'Why bread rises' (title 100%)" in state.wait.reason
    assert "reelqueue approve" in waiting.what_to_do
    assert state.stages[Stage.UPLOAD].result["alike"][0]["project_id"] == numbers[0]
    assert passed is None
    assert calls(sandbox, "youtube", "upload.open") == len(sandbox.youtube.videos) == 4
    assert "looks like: project 2 'Why tides turn'" in warning
    kept = await History(Paths(settings.data_dir).history).of("default", numbers[2])
    assert kept is not None
    assert kept.video_id in sandbox.youtube.videos


async def test_of_two_alike_that_are_published_at_once_one_waits(settings, sandbox):
    numbers = [await made(settings, "Why bread rises", privacy="public") for _ in range(2)]
    async with connect(settings) as queue, worker(settings, **environment(sandbox)):
        for number in numbers:
            await queue.start(number)
        waits = await asyncio.gather(*(ended(queue, number) for number in numbers))

    assert [wait is None for wait in waits].count(True) == 1
    assert len(sandbox.youtube.videos) == 1

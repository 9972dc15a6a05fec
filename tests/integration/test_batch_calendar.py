"""A batch with a publish calendar, through real workers: YouTube itself makes each video public at its moment."""

from datetime import timedelta

import pytest

from jobs.client import connect
from reelqueue import clock
from reelqueue.models.script import Metadata
from reelqueue.sandbox import open_sandbox
from tests.faults.cloud import finished
from tests.integration.bad_services import own_environment
from tests.workers import worker

pytestmark = pytest.mark.slow
UPLOADING = {"script": "local", "image": "local", "voice": "local", "presenter": "local"}


@pytest.fixture
async def sandbox(tmp_path):
    async with open_sandbox(tmp_path / "sandbox") as opened:
        yield opened


async def test_youtube_publishes_each_video_at_its_slot_and_a_row_at_its_own_moment(settings, sandbox):
    """Once they are uploaded nothing of ours has to run; YouTube counts whole seconds."""
    first = clock.now().replace(minute=0, second=0, microsecond=0) + timedelta(hours=3)
    own = first + timedelta(hours=1)
    briefs = [{"topic": f"Tide {n}", "providers": UPLOADING} for n in range(3)]
    briefs[1]["publish_at"] = own.isoformat()
    environment = own_environment(sandbox, VARIATION_GUARD="false")
    async with connect(settings) as queue:
        batch = await queue.create_batch(briefs, calendar=f"every 1h from {first.isoformat()} UTC")
        for number, brief in zip(batch.project_ids, briefs, strict=True):
            title = Metadata(title=brief["topic"], description="Of many.", tags=())
            await finished(settings, number, video_bytes=50_000, metadata=title)
        async with worker(settings, **environment), worker(settings, "BatchWorker", **environment):
            await queue.start_batch(batch.batch_id)
            result = await queue.wait_batch(batch.batch_id, timeout=60)
        states = [await queue.get_project(number) for number in batch.project_ids]
        batch = await queue.get_batch(batch.batch_id)

    videos = [sandbox.youtube.videos[state.upload.video_id] for state in states]
    moments = [first, own, first + timedelta(hours=2)]
    assert (result["completed"], result["failed"]) == (3, 0)
    assert [state.slot for state in states] == [moments[0], None, moments[2]]
    assert [video.publish_at for video in videos] == moments
    assert [video.visible(clock.now()) for video in videos] == ["private"] * 3
    assert [video.visible(at + timedelta(seconds=1)) for video, at in zip(videos, moments, strict=True)] == ["public"] * 3
    assert batch.forecast.published_by == moments[2]
    assert sum(day.uploads for day in batch.outcome.days) == 3
    assert sum(day.units for day in batch.outcome.days) == 3 * (50 + 400 + 51)

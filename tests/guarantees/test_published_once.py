"""Published once: twenty equal hints, two workers, a SIGKILL again and again in the middle of the upload: one video."""

import asyncio
import hashlib
import json
import secrets

import pytest

from jobs.client import connect
from reelqueue.models.project import ProjectState
from reelqueue.models.script import Metadata, Part, Script
from reelqueue.models.stage import Stage, StageStatus
from storage import Owner, Paths, ProjectStore
from tests.workers import until, worker

VIDEO_BYTES = 64 * 1024 * 1024
KILLS = 4


async def rendered(settings) -> tuple[ProjectState, bytes]:
    """A project that only has to be published.  The publisher looks at no pixel, so random bytes stand for the video."""
    video = secrets.token_bytes(VIDEO_BYTES)
    part = Part(text="x", duration=5)
    metadata = Metadata(title="One", description="", tags=())
    script = Script(intro=part, segments=(), outro=part, metadata=metadata, total_duration=10, language="en")
    store = ProjectStore(Paths(settings.data_dir), Owner.here(), lease_seconds=settings.lease_seconds)
    project = await store.create({"topic": "One video"})
    async with await store.take_over(project.project_id) as lease:
        made = {
            Stage.SCRIPT: [await lease.blobs.write("script.json", script.model_dump_json().encode())],
            Stage.ASSETS: [await lease.blobs.write("assets/manifest.json", b"{}")],
            Stage.RENDER: [
                await lease.blobs.write("output/final_video.mp4", video),
                await lease.blobs.write("output/captions.srt", b"1\n"),
            ],
            Stage.THUMBNAIL: [await lease.blobs.write("output/thumbnail.jpg", b"jpg")],
        }

        def done(state: ProjectState) -> ProjectState:
            for stage, artifacts in made.items():
                state = state.with_stage(stage, status=StageStatus.DONE, artifacts=tuple(artifacts))
            return state

        return await lease.commit(done), video


@pytest.mark.slow
async def test_a_project_becomes_at_most_one_video_however_often_its_workers_die(settings):
    project, video = await rendered(settings)
    number = project.project_id
    library = settings.data_dir / "library"

    async with connect(settings) as queue:
        jobs = [await queue.enqueue_job("upload_to_youtube_task", project_id=number) for _ in range(20)]
        for kill in range(KILLS):
            async with worker(settings, POISON_AFTER="100") as one, worker(settings, POISON_AFTER="100") as other:
                await until(lambda wanted=2 * kill + 2: log_says(settings, "worker_starts", wanted), "both workers run")
                await asyncio.sleep(0.05 + 0.11 * kill)  # another instant of the upload each time: the fault, not a wait
                one.kill()
                other.kill()
        async with worker(settings, POISON_AFTER="100"), worker(settings, POISON_AFTER="100"):
            results = [await job.result(timeout=120) for job in jobs]
        state = await queue.get_project(number)

    assert {result["video_id"] for result in results} == {f"local-{number}"}
    assert state.status == "completed"
    assert [path.name for path in library.iterdir()] == [str(number)]
    published = library / str(number)
    assert hashlib.sha256((published / "video.mp4").read_bytes()).digest() == hashlib.sha256(video).digest()
    assert json.loads((published / "metadata.json").read_text())["marker"] == state.upload.marker
    assert sorted(path.name for path in published.iterdir()) == ["captions.srt", "metadata.json", "thumbnail.jpg", "video.mp4"]


def log_says(settings, words: str, times: int) -> bool:
    logs = settings.data_dir.parent.glob("VideoWorker-*.log")
    return sum(log.read_text(errors="replace").count(words) for log in logs) >= times

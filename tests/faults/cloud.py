"""Projects that services elsewhere work on: a sandbox in the test's process, workers in their own."""

import io
import secrets

from PIL import Image

from reelqueue.models.project import ProjectState
from reelqueue.models.script import Metadata, Part, Script
from reelqueue.models.stage import Stage, StageStatus
from reelqueue.sandbox import Sandbox
from reelqueue.settings import Settings
from storage import Owner, Paths, ProjectStore

MIB = 1024 * 1024
METADATA = Metadata(title="One video", description="Of many.", tags=("tides",))
UPLOAD_ONLY = {f"REELQUEUE_{name}_PROVIDER": "local" for name in ("SCRIPT", "IMAGE", "VOICE", "PRESENTER")}
"""What else is set in a worker that only publishes elsewhere."""


def jpeg() -> bytes:
    """A thumbnail that is one."""
    out = io.BytesIO()
    Image.new("RGB", (1280, 720), "navy").save(out, "JPEG")
    return out.getvalue()


async def rendered(
    settings: Settings, *, video_bytes: int = 20 * MIB, metadata: Metadata = METADATA, **brief: object
) -> tuple[ProjectState, bytes]:
    """A project that only has to be published, and its video."""
    project = await _store(settings).create({"topic": "One video", **brief})
    return await finished(settings, project.project_id, video_bytes=video_bytes, metadata=metadata)


async def finished(
    settings: Settings, number: int, *, video_bytes: int, metadata: Metadata = METADATA
) -> tuple[ProjectState, bytes]:
    """A project with all that comes before its upload: nobody looks at a pixel, so random bytes stand for the video."""
    video = secrets.token_bytes(video_bytes)
    part = Part(text="x", duration=5)
    script = Script(intro=part, segments=(), outro=part, metadata=metadata, total_duration=10, language="en")
    async with await _store(settings).take_over(number) as lease:
        made = {
            Stage.SCRIPT: [await lease.blobs.write("script.json", script.model_dump_json().encode())],
            Stage.ASSETS: [await lease.blobs.write("assets/manifest.json", b"{}")],
            Stage.RENDER: [
                await lease.blobs.write("output/final_video.mp4", video),
                await lease.blobs.write("output/captions.srt", b"1\n00:00:00,000 --> 00:00:01,000\nx\n"),
            ],
            Stage.THUMBNAIL: [await lease.blobs.write("output/thumbnail.jpg", jpeg())],
        }

        def done(state: ProjectState) -> ProjectState:
            for stage, artifacts in made.items():
                state = state.with_stage(stage, status=StageStatus.DONE, artifacts=tuple(artifacts))
            return state

        return await lease.commit(done), video


def _store(settings: Settings) -> ProjectStore:
    return ProjectStore(Paths(settings.data_dir), Owner.here(), lease_seconds=settings.lease_seconds)


def calls(sandbox: Sandbox, service: str, call: str | None = None, *, status: int | None = None) -> int:
    """How many requests of a kind reached the sandbox."""
    return sum(1 for entry in sandbox.journal.calls(service, call) if status is None or entry.status == status)

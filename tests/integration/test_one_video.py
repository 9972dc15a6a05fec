"""One real video through real workers: what is promised of the file, the state, the events and the library."""

import json
import subprocess
import sys
from pathlib import Path

import av
import pytest

from jobs.client import connect
from progress import subscribe_progress
from reelqueue.media.audio import loudness
from reelqueue.media.ffmpeg import find_ffmpeg
from reelqueue.media.probe import read_info
from tests.workers import ROOT, environment, worker

TEXT = '# Why bread rises\n\nYeast eats sugar and breathes out gas, 150 ml in an hour. A baker calls that "patience".'


@pytest.fixture
async def made(settings, tmp_path):
    """A completed square video with a picture of the user's own, and all the events that were told."""
    from PIL import Image  # noqa: PLC0415 - only here

    pictures = tmp_path / "pictures"
    pictures.mkdir()
    Image.linear_gradient("L").resize((1800, 1200)).convert("RGB").save(pictures / "1.jpg")
    brief = {"topic": "Bread", "content": TEXT, "aspect": "1:1", "images_dir": str(pictures), "fps": 25}
    settings = settings.model_copy(update={"lease_seconds": 30.0})  # nobody dies: each stage is begun once, however busy we are
    async with worker(settings), connect(settings) as queue:
        project = await queue.create_project(brief)
        await queue.start(project.project_id)
        events = [event async for event in subscribe_progress(project.project_id, settings=settings)]
        yield await queue.get_project(project.project_id), events


@pytest.mark.slow
async def test_a_text_becomes_a_video_that_keeps_every_promise(made, settings):
    state, events = made
    root = settings.data_dir / "projects" / str(state.project_id)

    info = read_info(root / "output/final_video.mp4", decode=True)
    voice_s = state.stages["assets"].result["assets"]["voice_s"]
    assert (info.width, info.height, info.fps) == (1080, 1080, 25)
    assert (info.video_codec, info.video_profile, info.pixel_format, info.color) == ("h264", "High", "yuv420p", "bt709/limited")
    assert (info.audio_codec, info.sample_rate, info.channels) == ("aac", 48_000, 2)
    assert info.faststart
    assert abs(info.video_duration_s - info.audio_duration_s) <= max(1 / 25, 1024 / 48_000) + 1e-3
    assert voice_s < info.duration_s < voice_s * 1.5 + 8

    found = await loudness(await find_ffmpeg(None), root / "output/final_video.mp4")
    assert found.integrated_lufs == pytest.approx(-14, abs=0.5)
    assert found.true_peak_dbtp <= -1.0

    captions = (root / "output/captions.srt").read_text()
    assert "Yeast eats sugar" in captions.replace("\n", " ")
    assert (root / "output/thumbnail.jpg").stat().st_size < 2_000_000
    library = settings.data_dir / "library" / str(state.project_id)
    assert {path.name for path in library.iterdir()} == {"video.mp4", "thumbnail.jpg", "captions.srt", "metadata.json"}
    assert json.loads((library / "metadata.json").read_text())["privacy"] == "private"

    assert (events[0].stage, events[0].seq) == ("script_generation", 1)
    assert events[-1].status == "completed"
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    assert [event.overall for event in events] == sorted(event.overall for event in events)

    assert len((root / "project_state.json").read_bytes()) < 65_536
    assert all(len(stage.artifacts) <= 3 for stage in state.stages.values())
    assert no_picture_stands_still_for(5.0, root / "output/final_video.mp4")
    said = subprocess.run(
        [str(Path(sys.executable).with_name("reelqueue")), "status", str(state.project_id), "--json"],
        env=environment(settings),
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    assert json.loads(said.stdout)["status"] == "completed"


def no_picture_stands_still_for(seconds: float, video) -> bool:
    """Whether every frame differs from the one `seconds` before it, but for what encoding changes."""
    import numpy as np  # noqa: PLC0415 - only here

    with av.open(str(video)) as container:
        stream = container.streams.video[0]
        stream.codec_context.skip_frame = "DEFAULT"
        step = int(float(stream.average_rate))
        frames = [
            f.reformat(270, 270, "gray").to_ndarray().astype(int) for i, f in enumerate(container.decode(stream)) if i % step == 0
        ]
    apart = int(seconds)
    return all(
        max(np.abs(frames[i] - frames[j]).max() for j in range(i + 1, i + apart + 1)) > 8 for i in range(len(frames) - apart)
    )

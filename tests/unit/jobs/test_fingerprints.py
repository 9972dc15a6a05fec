"""What a stage is made from is known by content: a file that changed under its name makes the stage due again."""

import wave
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from jobs.context import Rules, Tools
from jobs.stages import StageInputs, StageRun
from jobs.video import render, sound, thumbnail
from jobs.video.units import unit_key
from reelqueue.media.ffmpeg import Ffmpeg, find_ffmpeg
from reelqueue.models.brief import Brief
from reelqueue.models.project import Artifact, StageState
from reelqueue.models.stage import Stage, StageStatus
from reelqueue.providers.protocols import Fixed
from storage import Owner, Paths, ProjectStore


@pytest.fixture
def given(tmp_path) -> Any:
    """What a stage's inputs are found from: a logo and a music file of the user's, a folder of fonts of the operator's."""
    for name in ("logo.png", "bed.mp3", "fonts/Inter-Bold.ttf", "music/a.mp3"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"first")
    brief = Brief(topic="Tides", logo=str(tmp_path / "logo.png"), music=str(tmp_path / "bed.mp3"))
    made = StageState(status=StageStatus.DONE, artifacts=(Artifact(path="x", sha256="0", bytes=1),))
    stages = {Stage.SCRIPT: made, Stage.ASSETS: made}
    tools = Tools(ffmpeg=Ffmpeg(Path("/nowhere"), "7"), music_dir=tmp_path / "music", font_dir=tmp_path / "fonts")
    project: Any = SimpleNamespace(brief=brief, stages=stages)
    nothing: Any = None
    return StageInputs(project=project, files=nothing, blobs=nothing, choice=Fixed(nothing), tools=tools, language="en")


@pytest.mark.parametrize("name", ["logo.png", "bed.mp3", "fonts/Inter-Bold.ttf"])
async def test_another_file_under_the_same_name_is_another_render(given, tmp_path, name):
    """Seen: a new logo in the old one's place, and the old video was the stored result."""
    before = await render.inputs(given)
    (tmp_path / name).write_bytes(b"other")
    assert await render.inputs(given) != before


async def test_the_operators_music_counts_where_the_brief_names_none(given, tmp_path):
    given.project.brief = given.project.brief.replace(music=None)
    before = await render.inputs(given)
    (tmp_path / "music" / "b.mp3").write_bytes(b"another to choose from")
    assert await render.inputs(given) != before


async def test_the_same_files_are_the_same_render_and_a_missing_one_is_no_error_here(given, tmp_path):
    assert await render.inputs(given) == await render.inputs(given)
    (tmp_path / "logo.png").unlink()
    assert (await render.inputs(given))["logo"] is None


async def test_a_thumbnail_hangs_on_its_fonts(given, tmp_path):
    before = await thumbnail.inputs(given)
    (tmp_path / "fonts" / "Inter-Bold.ttf").write_bytes(b"other")
    assert await thumbnail.inputs(given) != before


def test_a_unit_hangs_on_the_content_of_its_pictures():
    """A picture that was lost and made again has the old one's name and need not look like it."""
    shown = [Artifact(path="images/x.png", sha256=digest, bytes=1) for digest in ("one", "other")]
    plays: Any = [
        SimpleNamespace(assets=SimpleNamespace(parts=[SimpleNamespace(shown=SimpleNamespace(picture=picture))]))
        for picture in shown
    ]
    unit: Any = SimpleNamespace(scenes=(0,))
    request: Any = SimpleNamespace(pixels={"scene": "images/x.png"})

    first, other = (unit_key(play, unit, request, {}) for play in plays)

    assert first != other
    assert first == unit_key(plays[0], unit, request, {})


async def test_prepared_music_is_kept_under_what_it_is_and_how_long(tmp_path):
    source = tmp_path / "bed.wav"
    with wave.open(str(source), "wb") as file:
        file.setparams((1, 2, 48_000, 0, "NONE", ""))
        file.writeframes(b"\0\0" * 48_000 * 3)
    projects = ProjectStore(Paths(tmp_path / "data"), Owner.here(), lease_seconds=5)
    state = await projects.create({"topic": "Tides"})
    tools = Tools(ffmpeg=await find_ffmpeg(None))
    async with await projects.take_over(state.project_id) as lease:
        await lease.commit(lambda s: s.with_stage(Stage.RENDER, status=StageStatus.RUNNING))
        run: Any = StageRun(Stage.RENDER, 1, "en", None, tools, lease, None, Rules(), 60)  # type: ignore[arg-type]

        short = await sound._prepared(run, source, longest_s=1)
        long = await sound._prepared(run, source, longest_s=2)

        assert short.stat().st_size < long.stat().st_size
        written = short.stat().st_mtime_ns
        assert (await sound._prepared(run, source, longest_s=1)).stat().st_mtime_ns == written
        short.write_bytes(b"")  # as a power cut leaves it
        assert (await sound._prepared(run, source, longest_s=1)).stat().st_size > 48_000 * 4
        assert not list(lease.files.root.rglob("*.part"))

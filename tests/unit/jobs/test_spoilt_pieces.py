"""A bit that falls over in a finished piece: it is found before anything is made of it, made anew, and never published."""

import dataclasses
import os

import pytest

from jobs.video.render import RENDER_WORK
from reelqueue.models.manifest import AssetsManifest, PartAssets, PresentedPiece, ShownPiece, SpokenPiece
from reelqueue.models.project import Artifact
from reelqueue.models.scene import SceneSpec
from reelqueue.models.stage import ProjectStatus, Stage
from reelqueue.models.voice import Speech
from storage import Blobs, Paths


def fall_over(path) -> None:
    """One bit in the middle, with all that a file's times and size say left as it was."""
    body, was = bytearray(path.read_bytes()), path.stat()
    body[len(body) // 2] ^= 1
    path.write_bytes(body)
    os.utime(path, ns=(was.st_atime_ns, was.st_mtime_ns))


@pytest.fixture
def paths(settings) -> Paths:
    return Paths(settings.data_dir)


@pytest.fixture
def voice(stages, monkeypatch) -> list[Artifact]:
    """The assets stage makes a sound, which is no artifact of its own; the render works on it.  Each time that it is made."""
    made: list[Artifact] = []

    async def speak(run) -> None:
        made.append(await run.blobs.write("audio/voice.wav", b"a sound of some length"))

    async def pieces(_given):
        return {made[-1]: Stage.ASSETS}

    work = stages.work
    more = {Stage.RENDER: {"pieces": pieces}}
    monkeypatch.setattr(stages, "work", lambda stage: dataclasses.replace(work(stage), **more.get(stage, {})))
    stages.acts[Stage.ASSETS] = speak
    return made


async def test_of_a_piece_that_the_manifest_lists(queue, crew, stages, project, paths, voice):
    for job in ("generate_script_task", "generate_assets_task"):
        await queue.enqueue_job(job, project_id=1, chain=False)
        await crew.burst()
    fall_over(paths.project(1).root / voice[0].path)
    await queue.start(1)
    await crew.burst()

    state = await queue.get_project(1)
    assert (state.status, len(voice), stages.ran[Stage.ASSETS], stages.ran[Stage.RENDER]) == (ProjectStatus.COMPLETED, 2, 2, 1)
    assert (paths.project(1).root / voice[0].path).read_bytes() == b"a sound of some length"


@pytest.mark.parametrize("stage", [Stage.SCRIPT, Stage.RENDER])
async def test_of_what_a_stage_ends_with(queue, crew, stages, project, paths, stage):
    before = list(Stage)[: list(Stage).index(stage) + 1]
    jobs = ["generate_script_task", "generate_assets_task", "render_video_task"]
    for job in jobs[: len(before)]:
        await queue.enqueue_job(job, project_id=1, chain=False)
        await crew.burst()
    fall_over(paths.project(1).output / f"{stage}.txt")
    await queue.start(1)
    await crew.burst()

    state = await queue.get_project(1)
    assert (state.status, stages.ran[stage], stages.ran[Stage.UPLOAD]) == (ProjectStatus.COMPLETED, 2, 1)
    assert await Blobs(paths.project(1).root).first_lost(state.stages[stage].artifacts) is None


async def test_the_render_looks_at_every_sound_picture_and_clip_of_the_manifest(store, paths):
    await store.create({"topic": "Tides"})
    async with await store.take_over(1) as lease:
        sound, picture, clip = [await lease.blobs.write(name, b"x") for name in ("audio/a.wav", "images/b.jpg", "avatars/c.mp4")]
        scene = SceneSpec(text="t", language="en", candidates=("statement",), title="")
        voice = SpokenPiece(
            key="a", sound=sound, speech=Speech(text="t", sample_rate=24_000, samples=24_000, words=(), visemes=())
        )
        shown = ShownPiece(key="b", scene=scene, picture=picture)
        presenter = PresentedPiece(key="c", description={"kind": "clip"}, clip=clip)
        plain = PartAssets(role="segment", index=1, text="t", voice=(voice,), shown=ShownPiece(key="d", scene=scene))
        parts = (PartAssets(role="intro", index=0, text="t", voice=(voice,), shown=shown, presenter=presenter), plain)
        manifest = AssetsManifest(language="en", title="t", topic="t", tags=(), parts=parts)
        listed = await lease.blobs.write("assets/manifest.json", manifest.model_dump_json().encode())
        state = await lease.commit(lambda state: state.with_stage(Stage.ASSETS, artifacts=(listed,)))
        given = dataclasses.make_dataclass("Given", ["project", "blobs"])(state, lease.blobs)

        found = await RENDER_WORK.pieces(given)

    assert found == {sound: Stage.ASSETS, picture: Stage.ASSETS, clip: Stage.ASSETS}

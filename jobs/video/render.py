"""The third stage: voice and scenes become the video.

Scenes and the joints between them are units of their own, kept under the hash of all that decides their pixels;
a changed sentence encodes its own scene and its joints again, and the scene after it where its last subtitle still stands there.
"""

import asyncio
from collections.abc import Mapping
from typing import Any

from jobs.context import WorkerContext
from jobs.runner import run_stage
from jobs.stages import StageInputs, StageOutcome, StageRun, StageWork
from jobs.video.assets import read_assets
from jobs.video.given import content_of, fonts_in, names_in
from jobs.video.pieces import Tally
from jobs.video.screenplay import Screenplay, write_screenplay
from jobs.video.sound import make_sound
from jobs.video.units import encode_units, made_by
from reelqueue.errors import StageNotReady
from reelqueue.media.audio import SOUND_VERSION
from reelqueue.media.captions import as_srt
from reelqueue.media.join import join
from reelqueue.media.probe import check_video, probe
from reelqueue.models.manifest import RenderManifest
from reelqueue.models.media import MediaInfo
from reelqueue.models.project import Artifact
from reelqueue.models.stage import Stage
from reelqueue.wording import Text

ATTEMPT_PER_SECOND = 4.0
"""Seconds of time-out per second of video, above the floor (contract, section 2c)."""
UNITS_SHARE, SOUND_SHARE = 0.80, 0.14


async def render_video_task(ctx: WorkerContext, project_id: int, chain: bool = True) -> dict[str, Any]:
    """Render a project's video.

    Reads: `assets/manifest.json` and the pieces that it lists.
    Writes: `segments/`, `output/final_video.mp4`, `output/captions.srt`, `render/manifest.json`.
    Costs: CPU only.
    Repeats: harmless; units that are there are not encoded again.
    """
    return await run_stage(ctx, project_id, Stage.RENDER, RENDER_WORK, chain=chain)


async def inputs(given: StageInputs) -> Mapping[str, Any]:
    """What the video is made from: assets, wishes for the picture, files from outside by content, versions of what makes it."""
    brief, tools = given.project.brief, given.tools
    return {
        "assets": given.made(Stage.ASSETS),
        "brief": brief.model_dump(mode="json", include={"aspect", "fps", "music", "logo", "subtitle_style"}),
        "logo": await content_of(brief.logo),
        "music": await content_of(brief.music) if brief.music is not None else await names_in(tools.music_dir),
        "fonts": await fonts_in(tools.font_dir),
        "made_by": made_by() | {"sound": SOUND_VERSION, "ffmpeg": tools.ffmpeg.version},
    }


async def pieces(given: StageInputs) -> Mapping[Artifact, Stage]:
    """Every sound, picture and clip that the assets' manifest lists: one that a disk spoilt would be heard or seen in the video."""
    if not given.project.stages[Stage.ASSETS].artifacts:
        return {}
    return dict.fromkeys((await read_assets(given)).files, Stage.ASSETS)


async def render_video(run: StageRun) -> StageOutcome:
    """Sound and units side by side, then joined, measured and described."""
    await run.tell(1, Text("準備合成...", "preparing the render..."))
    assets = await read_assets(run)
    if not assets.spoken_s:  # the video before this one came from elsewhere: no voice was made for it here
        raise StageNotReady(run.project.project_id, str(Stage.RENDER), str(Stage.ASSETS))
    play = await write_screenplay(run, assets)
    run.allow(ATTEMPT_PER_SECOND * play.timeline.duration_s)
    tally = Tally(1.0, lambda share: run.tell(2 + 96 * share, Text("合成影片...", "rendering the video...")))
    async with asyncio.TaskGroup() as group:
        sounding = group.create_task(make_sound(run, play, tally, SOUND_SHARE))
        encoding = group.create_task(encode_units(run, play, tally, UNITS_SHARE))
    sound, units = sounding.result(), encoding.result()
    info = await _joined(run, play, [run.files.root / unit.file.path for unit in units], run.files.root / sound.file.path)
    part = run.files.output / f"render.{run.project.fence}.part"
    video = await run.blobs.put("output/final_video.mp4", part)
    captions = await run.blobs.write("output/captions.srt", as_srt(play.cues).encode())
    manifest = RenderManifest(
        units=tuple(units), sound=sound.file, loudness=sound.loudness, video=info, frames=play.timeline.frames
    )
    listed = await run.blobs.write("render/manifest.json", manifest.model_dump_json().encode())
    described = {
        "duration": round(info.duration_s, 3),
        "resolution": f"{info.width}x{info.height}",
        "fps": info.fps,
        "bytes": info.bytes,
        "video_codec": info.video_codec,
        "audio_codec": info.audio_codec,
        "loudness_lufs": sound.loudness.integrated_lufs,
        "true_peak_dbtp": sound.loudness.true_peak_dbtp,
    }
    answer = {"video_path": str(run.files.video), "video_info": {"video_path": str(run.files.video), **described}}
    return StageOutcome(result=answer, artifacts=(video, captions, listed))


async def _joined(run: StageRun, play: Screenplay, units: list[Any], sound: Any) -> MediaInfo:
    """The whole video in its `.part` file, measured: what is not as it was asked for goes no further."""
    await run.hold("join")
    part = run.files.output / f"render.{run.project.fence}.part"
    await run.call("join", lambda: join(units, sound, part))
    info = await probe(part)
    check_video(info, size=play.size, fps=play.timeline.fps, duration_s=play.timeline.duration_s, audio=True)
    return info


RENDER_WORK = StageWork(inputs=inputs, work=render_video, pieces=pieces)

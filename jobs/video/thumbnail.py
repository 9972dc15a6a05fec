"""The fourth stage: the picture that people click on."""

from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

from jobs.context import WorkerContext
from jobs.runner import run_stage
from jobs.stages import StageInputs, StageOutcome, StageRun, StageWork
from jobs.video.assets import read_assets
from jobs.video.given import fonts_in
from jobs.video.screenplay import style_of
from jobs.video.script import read_script
from reelqueue.media.still import THUMBNAIL_VERSION, make_thumbnail
from reelqueue.models.stage import Stage
from reelqueue.wording import Text


async def generate_thumbnail_task(ctx: WorkerContext, project_id: int, chain: bool = True) -> dict[str, Any]:
    """Draw a project's thumbnail.

    Reads: `assets/manifest.json`.
    Writes: `output/thumbnail.jpg`, 1280x720, under 2 MB.
    Costs: CPU only.
    Repeats: harmless.
    """
    return await run_stage(ctx, project_id, Stage.THUMBNAIL, THUMBNAIL_WORK, chain=chain)


async def inputs(given: StageInputs) -> Mapping[str, Any]:
    """What the thumbnail is made from."""
    return {
        "script": given.made(Stage.SCRIPT),
        "assets": given.made(Stage.ASSETS),
        "fonts": await fonts_in(given.tools.font_dir),
        "made_by": {"thumbnail": THUMBNAIL_VERSION} | {name: version(name) for name in ("Pillow", "resvg-py")},
    }


async def draw_thumbnail(run: StageRun) -> StageOutcome:
    """Draw it, in a child process."""
    await run.tell(10, Text("繪製封面...", "drawing the thumbnail..."))
    assets = await read_assets(run)
    part = run.files.output / f"thumbnail.{run.project.fence}.part"
    await run.hold("thumbnail")
    script, style = await read_script(run), style_of(assets)
    scenes = [piece.shown.scene for piece in assets.parts]
    presenter = any(piece.presenter is not None and piece.presenter.clip is None for piece in assets.parts)  # a figure's face
    still = await run.call(
        "thumbnail", lambda: make_thumbnail(script, scenes, style, part, presenter=presenter, font_dir=run.tools.font_dir)
    )
    artifact = await run.blobs.put("output/thumbnail.jpg", part)
    path = str(run.files.thumbnail)
    info = {"thumbnail_path": path, "resolution": f"{still.width}x{still.height}", "bytes": still.bytes}
    return StageOutcome(result={"thumbnail_path": path, "thumbnail_info": info}, artifacts=(artifact,))


THUMBNAIL_WORK = StageWork(inputs=inputs, work=draw_thumbnail)

"""The second stage: what is heard and what is seen, piece by piece, side by side.

Voice piece by piece (the local voice: a sentence), one picture or drawn scene a part, a presenter for intro and outro.
"""

from collections.abc import Mapping, Sequence
from typing import Any, cast

from jobs.context import WorkerContext
from jobs.runner import run_stage
from jobs.stages import StageInputs, StageOutcome, StageRun, StageWork
from jobs.video.images import own_pictures, picture_inputs, shown_pieces
from jobs.video.pieces import Tally
from jobs.video.presenters import show_presenters
from jobs.video.script import copy_script, read_script
from jobs.video.speech import speak_all, voice_pieces
from jobs.video.together import together
from reelqueue.errors import ReelqueueError
from reelqueue.models.brief import Brief
from reelqueue.models.manifest import AssetsManifest, PartAssets, PresentedPiece, ShownPiece, SpokenPiece
from reelqueue.models.script import Script
from reelqueue.models.stage import Stage
from reelqueue.wording import Text, same

ASSETS_VERSION = 1
MOST_FAILED_IMAGES = 0.20
"""From this share of failed images on the stage fails (contract, section 2a)."""
SECONDS_PER_PIECE = 15.0


async def generate_assets_task(ctx: WorkerContext, project_id: int, chain: bool = True) -> dict[str, Any]:
    """Make a project's voice, pictures and presenter.

    Reads: `script.json`, the user's own pictures.
    Writes: `audio/`, `images/`, `avatars/`, `assets/manifest.json`.
    Costs: one call a picture and a voice piece, none locally; kept pieces are never made again.
    Repeats: harmless; after a crash at most the calls in flight are made again.
    """
    return await run_stage(ctx, project_id, Stage.ASSETS, ASSETS_WORK, chain=chain)


async def inputs(given: StageInputs) -> Mapping[str, Any]:
    """What the assets are made from: the script, the brief's wishes, the makers, the user's own pictures by content."""
    brief, makers = given.brief, given.providers
    return {
        "assets": ASSETS_VERSION,
        "script": given.made(Stage.SCRIPT),
        "brief": brief.model_dump(mode="json", include={"voice", "lexicon", "presenter", "presenter_required", "aspect"})
        | brief.model_dump(mode="json", include={"image_style", "negative_prompt"}, exclude_none=True),
        "pictures": await picture_inputs(brief),
        "makers": [[maker.name, maker.version] for maker in (makers.voice, makers.image, makers.presenter)],
        "language": given.language,
    }


async def make_assets(run: StageRun) -> StageOutcome:
    """Make every piece that is not there yet, then list them all."""
    script = await read_script(run)
    await copy_script(run)
    run.providers.voice.check(script.language, run.brief.voice)
    cut = [voice_pieces(run, text, script.language) for text in script.texts]
    sentences = sum(len(pieces) for pieces in cut)
    run.allow(SECONDS_PER_PIECE * (sentences + len(script.texts)))
    await run.tell(1, Text("準備素材...", "preparing the assets..."))
    pictures = await own_pictures(run, script)
    tally = Tally(
        sum(len(piece) for pieces in cut for piece in pieces) + 20 * len(script.texts), lambda share: _tell(run, share, sentences)
    )
    voice, shown = speak_all(run, cut, script.language, tally), shown_pieces(run, script, pictures, tally)
    spoken, (images, errors) = cast("tuple[Any, Any]", await together(run, [voice, shown]))
    _enough_images(len(script.segments) - len(pictures), errors)
    presenters = await show_presenters(run, script, spoken)
    manifest = assets_manifest(run.brief, script, spoken, images, presenters)
    artifact = await run.blobs.write("assets/manifest.json", manifest.model_dump_json().encode())
    counts = {
        "audio": sentences,
        "images": len(images),
        "avatars": sum(presenter is not None for presenter in presenters),
        "voice_s": round(manifest.spoken_s, 3),
        "manifest": artifact.path,
    }
    return StageOutcome(result={"assets": counts, "errors": errors}, artifacts=(artifact,), partial=bool(errors))


async def read_assets(given: StageInputs | StageRun) -> AssetsManifest:
    """The manifest of a project whose assets are done.  Raises MediaError where it is not what the state says."""
    artifact = given.project.stages[Stage.ASSETS].artifacts[0]
    return AssetsManifest.model_validate_json(await given.blobs.read(artifact))


async def _tell(run: StageRun, share: float, sentences: int) -> None:
    await run.tell(
        2 + 96 * share, Text(f"生成語音與畫面（共 {sentences} 句）...", f"making voice and pictures ({sentences} sentences)...")
    )


def _enough_images(asked: int, errors: list[dict[str, Any]]) -> None:
    """Fail where a fifth or more of the images that were asked for had to be stood in for."""
    if errors and len(errors) / max(1, asked) >= MOST_FAILED_IMAGES:
        raise _Failed(errors)


class _Failed(ReelqueueError):
    """Too many images failed; speaks with the first failure's voice."""

    code = "permanent"

    def __init__(self, errors: list[dict[str, Any]]) -> None:
        first = str(errors[0].get("message", ""))
        super().__init__(
            Text(
                f"{len(errors)} 張圖片失敗，超過容許的 20%：{first}",
                f"{len(errors)} images failed, more than the 20 % allowed: {first}",
            ),
            same(str(errors[0].get("hint", ""))),
        )


def assets_manifest(
    brief: Brief,
    script: Script,
    spoken: Sequence[tuple[SpokenPiece, ...]],
    images: Sequence[ShownPiece],
    presenters: Sequence[PresentedPiece | None],
) -> AssetsManifest:
    """The list of all pieces, part by part."""
    roles = ["intro", *("segment" for _ in script.segments), "outro"]
    parts = tuple(
        PartAssets(role=role, index=index, text=text, voice=voice, shown=shown, presenter=presenter)
        for index, (role, text, voice, shown, presenter) in enumerate(
            zip(roles, script.texts, spoken, images, presenters, strict=True)
        )
    )
    metadata = script.metadata
    return AssetsManifest(
        language=script.language,
        title=metadata.title,
        topic=brief.topic or metadata.title,
        tags=metadata.tags,
        parts=parts,
        look=script.look,
    )


ASSETS_WORK = StageWork(inputs=inputs, work=make_assets)

"""Scenes and joints, encoded one after the other by a child that keeps what it drew."""

from importlib.metadata import version
from typing import Any

from jobs.stages import StageRun
from jobs.video.pieces import Tally, kept_or_made
from jobs.video.screenplay import Screenplay
from reelqueue.media.studio import Studio, open_studio
from reelqueue.media.timeline import Unit
from reelqueue.models.keys import piece_key
from reelqueue.models.manifest import UnitPiece

RENDER_VERSION = 1
"""Part of every unit's key: raised when drawing, composing or encoding changes."""


def made_by() -> dict[str, Any]:
    """What a unit's pixels hang on beside its request."""
    return {"render": RENDER_VERSION} | {name: version(name) for name in ("av", "opencv-python-headless", "resvg-py")}


async def encode_units(run: StageRun, play: Screenplay, tally: Tally, share: float) -> list[UnitPiece]:
    """Every unit in its order; all of them together are `share` of the tally."""
    async with open_studio() as studio:
        return [await _unit(run, play, unit, studio, tally, share / play.timeline.frames) for unit in play.timeline.units]


async def _unit(run: StageRun, play: Screenplay, unit: Unit, studio: Studio, tally: Tally, frame_share: float) -> UnitPiece:
    part = run.files.segments / f"unit.{run.project.fence}.part"
    request = play.request(unit, project_root=run.files.root, out=part)
    key = piece_key({"pixels": request.pixels, "made_by": made_by()})
    told = 0

    def hear(frames: int) -> None:
        nonlocal told
        tally.note(max(0, frames - told) * frame_share)
        told = max(told, frames)

    async def holds(piece: UnitPiece) -> bool:
        return await run.blobs.holds(piece.file)

    async def make() -> UnitPiece:
        await run.hold(f"unit {key}")
        await run.call(f"unit {key}", lambda: studio.make(request, hear))
        return UnitPiece(key=key, file=await run.blobs.put(f"segments/{key}.mp4", part), frames=unit.span.frames)

    piece = await kept_or_made(run, UnitPiece, f"segments/{key}.json", holds=holds, make=make)
    await tally.add((unit.span.frames - told) * frame_share)
    return piece

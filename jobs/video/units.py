"""Scenes and joints, encoded one after the other by a child that keeps what it drew."""

import asyncio
from collections.abc import Callable, Mapping
from importlib.metadata import version
from typing import Any

from jobs.stages import StageRun
from jobs.video.given import fonts_in
from jobs.video.pieces import Tally, kept_or_made
from jobs.video.screenplay import Screenplay
from reelqueue.errors import MediaError
from reelqueue.media.ffmpeg import once_more
from reelqueue.media.probe import check_unit, probe
from reelqueue.media.studio import Studio, open_studio
from reelqueue.media.timeline import Unit
from reelqueue.media.unit import UnitRequest
from reelqueue.models.keys import piece_key
from reelqueue.models.manifest import UnitPiece

RENDER_VERSION = 2
"""Part of every unit's key: raised when drawing, composing or encoding changes."""


def made_by() -> dict[str, Any]:
    """What a unit's pixels hang on beside its request."""
    return {"render": RENDER_VERSION} | {name: version(name) for name in ("av", "opencv-python-headless", "resvg-py")}


async def encode_units(run: StageRun, play: Screenplay, tally: Tally, share: float) -> list[UnitPiece]:
    """Every unit in its order; all of them together are `share` of the tally."""
    maker = made_by() | {"fonts": await fonts_in(run.tools.font_dir)}
    async with open_studio() as studio:
        return [await _unit(run, play, unit, studio, maker, tally, share / play.timeline.frames) for unit in play.timeline.units]


async def _made(studio: Studio, request: UnitRequest, hear: Callable[[int], None]) -> None:
    """Have a unit made, and look at what came of it: kept, one that is short would spoil each render to come.

    Raises:
        as `Studio.make`; TransientError: it is not what was asked for.
    """
    await studio.make(request, hear)
    size = (request.width + request.width % 2, request.height + request.height % 2)
    try:
        check_unit(await probe(request.out), size=size, fps=request.fps, frames=request.frames)
    except MediaError as error:
        await asyncio.to_thread(request.out.unlink, missing_ok=True)
        raise once_more(error) from error


def unit_key(play: Screenplay, unit: Unit, request: UnitRequest, maker: Mapping[str, Any]) -> str:
    """A unit's name: the hash of its request, of the pictures that it names by path only, and of what draws and encodes it."""
    shown = [play.assets.parts[number].shown.picture for number in unit.scenes]
    pictures = [None if picture is None else picture.sha256 for picture in shown]
    return piece_key({"pixels": request.pixels, "pictures": pictures, "made_by": maker})


async def _unit(
    run: StageRun, play: Screenplay, unit: Unit, studio: Studio, maker: Mapping[str, Any], tally: Tally, frame_share: float
) -> UnitPiece:
    part = run.files.segments / f"unit.{run.project.fence}.part"
    request = play.request(unit, project_root=run.files.root, out=part)
    key = unit_key(play, unit, request, maker)
    told = 0

    def hear(frames: int) -> None:
        nonlocal told
        tally.note(max(0, frames - told) * frame_share)
        told = max(told, frames)

    async def holds(piece: UnitPiece) -> bool:
        return await run.blobs.holds(piece.file)

    async def make() -> UnitPiece:
        await run.hold(f"unit {key}")
        await run.call(f"unit {key}", lambda: _made(studio, request, hear))
        return UnitPiece(key=key, file=await run.blobs.put(f"segments/{key}.mp4", part), frames=unit.span.frames)

    piece = await kept_or_made(run, UnitPiece, f"segments/{key}.json", holds=holds, make=make)
    await tally.add((unit.span.frames - told) * frame_share)
    return piece

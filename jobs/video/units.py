"""Scenes and joints, encoded one after the other by a child that keeps what it drew."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from importlib.metadata import version
from typing import Any

from jobs.runner import StageRun
from jobs.video.pieces import kept_or_made
from jobs.video.screenplay import Screenplay
from reelqueue.media.refusal import answers
from reelqueue.media.timeline import Unit
from reelqueue.media.unit import UnitRequest
from reelqueue.models.keys import piece_key
from reelqueue.models.manifest import UnitPiece
from reelqueue.process import Limits, PythonChild, python_child

LIMITS = Limits(memory_bytes=6 * 1024**3, file_bytes=8 * 1024**3)
STALL_S = 180.0
"""Longest silence of the encoder: the heaviest scene draws for two seconds on a machine of ours."""

RENDER_VERSION = 1
"""Part of every unit's key: raised when drawing, composing or encoding changes."""


def made_by() -> dict[str, Any]:
    """What a unit's pixels hang on beside its request."""
    return {"render": RENDER_VERSION} | {name: version(name) for name in ("av", "opencv-python-headless", "resvg-py")}


class Encoder:
    """The encoder's child: started when first asked, started again after it died."""

    def __init__(self) -> None:
        self._stack = AsyncExitStack()
        self._child: PythonChild | None = None

    async def __aenter__(self) -> "Encoder":
        """Nothing is started yet."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Kill the child."""
        await self._stack.aclose()

    async def encode(self, request: UnitRequest) -> AsyncIterator[int]:
        """Encode one unit; yields the number of frames that are done.

        Raises:
            MediaError, DiskFull, TransientError: as `media.refusal.answers`.
        """
        if self._child is None:
            self._child = await self._stack.enter_async_context(python_child("reelqueue.media.encode", limits=LIMITS))
        whole = False
        try:
            async for answer in answers(self._child, request.model_dump(mode="json"), stall_s=STALL_S):
                if "frame" in answer:
                    yield int(answer["frame"])
            whole = True
        finally:
            if not whole:  # in the middle of its work, or dead: the next unit gets a new one
                await self._stack.aclose()
                self._child = None


async def encode_units(run: StageRun, play: Screenplay, add: Callable[[float], Awaitable[None]]) -> list[UnitPiece]:
    """Every unit in its order; `add` hears each share of all frames as it is done."""
    pieces = []
    async with Encoder() as encoder:
        for unit in play.timeline.units:
            pieces.append(await _unit(run, play, unit, encoder, add))
    return pieces


async def _unit(
    run: StageRun, play: Screenplay, unit: Unit, encoder: Encoder, add: Callable[[float], Awaitable[None]]
) -> UnitPiece:
    part = run.files.segments / f"unit.{run.project.fence}.part"
    request = play.request(unit, project_root=run.files.root, out=part)
    key = piece_key({"pixels": request.pixels, "made_by": made_by()})
    told = 0

    async def tell(frames: int) -> None:
        nonlocal told
        if frames > told:
            await add((frames - told) / play.timeline.frames)
            told = frames

    async def holds(piece: UnitPiece) -> bool:
        return await run.blobs.holds(piece.file)

    async def encode() -> None:
        async for frames in encoder.encode(request):
            await tell(frames)

    async def make() -> UnitPiece:
        await run.hold(f"unit {key}")
        await run.call(f"unit {key}", encode)
        return UnitPiece(key=key, file=await run.blobs.put(f"segments/{key}.mp4", part), frames=unit.span.frames)

    piece = await kept_or_made(run, UnitPiece, f"segments/{key}.json", holds=holds, make=make)
    await tell(unit.span.frames)
    return piece

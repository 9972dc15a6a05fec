"""The parent's door to the encoder: one child that is asked unit by unit, and started anew after it died."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack

from reelqueue.errors import TransientError
from reelqueue.media.refusal import answers
from reelqueue.media.unit import UnitInfo, UnitRequest, part_of
from reelqueue.process import Limits, PythonChild, python_child

MODULE = "reelqueue.media.encode"
LIMITS = Limits(memory_bytes=6 * 1024**3, file_bytes=20 * 1024**3)
"""Of address space, most of it never touched; see `MEMORY_RETURNED` for what is."""
MEMORY_RETURNED = {"MALLOC_MMAP_THRESHOLD_": str(8 * 1024**2)}
"""Blocks over 8 MB (pictures in floats, the encoder's frames) go back to the system at once, by glibc's own setting.
A minute of six typographic scenes at 1080p then peaks at 415 MB instead of 620, for 0.7 CPU s more (4 MB: 371 MB, 1.5 s)."""
STALL_S = 180.0
"""The child tells four times a second while it encodes; a scene is drawn in a few seconds before that."""


class Studio:
    """Makes units, one at a time; use `open_studio`.

    Ask for a scene's body and its joints one after the other: the child keeps the two scenes shown last.
    """

    def __init__(self) -> None:
        self._stack = AsyncExitStack()
        self._child: PythonChild | None = None

    async def make(self, request: UnitRequest, on_frame: Callable[[int], None] | None = None) -> UnitInfo:
        """Draw, compose and encode one unit into `request.out`, whole or not at all.

        `on_frame` hears, at most four times a second, how many frames are done.

        Raises:
            MediaError: a picture of it can't be read.
            DiskFull: there is no space.
            TransientError: the child died or stalled; the next unit starts another.
        """
        if self._child is None:
            self._child = await self._stack.enter_async_context(python_child(MODULE, limits=LIMITS, env=MEMORY_RETURNED))
        info: UnitInfo | None = None
        try:
            async for answer in answers(self._child, request.model_dump(mode="json"), stall_s=STALL_S):
                if "info" in answer:
                    info = UnitInfo.model_validate(answer["info"])
                elif on_frame is not None:
                    on_frame(answer["frame"])
        except (TransientError, asyncio.CancelledError):
            await self.close()
            part_of(request.out).unlink(missing_ok=True)  # a killed child leaves it behind
            raise
        if info is None:
            raise TransientError(f"{MODULE} gave no answer")
        return info

    async def close(self) -> None:
        """End the child."""
        self._child = None
        await self._stack.aclose()


@contextlib.asynccontextmanager
async def open_studio() -> AsyncIterator[Studio]:
    """A studio for one render; leaving ends its child."""
    studio = Studio()
    try:
        yield studio
    finally:
        await studio.close()

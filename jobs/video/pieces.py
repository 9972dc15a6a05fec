"""Pieces of paid and slow work: made once, found again by the hash of their inputs."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from jobs.runner import StageRun
from reelqueue.models.frozen import Frozen

Piece = TypeVar("Piece", bound=Frozen)


async def kept_or_made(
    run: StageRun,
    model: type[Piece],
    name: str,
    *,
    holds: Callable[[Piece], Awaitable[bool]],
    make: Callable[[], Awaitable[Piece]],
) -> Piece:
    """The piece whose record is `name` (relative to the project, `.json`), made anew where it is missing or spoilt.

    The record is written after the files that it speaks of, so a record that is there speaks of whole files;
    `holds` looks at them again, since a disk may lose what it had.
    """
    kept = await run.blobs.peek(name)
    if kept is not None:
        piece = model.model_validate_json(kept)
        if await holds(piece):
            return piece
    await run.check()
    piece = await make()
    await run.blobs.write(name, piece.model_dump_json().encode())
    run.progressed()
    return piece


class Tally:
    """Counts pieces of known weight, and tells the share that is done."""

    def __init__(self, total: float, tell: Callable[[float], Awaitable[None]]) -> None:
        self._total = max(total, 1e-9)
        self._done = 0.0
        self._tell = tell
        self._lock = asyncio.Lock()

    async def add(self, weight: float) -> None:
        """One more piece of `weight` is done."""
        async with self._lock:
            self._done += weight
            await self._tell(min(1.0, self._done / self._total))

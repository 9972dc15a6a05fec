"""Pieces of paid and slow work: made once, found again by the hash of their inputs."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from pydantic import ValidationError

from jobs.stages import HandBack, StageRun, Stopped
from reelqueue import failpoints
from reelqueue.errors import Fenced, Parked, ProjectCancelled, ReelqueueError, StorageUnavailable
from reelqueue.models.frozen import Frozen

Piece = TypeVar("Piece", bound=Frozen)

NOT_THE_MAKERS = (Fenced, ProjectCancelled, Parked, Stopped, StorageUnavailable)
"""What ends an attempt whoever met it: nothing stands in for a piece because of these."""


def is_the_makers(run: StageRun, error: ReelqueueError) -> bool:
    """Whether something may stand in for the piece that met this; after a long pause that was asked for, the maker has his turn."""
    if isinstance(error, HandBack):
        return run.is_last
    return not isinstance(error, NOT_THE_MAKERS)


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
    kept = record_of(model, await run.blobs.peek(name))
    if kept is not None and await holds(kept):
        return kept
    await run.check()
    piece = await make()
    await failpoints.reach("piece.made")
    await run.blobs.write(name, piece.model_dump_json().encode())
    await failpoints.reach("piece.kept")
    run.progressed()
    return piece


def record_of(model: type[Piece], body: bytes | None) -> Piece | None:
    """A kept record; None where there is none, or none that can be read: a disk, or another version, spoilt it."""
    if body is None:
        return None
    try:
        return model.model_validate_json(body)
    except ValidationError:
        return None


class Tally:
    """Counts pieces of known weight, and tells the share that is done."""

    def __init__(self, total: float, tell: Callable[[float], Awaitable[None]]) -> None:
        self._total = max(total, 1e-9)
        self._done = 0.0
        self._tell = tell
        self._telling: set[asyncio.Task[None]] = set()

    async def add(self, weight: float) -> None:
        """One more piece of `weight` is done."""
        self._done += weight
        await self._tell(min(1.0, self._done / self._total))

    def note(self, weight: float) -> None:
        """As `add`, from where nothing can be awaited; it is told as soon as the loop comes round."""
        task = asyncio.get_running_loop().create_task(self.add(weight))
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)

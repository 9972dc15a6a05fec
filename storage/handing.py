"""Who carries what is in a folder, of several processes: one at a time, and another as soon as that one is gone."""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from storage import disk
from storage.answers import Missing, Unavailable
from storage.hop import hop


@contextlib.asynccontextmanager
async def in_hand(folder: Path) -> AsyncIterator[bool]:
    """Whether the folder is ours until the end of the block; False where another process has it, or it is not there.

    The kernel lets go of it when a process dies.  It spares doubled work, no more: who would do harm by doing it twice needs a lease.
    """
    lock = disk.locked(folder, wait_s=0.0)
    try:
        await hop(lock.__enter__)
    except (Unavailable, Missing):
        yield False
        return
    try:
        yield True
    finally:
        await hop(lock.__exit__, None, None, None)

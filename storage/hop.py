"""One thread hop: a synchronous function run beside the event loop, to its end.

Storage has threads of its own: hashing a big video elsewhere must not keep a commit or a renewal waiting.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

import aiofiles.os

T = TypeVar("T")

COMMITS = ThreadPoolExecutor(max_workers=8, thread_name_prefix="storage-commit")
BEATS = ThreadPoolExecutor(max_workers=4, thread_name_prefix="storage-beat")
"""Renewals only: eight commits that wait for a stopped holder's lock must not make a lease lapse."""
SYNCS = ThreadPoolExecutor(max_workers=8, thread_name_prefix="storage-sync")
"""What waits for the disk beside each other, within one hop."""
BULK = ThreadPoolExecutor(max_workers=4, thread_name_prefix="storage-bulk")
"""Hashing and copying of media."""


async def hop(work: Callable[..., T], *args: object, threads: ThreadPoolExecutor = COMMITS, **named: object) -> T:
    """Run `work` in a thread.

    A cancelled caller still waits for the end (milliseconds, at most the lock's deadline): when the cancellation
    arrives, the write has landed or it never will.
    """
    return await whole(aiofiles.os.wrap(partial(work, *args, **named))(executor=threads))


async def whole(work: Awaitable[T]) -> T:
    """Await `work` to its end, where the caller is cancelled meanwhile, too: only then he hears of it."""
    running: asyncio.Future[T] = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        while not running.done():
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait({running})
        if not running.cancelled():
            running.exception()  # marks it as seen: the cancellation is what the caller hears of
        raise

"""Whether a process runs: one that is dead and that nobody has asked for yet does not."""

import asyncio
import time

import psutil


def runs(pid: int) -> bool:
    """Whether it is there, and no zombie."""
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


async def ends(pid: int, *, seconds: float = 20.0) -> bool:
    """Whether it runs no more, so much later at most: who was killed dies when a busy machine comes to it."""
    deadline = time.monotonic() + seconds
    while runs(pid) and time.monotonic() < deadline:
        await asyncio.sleep(0.01)
    return not runs(pid)

"""Places for jobs that load the CPU: as many as `VIDEO_MAX_JOBS` at once in one worker.

A few wait for a place here, holding a slot of the worker's but no project and no CPU; the rest goes back to the queue,
so that jobs which wait for a service find slots.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from jobs.pipeline import Load

WAITING_PER_PLACE = 1


class Places:
    """`cpu` places for jobs that load the CPU; those that wait for a service need none."""

    def __init__(self, cpu: int = 2) -> None:
        self._most_waiting = cpu * WAITING_PER_PLACE
        self._waiting = 0
        self._free = asyncio.Semaphore(cpu)

    def has_room(self, load: Load) -> bool:
        """Whether a job may hold a place, or wait here for one."""
        return load is Load.WAIT or not self._free.locked() or self._waiting < self._most_waiting

    @contextlib.asynccontextmanager
    async def of(self, load: Load) -> AsyncIterator[None]:
        """Hold a place while a stage runs."""
        if load is Load.WAIT:
            yield
            return
        self._waiting += 1
        try:
            await self._free.acquire()
        finally:
            self._waiting -= 1
        try:
            yield
        finally:
            self._free.release()

"""Places for jobs that load the CPU: as many as `VIDEO_MAX_JOBS` at once in one worker.

A job without a place waits here, holding one of the worker's slots but no lease and no CPU.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from jobs.pipeline import Load


class Places:
    """`cpu` places for jobs that load the CPU; those that wait for a service need none."""

    def __init__(self, cpu: int = 2) -> None:
        self._cpu = asyncio.Semaphore(cpu)

    @contextlib.asynccontextmanager
    async def of(self, load: Load) -> AsyncIterator[None]:
        """Hold a place while a stage runs."""
        if load is Load.WAIT:
            yield
            return
        async with self._cpu:
            yield

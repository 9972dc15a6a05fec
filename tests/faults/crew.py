"""Workers of every kind that are started again when they die, and somebody who kills them."""

import asyncio
import contextlib
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable, Sequence
from typing import Any

from reelqueue.settings import Settings
from tests.workers import Worker, until, worker

KINDS = ("VideoWorker", "VideoWorker", "BatchWorker", "MaintenanceWorker")


@contextlib.asynccontextmanager
async def going_on(endless: Iterable[Coroutine[Any, Any, None]]) -> AsyncIterator[None]:
    """All of it side by side, until the block ends; what ended by itself before fails the test."""
    keeping = [asyncio.create_task(one) for one in endless]
    try:
        yield
    finally:
        for task in keeping:
            task.cancel()
        ends = await asyncio.gather(*keeping, return_exceptions=True)
        assert [end for end in ends if not isinstance(end, asyncio.CancelledError)] == []


class Crew:
    """`kinds` of workers side by side; `killed` counts, by kind, how many were."""

    def __init__(self, settings: Settings, environment: dict[str, str], kinds: Sequence[str] = KINDS) -> None:
        self._settings, self._environment, self._kinds = settings, environment, kinds
        self._workers: dict[int, Worker] = {}
        self.killed: Counter[str] = Counter()

    @contextlib.asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """All of them, until the block ends."""
        async with going_on(self._keep(number, kind) for number, kind in enumerate(self._kinds)):
            yield

    async def _keep(self, number: int, kind: str) -> None:
        while True:
            async with worker(self._settings, kind, **self._environment) as one:
                self._workers[number] = one
                await until(lambda one=one: not one.runs, "it ends", seconds=3_600)

    async def killed_after(self, occasion: Callable[[], Awaitable[Any]], chance: random.Random) -> None:
        """Kill one of them, by chance, after each occasion; for ever."""
        while True:
            await occasion()
            number = chance.randrange(len(self._kinds))
            if (one := self._workers.get(number)) is not None and one.runs:
                one.kill()
                self.killed[self._kinds[number]] += 1

"""Pieces made side by side: what was begun is brought to its end, whatever the others meet.

A call that is cancelled in flight is paid for all the same, and paid for again when the stage goes on.
"""

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any, TypeVar

from jobs.stages import StageRun, Stopped
from reelqueue.errors import Fenced, ProjectCancelled

T = TypeVar("T")


async def together(run: StageRun, works: Sequence[Coroutine[Any, Any, T]]) -> list[T]:
    """The results in their order.

    After the first failure no new piece is begun (`StageRun.check` raises `Stopped`), and those that were are waited for.  A
    project that is cancelled, or another's, and a cancellation of our own stop everything at once.

    Raises:
        BaseExceptionGroup: what they met.
    """
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        await _to_their_ends(run, tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    met = [error for task in tasks if not task.cancelled() and (error := task.exception()) is not None]
    if met:
        raise BaseExceptionGroup("pieces failed", [error for error in met if not isinstance(error, Stopped)] or met)
    return [task.result() for task in tasks]


async def _to_their_ends(run: StageRun, tasks: Sequence["asyncio.Task[Any]"]) -> None:
    left = set(tasks)
    while left:
        done, left = await asyncio.wait(left, return_when=asyncio.FIRST_COMPLETED)
        met = [error for task in done if not task.cancelled() and (error := task.exception()) is not None]
        if any(_ends_all(error) for error in met):
            return
        if met:
            run.stopping = True


def _ends_all(error: BaseException) -> bool:
    if isinstance(error, BaseExceptionGroup):
        return any(_ends_all(part) for part in error.exceptions)
    return isinstance(error, Fenced | ProjectCancelled)

"""Keeps within a job whatever it raises: what would end the event loop, or look as if somebody had told the job to end."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

T = TypeVar("T")


class WorkBroke(Exception):
    """The work ended as no work may: by an exit, a Rust library's panic, a cancellation that nobody asked for."""


async def contained(work: Awaitable[T]) -> T:
    """The work.

    Raises:
        WorkBroke: it called for an exit, panicked (pyo3's `PanicException` is no `Exception`), or cancelled itself.
        CancelledError: we are told to end.
        Exception: as the work raised it.
    """
    try:
        return await work
    except Exception:
        raise
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        raise WorkBroke("it was cancelled, and nobody asked for it") from None
    except BaseException as error:
        raise WorkBroke(f"it raised {type(error).__name__}") from error

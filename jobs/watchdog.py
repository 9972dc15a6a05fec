"""Ends a worker whose event loop never turns again: its threads would renew its claims and leases for ever.

Seen where a process ran out of memory in `Thread.start`, which then waits for ever in the loop's own thread.
"""

import asyncio
import contextlib
import os
import sys
import threading
import traceback
from collections.abc import Callable

import structlog

SILENT_SECONDS = 300.0
"""Nothing that we do holds the loop for a hundredth of it."""

log = structlog.get_logger(__name__)


def _end() -> None:
    os._exit(1)  # nothing orderly works without the loop; children die with us


class Watchdog:
    """Asks the loop for a sign of life at each look; to be used by one thread.

    Silence is counted in the looks' own pauses, not by a clock: a process that was stopped is not to blame for it.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, give_up: Callable[[], None] = _end) -> None:
        self._loop = loop
        self._loop_thread = threading.main_thread().ident
        self._give_up = give_up
        self._turned = True
        self._silent = 0.0

    def look(self, seconds: float) -> None:
        """Look, so many seconds after the last time."""
        if self._turned:
            self._turned, self._silent = False, 0.0
            with contextlib.suppress(RuntimeError):  # the loop is closed: we end
                self._loop.call_soon_threadsafe(self._turn)
            return
        self._silent += seconds
        if self._silent >= SILENT_SECONDS:
            frame = sys._current_frames().get(self._loop_thread or 0)  # noqa: SLF001 - the one way to see where it stands
            where = "".join(traceback.format_stack(frame)) if frame is not None else ""
            log.critical("loop_stands_still", seconds=self._silent, exception=where)
            self._give_up()

    def _turn(self) -> None:
        self._turned = True

"""Files of batches between the look at them and the word that they shall be made; and what is being made of them.

They are held in memory, for an hour: whoever comes later, or after a restart, sends the file once more.
"""

import asyncio
import secrets
import time
from collections.abc import Coroutine
from typing import Any

import structlog

from reelqueue.ahead.batch_file import TopicFile
from reelqueue.errors import ReelqueueError
from reelqueue.models.batch import BatchState

KEPT_SECONDS, KEPT_FILES, KEPT_BYTES = 3600.0, 16, 128_000_000
"""How long a file is held, and how much of all of them together; the oldest goes first."""
TOKEN_CHARS = 32
PATIENCE_SECONDS = 3.0
"""How long a page waits for a batch to be on disk: 10 ms a project (measured); what takes longer is made to its end beside it."""

log = structlog.get_logger(__name__)


class Sheets:
    """The files, by a word that nobody guesses."""

    def __init__(self) -> None:
        self._held: dict[str, tuple[float, TopicFile]] = {}
        self._making: dict[str, asyncio.Task[BatchState]] = {}

    def keep(self, file: TopicFile) -> str:
        """Hold a file; returns its word."""
        word = secrets.token_hex(TOKEN_CHARS // 2)
        self._held[word] = (time.monotonic(), file)
        self._forget()
        return word

    def find(self, word: str) -> TopicFile | None:
        """The file of that word; None where it is held no more."""
        self._forget()
        known = self._held.get(word)
        return known[1] if known is not None else None

    def _forget(self) -> None:
        now = time.monotonic()
        self._held = {word: held for word, held in self._held.items() if now - held[0] < KEPT_SECONDS}
        while len(self._held) > 1 and (
            len(self._held) > KEPT_FILES or sum(len(file.body) for _, file in self._held.values()) > KEPT_BYTES
        ):
            del self._held[next(iter(self._held))]

    async def made(self, key: str, making: Coroutine[Any, Any, BatchState]) -> BatchState | None:
        """Let a batch be made, once for each key; None where that goes on and takes longer than a page waits.

        Raises:
            whatever kept it from being made.
        """
        task = self._making.get(key)
        if task is None:
            task = asyncio.create_task(making)
            self._making[key] = task
            task.add_done_callback(lambda ended: self._ended(key, ended))
        else:
            making.close()
        await asyncio.wait({task}, timeout=PATIENCE_SECONDS)
        return task.result() if task.done() else None

    def _ended(self, key: str, task: asyncio.Task[BatchState]) -> None:
        self._making.pop(key, None)
        if task.cancelled():
            return
        error = task.exception()
        if isinstance(error, ReelqueueError):
            log.warning("batch_not_made", error=error.message)
        elif error is not None:
            log.error("batch_not_made", exc_info=error)

    async def aclose(self) -> None:
        """Stop: what is half made goes on when the same file is sent again."""
        making = [*self._making.values()]
        for task in making:
            task.cancel()
        if making:
            await asyncio.wait(making)

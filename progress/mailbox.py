"""What waits for one reader: bounded, so that one who falls behind costs no more than the others."""

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar

Item = TypeVar("Item")

MOST_ITEMS = 64


class Mailbox(Generic[Item]):
    """Put by the hub, taken by one reader.  Where more than `most` wait they are all dropped, and the reader is told once.

    `push` is tried while the reader waits for the next one: where it says True it has passed the item on itself, and nobody is woken.
    A task's turn for each of a thousand readers costs more than all that they are sent.
    """

    def __init__(
        self, topics: frozenset[str] | None = None, most: int = MOST_ITEMS, push: Callable[[Item], bool] | None = None
    ) -> None:
        self.topics = topics
        self._most = most
        self._push = push
        self._is_waited_for = False
        self._items: list[Item] = []
        self._behind = False
        self._ended = False
        self._there = asyncio.Event()

    def put(self, item: Item) -> None:
        """One more."""
        if self._push is not None and self._is_waited_for and not self._there.is_set() and self._push(item):
            return
        self._items.append(item)
        if len(self._items) > self._most:
            self._items.clear()
            self._behind = True
        self._there.set()

    def end(self) -> None:
        """Nothing more comes."""
        self._ended = True
        self._there.set()

    async def take(self, seconds: float) -> tuple[list[Item], bool] | None:
        """All that wait, and whether others were dropped before them; nothing where none came within `seconds`.  None at the end."""
        if not self._there.is_set():
            self._is_waited_for = True
            try:
                async with asyncio.timeout(seconds):
                    await self._there.wait()
            except TimeoutError:
                return [], False
            finally:
                self._is_waited_for = False
        if self._ended:
            return None
        self._there.clear()
        taken, behind = self._items, self._behind
        self._items, self._behind = [], False
        return taken, behind

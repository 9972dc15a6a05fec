"""What waits for one reader: bounded, so that one who falls behind costs no more than the others."""

import asyncio
from typing import Generic, TypeVar

Item = TypeVar("Item")

MOST_ITEMS = 64


class Mailbox(Generic[Item]):
    """Put by the hub, taken by one reader.  Where more than `most` wait they are all dropped, and the reader is told once."""

    def __init__(self, topics: frozenset[str] | None = None, most: int = MOST_ITEMS) -> None:
        self.topics = topics
        self._most = most
        self._items: list[Item] = []
        self._behind = False
        self._ended = False
        self._there = asyncio.Event()

    def put(self, item: Item) -> None:
        """One more."""
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
            try:
                async with asyncio.timeout(seconds):
                    await self._there.wait()
            except TimeoutError:
                return [], False
        if self._ended:
            return None
        self._there.clear()
        taken, behind = self._items, self._behind
        self._items, self._behind = [], False
        return taken, behind

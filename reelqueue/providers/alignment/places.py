"""Room for the children that time words: two in a process, however many stages of a cloud voice it runs at once."""

import asyncio
import os
from contextlib import AsyncExitStack
from weakref import WeakKeyDictionary

from reelqueue.process import Limits, PythonChild, python_child

CHILDREN = 2
"""Each holds the local voice's model, 500-760 MB, and keeps one core busy while it speaks."""
_CHILD = "reelqueue.providers.alignment.child"


class Place:
    """Room for one child, started when it is needed and started anew after a crash."""

    def __init__(self) -> None:
        self._stack = AsyncExitStack()
        self._child: PythonChild | None = None

    async def child(self) -> PythonChild:
        """The child, which has loaded its model if it was asked before."""
        if self._child is None:
            self._child = await self._stack.enter_async_context(python_child(_CHILD, limits=Limits(nice=5)))
        return self._child

    async def close(self) -> None:
        """End the child."""
        self._child = None
        await self._stack.aclose()


class Places:
    """The places of one event loop; the last who leaves ends the children."""

    def __init__(self) -> None:
        self._all = tuple(Place() for _ in range(min(CHILDREN, os.cpu_count() or 1)))
        self._users = 0
        self.free: asyncio.LifoQueue[Place] = asyncio.LifoQueue()  # the one used last is loaded already
        for place in reversed(self._all):
            self.free.put_nowait(place)

    def enter(self) -> None:
        """Somebody more will ask."""
        self._users += 1

    async def leave(self) -> None:
        """Somebody will ask no more."""
        self._users -= 1
        if self._users == 0:
            for place in self._all:
                await place.close()


_places: WeakKeyDictionary[asyncio.AbstractEventLoop, Places] = WeakKeyDictionary()


def places() -> Places:
    """Those of the running event loop."""
    return _places.setdefault(asyncio.get_running_loop(), Places())

"""What every local provider has in common: it costs nothing, and nobody waits for a turn."""

import contextlib
from contextlib import AbstractAsyncContextManager

from reelqueue.models.cost import FREE, Cost


class Free:
    """A provider that is made of this machine alone."""

    def cost(self, *_asked: object) -> Cost:
        """Nothing."""
        return FREE

    def turn(self) -> AbstractAsyncContextManager[object]:
        """At once."""
        return contextlib.nullcontext()

"""States in a list, and beside them those that can't be read: one that is spoilt hides no other, and is not hidden itself."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic

from reelqueue.errors import ReelqueueError, as_wire
from reelqueue.models.project import StageError
from storage import disk
from storage.codec import S


@dataclass(frozen=True, slots=True)
class Unread:
    """An id whose state can't be read, why, and what to do."""

    state_id: int
    error: StageError

    @classmethod
    def of(cls, state_id: int, error: ReelqueueError) -> "Unread":
        """What reading its state met.

        Raises:
            `error` itself, where it is this process's and says nothing of the state.
        """
        if disk.says_nothing_of_the_file(error.__cause__):
            raise error
        return cls(state_id, StageError(**as_wire(error)))


@dataclass(frozen=True, slots=True)
class Listing(Generic[S]):
    """States in their order; `unread` are those among them that can't be read."""

    states: Sequence[S]
    unread: Sequence[Unread]

"""Taking a state over: who holds it, whether he lives, and how the fence is raised.  The same for projects and batches."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from typing import Generic

from reelqueue.errors import Busy, DiskFull
from reelqueue.wording import Text
from storage import reserve
from storage.answers import Missing
from storage.codec import S
from storage.hop import hop
from storage.lease import Held
from storage.liveness import LeaseFile, LeaseRecord, Owner, Seen, Watch
from storage.states import Known, Stamp, States


@dataclass(frozen=True, slots=True)
class Holding(Generic[S]):
    """Take-overs of one kind of state by one owner.  `lease_path` names the record of an id."""

    states: States[S]
    owner: Owner
    lease_seconds: float
    watch: Watch
    lease_path: Callable[[int], Path]
    reserve: Path
    before_write: Callable[[S], None] | None = None
    at_the_end: Callable[[int], Awaitable[None]] | None = None

    async def take(self, state_id: int) -> tuple[Held[S], LeaseRecord | None]:
        """Take a state over: its fence is one higher, its owner ours.

        Returns the lease's parts, and the record of a former owner that died without letting go.

        Raises:
            Busy: somebody who may be alive holds it.
            as `States.load` and `States.commit`: nothing is held.
        """
        known = await self.states.load(state_id)
        file, seen = await self._free(state_id)
        before = seen.record if seen is not None else None
        fence = 1 + max(known.state.fence, before.fence if before is not None else 0)
        record = LeaseRecord(owner=self.owner, fence=fence, lease_seconds=self.lease_seconds, token=token_hex(4))
        try:
            await self._claim(state_id, file, record, seen)
            self.watch.forget(self.lease_path(state_id))
            taken = await self._raised(state_id, known, Stamp(fence, self.owner.name))
        except BaseException:  # cancelled, too: nothing may stay held
            await hop(file.release, record, leaving=before)
            raise
        return Held(state_id, self.states, file, record, taken, self.before_write, self.at_the_end), before

    async def holder(self, state_id: int) -> LeaseRecord | None:
        """The record of an owner that may be alive; None where there is none."""
        path = self.lease_path(state_id)
        seen = await hop(LeaseFile(path).see)
        if seen is None:
            self.watch.forget(path)
            return None
        return seen.record if self.watch.is_alive(path, seen) else None

    async def _raised(self, state_id: int, known: Known[S], stamp: Stamp) -> Known[S]:
        def permit(state: S) -> None:
            if state.fence >= stamp.fence:  # taken and let go by another since we looked
                raise busy(state_id)

        return await self.states.commit(
            state_id, lambda state: state, permit=permit, known=known, stamp=stamp, before_write=self.before_write
        )

    async def _claim(self, state_id: int, file: LeaseFile, record: LeaseRecord, seen: Seen | None) -> None:
        try:
            if not await hop(file.claim, record, instead_of=seen):
                raise busy(state_id)
        except Missing:  # deleted since we looked
            raise self.states.unknown(state_id) from None
        except DiskFull:
            await hop(reserve.give_up, self.reserve)  # the next try shall be able to park it
            raise

    async def _free(self, state_id: int) -> tuple[LeaseFile, Seen | None]:
        path = self.lease_path(state_id)
        file = LeaseFile(path)
        seen = await hop(file.see)
        if seen is not None and self.watch.is_alive(path, seen):
            raise busy(state_id)
        return file, seen


def busy(state_id: int) -> Busy:
    """Somebody else has it in hand."""
    return Busy(
        Text(f"{state_id} 正由另一個工作者處理", f"{state_id} is in another worker's hands"),
        Text("稍後會自動再試", "it is tried again by itself"),
    )

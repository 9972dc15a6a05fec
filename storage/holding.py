"""Taking a state over: who holds it, whether he lives, and how the fence is raised.  The same for projects and batches."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from typing import Generic

import structlog

from reelqueue import failpoints
from reelqueue.errors import DiskFull
from storage import disk, reserve
from storage.answers import Missing, Unavailable, busy
from storage.codec import S
from storage.hop import hop
from storage.lease import Held
from storage.liveness import LeaseFile, LeaseRecord, Owner, Seen, Watch
from storage.states import Known, Stamp, States

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Glance(Generic[S]):
    """A state, and whether somebody who may be alive has it in hand, as they were at one look."""

    known: Known[S]
    seen: Seen | None
    is_held: bool

    @property
    def state(self) -> S:
        """The state as it was."""
        return self.known.state


@dataclass(frozen=True, slots=True)
class Holding(Generic[S]):
    """Take-overs of one kind of state by one owner.  `lease_path` names the record of an id.

    `ready` runs in the hop that takes over, `at_the_end` under the lock in the one that lets go: it gives a state back that
    must not be let go yet.
    """

    states: States[S]
    owner: Owner
    lease_seconds: float
    watch: Watch
    lease_path: Callable[[int], Path]
    reserve: Path
    before_write: Callable[[S], None] | None = None
    at_the_end: Callable[[int, Callable[[S], bool]], S | None] | None = None
    ready: Callable[[int], None] | None = None

    async def look(self, state_id: int) -> Glance[S]:
        """The state and its holder, by one look at the disk.

        Raises:
            as `States.load`.
        """
        path = self.lease_path(state_id)
        seen, known = await hop(lambda: (LeaseFile(path).see(), self.states.peek(state_id)))
        return Glance(known or await self.states.load(state_id), seen, self._is_held(path, seen))

    async def take(
        self, state_id: int, glance: Glance[S] | None = None, *, fence_later: bool = False
    ) -> tuple[Held[S], LeaseRecord | None]:
        """Take a state over: its fence is one higher, its owner ours.  A `glance` of a moment ago spares a look.

        `fence_later`: the lease's first commit raises the fence too, and fails where the state changed since the glance.
        Until then a paused former owner may still commit, so nothing outside may follow before it.

        Returns the lease's parts, and the record of a former owner that died without letting go.

        Raises:
            Busy: somebody who may be alive holds it.
            as `States.load` and `States.commit`: nothing is held.
        """
        glance = glance or await self.look(state_id)
        if glance.is_held:
            raise busy(state_id)
        known, seen, file = glance.known, glance.seen, LeaseFile(self.lease_path(state_id))
        before = seen.record if seen is not None else None
        fence = 1 + max(known.state.fence, before.fence if before is not None else 0)
        record = LeaseRecord(owner=self.owner, fence=fence, lease_seconds=self.lease_seconds, token=token_hex(4))
        try:
            await self._claim(state_id, file, record, seen)
            self.watch.forget(self.lease_path(state_id))
            stamp = Stamp(fence, self.owner.name)
            taken = known if fence_later else await self._raised(state_id, known, stamp)
        except BaseException:  # cancelled, too: nothing may stay held
            await hop(file.release, record, leaving=before)
            raise
        pending = stamp if fence_later else None
        return Held(state_id, self.states, file, record, taken, self.before_write, self.at_the_end, pending), before

    async def holder(self, state_id: int) -> LeaseRecord | None:
        """The record of an owner that may be alive; None where there is none."""
        path = self.lease_path(state_id)
        seen = await hop(LeaseFile(path).see)
        return seen.record if self._is_held(path, seen) and seen is not None else None

    async def holders(self, state_ids: Sequence[int]) -> dict[int, LeaseRecord]:
        """The records of owners that may be alive, of many states at one look: those that nobody has are left out.

        So is one whose record can't be read now (which is logged): nobody takes that over meanwhile.

        Raises:
            Unavailable: the disk does not answer.
        """
        paths = {number: self.lease_path(number) for number in state_ids}
        found = {}
        for number, seen in (await hop(_seen_of, paths)).items():
            if self._is_held(paths[number], seen) and seen is not None and seen.record is not None:
                found[number] = seen.record
        return found

    def _is_held(self, path: Path, seen: Seen | None) -> bool:
        if seen is None:
            self.watch.forget(path)
            return False
        return self.watch.is_alive(path, seen)

    async def _raised(self, state_id: int, known: Known[S], stamp: Stamp) -> Known[S]:
        def permit(state: S) -> None:
            if state.fence >= stamp.fence:  # taken and let go by another since we looked
                raise busy(state_id)

        return await self.states.commit(
            state_id, lambda state: state, permit=permit, known=known, stamp=stamp, before_write=self.before_write
        )

    async def _claim(self, state_id: int, file: LeaseFile, record: LeaseRecord, seen: Seen | None) -> None:
        try:
            if not await hop(self._claimed, state_id, file, record, seen):
                raise busy(state_id)
        except Missing:  # deleted since we looked
            raise self.states.unknown(state_id) from None
        except DiskFull:
            await hop(reserve.give_up, self.reserve)  # the next try shall be able to park it
            raise

    def _claimed(self, state_id: int, file: LeaseFile, record: LeaseRecord, seen: Seen | None) -> bool:
        ours = file.claim(record, instead_of=seen)
        if ours and self.ready is not None:
            self.ready(state_id)
        failpoints.hit("lease.claimed")
        return ours


def _seen_of(paths: Mapping[int, Path]) -> dict[int, Seen | None]:
    found = dict[int, Seen | None]()
    for number, path in paths.items():
        try:
            found[number] = LeaseFile(path).see()
        except Unavailable as error:
            if disk.says_nothing_of_the_file(error.__cause__):
                raise
            log.warning("lease_unreadable", id=number, error=error.message)
    return found

"""A lease: this process has a project (or a batch) in hand until it lets go, or is judged dead.

It renews itself in the background.  A worker stops by itself before it is judged dead: when no renewal succeeded for
0.6 of the lease, or another's record was found, `lost` is set.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import Generic, Self

import structlog

from reelqueue import failpoints
from reelqueue.errors import Fenced, ReelqueueError
from reelqueue.models.project import ProjectState
from reelqueue.tally import FENCED, TAKEOVERS, TALLY
from reelqueue.wording import Text
from storage.answers import Missing, Stale, busy
from storage.blobs import Blobs
from storage.codec import S
from storage.hop import BEATS, hop, whole
from storage.liveness import LeaseFile, LeaseRecord
from storage.paths import ProjectFiles
from storage.sessions import forget_secret, read_secret, write_secret
from storage.states import Known, Stamp, States

RENEWALS_PER_LEASE = 3
MOST_SECONDS_BETWEEN = 5.0
LOST_AFTER = 0.6
"""Of the lease, without a renewal: the rest is time to stop in."""
RETRY_SECONDS = 0.2

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Held(Generic[S]):
    """What a lease is made of."""

    state_id: int
    states: States[S]
    file: LeaseFile
    record: LeaseRecord
    known: Known[S]
    before_write: Callable[[S], None] | None = None
    at_the_end: Callable[[int, Callable[[S], bool]], S | None] | None = None
    stamp: Stamp | None = None
    """What the first commit puts on the state, where taking over left that to it."""


class StateLease(Generic[S]):
    """A state in hand.  `previous` is the record of the owner before, where it died without letting go."""

    def __init__(self, held: Held[S], previous: LeaseRecord | None) -> None:
        self.previous = previous
        self.lost = asyncio.Event()
        self._held: Held[S] = held
        self._known: Known[S] = held.known
        self._stamp = held.stamp
        if previous is not None and self._stamp is None:
            TALLY.count(TAKEOVERS)
        self._record = held.record
        self._turn = asyncio.Lock()
        self._renewed = time.monotonic()
        self._closed = False
        self._renewing = self._start_renewing()

    @property
    def state(self) -> S:
        """The newest state that this lease knows of."""
        return self._known.state

    @property
    def fence(self) -> int:
        """Ours; it goes into the name of everything that is made under this lease."""
        return self._record.fence

    async def commit(self, change: Callable[[S], S]) -> S:
        """Commit `change`, a pure function of the state; it may be applied more than once, to a newer state each time.

        Raises:
            Fenced: the project is another's by now; DiskFull: there is no space.  Nothing was written.
            Unavailable: it is not known whether it is there; no outside effect may follow.
            Busy: it is the first commit of a lease that has yet to raise the fence, and the state changed since it was judged.
        """
        async with self._turn:
            self._still_open()
            return await whole(self._commit(change))  # a lease that is cancelled has to know what it committed

    async def _commit(self, change: Callable[[S], S]) -> S:
        if self._stamp is not None:
            await self._not_lost()  # until it is raised no fence tells a successor from us
        try:
            self._known = await self._held.states.commit(
                self._held.state_id,
                change,
                permit=self._permit,
                known=self._known,
                stamp=self._stamp,
                before_write=self._held.before_write,
                only_known=self._stamp is not None,
            )
        except Fenced:
            TALLY.count(FENCED)
            self.lost.set()
            raise
        except Stale:
            raise busy(self._held.state_id) from None
        if self._stamp is not None:
            if self.previous is not None:
                TALLY.count(TAKEOVERS)
            self._stamp = None
            await failpoints.reach("lease.fenced")
        return self._known.state

    async def hold(self, piece: str) -> None:
        """Name the piece in hand: after a crash the record says what killed us.

        Raises:
            Fenced: the project is another's by now.
            DiskFull, Unavailable: the piece could not be named.
        """
        async with self._turn:
            self._still_open()
            named = self._record.replace(piece=piece)
            try:
                ours = await hop(self._held.file.hold, named)
            except Missing:
                ours = False  # deleted
            if not ours:
                self.lost.set()
                raise self._fenced()
            self._record = named
            self._renewed = time.monotonic()
            await failpoints.reach("lease.held")

    async def check(self) -> None:
        """Look once more whether the project is ours; `state` is the newest one afterwards.

        Raises:
            Fenced: it is another's, or we could not say for too long that we live.
            Unavailable: that can't be known now.
        """
        async with self._turn:
            self._still_open()
            await self._not_lost()
            known = await self._held.states.load(self._held.state_id)
            try:
                self._permit(known.state)
            except Fenced:
                self.lost.set()
                raise
            self._known = known

    async def _not_lost(self) -> None:
        if time.monotonic() - self._renewed > LOST_AFTER * self._record.lease_seconds:
            await self._renew()  # we were stopped, or asleep
        if self.lost.is_set():
            raise self._fenced()

    async def let_go(self, *, unless: Callable[[S], bool]) -> S | None:
        """Let go after a last look at the state, in one step; where `unless` holds for it, give it back and keep it in hand.

        Never raises; a second time does nothing.  Who is cancelled meanwhile hears of it when that is done.
        """
        if self._closed or self.lost.is_set() or self._held.at_the_end is None:
            await self.release()
            return None
        look = partial(self._held.at_the_end, self._held.state_id, unless)
        async with self._turn:
            return await whole(self._let_go(look))

    async def _let_go(self, look: Callable[[], S | None]) -> S | None:
        await self._stop_renewing()
        try:
            kept = await hop(self._held.file.let_go, self._record, look, leaving=self._unburied)
        except (ReelqueueError, OSError, Missing) as error:
            kept = None
            self._not_let_go(error)
        if kept is None:
            self._closed = True
        else:
            self._renewing = self._start_renewing()
        return kept

    async def release(self) -> None:
        """Let go: another may take the project over at once.  Never raises; a second time does nothing.

        Who is cancelled meanwhile hears of it when that is done.
        """
        if self._closed:
            return
        self._closed = True
        await whole(self._release())

    async def _release(self) -> None:
        await self._stop_renewing()
        try:
            if self._held.at_the_end is None or self.lost.is_set():
                await hop(self._held.file.release, self._record, leaving=self._unburied)
            else:
                look = partial(self._held.at_the_end, self._held.state_id, _never)
                await hop(self._held.file.let_go, self._record, look, leaving=self._unburied)
        except (ReelqueueError, OSError, Missing) as error:
            self._not_let_go(error)

    @property
    def _unburied(self) -> LeaseRecord | None:
        """The dead owner's record, where we committed nothing: what killed him is still to be told."""
        return self.previous if self._stamp is not None else None

    def _start_renewing(self) -> "asyncio.Task[None]":
        return asyncio.create_task(self._renew_for_ever(), name=f"renew the lease of {self._held.state_id}")

    async def _stop_renewing(self) -> None:
        """In a task of its own: a cancellation that came here would be nobody's."""
        self._renewing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.wait({self._renewing})

    def _not_let_go(self, error: Exception) -> None:
        log.warning("a lease could not be let go; it lapses by itself", id=self._held.state_id, error=str(error))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.release()

    def _permit(self, state: S) -> None:
        if self._stamp is not None:
            if state.fence >= self._stamp.fence:
                raise self._fenced()
        elif (state.fence, state.owner) != (self._record.fence, self._record.owner.name):
            raise self._fenced()

    def _still_open(self) -> None:
        if self._closed:
            raise self._fenced()

    def _fenced(self) -> Fenced:
        number = self._held.state_id
        return Fenced(
            Text(f"{number} 已由另一個工作者接手", f"another worker took {number} over"),
            Text("不需要處理：接手的工作者會繼續", "nothing to do: the other goes on with it"),
        )

    async def _renew_for_ever(self) -> None:
        lease_seconds = self._record.lease_seconds
        pause = min(MOST_SECONDS_BETWEEN, lease_seconds / RENEWALS_PER_LEASE)
        while not self.lost.is_set():
            await asyncio.sleep(pause)
            while not await self._renew() and not self.lost.is_set():
                if time.monotonic() - self._renewed > LOST_AFTER * lease_seconds:
                    self.lost.set()
                await asyncio.sleep(min(RETRY_SECONDS, pause))

    async def _renew(self) -> bool:
        """One renewal; `lost` is set where the record is another's."""
        lease_seconds = self._record.lease_seconds
        left = max(RETRY_SECONDS, LOST_AFTER * lease_seconds - (time.monotonic() - self._renewed))
        started = time.monotonic()
        renewal: asyncio.Future[bool] = asyncio.ensure_future(hop(self._held.file.renew, self._record, threads=BEATS))
        await asyncio.wait({renewal}, timeout=left)
        if not renewal.done():
            renewal.add_done_callback(_seen)  # the disk hangs: the thread stays, we do not
            return self._not_renewed("timed out")
        if (error := renewal.exception()) is not None:
            if not isinstance(error, OSError):  # a bug; were this to end, nobody would renew it, nor know that it is lost
                log.error("bug", id=self._held.state_id, exc_info=error)
            return self._not_renewed(str(error))
        ours = renewal.result()
        if ours:
            self._renewed = started
        else:
            self.lost.set()
        return ours

    def _not_renewed(self, why: str) -> bool:
        log.warning("a lease could not be renewed", id=self._held.state_id, error=why)
        return False


def _never(_state: object) -> bool:
    return False


def _seen(renewal: "asyncio.Future[bool]") -> None:
    if not renewal.cancelled():
        renewal.exception()


class Lease(StateLease[ProjectState]):
    """A project in hand, with its folder and its blobs."""

    def __init__(self, held: Held[ProjectState], previous: LeaseRecord | None, files: ProjectFiles) -> None:
        super().__init__(held, previous)
        self.files = files
        self.blobs = Blobs(files.root, fence=held.record.fence, guard=self._guard)

    async def read_session(self) -> str | None:
        """The upload session's secret; None where there is none.

        Raises:
            Unavailable: it can't be read.
        """
        return await read_secret(self.files.session)

    async def write_session(self, text: str) -> None:
        """Keep the upload session's secret: one written late, over a successor's, would publish a second video.

        Raises:
            Fenced: the project is another's; DiskFull, Unavailable.  The one before is whole.
        """
        await write_secret(self.files.session, text, guard=self._guard)

    async def forget_session(self) -> None:
        """Remove the upload session's secret.

        Raises:
            Fenced: the project is another's; Unavailable.
        """
        await forget_secret(self.files.session, guard=self._guard)

    def _guard(self) -> None:
        """Run by blobs under the folder's lock, in a thread."""
        if not self._held.file.is_ours(self._record):
            TALLY.count(FENCED)
            raise self._fenced()

"""Batches on disk: `batches/<id>/batch_state.json`, by the same rules as projects."""

from collections.abc import Callable, Sequence
from typing import Any, Self

from reelqueue import clock
from reelqueue.errors import BatchNotFound
from reelqueue.models.batch import BatchState
from reelqueue.models.ids import parse_batch_id
from storage import disk
from storage.birth import Key, Nursery
from storage.codec import BATCH_CODEC
from storage.documents import Documents
from storage.holding import Holding
from storage.hop import hop
from storage.lease import StateLease
from storage.liveness import LeaseRecord, Owner, Watch
from storage.paths import BATCH_STATE, LEASE, Paths
from storage.projects import DEFAULT_LEASE_SECONDS
from storage.states import SetAside, States, warn_of_set_aside


class BatchStore:
    """Every batch below one `DATA_DIR`, as one process sees them."""

    def __init__(
        self,
        paths: Paths,
        owner: Owner,
        *,
        lease_seconds: float,
        watch: Watch | None = None,
        on_set_aside: SetAside = warn_of_set_aside,
    ) -> None:
        self.paths = paths
        self._nursery = Nursery(paths.batches, paths.keys, BATCH_STATE)
        self._states = States(Documents(paths.root), BATCH_CODEC, _key, BatchNotFound, on_set_aside)
        self._holding = Holding(
            self._states,
            owner,
            lease_seconds,
            watch or Watch(lease_seconds),
            lambda number: paths.batch(number) / LEASE,
            paths.reserve,
        )

    @classmethod
    def reader(cls, paths: Paths) -> Self:
        """A store for who only reads and never takes a batch over."""
        return cls(paths, Owner.here(), lease_seconds=DEFAULT_LEASE_SECONDS)

    async def create(
        self,
        project_ids: Sequence[int] = (),
        *,
        idempotency_key: str | None = None,
        content: Any = None,
    ) -> BatchState:
        """Make a batch; under a key that was used before for the same content, give that batch back.

        `content` is JSON data that has to be the same under the same key (the briefs); without it the ids are compared.
        The projects may be filled in later, by `change`: each wants to know its batch's id.

        Raises:
            Conflict: the key stands for something else.
            DiskFull: nothing was made.  Unavailable: with a key the same call may be made again.
        """
        asked = list(project_ids) if content is None else content
        key = None if idempotency_key is None else Key.of("batch", idempotency_key, asked)
        now = clock.now()

        def body_of(number: int) -> bytes:
            state = BatchState(batch_id=number, project_ids=tuple(project_ids), created_at=now, updated_at=now)
            return self._states.first_body(state)[0]

        def bear() -> int:
            with disk.translated(self.paths.root):
                self.paths.make()
            return self._nursery.bear(body_of, None, key)

        return await self.load(await hop(bear))

    async def load(self, batch_id: object) -> BatchState:
        """The newest state.

        Raises:
            BatchNotFound: there is none, or the id is malformed.
            NeedsPerson: a newer version wrote it, or it can't be read and there is none before it.
            Unavailable: the disk does not answer.
        """
        return (await self._states.load(parse_batch_id(batch_id))).state

    async def ids(self, *, newest_first: bool = True) -> Sequence[int]:
        """The ids of all batches; the highest is the newest."""
        return sorted(await hop(self._nursery.ids), reverse=newest_first)

    async def take_over(self, batch_id: object) -> StateLease[BatchState]:
        """Have a batch in hand; the lease's first commit raises the fence: a look at it that changes nothing writes nothing.

        Raises:
            BatchNotFound, Busy, NeedsPerson, DiskFull, Unavailable: as for a project; nothing is held.
        """
        held, previous = await self._holding.take(parse_batch_id(batch_id), fence_later=True)
        return StateLease(held, previous)

    async def change(self, batch_id: object, change: Callable[[BatchState], BatchState]) -> BatchState:
        """Commit a change without a lease.  `change` is a pure function of the state.

        Raises:
            BatchNotFound, NeedsPerson: as `load`; whatever `change` raises.
            DiskFull: nothing was written.  Unavailable: it is not known whether it is there.
        """
        return (await self._states.commit(parse_batch_id(batch_id), change, permit=_anything)).state

    async def holder(self, batch_id: object) -> LeaseRecord | None:
        """Who has the batch in hand and may be alive; None where nobody has."""
        return await self._holding.holder(parse_batch_id(batch_id))


def _key(number: int) -> str:
    return f"batches/{number}/{BATCH_STATE}"


def _anything(state: BatchState) -> None:
    """Who has no lease may change any state: `change` itself says what fits."""

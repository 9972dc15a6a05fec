"""Batches on disk: `batches/<id>/batch_state.json`, by the same rules as projects.

What its projects came to lies beside it, in `results.json`: with 5,000 projects it is larger than a state may be.
"""

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

import structlog

from reelqueue import clock, failpoints
from reelqueue.errors import BatchNotFound, DiskFull, NeedsPerson, StorageUnavailable
from reelqueue.models.batch import BatchState
from reelqueue.models.ids import parse_batch_id
from storage import disk
from storage.answers import Missing, Unavailable, busy
from storage.birth import Key, Nursery, other_content
from storage.codec import BATCH_CODEC
from storage.documents import Documents
from storage.holding import Holding
from storage.hop import hop
from storage.lease import StateLease
from storage.listing import Listing, Unread
from storage.liveness import LeaseRecord, Owner, Watch
from storage.paths import BATCH_RESULTS, BATCH_STATE, LEASE, Paths
from storage.projects import DEFAULT_LEASE_SECONDS
from storage.states import SetAside, States, warn_of_set_aside

log = structlog.get_logger(__name__)


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
        self._nursery = Nursery(paths.batches, paths.keys, BATCH_STATE, gone=paths.gone_batches)
        self._states = States(Documents(paths.root), BATCH_CODEC, _key, BatchNotFound, on_set_aside, id_of=_id_of)
        self._holding = Holding(
            self._states,
            owner,
            lease_seconds,
            watch or Watch(lease_seconds),
            lambda number: paths.batch(number) / LEASE,
            paths.reserve,
        )
        self._ended: dict[int, tuple[int, int, int]] = {}

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
        calendar: str | None = None,
        webhook: str | None = None,
    ) -> BatchState:
        """Make a batch; under a key that was used before for the same content, give that batch back.

        `content` is JSON data that has to be the same under the same key (the briefs); without it the ids are compared.
        The projects may be filled in later, by `change`: each wants to know its batch's id.  `calendar` and `webhook` are the
        state's.

        Raises:
            Conflict: the key stands for something else.
            DiskFull: nothing was made.  Unavailable: with a key the same call may be made again.
        """
        asked = list(project_ids) if content is None else content
        key = None if idempotency_key is None else Key.of("batch", idempotency_key, asked)
        now = clock.now()

        def body_of(number: int) -> bytes:
            state = BatchState(
                batch_id=number,
                project_ids=tuple(project_ids),
                calendar=calendar,
                webhook=webhook,
                created_at=now,
                updated_at=now,
            )
            return self._states.first_body(state)[0]

        def bear() -> int:
            with disk.translated(self.paths.root):
                self.paths.make()
            return self._nursery.bear(body_of, None, key)

        return await self.load(await hop(bear))

    async def born(self, idempotency_key: str, content: Any) -> BatchState | None:
        """The batch that was made under this key before; None where none was.

        Raises:
            Conflict: the key stands for something else.
        """
        namesake = await hop(self._nursery.namesake, Key.of("batch", idempotency_key, content))
        if namesake is None:
            return None
        if not namesake.same:
            raise other_content()
        return await self.load(namesake.number)

    async def made_under(self, idempotency_key: str) -> BatchState | None:
        """The batch that was made under this key before, of whatever content; None where none was, or it is gone."""
        namesake = await hop(self._nursery.namesake, Key.of("batch", idempotency_key, None))
        return None if namesake is None or namesake.deleted else await self.load(namesake.number)

    async def load(self, batch_id: object) -> BatchState:
        """The newest state.

        Raises:
            BatchNotFound: there is none, or the id is malformed.
            NeedsPerson: a newer version wrote it, or it can't be read and there is none before it.
            Unavailable: the disk does not answer.
        """
        return (await self._states.load(parse_batch_id(batch_id))).state

    def webhook_of(self, batch_id: int) -> str | None:
        """The address that a batch names to be told, read in the caller's thread; None where there is none.

        Raises:
            Unavailable: the disk does not answer.
        """
        known = self._states.peek(batch_id)
        return known.state.webhook if known is not None else None

    async def delete(self, batch_id: object) -> None:
        """Remove a batch; its id is never used again, its idempotency key may be.  Its projects, if there are any, stay.

        Raises:
            BatchNotFound: there is none.
            Busy: somebody who may be alive holds it.
            Unavailable: it may be gone or not.
        """
        number = parse_batch_id(batch_id)
        if await self._holding.holder(number) is not None:
            raise busy(number)
        try:
            await hop(self._delete, number)
        except Missing:
            raise BatchNotFound(batch_id) from None

    def _delete(self, number: int) -> None:
        disk.make_folder(self.paths.gone_batches)
        self._nursery.forget_key(number)
        aside = self._nursery.bury(number)
        shutil.rmtree(aside, ignore_errors=True)

    async def ids(self, *, newest_first: bool = True) -> Sequence[int]:
        """The ids of all batches; the highest is the newest."""
        return sorted(await hop(self._nursery.ids), reverse=newest_first)

    async def list(self, *, limit: int = 100, after: int | None = None) -> Sequence[BatchState]:
        """As `listing`; one that can't be read is left out."""
        return (await self.listing(limit=limit, after=after)).states

    async def listing(self, *, limit: int = 100, after: int | None = None) -> Listing[BatchState]:
        """States, newest first; `after` is the id of the last one seen.

        Raises:
            Unavailable: the disk does not answer.
        """
        found, unread = list[BatchState](), list[Unread]()
        for number in await self.ids():
            if len(found) >= limit:
                break
            if after is None or number < after:
                try:
                    found.append(await self.load(number))
                except BatchNotFound:  # deleted since
                    continue
                except (NeedsPerson, DiskFull, StorageUnavailable) as error:
                    unread.append(Unread.of(number, error))
        return Listing(found, unread)

    async def unfinished(self) -> Sequence[int]:
        """The ids of the batches that are under way, oldest first.  One whose file did not change since it rested is not read.

        Raises:
            Unavailable: the disk does not answer.
        """
        return sorted(await hop(self._under_way))

    async def results(self, batch_id: object) -> Sequence[dict[str, Any]]:
        """What its projects came to when it ended last: `{project_id, status, video_id or error}` each; none before that.

        Raises:
            BatchNotFound, NeedsPerson, Unavailable: as `load`.
        """
        state = await self.load(batch_id)
        try:
            found: Any = json.loads(await hop(disk.read, self.paths.batch(state.batch_id) / BATCH_RESULTS))
        except (Missing, ValueError, RecursionError):  # a version before 0.4 kept them in the state
            return list(state.results)
        sound = isinstance(found, list) and all(isinstance(line, dict) for line in found)
        return found if sound else list(state.results)

    async def keep_results(self, batch_id: object, results: Sequence[Mapping[str, Any]]) -> None:
        """Write what its projects came to; before the commit that says that it ended.

        Raises:
            BatchNotFound: it is gone.  DiskFull: nothing was written.  Unavailable: it may be there or not.
        """
        number = parse_batch_id(batch_id)
        body = json.dumps([dict(line) for line in results], ensure_ascii=False).encode()
        path = self.paths.batch(number) / BATCH_RESULTS

        def write() -> None:
            with disk.locked(path.parent), disk.translated(path):
                disk.sweep_parts(path)
                disk.place(path, body)
                failpoints.hit("batch.results")

        try:
            await hop(write)
        except Missing:
            raise BatchNotFound(number) from None

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

    def _under_way(self) -> Sequence[int]:
        there = self._nursery.ids()
        self._ended = {number: seen for number, seen in self._ended.items() if number in set(there)}
        return [number for number in there if self._is_under_way(number)]

    def _is_under_way(self, number: int) -> bool:
        """Whether its job should be there; where that can't be known now, it should not."""
        try:
            status = (self.paths.batch(number) / BATCH_STATE).stat()
        except OSError:
            return False
        seen = (status.st_mtime_ns, status.st_ino, status.st_size)
        if self._ended.get(number) == seen:
            return False
        try:
            known = self._states.peek(number)
        except Unavailable as error:
            log.warning("batch_unreadable", batch_id=number, error=error.message)
            return False
        if known is None:  # `load` sets it aside, or says what is wrong with it
            return True
        if known.state.is_under_way:
            return True
        self._ended[number] = seen
        return False


def _key(number: int) -> str:
    return f"batches/{number}/{BATCH_STATE}"


def _id_of(state: BatchState) -> int:
    return state.batch_id


def _anything(state: BatchState) -> None:
    """Who has no lease may change any state: `change` itself says what fits."""

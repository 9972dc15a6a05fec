"""Projects on disk: the truth.  A job in the queue is only a hint; `project_state.json` decides.

An unfinished project always has a marker `open/<id>`: it is made before the state, and taken away after the last
commit and the last event (`unmark`, which a lease does when it lets go).
"""

import contextlib
import shutil
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Self

from reelqueue import clock, failpoints
from reelqueue.errors import DiskFull, NeedsPerson, ProjectNotFound, StorageUnavailable
from reelqueue.models.brief import Brief, parse_brief
from reelqueue.models.ids import parse_project_id
from reelqueue.models.project import ProjectState
from reelqueue.models.stage import ProjectStatus
from storage import disk, reserve
from storage.answers import Missing, Unavailable, busy
from storage.birth import Key, Namesake, Nursery
from storage.codec import PROJECT_CODEC
from storage.documents import Documents
from storage.holding import Glance, Holding
from storage.hop import hop
from storage.lease import Lease
from storage.listing import Listing, Unread
from storage.liveness import LeaseRecord, Owner, Watch
from storage.migrations import FromTheFuture, Unreadable
from storage.outlines import NEVER, Outline, Outlines
from storage.paths import STATE, Paths
from storage.states import SetAside, States, warn_of_set_aside

DEFAULT_LEASE_SECONDS = 15.0
LISTED_AT_ONCE = 200
"""So many projects are looked at before any of them is read whole."""
OnRest = Callable[[ProjectState], bool]
"""Told of a project that waits or has ended, under its lock and before its marker goes; False keeps the marker: it is told again."""


class ProjectStore:
    """Every project below one `DATA_DIR`, as one process sees them."""

    def __init__(
        self,
        paths: Paths,
        owner: Owner,
        *,
        lease_seconds: float,
        watch: Watch | None = None,
        on_set_aside: SetAside = warn_of_set_aside,
        on_rest: OnRest | None = None,
    ) -> None:
        self.paths = paths
        self._on_rest = on_rest
        self._documents = Documents(paths.root)
        self._nursery = Nursery(paths.projects, paths.keys, STATE, gone=paths.gone, markers=paths.open)
        self._states = States(
            self._documents, PROJECT_CODEC, _key, ProjectNotFound, on_set_aside, self._mark_unfinished, id_of=_id_of
        )
        self._outlines = Outlines(lambda number: f"{paths.projects}/{number}/{STATE}")
        self._holding = Holding(
            self._states,
            owner,
            lease_seconds,
            watch or Watch(lease_seconds),
            lambda number: paths.project(number).lease,
            paths.reserve,
            before_write=self._mark_unfinished,
            at_the_end=self._last_look,
            ready=self._ready,
        )

    @classmethod
    def reader(cls, paths: Paths) -> Self:
        """A store for who only reads and never takes a project over."""
        return cls(paths, Owner.here(), lease_seconds=DEFAULT_LEASE_SECONDS)

    async def create(
        self,
        brief: Any,
        *,
        project_id: object = None,
        idempotency_key: str | None = None,
        batch_id: int | None = None,
    ) -> ProjectState:
        """Make a project; under a key that was used before for the same brief, give that project back.

        Raises:
            InvalidBrief: names the field.
            ProjectNotFound: `project_id` is no id.
            Conflict: the id is taken or was taken once, or the key stands for something else.
            DiskFull: nothing was made.  Unavailable: with a key the same call may be made again.
        """
        parsed = parse_brief(brief)
        wanted = None if project_id is None else parse_project_id(project_id)
        key = None if idempotency_key is None else _named(idempotency_key, parsed)
        body_of = partial(self._first_body, parsed, batch_id)

        def bear() -> int:
            self._make_ready()
            return self._nursery.bear(body_of, wanted, key)

        return await self.load(await hop(bear))

    async def create_many(self, asked: Sequence[tuple[Brief, str]], *, batch_id: int) -> Sequence[int]:
        """Make a batch's projects, each under its idempotency key; those that were made before are not made again.

        Returns the ids of those that belong to this batch, in their order: who was made for something else is left out.

        Raises:
            as `create`; some of them may be made then: the same call makes the rest.
        """
        births = [(partial(self._first_body, brief, batch_id), _named(key, brief)) for brief, key in asked]

        def bear() -> Sequence[tuple[int, bool]]:
            self._make_ready()
            return self._nursery.bear_many(births)

        found = await hop(bear)
        return [number for number, is_new in found if is_new or (await self.load(number)).batch_id == batch_id]

    async def namesakes(self, asked: Iterable[tuple[str, Brief]]) -> Sequence[Namesake | None]:
        """Who was made before under each of these idempotency keys, and whether from the same brief; None where nobody was.

        Raises:
            InvalidBrief: a key is no printable text.  Unavailable: the disk does not answer.
        """
        keys = [_named(key, brief) for key, brief in asked]
        return await hop(lambda: [self._nursery.namesake(key) for key in keys])

    async def is_free(self, project_id: int) -> bool:
        """Whether a project may be made under this id: none is there, and none was deleted."""
        return await hop(self._nursery.is_free, project_id)

    async def adopted(self, identity: str) -> int | None:
        """The id under which what bears this identity was adopted and still is here; None where it was not."""
        return await hop(self._nursery.born, _identified(identity))

    async def adopt(
        self, prepared: Path, identity: str, state_of: Callable[[int], ProjectState], *, project_id: int | None = None
    ) -> ProjectState:
        """Make a project of a folder that was prepared in `incoming`: it appears whole, with its files, or not at all.

        `identity` names what it was elsewhere: it is adopted once.  `state_of` gives the state for the id it gets.

        Raises:
            Conflict: the id is taken or was taken once, or what bears the identity was adopted and deleted.
            DiskFull, Unavailable: nothing was made.
        """

        def body_of(number: int) -> bytes:
            return self._states.first_body(state_of(number))[0]

        number = await hop(self._nursery.bear, body_of, project_id, _identified(identity), prepared)
        await self.unmark(number)  # one that had ended elsewhere is no work
        return await self.load(number)

    async def load(self, project_id: object) -> ProjectState:
        """The newest state.

        Raises:
            ProjectNotFound: there is none, or the id is malformed.
            NeedsPerson: a newer version wrote it, or it can't be read and there is none before it.
            Unavailable: the disk does not answer.
        """
        return (await self._states.load(parse_project_id(project_id))).state

    async def ids(self, *, newest_first: bool = True) -> list[int]:
        """The ids of all projects; the highest is the newest."""
        return sorted(await hop(self._nursery.ids), reverse=newest_first)

    async def list(
        self,
        *,
        status: str | None = None,
        batch_id: int | None = None,
        limit: int = 100,
        after: int | None = None,
    ) -> Sequence[ProjectState]:
        """As `listing`; one that can't be read is left out."""
        return (await self.listing(status=status, batch_id=batch_id, limit=limit, after=after)).states

    async def listing(
        self,
        *,
        status: str | None = None,
        batch_id: int | None = None,
        limit: int = 100,
        after: int | None = None,
    ) -> Listing[ProjectState]:
        """States, newest first; `after` is the id of the last one seen.  One that can't be read needs a person, and is of no batch.

        Raises:
            ValueError: `status` is none of a project's.
            Unavailable: the disk does not answer.
        """
        wanted = None if status is None else ProjectStatus(status)
        numbers = [number for number in await self.ids() if after is None or number < after]
        found, unread = list[ProjectState](), list[Unread]()
        for start in range(0, len(numbers), LISTED_AT_ONCE):
            if len(found) >= limit:
                break
            page = numbers[start : start + LISTED_AT_ONCE]
            outlines = await self.outlines(page)  # a small part of what whole states take
            for number in page:
                known = outlines[number]
                if (
                    known is None
                    or len(found) >= limit
                    or wanted not in {None, known.status}
                    or batch_id not in {None, known.batch_id}
                ):
                    continue
                _sort_in(await self._whole(number), found, unread)
        return Listing(found, unread)

    async def some(self, project_ids: Sequence[int]) -> Listing[ProjectState]:
        """The newest states of these, in their order, by one look; one that is gone is left out.

        Raises:
            Unavailable: the disk does not answer.
        """
        seen = await hop(lambda: [self._peeked(number) for number in project_ids])
        found, unread = list[ProjectState](), list[Unread]()
        for number, known in zip(project_ids, seen, strict=True):
            _sort_in(known or await self._whole(number), found, unread)
        return Listing(found, unread)

    def _peeked(self, number: int) -> ProjectState | None:
        try:
            known = self._states.peek(number)
        except Unavailable:  # looked at once more, with all that may be wrong with it
            return None
        return known.state if known is not None else None

    async def _whole(self, number: int) -> ProjectState | Unread | None:
        """A state, or why it can't be read; None where it is gone."""
        try:
            return await self.load(number)
        except ProjectNotFound:
            return None
        except (NeedsPerson, DiskFull, StorageUnavailable) as error:
            return Unread.of(number, error)

    async def unfinished(self) -> Sequence[int]:
        """The ids that are marked as not ended, oldest first.  One that ended just now may be among them: see `unmark`."""
        return sorted(await hop(self._nursery.marked))

    async def outlines(self, project_ids: Iterable[int]) -> dict[int, Outline | None]:
        """What happens next with each of these projects; None for one that is deleted.  One that can't be read is `is_unreadable`.

        Raises:
            Unavailable: the disk does not answer.
        """
        found, odd = await hop(self._outlines.look, list(project_ids))
        for number in odd:
            whole = await self._whole(number)
            if isinstance(whole, Unread):
                found[number] = Outline.unreadable(number, whole.error, await hop(_written_at, self.paths.project(number).state))
            else:
                found[number] = None if whole is None else Outline.of(whole)
        return found

    async def look(self, project_id: object) -> Glance[ProjectState]:
        """The newest state and whether somebody has it in hand, by one look at the disk.

        Raises:
            as `load`.
        """
        return await self._holding.look(parse_project_id(project_id))

    async def take_over(
        self, project_id: object, glance: Glance[ProjectState] | None = None, *, fence_later: bool = False
    ) -> Lease:
        """Have a project in hand: nobody else's commit passes from here on.  A `glance` of a moment ago spares a look.

        `fence_later`: from the lease's first commit on; it is refused (`Busy`) where the state is not that of the glance.

        Raises:
            ProjectNotFound: there is none, or the id is malformed.
            Busy: somebody who may be alive holds it.
            NeedsPerson, DiskFull, Unavailable: see `load`; nothing is held.
        """
        number = parse_project_id(project_id)
        held, previous = await self._holding.take(number, glance, fence_later=fence_later)
        return Lease(held, previous, self.paths.project(number))

    async def change(self, project_id: object, change: Callable[[ProjectState], ProjectState]) -> ProjectState:
        """Commit a change without a lease: to cancel, approve, retry or start.  `change` is a pure function of the state.

        The holder of a lease finds the change at its next commit or check.  One that is cancelled is kept twice: the state before
        would go on, and be published, where a disk spoils the newest.

        Raises:
            ProjectNotFound, NeedsPerson: as `load`; whatever `change` raises.
            DiskFull: nothing was written.  Unavailable: it is not known whether it is there.
        """
        number = parse_project_id(project_id)
        known = await self._states.commit(number, change, permit=_anything, before_write=self._mark_unfinished)
        if known.state.status is ProjectStatus.CANCELLED:
            with contextlib.suppress(Missing, DiskFull, Unavailable):  # it stands; the second copy is for a disk that lies
                await hop(disk.double, self.paths.project(number).state)
        return known.state

    async def unmark(self, project_id: object) -> None:
        """Take the marker of an ended project away, after its last event; that of another stays.

        A lease does it when it lets go; who ends a project without one, or finds an ended one in `unfinished`, calls it.  So
        does who finds one that waits of which nothing was told: `on_rest` hears of it.

        Raises:
            Unavailable: the marker may still be there.
        """
        number = parse_project_id(project_id)
        await hop(self._unmark_if_ended, number)

    async def is_gone(self, project_id: object) -> bool:
        """Whether a project had this id and was deleted.  Raises ProjectNotFound: the id is malformed."""
        return await hop((self.paths.gone / str(parse_project_id(project_id))).exists)

    async def delete(self, project_id: object, *, lease: Lease | None = None) -> None:
        """Remove a project and leave a tombstone: its id is never used again.  What it published stays.

        `lease` is that of who has it in hand already; it is over then.

        Raises:
            ProjectNotFound: there is none, or the id is malformed.
            Busy: somebody who may be alive holds it.
            Unavailable: it may be gone or not.
        """
        number = parse_project_id(project_id)
        if not await hop(self.paths.project(number).root.is_dir):
            raise ProjectNotFound(project_id)
        if lease is not None:
            await lease.check()
        elif await self._holding.holder(number) is not None:
            raise busy(number)
        try:
            await hop(self._delete, number)
        except Missing:
            raise ProjectNotFound(project_id) from None
        if lease is not None:
            lease.lost.set()  # nothing is left to be let go

    async def holder(self, project_id: object) -> LeaseRecord | None:
        """Who has the project in hand and may be alive, and which piece; None where nobody has."""
        return await self._holding.holder(parse_project_id(project_id))

    async def holders(self, project_ids: Sequence[int]) -> dict[int, LeaseRecord]:
        """The same of many at one look; whom nobody has is not among them.  Raises Unavailable."""
        return await self._holding.holders(project_ids)

    def _first_body(self, brief: Brief, batch_id: int | None, number: int) -> bytes:
        now = clock.now()
        state = ProjectState(project_id=number, brief=brief, batch_id=batch_id, created_at=now, updated_at=now)
        return self._states.first_body(state)[0]

    def _make_ready(self) -> None:
        with disk.translated(self.paths.root):
            self.paths.make()
        reserve.keep(self.paths.reserve)

    def _mark_unfinished(self, state: ProjectState) -> None:
        if not state.status.is_final:
            self._nursery.mark(state.project_id)

    def _unmark_if_ended(self, number: int) -> None:
        try:
            with disk.locked(self.paths.project(number).root):
                self._last_look(number, _no_state)
        except Missing:
            self._nursery.unmark_if_not_there(number)

    def _last_look(self, number: int, unless: Callable[[ProjectState], bool]) -> ProjectState | None:
        """Under the folder's lock: take the marker of an ended project away; a state that `unless` holds for is given back."""
        path = self.paths.project(number).state
        try:
            with disk.translated(path):
                state = PROJECT_CODEC.decode(path.read_bytes())
        except (Unreadable, FromTheFuture):
            return None  # a person has to look at it
        if state.project_id != number:
            return None  # likewise: what is told of it would be told of another
        if unless(state):
            return state
        # One that ended long ago is taken in hand for captions that follow, or to be cleaned: its end is no news.
        news = state.status.is_waiting or (state.status.is_final and self._nursery.is_marked(number))
        told = not news or self._on_rest is None or self._on_rest(state)
        if told and state.status.is_final:
            failpoints.hit("lease.rested")
            self._nursery.unmark(number)
            failpoints.hit("lease.unmarked")
        return None

    def _ready(self, number: int) -> None:
        files = self.paths.project(number)
        reserve.keep(self.paths.reserve)
        with disk.translated(files.root):
            files.make()

    def _delete(self, number: int) -> None:
        try:
            aside = self._nursery.bury(number)
        except DiskFull:
            reserve.give_up(self.paths.reserve)  # who deletes makes room: a tombstone is all that has to be written
            aside = self._nursery.bury(number)
        self._nursery.unmark(number)
        failpoints.hit("delete.unmarked")
        (self.paths.owed / str(number)).unlink(missing_ok=True)  # what is gone is owed nothing
        shutil.rmtree(aside, ignore_errors=True)


def _key(number: int) -> str:
    return f"projects/{number}/{STATE}"


def _id_of(state: ProjectState) -> int:
    return state.project_id


def _named(key: str, brief: Brief) -> Key:
    return Key.of("project", key, brief.model_dump(mode="json"))


def _identified(identity: str) -> Key:
    return Key.of("adopted", identity, identity)


def _written_at(path: Path) -> datetime:
    """When a state's file was last written; where there is none, its folder."""
    for there in (path, path.parent):
        with contextlib.suppress(OSError, OverflowError):
            return datetime.fromtimestamp(there.stat().st_mtime, UTC)
    return NEVER


def _sort_in(whole: ProjectState | Unread | None, found: list[ProjectState], unread: list[Unread]) -> None:
    if isinstance(whole, Unread):
        unread.append(whole)
    elif whole is not None:
        found.append(whole)


def _no_state(_state: ProjectState) -> bool:
    return False


def _anything(state: ProjectState) -> None:
    """Who has no lease may change any state: `change` itself says what fits."""

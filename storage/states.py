"""States on disk: load one, and commit a change of one.  The rules are the same for projects and batches.

A commit reads, checks, applies a pure function and replaces the document only if it still is the one that was read;
if a change by somebody else came between, the function is applied again to the newest state.
"""

import contextlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Generic

import structlog

from reelqueue import clock, failpoints
from reelqueue.errors import DiskFull, NeedsPerson, ReelqueueError
from reelqueue.models.batch import BatchState
from reelqueue.models.project import ProjectState
from reelqueue.wording import Text
from storage import disk
from storage.answers import Missing, Stale, Unavailable
from storage.codec import MAX_STATE_BYTES, Codec, S
from storage.documents import Documents, Version
from storage.hop import hop
from storage.migrations import FromAnotherSystem, FromTheFuture, Unreadable
from storage.paths import STATE

RECENT = 16
"""How many `write_id`s a state keeps."""
MOST_TRIES = 100
"""Of one commit: each lost race means that somebody else's commit landed."""
SetAside = Callable[[Path, Path | None], None]
"""Told of a state that could not be read: where it lies now, and the one restored in its place (None: there was none)."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Known(Generic[S]):
    """A state, and which body of its document it was."""

    state: S
    version: Version


@dataclass(frozen=True, slots=True)
class Stamp:
    """Whose commit it is: a take-over's new fence and owner."""

    fence: int
    owner: str


def warn_of_set_aside(aside: Path, restored: Path | None) -> None:
    """The default `SetAside`: a warning in the log."""
    log.warning("a state could not be read and was set aside", set_aside=str(aside), restored=str(restored) if restored else None)


class States(Generic[S]):
    """The states of one kind; `key` names the document of an id, `unknown` is the error for an id without one, `id_of` whose a state is."""

    def __init__(
        self,
        documents: Documents,
        codec: Codec[S],
        key: Callable[[int], str],
        unknown: Callable[[int], ReelqueueError],
        on_set_aside: SetAside = warn_of_set_aside,
        before_restore: Callable[[S], None] = lambda _state: None,
        *,
        id_of: Callable[[S], int],
    ) -> None:
        self.documents = documents
        self._codec: Codec[S] = codec
        self._key = key
        self.unknown = unknown
        self._on_set_aside = on_set_aside
        self._before_restore: Callable[[S], None] = before_restore
        self._id_of: Callable[[S], int] = id_of

    async def load(self, state_id: int) -> Known[S]:
        """The newest state.

        A state that can't be read is set aside and the one before it put in its place, with a fence that nobody
        holds; that is reported, and logged.

        Raises:
            the error for unknown ids; Unavailable: the disk does not answer.
            NeedsPerson: a newer version wrote it, or it is another id's (the file stays as it is); or it can't be read and none is
                before it.
        """
        key = self._key(state_id)
        for _ in range(MOST_TRIES):
            try:
                body, version = await self.documents.load(key)
                state = self._codec.decode(body)
                if self._id_of(state) != state_id:
                    raise _of_another(self.documents.path(key), self._id_of(state), state_id)
                return Known(state, version)
            except Missing:
                if not await self._put_back(state_id):
                    raise await self._nothing_there(state_id) from None
            except FromTheFuture as error:
                raise _from_the_future(self.documents.path(key), error) from error
            except Unreadable:
                await self._set_aside(state_id, version)
        raise Unavailable(key, "it can't be read")

    def peek(self, state_id: int) -> Known[S] | None:
        """The newest state, read in the caller's own thread; None where `load` has to look at what is wrong.

        Raises:
            Unavailable: the disk does not answer.
        """
        try:
            body = disk.read(self.documents.path(self._key(state_id)))
            state = self._codec.decode(body)
        except (Missing, FromTheFuture, Unreadable):
            return None
        return Known(state, Version(disk.version_of(body))) if self._id_of(state) == state_id else None

    async def commit(
        self,
        state_id: int,
        change: Callable[[S], S],
        *,
        permit: Callable[[S], None],
        known: Known[S] | None = None,
        stamp: Stamp | None = None,
        before_write: Callable[[S], None] | None = None,
        only_known: bool = False,
    ) -> Known[S]:
        """Commit `change` of the newest state.

        `permit` looks at the state that is about to be changed and raises if that may not be.  `known` saves a read.
        `before_write` runs in the hop, under the lock, right before the new state is written.  Without `known` and
        `stamp` a change that gives back the very same object is not written.  A state that rests (waits, or has ended)
        is tried once more when the disk was full: the reserve is for it.

        Raises:
            whatever `permit` and `change` raise; DiskFull: nothing was written.
            Unavailable: it is not known whether the change is there.
            Stale: with `only_known`, it is another state by now; nothing was written.
        """
        spare_space = True
        spare_reading = known is None and stamp is None
        for _ in range(MOST_TRIES):
            known = known or await self.load(state_id)
            permit(known.state)
            changed = change(known.state)
            if spare_reading and changed is known.state:
                return known
            body, state = self._codec.encode(_stamped(known.state, changed, stamp))
            if len(body) > MAX_STATE_BYTES:
                log.warning("a state is larger than it should be", key=self._key(state_id), bytes=len(body))
            first = None if before_write is None else partial(before_write, state)
            try:
                await failpoints.reach("state.committing")
                version = await self.documents.replace(self._key(state_id), body, known.version, fence=state.fence, first=first)
            except Stale:
                if only_known:
                    raise
                known = None
            except DiskFull:
                if not (_rests(state) and spare_space):
                    raise
                spare_space = False  # the reserve was given up just now, for this
            except Missing:
                raise await self._nothing_there(state_id) from None
            else:
                await failpoints.reach("state.committed")
                return Known(state, version)
        raise Unavailable(self._key(state_id), "others were always faster")

    def first_body(self, state: S) -> tuple[bytes, S]:
        """A new state as bytes and as a reader will find it."""
        write_id = secrets.token_hex(8)
        return self._codec.encode(state.replace(revision=1, write_id=write_id, recent=(write_id,)))

    async def _nothing_there(self, state_id: int) -> ReelqueueError:
        path = self.documents.path(self._key(state_id))
        aside = await hop(_set_aside_before, path)
        if aside:
            return _unreadable(path, aside[-1])
        return _lost(path) if await hop(path.parent.is_dir) else self.unknown(state_id)

    async def _put_back(self, state_id: int) -> bool:
        """Put the state before in place of one that is gone from its folder; whether there was one, or it is there by now."""
        path = self.documents.path(self._key(state_id))
        try:
            put_back = await hop(self._put_previous_back, path, state_id)
        except Missing:  # the folder is gone, too
            return False
        if put_back is True:
            log.warning("a state was gone, and the one before was put in its place", restored=str(path))
        return put_back is not None

    def _put_previous_back(self, path: Path, state_id: int) -> bool | None:
        """True: it was; False: it is there again by another's hand; None: there is none."""
        with disk.locked(path.parent), disk.translated(path):
            with contextlib.suppress(FileNotFoundError):
                path.stat()  # asked by `exists`, one on a disk that does not answer might be none, and be written over
                return False
            before = self._previous(path, state_id)
            if before is None:
                return None
            self._before_restore(before)
            disk.place(path, self._codec.encode(before)[0])
            return True

    async def _set_aside(self, state_id: int, version: Version) -> None:
        path = self.documents.path(self._key(state_id))
        try:
            moved = await hop(self._swap_in_previous, path, version, state_id)
        except Missing:  # somebody else set it aside just now, and there was none before it
            return
        if moved is not None:
            self._on_set_aside(*moved)

    def _swap_in_previous(self, path: Path, version: Version, state_id: int) -> tuple[Path, Path | None] | None:
        """Set the unreadable file aside, put the one before it in its place.  None where somebody else did so already."""
        with disk.locked(path.parent), disk.translated(path):
            if disk.version_of(path.read_bytes()) != version:
                return None
            restored = self._previous(path, state_id)
            aside = path.with_name(f"{path.name}.corrupt-{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}")
            if restored is None:
                path.replace(aside)
                disk.sync_folder(path.parent)
                return aside, None
            disk.twin(path, aside)  # so that a crash here leaves the bad file in both places, never in none
            failpoints.hit("state.aside")
            self._before_restore(restored)
            disk.place(path, self._codec.encode(restored)[0])
            return aside, path

    def _previous(self, path: Path, state_id: int) -> S | None:
        """The state before, with a revision and a fence above those that were lost; None where it is no better."""
        try:
            state: S = self._codec.decode(path.with_name(f"{path.name}.prev").read_bytes())
        except (FileNotFoundError, Unreadable, FromTheFuture):
            return None
        if self._id_of(state) != state_id:
            return None
        write_id = secrets.token_hex(8)
        return state.replace(
            revision=state.revision + 2,
            fence=state.fence + 2,  # the lost one may have been a take-over: no living owner may hold this fence
            owner=None,
            write_id=write_id,
            recent=(*state.recent, write_id)[-RECENT:],
        )


def _stamped(old: S, new: S, stamp: Stamp | None) -> S:
    write_id = secrets.token_hex(8)
    return new.replace(
        revision=old.revision + 1,
        fence=stamp.fence if stamp else old.fence,
        owner=stamp.owner if stamp else old.owner,
        write_id=write_id,
        recent=(*old.recent, write_id)[-RECENT:],
        updated_at=clock.now(),
    )


def _rests(state: ProjectState | BatchState) -> bool:
    """Whether it is a last word: nothing runs in this state, so it has to be written even on a full disk."""
    return state.status not in {"created", "queued", "running"}


def _set_aside_before(path: Path) -> list[Path]:
    return sorted(path.parent.glob(f"{path.name}.corrupt-*"))


def _from_the_future(path: Path, error: FromTheFuture) -> NeedsPerson:
    if isinstance(error, FromAnotherSystem):
        return NeedsPerson(
            Text(f"{path} 是 Celery 系統的狀態，檔案沒有被更動", f"{path} is a state of the Celery system; it was left as it is"),
            Text(
                "把 DATA_DIR 設成另一個資料夾，再用 reelqueue import 匯入",
                "set DATA_DIR to another folder, then reelqueue import takes it over",
            ),
        )
    return NeedsPerson(
        Text(f"{path} 是由較新的版本寫入的（{error}）", f"{path} was written by a newer version ({error})"),
        Text("請升級 reelqueue 後再試；檔案沒有被更動", "upgrade reelqueue and try again; the file was left as it is"),
    )


def _unreadable(path: Path, aside: Path) -> NeedsPerson:
    return NeedsPerson(
        Text(f"{path} 無法讀取，已移到 {aside.name}", f"{path} could not be read and was set aside as {aside.name}"),
        _from_a_backup(path),
    )


def _lost(path: Path) -> NeedsPerson:
    return NeedsPerson(Text(f"{path} 不見了", f"{path} is gone"), _from_a_backup(path))


def _from_a_backup(path: Path) -> Text:
    zh, en = ("這個專案", "the project") if path.name == STATE else ("這個批次", "the batch")
    folder = path.parent  # as a whole: a state knows its pieces by their hash
    return Text(
        f"請從備份還原整個資料夾 {folder}（docs/operations.md 的 Restore），或刪除{zh}",
        f"restore the whole folder {folder} from a backup (docs/operations.md, Restore), or delete {en}",
    )


def _of_another(path: Path, found: int, asked: int) -> NeedsPerson:
    """Whoever copies or renames a folder by hand has one state under two ids: what is done to one must not befall the other."""
    return NeedsPerson(
        Text(
            f"{path} 是編號 {found} 的狀態，不是編號 {asked} 的：資料夾被複製或改名了；檔案沒有被更動",
            f"{path} is the state of {found}, not of {asked}: its folder was copied or renamed; nothing was changed",
        ),
        Text(
            f"把這個資料夾移出 DATA_DIR，或改回原名 {found}，或刪除編號 {asked}",
            f"move the folder out of DATA_DIR, or give it its name {found} again, or delete {asked}",
        ),
    )

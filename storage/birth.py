"""How a project or a batch comes to be: its folder appears whole, under an id that nobody has had before.

The folder is made aside with its state in it and renamed into place, so an id is never taken by half a project.  Around
it, in this order: the idempotency key (it names the id), the marker `open/<id>`, the folder.  A crash between any two
is mended by the next create under the same key, or leaves a marker that leads nowhere.
"""

import hashlib
import itertools
import json
import os
import re
import secrets
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import structlog

from reelqueue import failpoints
from reelqueue.errors import Conflict, InvalidBrief
from reelqueue.wording import Text
from storage import disk
from storage.answers import Missing, Unavailable

ID_LIMIT = 10**15
"""Ids that we choose stay below; larger ones are an app's own."""
_ID = re.compile(r"[1-9][0-9]{0,15}", re.ASCII)
_HASH = re.compile(r"[0-9a-f]{64}", re.ASCII)
UNKNOWN = "?"
"""In place of a key that a disk spoilt."""
KEY_FILE = "key"
"""In a project's folder: the hash of the idempotency key it was made under."""


log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Key:
    """An idempotency key and what is asked for under it, both as hashes."""

    hash: str
    content: str

    @classmethod
    def of(cls, kind: str, key: str, content: Any) -> "Key":
        """The key of a create; `kind` keeps projects' and batches' keys apart.

        Raises:
            InvalidBrief: the key is no text; an empty one would be everybody's.
        """
        if not isinstance(key, str) or not key.strip() or not key.isprintable():
            raise InvalidBrief("idempotency_key", Text("可列印、不空白的文字", "printable text that is not blank"), key)
        canonical = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        return cls(hashlib.sha256(f"{kind}\0{key}".encode()).hexdigest(), hashlib.sha256(canonical.encode()).hexdigest())


@dataclass(slots=True)
class _Highest:
    """The highest id that was found, and when its folder had been written to then."""

    number: int = 0
    seen: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class Namesake:
    """Who was made under an idempotency key before: its id, whether of the `same` content, whether it was `deleted` since."""

    number: int
    same: bool
    deleted: bool


@dataclass(frozen=True, slots=True)
class Birth:
    """One that is being made: its id, its key, its state, and the folder that becomes its own."""

    number: int
    key: Key
    body: bytes
    aside: Path


@dataclass(frozen=True, slots=True)
class Nursery:
    """Where the folders of one kind lie.  All synchronous: one thread hop, one creation at a time."""

    folders: Path
    keys: Path
    state_name: str
    gone: Path | None = None
    markers: Path | None = None
    _highest: _Highest = field(default_factory=_Highest, init=False, repr=False, compare=False)

    def bear(self, body_of: Callable[[int], bytes], wanted: int | None, key: Key | None, prepared: Path | None = None) -> int:
        """Make the folder of a new id with its state in it; the id of the one made before under the same key.

        `prepared` is a folder on the same file system whose files the new one begins with: it becomes the new one.

        Raises:
            Conflict: the wanted id is taken, or something else was made under the key.
            DiskFull, Unavailable: nothing was made, or a marker that leads nowhere.
        """
        with disk.locked(self.folders), disk.translated(self.folders):
            number = wanted
            if key is not None:
                number, born = self._named_by(key, wanted)
                if born:
                    return number
            elif number is None:
                number = self._next_id()
            elif self._is_taken(number):
                raise _taken(number)
            self._make(number, body_of(number), key, prepared)
            return number

    def bear_many(self, asked: Sequence[tuple[Callable[[int], bytes], Key]]) -> list[tuple[int, bool]]:
        """Make many as `bear` makes one, with their writes brought to the disk together; the id of each, and whether it is new.

        Raises:
            Conflict: something else was made under a key.
            DiskFull, Unavailable: some of them may be made: the same call makes the rest.
        """
        with disk.locked(self.folders), disk.translated(self.folders):
            known = {key.hash: self._known_by(key, None) for _, key in asked}
            found = {name: (number, False) for name, (number, born) in known.items() if born and number is not None}
            taken, next_id, births = {number for number, _ in found.values()}, self._next_id(), []
            for body_of, key in asked:
                if key.hash in found:  # it is there, or twice in the list
                    continue
                number, _ = known[key.hash]
                if number is None or number in taken:  # what died after its key may name the id that another one gets
                    number = next(free for free in itertools.count(next_id) if free not in taken)
                    self._name(key, number, durable=False)
                taken.add(number)
                found[key.hash] = (number, True)
                births.append(Birth(number, key, body_of(number), self.folders / f".new-{secrets.token_hex(8)}"))
            self._make_all(births)
            return [found[key.hash] for _, key in asked]

    def is_free(self, number: int) -> bool:
        """Whether nobody has this id, and nobody had it."""
        return not self._is_taken(number)

    def born(self, key: Key) -> int | None:
        """The id of the one that was made under this key and is there; None where none is."""
        named = self._named(key)
        return named[0] if named is not None and self._is_of(named[0], key) else None

    def namesake(self, key: Key) -> Namesake | None:
        """Who was made under this key before; None where nobody was, or its create died on the way."""
        named = self._named(key)
        if named is None:
            return None
        number, content = named
        deleted = self._was_ours(number, key)
        if not deleted and not self._is_of(number, key):
            return None
        return Namesake(number, content == key.content, deleted)

    def ids(self) -> list[int]:
        """The ids that have a folder, in no order."""
        return _numbers(self.folders)

    def bury(self, number: int) -> Path:
        """Take a folder away, and its id for ever; returns where the folder lies now, to be removed.

        Raises:
            Missing: there is none.
            DiskFull, Unavailable: it is there still, or gone.
        """
        with disk.locked(self.folders), disk.translated(self.folders):
            folder = self.folders / str(number)
            trash = self.folders.parent / "trash"
            with _there(trash):
                pass
            if self.gone is not None:
                key = _text(folder / KEY_FILE)
                key = key if key is None or _HASH.fullmatch(key) else UNKNOWN
                with _there(self.gone):
                    disk.place(self.gone / str(number), json.dumps({"key": key}).encode())
            failpoints.hit("delete.entombed")
            aside = trash / f"{number}.{secrets.token_hex(4)}"
            folder.replace(aside)
            disk.sync_folder(self.folders)
            failpoints.hit("delete.moved")
            return aside

    def forget_key(self, number: int) -> None:
        """Let the idempotency key that this was made under stand for nothing any more, before it is taken away."""
        key = _text(self.folders / str(number) / KEY_FILE)
        if key is None or not _HASH.fullmatch(key):
            return
        path = self.keys / f"{key}.json"
        named = _named(path)
        if named is not None and named[0] == number:  # a folder copied by hand bears another's key
            path.unlink(missing_ok=True)

    def mark(self, number: int) -> None:
        """Mark an id as not ended, durably.  Raises DiskFull, Unavailable: it may not be marked."""
        if self.markers is None or (self.markers / str(number)).exists():
            return
        with _there(self.markers):
            (self.markers / str(number)).touch(mode=disk.FILE_MODE)  # empty: its name is all that has to be durable
            disk.sync_folder(self.markers)

    def is_marked(self, number: int) -> bool:
        """Whether an id is marked as not ended."""
        return self.markers is not None and (self.markers / str(number)).exists()

    def unmark(self, number: int) -> None:
        """Take the mark away."""
        if self.markers is not None:
            (self.markers / str(number)).unlink(missing_ok=True)

    def unmark_if_not_there(self, number: int) -> bool:
        """Take away a mark that leads nowhere: its create died, or the folder was deleted; returns whether it did so."""
        with disk.locked(self.folders):
            if self._is_there(number):
                return False
            self.unmark(number)
            return True

    def marked(self) -> list[int]:
        """The ids that are marked as not ended, in no order."""
        found = [] if self.markers is None else _numbers(self.markers)
        return [number for number in found if self._is_there(number) or not self.unmark_if_not_there(number)]

    def _named_by(self, key: Key, wanted: int | None) -> tuple[int, bool]:
        """The id that the key names, and whether its folder is there."""
        known, born = self._known_by(key, wanted)
        if known is not None:
            return known, born
        if wanted is not None and self._is_taken(wanted):
            (self.keys / f"{key.hash}.json").unlink(missing_ok=True)
            raise _taken(wanted)
        number = wanted if wanted is not None else self._next_id()
        self._name(key, number)
        failpoints.hit("create.named")
        return number, False

    def _known_by(self, key: Key, wanted: int | None) -> tuple[int | None, bool]:
        """The id that the key names already, and whether its folder is there; None where it names none that can be used."""
        named = self._named(key)
        if named is None:
            return None, False
        number, content = named
        if content != key.content or (wanted is not None and wanted != number):
            raise other_content()
        if self._is_of(number, key):
            return number, True
        if self._was_ours(number, key):
            raise _deleted(number)
        return (None if self._is_taken(number) else number), False  # free: we died between the key and the folder

    def _named(self, key: Key) -> tuple[int, str] | None:
        """The id that a key names, and of what content.

        A key's file that a disk spoilt must not let the same be made twice: who was made under it says so himself.  Of which content
        nobody knows then; it is taken for the same.
        """
        path = self.keys / f"{key.hash}.json"
        named = _named(path)
        if named is not None or not path.exists():
            return named
        number = next((number for number in self.ids() if _text(self.folders / str(number) / KEY_FILE) == key.hash), None)
        if number is None and self.gone is not None:
            number = next((number for number in _numbers(self.gone) if _text_key(self.gone / str(number)) == key.hash), None)
        log.warning("key_unreadable", path=str(path), made_under_it=number)
        return None if number is None else (number, key.content)

    def _name(self, key: Key, number: int, *, durable: bool = True) -> None:
        disk.place(self.keys / f"{key.hash}.json", json.dumps({"id": number, "content": key.content}).encode(), durable=durable)

    def _make(self, number: int, body: bytes, key: Key | None, prepared: Path | None) -> None:
        aside = prepared or self.folders / f".new-{secrets.token_hex(8)}"
        known, written_at = self._highest, self._written_at()
        try:
            disk.make_folder(aside)
            if key is not None:
                disk.place(aside / KEY_FILE, key.hash.encode(), durable=False)
            disk.place(aside / self.state_name, body)
            failpoints.hit("create.prepared")
            self.mark(number)
            failpoints.hit("create.marked")
            aside.replace(self.folders / str(number))
            failpoints.hit("create.placed")
            disk.sync_folder(self.folders)
        except BaseException:
            shutil.rmtree(aside, ignore_errors=True)
            raise
        if known.seen == written_at:  # nobody else's since: ours is all that has to be counted
            known.number = max(known.number, number) if number < ID_LIMIT else known.number
            known.seen = self._written_at()

    def _make_all(self, births: Sequence[Birth]) -> None:
        """As `_make`, in the same order: keys, markers, folders; each kind is durable before the next begins."""
        try:
            disk.sync_all([self.keys / f"{birth.key.hash}.json" for birth in births], [self.keys])
            failpoints.hit("create.many-named")
            for birth in births:
                disk.make_folder(birth.aside)
                disk.place(birth.aside / KEY_FILE, birth.key.hash.encode(), durable=False)
                disk.place(birth.aside / self.state_name, birth.body, durable=False)
            disk.sync_all([birth.aside / self.state_name for birth in births], [birth.aside for birth in births])
            if self.markers is not None:
                for birth in births:
                    (self.markers / str(birth.number)).touch(mode=disk.FILE_MODE)
                disk.sync_folder(self.markers)
            failpoints.hit("create.many-marked")
            for birth in births:
                birth.aside.replace(self.folders / str(birth.number))
                failpoints.hit("create.many-begun")
            disk.sync_folder(self.folders)
        finally:
            for birth in births:
                shutil.rmtree(birth.aside, ignore_errors=True)  # those that did not become one

    def _is_taken(self, number: int) -> bool:
        return (self.folders / str(number)).exists() or (self.gone is not None and (self.gone / str(number)).exists())

    def _is_of(self, number: int, key: Key) -> bool:
        """Whether the one of this id, which the key names, was made under it; it is where its own word for it was lost with the power."""
        text = _text(self.folders / str(number) / KEY_FILE)
        return text == key.hash or (text is not None and not _HASH.fullmatch(text))

    def _was_ours(self, number: int, key: Key) -> bool:
        """Whether the deleted one of this id was made under the key; where its tombstone can't be read, it may have been."""
        if self.gone is None or not (self.gone / str(number)).exists():
            return False
        found = _text_key(self.gone / str(number))
        return found in {key.hash, UNKNOWN}

    def _is_there(self, number: int) -> bool:
        return os.path.exists(f"{self.folders}/{number}")  # noqa: PTH110 - of ten thousand: a Path takes longer than the call

    def _next_id(self) -> int:
        """The id after the highest; they are counted anew only where somebody else made or deleted one since ours."""
        known, written_at = self._highest, self._written_at()
        if known.seen != written_at or self._is_taken(known.number + 1):
            used = [*_numbers(self.folders), *(_numbers(self.gone) if self.gone is not None else ())]
            known.number = max((number for number in used if number < ID_LIMIT), default=0)
            known.seen = written_at
        return known.number + 1

    def _written_at(self) -> tuple[int, ...]:
        """When a name was last made or removed where ids lie."""
        return tuple(folder.stat().st_mtime_ns for folder in (self.folders, self.gone) if folder is not None and folder.is_dir())


@contextmanager
def _there(folder: Path) -> Iterator[None]:
    """A folder of ours, made where somebody took it away: what is missing then is not the project, which `Missing` would say.

    Raises:
        DiskFull, Unavailable: it can't be used.
    """
    try:
        with disk.translated(folder):
            disk.make_folder(folder)
            yield
    except Missing as error:
        raise Unavailable(str(folder), "it is no folder") from error


def _named(path: Path) -> tuple[int, str] | None:
    text = _text(path)
    if text is None:
        return None
    with suppress(ValueError, KeyError, TypeError, RecursionError):
        data = json.loads(text)
        number, content = data["id"], data["content"]
        if isinstance(number, int) and _ID.fullmatch(str(number)) and isinstance(content, str):
            return number, content
    return None


def _text_key(tombstone: Path) -> str | None:
    """The key that a tombstone bears; None: none, `UNKNOWN`: it can't be read."""
    text = _text(tombstone)
    if not text:
        return None
    with suppress(ValueError, KeyError, TypeError, RecursionError):
        key = json.loads(text)["key"]
        if key is None or isinstance(key, str):
            return key
    return UNKNOWN


def _text(path: Path) -> str | None:
    try:
        return disk.read(path).decode(errors="replace")
    except Missing:
        return None


def _numbers(folder: Path) -> list[int]:
    """The names in a folder that are ids; nothing else there matters."""
    try:
        return [int(name) for name in os.listdir(folder) if _ID.fullmatch(name)]  # noqa: PTH208 - as above
    except FileNotFoundError:
        return []
    except OSError as error:
        raise Unavailable(str(folder), error.strerror or error) from error


def _taken(number: int) -> Conflict:
    return Conflict(
        Text(f"編號 {number} 已被使用", f"the id {number} is taken"),
        Text("換一個編號，或不指定編號", "choose another id, or none"),
    )


def other_content() -> Conflict:
    """An idempotency key stands for something else."""
    return Conflict(
        Text("這個 idempotency key 已用於另一份內容", "this idempotency key was used for something else"),
        Text("相同的 key 只能用於相同的內容；請換一個 key", "one key stands for one content; use another key"),
    )


def _deleted(number: int) -> Conflict:
    return Conflict(
        Text(f"這個 idempotency key 的專案 {number} 已刪除", f"project {number} of this idempotency key was deleted"),
        Text("請換一個 key", "use another key"),
    )
